package demo

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/internal/errs"
)

func TestCompareFindsEveryDifference(t *testing.T) {
	before := content{rows: 12_000, hash: "a"}
	for _, c := range []struct {
		after content
		want  string
	}{
		{content{rows: 12_000, hash: "a"}, ""},
		{content{rows: 11_900, hash: "a"}, "11,900 rows, 100 fewer"},
		{content{rows: 13_000, hash: "a"}, "13,000 rows, 1,000 more"},
		{content{rows: 12_000, hash: "b"}, "hash b, not a"},
	} {
		err := before.compare(c.after)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v", c.after, err)
		}
	}
}

func TestWordsSurviveTheShell(t *testing.T) {
	for _, word := range []string{"/usr/bin/holdfast", "/a b/it's", `/tmp/$HOME/"q"`, "/a%p/b", "/ü;x"} {
		seen := strings.ReplaceAll(shell(word), "%%", "%") // what the server does
		out, err := exec.Command("/bin/sh", "-c", "printf %s "+seen).Output()
		if err != nil || string(out) != word {
			t.Errorf("%s: the shell sees %q (%v)", word, out, err)
		}
	}
	if got := setting(`it's C:\`); got != `'it''s C:\\'` {
		t.Error(got)
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 123456: "123,456", 1234567: "1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

func TestReport(t *testing.T) {
	r := Result{
		Server:   "15.14",
		Full:     Backup{Copied: 44_564_480, Repository: 10_590_617, Rows: 4_900, Took: 2700 * time.Millisecond},
		Incr:     Backup{Copied: 22_020_096, Repository: 7_654_604, Rows: 800, Took: 1900 * time.Millisecond},
		WALFiles: 10, Rows: 205_700, Lost: 1_000, Hash: "7d4ec53e", RestoreTime: 700 * time.Millisecond,
		ReplayTime: 650 * time.Millisecond, Total: 11_600 * time.Millisecond,
	}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"PostgreSQL 15.14, in 11.6 s", "full backup took 2.7 s while 4,900 rows were written: 42.5MB of files, 10.1MB in the repository",
		"21MB had changed", "10 WAL files", "205,700 rows", "the 1,000 written after it", "MD5 7d4ec53e", "removed again",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	r.Dir = "/tmp/x"
	b.Reset()
	if err := r.WriteText(&b); err != nil || !strings.HasSuffix(b.String(), "The files are in /tmp/x\n") {
		t.Errorf("%v: %s", err, b.String())
	}
}

func testProcesses(t *testing.T) *processes {
	return &processes{dir: t.TempDir(), env: environment("/usr/bin", "/", []string{"TZ=UTC"})}
}

func TestAFailedProgramShowsItsOutput(t *testing.T) {
	p := testProcesses(t)
	_, err := p.run(t.Context(), "/bin/sh", "-c", "seq 30; echo oh no >&2; exit 7")
	if !errs.Is(err, errs.Execute) || !strings.Contains(err.Error(), "exit status 7") || !strings.HasSuffix(err.Error(), "\n30\noh no") ||
		strings.Contains(err.Error(), "\n9\n") {
		t.Error(err)
	}
	left, err := os.ReadDir(p.dir)
	if err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestProgramsSeeACleanEnvironment(t *testing.T) {
	t.Setenv("PGBACKREST_STANZA", "other")
	t.Setenv("PGHOST", "other")
	out, err := testProcesses(t).run(t.Context(), "/usr/bin/env")
	if err != nil || strings.Contains(out, "PG") || !strings.Contains(out, "TZ=UTC\n") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestCancelEndsAProgram(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	started := time.Now()
	_, err := testProcesses(t).run(ctx, "/bin/sleep", "60")
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(started) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(started))
	}
}

// A server that does not start is the likeliest trouble, so its log must reach whoever tries.
func TestAServerThatDoesNotStart(t *testing.T) {
	bin := install(t, t.TempDir(), "15.1")
	script(t, filepath.Join(bin, "initdb"), `mkdir "$2"; : >"$2/postgresql.conf"`)
	script(t, filepath.Join(bin, "pg_ctl"), `echo "FATAL:  could not map anonymous shared memory" >>"$4"; exit 1`)
	place := t.TempDir()
	w := &witness{}
	_, err := Run(t.Context(), Options{Program: "/bin/false", PgBin: bin, TempDirs: []string{filepath.Join(place, "missing"), place}, Watcher: w})
	if !errs.Is(err, errs.Execute) || !strings.Contains(err.Error(), "could not map anonymous shared memory") || len(errs.Hints(err)) == 0 {
		t.Errorf("%v", err)
	}
	left, err := os.ReadDir(place)
	if err != nil || len(left) != 0 {
		t.Errorf("%v was left (%v)", left, err)
	}
	if want := "place,begin make a cluster that archives its WAL,begin clean up,done"; strings.Join(w.saw, ",") != want {
		t.Errorf("saw %v", w.saw)
	}
}

func TestKeepLeavesTheFiles(t *testing.T) {
	bin := install(t, t.TempDir(), "15.1")
	script(t, filepath.Join(bin, "initdb"), "echo no space; exit 1")
	place := t.TempDir()
	r, err := Run(t.Context(), Options{Program: "/bin/false", PgBin: bin, TempDirs: []string{place}, Keep: true})
	if err == nil || !strings.Contains(err.Error(), "no space") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(r.Dir, "holdfast.conf")); err != nil || filepath.Dir(r.Dir) != place {
		t.Errorf("%q: %v", r.Dir, err)
	}
}

func TestNowhereToWrite(t *testing.T) {
	bin := install(t, t.TempDir(), "15.1")
	_, err := Run(t.Context(), Options{Program: "/bin/false", PgBin: bin, TempDirs: []string{filepath.Join(t.TempDir(), "missing")}})
	if !errs.Is(err, errs.PathCreate) || !strings.Contains(err.Error(), "No such file or directory") {
		t.Errorf("%v", err)
	}
}

// A socket cannot have a long path, so with a long TMPDIR it lies elsewhere.
func TestSocketsHaveShortPaths(t *testing.T) {
	place := filepath.Join(t.TempDir(), strings.Repeat("x", 90))
	if err := os.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := newStage(Options{TempDirs: []string{place}, Watcher: silence{}}, installation{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.cluster.socket) > 60 || filepath.Dir(s.dir) != place {
		t.Errorf("socket in %s, files in %s", s.cluster.socket, s.dir)
	}
	if err := s.clear(t.Context(), false); err != nil {
		t.Error(err)
	}
	for _, dir := range []string{s.dir, s.cluster.socket} {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

type witness struct{ saw []string }

func (w *witness) Place(string, string) { w.saw = append(w.saw, "place") }
func (w *witness) Begin(step string)    { w.saw = append(w.saw, "begin "+step) }
func (w *witness) Progress(string)      {}
func (w *witness) Done(string)          { w.saw = append(w.saw, "done") }
