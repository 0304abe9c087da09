package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Repositories that are not there, not ours to read, of another cluster or behind another
// passphrase: every command says so as the peer does, and what is stored stays as it is.

func TestWrongPassphrase(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.set("global", "repo1-cipher-type", "aes-256-cbc")
	h.set("global", "repo1-cipher-pass", "right")
	h.base()
	c := h.cluster
	c.change(1)
	segment := h.segment("kept")
	sum := h.sum(segment)
	c.archived()
	rows := c.rows()
	c.alter("archive_command = 'false pgbackrest'")
	dir := h.freshDir("restored")

	ask := func(loaded ...int) {
		h.freshDir("restored")
		for _, a := range []asked{{ofHarm, texts("backup")}, {ofHarm, texts("stanza-create", "--no-online")}, {ofHarm, texts("check")},
			{103, texts("archive-push", segment)}, {103, texts("archive-get", filepath.Base(segment), h.path("tmp/got"))},
			{104, texts("expire")}, {75, texts("restore", "--pg1-path="+dir)}, {0, texts("info")}} {
			// What is parsed differs with the garbage that a wrong passphrase makes.
			var r result
			h.untouched("repo", func() { r = h.run(a.args...) })
			h.printable(r)
			if r.code != a.code && (a.code != ofHarm || !slices.Contains(loaded, r.code)) {
				h.t.Errorf("%v: want %d or %v: %s", a.args, a.code, loaded, r)
			}
			h.want(r, r.code, "HINT: is or was the repo encrypted?", "!right")
			if peer := h.runAs(lab.peer, a.args...); peer.code != r.code && !slices.Contains(loaded, peer.code) {
				h.t.Errorf("%v: the peer gives %s", a.args, peer)
			}
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			h.t.Errorf("restored %v %v", entries, err)
		}
	}
	h.scenario(t, "wrong", func() {
		h.set("global", "repo1-cipher-pass", "wrong")
		ask(29, 95)
	})
	h.scenario(t, "removed", func() {
		h.unset("global", "repo1-cipher-type")
		h.unset("global", "repo1-cipher-pass")
		ask(29, 95)
	})
	h.set("global", "repo1-cipher-type", "aes-256-cbc")
	h.set("global", "repo1-cipher-pass", "right")
	h.gets(segment, sum)
	h.startsWith(rows)
	h.verified()

	h.scenario(t, "added", func() {
		h.set("global", "repo1-path", h.path("repo2"))
		h.unset("global", "repo1-cipher-type")
		h.unset("global", "repo1-cipher-pass")
		h.ok("stanza-create")
		c.alter("archive_command = '" + h.archiveCommand(h.prog) + "'")
		h.backup("full")
		c.alter("archive_command = 'false pgbackrest'")
		h.set("global", "repo1-cipher-type", "aes-256-cbc")
		h.set("global", "repo1-cipher-pass", "right")
		h.untouched("repo2", func() { ask(95) })
		h.unset("global", "repo1-cipher-type")
		h.unset("global", "repo1-cipher-pass")
		h.startsWith(rows)
	})
}

