package wire

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"holdfast/internal/errs"
)

// suites12 are the cipher suites of TLS 1.2 there are, under the names OpenSSL gives them.
var suites12 = []struct {
	name string
	id   uint16
}{
	{"ECDHE-ECDSA-AES128-GCM-SHA256", tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	{"ECDHE-RSA-AES128-GCM-SHA256", tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	{"ECDHE-ECDSA-AES256-GCM-SHA384", tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384},
	{"ECDHE-RSA-AES256-GCM-SHA384", tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384},
	{"ECDHE-ECDSA-CHACHA20-POLY1305", tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256},
	{"ECDHE-RSA-CHACHA20-POLY1305", tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256},
	{"ECDHE-ECDSA-AES128-SHA", tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA},
	{"ECDHE-RSA-AES128-SHA", tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA},
	{"ECDHE-ECDSA-AES256-SHA", tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA},
	{"ECDHE-RSA-AES256-SHA", tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA},
	{"ECDHE-ECDSA-AES128-SHA256", tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256},
	{"ECDHE-RSA-AES128-SHA256", tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256},
	{"AES128-GCM-SHA256", tls.TLS_RSA_WITH_AES_128_GCM_SHA256},
	{"AES256-GCM-SHA384", tls.TLS_RSA_WITH_AES_256_GCM_SHA384},
	{"AES128-SHA256", tls.TLS_RSA_WITH_AES_128_CBC_SHA256},
	{"AES128-SHA", tls.TLS_RSA_WITH_AES_128_CBC_SHA},
	{"AES256-SHA", tls.TLS_RSA_WITH_AES_256_CBC_SHA},
}

// Ciphers reads a list of cipher suites of TLS 1.2, as OpenSSL writes it. Only names of suites are understood: a pattern such as
// HIGH:!aNULL would mean something else here than where it was tried. The order does not matter, as the safest that both sides know
// is taken.
func Ciphers(list string) ([]uint16, error) {
	var ids []uint16
	for _, name := range strings.FieldsFunc(list, func(r rune) bool { return r == ':' || r == ',' || r == ' ' }) {
		id, ok := suite12(name)
		if !ok {
			return nil, errs.New(errs.OptionInvalidValue, "'%s' is not valid for 'tls-cipher-12' option", printable(name)).
				Hint("patterns are not supported, only names of cipher suites: %s.", suiteNames())
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, errs.New(errs.OptionInvalidValue, "'%s' is not valid for 'tls-cipher-12' option", printable(list))
	}
	return ids, nil
}

func suite12(name string) (uint16, bool) {
	for _, s := range suites12 {
		if s.name == name {
			return s.id, true
		}
	}
	return 0, false
}

func suiteNames() string {
	var names []string
	for _, s := range suites12 {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// loadPair reads a certificate, with those that lead from it to an authority, and its key.
func loadPair(certFile, keyFile string) (tls.Certificate, error) {
	certPEM, err := os.ReadFile(certFile)
	if err != nil {
		return tls.Certificate{}, unloadable("cert", certFile, err)
	}
	if !holdsCertificate(certPEM) {
		return tls.Certificate{}, errs.New(errs.Crypto, "unable to load cert file '%s': no certificate found", certFile)
	}
	if err := guarded(keyFile); err != nil {
		return tls.Certificate{}, err
	}
	keyPEM, err := os.ReadFile(keyFile)
	if err != nil {
		return tls.Certificate{}, unloadable("key", keyFile, err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil { // says whether key, certificate or that they do not belong together is the matter; never shows a key
		e := errs.Because(errs.Crypto, err, "unable to load key file '%s': %s", keyFile, strings.TrimPrefix(err.Error(), "tls: "))
		if strings.Contains(string(keyPEM), "ENCRYPTED") {
			e.Hint("a key with a passphrase cannot be used: there is nobody to ask.")
		}
		return tls.Certificate{}, e
	}
	return pair, nil
}

func unloadable(what, path string, err error) error {
	return errs.Because(errs.Crypto, err, "unable to load %s file '%s': %s", what, path, errs.System(err))
}

func holdsCertificate(text []byte) bool {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return true
		}
	}
	return false
}

// guarded makes sure that nobody else can read a key: it belongs to the running user alone or, as keys of the whole host do, to root and
// a group.
func guarded(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return unloadable("key", path, err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return guardedBy(path, stat.Uid, uint32(info.Mode().Perm()), uint32(os.Geteuid()))
}

func guardedBy(path string, owner, mode, uid uint32) error {
	if owner != uid && owner != 0 {
		return errs.New(errs.FileRead, "key file '%s' must be owned by the '%s' user or root", path, userName(uid))
	}
	open := uint32(0o077)
	if owner == 0 {
		open = 0o037
	}
	if mode&open != 0 {
		return errs.New(errs.FileRead, "key file '%s' has group or other permissions", path).
			Hint("file must have permissions u=rw (0600) or less if owned by the '%s' user", userName(uid)).
			Hint("file must have permissions u=rw, g=r (0640) or less if owned by root")
	}
	return nil
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

// loadCAs reads the authorities that are trusted: those of a file and of the files in a directory, or those of the system.
func loadCAs(file, dir string) (*x509.CertPool, error) {
	if file == "" && dir == "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			return nil, errs.Because(errs.Crypto, err, "unable to load the CA files of the system: %s", errs.System(err))
		}
		return pool, nil
	}
	pool := x509.NewCertPool()
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, unloadable("CA", file, err)
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, errs.New(errs.Crypto, "unable to load CA file '%s': no certificate found", file)
		}
	}
	if dir != "" {
		if err := addCAs(pool, dir); err != nil {
			return nil, err
		}
	}
	return pool, nil
}

// addCAs adds what certificates there are in the files of a directory, whatever their names: those that OpenSSL looks for are links to
// others there.
func addCAs(pool *x509.CertPool, dir string) error {
	const longest = 1 << 20 // what is longer is no certificate
	entries, err := os.ReadDir(dir)
	if err != nil {
		return errs.Because(errs.Crypto, err, "unable to load CA path '%s': %s", dir, errs.System(err))
	}
	found := false
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() || info.Size() > longest {
			continue
		}
		text, err := os.ReadFile(path)
		if err == nil && pool.AppendCertsFromPEM(text) {
			found = true
		}
		if err != nil && !errors.Is(err, os.ErrPermission) { // a key may lie beside them
			return errs.Because(errs.Crypto, err, "unable to load CA file '%s': %s", path, errs.System(err))
		}
	}
	if !found {
		return errs.New(errs.Crypto, "unable to load CA path '%s': no certificate found", dir)
	}
	return nil
}
