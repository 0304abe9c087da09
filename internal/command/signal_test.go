package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/lock"
)

// childVar makes the test binary a process that backs up, in the world it names, until a signal comes.
const childVar = "HOLDFAST_TEST_CHILD"

func TestMain(m *testing.M) {
	root := os.Getenv(childVar)
	if root == "" {
		os.Exit(m.Run())
	}
	ctx, stop := WithSignals(context.Background())
	status := run(ctx, Env{
		Program: "holdfast", Args: os.Args[2:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, UID: 1000, Root: root,
	}, stubs(map[string]stub{"backup": func(ctx context.Context, s *session) error {
		fmt.Fprintln(os.Stderr, "running")
		<-ctx.Done()
		fmt.Fprintln(os.Stderr, "cancelled")
		if os.Args[1] == "deaf" {
			time.Sleep(time.Minute)
		}
		return errs.New(errs.FileRead, "cut off: %v", ctx.Err())
	}}))
	stop()
	os.Exit(status)
}

type child struct {
	cmd    *exec.Cmd
	stdout strings.Builder
	stderr *bufio.Reader
	ended  bool
}

// startChild starts a backup in another process and returns when it runs.
func startChild(t *testing.T, w *world, mode string, args ...string) *child {
	t.Helper()
	args = append([]string{mode, "--stanza=demo", "--pg1-path=/pg", "backup"}, args...)
	c := &child{cmd: exec.Command(os.Args[0], args...)}
	c.cmd.Env = append(os.Environ(), childVar+"="+w.root)
	c.cmd.Stdout = &c.stdout
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.stderr = bufio.NewReader(stderr)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !c.ended {
			c.cmd.Process.Kill()
			c.cmd.Wait()
		}
	})
	c.expect(t, "running")
	return c
}

func (c *child) expect(t *testing.T, want string) {
	t.Helper()
	if line, err := c.stderr.ReadString('\n'); line != want+"\n" {
		t.Fatalf("the other process says %q, %v; want %s", line, err, want)
	}
}

// wait returns the exit status, or minus the signal that ended the process.
func (c *child) wait() int {
	io.Copy(io.Discard, c.stderr)
	err := c.cmd.Wait()
	c.ended = true
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status := exit.Sys().(syscall.WaitStatus); status.Signaled() {
			return -int(status.Signal())
		}
	}
	return c.cmd.ProcessState.ExitCode()
}

func TestSignals(t *testing.T) {
	for sig, name := range map[syscall.Signal]string{
		syscall.SIGTERM: "SIGTERM", syscall.SIGINT: "SIGINT", syscall.SIGHUP: "SIGHUP",
	} {
		w := newWorld(t)
		c := startChild(t, w, "wait", "--log-level-console=info")
		c.cmd.Process.Signal(sig)
		if status := c.wait(); status != 63 {
			t.Errorf("%s: exit %d", name, status)
		}
		if out := c.stdout.String(); !strings.HasSuffix(out, "\nterminated on signal "+name+"\n") ||
			strings.Contains(out, "command end") || strings.Contains(out, "ERROR") {
			t.Errorf("%s: says\n%s", name, out)
		}
		if text := w.read(t, "var/log/pgbackrest/demo-backup.log"); !strings.HasSuffix(text, "\nterminated on signal "+name+"\n") {
			t.Errorf("%s: log file\n%s", name, text)
		}
		path := "tmp/pgbackrest/demo-backup-1.lock"
		if state, err := lock.Read(w.path(path)); err != nil || state.Held || !w.exists(path) {
			t.Errorf("%s: lock %+v, %v, file %v", name, state, err, w.exists(path))
		}
	}
}

func TestSignalIsQuietAtDefaultLevels(t *testing.T) {
	c := startChild(t, newWorld(t), "wait", "--repo1-retention-full=1")
	c.cmd.Process.Signal(syscall.SIGTERM)
	if status := c.wait(); status != 63 || c.stdout.String() != "" {
		t.Errorf("exit %d\n%s", status, c.stdout.String())
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	c := startChild(t, newWorld(t), "deaf")
	c.cmd.Process.Signal(syscall.SIGTERM)
	c.expect(t, "cancelled")
	c.cmd.Process.Signal(syscall.SIGTERM)
	if status := c.wait(); status != -int(syscall.SIGTERM) {
		t.Errorf("status %d", status)
	}
}