func TestMissingRepository(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	c := h.cluster
	segment := h.segment("kept")
	sum := h.sum(segment)
	c.archived()
	rows := c.rows()
	c.alter("archive_command = 'false pgbackrest'")
	dir := h.freshDir("restored")
	commands := func(info, backup, stanza int) []asked {
		return []asked{{info, texts("info")}, {backup, texts("backup")}, {backup, texts("check")},
			{stanza, texts("stanza-upgrade", "--no-online")},
			{103, texts("archive-push", segment)}, {103, texts("archive-get", filepath.Base(segment), h.path("tmp/got"))},
			{104, texts("expire")}, {75, texts("restore", "--pg1-path="+dir)}}
	}
	ask := func(commands []asked) {
		for _, a := range commands {
			h.agree(a.code, a.args...)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			h.t.Errorf("restored %v %v", entries, err)
		}
	}
	h.scenario(t, "gone", func() {
		moved := h.path("moved")
		if err := os.Rename(h.path("repo"), moved); err != nil {
			t.Fatal(err)
		}
		h.set("global", "repo1-path", h.path("nowhere/repo"))
		h.mkdir("repo", 0o750) // what agree looks at
		ask(commands(0, 55, 55))
		if h.exists(h.path("nowhere")) {
			h.t.Error("a command has made the repository")
		}
		h.remove(h.path("repo"))
		if err := os.Rename(moved, h.path("repo")); err != nil {
			t.Fatal(err)
		}
		h.set("global", "repo1-path", h.path("repo"))
	})
	for _, denied := range []string{"repo", "repo/backup", "repo/archive", "repo/archive/s/archive.info"} {
		h.scenario(t, denied, func() {
			defer h.deny(h.path(denied), 0)()
			if denied == "repo/archive/s/archive.info" {
				defer h.deny(h.path(denied+".copy"), 0)()
			}
			for _, a := range commands(0, asPeer, asPeer) {
				if a.args[0] == "restore" && denied != "repo" && denied != "repo/backup" {
					continue // the peer wants archive.info even where nothing of the archive is needed
				}
				peer, ours := h.runAs(lab.peer, a.args...), h.run(a.args...)
				if peer.code != ours.code || h.complaint(peer) != h.complaint(ours) {
					h.t.Errorf("%v: the peer gives %d, ours %d; - the peer, + ours:\n%s", a.args, peer.code, ours.code,
						lineDiff(h.complaint(ours), h.complaint(peer)))
				}
			}
		})
	}
	h.gets(segment, sum)
	h.startsWith(rows)
	h.verified()
}

// Nobody but root can read everything; the programs run as the owner of the cluster.
func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.set("global", "job-retry", "0")
	f1 := h.base()
	c := h.cluster
	file := c.sql("select pg_relation_filepath('t')")
	h.mkdir("pg/extra", 0o700)

	for _, test := range []struct {
		path string
		code int
	}{{"pg/" + file, 41}, {"pg/pg_hba.conf", 41}, {"pg/extra", 53}, {"pg/global/pg_control", 56}} {
		h.scenario(t, test.path, func() {
			before := h.read(h.path("repo/backup/s/backup.info"))
			restore := h.deny(h.path(test.path), 0)
			peer := h.runAs(lab.peer, "backup", "--type=full")
			ours := h.gives(test.code, texts("[13] Permission denied"), "backup", "--type=full")
			if peer.code != ours.code || h.complaint(peer) != h.complaint(ours) {
				h.t.Errorf("the peer gives %d; - the peer, + ours:\n%s", peer.code, lineDiff(h.complaint(ours), h.complaint(peer)))
			}
			restore()
			if h.read(h.path("repo/backup/s/backup.info")) != before {
				h.t.Error("backup.info is changed")
			}
			h.agree(0, "info")
		})
	}
	c.change(1)
	f2 := h.backup("full")
	if latest := h.lastLabel("repo"); latest != f2 {
		t.Errorf("after %s there is %s", f2, latest)
	}
	c.archived()
	rows := c.rows()
	h.verified()

	dir := h.freshDir("restored")
	for _, denied := range []string{h.path("repo/backup/s", f2, "pg_data", file), h.path("repo/backup/s", f2, "pg_data/base")} {
		h.scenario(t, "stored "+filepath.Base(denied), func() {
			restore := h.deny(denied, 0)
			h.gives(41, texts("[13] Permission denied"), "restore", "--pg1-path="+dir, "--delta")
			h.unstartable(dir)
			restore()
		})
	}
	h.ok("restore", "--pg1-path="+dir, "--delta")
	r := h.restored(dir)
	r.start()
	r.recovered()
	if got := r.rows(); got != rows {
		t.Errorf("rows %s, want %s", got, rows)
	}
	r.stopWith("immediate")
	h.scenario(t, "target", func() {
		h.freshDir("restored")
		restore := h.deny(dir, 0o500)
		h.agree(53, "restore", "--pg1-path="+dir)
		restore()
	})
	h.startsWith(rows, "--set="+f1)
}

