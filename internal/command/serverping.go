package command

import (
	"context"
	"fmt"

	"holdfast/internal/errs"
	"holdfast/internal/wire"
)

// runServerPing asks whether a server answers. Who it is does not matter: nothing is told to it.
func runServerPing(ctx context.Context, s *session) error {
	if len(s.cfg.Params) > 1 {
		return errs.New(errs.ParamInvalid, "extra parameters found")
	}
	host := s.cfg.String("tls-server-address")
	if len(s.cfg.Params) == 1 {
		host = s.cfg.Params[0]
	}
	if host == "*" {
		host = "localhost"
	}
	ciphers, err := s.ciphers()
	if err != nil {
		return err
	}
	timeout := s.cfg.Duration("io-timeout")
	conn, err := wire.TLS{
		Host: host, Port: int(s.cfg.Int("tls-server-port")), Unverified: true, Ciphers: ciphers, KeepAlive: s.keepAlive(), Timeout: timeout,
	}.Dial(ctx)
	if err != nil {
		return err
	}
	return wire.Ping(ctx, conn, wire.Config{
		Greeting: greeting(), Label: fmt.Sprintf("server tls protocol on '%s'", host), Timeout: timeout, Ended: conn.Ended,
	})
}
