package command

import (
	"net"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/wire"
)

// tlsHost is how to reach the server on the host of a cluster (group "pg") or of a repository (group "repo").
func (s *session) tlsHost(group string, key int) (wire.TLS, error) {
	text := func(option string) string {
		if !s.cfg.Has(group+"-host-"+option, key) {
			return ""
		}
		return s.cfg.String(group+"-host-"+option, key)
	}
	ciphers, err := s.ciphers()
	return wire.TLS{
		Host:      s.cfg.String(group+"-host", key),
		Port:      int(s.cfg.Int(group+"-host-port", key)),
		CAFile:    text("ca-file"),
		CAPath:    text("ca-path"),
		CertFile:  text("cert-file"),
		KeyFile:   text("key-file"),
		Ciphers:   ciphers,
		KeepAlive: s.keepAlive(),
		Timeout:   s.cfg.Duration("io-timeout"),
	}, err
}

// ciphers are the suites that connections with TLS 1.2 may use, nil if nobody minds.
func (s *session) ciphers() ([]uint16, error) {
	if s.cfg.Has("tls-cipher-13") {
		return nil, errs.New(errs.FeatureNotSupported, "option 'tls-cipher-13' is not supported").
			Hint("all cipher suites of TLS 1.3 in this program are safe, and it always chooses among all of them.")
	}
	if !s.cfg.Has("tls-cipher-12") {
		return nil, nil
	}
	return wire.Ciphers(s.cfg.String("tls-cipher-12"))
}

// keepAlive is how connections are kept alive. What is not set the system decides.
func (s *session) keepAlive() net.KeepAliveConfig {
	number := func(option string) int {
		if !s.cfg.Has(option) {
			return -1
		}
		return int(s.cfg.Int(option))
	}
	seconds := func(option string) time.Duration {
		if n := number(option); n > 0 {
			return time.Duration(n) * time.Second
		}
		return -1
	}
	return net.KeepAliveConfig{
		Enable:   s.cfg.Bool("sck-keep-alive"),
		Idle:     seconds("tcp-keep-alive-idle"),
		Interval: seconds("tcp-keep-alive-interval"),
		Count:    number("tcp-keep-alive-count"),
	}
}

// greeting is what our side of a connection says, and what it expects to hear.
func greeting() wire.Greeting {
	return wire.Greeting{Name: "Holdfast", Service: "remote", Version: Version}
}