// A cluster is not let into the stanza of another one.
func TestForeignCluster(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	c := h.cluster
	segment := h.segment("kept")
	sum := h.sum(segment)
	c.archived()
	rows := c.rows()
	own, sock := c.data, c.sock
	other := h.newCluster("other")
	other.sock = h.mkdir("othersock", 0o750)
	other.configure("unix_socket_directories = '"+other.sock+"'", "archive_command = 'false pgbackrest'")
	other.start()
	foreign := other.sql("create table t(i int); select pg_walfile_name(pg_current_wal_lsn())")

	point := func(data, sock string) {
		h.set(h.stanza, "pg1-path", data)
		h.set(h.stanza, "pg1-socket-path", sock)
	}
	point(other.data, other.sock)
	for _, a := range []asked{{51, texts("backup")}, {51, texts("backup", "--type=full", "--no-archive-check")},
		{28, texts("stanza-create")}, {28, texts("check")},
		{103, texts("archive-get", filepath.Base(segment), h.path("tmp/got"))},
		{103, texts("archive-push", filepath.Join(other.data, "pg_wal", foreign))},
		{38, texts("restore", "--delta")}} {
		h.agree(a.code, a.args...)
	}
	point(own, sock)
	h.agree(44, "archive-push", filepath.Join(other.data, "pg_wal", foreign))
	h.scenario(t, "running", func() {
		// A restore into the directory of a running server changes nothing there.
		other.stop()
		h.write(filepath.Join(other.data, "postmaster.pid"), "1\n")
		h.untouched("other", func() {
			for _, args := range [][]string{{}, {"--delta"}, {"--force"}, {"--delta", "--force"}} {
				h.agree(38, append(texts("restore", "--pg1-path="+other.data), args...)...)
			}
		})
		h.remove(filepath.Join(other.data, "postmaster.pid"))
	})
	h.gets(segment, sum)
	h.backup("incr")
	h.verified()
	// Once it is stopped the other directory can be overwritten, but only if that is asked for.
	h.untouched("other", func() { h.agree(40, "restore", "--pg1-path="+other.data) })
	h.ok("restore", "--delta", "--pg1-path="+other.data)
	r := h.restored(other.data)
	r.start()
	r.recovered()
	if got := r.rows(); got != rows {
		t.Errorf("rows %s, want %s", got, rows)
	}
}

// What cannot be understood is refused before anything is done.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.set(h.stanza, "pg1-path", h.path("pg"))
	for _, args := range [][]string{
		{"bogus"}, {"backup:async"}, {"backup:bogus"}, {"Backup"}, {""}, {"backup", "x"}, {"info", "x"},
		{"backup", "--bogus"}, {"backup", "--bogus=1"}, {"backup", "--no-bogus"}, {"backup", "--reset-bogus"},
		{"backup", "-x"}, {"backup", "--"}, {"backup", "--type"}, {"backup", "--type="}, {"backup", "--type=bogus"},
		{"backup", "--process-max=0"}, {"backup", "--process-max=x"}, {"backup", "--process-max=1000"},
		{"backup", "--no-type"}, {"backup", "--start-fast=x"}, {"backup", "--compress-level=10"},
		{"backup", "--compress-level=99"}, {"backup", "--repo1-cipher-pass=x"}, {"backup", "--repo=3"},
		{"backup", "--repo=x"}, {"backup", "--pg2-path"}, {"backup", "--buffer-size=3"}, {"backup", "--archive-timeout=x"},
		{"backup", "--type=full", "--type=incr"}, {"backup", "--delta", "--no-delta"}, {"restore", "--target=x"},
		{"restore", "--type=name"}, {"restore", "--set="}, {"restore", "--set=../x"}, {"restore", "--pg1-path=relative"},
		{"restore", "--db-include"}, {"restore", "--recovery-option=x"}, {"restore", "--tablespace-map=x"},
		{"restore", "--link-map=x"}, {"expire", "--set=bogus"}, {"expire", "--repo1-retention-full=0"},
		{"expire", "--repo1-retention-full=x"}, {"info", "--output=xml"}, {"archive-push"}, {"archive-get"},
		{"archive-get", "a"}, {"archive-get", "a", "b", "c"}, {"stanza-create", "--force"}, {"stop", "--set=x"},
		{"backup", "--lock-path=relative"}, {"backup", "--log-level-console=loud"}, {"backup", "--stanza="},
		{"check", "--repo=1"}, {"archive-push", "--repo=1", "x"}, {"backup", "--dry-run"},
	} {
		t.Run(fmt.Sprint(args), func(t *testing.T) {
			outer := h.t
			h.t = t
			defer func() { h.t = outer }()
			h.agree(asPeer, args...)
		})
	}
	if left := readTree(t, h.path("lock")); len(left) != 1 {
		t.Errorf("locks are left: %v", left)
	}
}
