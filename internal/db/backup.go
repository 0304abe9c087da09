package db

import (
	"context"
	"fmt"
	"time"

	"holdfast/internal/postgres"
)

// Time is the clock of the server, to the millisecond.
func (c *Conn) Time(ctx context.Context) (time.Time, error) {
	r, err := c.row(ctx, "select (extract(epoch from clock_timestamp()) * 1000)::bigint")
	if err != nil {
		return time.Time{}, err
	}
	return time.UnixMilli(r.number()), r.err
}

// Ping asks whether the server is in recovery, and so whether it is there at all.
func (c *Conn) Ping(ctx context.Context) (inRecovery bool, err error) {
	r, err := c.row(ctx, "select pg_catalog.pg_is_in_recovery()")
	if err != nil {
		return false, err
	}
	return r.boolean(), r.err
}

// InsertSegment is the WAL segment that is being written.
func (c *Conn) InsertSegment(ctx context.Context) (string, error) {
	return c.segment(ctx, fmt.Sprintf("select %s(%s)::text", c.fn.segmentName, c.fn.insertLSN))
}

// SwitchWAL begins a new WAL segment, which sends the one before to the archive; it returns the name of that.
func (c *Conn) SwitchWAL(ctx context.Context) (segment string, err error) {
	return c.segment(ctx, fmt.Sprintf("select %s(%s)::text", c.fn.segmentName, c.fn.switchWAL))
}

func (c *Conn) segment(ctx context.Context, sql string) (string, error) {
	r, err := c.row(ctx, sql)
	if err != nil {
		return "", err
	}
	return r.text(), r.err
}

// RestorePoint writes a named mark into the WAL. With it there is always something to archive.
func (c *Conn) RestorePoint(ctx context.Context, name string) error {
	_, err := c.query(ctx, fmt.Sprintf("select pg_create_restore_point(%s)::text", literal(name)))
	return err
}

// Start is where a backup begins: recovery must read the WAL from here.
type Start struct {
	LSN     postgres.LSN
	Segment string
}

// StartBackup tells the server that a backup begins, after a checkpoint that is either made now and fast, or the next regular one.
// The backup lives as long as the connection.
func (c *Conn) StartBackup(ctx context.Context, fast bool) (Start, error) {
	r, err := c.row(ctx, fmt.Sprintf(
		"select lsn::text, %s(lsn)::text from %s'pgBackRest backup started at ' || current_timestamp, %t%s as lsn",
		c.fn.segmentName, c.fn.startBackup, fast, c.fn.startRest))
	if err != nil {
		return Start{}, err
	}
	return Start{LSN: r.lsn(), Segment: r.text()}, r.err
}

// Stop is where a backup ends, and the two files a restored data directory needs to know about it. They are kept exactly as the
// server gave them.
type Stop struct {
	LSN                        postgres.LSN
	Segment                    string
	BackupLabel, TablespaceMap string // TablespaceMap is "" without tablespaces
}

// StopBackup tells the server that the backup has ended. It does not wait for the archive.
func (c *Conn) StopBackup(ctx context.Context) (Stop, error) {
	r, err := c.row(ctx, fmt.Sprintf(
		"select lsn::text, %s(lsn)::text, labelfile::text, spcmapfile::text from %s", c.fn.segmentName, c.fn.stopBackup))
	if err != nil {
		return Stop{}, err
	}
	return Stop{LSN: r.lsn(), Segment: r.text(), BackupLabel: r.text(), TablespaceMap: r.textOrNull()}, r.err
}

// Database is a database of the cluster.
type Database struct {
	Name          string
	OID           uint32
	LastSystemOID uint32 // that of template0
}

// Databases lists the databases of the cluster by number.
func (c *Conn) Databases(ctx context.Context) ([]Database, error) {
	const sql = "select oid::text, datname::text," +
		" (select oid::text from pg_catalog.pg_database where datname = 'template0')" +
		" from pg_catalog.pg_database order by pg_database.oid"
	rows, err := c.query(ctx, sql)
	if err != nil {
		return nil, err
	}
	databases := make([]Database, 0, len(rows))
	for _, values := range rows {
		r := row{sql: sql, values: values}
		d := Database{OID: r.oid(), Name: r.text()}
		if values[2] != nil {
			d.LastSystemOID = r.oid()
		}
		if r.err != nil {
			return nil, r.err
		}
		databases = append(databases, d)
	}
	return databases, nil
}

// Tablespace is a tablespace of the cluster.
type Tablespace struct {
	OID  uint32
	Name string
}

// Tablespaces lists the tablespaces of the cluster by number.
func (c *Conn) Tablespaces(ctx context.Context) ([]Tablespace, error) {
	const sql = "select oid::text, spcname::text from pg_catalog.pg_tablespace order by pg_tablespace.oid"
	rows, err := c.query(ctx, sql)
	if err != nil {
		return nil, err
	}
	tablespaces := make([]Tablespace, 0, len(rows))
	for _, values := range rows {
		r := row{sql: sql, values: values}
		t := Tablespace{OID: r.oid(), Name: r.text()}
		if r.err != nil {
			return nil, r.err
		}
		tablespaces = append(tablespaces, t)
	}
	return tablespaces, nil
}
