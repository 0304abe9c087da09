package db

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"holdfast/internal/errs"
)

// cancelGrace is how long a server has to confirm that a query is cancelled before the connection is given up.
const cancelGrace = 5 * time.Second

// session is one over a socket of this host.
type session struct {
	pg      *pgconn.PgConn
	timeout time.Duration
}

func connect(ctx context.Context, cfg Config) (Session, error) {
	pgcfg, err := pgconn.ParseConfig(cfg.String())
	if err != nil {
		return nil, errs.New(errs.DbConnect, "unable to connect to '%s': %s", cfg, err)
	}
	pgcfg.BuildContextWatcherHandler = func(pg *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: pg, DeadlineDelay: cancelGrace}
	}
	limited, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	pg, err := pgconn.ConnectConfig(limited, pgcfg)
	switch {
	case err == nil:
		return &session{pg: pg, timeout: cfg.Timeout}, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("connect to '%s': %w", cfg, ctx.Err())
	}
	return nil, errs.Because(errs.DbConnect, err, "unable to connect to '%s': %s", cfg, connectReason(pgcfg, err))
}

func (s *session) Exec(ctx context.Context, sql string) ([][][]byte, error) {
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	results, err := s.pg.Exec(limited, sql).ReadAll()
	switch {
	case err == nil && len(results) == 1:
		return results[0].Rows, nil
	case err == nil:
		return nil, errs.New(errs.Assert, "query '%s' returned %d results", sql, len(results))
	case ctx.Err() != nil:
		return nil, fmt.Errorf("query '%s': %w", sql, ctx.Err())
	case limited.Err() != nil:
		return nil, errs.New(errs.DbQuery, "query '%s' timed out after %dms", sql, s.timeout.Milliseconds())
	}
	return nil, errs.Because(errs.DbQuery, err, "unable to execute query '%s': %s", sql, serverReason(err))
}

func (s *session) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cancelGrace)
	defer cancel()
	return s.pg.Close(ctx)
}

// serverReason is the text of an error as PostgreSQL's own programs print it.
func serverReason(err error) string {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return systemReason(err)
	}
	text := server.Severity + ":  " + server.Message
	if server.Detail != "" {
		text += "\nDETAIL:  " + server.Detail
	}
	if server.Hint != "" {
		text += "\nHINT:  " + server.Hint
	}
	return text
}

func systemReason(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errs.SystemText(errno)
	}
	return err.Error()
}

// connectReason words a failed connection like PostgreSQL's own programs do.
func connectReason(cfg *pgconn.Config, err error) string {
	network, address := pgconn.NetworkAddress(cfg.Host, cfg.Port)
	local := network == "unix"
	where := fmt.Sprintf("on socket \"%s\"", address)
	if !local {
		where = fmt.Sprintf("at \"%s\", port %d", cfg.Host, cfg.Port)
	}
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return fmt.Sprintf("connection to server %s failed: %s", where, serverReason(err))
	}
	var system *net.OpError
	if !errors.As(err, &system) {
		var connect *pgconn.ConnectError
		if errors.As(err, &connect) && connect.Unwrap() != nil {
			err = connect.Unwrap()
		}
		return fmt.Sprintf("connection to server %s failed: %s", where, err)
	}
	reason := fmt.Sprintf("connection to server %s failed: %s", where, systemReason(err))
	switch {
	case !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ECONNREFUSED):
	case local:
		reason += "\n\tIs the server running locally and accepting connections on that socket?"
	default:
		reason += "\n\tIs the server running on that host and accepting TCP/IP connections?"
	}
	return reason
}
