package lock

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/internal/errs"
)

// holderVar makes the test binary hold a lock until its standard input ends.
const holderVar = "HOLDFAST_TEST_HOLD"

func TestMain(m *testing.M) {
	path := os.Getenv(holderVar)
	if path == "" {
		os.Exit(m.Run())
	}
	l, err := Acquire(path, os.Getenv("EXEC_ID"), os.Getpid())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("held")
	bufio.NewReader(os.Stdin).ReadString('\n')
	l.Release()
}

// hold runs a process that holds a lock and returns what ends it.
func hold(t *testing.T, path, execID string) (cmd *exec.Cmd, release func()) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holderVar+"="+path, "EXEC_ID="+execID)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process says %q", line)
	}
	release = func() { in.Close(); cmd.Wait() }
	t.Cleanup(release)
	return cmd, release
}

func TestAcquire(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := File(dir, "demo", Backup, 2)
	if want := dir + "/demo-backup-2.lock"; path != want {
		t.Fatalf("path %s, want %s", path, want)
	}
	l, err := Acquire(path, "1-0000abcd", 1)
	if err != nil {
		t.Fatal(err)
	}
	check := func(want string) {
		t.Helper()
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("content %q, %v; want %q", got, err, want)
		}
	}
	check(`{"execId":"1-0000abcd","pid":1}`)
	if err := l.SetProgress(184809557, 50569216); err != nil {
		t.Fatal(err)
	}
	check(`{"execId":"1-0000abcd","pctCplt":2736,"pid":1,"sz":184809557,"szCplt":50569216}`)
	if err := l.SetProgress(0, 0); err != nil {
		t.Fatal(err)
	}
	check(`{"execId":"1-0000abcd","pctCplt":0,"pid":1,"sz":0,"szCplt":0}`)
	if err := l.ClearProgress(); err != nil {
		t.Fatal(err)
	}
	check(`{"execId":"1-0000abcd","pid":1}`)
	for range 2 {
		if err := l.Release(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("the file stays after the release")
	}
}

func TestBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "demo-backup-1.lock")
	cmd, release := hold(t, path, "77-deadbeef")

	_, err := Acquire(path, "1-0000abcd", 1)
	want := "unable to acquire lock on file '" + path + "': Resource temporarily unavailable\n" +
		"HINT: is another pgBackRest process running?"
	if !errs.Is(err, errs.LockAcquire) || errs.Text(err) != want {
		t.Errorf("got %v", err)
	}
	state, err := Read(path)
	if err != nil || !reflect.DeepEqual(state, State{Held: true, ExecID: "77-deadbeef", PID: cmd.Process.Pid}) {
		t.Errorf("state %+v, %v", state, err)
	}

	shared, err := Acquire(path, "77-deadbeef", 1)
	if err != nil {
		t.Fatalf("a process of the same run is refused: %v", err)
	}
	if err := shared.SetProgress(1, 1); err != nil {
		t.Error(err)
	}
	if err := shared.Release(); err != nil {
		t.Error(err)
	}
	if state, _ := Read(path); !state.Held || state.Size != nil {
		t.Errorf("sharing changed the lock: %+v", state)
	}

	if err := os.WriteFile(path, []byte("{"), 0o640); err != nil {
		t.Fatal(err)
	}
	if state, err := Read(path); err != nil || !state.Held || state.PID != 0 {
		t.Errorf("unreadable content: %+v, %v", state, err)
	}
	if _, err := Acquire(path, "77-deadbeef", 1); !errs.Is(err, errs.LockAcquire) {
		t.Errorf("unreadable content: %v", err)
	}

	release()
	l, err := Acquire(path, "1-0000abcd", 1)
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
}

func TestKilledHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "demo-restore-1.lock")
	cmd, release := hold(t, path, "77-deadbeef")
	cmd.Process.Signal(syscall.SIGKILL)
	release()
	if state, err := Read(path); err != nil || state.Held {
		t.Errorf("state %+v, %v", state, err)
	}
	l, err := Acquire(path, "1-0000abcd", 1)
	if err != nil {
		t.Fatal(err)
	}
	l.Abandon()
	if _, err := os.Stat(path); err != nil {
		t.Error("an abandoned lock took its file along")
	}
	if state, _ := Read(path); state.Held {
		t.Error("an abandoned lock is still held")
	}
}

