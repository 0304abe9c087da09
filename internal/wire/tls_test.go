package wire

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/internal/errs"
)

// authority makes certificates.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = template, a.newKey()
	der := a.sign(template, a.key)
	a.cert, _ = x509.ParseCertificate(der)
	a.file = a.write("ca.crt", "CERTIFICATE", der)
	return a
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return key
}

func (a *authority) sign(template *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	a.t.Helper()
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotBefore.IsZero() {
		template.NotBefore = time.Now().Add(-time.Hour)
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return der
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// issue writes a certificate and its key.
func (a *authority) issue(name string, template *x509.Certificate) (certFile, keyFile string) {
	a.t.Helper()
	key := a.newKey()
	if template.Subject.CommonName == "" {
		template.Subject.CommonName = name
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name+".crt", "CERTIFICATE", a.sign(template, key)), a.write(name+".key", "PRIVATE KEY", der)
}

var localhost = []net.IP{net.IPv4(127, 0, 0, 1)}

// serveTLS answers on a port of its own and returns that.
func serveTLS(t *testing.T, cfg *tls.Config) int {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l, err := Listen(ctx, "127.0.0.1:0", net.KeepAliveConfig{Enable: true, Idle: -1, Interval: -1, Count: -1}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); cancel() })
	go func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				conn, id, err := Handshake(ctx, raw, cfg, time.Second)
				if err != nil {
					return
				}
				server := Server{Greeting: greeting, Open: func(context.Context, []string) (*Opened, error) {
					if !id.Proved {
						return nil, errs.New(errs.Access, "access denied")
					}
					return &Opened{Facts: id.Name}, nil
				}}
				_ = server.Serve(ctx, conn)
			}()
		}
	}()
	return portOf(t, l)
}

func portOf(t *testing.T, l net.Listener) int {
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(port)
	return n
}

// reach connects, and returns the name under which the server knows us.
func reach(to TLS) (name string, err error) {
	if to.Timeout == 0 {
		to.Timeout = 5 * time.Second
	}
	conn, err := to.Dial(context.Background())
	if err != nil {
		return "", err
	}
	cfg := Config{Greeting: greeting, Label: "remote-0 tls protocol on 'h'", Timeout: 5 * time.Second, Ended: conn.Ended}
	c, err := Connect(context.Background(), conn, cfg, nil, &name)
	if err == nil {
		c.Close()
	}
	return name, err
}

