package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/format"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/repo/repotest"
)

// sample is a copy of a repository that the original program made, to do things to.
type sample struct {
	t      *testing.T
	name   string
	root   string // repository
	labels []string
	cipher []string // options
}

// unpackSamples returns the repositories of the golden set by name, or nil if there is no golden set here.
func unpackSamples(t *testing.T, names ...string) map[string]*sample {
	t.Helper()
	dir, ok := pgtest.Golden(t)
	if !ok {
		return nil
	}
	all := map[string]*sample{}
	for _, name := range names {
		var want struct {
			Cipher  struct{ Type, Pass string }
			Backups []struct{ Label string }
		}
		text, err := os.ReadFile(filepath.Join(dir, name, "expected.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		r := &sample{t: t, name: name, root: filepath.Join(t.TempDir(), "repo")}
		repotest.Unpack(t, filepath.Join(dir, name, "repo.tar.zst"), filepath.Dir(r.root))
		for _, b := range want.Backups {
			r.labels = append(r.labels, b.Label)
		}
		if want.Cipher.Type != "none" {
			r.cipher = []string{"PGBACKREST_REPO1_CIPHER_TYPE=" + want.Cipher.Type, "PGBACKREST_REPO1_CIPHER_PASS=" + want.Cipher.Pass}
		}
		all[name] = r
	}
	return all
}

// clone is a copy that shares its files with the original as long as they are only replaced, never written to.
func (r *sample) clone(t *testing.T) *sample {
	t.Helper()
	c := *r
	c.t, c.root = t, filepath.Join(t.TempDir(), "repo")
	err := filepath.WalkDir(r.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := c.root + strings.TrimPrefix(path, r.root)
		switch {
		case d.IsDir():
			return os.MkdirAll(to, 0o750)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, to)
		}
		return os.Link(path, to)
	})
	if err != nil {
		t.Fatal(err)
	}
	return &c
}

// path expands short forms: B the backups, A the archive, W a WAL segment by the end of its name, and B0, B1 ... the backups.
func (r *sample) path(short string) string {
	for i, label := range r.labels {
		if rest, ok := strings.CutPrefix(short, fmt.Sprintf("B%d", i)); ok {
			return r.root + "/backup/demo/" + label + rest
		}
	}
	if rest, ok := strings.CutPrefix(short, "A"); ok {
		return r.root + "/archive/demo" + rest
	}
	if end, ok := strings.CutPrefix(short, "W"); ok {
		found, err := filepath.Glob(r.root + "/archive/demo/*/*/*" + end + "-*")
		if err != nil || len(found) == 0 {
			r.t.Fatalf("no segment %s (%v)", end, err)
		}
		return found[0]
	}
	return r.root + "/backup/demo" + strings.TrimPrefix(short, "B")
}

// replace writes a file anew.
func (r *sample) replace(path string, content []byte) {
	r.t.Helper()
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o640); err != nil {
		r.t.Fatal(err)
	}
}

func (r *sample) change(short string, fn func([]byte) []byte) {
	r.t.Helper()
	content, err := os.ReadFile(r.path(short))
	if err != nil {
		r.t.Fatal(err)
	}
	r.replace(r.path(short), fn(content))
}

func (r *sample) flip(shorts ...string) {
	r.t.Helper()
	for _, short := range shorts {
		r.change(short, func(b []byte) []byte { b[len(b)/2] ^= 0x10; return b })
	}
}

func (r *sample) remove(shorts ...string) {
	r.t.Helper()
	for _, short := range shorts {
		if _, err := os.Lstat(r.path(short)); err != nil {
			r.t.Fatal(err)
		}
		if err := os.RemoveAll(r.path(short)); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *sample) mkdir(shorts ...string) {
	r.t.Helper()
	for _, short := range shorts {
		if err := os.MkdirAll(r.path(short), 0o750); err != nil {
			r.t.Fatal(err)
		}
	}
}

// sign changes an info file or manifest, gives it the checksum it must have then and makes the copy the same.
func (r *sample) sign(short, pattern, with string) {
	r.t.Helper()
	r.change(short, func(b []byte) []byte {
		changed := regexp.MustCompile(`(?m)`+pattern).ReplaceAll(b, []byte(with))
		if bytes.Equal(changed, b) {
			r.t.Fatalf("%s: nothing matches %s", short, pattern)
		}
		return resign(r.t, short, changed)
	})
	content, err := os.ReadFile(r.path(short))
	if err != nil {
		r.t.Fatal(err)
	}
	r.replace(r.path(short)+".copy", content)
}

// resign puts the right checksum into a file by asking the decoder for it.
func resign(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	var err error
	if strings.HasSuffix(name, "archive.info") {
		_, err = format.DecodeArchiveInfo(bytes.NewReader(content))
	} else {
		_, err = format.DecodeManifest(bytes.NewReader(content))
	}
	m := regexp.MustCompile(`actual '([0-9a-f]{40})' but expected '([0-9a-f]{40})'`).FindStringSubmatch(fmt.Sprint(err))
	if m == nil {
		t.Fatalf("no checksum in %v", err)
	}
	return bytes.ReplaceAll(content, []byte(m[2]), []byte(m[1]))
}

// spoil changes a file so that its checksum is wrong and nothing else.
func (r *sample) spoil(shorts ...string) {
	r.t.Helper()
	for _, short := range shorts {
		r.change(short, func(b []byte) []byte { return bytes.Replace(b, []byte("-version="), []byte("-Version="), 1) })
	}
}

// run runs a command on the repository in process.
func (r *sample) run(args ...string) (string, int) {
	var out bytes.Buffer
	status := Main(context.Background(), Env{Program: "pgbackrest", Args: r.args(args), Environ: r.cipher, Stdout: &out, Stderr: &out, UID: 1000})
	return r.short(out.String()), status
}

// peer runs a command of the original program.
func (r *sample) peer(program string, args ...string) (string, int) {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), program, r.args(args)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &out, append([]string{"LC_ALL=C.UTF-8"}, r.cipher...)
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	return r.short(out.String()), cmd.ProcessState.ExitCode()
}

func (r *sample) args(args []string) []string {
	common := []string{"--no-config", "--log-level-file=off", "--no-log-timestamp", "--allow-root", "--repo1-path=" + r.root}
	for _, arg := range args {
		for i, label := range r.labels {
			arg = strings.ReplaceAll(arg, fmt.Sprintf("{B%d}", i), label)
		}
		common = append(common, arg)
	}
	return common
}

// short replaces what is long or random. Labels are replaced from the longest to the shortest.
func (r *sample) short(text string) string {
	text = strings.ReplaceAll(text, r.root, "REPO")
	order := slices.Clone(r.labels)
	slices.SortFunc(order, func(a, b string) int { return len(b) - len(a) })
	for _, label := range order {
		text = strings.ReplaceAll(text, label, fmt.Sprintf("{B%d}", slices.Index(r.labels, label)))
	}
	text = regexp.MustCompile(`(?m)^P00   INFO: \S+ command (begin|end).*\n`).ReplaceAllString(text, "")
	return regexp.MustCompile(`-[0-9a-f]{40}\b`).ReplaceAllString(text, "-SUM")
}
