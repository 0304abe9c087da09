package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"testing"
	"time"
)

// authority signs the certificates of a test.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	der  []byte
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t)}
	a.cert = &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.der = a.sign(a.cert, a.key)
	var err error
	if a.cert, err = x509.ParseCertificate(a.der); err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(template *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	a.t.Helper()
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore = time.Now().Add(-time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return der
}

// text is the authority's own certificate.
func (a *authority) text() string { return pemText("CERTIFICATE", a.der) }

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// issue makes a certificate for a name, and its key. It ends in an hour if it is not said when.
func (a *authority) issue(name string, end time.Time) (cert, key string) {
	a.t.Helper()
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotAfter: end}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	private := newKey(a.t)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return pemText("CERTIFICATE", a.sign(template, private)), pemText("PRIVATE KEY", der)
}

// install writes the certificate of the authority, and one for a name with its key, into the directory of a host: ca.crt, tls.crt and
// tls.key.
func (a *authority) install(h *host, name string) {
	a.t.Helper()
	a.installUntil(h, name, time.Time{})
}

// installUntil is install with a day on which the certificate ends.
func (a *authority) installUntil(h *host, name string, end time.Time) {
	a.t.Helper()
	cert, key := a.issue(name, end)
	for _, f := range [][2]string{{"ca.crt", a.text()}, {"tls.crt", cert}, {"tls.key", key}} {
		path := h.path(f[0])
		h.write(path, f[1])
		if err := os.Chmod(path, 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
}
