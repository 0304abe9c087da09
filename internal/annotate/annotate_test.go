package annotate

import (
	"maps"
	"strings"
	"testing"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/log"
	"holdfast/internal/repo"
	"holdfast/internal/repo/repotest"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

func build(t *testing.T, history string) (*storagetest.Mem, *repotest.World) {
	t.Helper()
	mem := storagetest.NewMem()
	return mem, repotest.Build(t, mem, "/r", time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), history)
}

// notes returns the annotations of a backup in a repository.
func notes(t *testing.T, w *repotest.World, repo int, name string) map[string]string {
	t.Helper()
	info, err := w.Repos[repo].LoadBackupInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, ok := info.Backup(w.Label(name))
	if !ok {
		t.Fatalf("%s is not in repository %d", name, repo)
	}
	return b.Annotations
}

func TestNotes(t *testing.T) {
	_, w := build(t, "db 1 15\nF1 9d wal=1.0.1\nF2 8d wal=1.0.2")
	for _, step := range []struct{ change, want map[string]string }{
		{map[string]string{"a": "1", "": "no key", "b c": " d"}, map[string]string{"a": "1", "": "no key", "b c": " d"}},
		{map[string]string{"a": "2", "": "", "nope": ""}, map[string]string{"a": "2", "b c": " d"}},
		{map[string]string{"a": "", "b c": ""}, nil},
	} {
		logger, lines := log.Memory()
		if err := Run(t.Context(), Options{Repos: w.Repos, Set: w.Label("F1"), Notes: step.change, Log: logger}); err != nil {
			t.Fatal(err)
		}
		if got := notes(t, w, 0, "F1"); !maps.Equal(got, step.want) {
			t.Errorf("got %q, want %q", got, step.want)
		}
		if got := notes(t, w, 0, "F2"); got != nil {
			t.Errorf("another backup has %q", got)
		}
		if got := w.Name(lines.Text()); got != "INFO: backup set 'F1' to annotate found in repo1\n" {
			t.Errorf("log: %s", got)
		}
	}
}

// TestEveryRepositoryKeepsItsOwn is about a backup that only the second repository has: nothing of the one may get into the other.
func TestEveryRepositoryKeepsItsOwn(t *testing.T) {
	mem, w := build(t, "db 1 15\nF1 9d wal=1.0.1\nrepo 2\ndb 1 15\nF2 8d wal=1.0.2\nF3 7d wal=1.0.3\nrepo 3\ndb 1 15\nF2 8d wal=1.0.2")
	trace := storagetest.NewTrace(mem)
	before, err := w.Repos[0].LoadBackupInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	logger, lines := log.Memory()
	if err := Run(t.Context(), Options{Repos: w.Repos, Set: w.Label("F2"), Notes: map[string]string{"k": "v"}, Log: logger}); err != nil {
		t.Fatal(err)
	}
	if got := lines.Text(); strings.Count(got, "found in repo2") != 1 || strings.Count(got, "found in repo3") != 1 || strings.Contains(got, "repo1") {
		t.Errorf("log: %s", got)
	}
	after, err := w.Repos[0].LoadBackupInfo(t.Context())
	if err != nil || len(after.Backups) != len(before.Backups) || after.Backups[0].Label != w.Label("F1") || after.Backups[0].Annotations != nil {
		t.Errorf("repository 1 now has %+v (%v)", after, err)
	}
	if notes(t, w, 1, "F2")["k"] != "v" || notes(t, w, 2, "F2")["k"] != "v" || notes(t, w, 1, "F3") != nil {
		t.Error("repositories 2 and 3 do not have the note, or another backup has")
	}
	if text := trace.Text(); text != "" {
		t.Errorf("wrote %s", text)
	}
}

func TestFailures(t *testing.T) {
	run := func(w *repotest.World, set string) (string, error) {
		logger, lines := log.Memory()
		err := Run(t.Context(), Options{Repos: w.Repos, Set: set, Notes: map[string]string{"k": "v"}, Log: logger})
		return w.Name(lines.Text()), err
	}
	const history = "db 1 15\nF1 9d wal=1.0.1\nF1I1 8d wal=1.0.2 gone\nrepo 2\ndb 1 15\nF1 9d wal=1.0.1"
	mem, w := build(t, history)
	for set, code := range map[string]errs.Code{
		"latest": errs.OptionInvalidValue, "20200101-000000F": errs.BackupSetInvalid, w.Label("F1I1"): errs.BackupSetInvalid,
	} {
		if _, err := run(w, set); !errs.Is(err, code) {
			t.Errorf("%s: %v", set, err)
		}
	}
	lines, err := run(w, w.Label("F1"))
	if want := "WARN: backup 'F1I1' missing manifest removed from backup.info\nINFO: backup set 'F1' to annotate found in repo1\n"; err != nil ||
		!strings.HasPrefix(lines, want) {
		t.Errorf("%v\n%s", err, lines)
	}
	for _, name := range []string{"backup.info", "backup.info.copy"} {
		if err := mem.Remove(t.Context(), w.Repos[0].BackupPath(name)); err != nil {
			t.Fatal(err)
		}
	}
	lines, err = run(w, w.Label("F1"))
	if !errs.Is(err, errs.Command) || err.Error() != "annotate command encountered 1 error(s), check the log file for details" ||
		!strings.HasPrefix(lines, "ERROR: [055]: repo1: unable to load info file ") || !strings.Contains(lines, "HINT: has a stanza-create") ||
		!strings.HasSuffix(lines, "INFO: backup set 'F1' to annotate found in repo2\n") {
		t.Errorf("%v\n%s", err, lines)
	}
}

// TestInterrupted cuts every writing operation off: the repository must have either the old notes or the new ones.
func TestInterrupted(t *testing.T) {
	for n := 1; ; n++ {
		mem, w := build(t, "db 1 15\nF1 9d wal=1.0.1")
		faulty := storagetest.NewFaulty(mem, n)
		faulty.Stay = true
		r := w.Repos[0]
		err := Run(t.Context(), Options{Repos: retreed(r, faulty), Set: w.Label("F1"), Notes: map[string]string{"k": "v"}})
		if !faulty.Fired() {
			break
		}
		crashed := retreed(r, mem.Crash())[0]
		info, loadErr := crashed.LoadBackupInfo(t.Context())
		if loadErr != nil || err == nil {
			t.Fatalf("%s failed: %v, then: %v", faulty.Failed(), err, loadErr)
		}
		if b, ok := info.Backup(w.Label("F1")); !ok || len(b.Annotations) > 1 {
			t.Errorf("%s failed: %+v", faulty.Failed(), b)
		}
	}
}

// retreed is the same repository on another tree.
func retreed(r *repo.Repo, tree storage.Tree) []*repo.Repo {
	return []*repo.Repo{repo.New(repo.Config{Key: r.Key(), Path: r.Path(), Storage: tree, Stanza: r.Stanza(), Program: r.Program()})}
}
