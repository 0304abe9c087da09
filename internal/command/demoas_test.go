package command

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/internal/errs"
)

func TestDemoNeedsAnAccount(t *testing.T) {
	for name, want := range map[string]struct {
		code    errs.Code
		message string
	}{
		"nobody-of-this-name": {errs.UserMissing, "user 'nobody-of-this-name', who does not exist"},
		"root":                {errs.OptionInvalidValue, "user 'root', who is root"},
	} {
		var out bytes.Buffer
		status := Main(t.Context(), Env{Program: "holdfast", Args: []string{"demo", "--user=" + name}, Stdout: &out, Stderr: &out, UID: 0})
		text := out.String()
		if status != int(want.code) || !strings.Contains(text, want.message) || !strings.Contains(text, "HINT: PostgreSQL does not run as root") {
			t.Errorf("%s: status %d: %s", name, status, text)
		}
	}
}

// The program may lie where only root gets at it; then the account is given a copy.
func TestDemoHome(t *testing.T) {
	me := &syscall.Credential{Uid: uint32(os.Geteuid()), Gid: uint32(os.Getegid()), NoSetGroups: true}
	place := t.TempDir()
	program := filepath.Join(t.TempDir(), "holdfast")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	places := []string{filepath.Join(place, "missing"), place}
	home, reachable, err := demoHome(t.Context(), places, me, program)
	if err != nil || reachable != program || filepath.Dir(home) != place {
		t.Errorf("%s, %s, %v", home, reachable, err)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\ncase $0 in "+program+") exit 1;; esac\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	home, reachable, err = demoHome(t.Context(), places, me, program)
	if err != nil || reachable != filepath.Join(home, "holdfast") {
		t.Errorf("%s, %s, %v", home, reachable, err)
	}
	_, _, err = demoHome(t.Context(), places[:1], me, program)
	if !errs.Is(err, errs.PathCreate) {
		t.Error(err)
	}
}

func TestAttendHandsOnStatusAndSignal(t *testing.T) {
	s := &session{}
	if err := s.attend(t.Context(), exec.Command("/bin/sh", "-c", "exit 26")); err != nil || s.status != 26 {
		t.Errorf("status %d, %v", s.status, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.attend(ctx, exec.Command("/bin/sh", "-c", "trap 'exit 63' TERM; while :; do sleep 0.05; done")); err != nil || s.status != 63 {
		t.Errorf("status %d, %v", s.status, err)
	}
	if err := s.attend(t.Context(), exec.Command("/bin/sh", "-c", "kill -9 $$")); !errs.Is(err, errs.Execute) {
		t.Error(err)
	}
}

func TestDemoEnvironHasNothingOfOtherClusters(t *testing.T) {
	env := Env{Environ: []string{"PATH=/bin", "TERM=xterm", "PGHOST=x", "PGBACKREST_STANZA=x", "TMPDIR=/root/tmp", "TZ="}}
	want := []string{"HOME=/h", "TMPDIR=/h", "PATH=/bin", "TERM=xterm"}
	if got := demoEnviron(env, "/h"); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := env.tempDirs(); !slices.Equal(got, []string{"/root/tmp", "/tmp"}) {
		t.Errorf("%q", got)
	}
}
