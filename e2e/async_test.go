package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Asynchronous archiving. The server of these tests is stopped, so that what waits to be archived is what a test makes wait; those
// with a running server are in asyncserver_test.go.

// asyncHost is a host whose server has written a little and is stopped.
func asyncHost(t *testing.T, p program) *host {
	t.Helper()
	h := newHost(t, p)
	h.addCluster()
	h.ok("stanza-create")
	h.cluster.archived()
	h.cluster.stop()
	h.set("global", "archive-async", "y")
	h.set("global", "archive-timeout", "10")
	h.set("global", "log-level-file", "detail")
	h.set("global", "process-max", "1")
	return h
}

// wal is the path of a segment with a number the server has not come to.
func (h *host) wal(n int) string {
	return filepath.Join(h.cluster.data, "pg_wal", fmt.Sprintf("00000001000000B1000000%02X", n))
}

// waits makes segments wait to be archived, beside nothing else.
func (h *host) waits(numbers ...int) {
	h.t.Helper()
	old, _ := filepath.Glob(filepath.Join(h.cluster.data, "pg_wal/archive_status/*.ready"))
	for _, path := range old {
		h.remove(path)
	}
	for _, n := range numbers {
		h.segmentFile(h.wal(n), n)
		h.write(filepath.Join(h.cluster.data, "pg_wal/archive_status", filepath.Base(h.wal(n))+".ready"), "")
	}
}

// segmentFile writes a segment of the cluster whose content depends on a number.
func (h *host) segmentFile(path string, n int) {
	h.t.Helper()
	content := []byte(h.read(h.segment0()))
	copy(content[len(content)-64:], fmt.Sprintf("%064d", n))
	h.write(path, string(content))
}

