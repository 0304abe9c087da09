package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// program is one executable that speaks the command line under test.
type program struct {
	name    string
	path    string
	release string // what it writes as its version
}

// lab is what all tests share. TestMain fills it before the first test runs; then it is only read.
var lab struct {
	root  string // everything the tests write is below
	pgBin string
	cred  *syscall.Credential // nil: run programs as ourselves
	uid   int
	gid   int
	user  string
	ours  program // called as pgbackrest, so that what it prints can be compared
	named program // the same, called as holdfast
	raced program // ours with the race detector, when the tests have it
	peer  program
	elder program
}

func TestMain(m *testing.M) {
	syscall.Umask(0o022)
	code, err := func() (int, error) {
		defer cleanLab()
		if err := setUpLab(); err != nil {
			return 1, err
		}
		return m.Run(), nil
	}()
	if err != nil {
		fmt.Fprintf(os.Stderr, "e2e: %v\ne2e: `make test` installs what these tests need\n", err)
	}
	os.Exit(code)
}

func setUpLab() error {
	if err := findUser(); err != nil {
		return err
	}
	if err := findPostgres(); err != nil {
		return err
	}
	var err error
	if lab.peer, err = findPeer("peer", "sid"); err != nil {
		return err
	}
	if lab.elder, err = findPeer("elder", "bookworm"); err != nil {
		return err
	}
	if lab.root, err = os.MkdirTemp("", "hf-e2e-"); err != nil {
		return err
	}
	if err := os.Chmod(lab.root, 0o755); err != nil {
		return err
	}
	return buildOurs()
}

func cleanLab() {
	if lab.root == "" {
		return
	}
	if os.Getenv("HOLDFAST_TEST_KEEP") == "" {
		os.RemoveAll(lab.root)
	} else {
		os.RemoveAll(filepath.Join(lab.root, "bin"))
		os.RemoveAll(filepath.Join(lab.root, "race"))
		os.Remove(lab.root) // only if no failed test left anything
	}
}

// findUser decides who runs the programs: PostgreSQL refuses root, and so do most commands.
func findUser() error {
	if os.Geteuid() != 0 {
		u, err := user.Current()
		if err != nil {
			return err
		}
		lab.user, lab.uid, lab.gid = u.Username, os.Geteuid(), os.Getegid()
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("root cannot run PostgreSQL and there is no user postgres: %w", err)
	}
	lab.user = u.Username
	lab.uid, _ = strconv.Atoi(u.Uid)
	lab.gid, _ = strconv.Atoi(u.Gid)
	lab.cred = &syscall.Credential{Uid: uint32(lab.uid), Gid: uint32(lab.gid)}
	return nil
}

func findPostgres() error {
	lab.pgBin = os.Getenv("HOLDFAST_PG_BIN")
	if lab.pgBin == "" {
		lab.pgBin = "/usr/lib/postgresql/15/bin"
	}
	for _, name := range []string{"initdb", "pg_ctl", "postgres", "psql"} {
		if _, err := os.Stat(filepath.Join(lab.pgBin, name)); err != nil {
			return fmt.Errorf("no PostgreSQL: %w", err)
		}
	}
	return nil
}

func findPeer(name, suite string) (program, error) {
	return newProgram(name, filepath.Join(kit(), "debian", "pgbackrest-"+suite, "usr/bin/pgbackrest"))
}

// kit is where the scripts in tools keep the programs they install.
func kit() string {
	if dir := os.Getenv("HOLDFAST_KIT"); dir != "" {
		return dir
	}
	if os.Geteuid() == 0 {
		return "/opt/holdfast-kit"
	}
	cache, _ := os.UserCacheDir()
	return filepath.Join(cache, "holdfast-kit")
}

func newProgram(name, path string) (program, error) {
	out, err := exec.Command(path, "version").Output()
	if err != nil {
		return program{}, fmt.Errorf("%s %s: %w", name, path, err)
	}
	fields := strings.Fields(string(out))
	if len(fields) < 2 {
		return program{}, fmt.Errorf("%s %s: version is %q", name, path, out)
	}
	return program{name: name, path: path, release: fields[1]}, nil
}

// buildOurs builds what people have, and beside it the same with the race detector, for the tests where much happens at once:
// everywhere it would cost several times the time.
func buildOurs() error {
	var err error
	if path := os.Getenv("HOLDFAST_TEST_PROGRAM"); path != "" {
		lab.ours, err = newProgram("ours", path)
		lab.named, lab.raced = lab.ours, lab.ours
		return err
	}
	plain := []string{"-trimpath", "-ldflags", "-s -w"}
	if lab.ours, err = build("ours", filepath.Join(lab.root, "bin"), "CGO_ENABLED=0", plain...); err != nil {
		return err
	}
	lab.named = program{name: "holdfast", path: filepath.Join(lab.root, "bin", "holdfast"), release: lab.ours.release}
	if lab.raced = lab.ours; raceDetector {
		lab.raced, err = build("raced", filepath.Join(lab.root, "race"), "CGO_ENABLED=1", "-race")
	}
	return err
}

// build makes dir/holdfast and gives it by its other name, pgbackrest.
func build(name, dir, env string, flags ...string) (program, error) {
	args := append([]string{"build", "-o", filepath.Join(dir, "holdfast")}, flags...)
	build := exec.Command("go", append(args, "holdfast/cmd/holdfast")...)
	build.Env = append(os.Environ(), env)
	if out, err := build.CombinedOutput(); err != nil {
		return program{}, fmt.Errorf("build: %w\n%s", err, out)
	}
	link := filepath.Join(dir, "pgbackrest")
	if err := os.Symlink("holdfast", link); err != nil {
		return program{}, err
	}
	return newProgram(name, link)
}
