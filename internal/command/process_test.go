package command

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestUmask(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o027))
	for option, want := range map[string]int{"--neutral-umask": 0, "--no-neutral-umask": 0o027} {
		w := newWorld(t)
		during := -1
		look := func(context.Context, *session) error {
			during = syscall.Umask(0)
			syscall.Umask(during)
			return nil
		}
		run(context.Background(), w.env("holdfast", "--stanza=demo", "--pg1-path=/pg", option, "restore"), stubs(map[string]stub{"restore": look}))
		if during != want {
			t.Errorf("%s: umask %04o, want %04o", option, during, want)
		}
		after := syscall.Umask(0o027)
		if after != 0o027 {
			t.Errorf("%s: umask %04o stays", option, after)
		}
	}
}

func TestPriority(t *testing.T) {
	c := startChild(t, newWorld(t), "wait", "--priority=5")
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", c.cmd.Process.Pid))
	if err != nil || len(stats) == 0 {
		t.Fatalf("no threads: %v", err)
	}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// What follows the name in parentheses begins with field 3; the nice value is field 19.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if fields[16] != "5" {
			t.Errorf("%s: nice value %s", name, fields[16])
		}
	}
	c.cmd.Process.Signal(syscall.SIGTERM)
	c.wait()
}
