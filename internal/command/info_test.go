package command

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/internal/repo/repotest"
	"holdfast/internal/storage/storagetest"
)

const someBackups = `
db 1 15
F1 50d wal=1.0.2
F1D1 49d wal=1.0.4 stop=30d
F1I1 48d wal=1.0.6
F1I2 47d wal=1.0.7
F2 40d wal=1.0.9 error
F3 30d
wal 15-1 1.0.1-1.1.4 .gz
`

var infoStates = []struct {
	name, history string
	prepare       func(t *testing.T, w *repotest.World, lockPath string)
}{
	{name: "nothing", history: "repo 1\ndir x\n"},
	{name: "nothing in backup", history: "dir backup\n"},
	{name: "only archive", history: "dir archive/demo\n"},
	{name: "new stanza", history: "db 1 15\n"},
	{name: "new stanza with WAL", history: "db 1 15\nwal 15-1 1.0.1\n"},
	{name: "backups", history: someBackups},
	{
		name: "odd names",
		history: someBackups + "file backup/file\ndir backup/another\nfile archive/demo/15-1/00000002.history\n" +
			"dir archive/demo/15-1/0000000100000009\ndir archive/demo/15-1/0000000000000000\n" +
			"wal 15-1 5.0.1 .partial.gz\nwal 15-1 4.0.1 .00000028.backup\nwal 15-1 0.0.1 .xyz\n",
	},
	{name: "upgraded", history: someBackups + "db 2 16\n"},
	{name: "upgraded with WAL", history: someBackups + "db 2 16\nwal 16-2 1.0.1-1.0.3\n"},
	{name: "upgraded with backup", history: someBackups + "db 2 16\nF4 10d wal=1.0.1\nwal 16-2 1.0.1-1.0.3\n"},
	{
		name:    "upgraded twice, nothing left of some",
		history: "db 1 14\ndb 2 15\nF1 10d wal=1.0.1\ndb 3 15\nF2 9d wal=1.0.1\nwal 15-3 1.0.1",
	},
	{name: "two repositories", history: someBackups + "repo 2\n" + someBackups + "F4 5d wal=1.2.1\nwal 15-1 2.0.1\n"},
	{
		name:    "two repositories out of step",
		history: someBackups + "repo 2\ndb 1 15\nF1D1 49d10h wal=1.0.5 prior=F1\nF1I1 48d wal=1.0.6\n",
	},
	{name: "two repositories, one new", history: someBackups + "repo 2\ndb 1 15\n"},
	{
		name:    "two repositories, one without the stanza",
		history: someBackups + "repo 2\ndb 1 15\n",
		prepare: removeAll("repo2/backup/demo"),
	},
	{
		name:    "two repositories, one without data",
		history: someBackups + "repo 2\ndb 1 15\n",
		prepare: removeAll("repo2/backup/demo/backup.info*"),
	},
	{name: "two repositories, one empty", history: someBackups + "repo 2\ndb 1 15\n", prepare: removeAll("repo2/backup")},
	{name: "two clusters", history: someBackups + "repo 2\ndb 1 15\ndb 2 15\nF4 5d wal=1.2.1\n"},
	{name: "two versions", history: "db 1 15\nF1 5d wal=1.0.1\nrepo 2\ndb 1 14\nF1 5d wal=1.2.1\nF2 4d\n"},
	{
		name:    "three repositories",
		history: someBackups + "repo 2\ndb 1 15\nF4 3d\nrepo 3\n" + someBackups,
		prepare: removeAll("repo3/archive/demo/archive.info*"),
	},
	{name: "no archive.info", history: someBackups, prepare: removeAll("repo1/archive/demo/archive.info*")},
	{name: "no backup.info", history: someBackups, prepare: removeAll("repo1/backup/demo/backup.info*")},
	{name: "damaged backup.info", history: someBackups, prepare: damage("repo1/backup/demo/backup.info*")},
	{
		name:    "damaged and missing",
		history: someBackups,
		prepare: damage("repo1/backup/demo/backup.info.copy", "repo1/backup/demo/backup.info-"),
	},
	{name: "empty archive.info", history: someBackups, prepare: damage("repo1/archive/demo/archive.info*")},
	{name: "no manifest", history: someBackups, prepare: removeAll("repo1/backup/demo/*F/backup.manifest")},
	{name: "not listed", history: someBackups + "F4 1d unlisted\n"},
	{name: "only a manifest", history: "db 1 15\nF1 1d unlisted\n"},
	{name: "only a copy", history: someBackups + "F4 1d copy\n"},
	{name: "damaged manifest", history: someBackups, prepare: damage("repo1/backup/demo/*F/backup.manifest*")},
	{name: "backup is a file", history: "file backup\n"},
	{name: "stanza is a file", history: "file backup/demo\n"},
	{name: "backup running", history: someBackups, prepare: hold(progress(184809557, 50569216), "backup-1")},
	{name: "backup starting", history: someBackups, prepare: hold(starting, "backup-1")},
	{name: "odd lock", history: someBackups, prepare: hold(`{`, "backup-1")},
	{name: "empty lock", history: someBackups, prepare: hold(``, "backup-1")},
	{name: "strange lock", history: someBackups, prepare: hold(`{}`, "backup-1")},
	{name: "lock without process", history: someBackups, prepare: hold(`{"execId":"1-00000000"}`, "restore-1")},
	{
		name:    "lock with words",
		history: someBackups,
		prepare: hold(`{"execId":"1-00000000","pid":1,"sz":"12","szCplt":3}`, "backup-1"),
	},
	{name: "finished size", history: someBackups, prepare: hold(progress(0, 0), "backup-1", "restore-1")},
	{
		name:    "finished size in one",
		history: "db 1 15\nrepo 2\n" + someBackups,
		prepare: both(hold(progress(0, 0), "backup-1", "restore-1"), hold(progress(9, 1), "backup-2", "restore-2")),
	},
	{
		name:    "size in one",
		history: "db 1 15\nrepo 2\n" + someBackups,
		prepare: both(hold(progress(9, 10), "backup-1", "restore-1"), hold(starting, "backup-2", "restore-2")),
	},
	{name: "running without the path", history: "dir backup\n", prepare: hold(progress(9, 1), "backup-1")},
	{
		name:    "running without the path in one",
		history: someBackups + "repo 2\ndir backup\n",
		prepare: hold(progress(9, 1), "backup-1", "backup-2"),
	},
	{name: "restore running", history: someBackups, prepare: hold(progress(30000, 9999), "restore-1")},
	{
		name:    "all running",
		history: "db 1 15\nrepo 2\n" + someBackups,
		prepare: hold(progress(30000, 12345), "restore-1", "restore-2", "backup-1", "backup-2", "archive-1"),
	},
	{name: "running before the first backup", history: "db 1 15\n", prepare: hold(progress(30000, 12345), "backup-1")},
	{
		name:    "running without data",
		history: someBackups,
		prepare: both(removeAll("repo1/backup/demo/backup.info*"), hold(starting, "backup-1")),
	},
	{
		name:    "running on the broken one",
		history: someBackups + "repo 2\n" + someBackups,
		prepare: both(damage("repo1/backup/demo/backup.info*"), hold(progress(3, 1), "backup-1", "restore-2")),
	},
	{
		name:    "running on the unreadable one",
		history: someBackups + "repo 2\nfile backup",
		prepare: hold(progress(3, 1), "backup-1", "backup-2"),
	},
	{name: "stale lock", history: someBackups, prepare: func(t *testing.T, _ *repotest.World, lockPath string) {
		write(t, filepath.Join(lockPath, "demo-backup-1.lock"), progress(30000, 12345))
	}},
	{name: "lock is a directory", history: someBackups, prepare: func(t *testing.T, _ *repotest.World, lockPath string) {
		if err := os.MkdirAll(filepath.Join(lockPath, "demo-backup-1.lock"), 0o700); err != nil {
			t.Fatal(err)
		}
	}},
}

