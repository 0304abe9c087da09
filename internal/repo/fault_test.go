package repo_test

import (
	"testing"

	"holdfast/internal/format"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

func onTree(tree storage.Tree) *repo.Repo {
	return repo.New(repo.Config{Key: 1, Path: "/repo", Storage: tree, Stanza: "demo", CipherType: repo.CipherAES, CipherPass: "secret",
		Symlink: true, Program: "2.60.0"})
}

// Whatever operation of a save fails, and even if the machine stops there, the old list or the new one can be read, and the next
// save succeeds.
func TestSaveBackupInfoWithFaults(t *testing.T) {
	for n := 1; ; n++ {
		mem := storagetest.NewMem()
		info := backupInfo()
		info.Add(manifest(fullLabel, "").Summary())
		if err := onTree(mem).SaveBackupInfo(t.Context(), info); err != nil {
			t.Fatal(err)
		}
		next := *info
		next.Backups = append([]format.Backup(nil), info.Backups...)
		next.Add(manifest("20261121-000000F", "").Summary())
		faulty := storagetest.NewFaulty(mem, n)
		err := onTree(faulty).SaveBackupInfo(t.Context(), &next)
		if !faulty.Fired() {
			if n < 5 || err != nil {
				t.Errorf("%d operations, %v", n-1, err)
			}
			return
		}
		if err == nil {
			t.Errorf("%s: failed unnoticed", faulty.Failed())
		}
		for when, tree := range map[string]storage.Tree{"then": mem, "after a crash": mem.Crash()} {
			r := onTree(tree)
			read, err := r.LoadBackupInfo(t.Context())
			if err != nil || len(read.Backups) < 1 || len(read.Backups) > 2 {
				t.Errorf("%s: %s %+v, %v", faulty.Failed(), when, read, err)
			}
			if err := r.SaveBackupInfo(t.Context(), &next); err != nil {
				t.Errorf("%s: %s %v", faulty.Failed(), when, err)
			}
		}
	}
}

// A commit cut off anywhere leaves a backup that either is complete and readable or does not exist, never one that is half there.
func TestCommitManifestWithFaults(t *testing.T) {
	m := manifest(fullLabel, "")
	for n := 1; ; n++ {
		mem := storagetest.NewMem()
		faulty := storagetest.NewFaulty(mem, n)
		err := onTree(faulty).CommitManifest(t.Context(), m, "pass")
		if !faulty.Fired() {
			if n < 10 || err != nil {
				t.Errorf("%d operations, %v", n-1, err)
			}
			return
		}
		if err == nil {
			t.Errorf("%s: failed unnoticed", faulty.Failed())
		}
		for when, tree := range map[string]storage.Tree{"then": mem, "after a crash": mem.Crash()} {
			r := onTree(tree)
			complete, err := r.ManifestExists(t.Context(), fullLabel)
			if err != nil {
				t.Errorf("%s: %s %v", faulty.Failed(), when, err)
			}
			if _, err := r.LoadManifest(t.Context(), fullLabel, "pass"); complete && err != nil {
				t.Errorf("%s: %s %v", faulty.Failed(), when, err)
			}
			if err := r.CommitManifest(t.Context(), m, "pass"); err != nil {
				t.Errorf("%s: %s %v", faulty.Failed(), when, err)
			}
		}
	}
}

// The order in which a backup becomes complete is part of what is promised about data.
func TestCommitManifestOrder(t *testing.T) {
	trace := storagetest.NewTrace(storagetest.NewMem())
	if err := onTree(trace).CommitManifest(t.Context(), manifest(fullLabel, ""), "pass"); err != nil {
		t.Fatal(err)
	}
	want := "create /repo/backup/demo/" + fullLabel + "/backup.manifest.copy atomic\n" +
		"write /repo/backup/demo/" + fullLabel + "/backup.manifest.copy\n" +
		"close /repo/backup/demo/" + fullLabel + "/backup.manifest.copy\n" +
		"create /repo/backup/demo/" + fullLabel + "/backup.manifest atomic\n" +
		"write /repo/backup/demo/" + fullLabel + "/backup.manifest\n" +
		"close /repo/backup/demo/" + fullLabel + "/backup.manifest\n" +
		"create /repo/backup/demo/backup.history/2026/" + fullLabel + ".manifest.gz atomic\n" +
		"write /repo/backup/demo/backup.history/2026/" + fullLabel + ".manifest.gz\n" +
		"close /repo/backup/demo/backup.history/2026/" + fullLabel + ".manifest.gz\n" +
		"syncdir /repo/backup/demo/backup.history\n"
	if trace.Text() != want {
		t.Errorf("%s", trace.Text())
	}
}
