package command

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"holdfast/internal/config"
	"holdfast/internal/errs"
	"holdfast/internal/wire"
)

// served is a server in a world of its own, with the certificates for both ends.
type served struct {
	*world
	t      *testing.T
	ca     *x509.Certificate
	caKey  *ecdsa.PrivateKey
	port   int
	states chan string // what systemd is told
	status chan int
}

func newServed(t *testing.T) *served {
	t.Helper()
	v := &served{world: newWorld(t), t: t, states: make(chan string, 10), status: make(chan int, 1)}
	var err error
	if v.caKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	v.ca = &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true}
	der := v.sign(v.ca, &v.caKey.PublicKey)
	if v.ca, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(v.path("log"), 0o750); err != nil {
		t.Fatal(err)
	}
	v.pem("ca.crt", "CERTIFICATE", der)
	v.issue("server", 1)
	v.issue("client", 2)
	v.issue("stranger", 3)

	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	v.port, _ = strconv.Atoi(port)
	return v
}

func (v *served) sign(template *x509.Certificate, key any) []byte {
	v.t.Helper()
	if template.SerialNumber == nil {
		template.SerialNumber = big.NewInt(100)
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, v.ca, key, v.caKey)
	if err != nil {
		v.t.Fatal(err)
	}
	return der
}

func (v *served) pem(name, kind string, der []byte) {
	v.t.Helper()
	if err := os.WriteFile(v.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		v.t.Fatal(err)
	}
}

// issue makes a certificate and its key.
func (v *served) issue(name string, serial int64) {
	v.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		v.t.Fatal(err)
	}
	v.pem(name+".crt", "CERTIFICATE", v.sign(&x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, &key.PublicKey))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		v.t.Fatal(err)
	}
	v.pem(name+".key", "PRIVATE KEY", der)
}

func (v *served) configure(auth string) {
	v.write(v.t, "etc/pgbackrest/pgbackrest.conf", strings.Join([]string{
		"[global]", "tls-server-address=127.0.0.1", "tls-server-port=" + strconv.Itoa(v.port), "tls-server-ca-file=" + v.path("ca.crt"),
		"tls-server-cert-file=" + v.path("server.crt"), "tls-server-key-file=" + v.path("server.key"), auth, "io-timeout=5",
		"log-level-console=detail", "log-timestamp=n", "log-path=" + v.path("log"), "lock-path=" + v.path("lock"), "[s]", "pg1-path=/pg", "",
	}, "\n"))
}

// start runs the server until a signal ends it. It answers the call "name" with the name of the client's command.
func (v *served) start() {
	v.t.Helper()
	env := v.env("holdfast", "server")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: v.path("notify"), Net: "unixgram"})
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { socket.Close() })
	go func() {
		b := make([]byte, 1000)
		for {
			n, err := socket.Read(b)
			if err != nil {
				return
			}
			state, _, _ := strings.Cut(string(b[:n]), "\n")
			v.states <- state
		}
	}()
	env.Environ = append(env.Environ, "NOTIFY_SOCKET="+v.path("notify"))
	commands := table()
	commands["server"] = entry{run: func(ctx context.Context, s *session) error { return serve(ctx, s, v.open) }}
	go func() {
		ctx, stop := WithSignals(context.Background())
		defer stop()
		v.status <- run(ctx, env, commands)
	}()
	v.expect(stateReady)
}

func (v *served) open(_ context.Context, s *session) (*wire.Opened, error) {
	if s.cfg.Command == "verify" {
		panic("broken")
	}
	return &wire.Opened{Calls: wire.Calls{"name": func(c *wire.Call) { c.Reply(s.name(), nil) }}}, nil
}

func (v *served) expect(state string) {
	v.t.Helper()
	select {
	case got := <-v.states:
		if got != state {
			v.t.Errorf("systemd was told %s, want %s", got, state)
		}
	case status := <-v.status:
		v.status <- status
		select {
		case got := <-v.states: // said before it ended
			v.states <- got
			v.expect(state)
		case <-time.After(5 * time.Second):
			v.t.Fatalf("ended with %d:\n%s", status, v.stdout.String())
		}
	case <-time.After(10 * time.Second):
		v.t.Fatalf("systemd was not told %s", state)
	}
}

