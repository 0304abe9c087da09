package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hostile is an environment that would lead programs to other clusters and repositories.
var hostile = []string{"PGBACKREST_STANZA=other", "PGBACKREST_REPO1_PATH=/nonexistent", "PGBACKREST_CONFIG=/nonexistent.conf",
	"PGBACKREST_LOG_LEVEL_CONSOLE=wrong", "PGHOST=/nonexistent", "PGPORT=1", "PGSERVICE=other", "PGSSLMODE=verify-full", "PGDATA=/nonexistent"}

// demoPatience is for machines that have a lot to do besides.
const demoPatience = 10 * time.Minute

var proof = regexp.MustCompile(`The table is back with its (\d{3},\d{3}) rows`)

// demo prepares the demonstration as somebody would start it, with a directory for temporary files of its own.
func (h *host) demo(ctx context.Context, args ...string) *exec.Cmd {
	return h.command(ctx, lab.named.path, append([]string{"demo", "--pg-bin=" + lab.pgBin}, args...)...)
}

// clean checks that the demonstration has left nothing behind.
func (h *host) clean() {
	h.t.Helper()
	entries, err := os.ReadDir(h.path("tmp"))
	if err != nil || len(entries) > 0 {
		h.t.Errorf("left: %v (%v)", entries, err)
	}
}

// In a pipe the demonstration prints what it proved, and nothing else. Root goes on as postgres, even if only root can get at the
// program.
func TestDemoInAPipe(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.named)
	h.env = hostile
	program := lab.named.path
	if os.Geteuid() == 0 {
		h.cred = nil
		program = h.path("hidden", "holdfast")
		if err := os.Mkdir(h.path("hidden"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(program, []byte(h.read(lab.named.path)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), demoPatience)
	defer cancel()
	r := h.finish(ctx, lab.named, h.command(ctx, program, "demo", "--pg-bin="+lab.pgBin))
	h.want(r, 0, "What this proved with PostgreSQL "+filepath.Base(filepath.Dir(lab.pgBin)), "All of it has been removed again.",
		"!ERROR", "!WARN", "!\x1b")
	if !proof.MatchString(r.stdout) || r.stderr != "" || strings.Count(r.stdout, "\n") > 10 {
		t.Errorf("%s", r)
	}
	h.clean()
}

// At a terminal every step is a line. The files may be kept; then the servers are stopped all the same.
func TestDemoAtATerminal(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.named)
	h.env = []string{"TERM=xterm"}
	ctx, cancel := context.WithTimeout(context.Background(), demoPatience)
	defer cancel()
	words := strings.Join(h.demo(ctx, "--keep").Args, " ")
	r := h.finish(ctx, lab.named, h.command(ctx, "/usr/bin/script", "-qec", words, "/dev/null"))
	h.want(r, 0, "demonstrates itself with PostgreSQL", "full backup while rows are written", "%", "restore to the moment before",
		"check that it is archived again", "stop the server", "!did not succeed", "The files are in ")
	if !proof.MatchString(r.stdout) {
		t.Errorf("%s", r)
	}
	dir := h.glob("tmp/holdfast-demo-*")
	for _, name := range []string{"holdfast.conf", "repo/backup/demo/backup.info", "data/PG_VERSION", "damaged/PG_VERSION", "log/demo-restore.log"} {
		if !h.exists(filepath.Join(dir, name)) {
			t.Errorf("%s was not kept", name)
		}
	}
	if h.exists(filepath.Join(dir, "data/postmaster.pid")) {
		t.Error("the server still runs")
	}
}

// An interrupt ends the demonstration at once and leaves nothing, not even the server.
func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.named)
	ctx, cancel := context.WithTimeout(context.Background(), demoPatience)
	defer cancel()
	var out bytes.Buffer
	cmd := h.demo(ctx)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := ""
	for pid == "" && ctx.Err() == nil {
		time.Sleep(20 * time.Millisecond)
		// Rows are being written when the stanza is there.
		if found, _ := filepath.Glob(h.path("tmp/holdfast-demo-*/repo/backup/demo/backup.info.copy")); len(found) == 1 {
			b, _ := os.ReadFile(filepath.Join(filepath.Dir(found[0]), "../../../data/postmaster.pid"))
			pid, _, _ = strings.Cut(string(b), "\n")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 63 {
		t.Errorf("exit code %d: %s", code, &out)
	}
	h.clean()
	if pid == "" || running(pid) {
		t.Errorf("process %s still runs", pid)
	}
}

// running gives a process a moment to end after it has said goodbye. One that only waits for its parent to notice has ended.
func running(pid string) bool {
	for range 100 {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return false
		}
		time.Sleep(50 * time.Millisecond)
	}
	return true
}

// Where there is no PostgreSQL, people are told what to do.
func TestDemoWithoutPostgres(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.named)
	r := h.exec(lab.named, "demo", "--pg-bin="+h.path("tmp"))
	h.want(r, 55, "no PostgreSQL in '"+h.path("tmp")+"'", "HINT: --pg-bin")
	h.clean()
}