func TestTLS(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	config := func(certFile, keyFile string) *tls.Config {
		t.Helper()
		cfg, err := ServerTLS{CAFile: a.file, CertFile: certFile, KeyFile: keyFile}.Config()
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	port := func(name string, template *x509.Certificate) int {
		t.Helper()
		return serveTLS(t, config(a.issue(name, template)))
	}
	good := port("good", &x509.Certificate{IPAddresses: localhost})
	clientCert, clientKey := a.issue("client", &x509.Certificate{})
	oldCert, oldKey := a.issue("old", &x509.Certificate{NotAfter: time.Now().Add(-time.Minute)})
	strangeCert, strangeKey := stranger.issue("client", &x509.Certificate{})
	serverOnly := &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	wrongCert, wrongKey := a.issue("wrong", serverOnly)

	tls12 := config(a.issue("tls12", &x509.Certificate{IPAddresses: localhost}))
	tls12.MaxVersion = tls.VersionTLS12

	basic := TLS{Host: "127.0.0.1", Port: good, CAFile: a.file, CertFile: clientCert, KeyFile: clientKey}
	with := func(change func(*TLS)) TLS {
		to := basic
		change(&to)
		return to
	}
	for name, c := range map[string]struct {
		to   TLS
		code errs.Code
		text string
	}{
		"good":        {to: basic},
		"by path":     {to: with(func(c *TLS) { c.CAFile, c.CAPath = "", a.dir })},
		"tls 1.2":     {to: with(func(c *TLS) { c.Port = serveTLS(t, tls12) })},
		"cipher":      {to: with(func(c *TLS) { c.Port = serveTLS(t, tls12); c.Ciphers, _ = Ciphers("ECDHE-ECDSA-AES256-GCM-SHA384") })},
		"common name": {to: with(func(c *TLS) { c.Port = port("127.0.0.1", &x509.Certificate{}) })},
		"other host": {with(func(c *TLS) { c.Port = port("other", &x509.Certificate{DNSNames: []string{"other"}}) }), errs.Crypto,
			"unable to find hostname '127.0.0.1' in certificate common name or subject alternative names"},
		"alternative names count": {with(func(c *TLS) {
			c.Port = port("n", &x509.Certificate{Subject: pkix.Name{CommonName: "127.0.0.1"}, DNSNames: []string{"other"}})
		}), errs.Crypto, "unable to find hostname"},
		"other authority": {with(func(c *TLS) { c.CAFile = stranger.file }), errs.Crypto,
			"unable to verify certificate presented by '127.0.0.1:" + strconv.Itoa(good) + " (127.0.0.1)': [20] unable to get local issuer"},
		"of the system": {with(func(c *TLS) { c.CAFile = "" }), errs.Crypto, "[20] unable to get local issuer certificate"},
		"expired": {with(func(c *TLS) {
			c.Port = port("expired", &x509.Certificate{IPAddresses: localhost, NotAfter: time.Now().Add(-time.Minute)})
		}), errs.Crypto, "[10] certificate has expired"},
		"too early": {with(func(c *TLS) {
			c.Port = port("early", &x509.Certificate{IPAddresses: localhost, NotBefore: time.Now().Add(time.Minute)})
		}), errs.Crypto, "[9] certificate is not yet valid"},
		"client expired": {with(func(c *TLS) { c.CertFile, c.KeyFile = oldCert, oldKey }), errs.Service, "refused the connection: expired"},
		"client of others": {with(func(c *TLS) { c.CertFile, c.KeyFile = strangeCert, strangeKey }), errs.Service,
			"refused the connection: unknown certificate authority"},
		"client of others, tls 1.2": {with(func(c *TLS) { c.Port, c.CertFile, c.KeyFile = serveTLS(t, tls12), strangeCert, strangeKey }),
			errs.Service, "refused the connection: unknown certificate authority"},
		"client with another purpose": {with(func(c *TLS) { c.CertFile, c.KeyFile = wrongCert, wrongKey }), errs.Service, "refused the connection"},
		"client without":              {with(func(c *TLS) { c.CertFile, c.KeyFile = "", "" }), errs.Access, "access denied"},
		"no CA file":                  {with(func(c *TLS) { c.CAFile = "/none" }), errs.Crypto, "unable to load CA file '/none': [2] No such file or directory"},
		"CA not one":                  {with(func(c *TLS) { c.CAFile = clientKey }), errs.Crypto, "no certificate found"},
		"no CA path":                  {with(func(c *TLS) { c.CAFile, c.CAPath = "", "/none" }), errs.Crypto, "unable to load CA path '/none'"},
		"empty CA path":               {with(func(c *TLS) { c.CAFile, c.CAPath = "", t.TempDir() }), errs.Crypto, "no certificate found"},
		"no cert file":                {with(func(c *TLS) { c.CertFile = "/none" }), errs.Crypto, "unable to load cert file '/none'"},
		"cert not one":                {with(func(c *TLS) { c.CertFile = clientKey }), errs.Crypto, "no certificate found"},
		"no key file":                 {with(func(c *TLS) { c.KeyFile = "/none" }), errs.Crypto, "unable to load key file '/none'"},
		"key not one":                 {with(func(c *TLS) { c.KeyFile = clientCert }), errs.Crypto, "unable to load key file"},
		"other key":                   {with(func(c *TLS) { c.KeyFile = oldKey }), errs.Crypto, "does not match"},
		"no such host": {with(func(c *TLS) { c.Host, c.Timeout = "nowhere.invalid", 50*time.Millisecond }), errs.HostConnect,
			"unable to get address for 'nowhere.invalid': "},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := reach(c.to)
			if c.code != 0 {
				want(t, err, c.code, c.text)
			} else if err != nil || got != "client" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}

	t.Run("ping", func(t *testing.T) {
		conn, err := TLS{Host: "127.0.0.1", Port: good, Unverified: true, Timeout: 5 * time.Second}.Dial(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if err := Ping(context.Background(), conn, Config{Greeting: greeting, Timeout: time.Second}); err != nil {
			t.Error(err)
		}
	})
	t.Run("old version", func(t *testing.T) {
		_, err := tls.Dial("tcp", "127.0.0.1:"+strconv.Itoa(good),
			&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
		if err == nil || !strings.Contains(err.Error(), "protocol version") {
			t.Error(err)
		}
	})
}

// TestTLSNobody meets hosts on which something else answers, or nothing.
func TestTLSNobody(t *testing.T) {
	a := newAuthority(t)
	answer := func(with func(net.Conn)) int {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				t.Cleanup(func() { conn.Close() })
				with(conn)
			}
		}()
		return portOf(t, l)
	}
	closed := func() int {
		l, _ := net.Listen("tcp", "127.0.0.1:0")
		defer l.Close()
		return portOf(t, l)
	}()
	refused := "unable to connect to '127.0.0.1:" + strconv.Itoa(closed) + " (127.0.0.1)': [111] Connection refused"
	for name, c := range map[string]struct {
		port int
		code errs.Code
		text string
	}{
		"refused": {closed, errs.HostConnect, refused + "\n    [HostConnectError] on "},
		"silent":  {answer(func(net.Conn) {}), errs.FileRead, "timeout after 200ms waiting for read from '127.0.0.1:"},
		"closed":  {answer(func(c net.Conn) { c.Close() }), errs.Service, ""},
		"other":   {answer(func(c net.Conn) { _, _ = io.WriteString(c, "220 mail ready\r\n") }), errs.Service, "does not look like a TLS handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := TLS{Host: "127.0.0.1", Port: c.port, CAFile: a.file, Timeout: 200 * time.Millisecond}.Dial(context.Background())
			want(t, err, c.code, c.text)
		})
	}

	cert, key := a.issue("s", &x509.Certificate{})
	cfg, err := ServerTLS{CAFile: a.file, CertFile: cert, KeyFile: key}.Config()
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"", "GET / HTTP/1.0\r\n\r\n", "\x16\x03\x01\xff\xff"} {
		near, there := pair(t)
		_, _ = io.WriteString(near, said)
		_, _, err = Handshake(context.Background(), there, cfg, 50*time.Millisecond)
		want(t, err, errs.Service, "TLS error with '127.0.0.1:")
	}
}

