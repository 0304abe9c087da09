package command

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// cliCase is a command line that was run against the original program, with what it said.
type cliCase struct {
	Group  string            `json:"group"`
	Args   []string          `json:"args"`
	Env    map[string]string `json:"env"`
	Files  map[string]string `json:"files"`
	Exit   int               `json:"exit"`
	Stdout string            `json:"stdout"`
	Stderr string            `json:"stderr"`
}

func readCases(t *testing.T) []cliCase {
	t.Helper()
	text, err := os.ReadFile("../config/testdata/cli-cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []cliCase `json:"cases"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 200 {
		t.Fatalf("only %d cases", len(file.Cases))
	}
	return file.Cases
}

// expected turns recorded output into a pattern: what differs from run to run is left open.
func expected(text string) *regexp.Regexp {
	pattern := regexp.QuoteMeta(strings.ReplaceAll(text, Compatible+"dev", Compatible))
	for from, to := range map[string]string{
		"<timestamp>":      `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}`,
		"<exec-id>":        `\d+-[0-9a-f]{8}`,
		"<n>":              `\d+`,
		"<rest of help>\n": `(?s:.*)`,
	} {
		pattern = strings.ReplaceAll(pattern, from, to)
	}
	return regexp.MustCompile("^" + pattern + "$")
}

// TestCases runs every recorded command line in a world of its own: configuration files and default paths lie below a scratch
// directory, the account is not root.
func TestCases(t *testing.T) {
	for i, c := range readCases(t) {
		t.Run(fmt.Sprintf("%03d %s", i, strings.Join(c.Args, " ")), func(t *testing.T) {
			w := newWorld(t)
			for name, text := range c.Files {
				w.write(t, name, text)
			}
			env := w.env("pgbackrest", c.Args...)
			for name, value := range c.Env {
				env.Environ = append(env.Environ, name+"="+value)
			}
			slices.Sort(env.Environ)
			if got := Main(context.Background(), env); got != c.Exit {
				t.Errorf("exit %d, want %d", got, c.Exit)
			}
			if got := w.stdout.String(); !expected(c.Stdout).MatchString(got) {
				t.Errorf("stdout\n%s\nwant\n%s", got, c.Stdout)
			}
			if got := w.stderr.String(); !expected(c.Stderr).MatchString(got) {
				t.Errorf("stderr\n%s\nwant\n%s", got, c.Stderr)
			}
		})
	}
}

// world is a scratch directory that a command takes for the root of the file system where nobody named another path.
type world struct {
	root           string
	stdout, stderr strings.Builder
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{root: t.TempDir()}
	for _, dir := range []string{"var/lib/pgbackrest", "var/log/pgbackrest"} {
		if err := os.MkdirAll(filepath.Join(w.root, dir), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.root, name) }

func (w *world) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(w.path(name)), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.path(name), []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

func (w *world) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(w.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (w *world) exists(name string) bool {
	_, err := os.Stat(w.path(name))
	return err == nil
}

func (w *world) env(program string, args ...string) Env {
	w.stdout.Reset()
	w.stderr.Reset()
	return Env{
		Program: program, Args: args, Stdin: strings.NewReader(""), Stdout: &w.stdout, Stderr: &w.stderr, UID: 1000, Root: w.root,
	}
}
