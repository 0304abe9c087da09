package info

import (
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/lock"
	"holdfast/internal/repo"
	"holdfast/internal/repo/repotest"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

type renderer func(io.Writer, []Stanza) error

func rendered(t *testing.T, write renderer, stanzas []Stanza) string {
	t.Helper()
	var out strings.Builder
	if err := write(&out, stanzas); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const twoSets = `
db 1 14
F1 30d wal=1.0.2-1.0.3
F1D1 29d wal=1.0.4
F1I1 28d wal=1.0.6
wal 14-1 1.0.1-1.0.7 .gz
db 2 15
F2 10d wal=1.0.1
F3 5d error
wal 15-2 1.0.1-1.2.3
`

// running is the content of the lock file of a process.
const running = `{"execId":"77-0123abcd","pctCplt":2736,"pid":77,"sz":184809557,"szCplt":50569216}`

// situations are what info can meet. The golden file shows what it makes of them.
var situations = []struct {
	name, history string
	remove        []string          // below the root
	broken        string            // below the root; cannot be read
	locks         map[string]string // names and contents of lock files that are held
	stale         bool              // nobody holds them
	options       Options           // Set may be a name
}{
	{name: "nothing", history: "dir x"},
	{name: "two clusters", history: twoSets},
	{name: "one stanza", history: twoSets + "dir backup/other", options: Options{Stanza: "demo"}},
	{name: "all stanzas", history: twoSets + "dir backup/other"},
	{name: "one backup (SN-608)", history: twoSets, options: Options{Stanza: "demo", Set: "F1I1"}},
	{name: "a backup nobody has (SN-608)", history: twoSets, options: Options{Stanza: "demo", Set: "20200101-000000F"}},
	{name: "one type", history: twoSets, options: Options{Type: "diff"}},
	{name: "code 1", history: twoSets, options: Options{Stanza: "other"}},
	{name: "code 2", history: "db 1 15\nwal 15-1 1.0.1"},
	{name: "code 3", history: "db 1 15", remove: []string{"repo1/backup/demo/backup.info", "repo1/backup/demo/backup.info.copy"}},
	{name: "code 4", history: twoSets + "repo 2\ndb 1 14\ndb 2 15"},
	{name: "code 5", history: twoSets + "repo 2\ndb 1 14\nF4 4d"},
	{
		name: "code 99, a file", history: twoSets,
		remove: []string{"repo1/archive/demo/archive.info", "repo1/archive/demo/archive.info.copy"},
	},
	{name: "code 99, a repository (SN-607)", history: twoSets + "repo 2\ndb 1 14\ndb 2 15", broken: "repo2/backup"},
	{name: "code 99, the first repository", history: twoSets + "repo 2\ndb 2 15", broken: "repo1/backup"},
	{name: "code 99, the only repository", history: twoSets, broken: "repo1/backup"},
	{name: "code 99, the only repository, a stanza", history: twoSets, broken: "repo1/backup", options: Options{Stanza: "demo"}},
	{name: "code 99, WAL", history: twoSets, broken: "repo1/archive/demo/14-1/0000000100000000"},
	{name: "a copy is enough", history: twoSets, remove: []string{"repo1/backup/demo/backup.info", "repo1/archive/demo/archive.info"}},
	{name: "merged by the time of the end", history: "db 1 15\nF1 9d stop=20h\nF1D1 8d12h\nF1I1 8d\nrepo 2\ndb 1 15\nF2 8d10h\nF3 8d"},
	{name: "backup running (SN-609)", history: twoSets, locks: map[string]string{"backup-1": running}},
	{name: "backup running, progress", history: twoSets, locks: map[string]string{"backup-1": running}, options: Options{Brief: true}},
	{
		name: "backup starting", history: twoSets, options: Options{Brief: true},
		locks: map[string]string{"backup-1": `{"execId":"77-0123abcd","pid":77}`},
	},
	{
		name: "everything running", history: "db 1 15\nrepo 2\n" + twoSets, options: Options{Brief: true},
		locks: map[string]string{"backup-1": running, "backup-2": running, "restore-1": running},
	},
	{
		name: "process is gone", history: twoSets, options: Options{Brief: true},
		locks: map[string]string{"backup-1": running}, stale: true,
	},
	{name: "lock makes no sense", history: twoSets, locks: map[string]string{"backup-1": "{"}, options: Options{Brief: true}},
	{
		name: "lock with half a progress", history: twoSets, options: Options{Brief: true},
		locks: map[string]string{"backup-1": `{"execId":"77-0123abcd","pid":77,"sz":12}`},
	},
	{
		name: "lock for nothing", history: twoSets, options: Options{Brief: true},
		locks: map[string]string{"restore-1": `{"execId":"77-0123abcd","pid":77,"sz":0,"szCplt":0}`},
	},
	{
		name: "locks of a broken repository do not count", history: twoSets + "repo 2\ndb 1 14\ndb 2 15", broken: "repo2/backup",
		locks: map[string]string{"backup-2": running}, options: Options{Brief: true, Stanza: "demo"},
	},
}

func TestCollect(t *testing.T) {
	const golden = "testdata/collect.golden"
	inZone(t, time.FixedZone("", -(3*3600+1800)))
	var got strings.Builder
	for _, s := range situations {
		mem := storagetest.NewMem()
		w := repotest.Build(t, mem, "/srv", time.Date(2026, 11, 20, 12, 30, 0, 0, time.Local), s.history)
		o := s.options
		o.LockDir = holdLocks(t, s.locks, s.stale)
		if label := w.Label(o.Set); label != "" {
			o.Set = label
		}
		for _, path := range s.remove {
			if err := mem.Remove(t.Context(), "/srv/"+path); err != nil {
				t.Fatal(err)
			}
		}
		o.Repos = opened(w, &denied{Tree: mem, path: "/srv/" + s.broken})
		stanzas, err := Collect(t.Context(), o)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		fmt.Fprintf(&got, "=== %s\n%s%s\n", s.name, w.Name(rendered(t, WriteText, stanzas)), w.Name(rendered(t, WriteJSON, stanzas)))
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s", got.String())
	}
}

// holdLocks makes lock files of the stanza, held as if by another process: locks of two open files exclude each other.
func holdLocks(t *testing.T, locks map[string]string, stale bool) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range locks {
		file, err := os.Create(filepath.Join(dir, "demo-"+name+".lock"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		if _, err := file.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if stale {
			continue
		}
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// opened returns the repositories of a world, for any stanza, as seen through a storage.
func opened(w *repotest.World, tree storage.Tree) []*repo.Repo {
	var repos []*repo.Repo
	for _, r := range w.Repos {
		repos = append(repos, repo.New(repo.Config{Key: r.Key(), Path: r.Path(), Storage: tree}))
	}
	if repos == nil {
		repos = append(repos, repo.New(repo.Config{Key: 1, Path: w.Root + "/repo1", Storage: tree}))
	}
	return repos
}

// denied is a storage with a path that must not be read; taking the permission away would not stop root.
type denied struct {
	storage.Tree
	path string
}

func (d *denied) List(ctx context.Context, path string, fn func(storage.Info) error) error {
	if path == d.path {
		return errs.Because(errs.PathOpen, fs.ErrPermission, "unable to list file info for path '%s': [13] Permission denied", path)
	}
	return d.Tree.List(ctx, path, fn)
}

// A lock file of another user says nothing, rather than stopping everything.
func TestUnreadableLock(t *testing.T) {
	mem := storagetest.NewMem()
	w := repotest.Build(t, mem, "/srv", time.Now(), twoSets)
	dir := t.TempDir()
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", lock.File(dir, "demo", lock.Backup, 1)); err != nil {
		t.Fatal(err)
	}
	stanzas, err := Collect(t.Context(), Options{Repos: opened(w, mem), LockDir: dir})
	if err != nil || stanzas[0].Lock.Backup.Held || len(stanzas[0].Backups) != 5 {
		t.Errorf("%+v, %v", stanzas, err)
	}
}

func TestCancelled(t *testing.T) {
	mem := storagetest.NewMem()
	w := repotest.Build(t, mem, "/srv", time.Now(), twoSets)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Collect(ctx, Options{Repos: opened(w, mem), LockDir: t.TempDir()}); err != ctx.Err() {
		t.Errorf("got %v", err)
	}
}

// TestLooksAtLittle counts what is looked at in a long archive.
func TestLooksAtLittle(t *testing.T) {
	mem := storagetest.NewMem()
	w := repotest.Build(t, mem, "/srv", time.Now(),
		"db 1 15\nF1 9d wal=1.0.2\nwal 15-1 1.0.1-1.80.F\ndir archive/demo/15-1/0000000000000001")
	trace := storagetest.NewTrace(mem)
	stanzas, err := Collect(t.Context(), Options{Repos: opened(w, trace), LockDir: t.TempDir()})
	if err != nil || stanzas[0].Archives[0].Min != repotest.WAL("1.0.1") || stanzas[0].Archives[0].Max != repotest.WAL("1.80.F") {
		t.Fatalf("%+v, %v", stanzas, err)
	}
	lists := 0
	for _, op := range trace.Ops() {
		if op.Verb == "list" {
			lists++
		}
	}
	if lists != 5 { // stanzas, WAL directories, an empty one, the first and the last with WAL
		t.Errorf("%d directories were listed", lists)
	}
}

func BenchmarkManyBackups(b *testing.B) {
	var history strings.Builder
	history.WriteString("db 1 15\n")
	for set := range 100 {
		fmt.Fprintf(&history, "F%d %dh wal=1.%X.0\n", set, 2100-20*set, set)
		for part := 1; part < 20; part++ {
			fmt.Fprintf(&history, "F%dI%d %dh wal=1.%X.%X\n", set, part, 2100-20*set-part, set, part%16)
		}
	}
	history.WriteString("wal 15-1 1.0.1-1.4E2.0\n")
	mem := storagetest.NewMem()
	w := repotest.Build(b, mem, "/srv", time.Now(), history.String())
	for b.Loop() {
		stanzas, err := Collect(b.Context(), Options{Repos: opened(w, mem), LockDir: b.TempDir()})
		if err != nil || len(stanzas[0].Backups) != 2000 {
			b.Fatal(err)
		}
		if err := WriteText(io.Discard, stanzas); err != nil {
			b.Fatal(err)
		}
	}
}