func (v *served) kill(sig syscall.Signal) {
	if err := syscall.Kill(os.Getpid(), sig); err != nil {
		v.t.Fatal(err)
	}
}

// end waits for the end of the server and returns what it has written.
func (v *served) end(status int) string {
	v.t.Helper()
	select {
	case got := <-v.status:
		if got != status {
			v.t.Errorf("exit %d, want %d", got, status)
		}
	case <-time.After(20 * time.Second):
		v.t.Fatal("the server does not end")
	}
	return v.stdout.String()
}

// dial connects as a client, as nobody without a name.
func (v *served) dial(name string) (*wire.TLSConn, error) {
	to := wire.TLS{Host: "127.0.0.1", Port: v.port, CAFile: v.path("ca.crt"), Timeout: 5 * time.Second}
	if name != "" {
		to.CertFile, to.KeyFile = v.path(name+".crt"), v.path(name+".key")
	}
	return to.Dial(context.Background())
}

func (v *served) connect(name string, args ...string) (*wire.Client, error) {
	conn, err := v.dial(name)
	if err != nil {
		return nil, err
	}
	cfg := wire.Config{Greeting: greeting(), Label: "remote-0 tls protocol on '127.0.0.1'", Timeout: 10 * time.Second, Ended: conn.Ended}
	args = append(args, "--exec-id=1-12345678", "--process=0", "--remote-type=repo")
	return wire.Connect(context.Background(), conn, cfg, args, nil)
}

// ask connects and makes a call.
func (v *served) ask(name string, args ...string) error {
	c, err := v.connect(name, args...)
	if err != nil {
		return err
	}
	defer c.Close()
	return called(c)
}

func called(c *wire.Client) error {
	var answer string
	if err := c.Call(context.Background(), "name", nil, &answer); err != nil {
		return err
	}
	if answer != "info:remote" {
		return fmt.Errorf("answer %q", answer)
	}
	return nil
}

func TestServer(t *testing.T) {
	v := newServed(t)
	v.configure("tls-server-auth=client=s,t\ntls-server-auth=nothing=")
	v.start()

	ping := newWorld(t)
	pinged := Main(context.Background(), ping.env("holdfast", "--no-config", "--tls-server-port="+strconv.Itoa(v.port), "server-ping", "127.0.0.1"))
	if pinged != 0 {
		t.Error(ping.stdout.String())
	}

	refused := "raised from remote-0 tls protocol on '127.0.0.1': access denied"
	for _, c := range []struct {
		who, what string
		text      string // of the error, if there is to be one
	}{
		{"client", "--stanza=s info:remote", ""},
		{"client", "--stanza=t info:remote", ""},
		{"client", "--stanza=u info:remote", refused},
		{"client", "info:remote", refused},
		{"stranger", "--stanza=s info:remote", refused},
		{"", "--stanza=s info:remote", refused},
		{"client", "--stanza=s verify:remote", "unable to read from"}, // panics
	} {
		err := v.ask(c.who, strings.Fields(c.what)...)
		if c.text == "" && err != nil || c.text != "" && (err == nil || !strings.Contains(err.Error(), c.text)) {
			t.Errorf("%s: %s: %v", c.who, c.what, err)
		}
	}

	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if err := v.ask("client", "--stanza=s", "info:remote"); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()

	// Who is connected stays so while certificates change.
	old, err := v.connect("client", "--stanza=s", "info:remote")
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	v.issue("server", 55)
	v.kill(syscall.SIGHUP)
	v.expect(stateReloading)
	v.expect(stateReady)
	if err := called(old); err != nil {
		t.Error(err)
	}
	conn, err := v.dial("client")
	if err != nil {
		t.Fatal(err)
	}
	if serial := conn.ConnectionState().PeerCertificates[0].SerialNumber; serial.Int64() != 55 {
		t.Errorf("old certificate %s", serial)
	}
	conn.Close()

	// Crowds that say nothing do not keep others out.
	for range mostStrangers + 10 {
		silent, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(v.port))
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
	}
	if err := v.ask("client", "--stanza=s", "info:remote"); err != nil {
		t.Error(err)
	}

	v.kill(syscall.SIGTERM)
	v.expect(stateStopping)
	out := v.end(0)
	for _, line := range []string{
		"P00   INFO: server command begin " + Compatible, "P00 DETAIL: configuration reload begin\n", "P00 DETAIL: configuration reload end\n",
		"P00   WARN: access denied for client 'client' at 127.0.0.1:", "P00   WARN: access denied for client 'stranger' at 127.0.0.1:",
		"P00   WARN: terminate connection of client 'client' at 127.0.0.1:", "P00   INFO: server command end: completed successfully\n",
	} {
		if !strings.Contains(out, line) {
			t.Errorf("not logged: %s", line)
		}
	}
	if !strings.Contains(v.read(t, "log/all-server.log"), "server command end: completed successfully\n") {
		t.Error("no log file")
	}
	if t.Failed() {
		t.Log(out)
	}
	if err := called(old); err == nil {
		t.Error("served after the end")
	}
}

