package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// site is a PostgreSQL host and a repository host, with files of their own and ssh between them. Both are on this machine; each
// reaches the other under a name of its own.
type site struct {
	db    *host // has the cluster
	store *host // has the repository
}

// sshd is an ssh server on loopback for the unprivileged user, which all tests share.
type sshd struct {
	port int
	key  string // of the client
	cmd  *exec.Cmd
}

// sshServer is started when the first test needs it.
var sshServer = sync.OnceValues(startSSHD)

func startSSHD() (*sshd, error) {
	dir := filepath.Join(lab.root, "sshd")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	s := &sshd{key: filepath.Join(dir, "client")}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.port = listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	for _, key := range []string{"client", "host"} {
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key)).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
	}
	config := fmt.Sprintf(`ListenAddress 127.0.0.1
Port %d
PidFile none
HostKey %[2]s/host
AuthorizedKeysFile %[2]s/client.pub
StrictModes no
UsePAM no
PasswordAuthentication no
MaxStartups 100
MaxSessions 100
LogLevel ERROR
`, s.port, dir)
	hostKey, err := os.ReadFile(filepath.Join(dir, "host.pub"))
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"config": config, "known_hosts": fmt.Sprintf("holdfast-test %s", hostKey),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	if out, err := exec.Command("chown", "-R", lab.user, dir).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("chown: %w: %s", err, out)
	}
	s.cmd = exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", filepath.Join(dir, "config"))
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: lab.cred, Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for range 200 {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err == nil {
			conn.Close()
			return s, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil, errors.New("sshd does not answer")
}

// client writes an ssh that reaches the server under whatever name.
func (s *sshd) client(h *host) string {
	path := h.path("ssh")
	dir := filepath.Dir(s.key)
	h.write(path, fmt.Sprintf("#!/bin/sh\nexec ssh -F /dev/null -i %s -o HostName=127.0.0.1 -o Port=%d -o HostKeyAlias=holdfast-test"+
		" -o UserKnownHostsFile=%s/known_hosts -o BatchMode=yes \"$@\"\n", s.key, s.port, dir))
	if err := os.Chmod(path, 0o755); err != nil {
		h.t.Fatal(err)
	}
	return path
}

// newSite makes both hosts. The cluster is not there yet, see base.
func newSite(t testing.TB) *site {
	t.Helper()
	server, err := sshServer()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{db: newHost(t, lab.ours), store: newHost(t, lab.ours)}
	for _, h := range []*host{s.db, s.store} {
		h.set("global", "cmd-ssh", server.client(h))
	}
	s.db.unset("global", "repo1-path")
	s.link(s.db, "repo1", s.store)
	s.db.unset("global", "repo1-retention-full")
	return s
}

// link tells one host that a repository or a cluster is on another.
func (s *site) link(from *host, what string, to *host) {
	section := "global"
	if strings.HasPrefix(what, "pg") {
		section = from.stanza
	}
	name := "store"
	if to == s.db {
		name = "db"
	}
	for key, value := range map[string]string{
		"-host": name, "-host-user": lab.user, "-host-config": to.confPath(), "-host-cmd": to.prog.path,
	} {
		from.set(section, what+key, value)
	}
}

// base starts the cluster, creates the stanza on the repository host and takes one full backup there.
func (s *site) base() string {
	s.db.t.Helper()
	c := s.db.addCluster()
	c.table(1000)
	for _, key := range []string{"pg1-path", "pg1-socket-path", "pg1-port", "pg1-user"} {
		for _, line := range s.db.conf {
			if line.key == key {
				s.store.set("s", key, line.value)
			}
		}
	}
	s.link(s.store, "pg1", s.db)
	s.store.ok("stanza-create")
	return s.store.backup("full")
}

func TestRemoteSSH(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.base()
	c := s.db.cluster
	s.db.ok("check")
	s.store.ok("check")
	c.change(1)
	s.store.backup("diff")
	c.change(2)
	s.store.backup("incr")
	c.archived()
	rows := c.rows()
	if ours, theirs := s.db.ok("info"), s.store.ok("info"); ours.stdout != theirs.stdout {
		t.Errorf("info differs:\n%s\n%s", ours, theirs)
	}
	s.db.ok("verify")
	s.db.startsWith(rows)
	s.db.backup("full") // from the cluster's host
	s.db.ok("expire", "--repo1-retention-full=1")
	s.store.verified()
	s.db.startsWith(rows)
}
