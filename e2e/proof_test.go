package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// What the tests of bad input, full disks, kills, locks and points in time share: to spoil a file
// and put it back, to say that two programs agree, and that nothing was lost.

// harm is one way to spoil the content of a file.
type harm struct {
	name  string
	spoil func([]byte) []byte
}

// flipAt gives a harm that changes one bit at a fraction of the length.
func flipAt(name string, part, of int) harm {
	return harm{name, func(b []byte) []byte {
		b[len(b)*part/of] ^= 0x04
		return b
	}}
}

// cutTo gives a harm that keeps a fraction of the length.
func cutTo(name string, part, of int) harm {
	return harm{name, func(b []byte) []byte { return b[:len(b)*part/of] }}
}

// spoil does harm to a file. What it gives puts the file back as it was.
func (h *host) spoil(path string, by harm) (repair func()) {
	h.t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		h.t.Fatal(err)
	}
	was := h.read(path)
	put := func(content []byte) {
		// Links to the file and its owner stay: the content is replaced in place.
		err := os.WriteFile(path, content, info.Mode().Perm())
		if err == nil {
			err = os.Chtimes(path, info.ModTime(), info.ModTime())
		}
		if err != nil {
			h.t.Fatal(err)
		}
	}
	put(by.spoil([]byte(was)))
	return func() { put([]byte(was)) }
}

// marks are what the file system knows of the files below a directory. Whoever writes to one, even
// what was there before, changes them.
func (h *host) marks(dir string) map[string]string {
	h.t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mark := info.Mode().String()
		if st, ok := info.Sys().(*syscall.Stat_t); ok && !d.IsDir() {
			mark += fmt.Sprintf(" inode %d size %d modified %v changed %v", st.Ino, st.Size, st.Mtim, st.Ctim)
		}
		got[path] = mark
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

// untouched checks that what runs changes nothing below a directory of the host.
func (h *host) untouched(name string, run func()) {
	h.t.Helper()
	before := h.marks(h.path(name))
	run()
	after := h.marks(h.path(name))
	for path, mark := range before {
		if after[path] != mark {
			h.t.Errorf("%s was %s and is %s", path, mark, after[path])
		}
	}
	for path := range after {
		if before[path] == "" {
			h.t.Errorf("%s is new", path)
		}
	}
}

// asPeer stands for any exit code of an error.
const asPeer = -2

// agree runs the peer and ours on the same state. Both must give this exit code and complain in the
// same words, and the repository must stay as it is, byte by byte.
func (h *host) agree(code int, args ...string) result {
	h.t.Helper()
	var peer, ours result
	h.untouched("repo", func() {
		peer = h.runAs(lab.peer, args...)
		ours = h.run(args...)
	})
	if code == asPeer && peer.code > 1 {
		code = peer.code
	}
	if ours.code != code || peer.code != code || h.complaint(ours) != h.complaint(peer) {
		h.t.Errorf("%v: the peer gives %d, ours %d, want %d; - the peer, + ours:\n%s", args, peer.code, ours.code, code,
			lineDiff(h.complaint(ours), h.complaint(peer)))
	}
	h.printable(ours)
	return ours
}

var (
	workerPrefix = regexp.MustCompile(`raised from local-\d+ (shim )?protocol: `)
	anySum       = regexp.MustCompile(`\b[0-9a-f]{40}\b`)
	parserError  = regexp.MustCompile(`^(FormatError|JsonFormatError): .*`)
)

// complaint is what a run has to say above INFO, without what belongs to one program: the process
// that raised it, what its parser expected, the hint ours adds to what may be encrypted, and what the run before left.
func (h *host) complaint(r result) string {
	var lines []string
	for line := range strings.Lines(h.normal(r.all())) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, " INFO: ") || strings.Contains(line, " DETAIL: ") || line == "HINT: is or was the repo encrypted?" ||
			strings.Contains(line, "resumable backup") {
			continue
		}
		line = workerPrefix.ReplaceAllString(line, "")
		line = strings.ReplaceAll(line, "Holdfast", "pgBackRest")
		line = anySum.ReplaceAllString(line, "SUM")
		lines = append(lines, parserError.ReplaceAllString(line, "$1"))
	}
	return strings.Join(lines, "\n")
}

// printable checks that a program shows a person no binary garbage.
func (h *host) printable(r result) {
	h.t.Helper()
	for _, c := range r.all() {
		if c == '\uFFFD' || c < ' ' && c != '\n' && c != '\t' {
			h.t.Errorf("prints garbage: %q", r.all())
			return
		}
	}
}

// unstartable checks that an aborted restore left nothing a server would start.
func (h *host) unstartable(dir string) {
	h.t.Helper()
	if h.exists(filepath.Join(dir, "global/pg_control")) {
		h.t.Errorf("%s/global/pg_control is there", dir)
		if err := h.restored(dir).tryStart(); err == nil {
			h.t.Error("and the server starts")
		}
	}
}

// restoredTree reads a restored directory without what says when it was restored.
func (h *host) restoredTree(dir string) tree {
	h.t.Helper()
	got := sameButAuto(readTree(h.t, dir))
	if e, ok := got["recovery.signal"]; ok {
		e.mtime = 0
		got["recovery.signal"] = e
	}
	return got
}

// segments makes WAL segments of the right cluster with numbers the server will not reach, in the
// directory named, and gives their paths. The content of each is its own.
func (h *host) segments(dir string, from, n int) []string {
	h.t.Helper()
	template := []byte(h.read(h.segment0()))
	var paths []string
	for i := from; i < from+n; i++ {
		copy(template[len(template)-64:], fmt.Sprintf("%064d", i))
		path := h.path(dir, fmt.Sprintf("00000001000000A1000000%02X", i))
		h.write(path, string(template))
		paths = append(paths, path)
	}
	return paths
}

// gets checks that the archive gives a segment as it was.
func (h *host) gets(segment, sum string) {
	h.t.Helper()
	dest := h.path("tmp", "got")
	os.Remove(dest)
	h.ok("archive-get", filepath.Base(segment), dest)
	if got, err := fileSum(dest); err != nil || got != sum {
		h.t.Errorf("%s: the archive gives %s, want %s (%v)", segment, got, sum, err)
	}
}

func (h *host) sum(path string) string {
	h.t.Helper()
	sum, err := fileSum(path)
	if err != nil {
		h.t.Fatal(err)
	}
	return sum
}

// stored is the one path of a segment in a repository.
func (h *host) stored(repo, segment string) string {
	h.t.Helper()
	name := filepath.Base(segment)
	return h.glob(filepath.Join(repo, "archive", h.stanza, "15-1", name[:16], name+"-*"))
}

// startsWith restores, starts what comes out, and compares its rows.
func (h *host) startsWith(rows string, args ...string) {
	h.t.Helper()
	dir := h.freshDir("restored")
	h.ok(append([]string{"restore", "--pg1-path=" + dir}, args...)...)
	c := h.restored(dir)
	c.start()
	c.recovered()
	if got := c.rows(); got != rows {
		h.t.Errorf("restore %v: rows %s, want %s", args, got, rows)
	}
	c.stopWith("immediate")
}
