package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// runner runs a command line with more variables in the environment and returns exit status and output.
type runner func(t *testing.T, args, environ []string) (int, string)

// runOurs runs a command in this process.
func runOurs(_ *testing.T, args, environ []string) (int, string) {
	var out bytes.Buffer
	exit := Main(context.Background(), Env{Program: "pgbackrest", Args: args, Environ: environ, Stdout: &out, Stderr: &out, UID: 1000})
	return exit, out.String()
}

// runPeer runs the same command of the real program.
func runPeer(t *testing.T, args, environ []string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), findPeer(t), args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &out, append([]string{"LC_ALL=C"}, environ...)
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// findPeer returns the path of the newest pgBackRest where the tests of the whole program have unpacked it, or "".
func findPeer(t *testing.T) string {
	t.Helper()
	kit := os.Getenv("HOLDFAST_KIT")
	if kit == "" {
		kit = "/opt/holdfast-kit"
	}
	path := filepath.Join(kit, "debian/pgbackrest-sid/usr/bin/pgbackrest")
	if _, err := os.Stat(path); err != nil {
		t.Logf("no peer to compare with: %v", err)
		return ""
	}
	return path
}

// difference shows from where on two outputs differ.
func difference(ours, theirs string) string {
	a, b := strings.Split(ours, "\n"), strings.Split(theirs, "\n")
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return fmt.Sprintf("after %d equal lines we have\n%s\nand the peer has\n%s\n", n,
		strings.Join(a[n:min(n+4, len(a))], "\n"), strings.Join(b[n:min(n+4, len(b))], "\n"))
}
