package config

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"holdfast/internal/errs"
)

// recorded is a command line and what the reference program did with it.
type recorded struct {
	Group  string
	Args   []string
	Env    map[string]string
	Files  map[string]string
	Exit   int
	Stdout string
	Stderr string
}

func loadCases(t testing.TB) []recorded {
	t.Helper()
	data, err := os.ReadFile("testdata/cli-cases.json")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(data), "2.60.0dev", "2.60.0")
	var file struct{ Cases []recorded }
	if err := json.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

// memory returns a file system that holds the files and nothing else.
func memory(files map[string]string) FS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[strings.TrimPrefix(name, "/")] = &fstest.MapFile{Data: []byte(text)}
	}
	rel := func(name string) string { return strings.TrimPrefix(path.Clean("./"+name), "/") }
	return FS{
		ReadFile: func(name string) ([]byte, error) { return m.ReadFile(rel(name)) },
		ReadDir:  func(name string) ([]fs.DirEntry, error) { return m.ReadDir(rel(name)) },
	}
}

func (r recorded) input() Input {
	in := Input{Program: "/usr/bin/pgbackrest", Title: "pgBackRest 2.60.0", Args: r.Args, FS: memory(r.Files)}
	for name, text := range r.Env {
		in.Env = append(in.Env, name+"="+text)
	}
	return in
}

// line formats a message as the log does.
func line(prefix, text string, indent int) string {
	return prefix + strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", indent)) + "\n"
}

// early is what appears before logging is configured, late what appears afterwards.
func early(level, text string) string { return line(fmt.Sprintf("P00 %6s: ", level), text, 12) }
func late(level, text string) string {
	return line(fmt.Sprintf("<timestamp> P00 %6s: ", level), text, 36)
}

func numbered(err error) string { return fmt.Sprintf("[%03d]: %s", errs.CodeOf(err), errs.Text(err)) }

// TestCases runs the recorded command lines as far as options alone decide.
func TestCases(t *testing.T) {
	complete := 0
	for i, r := range loadCases(t) {
		for _, program := range []string{"/usr/bin/pgbackrest", "/usr/bin/holdfast"} {
			in := r.input()
			in.Program = program
			c, err := Parse(in)
			t.Run(fmt.Sprintf("%d %s", i, strings.Join(r.Args, " ")), func(t *testing.T) {
				if r.checkParsed(t, c, err) {
					complete++
				}
			})
		}
	}
	if complete < 2*150 {
		t.Errorf("only %d cases were decided by options alone", complete)
	}
}

// checkParsed compares a parsed command line with the record and reports whether the record has nothing more to say.
func (r recorded) checkParsed(t *testing.T, c *Config, err error) bool {
	if err != nil && !c.Scanned {
		r.want(t, "exit", int(errs.CodeOf(err)), r.Exit)
		r.want(t, "stderr", line("ERROR: ", numbered(err), 7), r.Stderr)
		return true
	}
	if r.Stderr != "" {
		t.Fatalf("accepted, want %s", r.Stderr)
	}
	out := ""
	for _, w := range c.Warnings {
		out += early("WARN", w)
	}
	if err != nil {
		r.want(t, "exit", int(errs.CodeOf(err)), r.Exit)
		r.want(t, "stdout", out+early("ERROR", numbered(err)), r.Stdout)
		return true
	}
	rest, ok := strings.CutPrefix(r.Stdout, out)
	if !ok || strings.HasPrefix(rest, "P00") && !c.beginsWithoutTimestamp() {
		t.Fatalf("warnings\n%swant output\n%s", out, r.Stdout)
	}
	r.checkBegin(t, c)
	return r.checkCross(t, c)
}

func (c *Config) beginsWithoutTimestamp() bool {
	return c.Valid("log-timestamp") && !c.Bool("log-timestamp")
}

// checkBegin compares the begin line, if the record has one.
func (r recorded) checkBegin(t *testing.T, c *Config) {
	_, after, ok := strings.Cut(r.Stdout, c.Command+" command begin 2.60.0")
	if !ok {
		return
	}
	want, _, _ := strings.Cut(after, "\n")
	c.SetExecID("<exec-id>")
	r.want(t, "begin line", c.CommandLine(), want)
}

// checkCross compares what the rules across options say.
func (r recorded) checkCross(t *testing.T, c *Config) bool {
	warnings, err := c.CrossCheck()
	for _, w := range warnings {
		if !strings.Contains(r.Stdout, late("WARN", w)) {
			t.Errorf("warning %q is not in\n%s", w, r.Stdout)
		}
	}
	recordedWarnings := 0
	for _, start := range []string{"option '", "'compress'", "WAL segments will not"} {
		recordedWarnings += strings.Count(r.Stdout, "<timestamp> P00   WARN: "+start)
	}
	if recordedWarnings != len(warnings) {
		t.Errorf("got warnings %q, want\n%s", warnings, r.Stdout)
	}
	if err != nil {
		r.want(t, "exit", int(errs.CodeOf(err)), r.Exit)
		if got := late("ERROR", numbered(err)); !strings.Contains(r.Stdout, got) {
			t.Errorf("error:\n%s\nwant\n%s", got, r.Stdout)
		}
		return true
	}
	return false
}

func (r recorded) want(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%v\nwant\n%v", what, got, want)
	}
}
