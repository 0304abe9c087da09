package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Programs are killed at random moments, the same ones in every run of the tests as far as the
// machine lets them be. Nothing may be lost and no run that follows may be hindered.

// kills knows how long a command takes and when to kill it.
type kills struct {
	h     *host
	rand  *rand.Rand
	takes time.Duration
	runs  int
	dead  int // how many of the runs were killed before they ended
}

func (h *host) kills(seed uint64) *kills { return &kills{h: h, rand: rand.New(rand.NewPCG(seed, 1))} }

// measure runs a command to its end.
func (k *kills) measure(args ...string) {
	k.h.t.Helper()
	start := time.Now()
	k.h.ok(args...)
	k.takes = time.Since(start)
}

// run starts a command and kills it and all it started at a random moment, of which some come too
// late. It says whether the command has ended with success before.
func (k *kills) run(args ...string) (ok bool) {
	k.h.t.Helper()
	k.runs++
	cmd := k.h.command(context.Background(), k.h.prog.path, k.h.withConfig(args)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		k.h.t.Fatal(err)
	}
	after := time.Duration(float64(k.takes) * 1.1 * k.rand.Float64())
	killer := time.AfterFunc(after, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	cmd.Wait()
	killer.Stop()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case status.Signaled():
		k.dead++
	case status.ExitStatus() != 0:
		k.h.t.Errorf("%v: exit %d\n%s", args, status.ExitStatus(), &out)
	}
	return status.Exited() && status.ExitStatus() == 0
}

// done checks that the test has tested something.
func (k *kills) done() {
	k.h.t.Helper()
	k.h.t.Logf("killed %d of %d runs of about %v", k.dead, k.runs, k.takes.Round(time.Millisecond))
	if k.dead == 0 {
		k.h.t.Error("nothing was killed")
	}
}

func TestKillArchivePush(t *testing.T) {
	t.Parallel()
	for _, compress := range []string{"none", "zst"} {
		t.Run(compress, func(t *testing.T) {
			h := newHost(t, lab.ours)
			h.set("global", "compress-type", compress)
			h.addCluster()
			h.ok("stanza-create")
			c := h.cluster
			c.archived()
			c.alter("archive_command = 'false pgbackrest'")
			segments := h.segments("tmp", 0, 41)
			k := h.kills(1)
			k.measure("archive-push", segments[40])
			acknowledged := map[string]bool{segments[40]: true}
			dest := h.path("tmp/got")
			for _, segment := range segments[:40] {
				// As the server does it: again and again until it is told that the segment is safe.
				for range 3 {
					if acknowledged[segment] = k.run("archive-push", segment); acknowledged[segment] {
						break
					}
					os.Remove(dest)
					if r := h.run("archive-get", filepath.Base(segment), dest); r.code == 0 && h.sum(dest) != h.sum(segment) || r.code > 1 {
						t.Errorf("a killed push leaves %s", r)
					}
				}
			}
			k.done()
			for _, segment := range segments {
				if acknowledged[segment] {
					h.gets(segment, h.sum(segment))
				}
				h.gives(0, nil, "archive-push", segment)
				h.gets(segment, h.sum(segment))
				h.stored("repo", segment)
			}
			h.gives(0, nil, "info")
			h.verified()
		})
	}
}

// The server archives while its archive commands are killed.
func TestKillArchiveCommand(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	c := h.cluster
	log := h.path("killed.log")
	script := h.path("pgbackrest-killed")
	h.write(script, `#!/bin/bash
timeout -s KILL "$(printf 0.%03d $((RANDOM % 20 + 1)))" "$@" && exit 0
echo "$?" >> `+log+`
exit 1 # not how it ended: the archiver would rest for a while
`)
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	c.alter("archive_command = '" + script + " " + h.archiveCommand(h.prog) + "'")
	for step := range 12 {
		c.change(step)
		segment := c.sql("select pg_walfile_name(pg_switch_wal())")
		time.Sleep(300 * time.Millisecond)
		// What the server has been told is safe must be there, as it is in its directory.
		last := c.sql("select last_archived_wal from pg_stat_archiver")
		if path := filepath.Join(c.data, "pg_wal", last); last != "" && last <= segment && h.exists(path) {
			h.gets(path, h.sum(path))
		}
	}
	killed := strings.Count(h.read(log), "137")
	t.Logf("killed %d commands", killed)
	if killed == 0 {
		t.Error("nothing was killed")
	}
	rows := c.rows()
	c.alter("archive_command = '" + h.archiveCommand(h.prog) + "'")
	c.archived()
	h.startsWith(rows)
	h.backup("incr")
	h.verified()
}

func TestKillStanzaCreate(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.addCluster("archive_mode = off")
	k := h.kills(3)
	for i := range 40 {
		os.RemoveAll(h.path("repo"))
		h.mkdir("repo", 0o750)
		if i == 0 {
			k.measure("stanza-create", "--no-online")
			continue
		}
		k.run("stanza-create", "--no-online")
		h.gives(0, nil, "info")
		h.gives(0, nil, "stanza-create", "--no-online")
		for _, name := range []string{"archive/s/archive.info", "backup/s/backup.info"} {
			if h.read(h.path("repo", name)) != h.read(h.path("repo", name+".copy")) {
				t.Errorf("%s and its copy differ", name)
			}
		}
		if i%10 == 0 {
			h.okAs(lab.peer, "stanza-create", "--no-online")
		}
	}
	k.done()
}

