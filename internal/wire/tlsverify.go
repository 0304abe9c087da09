package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"time"

	"holdfast/internal/errs"
)

// config makes the settings of a client.
func (t TLS) config() (*tls.Config, error) {
	cfg := &tls.Config{
		MinVersion:                  tls.VersionTLS12,
		DynamicRecordSizingDisabled: true, // files, not pages for browsers
		CipherSuites:                t.Ciphers,
		// The certificate is looked at by verify, whose errors say more, and which also takes the name from where older
		// certificates have it.
		InsecureSkipVerify: true,
	}
	if net.ParseIP(t.Host) == nil {
		cfg.ServerName = t.Host
	}
	if !t.Unverified {
		var err error
		if cfg.RootCAs, err = loadCAs(t.CAFile, t.CAPath); err != nil {
			return nil, err
		}
	}
	if t.CertFile != "" || t.KeyFile != "" {
		pair, err := loadPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, err
		}
		// Always shown, even if the server names other authorities: then it says what is wrong instead of denying access.
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return cfg, nil
}

// verify looks at the certificate of a server.
func (t TLS) verify(peer string, cfg *tls.Config, state tls.ConnectionState) error {
	if t.Unverified {
		return nil
	}
	chain := state.PeerCertificates
	if len(chain) == 0 {
		return errs.New(errs.Crypto, "No certificate presented by the TLS server")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: cfg.RootCAs, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		return unverified(peer, chain, err)
	}
	if !madeOutTo(chain[0], t.Host) {
		return errs.New(errs.Crypto, "unable to find hostname '%s' in certificate common name or subject alternative names", t.Host)
	}
	return nil
}

// unverified says what is wrong with a certificate, in the words and numbers of OpenSSL where it has some.
func unverified(peer string, chain []*x509.Certificate, err error) error {
	fail := func(text string) *errs.Error {
		return errs.Because(errs.Crypto, err, "unable to verify certificate presented by '%s': %s", peer, text)
	}
	const clocks = "do the clocks of both hosts agree?"
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore):
		return fail("[9] certificate is not yet valid").Hint(clocks)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fail("[10] certificate has expired").Hint(clocks)
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return fail("[26] unsuitable certificate purpose")
	case errors.As(err, &unknown) && len(chain) == 1 && selfSigned(chain[0]):
		return fail("[18] self-signed certificate")
	case errors.As(err, &unknown) && selfSigned(chain[len(chain)-1]):
		return fail("[19] self-signed certificate in certificate chain")
	case errors.As(err, &unknown):
		return fail("[20] unable to get local issuer certificate")
	}
	return fail(strings.TrimPrefix(err.Error(), "x509: "))
}

func selfSigned(c *x509.Certificate) bool { return c.CheckSignatureFrom(c) == nil }

// madeOutTo reports whether a certificate names the host. One without alternative names, as they were made for long, has the name of
// the host where people have theirs.
func madeOutTo(c *x509.Certificate, host string) bool {
	if len(c.DNSNames) == 0 && len(c.IPAddresses) == 0 {
		name, ok := commonName(c)
		if !ok {
			return false
		}
		old := &x509.Certificate{Raw: c.Raw, DNSNames: []string{name}}
		if ip := net.ParseIP(name); ip != nil {
			old = &x509.Certificate{Raw: c.Raw, IPAddresses: []net.IP{ip}}
		}
		c = old
	}
	return c.VerifyHostname(host) == nil
}

// commonName returns the one common name of a certificate.
func commonName(c *x509.Certificate) (name string, ok bool) {
	found := 0
	for _, n := range c.Subject.Names {
		if n.Type.String() == "2.5.4.3" {
			name, _ = n.Value.(string)
			found++
		}
	}
	return name, found == 1 && name != "" && !strings.ContainsRune(name, 0)
}

// refusal is the error for an alert that the other side has sent, nil if err is something else.
func refusal(peer string, err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return nil
	}
	e := errs.Because(errs.Service, err, "TLS error: '%s' refused the connection: %s", peer, plainTLS(op.Err))
	if text := op.Err.Error(); strings.Contains(text, "certificate") {
		e.Hint("is the client certificate signed by an authority in tls-server-ca-file there, and still valid?")
	}
	return e
}

func plainTLS(err error) string { return strings.TrimPrefix(errs.System(err), "tls: ") }
