package db

import (
	"context"
	"io"
	"strings"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/storage"
)

// pingEvery is how often a cluster is asked for its state while files are copied.
const pingEvery = 30 * time.Second

// ClusterConfig says where one of the clusters of a stanza is.
type ClusterConfig struct {
	Key   int // the N of pgN
	Path  string
	Tree  storage.Tree // where Path lies
	Conn  Config
	Force postgres.Version // read the control file as that version; 0: as the one it names
}

// Cluster is a running cluster.
type Cluster struct {
	Key     int
	Conn    *Conn
	Path    string
	Tree    storage.Tree
	Control postgres.Control

	force    postgres.Version
	lastPing time.Time
}

// Standby says what Find does about standbys.
type Standby uint8

// What Find does about standbys.
const (
	StandbyNo       Standby = iota // leaves them alone; there must be a primary
	StandbyPrefer                  // returns one besides the primary, or warns that there is none
	StandbyYes                     // as StandbyPrefer, but to have none is an error
	StandbyOptional                // returns what there is: a primary, a standby or both
)

// Find connects to the clusters of a stanza and tells them apart. One that cannot be reached is warned about and left out. The caller
// closes what it gets.
func Find(ctx context.Context, configs []ClusterConfig, mode Standby, logger *log.Logger) (primary, standby *Cluster, err error) {
	defer func() {
		if err != nil {
			primary.Close(ctx)
			standby.Close(ctx)
			primary, standby = nil, nil
		}
	}()
	for _, cfg := range configs {
		cluster, err := open(ctx, cfg)
		if ctx.Err() != nil {
			cluster.Close(ctx)
			return primary, standby, ctx.Err()
		}
		if err != nil {
			logger.Warn("unable to check pg%d: %s", cfg.Key, errs.Typed(err))
			continue
		}
		switch {
		case !cluster.Conn.Server().InRecovery && primary == nil:
			primary = cluster
		case !cluster.Conn.Server().InRecovery:
			cluster.Close(ctx)
			return primary, standby, errs.New(errs.DbConnect, "more than one primary cluster found")
		case mode != StandbyNo && standby == nil:
			standby = cluster
		default:
			cluster.Close(ctx)
		}
	}
	return primary, standby, complete(primary, standby, mode, logger)
}

// complete checks that what was found is what the caller needs.
func complete(primary, standby *Cluster, mode Standby, logger *log.Logger) error {
	switch {
	case mode == StandbyOptional && primary == nil && standby == nil:
		return errs.New(errs.Config, "no database found").Hint("check indexed pg-path/pg-host configurations")
	case mode == StandbyOptional:
		return nil
	case primary == nil:
		return errs.New(errs.DbConnect, "unable to find primary cluster - cannot proceed").
			Hint("are all available clusters in recovery?")
	case standby == nil && mode == StandbyYes:
		return errs.New(errs.DbConnect, "unable to find standby cluster - cannot proceed")
	case standby == nil && mode == StandbyPrefer:
		logger.Warn("unable to find a standby to perform the backup, using primary instead")
	case standby != nil && standby.Control.SystemID != primary.Control.SystemID: // their files would be mixed
		return errs.New(errs.DbMismatch, "standby pg%d has system-id %d but primary pg%d has %d",
			standby.Key, standby.Control.SystemID, primary.Key, primary.Control.SystemID).
			Hint("do 'pg%d-path' and 'pg%d-port' belong to the same cluster?", standby.Key, standby.Key)
	}
	return nil
}

func open(ctx context.Context, cfg ClusterConfig) (*Cluster, error) {
	conn, err := Open(ctx, cfg.Conn)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Key: cfg.Key, Conn: conn, Path: cfg.Path, Tree: cfg.Tree, force: cfg.Force, lastPing: time.Now()}
	if _, c.Control, err = c.ReadControl(ctx); err != nil {
		c.Close(ctx)
		return nil, err
	}
	return c, nil
}

// Close ends the connection. A nil *Cluster may be closed, and one may be closed twice.
func (c *Cluster) Close(ctx context.Context) {
	if c == nil {
		return
	}
	// Nothing depends on a polite end; the server notices either way.
	_ = c.Conn.Close(context.WithoutCancel(ctx))
}

// ReadControl reads the control file again, see the function of that name.
func (c *Cluster) ReadControl(ctx context.Context) ([]byte, postgres.Control, error) {
	return ReadControl(ctx, c.Tree, c.Path, c.force)
}

// ReadControl reads the control file of the data directory at path, again and again while a server is seen writing it.
func ReadControl(ctx context.Context, s storage.Storage, path string, force postgres.Version) ([]byte, postgres.Control, error) {
	name := path + "/" + postgres.ControlName
	return postgres.ReadControl(func() ([]byte, error) {
		r, err := s.Open(ctx, name, storage.Range{Length: postgres.ControlDataSize})
		if err != nil {
			return nil, err
		}
		defer r.Close()
		b, err := io.ReadAll(io.LimitReader(r, postgres.ControlDataSize))
		if err == nil && len(b) < postgres.ControlDataSize {
			err = errs.New(errs.FileRead, "unable to read %d byte(s) from '%s'", postgres.ControlDataSize, name)
		}
		return b, err
	}, force, time.Sleep)
}

// Ping checks that the cluster still is what it was when it was found. It only asks if the last time was a while ago, or if forced.
func (c *Cluster) Ping(ctx context.Context, force bool) error {
	if !force && time.Since(c.lastPing) < pingEvery {
		return nil
	}
	inRecovery, err := c.Conn.Ping(ctx)
	if err != nil {
		return err
	}
	c.lastPing = time.Now()
	switch was := c.Conn.Server().InRecovery; {
	case was && !inRecovery:
		return errs.New(errs.DbMismatch, "standby is no longer in recovery").Hint("was the standby promoted during the backup?")
	case !was && inRecovery:
		return errs.New(errs.Assert, "primary has switched to recovery")
	}
	return nil
}

// CheckConfig checks that the connection and the data directory belong to the same cluster and, with archiveCheck, that the server
// sends its WAL to the archive. With archiveModeCheck a standby that archives too is refused.
func (c *Cluster) CheckConfig(archiveCheck, archiveModeCheck bool) error {
	server := c.Conn.Server()
	if server.Version != c.Control.Version || server.DataDirectory != c.Path {
		return errs.New(errs.DbMismatch, "version '%s' and path '%s' queried from cluster do not match version '%s' and '%s' read from '%s/%s'",
			server.Version, server.DataDirectory, c.Control.Version, c.Path, c.Path, postgres.ControlName).
			Hint("the pg%d-path and pg%d-port settings likely reference different clusters.", c.Key, c.Key)
	}
	if !archiveCheck {
		return nil
	}
	return server.checkArchive(archiveModeCheck)
}

func (s Server) checkArchive(modeCheck bool) error {
	switch {
	case s.ArchiveMode == "off":
		return errs.New(errs.ArchiveDisabled, "archive_mode must be enabled")
	case s.ArchiveMode == "always" && modeCheck:
		return errs.New(errs.FeatureNotSupported, "archive_mode=always not supported")
	}
	command := s.ArchiveCommand
	if s.ArchiveCommandNull {
		command = "[null]"
	}
	if !strings.Contains(command, "pgbackrest") && !strings.Contains(command, "holdfast") {
		return errs.New(errs.ArchiveCommandInvalid, "archive_command '%s' must contain pgbackrest", command)
	}
	return nil
}