func TestKillBackup(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.set("global", "compress-type", "lz4")
	h.set("global", "repo1-retention-full", "2")
	h.base()
	c := h.cluster
	k := h.kills(4)
	k.measure("backup", "--type=full")
	kinds := []string{"full", "full", "diff", "incr"}
	for i := range 12 {
		c.change(i)
		before := strings.Fields(h.backups())
		kind := kinds[k.rand.IntN(len(kinds))]
		ok := k.run("backup", "--type="+kind)
		after := strings.Fields(h.backups())
		h.want(h.run("info"), 0, "status: ok")
		// The newest backup is never the one that goes.
		newest, is := before[len(before)-1], after[len(after)-1]
		if is < newest || ok && is == newest {
			t.Errorf("%s, success %v: listed %v, before %v", kind, ok, after, before)
		}
		if i%4 == 3 {
			if label := h.backup(kind); h.lastLabel("repo") != label {
				t.Errorf("made %s, but the newest is %s", label, h.lastLabel("repo"))
			}
			h.verified()
		}
	}
	k.done()
	h.ok("backup", "--type=full")
	h.verified()
	rows := c.rows()
	c.archived()
	for _, label := range strings.Fields(h.backups()) {
		h.startsWith(rows, "--set="+label)
	}
}

func TestKillExpire(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	c := h.cluster
	for i, kind := range []string{"incr", "full", "incr", "full"} {
		c.change(i)
		h.backup(kind)
		c.archived()
	}
	kept := h.lastLabel("repo")
	rows := c.rows()
	c.alter("archive_command = 'false pgbackrest'")
	// Links do for a copy: nothing in a repository is changed in place.
	fresh := func() {
		os.RemoveAll(h.path("repo"))
		if out, err := exec.Command("cp", "-al", h.path("whole"), h.path("repo")).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	if err := os.Rename(h.path("repo"), h.path("whole")); err != nil {
		t.Fatal(err)
	}
	whole := readTree(t, h.path("whole"))
	fresh()
	k := h.kills(5)
	expire := texts("expire", "--repo1-retention-full=1")
	k.measure(expire...)
	want := storedTree(t, h.path("repo"))
	for i := range 16 {
		fresh()
		k.run(expire...)
		for _, label := range strings.Fields(h.backups()) {
			if !h.exists(h.path("repo/backup/s", label)) {
				t.Errorf("%s is listed and not there", label)
			}
		}
		if i%5 == 4 { // of what is to go the manifest goes first, what is kept is whole at any moment
			h.freshDir("restored")
			h.ok("restore", "--pg1-path="+h.path("restored"), "--type=none", "--set="+kept)
		}
		h.ok(expire...)
		again := storedTree(t, h.path("repo"))
		delete(again, "backup/s/backup.info.copy.pgbackrest.tmp") // the next to write the file writes it anew
		if diff := again.diff(want); diff != "" {
			t.Errorf("killed and done again:\n%s", diff)
		}
	}
	k.done()
	h.verified()
	h.startsWith(rows)
	if diff := readTree(t, h.path("whole")).diff(whole); diff != "" {
		t.Errorf("expire changes files in place:\n%s", diff)
	}
}

func TestKillRestore(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	c := h.cluster
	c.change(1)
	h.backup("incr")
	rows := c.rows()
	c.archived()
	dir := h.freshDir("restored")
	args := texts("restore", "--pg1-path="+dir, "--delta")
	k := h.kills(6)
	k.measure(args...)
	want := h.restoredTree(dir)
	for i := range 20 {
		switch i % 4 {
		case 0, 1:
			h.freshDir("restored")
		case 2: // over a restored cluster that has changed since
			h.ok(args...)
			for _, name := range []string{"base/5/1259", "global/1262", "PG_VERSION"} {
				h.write(filepath.Join(dir, name), fmt.Sprint("changed ", i))
			}
			h.write(filepath.Join(dir, "foreign"), "x")
		}
		k.run(args...)
		whole := h.restoredTree(dir).diff(want) == ""
		if h.exists(filepath.Join(dir, "global/pg_control")) {
			// Killed before anything was touched, or after everything was done.
			if !whole && (i%4 != 2 || !h.exists(filepath.Join(dir, "foreign"))) {
				t.Errorf("round %d: pg_control is there, but the cluster is not whole: %s", i, h.restoredTree(dir).diff(want))
			}
		} else if i%3 == 0 && h.restored(dir).tryStart() == nil {
			t.Error("a cluster without pg_control starts")
		}
		if i%2 == 0 {
			h.ok(args...)
			if diff := h.restoredTree(dir).diff(want); diff != "" {
				t.Errorf("round %d: killed and done again:\n%s", i, diff)
			}
		}
	}
	k.done()
	h.ok(args...)
	r := h.restored(dir)
	r.start()
	r.recovered()
	if got := r.rows(); got != rows {
		t.Errorf("rows %s, want %s", got, rows)
	}
	r.stopWith("immediate")
	h.verified()
}
