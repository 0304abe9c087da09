package pgtest

import (
	"context"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
	"testing"
)

// ServerUser is the user servers run as when the tests run as root, because they refuse root: HOLDFAST_PG_USER or postgres. For others
// it is themselves.
func ServerUser(t testing.TB) *user.User {
	t.Helper()
	if os.Getuid() != 0 {
		u, err := user.Current()
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	u, err := user.Lookup(or(os.Getenv("HOLDFAST_PG_USER"), "postgres"))
	if err != nil {
		t.Fatalf("as root the tests need a user to run servers as: %s (make test installs one)", err)
	}
	return u
}

func ids(t testing.TB) (uid, gid int) {
	t.Helper()
	u := ServerUser(t)
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		t.Fatal(err)
	}
	gid, err = strconv.Atoi(u.Gid)
	if err != nil {
		t.Fatal(err)
	}
	return uid, gid
}

// Dir makes a directory that belongs to the server's user and that every user can reach; it is removed after the test. Its name is
// short, so that there can be a socket in it.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	uid, gid := ids(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Command is exec.CommandContext for a program that is to run as the server's user, with that user's home and a plain environment.
func Command(ctx context.Context, t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(ctx, name, args...)
	u := ServerUser(t)
	cmd.Env = []string{"HOME=" + u.HomeDir, "USER=" + u.Username, "LOGNAME=" + u.Username, "PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.Dir = "/"
	if os.Getuid() == 0 {
		uid, gid := ids(t)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	return cmd
}
