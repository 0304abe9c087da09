package expire_test

import (
	"context"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/expire"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/repo"
	"holdfast/internal/repo/repotest"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

const root = "/srv"

var now = time.Date(2026, 11, 20, 12, 30, 0, 0, time.UTC)

// keepFulls is retention by count with the defaults that go with it.
func keepFulls(n int) expire.Retention {
	return expire.Retention{Full: n, Archive: n, ArchiveType: format.Full, KeepHistory: true}
}

// over returns the repositories of a world as seen through a storage.
func over(w *repotest.World, tree storage.Tree, keep expire.Retention) []expire.Repo {
	var repos []expire.Repo
	for _, r := range w.Repos {
		repos = append(repos, expire.Repo{Retention: keep, Repo: repo.New(repo.Config{
			Key: r.Key(), Path: r.Path(), Storage: tree, Stanza: repotest.Stanza, Symlink: true, Program: repotest.Program,
		})})
	}
	return repos
}

// run expires and returns what was logged, with names for labels.
func run(ctx context.Context, w *repotest.World, o expire.Options) (string, error) {
	logger, lines := log.Memory()
	o.Log, o.Now = logger, now
	err := expire.Run(ctx, o)
	return w.Name(lines.Text()), err
}

func paths(mem *storagetest.Mem) map[string]bool {
	set := map[string]bool{}
	for _, path := range mem.Paths() {
		set[path] = true
	}
	return set
}

const twoFulls = `
db 1 15
F1 50d wal=1.0.2
F1I1 49d wal=1.0.3
F2 40d wal=1.0.5
wal 15-1 1.0.1-1.0.6 .gz
`

// A dry run says what a run says, and touches nothing.
func TestDryRun(t *testing.T) {
	mem := storagetest.NewMem()
	w := repotest.Build(t, mem, root, now, twoFulls+"F0 60d past\nF1D9 45d bare\nfile archive/demo/15-1/00000001.history\n")
	keep := keepFulls(1)
	keep.KeepHistory = false
	trace := storagetest.NewTrace(mem)
	dry, err := run(t.Context(), w, expire.Options{Repos: over(w, trace, keep), DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	if did := trace.Text(); did != "" {
		t.Errorf("a dry run did\n%s", did)
	}
	real, err := run(t.Context(), w, expire.Options{Repos: over(w, trace, keep)})
	if err != nil || real != dry || trace.Text() == "" {
		t.Errorf("%v, dry run\n%s\nrun\n%s", err, dry, real)
	}
	trace = storagetest.NewTrace(mem)
	again, err := run(t.Context(), w, expire.Options{Repos: over(w, trace, keep)})
	if err != nil || trace.Text() != "" {
		t.Errorf("%v, the second run said\n%s\nand did\n%s", err, again, trace.Text())
	}
}

// SN-518. The peer removes the whole directory of a past year; backups that are still there keep their manifests here.
func TestHistoryOfKeptBackups(t *testing.T) {
	mem := storagetest.NewMem()
	w := repotest.Build(t, mem, root, now, `
		db 1 15
		F1 2000d past
		F2 800d wal=1.0.2
		F3 790d past
		F4 100d past
		F5 1d wal=1.0.4
		wal 15-1 1.0.2-1.0.4`)
	keep := expire.Retention{History: 200}
	got, err := run(t.Context(), w, expire.Options{Repos: over(w, mem, keep)})
	want := `INFO: option 'repo1-retention-archive' is not set - archive logs will not be expired
INFO: repo1: remove expired backup history path 2021
INFO: repo1: remove expired backup history manifest F3.manifest.gz
`
	if err != nil || got != want {
		t.Errorf("%v, got\n%s", err, got)
	}
	keep.History = 9999999 // more than a duration can hold
	if got, err = run(t.Context(), w, expire.Options{Repos: over(w, mem, keep)}); err != nil || strings.Contains(got, "remove expired") {
		t.Errorf("%v, got\n%s", err, got)
	}
	for name, want := range map[string]bool{"F1": false, "F2": true, "F3": false, "F4": true, "F5": true} {
		label := w.Label(name)
		if got := paths(mem)[w.Repos[0].BackupPath(repo.HistoryDir, label[:4], label+repo.HistoryExt)]; got != want {
			t.Errorf("manifest of %s is there: %v", name, got)
		}
	}
}

// The threshold is a label, and labels are local time.
func TestHistoryIsLocalTime(t *testing.T) {
	mem := storagetest.NewMem()
	west := time.FixedZone("west", -9*3600)
	w := repotest.Build(t, mem, root, now.In(west), "db 1 15\nF1 10d past\nF2 1d wal=1.0.4")
	logger, lines := log.Memory()
	err := expire.Run(t.Context(), expire.Options{
		Repos: over(w, mem, expire.Retention{History: 10}), Log: logger, Now: now.In(west).Add(-time.Second),
	})
	if err != nil || strings.Contains(lines.Text(), "manifest") {
		t.Errorf("%v, got\n%s", err, lines.Text())
	}
	err = expire.Run(t.Context(), expire.Options{
		Repos: over(w, mem, expire.Retention{History: 10}), Log: logger, Now: now.In(west).Add(time.Second),
	})
	if err != nil || !strings.Contains(lines.Text(), "remove expired backup history manifest") {
		t.Errorf("%v, got\n%s", err, lines.Text())
	}
}

func TestOddThings(t *testing.T) {
	const lastFull = "db 1 15\nF1 50d wal=1.0.2\nwal 15-1 1.0.2\n"
	tests := []struct {
		name, history string
		prepare       func(w *repotest.World, info *format.BackupInfo)
		options       expire.Options
		said          string // must be in the log
		code          errs.Code
	}{
		{
			name: "a file with the name of a backup is none of ours", history: lastFull + "file backup/demo/20200101-000000F",
			said: "no archive to remove",
		},
		{
			name: "archive of an unknown cluster is none of ours", history: lastFull + "wal 15-2 1.0.1",
			said: "no archive to remove",
		},
		{
			name: "damaged WAL range", history: twoFulls, code: errs.Command,
			prepare: func(_ *repotest.World, info *format.BackupInfo) { info.Backups[0].ArchiveStop = "0000" },
			said: "ERROR: [029]: repo1: backup F1 needs WAL from '000000010000000000000002' to '0000', which are no WAL" +
				" segments\n",
		},
		{
			name: "page errors not recorded", history: twoFulls, options: expire.Options{PageErrors: true},
			prepare: func(_ *repotest.World, info *format.BackupInfo) { info.Backups[0].Error = nil },
			said:    "no archive to remove",
		},
		{
			name: "the last of several repositories has the backup", history: "repo 1\n" + lastFull + "repo 2\n" + lastFull + "F2 40d wal=1.0.3",
			options: expire.Options{Set: "F2"}, said: "INFO: repo2: expire adhoc backup F2\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mem := storagetest.NewMem()
			w := repotest.Build(t, mem, root, now, test.history)
			if test.prepare != nil {
				info, err := w.Repos[0].LoadBackupInfo(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				test.prepare(w, info)
				if err := w.Repos[0].SaveBackupInfo(t.Context(), info); err != nil {
					t.Fatal(err)
				}
			}
			before := paths(mem)
			o := test.options
			o.Repos, o.Set = over(w, mem, keepFulls(2)), w.Label(o.Set)
			o.ArchiveBefore = "000000010000000000000001"
			got, err := run(t.Context(), w, o)
			if err != nil && errs.CodeOf(err) != test.code || err == nil && test.code != errs.OK || !strings.Contains(got, test.said) {
				t.Errorf("%v, got\n%s", err, got)
			}
			if o.Set == "" && !maps.Equal(before, paths(mem)) {
				t.Errorf("something was removed:\n%s", got)
			}
		})
	}
}

// SN-512: what is wrong with one repository is told with its own code, and the others have their turn.
func TestBrokenRepository(t *testing.T) {
	mem := storagetest.NewMem()
	w := repotest.Build(t, mem, root, now, "repo 1\n"+twoFulls+"repo 2\n"+twoFulls+"repo 3\n"+twoFulls)
	faulty := storagetest.NewFaulty(mem, 1)
	faulty.Stay = true
	faulty.Err = errs.Because(errs.FileOpen, fs.ErrPermission, "no entry").Hint("knock.")
	faulty.Only = func(op storagetest.Op) bool { return strings.HasPrefix(op.Path, "/srv/repo2/") }
	got, err := run(t.Context(), w, expire.Options{Repos: over(w, faulty, keepFulls(1))})
	if !errs.Is(err, errs.Command) || err.Error() != "expire command encountered 1 error(s), check the log file for details" {
		t.Errorf("error %v", err)
	}
	for _, want := range []string{
		"INFO: repo1: expire full backup set F1, F1I1\n", "ERROR: [041]: repo2: ", "INFO: repo3: expire full backup set F1, F1I1\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

// A cancelled run stops where it is and does not count as an error of a repository.
func TestCancel(t *testing.T) {
	mem := storagetest.NewMem()
	w := repotest.Build(t, mem, root, now, "repo 1\n"+twoFulls+"repo 2\n"+twoFulls)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := run(ctx, w, expire.Options{Repos: over(w, mem, keepFulls(1))})
	if err != context.Canceled || got != "" {
		t.Errorf("%v, got\n%s", err, got)
	}
}