// A reader that looks at the lock for a moment must not make Acquire fail.
func TestReaderDoesNotDisturb(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	if err := os.WriteFile(path, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(busyPause/2, func() { file.Close() })
	defer timer.Stop()
	l, err := Acquire(path, "1-0000abcd", 1)
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
}

func TestUnlinkedWhileWaiting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	stale, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer stale.Close()
	if !current(stale, path) {
		t.Error("the file is not the one at its path")
	}
	os.Remove(path)
	if current(stale, path) {
		t.Error("a removed file counts as current")
	}
	if err := os.WriteFile(path, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if current(stale, path) {
		t.Error("a replaced file counts as current")
	}
}

func TestAcquireErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Acquire(file+"/x.lock", "e", 1)
	if want := "unable to acquire lock on file '" + file + "/x.lock': Not a directory"; err == nil || errs.Text(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	err = acquireError("/x", &os.PathError{Err: syscall.EACCES})
	want := "unable to acquire lock on file '/x': Permission denied\nHINT: does '" + account() +
		"' running pgBackRest have permissions on the '/x' file?"
	if errs.Text(err) != want {
		t.Errorf("got %q, want %q", errs.Text(err), want)
	}
}

func TestAcquireAll(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "1.lock"), filepath.Join(dir, "2.lock")
	_, release := hold(t, second, "77-deadbeef")
	if _, err := AcquireAll([]string{first, second}, "e", 1); !errs.Is(err, errs.LockAcquire) {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(first); !os.IsNotExist(err) {
		t.Error("the first lock file stays behind")
	}
	release()
	set, err := AcquireAll([]string{first, second}, "e", 1)
	if err != nil {
		t.Fatal(err)
	}
	if set.Find(second).Path() != second || set.Find("other") != nil {
		t.Error("locks are not found by path")
	}
	if err := set.Release(); err != nil {
		t.Error(err)
	}
	if files, err := Files(dir, ""); err != nil || files != nil {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestReadMissing(t *testing.T) {
	if state, err := Read(filepath.Join(t.TempDir(), "x")); err != nil || state.Held {
		t.Errorf("state %+v, %v", state, err)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"demo-backup-1.lock", "demo-archive-1.lock", "demo-x-backup-1.lock", "demo.stop", "x.lock"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	for stanza, want := range map[string]string{
		"":       "demo-archive-1.lock demo-backup-1.lock demo-x-backup-1.lock x.lock",
		"demo-x": "demo-x-backup-1.lock",
		"demo":   "demo-archive-1.lock demo-backup-1.lock",
		"other":  "",
	} {
		paths, err := Files(dir, stanza)
		if err != nil {
			t.Fatal(err)
		}
		for i := range paths {
			paths[i] = filepath.Base(paths[i])
		}
		if got := strings.Join(paths, " "); got != want {
			t.Errorf("%q: got %s, want %s", stanza, got, want)
		}
	}
	if paths, err := Files(filepath.Join(dir, "missing"), ""); err != nil || paths != nil {
		t.Errorf("missing directory: %v, %v", paths, err)
	}
}

func TestStop(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lock")
	check := func(stanza, want string) {
		t.Helper()
		err := CheckStop(dir, stanza)
		if (err == nil) != (want == "") || err != nil && (err.Error() != want || !errs.Is(err, errs.Stop)) {
			t.Errorf("%q: got %v, want %q", stanza, err, want)
		}
	}
	must := func(want bool) func(bool, error) {
		return func(existed bool, err error) {
			t.Helper()
			if err != nil || existed != want {
				t.Errorf("got %v, %v", existed, err)
			}
		}
	}
	check("demo", "")
	must(false)(Stop(dir, "demo"))
	must(true)(Stop(dir, "demo"))
	check("demo", "stop file exists for stanza demo")
	check("other", "")
	check("", "")
	must(false)(Stop(dir, ""))
	check("demo", "stop file exists for stanza demo")
	check("other", "stop file exists for all stanzas")
	must(true)(Start(dir, "demo"))
	must(false)(Start(dir, "demo"))
	check("demo", "stop file exists for all stanzas")
	must(true)(Start(dir, ""))
	check("demo", "")
}
