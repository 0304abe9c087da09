package wire

import (
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"time"

	"holdfast/internal/errs"
)

// ServerTLS says who a server is and whose clients it knows.
type ServerTLS struct {
	CAFile            string
	CertFile, KeyFile string
	Ciphers           []uint16
}

// Config makes the settings of a server. A client need not have a certificate, but one it has must be good.
func (s ServerTLS) Config() (*tls.Config, error) {
	pair, err := loadPair(s.CertFile, s.KeyFile)
	if err != nil {
		return nil, err
	}
	clients, err := loadCAs(s.CAFile, "")
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:                  tls.VersionTLS12,
		DynamicRecordSizingDisabled: true, // files, not pages for browsers
		CipherSuites:                s.Ciphers,
		Certificates:                []tls.Certificate{pair},
		ClientAuth:                  tls.VerifyClientCertIfGiven,
		ClientCAs:                   clients,
		SessionTicketsDisabled:      true, // a session taken up again would outlive a certificate
	}, nil
}

// Identity is who a client has proved to be.
type Identity struct {
	Proved bool   // it has a certificate
	Name   string // the common name in it, "" if that is none to tell people
}

// Handshake makes a TLS connection of one that a client has opened. The connection is closed if that fails or takes too long.
func Handshake(ctx context.Context, raw net.Conn, cfg *tls.Config, timeout time.Duration) (net.Conn, Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn := tls.Server(raw, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, Identity{}, errs.Because(errs.Service, err, "TLS error with '%s': %s", raw.RemoteAddr(), plainTLS(err))
	}
	certs := conn.ConnectionState().PeerCertificates
	if len(certs) == 0 {
		return conn, Identity{}, nil
	}
	id := Identity{Proved: true}
	if name, ok := commonName(certs[0]); ok && name == printable(name) {
		id.Name = name
	}
	return conn, id, nil
}

// Address finds out where to listen: on the first address of a host, or with "*" on all of IPv4.
func Address(ctx context.Context, host string, port int) (string, error) {
	if host == "*" {
		return net.JoinHostPort("0.0.0.0", strconv.Itoa(port)), nil
	}
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return "", noAddress(host, err)
	}
	return net.JoinHostPort(ips[0].String(), strconv.Itoa(port)), nil
}

// Listen listens on an address. What is there already is waited for until the time is over: at a restart the one before may need a
// moment to go.
func Listen(ctx context.Context, address string, keepAlive net.KeepAliveConfig, timeout time.Duration) (net.Listener, error) {
	config := net.ListenConfig{KeepAliveConfig: keepAlive, KeepAlive: -1} // the second counts when the first is off
	deadline := time.Now().Add(timeout)
	sleep, next := firstSleep(timeout), firstSleep(timeout)
	for {
		listener, err := config.Listen(ctx, "tcp", address)
		if err == nil {
			return listener, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		left := time.Until(deadline)
		if left <= 0 {
			return nil, errs.Because(errs.FileOpen, err, "unable to bind socket: %s", errs.System(err))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(min(sleep, left)):
		}
		sleep, next = next, min(sleep+next, 5*time.Second)
	}
}
