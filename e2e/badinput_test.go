package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What is spoiled here is never repaired by the program: a test puts it back and shows that nothing
// else was lost. The peer gives the same answers to the same input.

const ofHarm = -1 // the exit code is that of the harm

type asked struct {
	code int
	args []string
}

// infoHarms are what can happen to archive.info and backup.info, with the code of a file that cannot
// be read for that reason.
var infoHarms = []struct {
	harm
	code int
}{
	{cutTo("empty", 0, 1), 26},
	{harm{"3 bytes", func(b []byte) []byte { return b[:3] }}, 29},
	{cutTo("half", 1, 2), 29},
	{flipAt("flipped", 1, 2), asPeer},
	{harm{"zeroed", func(b []byte) []byte { return make([]byte, len(b)) }}, 29},
}

func TestDamagedInfo(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	c := h.cluster
	archived := h.segment("archived")
	sum := h.sum(archived)
	c.archived()
	rows := c.rows()
	c.alter("archive_command = 'false pgbackrest'")
	pushed := h.segments("tmp", 0, 2*len(infoHarms)+1)
	never, pushed := pushed[0], pushed[1:]
	empty := h.freshDir("restored")

	always := []asked{{ofHarm, texts("backup")}, {ofHarm, texts("stanza-create", "--no-online")},
		{ofHarm, texts("check")}, {0, texts("info")}}
	commands := map[string][]asked{
		"archive/s/archive.info": append(always, asked{103, texts("archive-get", filepath.Base(archived), h.path("tmp/got"))},
			asked{103, texts("archive-push", never)}, asked{0, texts("expire")}),
		"backup/s/backup.info": append(always, asked{75, texts("restore", "--pg1-path="+empty)}, asked{104, texts("expire")}),
	}
	for name, commands := range commands {
		path := h.path("repo", name)
		for _, by := range infoHarms {
			h.scenario(t, filepath.Base(name)+" and copy "+by.name, func() {
				defer h.spoil(path, by.harm)()
				defer h.spoil(path+".copy", by.harm)()
				for _, a := range commands {
					if a.code == ofHarm {
						a.code = by.code
					}
					h.agree(a.code, a.args...)
				}
			})
			h.scenario(t, filepath.Base(name)+" "+by.name, func() {
				defer h.spoil(path, by.harm)()
				h.agree(0, "info", "--output=json")
				h.agree(0, "expire")
				h.agree(0, "stanza-create", "--no-online")
				h.gets(archived, sum)
				h.gives(0, texts("!WARN"), "archive-push", pushed[0])
				h.gets(pushed[0], h.sum(pushed[0]))
				pushed = pushed[1:]
			})
		}
		h.scenario(t, filepath.Base(name)+" saved again", func() {
			was := h.read(path)
			h.spoil(path, infoHarms[2].harm)
			c.alter("archive_command = '" + h.archiveCommand(h.prog) + "'")
			h.startsWith(rows)
			h.backup("incr")
			if name == "backup/s/backup.info" && (h.read(path) == was || h.read(path) != h.read(path+".copy")) {
				h.t.Error("a backup has not written both files anew")
			}
			h.write(path, h.read(path+".copy")) // archive.info is written by stanza commands only
			c.alter("archive_command = 'false pgbackrest'")
			h.verified()
		})
	}
}

// manifestHarms are what can happen to a manifest; the code depends on where it is hit.
var manifestHarms = []harm{cutTo("empty", 0, 1), cutTo("half", 1, 2), flipAt("flipped", 1, 2), flipAt("flipped late", 9, 10)}

func TestDamagedManifest(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	f1 := h.base()
	c := h.cluster
	c.change(1)
	i1 := h.backup("incr")
	f2 := h.backup("full")
	c.archived()
	rows := c.rows()
	c.alter("archive_command = 'false pgbackrest'")
	empty := "--pg1-path=" + h.freshDir("restored")
	older, newest := h.path("repo/backup/s", f1, "backup.manifest"), h.path("repo/backup/s", f2, "backup.manifest")

	for _, by := range manifestHarms {
		h.scenario(t, "older and copy "+by.name, func() {
			defer h.spoil(older, by)()
			defer h.spoil(older+".copy", by)()
			h.agree(asPeer, "restore", empty, "--set="+f1)
			h.agree(0, "info", "--set="+f1)
			h.agree(0, "info")
			h.agree(0, "expire")
			h.agree(asPeer, "restore", empty, "--delta", "--set="+f1)
		})
		h.scenario(t, "newest and copy "+by.name, func() {
			defer h.spoil(newest, by)()
			defer h.spoil(newest+".copy", by)()
			h.agree(asPeer, "restore", empty)
			h.agree(asPeer, "backup", "--type=incr", "--no-archive-check")
			h.agree(0, "info")
		})
	}
	h.scenario(t, "main files only", func() {
		defer h.spoil(older, manifestHarms[1])()
		defer h.spoil(newest, manifestHarms[2])()
		h.agree(0, "info", "--set="+f1)
		h.untouched("repo", func() {
			h.startsWith(rows, "--set="+f1)
			h.startsWith(rows, "--set="+f2)
		})
	})
	h.scenario(t, "others are fine", func() {
		defer h.spoil(older, manifestHarms[1])()
		defer h.spoil(older+".copy", manifestHarms[1])()
		h.untouched("repo", func() {
			h.startsWith(rows, "--set="+i1)
			h.startsWith(rows, "--set="+f2)
		})
		c.alter("archive_command = '" + h.archiveCommand(h.prog) + "'")
		i2 := h.backup("incr")
		h.agree(0, "info", "--set="+i2)
		if got := h.labels("repo"); len(got) != 4 || got[0] != f1 {
			h.t.Errorf("backups %v", got)
		}
	})
	h.verified()
	h.startsWith(rows, "--set="+f1)
}

