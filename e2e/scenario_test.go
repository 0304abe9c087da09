package e2e

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// scenario runs one acceptance scenario on a host that several of them share. The host reports to
// the subtest while it runs.
func (h *host) scenario(t *testing.T, id string, run func()) {
	t.Helper()
	t.Run(id, func(t *testing.T) {
		outer := h.t
		h.t = t
		defer func() { h.t = outer }()
		run()
	})
}

// texts is short for what an output must contain; a text after ! must not be there.
func texts(s ...string) []string { return s }

// hold takes a lock as another process would, with what that process would write into it.
func (h *host) hold(name, content string) (release func()) {
	h.t.Helper()
	path := h.path("lock", name)
	h.write(path, content)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		h.t.Fatal(err)
	}
	return func() {
		os.Remove(path)
		f.Close()
	}
}

// background is a program that runs while the test does something else.
type background struct {
	h      *host
	cmd    *exec.Cmd
	done   chan result
	cancel context.CancelFunc
}

func (h *host) start(args ...string) *background {
	h.t.Helper()
	return h.startAs(h.prog, args...)
}

func (h *host) startAs(p program, args ...string) *background {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	b := &background{h: h, cmd: h.command(ctx, p.path, h.withConfig(args)...), done: make(chan result, 1), cancel: cancel}
	var out strings.Builder
	b.cmd.Stdout, b.cmd.Stderr = &out, &out
	if err := b.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	go func() {
		b.cmd.Wait()
		b.done <- result{prog: p, args: b.cmd.Args[1:], stdout: out.String(), code: b.cmd.ProcessState.ExitCode()}
	}()
	h.t.Cleanup(func() { syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL); cancel() })
	return b
}

func (b *background) wait() result {
	b.h.t.Helper()
	defer b.cancel()
	return <-b.done
}

// until polls a condition.
func (h *host) until(what string, ok func() bool) {
	h.t.Helper()
	for range 4800 {
		if ok() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	h.t.Fatalf("never happened: %s", what)
}

// flip changes one bit in the middle of a file.
func (h *host) flip(path string) {
	h.t.Helper()
	b := []byte(h.read(path))
	b[len(b)/2] ^= 0x10
	h.write(path, string(b))
}
