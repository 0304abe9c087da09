package e2e

import (
	"errors"
	"fmt"
	"io"
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
	tls   bool
}

// sshd is an ssh server on loopback for the unprivileged user, which all tests share.
type sshd struct {
	port  int
	key   string // of the client
	cmd   *exec.Cmd
	alive io.Closer
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
	// It ends when the pipe does, which is when the tests do, however they end.
	s.cmd = exec.Command("sh", "-c", `/usr/sbin/sshd -D -e -f "$0" & cat >/dev/null; kill $!`, filepath.Join(dir, "config"))
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: lab.cred, Setpgid: true}
	if s.alive, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
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

// newTLSSite makes both hosts, with a server on each, and no ssh. The cluster is not there yet, see base.
func newTLSSite(t testing.TB) *site {
	t.Helper()
	s := &site{db: newHost(t, lab.ours), store: newHost(t, lab.ours), tls: true}
	a := newAuthority(t)
	for _, h := range []*host{s.db, s.store} {
		a.install(h, "localhost")
		for key, value := range map[string]string{
			"port": freePort(t), "ca-file": h.path("ca.crt"), "cert-file": h.path("tls.crt"), "key-file": h.path("tls.key"),
			"auth": "localhost=" + h.stanza,
		} {
			h.set("global", "tls-server-"+key, value)
		}
	}
	s.serve()
	return s
}

// serve starts the servers, and tells the host of the cluster where the repository is.
func (s *site) serve() {
	for _, h := range []*host{s.db, s.store} {
		server := *h
		server.stanza = "" // a server has none
		server.serve()
	}
	s.divide()
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
	s.divide()
	return s
}

// divide leaves the repository to its host.
func (s *site) divide() {
	s.db.unset("global", "repo1-path")
	s.db.unset("global", "repo1-retention-full")
	s.link(s.db, "repo1", s.store)
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
	if s.tls {
		for key, value := range map[string]string{
			"": "localhost", "-type": "tls", "-port": to.port(), "-ca-file": from.path("ca.crt"), "-cert-file": from.path("tls.crt"),
			"-key-file": from.path("tls.key"),
		} {
			from.set(section, what+"-host"+key, value)
		}
		return
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
	newSite(t).everyday()
}

func TestRemoteTLS(t *testing.T) {
	t.Parallel()
	newTLSSite(t).everyday()
}

// everyday does what is done with two hosts every day, from both.
func (s *site) everyday() {
	db, store, t := s.db, s.store, s.db.t
	s.base()
	c := db.cluster
	db.ok("check")
	store.ok("check")
	c.change(1)
	store.backup("diff")
	c.change(2)
	store.backup("incr", "--delta")
	c.archived()
	rows := c.rows()
	if ours, theirs := db.ok("info"), store.ok("info"); ours.stdout != theirs.stdout {
		t.Errorf("info differs:\n%s\n%s", ours, theirs)
	}
	db.ok("verify")
	db.startsWith(rows)
	db.backup("full") // from the cluster's host
	db.ok("annotate", "--set="+store.lastLabel("repo"), "--annotation=k=v")
	db.ok("expire", "--repo1-retention-full=1")
	store.verified()
	db.startsWith(rows)
}