func TestListen(t *testing.T) {
	for host, want := range map[string]string{"*": "0.0.0.0:8432", "127.0.0.1": "127.0.0.1:8432", "::1": "[::1]:8432"} {
		if got, err := Address(context.Background(), host, 8432); err != nil || got != want {
			t.Error(got, err)
		}
	}
	_, err := Address(context.Background(), "nowhere.invalid", 1)
	want(t, err, errs.HostConnect, "unable to get address for 'nowhere.invalid'")

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = Listen(context.Background(), taken.Addr().String(), net.KeepAliveConfig{}, 50*time.Millisecond)
	want(t, err, errs.FileOpen, "unable to bind socket: [98] Address already in use")
}

func TestGuarded(t *testing.T) {
	const me, other = 1000, 1001
	for _, c := range []struct {
		owner, mode uint32
		text        string
		hints       int
	}{
		{me, 0o600, "", 0},
		{me, 0o400, "", 0},
		{me, 0o640, "key file 'k' has group or other permissions", 2},
		{me, 0o604, "key file 'k' has group or other permissions", 2},
		{0, 0o640, "", 0},
		{0, 0o660, "key file 'k' has group or other permissions", 2},
		{0, 0o644, "key file 'k' has group or other permissions", 2},
		{other, 0o600, "key file 'k' must be owned by the '1000' user or root", 0},
	} {
		err := guardedBy("k", c.owner, c.mode, me)
		if c.text == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		want(t, err, errs.FileRead, strings.Replace(c.text, "1000", userName(me), 1))
		if len(errs.Hints(err)) != c.hints {
			t.Error(errs.Text(err))
		}
	}
}

func TestCiphers(t *testing.T) {
	got, err := Ciphers("ECDHE-RSA-AES128-GCM-SHA256:AES256-SHA")
	if err != nil || len(got) != 2 || got[0] != tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 {
		t.Error(got, err)
	}
	for _, list := range []string{"HIGH:!aNULL", "nonsense", ":", "@STRENGTH", "DHE-RSA-AES256-SHA"} {
		_, err := Ciphers(list)
		want(t, err, errs.OptionInvalidValue, "is not valid for 'tls-cipher-12' option")
	}
}
