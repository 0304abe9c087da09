package command

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// newFiles makes a repository of a few odd files. It is called demo, and nothing in it is real.
func newFiles(t *testing.T) *sample {
	t.Helper()
	r := &sample{t: t, name: "files", root: filepath.Join(t.TempDir(), "repo")}
	for _, dir := range []string{"archive/demo/15-1/0000000100000000", "backup/demo", "empty"} {
		if err := os.MkdirAll(filepath.Join(r.root, dir), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string]string{
		"archive/demo/archive.info": "info\n", "archive/demo/15-1/0000000100000000/A": "aa", "archive/demo/15-1/0000000100000000/B": "",
		"backup/demo/backup.info": "backup", "a b\"c\\": "x", "ünï": "y",
	} {
		at := filepath.Join(r.root, name)
		if err := os.WriteFile(at, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(at, time.Time{}, time.Unix(int64(1000*len(content)), 0)); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"link": "archive/demo", "backup/demo/latest": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(r.root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(r.root, "pipe"), 0o640); err != nil {
		t.Fatal(err)
	}
	return r
}

// agree compares with the peer if there is one.
func (r *sample) agree(peer, out string, status int, args ...string) {
	r.t.Helper()
	if peer == "" {
		return
	}
	if theirs, theirStatus := r.peer(peer, args...); theirs != out || theirStatus != status {
		r.t.Errorf("%q\nexit %d, the peer %d\n%s", args, status, theirStatus, difference(out, theirs))
	}
}

func TestRepoLs(t *testing.T) {
	const (
		archiveJSON = `{".":{"type":"path"},"15-1":{"type":"path"},"archive.info":{"type":"file","size":5,"time":5000}}` + "\n"
		outside     = "P00  ERROR: [096]: absolute path '/etc' is not in base path 'REPO'\n"
	)
	peer := findPeer(t)
	for _, test := range []struct {
		args string // separated by |
		want string
		exit int
	}{
		{"", "a b\"c\\\narchive\nbackup\nempty\nlink\npipe\nünï\n", 0},
		{"--output=json", `{".":{"type":"path"},"a b\"c\\":{"type":"file","size":1,"time":1000},"archive":{"type":"path"},` +
			`"backup":{"type":"path"},"empty":{"type":"path"},"link":{"type":"link","destination":"archive/demo"},` +
			`"pipe":{"type":"special"},"ünï":{"type":"file","size":1,"time":1000}}` + "\n", 0},
		{"archive/demo|--output=json", archiveJSON, 0},
		{"archive/demo/|--output=json", archiveJSON, 0},
		{"REPO/archive/demo|--output=json", archiveJSON, 0},
		{"link|--output=json", archiveJSON, 0},
		{"archive/demo|--sort=desc", "archive.info\n15-1\n", 0},
		{"archive|--recurse", "demo\ndemo/15-1\ndemo/15-1/0000000100000000\ndemo/15-1/0000000100000000/A\n" +
			"demo/15-1/0000000100000000/B\ndemo/archive.info\n", 0},
		{"archive|--recurse|--sort=desc", "demo/archive.info\ndemo/15-1/0000000100000000/B\ndemo/15-1/0000000100000000/A\n" +
			"demo/15-1/0000000100000000\ndemo/15-1\ndemo\n", 0},
		{"--recurse|--filter=info|--output=json", `{"archive/demo/archive.info":{"type":"file","size":5,"time":5000},` +
			`"backup/demo/backup.info":{"type":"file","size":6,"time":6000}}` + "\n", 0},
		{"archive/demo|--sort=none|--filter=^a", "archive.info\n", 0},
		{"backup/demo/backup.info", ".\n", 0},
		{"backup/demo/backup.info|--output=json", `{".":{"type":"file","size":6,"time":6000}}` + "\n", 0},
		{"backup/demo/backup.info|--filter=demo/backup", ".\n", 0},
		{"backup/demo/backup.info|--filter=^x|--output=json", "{}\n", 0},
		{"--filter=^[.]$|--output=json", `{".":{"type":"path"}}` + "\n", 0},
		{"nope", "", 0},
		{"nope|--output=json", `{".":{"type":"path"}}` + "\n", 0},
		{"backup/demo/latest|--output=json", `{".":{"type":"path"}}` + "\n", 0},
		{"empty|--output=json", `{".":{"type":"path"}}` + "\n", 0},
		{"archive/../empty/..", "a b\"c\\\narchive\nbackup\nempty\nlink\npipe\nünï\n", 0},
		{"a//b", "P00  ERROR: [096]: path 'a//b' cannot contain //\n", 96},
		{"a|b", "P00  ERROR: [096]: only one path may be specified\n", 96},
		{"/etc", outside, 96},
		{"REPOx", "P00  ERROR: [096]: absolute path 'REPOx' is not in base path 'REPO'\n", 96},
		{"/", "P00  ERROR: [096]: absolute path '/' is not in base path 'REPO'\n", 96},
		{"pipe", "P00  ERROR: [053]: unable to list file info for path 'REPO/pipe': [20] Not a directory\n", 53},
		{"--filter=(", "P00  ERROR: [029]: Unmatched ( or \\(\n", 29},
		{"--filter=*", "P00  ERROR: [029]: Invalid preceding regular expression\n", 29},
		{"--filter=[", "P00  ERROR: [029]: Invalid regular expression\n", 29},
		{"--filter=[b-a]", "P00  ERROR: [029]: Invalid range end\n", 29},
		{"--filter=[[:foo:]]", "P00  ERROR: [029]: Invalid character class name\n", 29},
		{`--filter=\`, "P00  ERROR: [029]: Trailing backslash\n", 29},
	} {
		t.Run(test.args, func(t *testing.T) {
			r := newFiles(t)
			args := []string{"repo-ls"}
			if test.args != "" {
				args = append(args, strings.Split(strings.ReplaceAll(test.args, "REPO", r.root), "|")...)
			}
			out, status := r.run(args...)
			if out != test.want || status != test.exit {
				t.Errorf("exit %d\n%s\nwant exit %d\n%s", status, out, test.exit, test.want)
			}
			r.agree(peer, out, status, args...)
		})
	}
}

func TestRepoRm(t *testing.T) {
	const notEmpty = "P00  ERROR: [031]: recurse option must be used to delete non-empty path\n"
	peer := findPeer(t)
	for _, test := range []struct {
		args, want string
		exit       int
		gone       []string
		other      bool // the peer does something else
	}{
		{args: "backup/demo/backup.info", gone: []string{"backup/demo/backup.info"}},
		{args: "nope"},
		{args: "empty", gone: []string{"empty"}},
		{args: "archive", want: notEmpty, exit: 31},
		{args: "", want: notEmpty, exit: 31},
		{args: "archive/demo|--recurse", gone: []string{
			"archive/demo", "archive/demo/15-1", "archive/demo/15-1/0000000100000000", "archive/demo/15-1/0000000100000000/A",
			"archive/demo/15-1/0000000100000000/B", "archive/demo/archive.info",
		}},
		// The peer empties the directory a link leads to.
		{args: "link|--recurse", gone: []string{"link"}, other: true},
		{args: "link", gone: []string{"link"}, other: true},
		{args: "../repo/backup/../../x", want: "P00  ERROR: [096]: path '../repo/backup/../../x' is not in base path 'REPO'\n", exit: 96, other: true},
		{args: "a|b", want: "P00  ERROR: [096]: only one path may be specified\n", exit: 96},
		{args: "/etc", want: "P00  ERROR: [096]: absolute path '/etc' is not in base path 'REPO'\n", exit: 96},
	} {
		t.Run(test.args, func(t *testing.T) {
			remove := func(run func(*sample, []string) (string, int)) (string, int, []string) {
				r := newFiles(t)
				if err := os.WriteFile(filepath.Join(filepath.Dir(r.root), "x"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
				before := names(t, filepath.Dir(r.root))
				args := []string{"repo-rm"}
				if test.args != "" {
					args = append(args, strings.Split(test.args, "|")...)
				}
				out, status := run(r, args)
				after := names(t, filepath.Dir(r.root))
				gone := slices.DeleteFunc(before, func(name string) bool { return slices.Contains(after, name) })
				for i := range gone {
					gone[i] = strings.TrimPrefix(gone[i], "repo/")
				}
				return out, status, gone
			}
			out, status, gone := remove(func(r *sample, args []string) (string, int) { return r.run(args...) })
			if out != test.want || status != test.exit || !slices.Equal(gone, test.gone) {
				t.Errorf("exit %d, gone %v\n%s", status, gone, out)
			}
			if peer == "" || test.other {
				return
			}
			theirs, theirStatus, theirGone := remove(func(r *sample, args []string) (string, int) { return r.peer(peer, args...) })
			if theirs != out || theirStatus != status || !slices.Equal(theirGone, gone) {
				t.Errorf("the peer: exit %d, gone %v\n%s", theirStatus, theirGone, theirs)
			}
		})
	}
}

// names lists everything below a directory.
func names(t *testing.T, root string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if path != root {
			list = append(list, strings.TrimPrefix(path, root+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// closedPipe is an output nobody reads any more.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "|1", Err: syscall.ENOSPC}
}

func TestOutputNobodyReads(t *testing.T) {
	r := newFiles(t)
	for _, test := range []struct {
		args               string
		unread, unwritable int
	}{
		{"repo-ls", 0, 64},
		{"repo-ls --output=json", 0, 64},
		{"repo-get backup/demo/backup.info", 1, 64},
	} {
		for _, stderr := range []*bytes.Buffer{new(bytes.Buffer)} {
			env := Env{Program: "pgbackrest", Args: r.args(strings.Fields(test.args)), Stdout: closedPipe{}, Stderr: stderr, UID: 1000}
			if status := Main(context.Background(), env); status != test.unread || stderr.Len() > 0 {
				t.Errorf("%s: exit %d, stderr %s", test.args, status, stderr)
			}
			env.Stdout = fullDisk{}
			env.Args = append([]string{"--log-level-stderr=error"}, env.Args...)
			if status := Main(context.Background(), env); status != test.unwritable || !strings.Contains(stderr.String(), "No space left on device") {
				t.Errorf("%s: exit %d, stderr %s", test.args, status, stderr)
			}
		}
	}
}

func TestRepoGet(t *testing.T) {
	r := newFiles(t)
	peer := findPeer(t)
	for _, test := range []struct {
		args, want string
		exit       int
	}{
		{"archive/demo/archive.info", "info\n", 0},
		{"REPO/archive/demo/archive.info", "info\n", 0},
		{"link/archive.info", "info\n", 0},
		{"archive/demo/15-1/0000000100000000/B", "", 0},
		{"--stanza=other|archive/demo/archive.info", "info\n", 0},
		{"nope", "P00  ERROR: [055]: unable to open missing file 'REPO/nope' for read\n", 55},
		{"nope|--ignore-missing", "", 1},
		{"archive", "P00  ERROR: [042]: unable to read 'REPO/archive': [21] Is a directory\n", 42},
		{"archive/demo/archive.info/x", "P00  ERROR: [041]: unable to open file 'REPO/archive/demo/archive.info/x' for read: [20] Not a directory\n", 41},
		{"", "P00  ERROR: [043]: source file required\n", 43},
		{"a|b", "P00  ERROR: [043]: source file required\n", 43},
		{"/etc/passwd", "P00  ERROR: [096]: absolute path '/etc/passwd' is not in base path 'REPO'\n", 96},
		{"a//b", "P00  ERROR: [096]: path 'a//b' cannot contain //\n", 96},
	} {
		args := []string{"repo-get"}
		if test.args != "" {
			args = append(args, strings.Split(strings.ReplaceAll(test.args, "REPO", r.root), "|")...)
		}
		out, status := r.run(args...)
		if out != test.want || status != test.exit {
			t.Errorf("%s: exit %d\n%s", test.args, status, out)
		}
		r.agree(peer, out, status, args...)
	}
}

// TestRepoGetDecrypts reads every kind of file of an encrypted repository.
func TestRepoGetDecrypts(t *testing.T) {
	repos := unpackSamples(t, "aes256-zst", "zst")
	if repos == nil {
		return
	}
	peer := findPeer(t)
	r := repos["aes256-zst"].clone(t)
	wal := strings.TrimPrefix(r.path("W1B"), r.root+"/")
	label := r.labels[0]
	for _, test := range []struct {
		args string
		with string // what the plain content begins with
		exit int
	}{
		{"archive/demo/archive.info", "[backrest]\n", 0},
		{"archive/demo/archive.info.copy", "[backrest]\n", 0},
		{wal, "\x28\xb5\x2f\xfd", 0},
		{"archive/demo/15-1/0000000100000000/00000001000000000000001A.00000028.backup", "START WAL LOCATION", 0},
		{"backup/demo/backup.info", "[backrest]\n", 0},
		{"--stanza=demo|backup/demo/backup.info.copy", "[backrest]\n", 0},
		{"backup/demo/" + label + "/backup.manifest", "[backup]\n", 0},
		{"backup/demo/" + label + "/backup.manifest.copy", "[backup]\n", 0},
		{"backup/demo/latest/backup.manifest", "[backup]\n", 0},
		{"backup/demo/backup.history/2026/" + label + ".manifest.gz", "\x1f\x8b", 0},
		{"backup/demo/" + label + "/pg_data/PG_VERSION.zst", "\x28\xb5\x2f\xfd", 0},
		{"--raw|backup/demo/" + label + "/pg_data/PG_VERSION.zst", "Salted__", 0},
		{"--raw|nope", "P00  ERROR: [055]: unable to open missing file 'REPO/nope' for read\n", 55},
		{"nope", "P00  ERROR: [032]: unable to determine cipher passphrase for 'nope'\n", 32},
		{"backup/demo", "P00  ERROR: [032]: unable to determine cipher passphrase for 'backup/demo'\n", 32},
		{"--ignore-missing|nope", "P00  ERROR: [032]: unable to determine", 32},
		{"archive/demo/nope", "P00  ERROR: [055]: unable to open missing file 'REPO/archive/demo/nope' for read\n", 55},
		{"--ignore-missing|archive/demo/nope", "", 1},
		{"--ignore-missing|archive/nope/x", "P00  ERROR: [055]: unable to load info file", 55},
		{"archive/nope/archive.info", "P00  ERROR: [055]: unable to open missing file", 55},
		{"backup/demo/20200101-000000F/x", "P00  ERROR: [055]: unable to load backup manifest file", 55},
		{"backup/demo/backup.history", "P00  ERROR: [042]: unable to read 'REPO/backup/demo/backup.history': [21] Is a directory\n", 42},
		{"--stanza=other|archive/demo/x", "P00  ERROR: [032]: stanza name 'other' given in option doesn't match the given path\n", 32},
	} {
		args := append([]string{"repo-get"}, strings.Split(test.args, "|")...)
		out, status := r.run(args...)
		begin := strings.Index(out, test.with)
		if begin < 0 || status != test.exit || test.exit > 1 && begin != 0 {
			t.Errorf("%s: exit %d\n%.200q", test.args, status, out)
		}
		r.agree(peer, out, status, args...)
	}
	// A repository that is not encrypted when it should be.
	plain := repos["zst"].clone(t)
	plain.cipher = r.cipher
	if out, status := plain.run("repo-get", "archive/demo/archive.info"); status != 95 {
		t.Errorf("exit %d\n%s", status, out)
	}
}