// TestServerReloadFails makes sure that nobody believes in a configuration that is not in force.
func TestServerReloadFails(t *testing.T) {
	v := newServed(t)
	v.configure("tls-server-auth=client=*")
	v.start()
	v.write(t, "etc/pgbackrest/pgbackrest.conf", "[global]\n")
	v.kill(syscall.SIGHUP)
	if out := v.end(37); !strings.Contains(out, "ERROR: [037]: server command requires option: tls-server-") {
		t.Error(out)
	}
}

// TestServerWaitsForItsPort sees a server wait for one before it to end, and be told to end meanwhile.
func TestServerWaitsForItsPort(t *testing.T) {
	v := newServed(t)
	v.configure("tls-server-auth=client=*")
	taken, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(v.port))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	ctx, stop := WithSignals(context.Background())
	defer stop()
	time.AfterFunc(100*time.Millisecond, func() { v.kill(syscall.SIGTERM) })
	if status := Main(ctx, v.env("holdfast", "server")); status != 0 {
		t.Error(status, v.stdout.String())
	}

	if status := Main(context.Background(), v.env("holdfast", "--protocol-timeout=200ms", "server")); status != int(errs.FileOpen) {
		t.Error(status, v.stdout.String())
	}
	if want := "P00  ERROR: [041]: unable to bind socket: [98] Address already in use"; !strings.Contains(v.stdout.String(), want) {
		t.Error(v.stdout.String())
	}
}

