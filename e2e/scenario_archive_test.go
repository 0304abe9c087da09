package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPushScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	// What is pushed here is made by the tests, not by the server.
	h.cluster.archived()
	h.cluster.alter("archive_command = 'false pgbackrest'")
	template := []byte(h.read(h.segment0()))
	made := 0
	// wal makes a segment of the right cluster with a number the server will not reach.
	wal := func(change func([]byte) []byte) string {
		made++
		content := bytes.Clone(template)
		copy(content[len(content)-32:], strings.Repeat(string(rune('a'+made)), 32))
		if change != nil {
			content = change(content)
		}
		path := h.path("tmp", "0000000100000001000000"+string("0123456789ABCDEF"[made/16])+string("0123456789ABCDEF"[made%16]))
		h.write(path, string(content))
		return path
	}
	dir := h.path("repo/archive/s/15-1/0000000100000001")
	first := wal(nil)
	queued := h.path("pg/pg_wal/00000001000000FF00000010")

	h.scenario(t, "SN-301", func() {
		h.gives(0, texts("pushed WAL file '"+filepath.Base(first)+"' to the archive"), "archive-push", first)
		h.both(0, texts("WARN: WAL file '"+filepath.Base(first)+"' already exists in the repo1 archive with the same checksum", "HINT: "), "archive-push", first)
		h.both(0, texts("!WARN"), "archive-push", first, "--no-archive-mode-check")
	})
	h.scenario(t, "SN-302", func() {
		h.write(first, string(template))
		h.both(45, texts("WAL file '"+filepath.Base(first)+"' already exists in the repo1 archive with a different checksum"), "archive-push", first)
	})
	h.scenario(t, "SN-303", func() {
		h.both(44, texts("do not match stanza version"), "archive-push", wal(func(b []byte) []byte { b[24]++; return b }))
		h.both(42, nil, "archive-push", wal(func(b []byte) []byte { return b[:100] }))
		h.both(29, texts("first page header in WAL file is expected to be in long format"),
			"archive-push", wal(func(b []byte) []byte { return make([]byte, len(b)) }))
		h.both(55, texts("unable to open missing file"), "archive-push", h.path("tmp/000000010000000100000077"))
	})
	h.scenario(t, "SN-304", func() {
		name := filepath.Base(wal(nil))
		h.both(32, texts("PostgreSQL working directory '"+h.dir+"' is not the same as option pg1-path", "HINT: "), "archive-push", "tmp/"+name)
		h.both(32, texts("PostgreSQL working directory '"+h.dir+"' is not the same as option pg1-path", "HINT: "), "archive-get", name, "tmp/x")
	})
	h.scenario(t, "SN-305", func() {
		path := h.path("tmp/00000002.history")
		for _, content := range []string{"1\t0/5000000\tone\n", "1\t0/6000000\tother\n"} {
			h.write(path, content)
			h.both(0, nil, "archive-push", path)
			if got := h.read(h.path("repo/archive/s/15-1/00000002.history")); got != content {
				t.Errorf("archived %q, want %q", got, content)
			}
		}
		h.remove(h.path("repo/archive/s/15-1/00000002.history"))
	})
	h.scenario(t, "SN-306", func() {
		h.both(43, texts("WAL segment to push required"), "archive-push")
		h.both(43, texts("WAL segment to push required"), "archive-push", first, first)
	})
	h.scenario(t, "SN-329", func() {
		path := wal(nil) + ".partial"
		h.write(path, string(template))
		h.gives(0, nil, "archive-push", path)
		if found, _ := filepath.Glob(filepath.Join(dir, filepath.Base(path)+"-????????????????????????????????????????")); len(found) != 1 {
			t.Errorf("stored as %v", found)
		}
	})
	h.scenario(t, "SN-316", func() {
		h.queue(5)
		h.remove(h.path("repo2"))
		args := []string{"archive-push", queued, "--repo1-path=" + h.path("repo2"), "--archive-push-queue-max=1MB"}
		h.both(0, texts("WARN: dropped WAL file '"+filepath.Base(queued)+"' because archive queue exceeded 1MB"), args...)
	})
	h.scenario(t, "SN-317", func() {
		args := []string{"archive-push", queued, "--repo1-path=" + h.path("repo2"), "--archive-push-queue-max=1GB"}
		h.both(103, texts("unable to find a valid repository"), args...)
		h.mkdir("repo2", 0o750)
	})
	h.secondRepo()
	h.ok("stanza-create")
	h.scenario(t, "SN-311", func() {
		path := wal(nil)
		restore := h.deny(h.path("repo2/archive"), 0)
		h.gives(104, texts("archive-push command encountered error(s):", "repo2: [", "!repo1: ["), "archive-push", path)
		restore()
		h.gives(0, texts("WARN: WAL file '"+filepath.Base(path)+"' already exists in the repo1 archive with the same checksum"), "archive-push", path)
		h.glob("repo2/archive/s/15-1/0000000100000001/" + filepath.Base(path) + "-*")
	})
	h.scenario(t, "SN-312", func() {
		path := wal(nil)
		restore := h.deny(h.path("repo2/archive/s/15-1/0000000100000001"), 0o500)
		defer restore()
		h.gives(104, texts("archive-push command encountered error(s):", "repo2: [FileOpenError]", "!repo1: ["), "archive-push", path)
		h.glob("repo/archive/s/15-1/0000000100000001/" + filepath.Base(path) + "-*")
	})
}

