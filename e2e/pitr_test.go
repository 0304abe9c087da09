package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Every way to choose a point in time is proved by a server: what a restore gives is started, and its
// rows are those that were recorded then.

// transaction is what a cluster held before and after a change, and every way to name that moment.
type transaction struct {
	before, after string // rows
	xid           string
	lsn           string // where the record of its commit begins
	time          string // of its commit, to the microsecond
	name          string // of a restore point behind it
}

var commitRecord = regexp.MustCompile(`lsn: ([0-9A-F]+/[0-9A-F]+), prev \S+ desc: COMMIT`)

// transact changes the table in one transaction.
func (c *cluster) transact(name string) transaction {
	c.h.t.Helper()
	t := transaction{before: c.rows(), name: name}
	start := c.sql("select pg_current_wal_insert_lsn()")
	t.xid = c.sql("begin; update t set v = md5(v || '" + name + "') where id % 5 = 0; select txid_current(); commit")
	t.time = c.sql("select to_char(pg_xact_commit_timestamp('" + t.xid + "') at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00')")
	t.after = c.rows()
	c.sql("select pg_create_restore_point('" + name + "')")
	end := c.sql("select pg_current_wal_lsn()")
	dump := c.tool("pg_waldump", "-p", filepath.Join(c.data, "pg_wal"), "-s", start, "-e", end, "-r", "Transaction", "-x", t.xid)
	m := commitRecord.FindStringSubmatch(dump)
	if m == nil {
		c.h.t.Fatalf("no commit: %s", dump)
	}
	t.lsn = m[1]
	return t
}

// brought restores into an empty directory and prepares to start what is there.
func (h *host) brought(args ...string) *cluster {
	h.t.Helper()
	dir := h.freshDir("restored")
	os.Remove(dir + ".log")
	h.ok(append([]string{"restore", "--pg1-path=" + dir}, args...)...)
	return h.restored(dir)
}

// has compares the rows of a restored cluster.
func (c *cluster) has(rows string) {
	c.h.t.Helper()
	if got := c.rows(); got != rows {
		c.h.t.Errorf("rows %s, want %s\n%s", got, rows, c.serverLog())
	}
}

func (c *cluster) timeline() string { return c.sql("select timeline_id from pg_control_checkpoint()") }

func (c *cluster) inRecovery() bool { return c.sql("select pg_is_in_recovery()") == "t" }

