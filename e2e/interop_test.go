package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// pairing is one round of taking turns: maker builds a repository, reader must find its way in it
// and go on.
type pairing struct {
	maker, reader program
	compress      string
	cipher        bool
	blocks        bool // and bundles
}

func (p pairing) String() string {
	kind := p.compress
	if p.cipher {
		kind += "-aes"
	}
	if p.blocks {
		kind += "-blocks"
	}
	return fmt.Sprintf("%s-%s-%s", p.maker.name, p.reader.name, kind)
}

// thorough says whether every backup is restored and started, or only the last of the chain.
func (p pairing) thorough() bool {
	return p.compress == "gz" || p.cipher && p.compress == "zst"
}

func TestInterop(t *testing.T) {
	for _, compress := range []string{"gz", "bz2"} {
		interop(t, pairing{lab.peer, lab.ours, compress, false, false})
		interop(t, pairing{lab.ours, lab.peer, compress, false, false})
	}
	for _, compress := range []string{"lz4", "zst", "none"} {
		interop(t, pairing{lab.peer, lab.raced, compress, false, false})
		interop(t, pairing{lab.raced, lab.peer, compress, false, false})
	}
	interop(t, pairing{lab.peer, lab.ours, "zst", true, false})
	interop(t, pairing{lab.ours, lab.peer, "zst", true, false})
	interop(t, pairing{lab.raced, lab.peer, "none", true, false})
	interop(t, pairing{lab.elder, lab.ours, "gz", false, false})
	interop(t, pairing{lab.ours, lab.elder, "gz", false, false})
	interop(t, pairing{lab.elder, lab.ours, "zst", true, false})
	interop(t, pairing{lab.ours, lab.elder, "lz4", true, false})
	interop(t, pairing{lab.peer, lab.ours, "zst", true, true})
	interop(t, pairing{lab.ours, lab.peer, "zst", true, true})
	interop(t, pairing{lab.raced, lab.peer, "lz4", false, true})
}

func interop(t *testing.T, p pairing) {
	t.Run(p.String(), func(t *testing.T) {
		t.Parallel()
		h := newHost(t, p.maker)
		h.set("global", "compress-type", p.compress)
		if p.cipher {
			h.set("global", "repo1-cipher-type", "aes-256-cbc")
			h.set("global", "repo1-cipher-pass", `pass "ä" 'b'`)
		}
		if p.blocks {
			h.set("global", "repo1-bundle", "y")
			h.set("global", "repo1-block", "y")
		}
		h.set(h.stanza, "pg1-path", h.path("pg"))
		history := h.history()

		h.sameInfo(h.labels("repo")...)
		h.verified()
		h.sameSegment(p)
		if p.thorough() {
			h.sameRestore(p, history[0].label)
			h.sameRestore(p, history[1].label)
			h.pointInTime(p.reader, history[:2])
		}
		h.sameRestore(p, history[2].label)
		h.pointInTime(p.reader, history[2:])
		h.goOn(p)
	})
}

// moment is what the cluster held when a restore point was made after a backup.
type moment struct {
	label string
	point string
	rows  string
}

// history makes a cluster with a tablespace, links and odd names, a full, a differential and an
// incremental backup, and a restore point with its rows after each.
func (h *host) history() []moment {
	h.t.Helper()
	h.addCluster()
	c := h.cluster
	h.mkdir("ts1", 0o700)
	c.sql("create tablespace ts1 location '" + h.path("ts1") + "'")
	c.table(5000)
	c.sql("create table in_ts tablespace ts1 as select i, repeat(md5(i::text), 20) v from generate_series(1, 2000) i")
	c.sql("create unlogged table fleeting as select generate_series(1, 100) i")
	c.sql("create table emptied (i int)")
	h.write(h.path("pg", "odd = #[name]"), "odd\n")
	h.write(h.path("pg", "ümlaut 'file'"), "")
	h.write(h.path("hba.conf"), h.read(h.path("pg", "pg_hba.conf")))
	h.remove(h.path("pg", "pg_hba.conf"))
	if err := os.Symlink("../hba.conf", h.path("pg", "pg_hba.conf")); err != nil {
		h.t.Fatal(err)
	}
	h.chown(h.path("pg", "pg_hba.conf"))
	h.ok("stanza-create")
	var history []moment
	for i, kind := range []string{"full", "diff", "incr"} {
		c.change(i)
		label := h.backup(kind, "--annotation=step="+kind)
		c.sql("create table made_after_" + kind + " as select 1 i")
		if kind == "diff" {
			c.sql("drop table made_after_full")
		}
		m := moment{label: label, point: "point_" + kind, rows: c.rows()}
		c.sql("select pg_create_restore_point('" + m.point + "')")
		history = append(history, m)
		c.change(100 + i)
		c.archived()
	}
	return history
}

