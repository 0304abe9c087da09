package backup

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/repo"
	"holdfast/internal/restore"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

// blockHistory makes a full and an incremental backup in blocks. The second is that of try.
func blockHistory(t *testing.T) *fixture {
	f := newFixture(t, map[string]string{
		"big": string(noise(1, 300_000)), "small": string(noise(2, 50_000)), "grown": string(noise(3, 150_000)), "cut": string(noise(4, 90_000)),
	})
	f.cipher = "secret"
	f.createStanza()
	f.backUp(format.Full, inBlocks)
	f.now = f.now.Add(time.Minute)
	big := f.read("big")
	big[77_777] ^= 1
	f.write("big", big)
	f.write("small", f.read("small"))
	f.write("grown", append(f.read("grown"), noise(5, 40_000)...))
	f.write("cut", f.read("cut")[:20_000])
	f.write("new", noise(6, 200_000))
	return f
}

func TestFaultsWithBlocks(t *testing.T) {
	for _, retry := range []int{0, 1} {
		f := blockHistory(t)
		start := f.mem
		for n := 1; ; n++ {
			f.mem = storagetest.NewMem()
			copyTree(t, start, f.mem)
			faulty := storagetest.NewFaulty(f.mem, n)
			f.tree = faulty
			_, err := f.try(format.Incr, inBlocks, func(o *Options) { o.JobRetry = retry })
			if !faulty.Fired() {
				f.must(err)
				break
			}
			f.tree = f.mem
			what := fmt.Sprintf("retry %d, operation %d, %s", retry, n, faulty.Failed())
			bundle := strings.Contains(faulty.Failed().Path, "/bundle") && strings.HasPrefix(faulty.Failed().Verb, "create")
			if retry > 0 && bundle && err != nil {
				t.Errorf("%s: not tried again: %v", what, err)
			}
			if err == nil {
				info, err := f.repo().LoadBackupInfo(t.Context())
				f.must(err)
				f.check(info.Backups[len(info.Backups)-1].Label)
			}
			// Whatever happened, the next backup works. What changed may be in one that succeeded before.
			f.touch("PG_VERSION", f.now)
			res, err := f.try(format.Incr, inBlocks)
			if err != nil {
				t.Fatalf("%s: the next backup: %v", what, err)
			}
			f.covered(f.check(res.Label))
			if t.Failed() {
				t.Fatal(what)
			}
		}
	}
}

// restore restores the newest backup of the fixture into memory and returns what was logged.
func (f *fixture) restore(tree storage.Tree, delta bool, workers int) (string, error) {
	logger, lines := log.Memory()
	_, err := restore.Run(f.t.Context(), restore.Options{
		Repos: []*repo.Repo{f.repo()}, Tree: tree, PGPath: "/pg", Type: restore.None, TypeGiven: true, Delta: delta, Workers: workers,
		User: restore.Identity{Root: true, FindUser: nobody, FindGroup: nobody}, Log: logger, Now: func() time.Time { return f.now },
	})
	return lines.Text(), err
}

func nobody(string) (int, bool) { return 0, true }

// restored checks that a directory in memory holds the files of the cluster.
func (f *fixture) restored(mem *storagetest.Mem, m *format.Manifest) {
	f.t.Helper()
	for _, file := range m.Files.All() {
		at := "/pg/" + pgName(file.Name)
		got, err := storage.ReadAll(f.t.Context(), mem, at, 0)
		f.must(err)
		info, err := mem.Stat(f.t.Context(), at)
		f.must(err)
		h := filter.NewHash()
		h.Write(got)
		if int64(len(got)) != file.Size || file.Size > 0 && format.Sum(h.Sum()) != file.Checksum {
			f.t.Errorf("%s has %d bytes with another sum than in the backup", at, len(got))
		}
		if pgName(file.Name) == "postgresql.auto.conf" {
			continue // written anew with the recovery settings
		}
		if info.ModTime.Unix() != file.Timestamp || info.Mode != fs.FileMode(file.Mode) {
			f.t.Errorf("%s has time %v and mode %o", at, info.ModTime, info.Mode)
		}
	}
}

func TestFaultsOfRestoreWithBlocks(t *testing.T) {
	f := blockHistory(t)
	m := f.check(f.backUp(format.Incr, inBlocks).Label)
	for _, delta := range []bool{false, true} {
		for _, where := range []string{"repository", "cluster"} {
			for n := 1; f.restoreWithFault(m, delta, where, n); n++ {
				if t.Failed() {
					t.FailNow()
				}
			}
		}
	}
}

