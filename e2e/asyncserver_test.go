package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// asyncServer is a host whose running server archives asynchronously.
func asyncServer(t *testing.T, p program, settings ...string) *host {
	t.Helper()
	h := newHost(t, p)
	h.set("global", "archive-async", "y")
	h.set("global", "log-level-file", "detail")
	h.set("global", "compress-type", "zst")
	h.base(settings...)
	return h
}

// SN-318, SN-325: a busy server whose spool vanishes now and then and whose second repository is away for a while; a standby and a
// recovery that get everything back through the spool, across a change of timeline.
func TestAsyncServer(t *testing.T) {
	t.Parallel()
	h := asyncServer(t, lab.raced)
	h.secondRepo()
	h.ok("stanza-create")
	c := h.cluster
	var segments []string
	write := func(steps int) {
		for range steps {
			c.change(len(segments))
			segments = append(segments, c.sql("select pg_walfile_name(pg_switch_wal())"))
		}
	}
	write(6)
	os.RemoveAll(h.path("spool/archive"))
	write(6)
	away := h.deny(h.path("repo2"), 0)
	write(3)
	h.until("the archiver fails", func() bool { return c.sql("select failed_count > 0 from pg_stat_archiver") == "t" })
	away()
	c.archived()
	os.RemoveAll(h.path("spool/archive"))
	write(3)
	c.archived()
	for _, segment := range segments {
		for _, repo := range []string{"repo", "repo2"} {
			h.glob(repo + "/archive/s/15-1/*/" + segment + "-*")
		}
	}
	rows := c.rows()
	c.stop()
	h.idle()
	h.asyncLog()

	// The recovered server goes on by itself, on timeline 2.
	dir := h.freshDir("restored")
	h.ok("restore", "--pg1-path="+dir)
	two := h.restored(dir)
	two.opts = []string{"unix_socket_directories=" + two.sock}
	h.set("s", "pg1-path", dir)
	h.set("s", "pg1-socket-path", two.sock)
	two.start()
	two.recovered()
	if got := two.rows(); got != rows {
		t.Errorf("rows %s, want %s", got, rows)
	}
	if text := h.asyncLog(); !strings.Contains(text, "archive-get:async command begin") || !strings.Contains(text, "DETAIL: found "+segments[9]+" in the repo1") {
		t.Errorf("nothing was fetched ahead:\n%s", text)
	}
	h.cluster = two
	for step := range 4 {
		two.change(100 + step)
		two.archived()
	}
	rows = two.rows()
	two.stop()
	h.idle()
	if races := h.asyncLog(); strings.Contains(races, "ASSERT") {
		t.Errorf("logged:\n%s", races)
	}
	// Two timelines in one recovery.
	h.startsWith(rows)
	h.idle()
	h.verified()
}

// Our server's archive is carried on by the peer and the other way round, with whatever the spool holds then.
func TestAsyncServerWithPeer(t *testing.T) {
	t.Parallel()
	h := asyncServer(t, lab.ours)
	c := h.cluster
	for turn := range 4 {
		c.alter("archive_command = '" + h.archiveCommand([]program{lab.peer, lab.ours}[turn%2]) + "'")
		for step := range 3 {
			c.change(10*turn + step)
			c.sql("select pg_switch_wal()")
		}
	}
	c.archived()
	rows := c.rows()
	c.stop()
	h.idle()
	for _, p := range []program{lab.peer, lab.ours} {
		h.with(p).startsWith(rows)
		h.idle()
	}
	h.verified()
}

// SN-322: when the queue grows too long it is given up, and the server goes on.
func TestAsyncServerDrops(t *testing.T) {
	t.Parallel()
	h := asyncServer(t, lab.ours)
	c := h.cluster
	c.archived()
	h.set("global", "archive-push-queue-max", "4MB")
	h.remove(h.path("repo"))
	for step := range 8 {
		c.change(step)
		c.sql("select pg_switch_wal()")
	}
	c.archived()
	if text := h.asyncLog(); !strings.Contains(text, "because archive queue exceeded 4MB") {
		t.Errorf("logged:\n%s", text)
	}
	if log := c.serverLog(); !strings.Contains(log, "WARN: dropped WAL file") {
		t.Errorf("the server was told:\n%s", log)
	}
}

// What runs in the background must not keep anything of who called it: no terminal, no directory, no file, no process group.
func TestAsyncIsDetached(t *testing.T) {
	t.Parallel()
	h := asyncHost(t, lab.ours)
	h.waits(1)
	repair := h.stuck(h.path("repo/archive/s/archive.info"))
	// The output is a pipe: with the background process holding it the command would not seem to end.
	begun := time.Now()
	h.gives(82, nil, "archive-push", h.wal(1), "--archive-timeout=200ms")
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	pids := h.processes("archive-push:async")
	if len(pids) != 1 {
		t.Fatalf("%d processes", len(pids))
	}
	proc := filepath.Join("/proc", strconv.Itoa(pids[0]))
	for link, want := range map[string]string{"cwd": "/", "fd/0": os.DevNull, "fd/1": os.DevNull, "fd/2": os.DevNull} {
		if got, err := os.Readlink(filepath.Join(proc, link)); got != want {
			t.Errorf("%s is %s, %v", link, got, err)
		}
	}
	stat := h.read(filepath.Join(proc, "stat"))
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if pid := strconv.Itoa(pids[0]); fields[2] != pid || fields[3] != pid || fields[4] != "0" {
		t.Errorf("group %s, session %s, terminal %s of process %s", fields[2], fields[3], fields[4], pid)
	}
	repair()
	h.idle()
}
