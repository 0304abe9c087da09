package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// script writes a program that stands in for ours on a host.
func (h *host) script(name, text string) string {
	h.t.Helper()
	path := h.path(name)
	h.write(path, "#!/bin/sh\n"+text+"\n")
	if err := os.Chmod(path, 0o755); err != nil {
		h.t.Fatal(err)
	}
	return path
}

func TestRemoteRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.base()
	db, store := s.db, s.store
	segment := db.segments("tmp", 0, 1)[0]
	raised := "raised from remote-0 ssh protocol on 'store': "

	store.ok("stop") // as SN-115 has it
	db.gives(62, []string{raised + "stop file exists for stanza s"}, "archive-push", segment)
	db.gives(62, []string{raised + "stop file exists for stanza s"}, "backup")
	db.ok("info")
	store.ok("start")

	lock := holdLock(t, store.path("lock", "s-backup-1.lock"))
	db.gives(50, []string{raised + "unable to acquire lock on file '" + store.path("lock", "s-backup-1.lock")}, "backup")
	db.gives(50, []string{raised + "unable to acquire lock"}, "expire")
	db.ok("archive-push", segment)
	lock.Close()
	db.ok("expire")

	// The host whose cluster is backed up is locked too.
	lock = holdLock(t, db.path("lock", "s-backup-1.lock"))
	store.gives(56, []string{"raised from remote-0 ssh protocol on 'db': unable to acquire lock"}, "backup")
	lock.Close()

	for _, command := range []string{"archive-push", "archive-get", "restore"} { // SN-026
		args := map[string][]string{"archive-push": {"x"}, "archive-get": {"x", "y"}, "restore": nil}[command]
		store.gives(72, []string{command + " command must be run on the PostgreSQL host"}, append([]string{command}, args...)...)
	}
	store.gives(27, []string{"pg and repo hosts cannot both be configured as remote"}, "backup", "--repo1-host=store") // SN-027

	// What the host of the repository alone knows: the pass.
	db.gives(55, nil, "repo-get", "archive/s/none")
	db.ok("repo-ls", "backup")
	out := db.ok("repo-get", "archive/s/archive.info").stdout
	if !strings.Contains(out, "db-system-id") {
		t.Errorf("archive.info: %s", out)
	}
}

// holdLock locks a file as another run would.
func holdLock(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Chmod(0o666); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(f, `{"execId":"1-test","pid":1}`)
	return f
}

