package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestStandby(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	c := h.cluster
	c.change(1)
	first := c.rows()
	c.archived()
	follows := func(s *cluster, rows string) {
		h.t.Helper()
		h.until("the standby has caught up", func() bool { return s.rows() == rows })
		if !s.inRecovery() {
			h.t.Error("the standby is no standby")
		}
	}

	h.scenario(t, "from the archive", func() {
		s := h.brought("--type=standby")
		s.start()
		follows(s, first)
		c.change(2)
		want := c.rows()
		c.archived()
		follows(s, want)
		s.stop()
		s.start() // it stays what it is
		follows(s, want)
		_, err := s.try("psql", "-Xq", "-h", s.sock, "-p", port, "-U", "postgres", "-d", "postgres", "-c", "delete from t")
		if err == nil {
			h.t.Error("a standby lets itself be changed")
		}
		s.tool("pg_ctl", "-D", s.data, "-s", "-w", "promote")
		s.has(want)
		s.change(3)
		s.stopWith("immediate")
	})
	h.scenario(t, "streaming", func() {
		conninfo := fmt.Sprintf("host=%s port=%s user=postgres application_name=replica", c.sock, port)
		s := h.brought("--type=standby", "--recovery-option=primary-conninfo="+conninfo, "--target-timeline=current")
		s.start()
		h.until("the standby streams", func() bool { return s.sql("select status from pg_stat_wal_receiver") == "streaming" })
		if got := c.sql("select application_name || ' ' || state from pg_stat_replication"); got != "replica streaming" {
			h.t.Errorf("the primary sees %q", got)
		}
		c.change(4)
		follows(s, c.rows()) // nothing of it is archived yet
		// The archive helps a standby whose WAL the primary has removed.
		s.stop()
		for step := range 3 {
			c.change(10 + step)
			c.archived()
		}
		c.sql("checkpoint")
		s.start()
		follows(s, c.rows())
		want := c.rows()
		s.tool("pg_ctl", "-D", s.data, "-s", "-w", "promote")
		s.has(want)
		s.change(5)
		s.stopWith("immediate")
	})
	h.backup("incr")
	h.verified()
}

// Restores that leave recovery to what is there already.
func TestPreserveAndNone(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	c := h.cluster
	c.change(1)
	point := c.rows()
	c.sql("select pg_create_restore_point('point')")
	c.change(2)
	copied := c.rows()
	withWAL := h.backup("full", "--archive-copy")
	c.change(3)
	without := h.backup("incr")
	c.archived()

	h.scenario(t, "preserve", func() {
		r := h.brought("--type=name", "--target=point", "--target-action=promote", "--set="+h.labels("repo")[0])
		auto := filepath.Join(r.data, "postgresql.auto.conf")
		before := h.read(auto)
		h.remove(filepath.Join(r.data, "base/5/1259"))
		h.gives(0, texts("!WARN"), "restore", "--delta", "--type=preserve", "--pg1-path="+r.data, "--set="+h.labels("repo")[0])
		if h.read(auto) != before || !h.exists(filepath.Join(r.data, "recovery.signal")) {
			h.t.Errorf("settings are not kept:\n%s", h.read(auto))
		}
		r.start()
		r.recovered()
		r.has(point)
		r.stopWith("immediate")
	})
	h.scenario(t, "preserve nothing", func() {
		dir := h.freshDir("restored")
		h.gives(0, texts("WARN: recovery type is preserve but recovery file does not exist at '"+dir+"/postgresql.auto.conf'"),
			"restore", "--type=preserve", "--pg1-path="+dir)
	})
	h.scenario(t, "none without WAL", func() {
		r := h.brought("--type=none", "--set="+without)
		if err := r.tryStart(); err == nil {
			h.t.Error("a cluster starts without the WAL its backup needs")
		}
		if !strings.Contains(r.serverLog(), "could not locate required checkpoint record") {
			h.t.Errorf("%s", r.serverLog())
		}
	})
	h.scenario(t, "none with WAL", func() {
		r := h.brought("--type=none", "--set="+withWAL)
		if h.exists(filepath.Join(r.data, "recovery.signal")) {
			h.t.Error("recovery is asked for")
		}
		r.start()
		r.recovered()
		r.has(copied)
		r.stopWith("immediate")
	})
	h.scenario(t, "offline", func() {
		want := c.rows()
		c.stop()
		h.backup("full", "--no-online")
		for _, args := range [][]string{nil, {"--type=none"}} {
			r := h.brought(args...)
			if h.exists(filepath.Join(r.data, "recovery.signal")) {
				h.t.Error("recovery is asked for")
			}
			r.start()
			r.recovered()
			r.has(want)
			r.stopWith("immediate")
		}
	})
}