// segment0 is the path of a finished segment in the server's directory.
func (h *host) segment0() string {
	h.t.Helper()
	found, _ := filepath.Glob(filepath.Join(h.cluster.data, "pg_wal", "0000000100000000000000??"))
	if len(found) == 0 {
		h.t.Fatal("no segment")
	}
	return found[0]
}

// queue pretends that the server waits for segments to be archived.
func (h *host) queue(n int) {
	h.t.Helper()
	content := h.read(h.segment0())
	for i := range n {
		name := "00000001000000FF0000001" + string(rune('0'+i))
		h.write(filepath.Join(h.cluster.data, "pg_wal", name), content)
		h.write(filepath.Join(h.cluster.data, "pg_wal/archive_status", name+".ready"), "")
	}
}

func TestGetScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.set("global", "compress-type", "gz")
	h.secondRepo()
	h.base()
	path := h.segment("kept")
	name := filepath.Base(path)
	dir := "15-1/" + name[:16] + "/"
	dest := h.path("tmp/got")

	h.scenario(t, "SN-307", func() {
		h.both(43, texts("WAL segment to get required"), "archive-get")
		h.both(43, texts("path to copy WAL segment required"), "archive-get", name)
		h.both(96, texts("extra parameters found"), "archive-get", name, dest, "x")
	})
	h.scenario(t, "SN-308", func() {
		h.both(1, texts("unable to find 000000010000000000000099 in the archive"), "archive-get", "000000010000000000000099", dest)
		h.both(1, texts("unable to find 00000009.history in the archive"), "archive-get", "00000009.history", dest)
		h.both(0, texts("found "+name+" in the repo1: 15-1 archive"), "archive-get", name, dest)
		if h.read(dest) != h.read(path) {
			t.Error("got other content")
		}
	})
	h.scenario(t, "SN-309", func() {
		h.gives(42, texts("unable to get "+name+":"), "archive-get", name, h.path("none/got"))
	})
	h.scenario(t, "SN-310", func() {
		stored := h.glob("repo/archive/s/" + dir + name + "-*")
		double := filepath.Join(filepath.Dir(stored), name+"-0123456789012345678901234567890123456789.gz")
		h.write(double, h.read(stored))
		h.both(45, texts("duplicates found for WAL segment "+name, "repo1: "), "archive-get", name, dest)
		h.both(104, texts("duplicates found in archive for WAL segment "+name), "archive-push", path)
		h.remove(double)
	})
	h.scenario(t, "SN-313", func() {
		restore := h.deny(h.path("repo2/archive"), 0)
		defer restore()
		h.both(0, texts("WARN: repo2: ["), "archive-get", name, dest)
		h.both(1, texts("WARN: repo2: [", "unable to find"), "archive-get", "000000010000000000000099", dest)
	})
	h.scenario(t, "SN-314", func() {
		r1, r2 := h.deny(h.path("repo/archive"), 0), h.deny(h.path("repo2/archive"), 0)
		defer r1()
		defer r2()
		h.both(103, texts("unable to find a valid repository"), "archive-get", name, dest)
	})
	h.scenario(t, "SN-315", func() {
		stored := h.glob("repo/archive/s/" + dir + name + "-*")
		was := h.read(stored)
		defer h.write(stored, was)
		h.flip(stored)
		h.remove(dest)
		h.gives(0, texts("WARN: repo1: ", "found "+name+" in the repo2: 15-1 archive"), "archive-get", name, dest)
		if h.read(dest) != h.read(path) {
			t.Error("got other content")
		}
	})
	h.scenario(t, "SN-326", func() {
		to := h.freshDir("restored")
		h.ok("restore", "--pg1-path="+to)
		h.both(0, nil, "archive-get", name, dest, "--pg1-path="+to)
		h.remove(filepath.Join(to, "backup_label"))
		h.both(29, texts("pg_control from backup is not valid without backup_label", "HINT: "), "archive-get", name, dest, "--pg1-path="+to)
		// SN-412: and the server does not start either.
		if err := h.restored(to).tryStart(); err == nil {
			t.Error("the server starts without backup_label")
		}
	})
	h.scenario(t, "SN-330", func() {
		in := h.path("spool/archive/s/in")
		if err := os.MkdirAll(in, 0o750); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{"spool/archive", "spool/archive/s", "spool/archive/s/in"} {
			h.chown(h.path(p))
		}
		h.write(filepath.Join(in, name), "stale")
		h.ok("restore", "--pg1-path="+h.freshDir("restored2"))
		if h.exists(h.path("spool/archive/s")) {
			t.Error("the spool is still there")
		}
	})
}