// verified lets the peer read the whole repository.
func (h *host) verified() {
	h.t.Helper()
	r := h.okAs(lab.peer, "verify", "--output=text", "--log-level-console=warn")
	if r.all() != "" {
		h.t.Errorf("the peer finds:\n%s", r)
	}
}

// sameRestore restores one backup with both programs and compares the directories.
func (h *host) sameRestore(p pairing, label string, args ...string) {
	h.t.Helper()
	var trees []tree
	var autos []string
	for _, prog := range []program{p.maker, p.reader} {
		dir := h.freshDir("restored")
		h.freshDir("ts")
		h.okAs(prog, append([]string{"restore", "--set=" + label, "--type=none", "--pg1-path=" + dir,
			"--tablespace-map-all=" + h.path("ts")}, args...)...)
		got := readTree(h.t, dir)
		autos = append(autos, got.leaveOut(h, dir))
		if p.maker == lab.elder || p.reader == lab.elder {
			// It did not make pg_control unusable without backup_label, and always asked for recovery.
			delete(got, "global/pg_control")
			delete(got, "recovery.signal")
		}
		trees = append(trees, got)
	}
	if diff := trees[1].diff(trees[0]); diff != "" {
		h.t.Errorf("%s restores %s other than %s:\n%s", p.reader.name, label, p.maker.name, diff)
	}
	if autos[0] != autos[1] {
		h.t.Errorf("postgresql.auto.conf:\n%s: %s\n%s: %s", p.maker.name, autos[0], p.reader.name, autos[1])
	}
}

// sameSegment gets the newest segment with both programs.
func (h *host) sameSegment(p pairing) {
	h.t.Helper()
	segment := h.cluster.sql("select last_archived_wal from pg_stat_archiver")
	var sums []string
	for _, prog := range []program{p.maker, p.reader} {
		dest := h.path("tmp", "segment-"+prog.name)
		h.okAs(prog, "archive-get", segment, dest)
		sum, err := fileSum(dest)
		if err != nil {
			h.t.Fatal(err)
		}
		sums = append(sums, sum)
	}
	if sums[0] != sums[1] {
		h.t.Errorf("%s: checksums %v", segment, sums)
	}
}

// pointInTime restores to each moment and starts the result.
func (h *host) pointInTime(prog program, history []moment) {
	h.t.Helper()
	for _, m := range history {
		h.startRestored(prog, m.rows, "--type=name", "--target="+m.point, "--target-action=promote", "--set="+m.label)
	}
}

// startRestored restores, starts what came out and compares its rows.
func (h *host) startRestored(prog program, rows string, args ...string) {
	h.t.Helper()
	dir := h.freshDir("restored")
	h.freshDir("ts")
	h.okAs(prog, append([]string{"restore", "--pg1-path=" + dir, "--tablespace-map-all=" + h.path("ts")}, args...)...)
	c := h.restored(dir)
	c.start()
	c.recovered()
	if got := c.rows(); got != rows {
		h.t.Errorf("%s restore %v: rows %s, want %s", prog.name, args, got, rows)
	}
	if n := c.sql("select count(*) from fleeting"); n != "0" {
		h.t.Errorf("unlogged table has %s rows", n)
	}
	if n := c.sql("select count(*) from in_ts"); n != "2000" {
		h.t.Errorf("table in the tablespace has %s rows", n)
	}
	c.stopWith("immediate")
}

// goOn lets the reader take over: archiving, an incremental backup, a full one, expiry. The maker
// and the peer must agree with each step.
func (h *host) goOn(p pairing) {
	h.t.Helper()
	c := h.cluster
	c.alter("archive_command = '" + h.archiveCommand(p.reader) + "'")
	c.change(200)
	incr := h.backupAs(p.reader, "incr")
	if !strings.Contains(incr, "_") {
		h.t.Errorf("%s does not continue the chain: %s", p.reader.name, incr)
	}
	c.change(201)
	c.archived()
	h.sameSegment(p)
	h.sameInfo(incr)
	h.verified()
	h.sameRestore(p, incr)
	h.startRestored(p.maker, c.rows())

	full := h.backupAs(p.reader, "full", "--no-expire-auto")
	h.okAs(p.reader, "expire", "--repo1-retention-full=1")
	if got := h.labels("repo"); len(got) != 1 || got[0] != full {
		h.t.Errorf("after expire: %v, want %s", got, full)
	}
	h.sameInfo(full)
	h.verified()
	h.startRestored(p.maker, c.rows())
}

