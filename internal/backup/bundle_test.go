package backup

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/internal/block"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/storage"
)

// bundled turns bundles on, with limits that suit small fixtures.
func bundled(o *Options) { o.Bundle, o.BundleLimit, o.BundleSize = true, 128<<10, 256<<10 }

// inBlocks turns on blocks too.
func inBlocks(o *Options) {
	bundled(o)
	o.Blocks = &Blocks{Super: 32 << 10, SuperFull: 64 << 10}
}

// noise is content that does not compress.
func noise(seed uint64, size int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestBundles(t *testing.T) {
	for _, compression := range []filter.Compression{filter.None, filter.Gz} {
		for _, cipher := range []string{"", "secret"} {
			f := newFixture(t, map[string]string{"big": string(noise(1, 300_000)), "empty": ""})
			f.cipher = cipher
			f.createStanza()
			with := func(o *Options) { bundled(o); o.Compression = compression }
			full := f.backUp(format.Full, with)
			m := f.check(full.Label)
			if !m.Bundle || m.BundleRaw || m.BlockIncr {
				t.Errorf("flags %t %t %t", m.Bundle, m.BundleRaw, m.BlockIncr)
			}
			big := "pg_data/big" + compression.Ext()
			if own := f.stored(full.Label, "pg_data"); !slices.Equal(own, []string{"pg_data/", big}) {
				t.Errorf("files of their own: %v", own)
			}
			if got := f.stored(full.Label, "bundle"); !slices.Equal(got, []string{"bundle/", "bundle/1", "bundle/2"}) {
				t.Errorf("bundles %v", got)
			}
			f.covered(m)
			empty := m.File("pg_data/empty")
			if empty.BundleID != 0 || empty.RepoSize != 0 || !empty.HasChecksum {
				t.Errorf("empty file: %+v", empty)
			}
			f.wantLine("DETAIL: store zero-length file " + f.data + "/empty")

			f.now = f.now.Add(time.Minute)
			f.write("PG_VERSION", f.read("PG_VERSION")) // another time, the same content
			f.write("postgresql.conf", []byte("port = 5433\n"))
			f.write("empty", nil)
			incr := f.backUp(format.Incr, with)
			m = f.check(incr.Label)
			if got := f.stored(incr.Label, ""); len(got) != 5 || got[4] != "bundle/1" {
				t.Errorf("stored %v", got)
			}
			if v, was := m.File("pg_data/PG_VERSION"), f.manifest(full.Label).File("pg_data/PG_VERSION"); v.Reference != full.Label ||
				v.BundleID != was.BundleID || v.BundleOffset != was.BundleOffset {
				t.Errorf("unchanged file: %+v", v)
			}
			if e := m.File("pg_data/empty"); e.Reference != "" {
				t.Errorf("the empty file refers to %s", e.Reference)
			}

			f.now = f.now.Add(time.Minute)
			f.write("PG_VERSION", f.read("PG_VERSION"))
			f.write("big", f.read("big"))
			last := f.backUp(format.Incr, with, func(o *Options) { o.Delta = true })
			f.check(last.Label)
			if got := f.stored(last.Label, "bundle"); len(got) > 0 {
				t.Errorf("a bundle for nothing: %v", got)
			}
		}
	}
}

// covered checks that the files of a backup fill its bundles without gaps.
func (f *fixture) covered(m *format.Manifest) {
	f.t.Helper()
	sizes := map[int64]int64{}
	for _, file := range m.Files.All() {
		if file.Reference == "" && file.BundleID > 0 {
			sizes[file.BundleID] += file.RepoSize
		}
	}
	for id, size := range sizes {
		info, err := f.mem.Stat(f.t.Context(), f.repo().BackupPath(m.Label, "bundle", fmt.Sprint(id)))
		if err != nil || info.Size != size {
			f.t.Errorf("bundle %d has %d bytes, its files %d (%v)", id, info.Size, size, err)
		}
	}
}

func TestBlocks(t *testing.T) {
	f := newFixture(t, map[string]string{"big": string(noise(1, 300_001)), "small": string(noise(2, 50_000)), "old": string(noise(3, 50_000))})
	f.cipher = "secret"
	f.createStanza()
	f.touch("old", f.now.AddDate(0, 0, -10))
	full := f.backUp(format.Full, inBlocks)
	m := f.check(full.Label)
	if !m.Bundle || !m.BundleRaw || !m.BlockIncr {
		t.Errorf("flags %t %t %t", m.Bundle, m.BundleRaw, m.BlockIncr)
	}
	f.covered(m)
	for name, want := range map[string]int64{"big": 8192, "small": 8192, "old": 16384, "PG_VERSION": 0} {
		if got := m.File("pg_data/" + name); got.BlockSize != want || (got.BlockMapSize > 0) != (want > 0) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := f.stored(full.Label, "pg_data/big"); !slices.Equal(got, []string{"pg_data/big.pgbi"}) {
		t.Errorf("big is %v", got)
	}

	change := func(name string, at int) {
		content := f.read(name)
		content[at] ^= 1
		f.write(name, content)
	}
	f.now = f.now.Add(time.Minute)
	change("big", 100_000)
	change("small", 49_999)
	change("old", 0)
	incr := f.backUp(format.Incr, inBlocks)
	m = f.check(incr.Label)
	for name, most := range map[string]int64{"big": 9000, "small": 2000, "old": 17000} {
		if got := m.File("pg_data/" + name); got.RepoSize > most || got.BlockSize != f.manifest(full.Label).File("pg_data/"+name).BlockSize {
			t.Errorf("%s takes %d bytes in blocks of %d", name, got.RepoSize, got.BlockSize)
		}
	}

	f.now = f.now.Add(time.Minute)
	f.write("big", f.read("big"))               // only the time
	f.write("small", f.read("small")[:8192])    // a block
	f.write("old", append(f.read("old"), 1, 2)) // a bit more
	next := f.backUp(format.Incr, inBlocks)
	m = f.check(next.Label)
	f.wantLine("DETAIL: match file from prior backup " + f.data + "/big (293KB, " + f.percentOf("big") + "%) checksum " +
		m.File("pg_data/big").Checksum.String())
	if big := m.File("pg_data/big"); big.Reference != incr.Label || big.Timestamp != f.now.Add(-10*time.Second).Unix() {
		t.Errorf("big: %+v", big)
	}
	if small := m.File("pg_data/small"); small.BlockMapSize != small.RepoSize {
		t.Errorf("a file that only got shorter takes %d bytes of which the map is %d", small.RepoSize, small.BlockMapSize)
	}

	f.now = f.now.Add(time.Minute)
	f.write("small", f.read("small")[:8191]) // less than a block
	f.write("old", nil)
	f.write("big", append(f.read("big"), noise(4, 100_000)...))
	diff := f.backUp(format.Diff, inBlocks)
	m = f.check(diff.Label)
	if small := m.File("pg_data/small"); small.BlockMapSize != 0 || small.BlockSize != 0 {
		t.Errorf("a file shorter than a block: %+v", small)
	}
	summary := m.Summary()
	if summary.RepoSizeMap == nil || *summary.RepoSizeMap == 0 || *summary.RepoSizeMapDelta >= *summary.RepoSizeMap {
		t.Errorf("summary %+v", summary)
	}

	// Without blocks, what is unchanged still is, and what has changed is stored whole, with the framing of the set.
	f.now = f.now.Add(time.Minute)
	f.write("small", noise(5, 50_000))
	last := f.backUp(format.Incr, bundled)
	m = f.check(last.Label)
	if m.BlockIncr || !m.BundleRaw || m.File("pg_data/big").Reference != diff.Label || m.File("pg_data/small").BlockSize != 0 {
		t.Errorf("without blocks: %+v %+v", m.File("pg_data/big"), m.File("pg_data/small"))
	}
	f.backUp(format.Full, func(o *Options) { inBlocks(o); o.Blocks.Sizes.BySize = []block.Step{{From: 0, Value: 8192}} })
}

// percentOf reads from the log how far the backup was after a file.
func (f *fixture) percentOf(name string) string {
	_, rest, _ := strings.Cut(f.lines.Text(), f.data+"/"+name+" (")
	_, rest, _ = strings.Cut(rest, ", ")
	percent, _, _ := strings.Cut(rest, "%")
	return percent
}

// meanwhile changes files of the cluster at the moment they are opened to be copied.
type meanwhile struct {
	storage.Storage
	change map[string]func(path string)
}

func (m meanwhile) Open(ctx context.Context, path string, r storage.Range) (io.ReadCloser, error) {
	if change := m.change[filepath.Base(path)]; change != nil {
		change(path)
	}
	return m.Storage.Open(ctx, path, r)
}

func (f *fixture) meanwhile(change map[string]func(string)) func(*Options) {
	return func(o *Options) {
		cluster := o.Cluster
		o.Cluster = func(ctx context.Context) (*Cluster, error) {
			c, err := cluster(ctx)
			c.Tree = meanwhile{c.Tree, change}
			return c, err
		}
	}
}

func TestFilesChangeDuringTheCopy(t *testing.T) {
	f := newFixture(t, map[string]string{
		"gone": "x", "tozero": string(noise(1, 20_000)), "bigtozero": string(noise(2, 200_000)), "shrinks": string(noise(3, 20_000)),
		"grows": string(noise(4, 20_000)), "back": string(noise(5, 30_000)),
	}).createStanza()
	cut := func(size int64) func(string) { return func(at string) { f.must(os.Truncate(at, size)) } }
	full := f.backUp(format.Full, inBlocks, f.meanwhile(map[string]func(string){
		"gone": func(at string) { f.must(os.RemoveAll(at)) }, "tozero": cut(0), "bigtozero": cut(0), "shrinks": cut(100), "grows": cut(50_000),
	}))
	m := f.check(full.Label)
	if m.File("pg_data/gone") != nil {
		t.Error("what was removed is in the manifest")
	}
	for name, want := range map[string][2]int64{"tozero": {0, 20_000}, "bigtozero": {0, 200_000}, "shrinks": {100, 20_000}, "grows": {50_000, 20_000}} {
		file := m.File("pg_data/" + name)
		if file.Size != want[0] || file.OriginalSize != want[1] || file.BlockSize != 8192 {
			t.Errorf("%s: %+v", name, file)
		}
		if file.Size == 0 && (file.BundleID != 0 || file.RepoSize != 0 || file.BlockMapSize != 0 || file.HasRepoChecksum) {
			t.Errorf("something is stored of %s: %+v", name, file)
		}
	}
	f.wantLine("DETAIL: store truncated file " + f.data + "/tozero (19.5KB->0B, " + f.percentOf("tozero") + "%)")

	// A file that is longer when it is listed, but as it was when it is read.
	f.now = f.now.Add(time.Minute)
	was := f.read("back")
	f.write("back", append(f.read("back"), 1))
	incr := f.backUp(format.Incr, inBlocks, f.meanwhile(map[string]func(string){
		"back": func(at string) { f.must(os.WriteFile(at, was, 0o600)) },
	}))
	m = f.check(incr.Label)
	if back := m.File("pg_data/back"); back.Reference != full.Label || back.Size != 30_000 || back.OriginalSize != 30_001 {
		t.Errorf("%+v", back)
	}
	f.check(f.backUp(format.Full, inBlocks).Label)
}

// TestEqualChecksumsOfDifferentBlocks makes the map of the prior backup lie, as short checksums may.
func TestEqualChecksumsOfDifferentBlocks(t *testing.T) {
	f := newFixture(t, map[string]string{"file": string(noise(1, 50_000))}).createStanza()
	full := f.backUp(format.Full, inBlocks)
	m := f.manifest(full.Label)
	i, _ := m.Files.Search("pg_data/file")
	m.Files.Update(i, func(file *format.File) { file.Checksum[0] ^= 1 })
	f.must(f.repo().CommitManifest(t.Context(), m, ""))
	f.touch("file", f.now.Add(time.Second))
	f.now = f.now.Add(time.Minute)
	m = f.check(f.backUp(format.Incr, inBlocks).Label)
	if file := m.File("pg_data/file"); file.Reference != "" || file.RepoSize < 50_000 {
		t.Errorf("%+v", file)
	}
}

func TestResumeWithBundles(t *testing.T) {
	f := newFixture(t, map[string]string{
		"big": string(noise(1, 4_000_000)), "whole": string(noise(2, 200_000)), "changed": string(noise(3, 300_000)),
	}).createStanza()
	f.touch("whole", f.now.AddDate(0, 0, -40)) // too old to be stored by blocks
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := f.options(format.Full)
	inBlocks(&o)
	o.ProcessMax = 1
	o.Progress = func(total, done int64) {
		if done*100 > total*97 {
			cancel()
		}
	}
	if _, err := Run(ctx, o); err == nil {
		t.Fatal("not interrupted")
	}
	labels, err := f.repo().BackupLabels(t.Context())
	f.must(err)
	at := f.repo().BackupPath(labels[0])
	f.write("changed", noise(4, 300_000))
	f.must(storage.WriteAll(t.Context(), f.mem, at+"/bundle/7", []byte("old"), storage.CreateOptions{}))
	res := f.backUp(format.Full, inBlocks)
	if res.Label != labels[0] {
		t.Errorf("label %s, want %s", res.Label, labels[0])
	}
	m := f.check(res.Label)
	f.covered(m)
	f.wantLine("DETAIL: remove path '" + at + "/bundle' from resumed backup")
	f.wantLine("DETAIL: remove file '" + at + "/pg_data/changed.pgbi' from resumed backup (mismatched timestamp)")
	for _, name := range []string{"big (3.8MB", "whole (195.3KB"} {
		if !strings.Contains(f.lines.Text(), "DETAIL: checksum resumed file "+f.data+"/"+name) {
			t.Errorf("%s was not kept:\n%s", name, f.lines.Text())
		}
	}
	if got := f.stored(res.Label, "bundle/7"); len(got) > 0 {
		t.Error("an old bundle is still there")
	}

	// The other way round: what goes into bundles now, or is not stored by blocks any more, is of no use.
	for _, change := range []func(*Options){
		func(o *Options) { inBlocks(o); o.BundleLimit = 1 << 30 },
		bundled,
	} {
		f.must(f.mem.Remove(t.Context(), f.repo().BackupPath(res.Label, "backup.manifest")))
		info, err := f.repo().LoadBackupInfo(t.Context())
		f.must(err)
		info.Remove(res.Label)
		f.must(f.repo().SaveBackupInfo(t.Context(), info))
		res = f.backUp(format.Full, change)
		m := f.check(res.Label)
		f.covered(m)
		if n, want := len(f.stored(res.Label, "pg_data/big")), 1; m.File("pg_data/big").BundleID > 0 && n > 0 || m.File("pg_data/big").BundleID == 0 && n != want {
			t.Errorf("big is stored %d times", n)
		}
	}
}