func TestServerSettings(t *testing.T) {
	v := newServed(t)
	v.configure("tls-server-auth=client=*")
	for args, want := range map[string]string{
		"--tls-server-cert-file=/none server":                               "[095]: unable to load cert file '/none': [2] No such file",
		"--tls-server-ca-file=/none server":                                 "[095]: unable to load CA file '/none': [2] No such file",
		"--tls-server-key-file=" + v.path("client.key") + " server":         "[095]: unable to load key file '",
		"--tls-cipher-12=HIGH server":                                       "[032]: 'HIGH' is not valid for 'tls-cipher-12' option",
		"--tls-cipher-13=TLS_AES_128_GCM_SHA256 server":                     "[067]: option 'tls-cipher-13' is not supported",
		"--tls-server-address=nowhere.invalid server":                       "[049]: unable to get address for 'nowhere.invalid'",
		"server-ping a b":                                                   "[096]: extra parameters found",
		"--io-timeout=100ms --tls-server-port=1 server-ping 127.0.0.1":      "[049]: unable to connect to '127.0.0.1:1 (127.0.0.1)': [111]",
		"--tls-cipher-13=TLS_AES_128_GCM_SHA256 server-ping 127.0.0.1":      "[067]: option 'tls-cipher-13' is not supported",
		"--tls-cipher-12=ECDHE-RSA-AES256-GCM-SHA384:kRSA server-ping here": "[032]: 'kRSA' is not valid for 'tls-cipher-12' option",
	} {
		code, _ := strconv.Atoi(want[1:4])
		if got := Main(context.Background(), v.env("holdfast", strings.Fields(args)...)); got != code {
			t.Errorf("%s: exit %d", args, got)
		}
		if out := v.stdout.String(); !strings.Contains(out, want) {
			t.Errorf("%s:\n%s", args, out)
		}
	}
	if err := os.Chmod(v.path("server.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := Main(context.Background(), v.env("holdfast", "server")); got != int(errs.FileRead) || strings.Count(v.stdout.String(), "HINT") != 2 {
		t.Error(got, v.stdout.String())
	}
}

// TestServerAccess tries what a client might ask for that is none of its business.
func TestServerAccess(t *testing.T) {
	w := newWorld(t)
	w.write(t, "etc/pgbackrest/pgbackrest.conf", "[global]\nrepo1-path=/repo\nrepo2-path=/more\n[s]\npg1-path=/pg\n[t]\npg1-path=/other\npg1-port=5433\n")
	w.write(t, "mine.conf", "[global]\n")
	env := w.env("holdfast", "--tls-server-ca-file=/a", "--tls-server-cert-file=/b", "--tls-server-key-file=/c",
		"--tls-server-auth=all=*", "--tls-server-auth=some=s, t", "--tls-server-auth=none=", "--tls-server-auth=x=y,*", "server")
	server := &session{env: env}
	var err error
	if server.cfg, err = config.Parse(env.input()); err != nil {
		t.Fatal(err)
	}
	access := server.newAccess()
	const no = "access denied"
	for _, c := range []struct{ who, args, text string }{
		{"all", "info:remote", ""},
		{"all", "--stanza=s info:remote", ""},
		{"some", "--stanza=s info:remote", ""},
		{"some", "--stanza=t info:remote", ""},
		{"some", "--stanza=u info:remote", no},
		{"some", "info:remote", no},
		{"some", "--stanza=s repo-get:remote", no},
		{"all", "--stanza=s repo-get:remote", ""},
		{"x", "--stanza=s info:remote", no},
		{"", "info:remote", no},
		{"other", "info:remote", no},
		{"none", "--stanza=s info:remote", "'tls-server-auth' option must have a value"},
		{"all", "--stanza=s --pg1-path=/pg backup:remote", ""},
		{"all", "--stanza=s --pg1-path=/pg/ backup:remote", ""},
		{"all", "--stanza=s backup:remote", ""},
		{"all", "--stanza=s --pg1-path=/other backup:remote", no},
		{"all", "--stanza=s --pg1-path=/ backup:remote", no},
		{"all", "--stanza=s --pg1-path=/pg --pg1-port=5444 backup:remote", ""}, // nothing is known about it here
		{"all", "--stanza=t --pg1-path=/other --pg1-port=5433 backup:remote", ""},
		{"all", "--stanza=t --pg1-path=/other --pg1-port=5432 --pg1-user=me backup:remote", no},
		{"all", "--stanza=s --repo1-path=/repo info:remote", ""},
		{"all", "--stanza=s --repo1-path=/more --repo2-path=/repo info:remote", ""},
		{"all", "--stanza=s --repo1-path=/repo/.. info:remote", no},
		{"all", "--stanza=s --repo1-type=posix info:remote", ""},
		{"all", "--stanza=s --repo1-type=s3 --repo1-s3-bucket=b --repo1-s3-endpoint=e --repo1-s3-region=r --repo1-s3-key-type=process " +
			"--repo1-s3-process-cmd=/bin/sh info:remote", no},
		{"all", "--stanza=s --lock-path=/tmp info:remote", no},
		{"all", "--stanza=s --log-path=/tmp info:remote", no},
		{"all", "--stanza=s --repo1-cipher-type=none info:remote", no},
		{"all", "--stanza=s --config=/mine.conf info:remote", no},
		{"all", "--stanza=s --lock-p=/tmp info:remote", no},
		{"all", "--stanza=s --no-config --pg1-path=/x backup:remote", no},
		{"all", "--stanza=s --config-include-path=/etc info:remote", no},
		{"all", "--stanza=s --config=/etc/pgbackrest/pgbackrest.conf info:remote", ""},
		{"all", "--stanza=s --lock=s-backup-1.lock --lock=s-archive-1.lock expire:remote", ""},
		{"all", "--stanza=s --lock=s-t-backup-1.lock expire:remote", no},
		{"all", "--stanza=s --lock=../s-backup-1.lock expire:remote", no},
		{"all", "--stanza=s --lock=t-backup-1.lock expire:remote", no},
		{"all", "--stanza=s info", no},
		{"all", "--stanza=s --pg1-path=/pg backup", no},
		{"all", "--stanza=s --pg1-path=/pg archive-push:async", no},
		{"all", "help", no},
		{"all", "version", no},
		{"all", "--version", no},
		{"all", "server", "server command requires option"},
		{"all", "", no},
	} {
		s, err := access.session(wire.Identity{Proved: true, Name: c.who}, strings.Fields(c.args))
		if c.text == "" && err != nil || c.text != "" && (err == nil || !strings.Contains(err.Error(), c.text)) {
			t.Errorf("%s: %s: %v, want %q", c.who, c.args, err, c.text)
		}
		if err == nil && s.cfg.Role.String() != "remote" {
			t.Errorf("%s: role %s", c.args, s.cfg.Role)
		}
	}
	if _, err := access.session(wire.Identity{Name: "all"}, []string{"info:remote"}); !errs.Is(err, errs.Access) {
		t.Error(err)
	}

	// What the server was told where its configuration is, holds for clients too.
	w.write(t, "there.conf", "[s]\npg1-path=/there\n")
	env.Args = append([]string{"--config=/there.conf"}, env.Args...)
	if server.cfg, err = config.Parse(env.input()); err != nil {
		t.Fatal(err)
	}
	server.env = env
	for _, args := range []string{"--stanza=s --pg1-path=/there backup:remote", "--stanza=s --config=/there.conf backup:remote"} {
		s, err := server.newAccess().session(wire.Identity{Proved: true, Name: "all"}, strings.Fields(args))
		if err != nil {
			t.Errorf("%s: %v", args, err)
		} else if path := s.cfg.String("pg-path", 1); path != "/there" {
			t.Errorf("%s: %s", args, path)
		}
	}
}

func TestClients(t *testing.T) {
	var all clients
	near, far := net.Pipe()
	defer near.Close()
	first := all.enter(far)
	for range mostStrangers {
		all.leave(all.enter(far)) // leaves room
	}
	if err := far.SetDeadline(time.Time{}); err != nil {
		t.Errorf("closed for no reason: %v", err)
	}
	for range mostStrangers {
		_, other := net.Pipe()
		defer other.Close()
		all.enter(other)
	}
	if err := far.SetDeadline(time.Time{}); err == nil {
		t.Error("the oldest of too many strangers is still there")
	}
	all.leave(first)
	for i := range mostClients + 1 {
		c := all.enter(far)
		if err := all.admit(c, "c"); (err == nil) != (i < mostClients) {
			t.Fatal(i, err)
		}
	}
	if n := len(all.names()); n != mostClients {
		t.Errorf("%d names", n)
	}
}

func TestNotifyNobody(t *testing.T) {
	Env{}.notify(stateReady)
	Env{Environ: []string{"NOTIFY_SOCKET=/nowhere"}}.notify(stateReloading)
	Env{Environ: []string{"NOTIFY_SOCKET=@holdfast-nowhere"}}.notify(stateStopping)
}
