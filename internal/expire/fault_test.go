package expire_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"holdfast/internal/expire"
	"holdfast/internal/format"
	"holdfast/internal/repo"
	"holdfast/internal/repo/repotest"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

// manySets has something for each kind of removal.
const manySets = `
db 1 14
F1 90d wal=1.0.2
F1I1 89d wal=1.0.4
wal 14-1 1.0.1-1.0.5 .gz
db 2 15
F2 80d wal=1.0.2
F2D1 79d wal=1.0.4-1.0.5
F2I1 78d wal=1.0.7
F2D2 77d wal=2.0.8
F3 70d wal=2.1.2
F3D1 69d wal=2.1.4
F3I1 68d wal=2.1.6
F3D2 67d wal=2.1.8
F4 60d bare
F5 50d unlisted wal=2.2.2
F0 95d past
wal 15-2 1.0.1-1.0.A .gz
wal 15-2 2.0.8-2.2.5 .gz
file archive/demo/15-2/00000002.history
file archive/demo/15-2/00000001.history
`

var faultRuns = []struct {
	name      string
	set       string
	retention expire.Retention
}{
	{"count", "", expire.Retention{Full: 2, Archive: 2, ArchiveType: format.Full, Diff: 2}},
	{"time", "", expire.Retention{Full: 60, FullByTime: true, ArchiveType: format.Full}},
	{"archive", "", expire.Retention{Full: 4, Archive: 1, ArchiveType: format.Incr, KeepHistory: true}},
	{"set", "F3D1", expire.Retention{Full: 2, Archive: 2, ArchiveType: format.Full, KeepHistory: true}},
	{"latest set", "F5", expire.Retention{Full: 2, Archive: 2, ArchiveType: format.Full, KeepHistory: true}},
}

// TestFaults fails every single operation. Whatever backups are left can be restored at every moment, and the next run finishes.
func TestFaults(t *testing.T) {
	for _, test := range faultRuns {
		t.Run(test.name, func(t *testing.T) {
			want := finished(t, test.set, test.retention)
			n := 1
			for ; ; n++ {
				mem := storagetest.NewMem()
				w := repotest.Build(t, mem, root, now, manySets)
				faulty := storagetest.NewFaulty(mem, n)
				said, err := run(t.Context(), w, expire.Options{Repos: over(w, faulty, test.retention), Set: w.Label(test.set)})
				if !faulty.Fired() {
					break
				}
				if verb := faulty.Failed().Verb; err == nil && verb != "open" && verb != "read" { // all that is read has a copy
					t.Errorf("fault %d, %s, went unnoticed:\n%s", n, faulty.Failed(), said)
				}
				name := fmt.Sprintf("fault %d: %s", n, faulty.Failed())
				restorable(t, w, mem, name)
				finishes(t, w, mem, test.set, test.retention, want, name)
			}
			if n < 30 {
				t.Errorf("only %d operations", n)
			}
		})
	}
}

// TestCrashes loses power after every single operation, and with it what was not synced.
func TestCrashes(t *testing.T) {
	for _, test := range faultRuns {
		t.Run(test.name, func(t *testing.T) {
			want := finished(t, test.set, test.retention)
			for n := 1; ; n++ {
				mem := storagetest.NewMem()
				w := repotest.Build(t, mem, root, now, manySets)
				sync(t, mem)
				faulty := storagetest.NewFaulty(mem, n)
				faulty.Stay = true
				_, _ = run(t.Context(), w, expire.Options{Repos: over(w, faulty, test.retention), Set: w.Label(test.set)})
				if !faulty.Fired() {
					break
				}
				name := fmt.Sprintf("crash %d: %s", n, faulty.Failed())
				after := mem.Crash()
				restorable(t, w, after, name)
				finishes(t, w, after, test.set, test.retention, want, name)
			}
		})
	}
}

// sync makes durable what was built.
func sync(t *testing.T, mem *storagetest.Mem) {
	t.Helper()
	for _, path := range mem.Paths() {
		if dir, ok := strings.CutSuffix(path, "/"); ok {
			if err := mem.SyncDir(t.Context(), "/"+strings.TrimPrefix(dir, "/")); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// finished returns the paths after an undisturbed run.
func finished(t *testing.T, set string, keep expire.Retention) map[string]bool {
	t.Helper()
	mem := storagetest.NewMem()
	w := repotest.Build(t, mem, root, now, manySets)
	before := paths(mem)
	if _, err := run(t.Context(), w, expire.Options{Repos: over(w, mem, keep), Set: w.Label(set)}); err != nil {
		t.Fatal(err)
	}
	restorable(t, w, mem, "undisturbed")
	after := paths(mem)
	if len(after) > len(before)-8 {
		t.Fatalf("hardly anything was removed: %d of %d paths are left", len(after), len(before))
	}
	return withoutLatest(after)
}

// withoutLatest drops the link that nothing reads. It is not mended when a run by name was cut off.
func withoutLatest(set map[string]bool) map[string]bool {
	maps.DeleteFunc(set, func(path string, _ bool) bool { return strings.HasSuffix(path, "/latest") })
	return set
}

// restorable checks that each backup on disk has all it needs: its files, those it is based on, and its WAL.
func restorable(t *testing.T, w *repotest.World, mem *storagetest.Mem, when string) {
	t.Helper()
	there := paths(mem)
	r := over(w, mem, expire.Retention{})[0]
	onDisk, err := r.BackupLabels(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	for _, label := range onDisk {
		if !there[r.BackupPath(label, repo.ManifestFile)] {
			continue
		}
		m, err := r.LoadManifest(t.Context(), label, "")
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		for _, reference := range m.References {
			if !there[r.BackupPath(reference, "pg_data/PG_VERSION")] {
				t.Errorf("%s: %s lacks the files of %s", when, w.Name(label), w.Name(reference))
			}
			if !there[r.BackupPath(reference, repo.ManifestFile)] {
				t.Errorf("%s: %s outlives %s", when, w.Name(label), w.Name(reference))
			}
		}
		archive := format.ArchiveDB{ID: m.DB.ID, Version: m.DB.Version}
		for _, segment := range []string{m.ArchiveStart, m.ArchiveStop} {
			found, err := r.FindSegment(t.Context(), archive.ArchiveID(), segment)
			if err != nil || len(found) != 1 {
				t.Errorf("%s: %s lacks segment %s: %v", when, w.Name(label), segment, err)
			}
		}
	}
}

// finishes checks that the next run does what the disturbed one has left, and that backup.info is whole and true.
func finishes(
	t *testing.T, w *repotest.World, mem *storagetest.Mem, set string, keep expire.Retention, want map[string]bool, when string,
) {
	t.Helper()
	said, err := run(t.Context(), w, expire.Options{Repos: over(w, mem, keep), Set: w.Label(set)})
	if err != nil {
		t.Fatalf("%s: the next run: %v\n%s", when, err, said)
	}
	got := withoutLatest(paths(mem))
	for path := range got {
		if !want[path] {
			t.Errorf("%s: %s is still there", when, w.Name(path))
		}
	}
	for path := range want {
		if !got[path] {
			t.Errorf("%s: %s is missing", when, w.Name(path))
		}
	}
	info, err := over(w, mem, keep)[0].LoadBackupInfo(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	for _, b := range info.Backups {
		if exists, err := storage.Exists(t.Context(), mem, w.Repos[0].BackupPath(b.Label, repo.ManifestFile)); err != nil || !exists {
			t.Errorf("%s: %s is listed, but not there: %v", when, w.Name(b.Label), err)
		}
	}
}