// processes are those of the programs that work with the host's configuration.
func (h *host) processes(role string) []int {
	all, _ := os.ReadDir("/proc")
	var pids []int
	for _, e := range all {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		words, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if text := string(words); strings.Contains(text, h.confPath()+"\x00") && strings.Contains(text, role) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// idle waits until no background run is left.
func (h *host) idle() {
	h.t.Helper()
	h.until("background runs end", func() bool { return len(h.processes("")) == 0 })
}

// asyncLog is what background runs have logged since the last time.
func (h *host) asyncLog() string {
	h.t.Helper()
	h.idle()
	paths, _ := filepath.Glob(h.path("log", "*-async.log"))
	text := ""
	for _, path := range paths {
		text += h.read(path)
		h.remove(path)
	}
	return text
}

// spooled lists the spool, with the content of notes.
func (h *host) spooled() string {
	h.t.Helper()
	var all []string
	paths, _ := filepath.Glob(h.path("spool/archive/s/*/*"))
	for _, path := range paths {
		content := ""
		if name := filepath.Base(path); strings.HasSuffix(name, ".ok") || strings.HasSuffix(name, ".error") {
			content = h.read(path)
		}
		all = append(all, fmt.Sprintf("%s: %q", strings.TrimPrefix(path, h.path("spool/archive/s")+"/"), content))
	}
	return strings.Join(all, "\n")
}

func (h *host) clearSpool() {
	h.t.Helper()
	h.idle()
	os.RemoveAll(h.path("spool/archive"))
}

// note writes what another run could have left in the spool.
func (h *host) note(name, content string) {
	h.t.Helper()
	path := h.path("spool/archive/s", name)
	for _, dir := range []string{h.path("spool/archive"), h.path("spool/archive/s"), filepath.Dir(path)} {
		if os.Mkdir(dir, 0o750) == nil {
			h.chown(dir)
		}
	}
	h.write(path, content)
}

// internalError is what is told about the program beside an internal error.
var internalError = regexp.MustCompile(`(?m)^ *-{68}\n(?:.*\n)*? *-{68}\n`)

var retried = regexp.MustCompile(`on retry at \d+ms`)

// story is everything that can be seen of one command and the background run it started.
func (h *host) story(r result) string {
	h.t.Helper()
	text := fmt.Sprintf("exit %d\n%s\nlog:\n%s\nspool:\n%s\n", r.code, r.all(), h.asyncLog(), h.spooled())
	return retried.ReplaceAllString(internalError.ReplaceAllString(h.normal(text), ""), "on retry at Xms")
}

// asyncStep is a situation and a command in it.
type asyncStep struct {
	name    string
	prepare func(h *host)
	code    int
	texts   []string
	args    []string
	tidy    func(h *host)
}

// likePeer takes both programs through the same steps, each in a repository and a spool of its own.
func (h *host) likePeer(steps func(p program) []asyncStep) {
	h.t.Helper()
	stories := map[string][]string{}
	for _, p := range []program{lab.peer, h.prog} {
		for _, name := range []string{"repo", "spool", "log"} {
			h.remove(h.path(name))
			h.mkdir(name, 0o750)
		}
		h.okAs(p, "stanza-create", "--no-online")
		for _, step := range steps(p) {
			if step.prepare != nil {
				step.prepare(h)
			}
			r := h.want(h.runAs(p, step.args...), step.code, step.texts...)
			stories[p.name] = append(stories[p.name], h.story(r))
			if step.tidy != nil {
				step.tidy(h)
			}
		}
	}
	for i, step := range steps(h.prog) {
		if ours, peer := stories[h.prog.name][i], stories[lab.peer.name][i]; ours != peer {
			h.t.Errorf("%s: - the peer, + ours:\n%s", step.name, lineDiff(ours, peer))
		}
	}
}

// SN-318 to SN-324 beside the real thing.
func TestAsyncPushLikePeer(t *testing.T) {
	t.Parallel()
	h := asyncHost(t, lab.ours)
	name := func(n int) string { return filepath.Base(h.wal(n)) }
	push := func(n int, args ...string) []string { return append([]string{"archive-push", h.wal(n)}, args...) }
	pushed := func(n int) string { return "INFO: pushed WAL file '" + name(n) + "' to the archive asynchronously" }
	fresh := func(numbers ...int) func(h *host) {
		return func(h *host) { h.clearSpool(); h.waits(numbers...) }
	}
	damage := func(n int) { // another cluster's
		content := []byte(h.read(h.wal(n)))
		content[24]++
		h.write(h.wal(n), string(content))
	}
	h.likePeer(func(program) []asyncStep {
		return []asyncStep{
			{name: "SN-318", prepare: fresh(1, 2, 3), args: push(1), texts: texts(pushed(1))},
			{name: "SN-318, the second", args: push(2), texts: texts(pushed(2))},
			{name: "SN-319", prepare: fresh(), args: push(1), code: 25, texts: texts("no WAL files to process")},
			{name: "SN-320", prepare: func(h *host) { h.clearSpool(); h.waits(4); damage(4) },
				args: push(4), code: 44, texts: texts("do not match stanza version")},
			{name: "SN-321", prepare: func(h *host) { h.waits(4) }, args: push(4), texts: texts(pushed(4), "!WARN")},
			{name: "SN-322", prepare: func(h *host) { h.clearSpool(); h.waits(5, 6, 7); h.note("out/"+name(6)+".ok", "") },
				args:  push(5, "--archive-push-queue-max=2MB"),
				texts: texts(pushed(5), "WARN: dropped WAL file '"+name(5)+"' because archive queue exceeded 2MB")},
			{name: "one run", prepare: fresh(5, 6, 7), args: push(5, "--archive-push-batch-size=2MB"), texts: texts(pushed(5))},
			{name: "the same again", prepare: fresh(1, 2), args: push(1), texts: texts(pushed(1), "WARN: WAL file", "with the same checksum")},
			{name: "the same again, unchecked", prepare: fresh(1, 2), args: push(1, "--no-archive-mode-check"), texts: texts(pushed(1), "!WARN")},
			{name: "differs", prepare: func(h *host) { h.clearSpool(); h.waits(1); h.segmentFile(h.wal(1), 99) },
				args: push(1, "--job-retry=1"), code: 45, texts: texts("with a different checksum")},
			{name: "SN-323", prepare: func(h *host) {
				if err := os.Rename(h.path("spool/archive/s/out", name(1)+".error"), h.path("spool/archive/s/out", name(1)+".ok")); err != nil {
					h.t.Fatal(err)
				}
			}, args: push(1), texts: texts(pushed(1), "WARN: WAL segment '"+name(1)+"' was not pushed due to error [45] and was manually skipped: ")},
			{name: "empty segment", prepare: func(h *host) { h.clearSpool(); h.waits(1, 2); h.write(h.wal(1), "") },
				args: push(2), code: 29, texts: texts("size of WAL segment '" + name(1) + "' is 0")},
			{name: "no repository", prepare: func(h *host) { h.clearSpool(); h.waits(8); os.Rename(h.path("repo"), h.path("away")) },
				tidy: func(h *host) { os.Rename(h.path("away"), h.path("repo")) },
				args: push(8), code: 103, texts: texts("unable to find a valid repository:")},
			{name: "history", prepare: func(h *host) {
				h.clearSpool()
				h.waits()
				h.write(filepath.Join(h.cluster.data, "pg_wal/00000002.history"), "1\t0/5000000\tno\n")
				h.write(filepath.Join(h.cluster.data, "pg_wal/archive_status/00000002.history.ready"), "")
			}, args: []string{"archive-push", filepath.Join(h.cluster.data, "pg_wal/00000002.history")}},
			{name: "stopped", prepare: func(h *host) { h.clearSpool(); h.write(h.path("lock/s.stop"), "") },
				tidy: func(h *host) { h.remove(h.path("lock/s.stop")) }, args: push(8), code: 62, texts: texts("stop file exists for stanza s")},
			{name: "half a note", prepare: func(h *host) { h.note("out/"+name(8)+".ok", "45\n") }, args: push(8), code: 29,
				texts: texts(name(8) + ".ok message must be > 0")},
			{name: "no number", prepare: func(h *host) { h.note("out/"+name(8)+".ok", "x\ny") }, args: push(8), code: 29},
			{name: "SN-324", prepare: func(h *host) { fresh(8)(h); h.deny(h.path("spool"), 0o500) },
				tidy: func(h *host) { os.Chmod(h.path("spool"), 0o750) }, args: push(8), code: 47, texts: texts("unable to create path")},
			{name: "no cluster", args: push(8, "--reset-pg1-path"), code: 37,
				texts: texts("'archive-push' command in async mode requires option 'pg1-path'")},
		}
	})
	// The answer needs no repository, no control file and no lock.
	h.waits(9)
	h.clearSpool()
	h.note("out/"+name(9)+".ok", "")
	h.denyAllButSpool()
	h.both(0, texts(pushed(9)), push(9)...)
	if text := h.asyncLog(); text != "" {
		t.Errorf("a run for nothing:\n%s", text)
	}
}

// SN-320: the first one that fails keeps those after it waiting.
func TestAsyncPushWaitsForTheFirst(t *testing.T) {
	t.Parallel()
	h := asyncHost(t, lab.ours)
	h.waits(1, 2)
	h.write(h.wal(1), strings.Repeat("x", 1<<20))
	h.gives(82, texts("unable to push WAL file '"+filepath.Base(h.wal(2))+"' to the archive asynchronously after 300ms second(s)",
		"HINT: check '"+h.path("log/s-archive-push-async.log")+"' for errors."), "archive-push", h.wal(2), "--archive-timeout=300ms")
	if text := h.asyncLog(); !strings.Contains(text, "WARN: stopped archive-push after an error, remaining WAL will be processed on the next run\n") {
		t.Errorf("logged:\n%s", text)
	}
	// Success is success in all repositories.
	h.waits(3)
	h.clearSpool()
	h.secondRepo()
	h.gives(104, texts("archive-push command encountered error(s):", "repo2: [", "!repo1: ["), "archive-push", h.wal(3))
	h.stored("repo", h.wal(3))
	h.idle()
	h.ok("stanza-create", "--no-online")
	h.gives(0, texts("WARN: WAL file '"+filepath.Base(h.wal(3))+"' already exists in the repo1 archive with the same checksum"),
		"archive-push", h.wal(3))
	h.stored("repo2", h.wal(3))
	h.idle()
}

// SN-325, SN-327, SN-328 and what else can be in the way of getting, beside the real thing.
func TestAsyncGetLikePeer(t *testing.T) {
	t.Parallel()
	h := asyncHost(t, lab.ours)
	h.set("global", "compress-type", "lz4")
	h.set("global", "archive-get-queue-max", "4MB")
	name := func(n int) string { return filepath.Base(h.wal(n)) }
	dest := h.path("tmp/got")
	get := func(n int, args ...string) []string { return append([]string{"archive-get", name(n), dest}, args...) }
	found := func(n int) string { return "INFO: found " + name(n) + " in the archive asynchronously" }
	missing := func(n int) string { return "INFO: unable to find " + name(n) + " in the archive asynchronously" }
	right := func(n int) func(h *host) {
		return func(h *host) {
			h.segmentFile(h.path("tmp/want"), n)
			if h.sum(dest) != h.sum(h.path("tmp/want")) {
				h.t.Errorf("%s: wrong content", name(n))
			}
		}
	}
	stored := func(n int) string { return h.glob("repo/archive/s/15-1/*/" + name(n) + "-*") }
	h.likePeer(func(p program) []asyncStep {
		return []asyncStep{
			{name: "push", prepare: func(h *host) { h.clearSpool(); h.waits(0xFD, 0xFE, 0xFF) }, args: []string{"archive-push", h.wal(0xFD)}},
			{name: "more", prepare: func(h *host) { h.waits(1, 2, 3, 4, 6) }, args: []string{"archive-push", h.wal(1)},
				tidy: (*host).clearSpool},
			{name: "first", args: get(1), texts: texts(found(1)), tidy: right(1)},
			{name: "second", args: get(2), texts: texts(found(2)), tidy: right(2)},
			{name: "third", args: get(3), texts: texts(found(3)), tidy: right(3)},
			{name: "fourth", args: get(4), texts: texts(found(4)), tidy: right(4)},
			{name: "SN-327", args: get(5), code: 1, texts: texts(missing(5))},
			{name: "SN-327, again", args: get(5), code: 1, texts: texts(missing(5))},
			{name: "SN-327, filled", prepare: func(h *host) {
				h.waits(5)
				h.okAs(p, "archive-push", h.wal(5), "--archive-mode-check")
				h.idle()
				os.RemoveAll(h.path("spool/archive/s/out"))
				h.asyncLog()
			}, args: get(5), texts: texts(found(5)), tidy: right(5)},
			{name: "believed", prepare: func(h *host) { h.note("in/"+name(7)+".ok", "0\na warning") },
				args: get(7, "--no-archive-missing-retry"), code: 1, texts: texts(missing(7), "WARN: a warning")},
			{name: "warning", prepare: func(h *host) {
				h.clearSpool()
				h.note("in/x", "")
				h.segmentFile(h.path("spool/archive/s/in", name(2)), 2)
				h.note("in/"+name(2)+".ok", "0\na warning")
				h.note("in/"+name(3)+".error", "45\nx")
				h.note("in/global.error", "45\nx")
				h.note("in/"+name(4)+".pgbackrest.tmp", "x")
			}, args: get(2), texts: texts(found(2), "WARN: a warning"), tidy: right(2)},
			{name: "SN-328", prepare: func(h *host) {
				from := stored(6)
				to := strings.Replace(from, "00000001000000B1", "00000002000000B1", 2)
				os.Mkdir(filepath.Dir(to), 0o750)
				h.chown(filepath.Dir(to))
				h.write(to, h.read(from))
			}, args: []string{"archive-get", "00000002" + name(6)[8:], dest}, tidy: right(6)},
			{name: "end of a file of names", args: get(0xFE), texts: texts(found(0xFE)), tidy: right(0xFE)},
			{name: "duplicates", prepare: func(h *host) {
				h.clearSpool()
				h.write(filepath.Join(filepath.Dir(stored(2)), name(2)+"-0123456789012345678901234567890123456789.lz4"), "")
			}, args: get(1), texts: texts(found(1))},
			{name: "duplicates, those", args: get(2), code: 45, texts: texts("duplicates found for WAL segment " + name(2)),
				tidy: func(h *host) {
					h.remove(h.glob("repo/archive/s/15-1/*/" + name(2) + "-0123456789012345678901234567890123456789.lz4"))
				}},
			{name: "no repository", prepare: func(h *host) { h.clearSpool(); os.Rename(h.path("repo"), h.path("away")) },
				tidy: func(h *host) { os.Rename(h.path("away"), h.path("repo")) },
				args: get(1), code: 103, texts: texts("unable to find a valid repository\n", "repo1: [FileMissingError]")},
			{name: "history", args: []string{"archive-get", "00000007.history", dest}, code: 1,
				texts: texts("unable to find 00000007.history in the archive\n")},
			{name: "no directory", prepare: (*host).clearSpool, args: []string{"archive-get", name(1), h.path("none/got")}, code: 73,
				texts: texts("unable to move '")},
			{name: "SN-325", prepare: (*host).clearSpool, args: get(1), texts: texts(found(1)), tidy: right(1)},
			{name: "locked by another", prepare: func(h *host) { h.clearSpool(); h.lockArchive() },
				args: get(1), texts: texts("INFO: found " + name(1) + " in the repo1: 15-1 archive")},
			{name: "locked by another, missing", args: get(9), code: 1, tidy: (*host).unlockArchive,
				texts: texts("INFO: unable to find " + name(9) + " in the archive\n")},
			{name: "spool denied", prepare: func(h *host) { h.deny(h.path("spool"), 0o500) },
				tidy: func(h *host) { os.Chmod(h.path("spool"), 0o750) }, args: get(1), code: 47, texts: texts("unable to create path")},
		}
	})
	// The answer needs no repository and no lock while enough waits.
	h.clearSpool()
	for n := 1; n <= 4; n++ {
		h.note("in/"+name(n), h.read(h.wal(n)))
	}
	h.denyAllButSpool()
	h.gives(0, texts(found(1), "!WARN"), get(1)...)
	right(1)(h)
	if text := h.asyncLog(); text != "" {
		t.Errorf("a run for nothing:\n%s", text)
	}
}

// denyAllButSpool takes away what an answer from the spool needs not.
func (h *host) denyAllButSpool() {
	h.t.Helper()
	h.deny(h.path("repo"), 0)
	h.deny(h.path("lock"), 0o500)
	h.deny(h.path("pg/global"), 0)
}

// lockArchive takes the archive lock as another process would.
func (h *host) lockArchive() {
	h.unlock = h.hold("s-archive-1.lock", `{"execId":"1-00000000","pid":1}`)
}

func (h *host) unlockArchive() { h.unlock() }

// Ours and the peer share the spool: each understands what the other has left, and keeps out while the other is at work.
func TestAsyncWithPeer(t *testing.T) {
	for _, test := range []struct{ first, second program }{{lab.peer, lab.ours}, {lab.ours, lab.peer}} {
		t.Run(test.first.name+" first", func(t *testing.T) {
			t.Parallel()
			h := asyncHost(t, lab.ours)
			name := func(n int) string { return filepath.Base(h.wal(n)) }
			second := h.with(test.second)
			// One pushes, the other tells the server.
			h.waits(1, 2, 3)
			h.okAs(test.first, "archive-push", h.wal(1))
			h.asyncLog()
			second.gives(0, texts("INFO: pushed WAL file '"+name(2)+"' to the archive asynchronously"), "archive-push", h.wal(2))
			h.note("out/"+name(3)+".ok", "0\nsomething to say")
			second.gives(0, texts("WARN: something to say\n"), "archive-push", h.wal(3))
			if text := h.asyncLog(); text != "" {
				t.Errorf("a run for nothing:\n%s", text)
			}
			// One fails, the other tells the server, and then does better.
			h.waits(4)
			h.write(h.wal(4), strings.Repeat("x", 1<<20))
			h.want(h.runAs(test.first, "archive-push", h.wal(4)), 29, "in long format")
			h.idle()
			release := h.hold("s-archive-1.lock", "{}")
			second.gives(29, texts("in long format"), "archive-push", h.wal(4))
			release()
			h.waits(4)
			second.gives(0, nil, "archive-push", h.wal(4))
			h.idle()
			// One fetches, the other delivers.
			h.okAs(test.first, "archive-get", name(1), h.path("tmp/got"), "--archive-get-queue-max=4MB")
			h.asyncLog()
			second.gives(0, texts("INFO: found "+name(2)+" in the archive asynchronously"), "archive-get", name(2), h.path("tmp/got"),
				"--archive-get-queue-max=2MB")
			h.segmentFile(h.path("tmp/want"), 2)
			if h.sum(h.path("tmp/got")) != h.sum(h.path("tmp/want")) {
				t.Error("wrong content")
			}
			h.clearSpool()
			// One is at work, the other keeps out.
			h.waits(5)
			h.note("out/x", "") // the peer wants the directory
			repair := h.stuck(h.path("repo/archive/s/archive.info"))
			b := h.startAs(test.first, "archive-push:async", filepath.Join(h.cluster.data, "pg_wal"))
			h.until("the archive is locked", func() bool {
				return h.exists(h.path("lock/s-archive-1.lock")) && h.read(h.path("lock/s-archive-1.lock")) != ""
			})
			for _, args := range [][]string{{"archive-push:async", filepath.Join(h.cluster.data, "pg_wal")}, {"archive-get:async", name(1)}} {
				second.gives(50, texts("unable to acquire lock on file '"+h.path("lock/s-archive-1.lock")+"': Resource temporarily unavailable"), args...)
			}
			second.gives(82, nil, "archive-push", h.wal(5), "--archive-timeout=200ms")
			second.gives(0, texts(fmt.Sprintf("INFO: sent term signal to process %d", b.cmd.Process.Pid)), "stop", "--force")
			repair()
			h.wantTerminated(b.wait())
			second.gives(62, texts("stop file exists for stanza s"), "archive-push:async", filepath.Join(h.cluster.data, "pg_wal"))
			if got := h.read(h.path("spool/archive/s/out/global.error")); got != "62\nstop file exists for stanza s" {
				t.Errorf("noted %q", got)
			}
			second.gives(0, nil, "start")
			second.gives(0, nil, "archive-push", h.wal(5))
			h.stored("repo", h.wal(5))
			h.idle()
		})
	}
}

// Background runs are killed at random moments. What has been acknowledged is in the archive, and the next run goes on.
func TestKillArchivePushAsync(t *testing.T) {
	t.Parallel()
	h := asyncHost(t, lab.ours)
	h.set("global", "process-max", "3")
	h.set("global", "compress-type", "zst")
	h.set("global", "archive-timeout", "1")
	k := h.kills(7)
	sums := map[string]string{}
	acknowledged := func() (names []string) {
		paths, _ := filepath.Glob(h.path("spool/archive/s/out/*.ok"))
		for _, path := range paths {
			names = append(names, strings.TrimSuffix(filepath.Base(path), ".ok"))
		}
		return names
	}
	dead, told := 0, 0
	numberOf := func(name string) int {
		n, _ := strconv.ParseInt(name[22:], 16, 64)
		return int(n)
	}
	for round := range 12 {
		var numbers []int
		for i := range 8 {
			numbers = append(numbers, round*8+i)
		}
		h.waits(numbers...)
		for _, n := range numbers {
			sums[filepath.Base(h.wal(n))] = h.sum(h.wal(n))
		}
		b := h.start("archive-push:async", filepath.Join(h.cluster.data, "pg_wal"))
		time.Sleep(time.Duration(20+k.rand.IntN(100)) * time.Millisecond)
		syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
		if r := b.wait(); r.code < 0 {
			dead++
		}
		for _, name := range acknowledged() {
			if slices.Contains(numbers, numberOf(name)) {
				told++
			}
			if sum, ok := sums[name]; ok {
				h.stored("repo", h.wal(numberOf(name)))
				h.gets(name, sum)
			}
		}
		// The server asks for each in turn.
		for _, n := range numbers {
			h.gives(0, nil, "archive-push", h.wal(n))
		}
		h.idle()
	}
	t.Logf("killed %d of 12 runs, which had acknowledged %d of 96 segments", dead, told)
	if dead == 0 || told == 0 {
		t.Error("nothing was killed, or nothing had been acknowledged")
	}
	h.set("global", "archive-async", "n")
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		h.gets(name, sums[name])
	}
	h.verified()
}