// storedFile is where a repository keeps a file of a backup.
func (h *host) storedFile(repo, label, name string) string {
	h.t.Helper()
	return h.glob(filepath.Join(repo, "backup", h.stanza, label, "pg_data", name+"*"))
}

// A damaged file of a backup must stop the restore, in every form files are stored; what is left
// cannot be started, and a restore with delta completes it once the file is good again.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.addCluster()
	h.secondRepo()
	h.set("global", "repo2-cipher-type", "aes-256-cbc")
	h.set("global", "repo2-cipher-pass", "pass")
	h.set("global", "job-retry", "0")
	c := h.cluster
	c.table(2000)
	h.ok("stanza-create")
	file := c.sql("select pg_relation_filepath('t')")
	dir := h.freshDir("restored")
	codes := []int{26, 29, 95} // checksum, format, crypto: which of them depends on who notices first

	harms := []harm{cutTo("empty", 0, 1), cutTo("half", 1, 2), flipAt("flipped", 1, 2),
		{"flipped last", func(b []byte) []byte { b[len(b)-1] ^= 0x20; return b }},
		{"longer", func(b []byte) []byte { return append(b, "more"...) }}}
	for _, form := range []struct{ repo, compress string }{
		{"1", "none"}, {"1", "gz"}, {"1", "lz4"}, {"1", "zst"}, {"1", "bz2"}, {"2", "none"}, {"2", "gz"},
	} {
		label := h.backup("full", "--repo="+form.repo, "--compress-type="+form.compress)
		args := texts("restore", "--pg1-path="+dir, "--type=none", "--repo="+form.repo, "--set="+label)
		h.freshDir("restored")
		h.ok(args...)
		want := h.sum(filepath.Join(dir, file))
		args = append(args, "--delta", "--force") // which looks at sizes and times of the other files
		stored := h.storedFile(map[string]string{"1": "repo", "2": "repo2"}[form.repo], label, file)
		for _, by := range harms {
			h.scenario(t, form.compress+" repo"+form.repo+" "+by.name, func() {
				repair := h.spoil(stored, by)
				defer repair()
				var peer result
				h.remove(filepath.Join(dir, file))
				if form.repo == "1" {
					// It may leave wrong content with the right time.
					peer = h.runAs(lab.peer, args...)
					h.remove(filepath.Join(dir, file))
				}
				ours := h.run(args...)
				h.printable(ours)
				if form.repo == "1" && by.name != "longer" && peer.code != ours.code {
					h.t.Errorf("exit code %d, the peer's %d", ours.code, peer.code)
				}
				switch {
				case ours.code == 0 && by.name == "longer": // it read what it needed and not the rest
				case slices.Contains(codes, ours.code):
					h.want(ours, ours.code, filepath.Join(dir, file))
					h.unstartable(dir)
					if !h.exists(filepath.Join(dir, "backup.manifest")) {
						h.t.Error("nothing says that the directory is half restored")
					}
				default:
					h.t.Errorf("exit code %d, want one of %v: %s", ours.code, codes, ours)
				}
				repair()
				h.ok(args...)
				if got := h.sum(filepath.Join(dir, file)); got != want {
					h.t.Errorf("after repair: %s, want %s", got, want)
				}
			})
		}
	}
	c.archived()
	h.startsWith(c.rows())
}

