package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// expectation is the part of expected.json these tests use: what a recorded repository holds and
// what a restore must give.
type expectation struct {
	Stanza   string
	Postgres struct{ Version string }
	Cipher   struct{ Type, Pass string }
	Archive  map[string]struct {
		Name, SHA1 string
		Size       int64
	}
	Backups []expectedBackup
}

type expectedBackup struct {
	Label        string
	FilesFrom    string
	Files        map[string]string // path: sha1 size mode mtime
	FilesRemoved []string
	Dirs         json.RawMessage // path: mode, or "same"
	Links        map[string]string
	PgControl    struct{ RestoredSHA1 string }
}

// goldenDir finds the recorded repositories. They are an extra: the interop tests make the same
// kinds of repositories everywhere.
func goldenDir(t *testing.T) (string, bool) {
	dir := os.Getenv("HOLDFAST_GOLDEN")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "golden")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Logf("no recorded repositories: %v", err)
		return "", false
	}
	return dir, true
}

func TestGolden(t *testing.T) {
	dir, ok := goldenDir(t)
	if !ok {
		return
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", "expected.json"))
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: nothing recorded (%v)", dir, err)
	}
	for _, file := range found {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want expectation
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			testGolden(t, filepath.Dir(file), want)
		})
	}
}

func testGolden(t *testing.T, dir string, want expectation) {
	h := newHost(t, lab.ours)
	h.stanza = want.Stanza
	h.unpack(filepath.Join(dir, "repo.tar.zst"))
	if want.Cipher.Type != "none" {
		h.set("global", "repo1-cipher-type", want.Cipher.Type)
		h.set("global", "repo1-cipher-pass", want.Cipher.Pass)
	}
	h.set(h.stanza, "pg1-path", h.path("restored"))
	h.sameInfo()

	states := map[string]tree{}
	restored := func(b expectedBackup, args ...string) {
		h.restoreDespitePageErrors(append(args, "--set="+b.Label, "--type=none", "--tablespace-map-all="+h.path("ts"))...)
		if diff := h.goldenTree(h.path("restored"), states[b.Label]).diff(h.goldenWant(states[b.Label], b)); diff != "" {
			t.Errorf("%s: restored %v differs:\n%s", b.Label, args, diff)
		}
	}
	for _, b := range want.Backups {
		states[b.Label] = b.tree(t, states)
		h.freshDir("restored")
		h.freshDir("ts")
		restored(b)
	}
	h.goldenArchive(want)
	// The same again, each on top of a later one.
	for _, b := range slices.Backward(want.Backups) {
		restored(b, "--delta")
	}
}

// restoreDespitePageErrors restores a backup that may have recorded invalid pages: the peer refuses
// those unless told otherwise.
func (h *host) restoreDespitePageErrors(args ...string) {
	h.t.Helper()
	args = append([]string{"restore"}, args...)
	if r := h.run(args...); r.code == 26 && strings.Contains(r.stdout, "invalid page checksum(s)") {
		if !slices.Contains(args, "--delta") {
			args = append(args, "--delta")
		}
		h.ok(append(args, "--no-checksum-page-error")...)
	} else {
		h.want(r, 0)
	}
}

// unpack puts a recorded repository where the host's is.
func (h *host) unpack(file string) {
	h.t.Helper()
	ctx := context.Background()
	unzstd := exec.CommandContext(ctx, "zstd", "-dc", file)
	tar := h.command(ctx, "tar", "-xpf", "-", "-C", h.dir)
	var err error
	if tar.Stdin, err = unzstd.StdoutPipe(); err != nil {
		h.t.Fatal(err)
	}
	if err := unzstd.Start(); err != nil {
		h.t.Fatal(err)
	}
	if out, err := tar.CombinedOutput(); err != nil {
		h.t.Fatalf("tar: %v\n%s", err, out)
	}
	if err := unzstd.Wait(); err != nil {
		h.t.Fatal(err)
	}
}

// sameInfo checks that both programs describe the repository in the same words.
func (h *host) sameInfo(sets ...string) {
	h.t.Helper()
	commands := [][]string{{"info"}, {"info", "--output=json"}}
	for _, set := range sets {
		commands = append(commands, []string{"info", "--set=" + set}, []string{"info", "--set=" + set, "--output=json"})
	}
	for _, args := range commands {
		h.same(h.okAs(lab.peer, args...), h.okAs(lab.ours, args...))
	}
}

// tree builds the expected state of one backup from the one it is recorded against.
func (b expectedBackup) tree(t *testing.T, states map[string]tree) tree {
	t.Helper()
	got := tree{}
	if b.FilesFrom != "" {
		got = maps.Clone(states[b.FilesFrom])
	}
	for _, name := range b.FilesRemoved {
		delete(got, name)
	}
	for name, text := range b.Files {
		e := entry{kind: "file"}
		if _, err := fmt.Sscanf(text, "%s %d %o %d", &e.sum, &e.size, &e.mode, &e.mtime); err != nil {
			t.Fatalf("%s: %q: %v", name, text, err)
		}
		got[name] = e
	}
	dirs := map[string]string{}
	if string(b.Dirs) != `"same"` {
		if err := json.Unmarshal(b.Dirs, &dirs); err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(got, func(_ string, e entry) bool { return e.kind == "dir" })
	}
	for name, text := range dirs {
		e := entry{kind: "dir"}
		fmt.Sscanf(text, "%o", &e.mode)
		got[name] = e
	}
	maps.DeleteFunc(got, func(_ string, e entry) bool { return e.kind == "link" })
	for name, dest := range b.Links {
		got[name] = entry{kind: "link", dest: dest}
	}
	return got
}

// goldenWant adapts an expectation to where we restore to.
func (h *host) goldenWant(state tree, b expectedBackup) tree {
	want := maps.Clone(state)
	for name := range b.Links {
		want[name] = entry{kind: "link", dest: h.path("ts", path.Base(b.Links[name]))}
	}
	if e := want["global/pg_control"]; e.sum != b.PgControl.RestoredSHA1 {
		h.t.Errorf("%s: pg_control is expected to be both %s and %s", b.Label, e.sum, b.PgControl.RestoredSHA1)
	}
	return want
}

// goldenTree reads what was restored in the form of the expectation: a file whose time is not
// defined has none, owners do not count, and tablespace files are below their link.
func (h *host) goldenTree(root string, want tree) tree {
	h.t.Helper()
	got := tree{}
	for name, e := range readTree(h.t, root) {
		e.owner = ""
		name = strings.Replace(name, "/@", "", 1)
		if w, ok := want[name]; ok && w.kind == "link" && e.kind == "dir" || name == "." {
			continue // the directory a link leads to
		}
		if want[name].mtime == 0 {
			e.mtime = 0
		}
		got[name] = e
	}
	return got
}

// goldenArchive gets segments of the archive the restored cluster belongs to.
func (h *host) goldenArchive(want expectation) {
	h.t.Helper()
	last := ""
	for name := range want.Archive {
		last = max(last, path.Dir(path.Dir(name)))
	}
	got := 0
	for _, name := range slices.Sorted(maps.Keys(want.Archive)) {
		e := want.Archive[name]
		if !strings.HasPrefix(name, last+"/") || strings.Contains(name, ".partial") || got == 6 {
			continue
		}
		got++
		dest := h.path("tmp", e.Name)
		h.ok("archive-get", e.Name, dest)
		if sum, err := fileSum(dest); err != nil || sum != e.SHA1 {
			h.t.Errorf("%s: checksum %s, want %s (%v)", name, sum, e.SHA1, err)
		}
	}
	if got == 0 {
		h.t.Error("no segment in the archive")
	}
}