// restoreWithFault lets operation n of a restore fail and then restores again. It returns false if there is no operation n.
func (f *fixture) restoreWithFault(m *format.Manifest, delta bool, where string, n int) bool {
	f.t.Helper()
	ctx, pg, good := f.t.Context(), storagetest.NewMem(), f.tree
	f.must(pg.MakeDir(ctx, "/pg", 0o700, true))
	if delta {
		_, err := f.restore(pg, false, 2)
		f.must(err)
		f.spoil(pg)
	}
	var tree storage.Tree = pg
	faulty := storagetest.NewFaulty(pg, n)
	if where == "repository" {
		faulty = storagetest.NewFaulty(good, n)
		f.tree = faulty
	} else {
		tree = faulty
	}
	_, err := f.restore(tree, delta, 2)
	f.tree = good
	if !faulty.Fired() {
		f.must(err)
		f.restored(pg, m)
		return false
	}
	what := fmt.Sprintf("delta %t, %s, operation %d, %s", delta, where, n, faulty.Failed())
	if err == nil { // a damaged info file has a copy
		f.restored(pg, m)
	}
	if _, err := f.restore(pg, true, 2); err != nil {
		// Delta is refused where there is neither a cluster nor a manifest; what is there then is removed by hand.
		f.must(pg.RemoveAll(ctx, "/pg"))
		f.must(pg.MakeDir(ctx, "/pg", 0o700, true))
		if _, err := f.restore(pg, true, 2); err != nil {
			f.t.Fatalf("%s: again: %v", what, err)
		}
	}
	f.restored(pg, m)
	if f.t.Failed() {
		f.t.Log(what)
	}
	return true
}

// spoil changes what was restored: a block, the length, the whole.
func (f *fixture) spoil(pg storage.Tree) {
	f.t.Helper()
	f.patch(pg, "big", 300_000, 200_000, "changed")
	f.patch(pg, "grown", 100_000, 0, "")
	f.patch(pg, "small", 60_000, 55_000, "longer")
	f.patch(pg, "new", 0, 0, "")
	f.must(pg.Remove(f.t.Context(), "/pg/cut"))
}

func (f *fixture) patch(pg storage.Tree, name string, size, at int64, text string) {
	f.t.Helper()
	p, err := pg.Patch(f.t.Context(), "/pg/"+name, size, storage.CreateOptions{Mode: 0o600})
	f.must(err)
	_, err = p.WriteAt([]byte(text), at)
	f.must(err)
	f.must(p.Close())
}

// counting counts the bytes written to each file.
type counting struct {
	storage.Tree
	written map[string]int64
}

func (c counting) Create(ctx context.Context, path string, o storage.CreateOptions) (storage.Writer, error) {
	w, err := c.Tree.Create(ctx, path, o)
	return countingWriter{w, c, path}, err
}

func (c counting) Patch(ctx context.Context, path string, size int64, o storage.CreateOptions) (storage.Patch, error) {
	p, err := c.Tree.Patch(ctx, path, size, o)
	return countingPatch{p, c, path}, err
}

type countingWriter struct {
	storage.Writer
	c    counting
	path string
}

func (w countingWriter) Write(p []byte) (int, error) {
	w.c.written[w.path] += int64(len(p))
	return w.Writer.Write(p)
}

type countingPatch struct {
	storage.Patch
	c    counting
	path string
}

func (p countingPatch) WriteAt(b []byte, at int64) (int, error) {
	p.c.written[p.path] += int64(len(b))
	return p.Patch.WriteAt(b, at)
}

func TestDeltaRestoreWritesOnlyChangedBlocks(t *testing.T) {
	f := blockHistory(t)
	m := f.check(f.backUp(format.Incr, inBlocks).Label)
	pg := storagetest.NewMem()
	f.must(pg.MakeDir(t.Context(), "/pg", 0o700, true))
	text, err := f.restore(pg, false, 2)
	f.must(err)
	f.restored(pg, m)
	for _, part := range []string{"/pg/big (bi 293KB, ", "/pg/cut (bundle 1/", ", bi 19.5KB, "} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	f.spoil(pg)
	trace := storagetest.NewTrace(f.mem)
	f.tree = trace
	c := counting{pg, map[string]int64{}}
	text, err = f.restore(c, true, 1) // one worker, so that counting needs no lock
	f.must(err)
	f.restored(pg, m)
	for name, want := range map[string]int64{
		"big": 8192, "grown": 190_000 - 12*8192, "small": 0, "new": 200_000, "cut": 20_000, "PG_VERSION": 0, "base/1/16384": 0,
	} {
		if got := c.written["/pg/"+name]; got != want {
			t.Errorf("%s: %d bytes written, want %d", name, got, want)
		}
	}
	for _, part := range []string{
		"/pg/big (bi 8KB/293KB, ", "/pg/grown (bi 89.5KB/185.5KB, ", "/pg/small - exists and matches backup (bundle ",
		"/pg/new (bi 195.3KB, ",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	// Nothing was read from the repository for what was there: of big a map and a super block.
	opened := 0
	for _, op := range trace.Ops() {
		if op.Verb == "open" && strings.HasSuffix(op.Path, "/big.pgbi") {
			opened++
		}
	}
	if opened != 2 {
		t.Errorf("big was opened %d times", opened)
	}
}
