package repo_test

import (
	"os"
	"strings"
	"testing"

	"holdfast/internal/log"
	"holdfast/internal/repo"
)

func TestReconcile(t *testing.T) {
	const (
		diff    = fullLabel + "_20261120-215557D"
		incr    = fullLabel + "_20261120-215558I"
		other   = "20261121-000000F"
		foreign = "20261122-000000F"
	)
	r := newRepo(t, repo.CipherNone)
	if err := r.SaveBackupInfo(t.Context(), backupInfo()); err != nil {
		t.Fatal(err)
	}
	commit(t, r, manifest(fullLabel, ""))
	commit(t, r, manifest(diff, fullLabel))
	commit(t, r, manifest(incr, diff))
	stranger := manifest(foreign, "")
	stranger.DB.SystemID++
	commit(t, r, stranger)
	commit(t, r, manifest(other+"_20261121-000001D", other)) // nothing of its set is listed
	if err := r.SaveManifestCopy(t.Context(), manifest("20261123-000000F", ""), ""); err != nil {
		t.Fatal(err)
	}

	logger, lines := log.Memory()
	info, changed, err := r.ReconciledBackupInfo(t.Context(), logger)
	if err != nil || !changed || len(info.Backups) != 3 {
		t.Fatalf("%d backups, changed %v, %v", len(info.Backups), changed, err)
	}
	want := "WARN: backup '" + fullLabel + "' found in repository added to backup.info\n" +
		"WARN: backup '" + diff + "' found in repository added to backup.info\n" +
		"WARN: backup '" + incr + "' found in repository added to backup.info\n" +
		"WARN: invalid backup '" + foreign + "' cannot be added to current backups\n"
	if got := strings.TrimSpace(lines.Text()); got != strings.TrimSpace(want) {
		t.Errorf("logged\n%s\nwant\n%s", got, want)
	}

	if err := r.SaveBackupInfo(t.Context(), info); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(r.BackupPath(diff, repo.ManifestFile)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(r.BackupPath(diff, repo.ManifestFile+repo.CopyExt)); err != nil {
		t.Fatal(err)
	}
	// The incr is removed with the diff, though its manifest is there, and it stays out: its prior is not listed.
	for range 2 {
		logger, lines = log.Memory()
		info, changed, err = r.ReconciledBackupInfo(t.Context(), logger)
		if err != nil || len(info.Backups) != 1 {
			t.Fatalf("%d backups, changed %v, %v", len(info.Backups), changed, err)
		}
		if err := r.SaveBackupInfo(t.Context(), info); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(lines.Text(), "removed") != changed {
			t.Errorf("changed %v:\n%s", changed, lines.Text())
		}
	}
}
