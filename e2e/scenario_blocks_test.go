package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestScenarioBlocks makes online backups with bundles and blocks to the second repository of a host.
func TestScenarioBlocks(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.secondRepo()
	h.set("global", "repo1-bundle", "y")
	h.set("global", "repo2-bundle", "y")
	h.set("global", "repo2-block", "y")
	h.set("global", "compress-type", "zst")
	h.addCluster()
	c := h.cluster
	c.sql("create table big as select i as id, md5(i::text) || md5((i + 1)::text) as v from generate_series(1, 300000) i")
	c.sql("vacuum freeze big") // or whoever reads it first changes every page
	c.sql("create table never_filled (i int)")
	c.table(1000)
	h.write(h.path("pg/odd"), strings.Repeat("0123456789", 5000))
	h.ok("stanza-create")
	h.backup("full")
	full := h.backup("full", "--repo=2")

	same := func(label string) {
		t.Helper()
		h.sameRestore(pairing{maker: lab.peer, reader: lab.ours}, label, "--repo=2")
	}
	h.scenario(t, "SN-241", func() {
		empty := c.sql("select pg_relation_filepath('never_filled')")
		for _, dir := range []string{h.path("repo"), h.path("repo2")} {
			entries, err := filepath.Glob(filepath.Join(dir, "backup/s/*F/pg_data", empty+"*"))
			if err != nil || len(entries) > 0 {
				h.t.Errorf("stored: %v (%v)", entries, err)
			}
		}
		dir := h.freshDir("restored")
		h.ok("restore", "--repo=1", "--pg1-path="+dir)
		if info, err := os.Stat(filepath.Join(dir, empty)); err != nil || info.Size() != 0 {
			h.t.Errorf("restored: %v, %v", info, err)
		}
	})
	h.scenario(t, "SN-427", func() {
		h.startRows("--repo=2", "--set="+full)
	})
	h.scenario(t, "SN-239", func() {
		c.sql("update big set v = 'changed' where id between 5000 and 5098")
		c.sql("checkpoint")
		label := h.backup("incr", "--repo=2")
		rel := c.sql("select pg_relation_filepath('big')")
		info, err := os.Stat(h.path("repo2/backup/s", label, "pg_data", rel+".pgbi"))
		size, convErr := strconv.ParseInt(c.sql("select pg_relation_size('big')"), 10, 64)
		if err != nil || convErr != nil || info.Size() > size/50 {
			h.t.Errorf("of %d bytes %v are stored (%v)", size, info, err)
		}
		same(label)
		h.startRows("--repo=2")
	})
	h.scenario(t, "SN-240", func() {
		for _, content := range []string{strings.Repeat("short", 1000), strings.Repeat("0123456789", 9000), ""} {
			if content == "" {
				h.write(h.path("pg/odd"), h.read(h.path("pg/odd")))
				at := time.Now().Add(-3 * time.Second)
				os.Chtimes(h.path("pg/odd"), at, at)
			} else {
				h.write(h.path("pg/odd"), content)
			}
			label := h.backup("incr", "--repo=2")
			same(label)
			dir := h.freshDir("restored")
			h.ok("restore", "--repo=2", "--set="+label, "--pg1-path="+dir)
			if h.read(dir+"/odd") != h.read(h.path("pg/odd")) {
				h.t.Error("restored odd is another")
			}
		}
	})
	h.scenario(t, "SN-238", func() {
		h.set("global", "repo2-block", "n")
		h.set("global", "repo2-bundle", "n")
		c.change(1)
		label := h.backup("incr", "--repo=2")
		if h.exists(h.path("repo2/backup/s", label, "bundle")) {
			h.t.Error("there is a bundle")
		}
		same(label)
		h.startRows("--repo=2")
	})
}

// startRows restores, starts what came out and compares the rows of both tables with the cluster's.
func (h *host) startRows(args ...string) {
	h.t.Helper()
	rows := func(c *cluster) string {
		return c.rows() + c.sql("select count(*) || md5(string_agg(v, ',' order by id)) from big")
	}
	h.cluster.archived()
	want := rows(h.cluster)
	dir := h.freshDir("restored")
	h.ok(append([]string{"restore", "--pg1-path=" + dir}, args...)...)
	c := h.restored(dir)
	c.start()
	c.recovered()
	if got := rows(c); got != want {
		h.t.Errorf("restore %v: rows %s, want %s", args, got, want)
	}
	c.stopWith("immediate")
}
