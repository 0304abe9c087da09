package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// A cluster is upgraded to another version for real and its stanza follows: old backups come back with the old programs, new ones
// begin with a full one, and both programs tell the same about all that.
func TestUpgradedCluster(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	full := h.base()
	old := h.cluster
	old.change(1)
	incr := h.backup("incr")
	old.change(2)
	oldRows := old.rows()
	old.archived()
	old.stop()

	c := &cluster{h: h, data: h.path("new"), sock: old.sock, bin: versionBin(t, 19)}
	c.init("--wal-segsize=1", "--data-checksums")
	c.tool("pg_upgrade", "-b", lab.pgBin, "-B", c.bin, "-d", old.data, "-D", c.data, "-U", "postgres", "-s", h.path("tmp"), "--no-sync")
	c.configure("jit = off")
	h.setPg("1", c)
	c.start()
	h.cluster = c
	if got := c.rows(); got != oldRows {
		t.Fatalf("the upgrade made %s of %s", got, oldRows)
	}

	h.scenario(t, "not upgraded", func() {
		h.both(28, texts("backup and archive info files exist but do not match the database"), "check")
		h.both(28, nil, "stanza-create")
		h.both(51, texts("PostgreSQL version 19, system-id ", " do not match stanza version 15"), "backup")
		segment := h.path("tmp/0000000100000000000000FF")
		h.write(segment, h.read(filepath.Join(c.data, "pg_wal", c.sql("select pg_walfile_name(pg_current_wal_lsn())"))))
		h.both(103, texts("[ArchiveMismatchError] PostgreSQL version 19, system-id "), "archive-push", segment)
	})
	h.scenario(t, "stanza-upgrade", func() {
		h.copyTree("repo", "copied")
		peer := h.okAs(lab.peer, "stanza-upgrade", "--repo1-path="+h.path("copied"))
		peer.stdout = strings.ReplaceAll(peer.stdout, h.path("copied"), h.path("repo"))
		h.same(peer, h.ok("stanza-upgrade"))
		for _, file := range []string{"archive/s/archive.info", "archive/s/archive.info.copy", "backup/s/backup.info", "backup/s/backup.info.copy"} {
			if ours, peer := h.read(h.path("repo", file)), h.read(h.path("copied", file)); ours != peer {
				t.Errorf("%s: - the peer, + ours:\n%s", file, lineDiff(ours, peer))
			}
		}
		h.both(0, texts("stanza 's' on repo1 is already up to date"), "stanza-upgrade")
		h.both(0, texts("stanza 's' already exists on repo1 and is valid"), "stanza-create")
	})
	told := func() {
		h.t.Helper()
		for _, args := range [][]string{nil, {"--output=json"}, {"--set=" + full}, {"--type=full"}} {
			h.both(0, nil, append(texts("info", "--log-level-console=off"), args...)...)
		}
		h.want(h.ok("info"), 0, "wal archive min/max (15): ", "db (prior)", "full backup: "+full, "incr backup: "+incr)
	}
	h.scenario(t, "before the first backup", func() {
		told()
		h.both(75, texts("the latest backup set found '"+incr+"' is from a prior version of PostgreSQL"), "restore",
			"--pg1-path="+h.freshDir("restored"))
	})
	h.scenario(t, "after it", func() {
		h.ok("check")
		r := h.gives(0, texts("WARN: no prior backup exists, incr backup has been changed to full"), "backup", "--type=incr")
		first := newLabel(h.t, r)
		c.change(3)
		newest := h.backup("incr")
		h.backupAs(lab.peer, "incr")
		told()
		h.want(h.ok("info"), 0, "db (current)", "wal archive min/max (19): ", "full backup: "+first, "incr backup: "+newest)
		h.verified()
	})
	h.scenario(t, "old backups", func() {
		for i, p := range []program{lab.ours, lab.peer} {
			c := &cluster{h: h} // with the usual programs
			r := c.back(p, "--set="+texts(full, incr)[i])
			r.has(oldRows)
			if got := r.sql("show server_version_num")[:2]; got != "15" {
				t.Errorf("version %s", got)
			}
			r.stopWith("immediate")
		}
	})
	h.scenario(t, "new backups", func() {
		c.archived()
		want := c.rows()
		r := c.back(lab.ours)
		r.has(want)
		r.stopWith("immediate")
	})
}
