package e2e

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// blockChain is a chain of backups with bundles and blocks that two programs make in turns.
type blockChain struct {
	first, second program
	compress      string
	cipher        bool
	options       []string // of every backup
}

func (c blockChain) String() string {
	name := c.first.name + "-" + c.second.name + "-" + c.compress
	if c.cipher {
		name += "-aes"
	}
	if len(c.options) > 0 {
		name += "-options"
	}
	return name
}

func TestBlockChains(t *testing.T) {
	for i, compress := range []string{"none", "gz", "lz4", "zst", "bz2"} {
		programs := []program{lab.ours, lab.peer}
		blockChain{programs[i%2], programs[1-i%2], compress, false, nil}.run(t)
		blockChain{programs[1-i%2], programs[i%2], compress, true, nil}.run(t)
	}
	small := []string{"--repo1-bundle-limit=64KiB", "--repo1-bundle-size=1MiB", "--repo1-block-size-map=8KiB=8KiB",
		"--repo1-block-size-map=256KiB=64KiB", "--repo1-block-checksum-size-map=8KiB=9", "--repo1-block-age-map=2=3",
		"--repo1-block-size-super=32KiB", "--repo1-block-size-super-full=128KiB"}
	blockChain{lab.ours, lab.peer, "zst", true, small}.run(t)
	blockChain{lab.peer, lab.ours, "lz4", false, small}.run(t)
}

func (c blockChain) run(t *testing.T) {
	t.Run(c.String(), func(t *testing.T) {
		t.Parallel()
		h := newHost(t, c.first)
		h.set("global", "compress-type", c.compress)
		if c.cipher {
			h.set("global", "repo1-cipher-type", "aes-256-cbc")
			h.set("global", "repo1-cipher-pass", "pass")
		}
		h.set("global", "log-level-console", "detail")
		h.newStopped()
		h.okAs(c.first, "stanza-create", "--no-online")
		seed := fnv.New64()
		seed.Write([]byte(c.String()))
		f := &files{h: h, dir: h.path("pg", "odd"), r: rand.New(rand.NewPCG(seed.Sum64(), 1)), now: time.Now().Add(-time.Hour)}
		t.Logf("seed %d", seed.Sum64())
		f.fill()
		for step, kind := range []string{"full", "incr", "incr", "diff", "incr", "incr"} {
			maker, other := c.first, c.second
			if step%2 == 1 {
				maker, other = other, maker
			}
			if step > 0 {
				f.change()
			}
			args := []string{"--no-online", "--repo1-bundle", "--repo1-block"}
			switch step {
			case 4:
				args = append(args, "--delta")
			case 5:
				h.verified()                   // no later: the peer looks for empty files, for which its backups with bundles store nothing
				args = []string{"--no-online"} // goes on without bundles
			}
			if step < 5 {
				args = append(args, c.options...)
			}
			label := h.backupAs(maker, kind, args...)
			h.blocksRestored(label, maker, other)
		}
		h.sameInfo(h.labels("repo")...)
	})
}

// newStopped makes a small cluster that does not run.
func (h *host) newStopped() {
	h.t.Helper()
	h.cluster = h.newCluster("pg")
	h.set(h.stanza, "pg1-path", h.cluster.data)
	for _, db := range []string{"base/1", "base/4"} {
		entries, err := os.ReadDir(h.path("pg", db))
		if err != nil {
			h.t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name() != "PG_VERSION" {
				h.remove(h.path("pg", db, e.Name()))
			}
		}
	}
	h.mkdir("pg/odd", 0o700)
}

// blocksRestored restores a backup with both programs, to an empty directory and on top of what another program's restore of the
// backup before has left there, and compares with the cluster.
func (h *host) blocksRestored(label string, maker, other program) {
	h.t.Helper()
	want := readTree(h.t, h.path("pg"))
	want.leaveOut(h, h.path("pg"))
	check := func(prog program, dir string, args ...string) {
		h.t.Helper()
		h.okAs(prog, append([]string{"restore", "--set=" + label, "--type=none", "--pg1-path=" + h.path(dir)}, args...)...)
		got := readTree(h.t, h.path(dir))
		got.leaveOut(h, h.path(dir))
		for name := range want {
			if strings.HasPrefix(name, "pg_wal") || got[name].kind == "" && !strings.HasPrefix(name, "odd") {
				delete(got, name)
			}
		}
		expected := tree{}
		for name, e := range want {
			if got[name].kind != "" || strings.HasPrefix(name, "odd") {
				expected[name] = e
			}
		}
		if diff := got.diff(expected); diff != "" {
			h.t.Errorf("%s restores %s of %s %v:\n%s", prog.name, label, maker.name, args, diff)
		}
	}
	h.freshDir("restored")
	check(other, "restored")
	for _, prog := range []program{lab.ours, lab.peer} {
		dir := "delta-" + prog.name
		if !h.exists(h.path(dir)) {
			h.mkdir(dir, 0o700)
			check(maker, dir)
			continue
		}
		check(prog, dir, "--delta")
	}
}

// files are what changes between backups.
type files struct {
	h   *host
	dir string
	r   *rand.Rand
	now time.Time
	n   int
}

const page = 8192

func (f *files) fill() {
	for i, size := range []int{0, 1, 100, page, 2*page - 1, 2 * page, 5*page + 17, 20 * page, 70 * page, 300*page + 5, 400 * page, 700 * page} {
		for copies := range 2 {
			f.write(fmt.Sprintf("f%02d%c", i, 'a'+copies), f.content(size))
		}
	}
	for days, name := range map[int]string{3: "days03", 10: "days10", 20: "days20", 40: "days40"} {
		f.write(name, f.content(40*page))
		at := f.now.AddDate(0, 0, -days)
		f.must(os.Chtimes(path.Join(f.dir, name), at, at))
	}
}

func (f *files) must(err error) {
	f.h.t.Helper()
	if err != nil {
		f.h.t.Fatal(err)
	}
}

// content compresses somewhat.
func (f *files) content(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(f.r.IntN(16))
	}
	return b
}

func (f *files) write(name string, content []byte) {
	f.now = f.now.Add(2 * time.Second)
	at := path.Join(f.dir, name)
	f.must(os.WriteFile(at, content, 0o600))
	f.must(os.Chtimes(at, f.now, f.now))
	f.h.chown(at)
}

// change does something to most of the files.
func (f *files) change() {
	found, err := filepath.Glob(path.Join(f.dir, "*"))
	f.must(err)
	slices.Sort(found)
	for _, at := range found {
		name := path.Base(at)
		content, err := os.ReadFile(at)
		f.must(err)
		size := len(content)
		switch f.r.IntN(13) {
		case 0, 1:
			for range 1 + f.r.IntN(3) {
				if size > 0 {
					content[f.r.IntN(size)] ^= 0x55
				}
			}
			f.write(name, content)
		case 2:
			f.write(name, append(content, f.content(1+f.r.IntN(30*page))...))
		case 3:
			f.write(name, content[:f.r.IntN(size+1)])
		case 4:
			f.write(name, content[:size/page*page/2])
		case 5:
			f.write(name, content[:min(size, 5000)])
		case 6:
			f.write(name, nil)
		case 7:
			f.write(name, f.content(size))
		case 8:
			f.write(name, content) // another time only
		case 9:
			f.must(os.Remove(at))
			f.n++
			f.write(fmt.Sprintf("new%02d", f.n), f.content(f.r.IntN(100*page)))
		case 10:
			at, half := f.r.IntN(size+1), size/2
			copy(content[at:], content[half:]) // blocks that were elsewhere
			f.write(name, content)
		}
	}
}