func TestRemoteBroken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.base()
	db, store := s.db, s.store
	ours := store.prog.path
	for name, c := range map[string]struct {
		set  map[string]string
		code int
		text []string
	}{
		"no program": {map[string]string{"repo1-host-cmd": "/nonexistent/holdfast"}, 125,
			[]string{"remote-0 process on 'store' terminated unexpectedly [127]: ", "No such file"}},
		"no user": {map[string]string{"repo1-host-user": "nobody"}, 125,
			[]string{"remote-0 process on 'store' terminated unexpectedly [255]: ", "Permission denied"}},
		"no ssh": {map[string]string{"cmd-ssh": "/nonexistent/ssh"}, 102, []string{"unable to execute '/nonexistent/ssh': [2] No such file or directory"}},
		"host key": {map[string]string{"cmd-ssh": db.script("otherkey",
			strings.ReplaceAll(db.read(db.path("ssh")), "holdfast-test", "other"))}, 125,
			[]string{"terminated unexpectedly [255]: ", "Host key verification failed"}},
		"noise": {map[string]string{"repo1-host-cmd": store.script("noise", "echo Welcome to store!\nexec "+ours+` "$@"`)}, 99,
			[]string{"raised from remote-0 ssh protocol on 'store': greeting expected but got 'Welcome to store!'",
				"HINT: does the login shell of the other host print something when there is no terminal?"}},
		"the peer": {map[string]string{"repo1-host-cmd": lab.peer.path}, 39, // SN-618
			[]string{"expected value 'Holdfast' for greeting key 'name' but got 'pgBackRest'",
				"HINT: is the same version of Holdfast installed on the local and remote host?"}},
		"ended": {map[string]string{"repo1-host-cmd": store.script("ended", "echo gone >&2; exit 41")}, 41,
			[]string{"remote-0 process on 'store' terminated unexpectedly [41]: gone"}},
		"bad configuration": {map[string]string{"repo1-host-config": "/nonexistent"}, 55,
			[]string{"remote-0 process on 'store' terminated unexpectedly [55]: "}},
		"silence": {map[string]string{"repo1-host-cmd": store.script("silence", "sleep 60"), "protocol-timeout": "2", "db-timeout": "1"}, 42,
			[]string{"timeout after 2000ms waiting for read from 'remote-0 ssh protocol on 'store''"}},
	} {
		t.Run(name, func(t *testing.T) {
			sub := *db
			sub.t, sub.conf = t, append([]confLine(nil), db.conf...)
			args := []string{"repo-ls"}
			if _, ok := c.set["protocol-timeout"]; ok {
				args = []string{"check"}
			}
			for key, value := range c.set {
				args = append(args, "--"+key+"="+value)
			}
			began := time.Now()
			sub.gives(c.code, c.text, args...)
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	// The other way round the peer says it.
	db.set("global", "repo1-host-cmd", ours)
	r := db.runAs(lab.peer, "info")
	if !strings.Contains(r.all(), "[ProtocolError] expected value 'pgBackRest' for greeting key 'name' but got 'Holdfast'") {
		t.Errorf("%s", r)
	}
	// Where nobody can be reached both tell the same.
	db.set("global", "repo1-host-cmd", "/nonexistent/program")
	for _, args := range [][]string{{"info"}, {"info", "--output=json"}} {
		db.same(db.runAs(lab.peer, args...), db.run(args...))
	}
}

// TestRemoteKilled kills the process on the other host, then the ssh client, in the middle of a backup.
func TestRemoteKilled(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.base()
	db, store := s.db, s.store
	c := db.cluster
	c.sql("create table big as select i, repeat(md5(i::text), 20) t from generate_series(1, 30000) i")
	c.sql("checkpoint")
	pids := db.mkdir("pids", 0o777)
	store.set("s", "pg1-host-cmd", db.script("remembered", `echo "$@" > `+pids+"/$$\nexec "+db.prog.path+` "$@"`))
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		store.set("global", "compress-type", "gz")
		done := make(chan result, 1)
		go func() { done <- store.run("backup", "--type=full", "--log-level-console=detail") }()
		killed := 0
		for killed == 0 {
			entries, err := os.ReadDir(pids)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
			if len(entries) < 2 { // the workers have not begun
				continue
			}
			for _, e := range entries {
				pid, _ := strconv.Atoi(e.Name())
				if syscall.Kill(pid, sig) == nil {
					killed++
				}
				os.Remove(pids + "/" + e.Name())
			}
		}
		began := time.Now()
		r := <-done
		t.Logf("%v: ended after %v", sig, time.Since(began))
		if r.code == 0 || !strings.Contains(r.all(), "remote-") || !strings.Contains(r.all(), "'db'") {
			t.Errorf("%v: %s", sig, r)
		}
		store.gives(0, nil, "info")
	}
	// A worker that has lost its connection makes another one, if it may try again.
	done := make(chan result, 1)
	go func() { done <- store.run("backup", "--type=full", "--job-retry=1", "--log-level-console=detail") }()
	db.until("a worker is killed", func() bool {
		entries, _ := os.ReadDir(pids)
		for _, e := range entries {
			pid, _ := strconv.Atoi(e.Name())
			if strings.Contains(db.read(pids+"/"+e.Name()), "--process=1 ") {
				time.Sleep(300 * time.Millisecond)
				return syscall.Kill(pid, syscall.SIGKILL) == nil
			}
		}
		return false
	})
	db.want(<-done, 0)
	store.verified()
}
