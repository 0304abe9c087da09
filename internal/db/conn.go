package db

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/postgres"
)

const (
	defaultPort     = 5432
	defaultDatabase = "postgres"
	defaultTimeout  = 30 * time.Minute
)

// Config says how to reach a server. What is empty is left to the rules of PostgreSQL's own clients, port and database excepted:
// these two never come from the environment.
type Config struct {
	SocketPath      string // directory of the unix socket
	Host            string // used if there is no SocketPath
	Port            int    // 0: 5432
	User            string
	Database        string        // "": postgres
	Timeout         time.Duration // for each query, 0: half an hour
	ApplicationName string
	// Dial begins the session. nil: over a socket of this host.
	Dial func(ctx context.Context, cfg Config) (Session, error)
}

func (c Config) withDefaults() Config {
	if c.SocketPath != "" {
		c.Host = c.SocketPath
	}
	if c.Port == 0 {
		c.Port = defaultPort
	}
	if c.Database == "" {
		c.Database = defaultDatabase
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	return c
}

// String is the connection string, as errors show it.
func (c Config) String() string {
	s := fmt.Sprintf("dbname=%s port=%d", quote(c.Database), c.Port)
	if c.User != "" {
		s += " user=" + quote(c.User)
	}
	if c.Host != "" {
		s += " host=" + quote(c.Host)
	}
	return s
}

func quote(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// Session is one with a server, by whatever way.
type Session interface {
	// Exec runs one statement within the limit of time and returns its rows as text, null as nil.
	Exec(ctx context.Context, sql string) ([][][]byte, error)
	Close(ctx context.Context) error
}

// Conn is a connection to a server. Calls may come from several goroutines, they wait for each other.
type Conn struct {
	mu      sync.Mutex
	session Session
	server  Server
	fn      functions
}

// Open connects and asks the server about itself. The error is an errs.DbConnect if there is no connection, an errs.DbQuery if the
// server does not tell what is needed.
func Open(ctx context.Context, cfg Config) (*Conn, error) {
	cfg = cfg.withDefaults()
	dial := cfg.Dial
	if dial == nil {
		dial = connect
	}
	session, err := dial(ctx, cfg)
	if err != nil {
		return nil, err
	}
	c := &Conn{session: session}
	if err := c.prepare(ctx, cfg); err != nil {
		_ = c.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return c, nil
}

// prepare makes the session independent of the settings of database and user, so that the queries mean what they say.
func (c *Conn) prepare(ctx context.Context, cfg Config) error {
	for _, sql := range []string{
		"set search_path = 'pg_catalog'",
		"set client_encoding = 'UTF8'",
	} {
		if _, err := c.query(ctx, sql); err != nil {
			return err
		}
	}
	if err := c.loadServer(ctx); err != nil {
		return err
	}
	c.fn = functionsOf(c.server.Version)
	for _, sql := range []string{
		"set application_name = " + literal(cfg.ApplicationName),
		// A parallel worker could be refused, or be left behind when the query is cancelled.
		"set max_parallel_workers_per_gather = 0",
	} {
		if _, err := c.query(ctx, sql); err != nil {
			return err
		}
	}
	inRecovery, err := c.Ping(ctx)
	c.server.InRecovery = inRecovery
	return err
}

// Close ends the session. A backup that was started and not stopped is given up by the server. A nil *Conn may be closed.
func (c *Conn) Close(ctx context.Context) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session.Close(ctx)
}

// Server is what the server said about itself when the connection was made.
type Server struct {
	Version            postgres.Version
	DataDirectory      string
	ArchiveMode        string // off, on or always
	ArchiveCommand     string
	ArchiveCommandNull bool // the server has no value to show
	CheckpointTimeout  time.Duration
	InRecovery         bool
}

// Server returns what the server said about itself when the connection was made.
func (c *Conn) Server() Server { return c.server }

func (c *Conn) loadServer(ctx context.Context) error {
	const setting = "(select setting from pg_catalog.pg_settings where name = '%s')::%s"
	var columns []string
	for _, s := range [][2]string{
		{"server_version_num", "int4"}, {"data_directory", "text"}, {"archive_mode", "text"}, {"archive_command", "text"},
		{"checkpoint_timeout", "int4"},
	} {
		columns = append(columns, fmt.Sprintf(setting, s[0], s[1]))
	}
	r, err := c.row(ctx, "select "+strings.Join(columns, ", "))
	if err != nil {
		return err
	}
	for _, value := range r.values {
		if value == nil {
			return errs.New(errs.DbQuery, "unable to select some rows from pg_settings").
				Hint("is the backup running as the postgres user?").
				Hint("is the pg_read_all_settings role assigned for PostgreSQL >= 10?")
		}
	}
	c.server = Server{
		Version:           postgres.VersionOf(int(r.number())),
		DataDirectory:     r.text(),
		ArchiveMode:       r.text(),
		ArchiveCommand:    r.text(),
		CheckpointTimeout: time.Duration(r.number()) * time.Second,
	}
	return r.err
}
