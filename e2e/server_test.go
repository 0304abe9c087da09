package e2e

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// newServer makes a host with the configuration of a server for one client, and the authority behind its certificate.
func newServer(t testing.TB, prog program, client string) (*host, *authority) {
	t.Helper()
	h := newHost(t, prog)
	h.stanza = ""
	a := newAuthority(t)
	h.beServer(a, "localhost", client)
	return h, a
}

// beServer configures the server of a host whose certificate is made out to a name, for one client.
func (h *host) beServer(a *authority, name, client string) {
	h.t.Helper()
	a.install(h, name)
	h.set("global", "tls-server-port", freePort(h.t))
	h.set("global", "tls-server-ca-file", h.path("ca.crt"))
	h.set("global", "tls-server-cert-file", h.path("tls.crt"))
	h.set("global", "tls-server-key-file", h.path("tls.key"))
	h.set("global", "tls-server-auth", client)
	h.set("global", "io-timeout", "5")
}

// reach tells a host that a repository or a cluster is on another, behind its server.
func (h *host) reach(section, what string, to *host) {
	h.t.Helper()
	for key, value := range map[string]string{
		"-host": "localhost", "-host-type": "tls", "-host-port": to.port(), "-host-ca-file": h.path("ca.crt"),
		"-host-cert-file": h.path("tls.crt"), "-host-key-file": h.path("tls.key"), "-host-config": to.confPath(),
	} {
		h.set(section, what+key, value)
	}
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func (h *host) port() string {
	for _, line := range h.conf {
		if line.key == "tls-server-port" {
			return line.value
		}
	}
	return ""
}

// serve starts the server of a host and returns when it answers.
func (h *host) serve() *background {
	h.t.Helper()
	stanza := h.stanza
	h.stanza = "" // a server has none
	defer func() { h.stanza = stanza }()
	b := h.start("server", "--log-level-console=detail")
	h.gives(0, nil, "server-ping", "localhost")
	return b
}

// serial tells the certificate of a server from others.
func (h *host) serial(conn *tls.Conn) string {
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func (h *host) dial(address string) *tls.Conn {
	h.t.Helper()
	conn, err := tls.Dial("tcp", net.JoinHostPort(address, h.port()), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	return conn
}

func TestServerScenarios(t *testing.T) {
	t.Parallel()
	h, a := newServer(t, lab.ours, "client=s")

	h.scenario(t, "SN-615", func() {
		refused := fmt.Sprintf("unable to connect to 'localhost:%s (127.0.0.1)': [111] Connection refused", h.port())
		for _, p := range []program{lab.peer, lab.ours} {
			h.want(h.runAs(p, "server-ping", "--io-timeout=300ms"), 49, refused, "[HostConnectError] on ")
			h.want(h.runAs(p, "server-ping", "a", "b"), 96, "extra parameters found")
		}
	})
	h.scenario(t, "SN-617", func() {
		if err := os.Chmod(h.path("tls.key"), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, p := range []program{lab.peer, lab.ours} {
			h.want(h.runAs(p, "server"), 42, "key file '"+h.path("tls.key")+"' has group or other permissions",
				"HINT: file must have permissions u=rw (0600) or less if owned by the '"+lab.user+"' user",
				"HINT: file must have permissions u=rw, g=r (0640) or less if owned by root")
		}
		if err := os.Chmod(h.path("tls.key"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	h.scenario(t, "SN-618", func() {
		server := h.serve()
		h.want(h.runAs(lab.peer, "server-ping"), 39, "for greeting key 'name'",
			"HINT: is the same version of pgBackRest installed on the local and remote host?")
		h.stop(server)
		other := h.startAs(lab.peer, "server")
		h.until("the peer serves", func() bool { return h.runAs(lab.peer, "server-ping", "--io-timeout=1").code == 0 })
		h.gives(39, texts("expected value 'Holdfast' for greeting key 'name' but got 'pgBackRest'",
			"HINT: is the same version of Holdfast installed on the local and remote host?"), "server-ping")
		h.stop(other)
	})
	h.scenario(t, "SN-619", func() {
		server := h.serve()
		before := h.dial("127.0.0.1")
		a.install(h, "localhost")
		if err := syscall.Kill(server.cmd.Process.Pid, syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		h.until("the new certificate is shown", func() bool { return h.serial(h.dial("127.0.0.1")) != h.serial(before) })
		if _, err := before.Read(make([]byte, 1)); err != nil {
			h.t.Errorf("an old connection ended: %v", err)
		}
		h.want(h.stop(server), 0, "DETAIL: configuration reload begin\n", "DETAIL: configuration reload end\n", "completed successfully")
	})
	h.scenario(t, "SN-620", func() {
		h.set("global", "tls-server-address", "*")
		server := h.serve()
		h.dial("127.0.0.1")
		h.dial("127.0.0.2")
		h.stop(server)
		h.unset("global", "tls-server-address")
	})
}

// stop tells a server to end.
func (h *host) stop(b *background) result {
	h.t.Helper()
	if err := syscall.Kill(b.cmd.Process.Pid, syscall.SIGTERM); err != nil {
		h.t.Fatal(err)
	}
	return h.want(b.wait(), 0)
}

// TestServerAccess has a client that the server does not let in, or not to everything.
func TestServerAccess(t *testing.T) {
	t.Parallel()
	store, a := newServer(t, lab.ours, "db=s")
	db := newHost(t, lab.ours)
	db.unset("global", "repo1-path")
	db.unset("global", "repo1-retention-full")
	db.set("global", "io-timeout", "5")
	a.install(db, "db")
	db.reach("global", "repo1", store)
	server := store.serve()
	db.gives(0, texts("stanza: s"), "info")

	denied := "raised from remote-0 tls protocol on 'localhost': access denied"
	db.scenario(t, "SN-616", func() {
		db.gives(0, texts("[AccessError] "+denied), "info", "--stanza=other")
		db.gives(105, texts(denied), "repo-ls")
		db.gives(105, texts(denied), "verify", "--repo1-path="+store.path())
		db.stanza = ""
		db.gives(0, texts("[AccessError] "+denied), "info")
		db.stanza = "s"
		a.install(db, "unknown")
		db.gives(105, texts(denied), "verify")
		newAuthority(t).install(db, "db")
		db.gives(95, texts("unable to verify certificate presented by 'localhost:"), "verify")
		a.installUntil(db, "db", time.Now().Add(-time.Minute))
		db.gives(101, texts("refused the connection: expired certificate"), "verify")
		a.install(db, "db")
		db.gives(0, texts("stanza: s", "!Error]"), "info")
	})
	db.scenario(t, "SN-617", func() {
		if err := os.Chmod(db.path("tls.key"), 0o644); err != nil {
			t.Fatal(err)
		}
		db.gives(42, texts("key file '"+db.path("tls.key")+"' has group or other permissions", "HINT: file must have permissions u=rw (0600)",
			"HINT: file must have permissions u=rw, g=r (0640)"), "verify")
	})
	store.stop(server)
}
