// Package backup copies a PostgreSQL cluster into a repository.
//
// A backup is planned, copied and finished:
//
//	begin    choose the prior backup, tell the server to begin, prove that archiving works
//	plan     scan the data directory into a manifest, compare it with that of the prior backup (or of an interrupted one that can
//	         be resumed) and list the files that must be read, biggest first
//	copy     workers take jobs from the list; each reads a file once, and hashes, checks, compresses and encrypts it on the way
//	finish   tell the server to end, wait for the WAL, make the manifest final, list the backup
//
// Scanning is the only step that learns about the cluster; what follows from it (plan, merge, links, labels, resume) are functions
// from values to values. During the copy one goroutine owns the manifest: workers get jobs as values and return results as values.
// An interrupted run leaves backup.manifest.copy without backup.manifest, from which a later full backup can go on.
//
// Where a file lies in a repository and how manifests are saved is left to package repo, SQL to package db, names and bytes of
// PostgreSQL to package postgres.
package backup

import (
	"context"
	"time"

	"holdfast/internal/db"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/source"
	"holdfast/internal/storage"
)

// Server is what a backup asks of the running server. *db.Conn is one.
type Server interface {
	Server() db.Server
	Time(ctx context.Context) (time.Time, error)
	InsertSegment(ctx context.Context) (string, error)
	StartBackup(ctx context.Context, fast bool) (db.Start, error)
	StopBackup(ctx context.Context) (db.Stop, error)
	RestorePoint(ctx context.Context, name string) error
	SwitchWAL(ctx context.Context) (string, error)
	Databases(ctx context.Context) ([]db.Database, error)
	Tablespaces(ctx context.Context) ([]db.Tablespace, error)
	Close(ctx context.Context) error
}

// origin is where files are read.
type origin struct {
	Host   string // name of another host, "" for this one
	Path   string // of the data directory
	Tree   storage.Storage
	Reader func() source.Reader // makes one for a worker; nil: reads Tree
}

// root is the data directory as messages name it.
func (o *origin) root() string {
	if o.Host != "" {
		return o.Host + ":" + o.Path
	}
	return o.Path
}

func (o *origin) reader() source.Reader {
	if o.Reader != nil {
		return o.Reader()
	}
	return source.NewLocal(o.Tree)
}

// Standby is a copy of the cluster on another server. It spares the primary most of the reading.
type Standby struct {
	Host   string // as that of Cluster
	Path   string
	Tree   storage.Storage
	Reader func() source.Reader // as that of Cluster

	// Replay waits until the files are at least as new as a position in the WAL, on the timeline of the primary.
	Replay func(ctx context.Context, start postgres.LSN, timeline uint32, limit time.Duration) error
	// Close ends the session with the server.
	Close func(ctx context.Context)
}

// Cluster is what is backed up.
type Cluster struct {
	Host    string               // that it is on, "" for this one
	Path    string               // the data directory
	Tree    storage.Storage      // where it lies
	Reader  func() source.Reader // makes what reads files of Tree for a worker; nil: reads them here
	Force   postgres.Version     // layout to assume, 0: what pg_control says
	Control postgres.Control
	Server  Server // nil when offline

	// Check makes sure, before the backup begins, that server and files belong together and that WAL is archived. nil when offline.
	Check func() error
	// Ping checks now and then, or at once with force, that the server still is the primary, and the other one a standby. nil when
	// offline.
	Ping func(ctx context.Context, force bool) error

	Standby *Standby // nil: all files are read from the primary
}

// origin is where the data directory of the primary, or of the standby, is read.
func (c *Cluster) origin(standby bool) *origin {
	if standby {
		return &origin{c.Standby.Host, c.Standby.Path, c.Standby.Tree, c.Standby.Reader}
	}
	return &origin{c.Host, c.Path, c.Tree, c.Reader}
}

// Options say what to back up, where to and how.
type Options struct {
	Repo     *repo.Repo
	Log      *log.Logger
	Progress func(total, done int64) // told how far the copy is; may be nil

	// Cluster finds the cluster. It is called once, after the repository has turned out to be usable. An online backup closes the
	// Server of what it returns.
	Cluster func(ctx context.Context) (*Cluster, error)

	Type   format.BackupType
	Online bool
	Force  bool // back up offline although the server seems to run
	Resume bool // go on with an interrupted full backup, and leave what a later run needs for that
	Delta  bool // compare contents although size and time are the same

	StartFast      bool
	DBTimeout      time.Duration // only for a warning that it may be too short
	ArchiveCheck   bool
	ArchiveCopy    bool
	ArchiveTimeout time.Duration // for each segment

	ChecksumPage    *bool // nil: when the cluster has checksums
	PageHeaderCheck bool  // pages are expected to have a plain header
	PageErrors      bool  // fail when pages have wrong checksums, instead of warning and recording them

	Exclude     []string
	Annotations map[string]string

	Compression          filter.Compression
	CompressLevel        int
	CompressLevelNetwork int // recorded only
	BufferSize           int // of what is stored; content that fits is compared before it is written

	Bundle      bool    // store small files together
	BundleLimit int64   // largest file for that
	BundleSize  int64   // of the content at which a bundle is closed
	Blocks      *Blocks // store large files by blocks; nil: whole

	ProcessMax            int
	JobRetry              int
	JobRetryInterval      time.Duration
	ManifestSaveThreshold int64

	Now   func() time.Time                                 // nil: time.Now
	Sleep func(ctx context.Context, d time.Duration) error // nil: wait for real
}

// Result tells about a backup that is complete.
type Result struct {
	Label            string
	Type             format.BackupType
	ChecksumWarnings int // files with page checksum errors found by this run
}

// run is one backup on its way.
type run struct {
	Options
	info      *format.BackupInfo
	cluster   *Cluster
	archiveID string // when the archive is checked
	started   int64  // Unix seconds
	prior     *format.Manifest
	begun     begun

	m      *format.Manifest
	todo   *plan
	result Result
}

// Run makes a backup. When it fails the repository is as usable as before.
func Run(ctx context.Context, o Options) (Result, error) {
	r := &run{Options: o.withDefaults()}
	defer r.close(ctx)
	steps := []func(context.Context) error{r.open, r.choosePrior, r.begin, r.plan, r.copyFiles, r.end, r.finish}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		if err := step(ctx); err != nil {
			return Result{}, err
		}
	}
	return r.result, nil
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	o.ProcessMax = max(o.ProcessMax, 1)
	if !o.Online {
		o.ArchiveCheck = false
	}
	if !o.ArchiveCheck {
		o.ArchiveCopy = false
	}
	return o
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// closeTimeout limits how long to wait for a server that is told good-bye after a cancel.
const closeTimeout = 10 * time.Second

// close ends the sessions with the servers. If a backup is still running there, that ends it.
func (r *run) close(ctx context.Context) error {
	if r.cluster == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	r.closeStandby(ctx)
	if r.cluster.Server == nil {
		return nil
	}
	server := r.cluster.Server
	r.cluster.Server = nil
	return server.Close(ctx)
}

// closeStandby ends the session with the standby, which is not needed when the files are copied.
func (r *run) closeStandby(ctx context.Context) {
	if s := r.cluster.Standby; s != nil && s.Close != nil {
		s.Close(ctx)
		s.Close = nil
	}
}

// time returns the time of the server, or of this machine when offline.
func (r *run) time(ctx context.Context) (time.Time, error) {
	if r.Online {
		return r.cluster.Server.Time(ctx)
	}
	return r.Now(), nil
}