// Two backups of the same stopped cluster must be the same files, and manifests that differ in
// nothing but the moment.
func TestSameRepository(t *testing.T) {
	for _, kind := range []string{"none", "gz", "none bundle", "none bundle block"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			peer := newHost(t, lab.peer)
			peer.history()
			peer.cluster.stop()
			label := map[string][]string{}
			texts := map[string][]string{}
			compress, rest, _ := strings.Cut(kind, " ")
			peer.set("global", "compress-type", compress)
			for _, option := range strings.Fields(rest) {
				peer.set("global", "repo1-"+option, "y")
			}
			peer.set("global", "process-max", "1") // as bundles are numbered when they are begun
			for _, kind := range []string{"full", "incr"} {
				for _, prog := range []program{lab.peer, lab.ours} {
					repo := "repo-" + prog.name
					peer.set("global", "repo1-path", peer.path(repo))
					if kind == "full" {
						peer.mkdir(repo, 0o750)
						peer.okAs(prog, "stanza-create", "--no-online")
					}
					l := peer.backupAs(prog, kind, "--no-online")
					peer.want(peer.runAs(prog, "backup", "--no-online", "--type=incr"), 55,
						"no files have changed since the last backup - this seems unlikely")
					label[repo] = append(label[repo], l)
					texts[repo] = append(texts[repo], peer.manifest(repo, l))
				}
				peer.write(peer.path("pg/new"), "new")
				peer.write(peer.path("pg/PG_VERSION"), peer.read(peer.path("pg/PG_VERSION")))
			}
			for i := range texts["repo-peer"] {
				if diff := lineDiff(texts["repo-ours"][i], texts["repo-peer"][i]); diff != "" {
					t.Errorf("manifest of %s:\n%s", label["repo-ours"][i], diff)
				}
			}
			ours, want := storedTree(t, peer.path("repo-ours")), storedTree(t, peer.path("repo-peer"))
			if diff := ours.diff(want); diff != "" {
				t.Errorf("stored files:\n%s", diff)
			}
		})
	}
}

var manifestVariable = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\d{8}-\d{6}[FDI]`), "LABEL"},
	{regexp.MustCompile(`(backup-timestamp-\w+|backup-timestamp-copy-start)=\d+`), "$1=X"},
	{regexp.MustCompile(`backrest-checksum="[0-9a-f]+"`), "backrest-checksum=X"},
	{regexp.MustCompile(`"repo-size":\d+`), `"repo-size":X`},
	{regexp.MustCompile(`"rck":"[0-9a-f]+"`), `"rck":X`},
}

// manifest reads a manifest without what belongs to its moment.
func (h *host) manifest(repo, label string) string {
	h.t.Helper()
	text := h.read(h.path(repo, "backup", h.stanza, label, "backup.manifest"))
	for _, v := range manifestVariable {
		text = v.pattern.ReplaceAllString(text, v.with)
	}
	return text
}

// storedTree reads a repository as names, kinds and modes, with the content of what does not depend
// on the moment or the compressor.
func storedTree(t *testing.T, root string) tree {
	t.Helper()
	label := regexp.MustCompile(`\d{8}-\d{6}[FDI]`)
	got := tree{}
	for name, e := range readTree(t, root) {
		if e.kind == "file" {
			e.mtime = 0
			if strings.Contains(name, "backup.") || strings.Contains(name, "archive.info") || strings.HasSuffix(name, ".gz") {
				e.size, e.sum = 0, ""
			}
		}
		e.dest = label.ReplaceAllString(e.dest, "LABEL")
		name = label.ReplaceAllString(name, "LABEL")
		got[name] = e
	}
	return got
}

// lineDiff names the lines that only one of two texts has.
func lineDiff(got, want string) string {
	var lines []string
	only := func(sign, a, b string) {
		seen := map[string]int{}
		for line := range strings.Lines(b) {
			seen[line]++
		}
		for line := range strings.Lines(a) {
			if seen[line]--; seen[line] < 0 {
				lines = append(lines, sign+strings.TrimSpace(line))
			}
		}
	}
	only("- ", want, got)
	only("+ ", got, want)
	if len(lines) > 30 {
		lines = append(lines[:30], "...")
	}
	return strings.Join(lines, "\n")
}
