package wire

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/log"
)

// TLS says how to reach a server of the program on another host.
type TLS struct {
	Host              string // name or address; the server's certificate must be made out to it
	Port              int
	CAFile, CAPath    string // whom to trust; the system's authorities without either
	CertFile, KeyFile string // who we are, nobody without them
	Unverified        bool   // take whoever answers, to ask whether somebody does
	Ciphers           []uint16
	KeepAlive         net.KeepAliveConfig
	Timeout           time.Duration // for everything until the connection is there
}

// TLSConn is a connection to a server.
type TLSConn struct {
	*tls.Conn
	peer string // "host:port (address)"

	mu      sync.Mutex
	refused error
}

// Dial connects. As long as nobody answers it tries again, until the time is over; a certificate that is not good does not become
// better, so that ends the attempts.
func (t TLS) Dial(ctx context.Context) (*TLSConn, error) {
	cfg, err := t.config()
	if err != nil {
		return nil, err
	}
	started := time.Now()
	limited, cancel := context.WithDeadline(ctx, started.Add(t.Timeout))
	defer cancel()
	var failures log.Retries
	sleep, next := firstSleep(t.Timeout), firstSleep(t.Timeout)
	for {
		conn, again, err := t.dial(limited, cfg)
		if err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		failures.Add(err, time.Since(started))
		if !again {
			return nil, err
		}
		select {
		case <-limited.Done():
			return nil, cmp.Or(ctx.Err(), failures.Err())
		case <-time.After(sleep):
		}
		sleep, next = next, sleep+next
	}
}

func firstSleep(timeout time.Duration) time.Duration { return min(100*time.Millisecond, timeout/10) }

// dial tries once, with all addresses of the host.
func (t TLS) dial(ctx context.Context, cfg *tls.Config) (conn *TLSConn, again bool, err error) {
	name := net.JoinHostPort(t.Host, strconv.Itoa(t.Port))
	dialer := net.Dialer{KeepAliveConfig: t.KeepAlive, KeepAlive: -1} // the second counts when the first is off
	raw, err := dialer.DialContext(ctx, "tcp", name)
	if err != nil {
		return nil, true, t.unreachable(err)
	}
	conn = &TLSConn{peer: t.peer(raw.RemoteAddr())}
	mine := cfg.Clone()
	var doubt error
	mine.VerifyConnection = func(state tls.ConnectionState) error {
		doubt = t.verify(conn.peer, cfg, state)
		return doubt
	}
	conn.Conn = tls.Client(raw, mine)
	err = conn.HandshakeContext(ctx)
	if err == nil {
		return conn, false, nil
	}
	raw.Close()
	if doubt != nil {
		return nil, false, doubt
	}
	var errno syscall.Errno
	again = late(err) || ended(err) || errors.As(err, &errno)
	return nil, again, t.noHandshake(conn.peer, err)
}

// peer names the server as people know it, and its address.
func (t TLS) peer(addr net.Addr) string {
	ip := addr.String()
	if host, _, err := net.SplitHostPort(ip); err == nil {
		ip = host
	}
	return fmt.Sprintf("%s:%d (%s)", t.Host, t.Port, ip)
}

// unreachable explains why there is no connection.
func (t TLS) unreachable(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return noAddress(t.Host, err)
	}
	peer := fmt.Sprintf("%s:%d", t.Host, t.Port)
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		peer = t.peer(op.Addr)
	}
	if late(err) {
		return errs.Because(errs.HostConnect, err, "timeout connecting to '%s'", peer)
	}
	return errs.Because(errs.HostConnect, err, "unable to connect to '%s': %s", peer, errs.System(err))
}

// noAddress explains why the name of a host does not help.
func noAddress(host string, err error) error {
	text := errs.System(err)
	var dns *net.DNSError
	if errors.As(err, &dns) {
		text = dns.Err
		if dns.IsNotFound {
			text = "[-2] Name or service not known"
		}
	}
	return errs.Because(errs.HostConnect, err, "unable to get address for '%s': %s", host, text)
}

func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

func late(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// noHandshake explains why two that have a connection did not come to speak TLS.
func (t TLS) noHandshake(peer string, err error) error {
	switch {
	case late(err):
		return errs.Because(errs.FileRead, err, "timeout after %dms waiting for read from '%s'", t.Timeout.Milliseconds(), peer)
	case ended(err):
		return errs.Because(errs.Service, err, "TLS error: '%s' ended the connection", peer)
	}
	if refused := refusal(peer, err); refused != nil {
		return refused
	}
	return errs.Because(errs.Service, err, "TLS error with '%s': %s", peer, plainTLS(err))
}

// Read reads what the server sends.
func (c *TLSConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil && err != io.EOF {
		if refused := refusal(c.peer, err); refused != nil {
			c.mu.Lock()
			c.refused = refused
			c.mu.Unlock()
		}
	}
	return n, err
}

// Ended says why the server ended the connection, if it said so: since TLS 1.3 a client learns only with the first byte it reads
// that its certificate is not taken. It has the form of Config.Ended.
func (c *TLSConn) Ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}

// Peer names the server and its address.
func (c *TLSConn) Peer() string { return c.peer }