func TestPointInTime(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	f1 := h.base("track_commit_timestamp = on")
	c := h.cluster
	c.transact("a")
	i1 := h.backup("incr")
	time.Sleep(1100 * time.Millisecond) // the target must be later than the second in which the backup ended
	b := c.transact("b")
	c.transact("c")
	c.archived()
	d := c.transact("d")
	c.change(8) // a time is reached when something later is met
	last := c.rows()
	c.archived()

	for _, test := range []struct {
		kind, target string
		exclusive    bool
		action       string
		want         string
		set          string
	}{
		{"xid", b.xid, false, "pause", b.after, ""},
		{"xid", b.xid, true, "promote", b.before, ""},
		{"xid", d.xid, true, "shutdown", d.before, f1},
		{"time", b.time, false, "promote", b.after, ""},
		{"time", b.time, true, "pause", b.before, ""},
		{"time", d.time, false, "shutdown", d.after, f1},
		{"lsn", b.lsn, false, "shutdown", b.after, ""},
		{"lsn", b.lsn, true, "promote", b.before, i1},
		{"lsn", d.lsn, false, "pause", d.after, f1},
		{"name", b.name, false, "pause", b.after, ""},
		{"name", d.name, false, "promote", d.after, f1},
		{"name", b.name, false, "shutdown", b.after, ""},
	} {
		name := fmt.Sprintf("%s exclusive=%v %s set=%s", test.kind, test.exclusive, test.action, test.set)
		h.scenario(t, name, func() {
			args := texts("--type="+test.kind, "--target="+test.target, "--target-action="+test.action)
			if test.exclusive {
				args = append(args, "--target-exclusive")
			}
			if test.set != "" {
				args = append(args, "--set="+test.set)
			}
			r := h.brought(args...)
			switch test.action {
			case "pause":
				r.start()
				r.recovered()
				r.has(test.want)
				if !r.inRecovery() {
					h.t.Error("it is not paused")
				}
				r.sql("select pg_wal_replay_resume()")
				h.until("resumed recovery ends", func() bool { return !r.inRecovery() })
			case "promote":
				r.start()
				h.until("recovery ends", func() bool { return !r.inRecovery() })
			case "shutdown":
				r.tryStart() // it may end while pg_ctl waits for it
				h.until("it shuts down", func() bool { return !h.exists(filepath.Join(r.data, "postmaster.pid")) })
				if state := r.tool("pg_controldata", r.data); !strings.Contains(state, "shut down in recovery") {
					h.t.Errorf("%s", state)
				}
				auto := filepath.Join(r.data, "postgresql.auto.conf")
				h.write(auto, h.read(auto)+"recovery_target_action = 'promote'\n")
				r.start()
				h.until("recovery ends", func() bool { return !r.inRecovery() })
			}
			r.has(test.want)
			if tl := r.sql("select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"); tl != "00000002" {
				h.t.Errorf("timeline %s", tl)
			}
			r.change(9) // it is a server like any other
			r.stopWith("immediate")
		})
	}
	h.scenario(t, "default", func() {
		r := h.brought()
		r.start()
		h.until("recovery ends", func() bool { return !r.inRecovery() })
		r.has(last)
		r.stopWith("immediate")
	})
	h.scenario(t, "target not reached", func() {
		// The archive ends before the target: the server says so and does not pass for restored.
		r := h.brought("--type=name", "--target=nowhere", "--target-action=promote")
		if err := r.tryStart(); err == nil {
			h.until("it gives up", func() bool { return !h.exists(filepath.Join(r.data, "postmaster.pid")) })
		}
		if !strings.Contains(r.serverLog(), "recovery ended before configured recovery target was reached") {
			h.t.Errorf("%s", r.serverLog())
		}
	})
	h.verified()
}

// An immediate restore ends where the backup did, however busy the server was meanwhile.
func TestImmediate(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	c := h.cluster
	c.sql("create table w (n int, lsn pg_lsn)")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	writer := h.command(ctx, filepath.Join(lab.pgBin, "psql"), "-Xq", "-h", c.sock, "-p", port, "-U", "postgres", "-d", "postgres",
		"-c", "do $$ begin for n in 1 .. 1000000 loop insert into w values (n, pg_current_wal_insert_lsn()); commit; "+
			"perform pg_sleep(0.001); end loop; end $$")
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	h.until("rows are written", func() bool { return c.sql("select count(*) > 50 from w") == "t" })
	label := h.backup("full")
	lines := c.sql("select count(*) from w")
	h.until("more rows are written", func() bool { return c.sql("select count(*) > 50 + "+lines+" from w") == "t" })
	c.sql("select pg_terminate_backend(pid, 10000) from pg_stat_activity where query like 'do %'")
	writer.Wait()
	c.archived()

	stop := h.stopLSN(label)
	// The last row written before the stop may have been committed behind it.
	last := c.sql("select max(n) from w where lsn <= '" + stop + "'")
	for _, action := range []string{"pause", "promote"} {
		h.scenario(t, action, func() {
			r := h.brought("--type=immediate", "--target-action="+action)
			r.start()
			r.recovered()
			if r.inRecovery() != (action == "pause") {
				h.t.Errorf("in recovery: %v", r.inRecovery())
			}
			got := r.sql("select count(*) = max(n) and max(n) between " + last + " - 1 and " + last + " from w")
			if got != "t" {
				h.t.Errorf("%s rows, want %s or one less", r.sql("select count(*) || ' to ' || max(n) from w"), last)
			}
			r.stopWith("immediate")
		})
	}
	h.scenario(t, "default", func() {
		r := h.brought()
		r.start()
		r.recovered()
		if got, want := r.sql("select count(*), max(n) from w"), c.sql("select count(*), max(n) from w"); got != want {
			h.t.Errorf("rows %s, want %s", got, want)
		}
		r.stopWith("immediate")
	})
}