const starting = `{"execId":"1-00000000","pid":1}`

func progress(total, done int) string {
	return fmt.Sprintf(`{"execId":"1-00000000","pid":1,"sz":%d,"szCplt":%d}`, total, done)
}

type preparation = func(t *testing.T, w *repotest.World, lockPath string)

func both(a, b preparation) preparation {
	return func(t *testing.T, w *repotest.World, lockPath string) {
		a(t, w, lockPath)
		b(t, w, lockPath)
	}
}

func each(t *testing.T, w *repotest.World, pattern string, fn func(string) error) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(w.Root, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v", pattern, err)
	}
	for _, path := range paths {
		if err := fn(path); err != nil {
			t.Fatal(err)
		}
	}
}

func removeAll(pattern string) preparation {
	return func(t *testing.T, w *repotest.World, _ string) { each(t, w, pattern, os.RemoveAll) }
}

// damage spoils files, or removes those whose pattern ends in a dash.
func damage(patterns ...string) preparation {
	return func(t *testing.T, w *repotest.World, _ string) {
		for _, pattern := range patterns {
			if pattern, ok := strings.CutSuffix(pattern, "-"); ok {
				each(t, w, pattern, os.RemoveAll)
				continue
			}
			each(t, w, pattern, func(path string) error { return os.WriteFile(path, []byte("[backup\n"), 0o640) })
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

// hold locks files of the stanza as a running process would.
func hold(text string, names ...string) preparation {
	return func(t *testing.T, _ *repotest.World, lockPath string) {
		for _, name := range names {
			path := filepath.Join(lockPath, "demo-"+name+".lock")
			write(t, path, text)
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { file.Close() })
			if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
				t.Fatal(err)
			}
		}
	}
}

var infoArgs = []string{
	"", "--stanza=demo", "--stanza=demo --detail-level=progress", "--detail-level=progress",
	"--stanza=demo --type=full", "--type=incr",
	"--stanza=demo --set={F1}", "--stanza=demo --set={F1I2}", "--stanza=demo --set={F2} --type=incr", "--stanza=demo --set={F4}",
	"--stanza=other", "--stanza=other --detail-level=progress",
	"--repo=1", "--repo=2", "--stanza=demo --repo=2", "--repo=3 --detail-level=progress",
	"--stanza=demo --set={F1} --detail-level=progress", "--set={F1}", "--stanza=demo --set=bogus", "--stanza=demo --type=bogus",
}

// TestInfoLikePeer lets us and the peer describe the same repositories in the same state.
func TestInfoLikePeer(t *testing.T) {
	if findPeer(t) == "" {
		return
	}
	for _, state := range infoStates {
		t.Run(state.name, func(t *testing.T) {
			root, lockPath := t.TempDir(), t.TempDir()
			mem := storagetest.NewMem()
			w := repotest.Build(t, mem, root, time.Now(), state.history)
			dump(t, mem, root)
			if state.prepare != nil {
				state.prepare(t, w, lockPath)
			}
			compareInfo(t, w, lockPath, infoArgs)
		})
	}
}

func compareInfo(t *testing.T, w *repotest.World, lockPath string, runs []string) {
	t.Helper()
	repos, err := filepath.Glob(filepath.Join(w.Root, "repo*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range runs {
		for _, output := range []string{"text", "json"} {
			all := append(strings.Fields(w.Expand(args)), "--no-config", "--allow-root", "--lock-path="+lockPath, "--no-log-timestamp",
				"--output="+output, "info")
			for _, path := range repos {
				all = append(all, fmt.Sprintf("--%s-path=%s", filepath.Base(path), path))
			}
			exit, ours := runOurs(t, all, nil)
			peerExit, theirs := runPeer(t, all, nil)
			if exit != peerExit || ours != theirs {
				t.Errorf("info %v: exit %d, the peer %d\n%s", args, exit, peerExit, difference(ours, theirs))
			}
		}
	}
}

// TestInfoRandomHistories describes what random lives of a stanza have left.
func TestInfoRandomHistories(t *testing.T) {
	if findPeer(t) == "" {
		return
	}
	for seed := range uint64(*rounds) {
		r := rand.New(rand.NewPCG(seed, 61))
		history := randomHistory(r)
		if seed%3 == 0 {
			history += "repo 2\n" + randomHistory(r)
		}
		root := t.TempDir()
		mem := storagetest.NewMem()
		w := repotest.Build(t, mem, root, time.Now(), history)
		dump(t, mem, root)
		compareInfo(t, w, t.TempDir(), []string{"", "--stanza=demo --set={F1}", "--stanza=demo --set={F1D1}", "--type=diff"})
		if t.Failed() {
			t.Fatalf("seed %d, history\n%s", seed, history)
		}
	}
}
