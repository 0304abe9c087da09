package db

import (
	"context"
	"sync"

	"holdfast/internal/errs"
	"holdfast/internal/wire"
)

// The calls by which sessions with a server are held on its host, with the account and the settings of the program there.
const (
	callOpen  = "db-open"
	callExec  = "db-exec"
	callClose = "db-close"
)

// Caller makes calls on the host of the server.
type Caller interface {
	Call(ctx context.Context, name string, in, out any) error
}

// statement is the arguments of callExec and callClose.
type statement struct {
	Session int    `json:"session"`
	SQL     string `json:"sql,omitempty"`
}

// DialRemote returns what begins sessions on another host. Where the server is, is for that host to know.
func DialRemote(c Caller) func(context.Context, Config) (Session, error) {
	return func(ctx context.Context, _ Config) (Session, error) {
		s := &remoteSession{caller: c}
		return s, c.Call(ctx, callOpen, nil, &s.id)
	}
}

type remoteSession struct {
	caller Caller
	id     int
}

func (s *remoteSession) Exec(ctx context.Context, sql string) (rows [][][]byte, err error) {
	err = s.caller.Call(ctx, callExec, statement{Session: s.id, SQL: sql}, &rows)
	return rows, err
}

func (s *remoteSession) Close(ctx context.Context) error {
	return s.caller.Call(ctx, callClose, statement{Session: s.id}, nil)
}

// Sessions are those that a client on another host has with the server of this one.
type Sessions struct {
	cfg  Config
	mu   sync.Mutex
	last int
	open map[int]Session
}

// NewSessions makes sessions with one server.
func NewSessions(cfg Config) *Sessions {
	return &Sessions{cfg: cfg.withDefaults(), open: map[int]Session{}}
}

// mostSessions is more than any command needs.
const mostSessions = 10

// Calls answers the calls of sessions that DialRemote begins.
func (s *Sessions) Calls() wire.Calls {
	return wire.Calls{
		callOpen: func(c *wire.Call) {
			id, err := s.begin(c)
			c.Reply(id, err)
		},
		callExec: func(c *wire.Call) {
			session, in, err := s.find(c)
			var rows [][][]byte
			if err == nil {
				rows, err = session.Exec(c, in.SQL)
			}
			c.Reply(rows, err)
		},
		callClose: func(c *wire.Call) {
			session, in, err := s.find(c)
			if err == nil {
				s.mu.Lock()
				delete(s.open, in.Session)
				s.mu.Unlock()
				err = session.Close(c)
			}
			c.Reply(nil, err)
		},
	}
}

func (s *Sessions) begin(ctx context.Context) (int, error) {
	session, err := connect(ctx, s.cfg)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) == mostSessions {
		_ = session.Close(ctx)
		return 0, errs.New(errs.DbConnect, "more than %d sessions", mostSessions)
	}
	s.last++
	s.open[s.last] = session
	return s.last, nil
}

func (s *Sessions) find(c *wire.Call) (Session, statement, error) {
	var in statement
	if err := c.Args(&in); err != nil {
		return nil, in, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	session, ok := s.open[in.Session]
	if !ok {
		return nil, in, errs.New(errs.Protocol, "there is no session %d", in.Session)
	}
	return session, in, nil
}

// Close ends the sessions that the client has left. A backup that one of them was making is given up by the server.
func (s *Sessions) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, session := range s.open {
		_ = session.Close(context.Background())
		delete(s.open, id)
	}
}