// stopLSN is where a backup ended.
func (h *host) stopLSN(label string) string {
	h.t.Helper()
	var stanzas []struct {
		Backup []struct {
			Label string
			LSN   struct{ Stop string }
		}
	}
	if err := json.Unmarshal([]byte(h.ok("info", "--output=json").stdout), &stanzas); err != nil {
		h.t.Fatal(err)
	}
	for _, b := range stanzas[0].Backup {
		if b.Label == label {
			return b.LSN.Stop
		}
	}
	h.t.Fatalf("%s is not listed", label)
	return ""
}

// Two servers write two futures of one past into the same archive.
func TestTimelines(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	f1 := h.base()
	c := h.cluster
	c.change(1)
	forked := c.rows()
	c.sql("select pg_create_restore_point('fork')")
	c.change(2)
	c.archived()

	dir := h.mkdir("second", 0o700)
	h.ok("restore", "--pg1-path="+dir, "--type=name", "--target=fork", "--target-action=promote")
	r := h.restored(dir)
	r.opts = r.opts[1:] // it archives, as a cluster of its own
	command := strings.Replace(h.archiveCommand(h.prog), " archive-push", " --pg1-path="+dir+" archive-push", 1)
	r.configure("archive_command = '" + command + "'")
	r.start()
	r.recovered()
	r.has(forked)
	r.change(3)
	on2 := r.rows()
	r.sql("select pg_create_restore_point('later')")
	r.change(4)
	last2 := r.rows()
	r.archived()
	c.change(5)
	on1 := c.rows()
	c.sql("select pg_create_restore_point('later')")
	c.change(6)
	last1 := c.rows()
	c.archived()

	check := func(rows, timeline string, args ...string) {
		h.scenario(t, strings.Join(args, " "), func() {
			r := h.brought(args...)
			r.start()
			r.recovered()
			r.has(rows)
			if got := r.timeline(); got != timeline && !r.inRecovery() {
				h.until("the new timeline has a checkpoint", func() bool { return r.timeline() == timeline })
			}
			r.stopWith("immediate")
		})
	}
	set := "--set=" + f1
	check(last2, "3", set)
	check(last2, "3", set, "--target-timeline=latest")
	check(last2, "3", set, "--target-timeline=2")
	check(last2, "3", set, "--target-timeline=0x2")
	check(last1, "3", set, "--target-timeline=current")
	check(last1, "3", set, "--target-timeline=1")
	named := texts(set, "--type=name", "--target=later", "--target-action=promote")
	check(on1, "3", append(named, "--target-timeline=current")...)
	check(on2, "3", append(named, "--target-timeline=2")...)
	check(on2, "3", named...)

	second := texts("--pg1-path="+dir, "--pg1-socket-path="+r.sock)
	f2 := h.backup("full", second...)
	r.change(7)
	last2 = r.rows()
	r.archived()
	check(last2, "3", "--set="+f2)
	check(last2, "3", "--set="+f2, "--target-timeline=current")
	empty := "--pg1-path=" + h.freshDir("restored")
	h.both(55, texts("00000001.history"), "restore", empty, "--set="+f2, "--target-timeline=1")
	f3 := h.backup("full")
	h.freshDir("restored")
	h.both(58, texts("target timeline 2 forked from backup timeline 1 at "), "restore", empty, "--set="+f3)
	h.both(55, texts("00000003.history"), "restore", empty, "--set="+f3, "--target-timeline=3")
	c.archived()
	check(last1, "3", "--set="+f3, "--target-timeline=current")
	h.verified()
}
