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
	plain program // the same as people have it, without the race detector, for what takes long
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
	kit := os.Getenv("HOLDFAST_KIT")
	if kit == "" {
		kit = "/opt/holdfast-kit"
		if os.Geteuid() != 0 {
			cache, err := os.UserCacheDir()
			if err != nil {
				return program{}, err
			}
			kit = filepath.Join(cache, "holdfast-kit")
		}
	}
	return newProgram(name, filepath.Join(kit, "debian", "pgbackrest-"+suite, "usr/bin/pgbackrest"))
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

func buildOurs() error {
	if path := os.Getenv("HOLDFAST_TEST_PROGRAM"); path != "" {
		var err error
		lab.ours, err = newProgram("ours", path)
		lab.named, lab.plain = lab.ours, lab.ours
		return err
	}
	dir := filepath.Join(lab.root, "bin")
	named := filepath.Join(dir, "holdfast")
	build := exec.Command("go", "build", "-o", named)
	if raceDetector {
		build.Args = append(build.Args, "-race")
	}
	build.Args = append(build.Args, "holdfast/cmd/holdfast")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	link := filepath.Join(dir, "pgbackrest")
	if err := os.Symlink("holdfast", link); err != nil {
		return err
	}
	var err error
	if lab.ours, err = newProgram("ours", link); err != nil {
		return err
	}
	lab.named = program{name: "holdfast", path: named, release: lab.ours.release}
	return buildPlain(filepath.Join(dir, "plain", "holdfast"))
}

// buildPlain builds what `make build` builds, which has been compiled then and is linked only.
func buildPlain(path string) error {
	if lab.plain = lab.named; !raceDetector {
		return nil
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "holdfast/cmd/holdfast")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	lab.plain.path = path
	return nil
}