// A damaged segment is never given to the server where another repository has a good one, in every form segments are stored. Where
// there is no other, the server itself finds what the compressor did not note.
func TestDamagedSegment(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	h.secondRepo()
	h.set("global", "repo2-cipher-type", "aes-256-cbc")
	h.set("global", "repo2-cipher-pass", "pass")
	h.ok("stanza-create")
	c := h.cluster
	c.archived()
	c.alter("archive_command = 'false pgbackrest'")
	dest := h.path("tmp/got")

	harms := []harm{cutTo("empty", 0, 1), cutTo("half", 1, 2), flipAt("flipped first", 0, 1), flipAt("flipped", 1, 2),
		{"flipped last", func(b []byte) []byte { b[len(b)-1] ^= 0x20; return b }}}
	for i, compress := range []string{"none", "gz", "lz4", "zst", "bz2"} {
		segment := h.segments("tmp", i, 1)[0]
		sum := h.sum(segment)
		h.ok("archive-push", segment, "--compress-type="+compress)
		for _, repo := range []string{"1", "2"} {
			stored := h.stored(map[string]string{"1": "repo", "2": "repo2"}[repo], segment)
			for _, by := range harms {
				h.scenario(t, compress+" repo"+repo+" "+by.name, func() {
					repair := h.spoil(stored, by)
					defer repair()
					os.Remove(dest)
					alone := h.run("archive-get", filepath.Base(segment), dest, "--repo="+repo)
					h.printable(alone)
					if alone.code != 0 || compress == "gz" || compress == "lz4" || by.name == "half" && compress != "none" {
						h.want(alone, 42, "unable to get "+filepath.Base(segment)+":", "repo"+repo+": ")
					}
					h.gets(segment, sum) // from the other repository
					// It cannot be replaced by what it was: the name is that of the right content.
					h.gives(0, texts("WARN: ", "with the same checksum"), "archive-push", segment)
					repair()
					h.gives(0, nil, "archive-get", filepath.Base(segment), dest, "--repo="+repo)
					if got := h.sum(dest); got != sum {
						h.t.Errorf("after repair: %s, want %s", got, sum)
					}
				})
			}
		}
	}
}

// Recovery stops in front of a damaged segment, and goes on once it is good.
func TestRecoveryMeetsDamage(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.set("global", "compress-type", "gz")
	h.base()
	c := h.cluster
	c.change(1)
	c.archived()
	// More than one segment, so that the damaged one holds nothing of what is before it.
	c.change(2)
	c.sql("insert into t select i, repeat(md5(i::text), 30) from generate_series(1000000, 1003000) i")
	damaged := c.archived()
	c.change(3)
	after := c.rows()
	c.archived()

	for _, by := range []harm{cutTo("cut", 1, 2), flipAt("flipped", 1, 2)} {
		h.scenario(t, by.name, func() {
			repair := h.spoil(h.stored("repo", damaged), by)
			defer repair()
			dir := h.freshDir("restored")
			h.ok("restore", "--pg1-path="+dir, "--type=standby")
			r := h.restored(dir)
			r.start()
			h.until("the segment before is replayed", func() bool {
				return r.sql("select count(*) from t where id between 100000 and 200000") != "0"
			})
			h.until("the damaged segment is met", func() bool {
				return strings.Contains(r.serverLog(), "unable to get "+damaged+":")
			})
			if got := r.rows(); got == after {
				h.t.Errorf("rows %s although %s is damaged", got, damaged)
			}
			repair()
			h.until("recovery goes on", func() bool { return r.rows() == after })
			r.stopWith("immediate")
		})
	}
}

// What archive-push is given may be damaged too: nothing of it gets into the archive.
func TestDamagedSource(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	c := h.cluster
	c.archived()
	c.alter("archive_command = 'false pgbackrest'")
	segments := h.segments("tmp", 0, 8)
	for i, test := range []struct {
		harm
		code int
	}{
		{cutTo("empty", 0, 1), 42},
		{harm{"shorter than a header", func(b []byte) []byte { return b[:511] }}, 42},
		{harm{"zero-filled", func(b []byte) []byte { return make([]byte, len(b)) }}, 29},
		{harm{"other system identifier", func(b []byte) []byte { b[24] ^= 1; return b }}, 44},
		{harm{"unknown version", func(b []byte) []byte { b[0] ^= 0xff; return b }}, 46},
		{harm{"short header", func(b []byte) []byte { b[2] &^= 2; return b }}, 29},
		{harm{"odd segment size", func(b []byte) []byte { b[32] ^= 3; return b }}, 29},
	} {
		h.scenario(t, test.name, func() {
			repair := h.spoil(segments[i], test.harm)
			defer repair()
			h.agree(test.code, "archive-push", segments[i])
			h.gives(1, nil, "archive-get", filepath.Base(segments[i]), h.path("tmp/got"))
			repair()
			h.gives(0, texts("!WARN"), "archive-push", segments[i])
			h.gets(segments[i], h.sum(segments[i]))
		})
	}
	h.scenario(t, "unreadable", func() {
		restore := h.deny(segments[7], 0)
		h.agree(41, "archive-push", segments[7])
		restore()
		h.gives(0, texts("!WARN"), "archive-push", segments[7])
	})
	h.verified()
}
