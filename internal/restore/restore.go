// Package restore puts a backup back.
//
//	refuse if a server seems to run in the data directory
//	choose a repository and a backup that lead to the wanted moment                              (choose.go)
//	check that the wanted timeline passes through the backup                                     (timeline.go)
//	decide where directories, tablespaces and links go, who owns what, what stays empty          (remap.go, owner.go, selective.go)
//	look at every place that will be written to; nothing has been changed so far                 (place.go)
//	remove pg_control, clean, make directories and links                                         (clean.go, build.go)
//	copy the files                                                                      (copy.go, file.go, blocks.go)
//	write the recovery settings                                                                  (recovery.go)
//	sync directories, then put pg_control back under its name                                    (finish.go)
//
// Between the removal of pg_control and its return no server can start in the directory, so that whatever interrupts a restore, what
// it leaves is never taken for a cluster. The manifest that lies in the directory meanwhile lets a second restore with delta or force
// recognise the directory and go on.
package restore

import (
	"context"
	"path"
	"strings"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// Type says where recovery ends, or what is done instead of recovery.
type Type string

// The types of restore.
const (
	Default   Type = "default"
	Immediate Type = "immediate"
	LSN       Type = "lsn"
	Name      Type = "name"
	None      Type = "none"
	Preserve  Type = "preserve"
	Standby   Type = "standby"
	Time      Type = "time"
	XID       Type = "xid"
)

// Setting is a recovery setting.
type Setting struct{ Key, Value string }

// Options says what to restore where.
type Options struct {
	Repos  []*repo.Repo // in the order to search them
	Tree   storage.Tree // where the data directory lies
	PGPath string       // the data directory
	Spool  string       // directory of the stanza in the spool, emptied because it belongs to the cluster that was

	Set   string // label; "" chooses the newest that leads to the target
	Delta bool   // keep files whose content is right
	Force bool   // allow a directory with files; with Delta: trust size and time
	// PageErrors refuses to restore a file that had page checksum errors when it was backed up (checksum-page-error).
	PageErrors bool

	Type            Type
	TypeGiven       bool // the user named it
	Target          string
	TargetAction    string // "pause" is what the server does anyway
	TargetExclusive bool
	TargetTimeline  string    // "" is what suits version and type
	Settings        []Setting // of the user, for the recovery settings
	RestoreCommand  string
	ArchiveOff      bool // turn archiving off in the restored cluster

	TablespaceMap    map[string]string // name or oid to path
	TablespaceMapAll string
	LinkMap          map[string]string // name below the data directory to destination
	LinkAll          bool
	DBInclude        []string // names or oids
	DBExclude        []string

	User     Identity // who is restoring
	Workers  int
	Retries  int // further attempts at a file that failed
	RetryGap time.Duration
	Assume   postgres.Version // layout of pg_control to assume whatever it claims; 0: believe it
	Progress func(total, done int64)
	Now      func() time.Time
	Log      *log.Logger
}

// Result is what was restored.
type Result struct {
	Label string
	Size  int64
	Files int
}

// Run restores a backup.
func Run(ctx context.Context, o Options) (Result, error) {
	r := &run{Options: o}
	for _, step := range []func(context.Context) error{
		r.refuseRunning,
		r.confirmTarget,
		r.emptySpool,
		r.choose,
		r.load,
		r.checkTimeline,
		r.settle,
		r.remap,
		r.own,
		r.selectDatabases,
		r.checkPages,
		r.checkPlaces,
		r.clean,
		r.build,
		r.copy,
		r.recover,
		r.finish,
	} {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		if err := step(ctx); err != nil {
			return Result{}, err
		}
	}
	return r.result, nil
}

// run is one restore on its way.
type run struct {
	Options
	repo     *repo.Repo         // chosen
	info     *format.BackupInfo // of the chosen repository
	label    string
	manifest *format.Manifest
	version  postgres.Version
	owners   owners
	zeroed   func(name string) bool // file of a database that was not selected
	places   []place
	damaged  int // files restored although they had page checksum errors
	result   Result
}

// settle fixes what depends on the backup alone, and refuses what cannot end well before anything is touched.
func (r *run) settle(context.Context) error {
	m := r.manifest
	if !m.Options.Online && !r.TypeGiven {
		r.Type = None
	}
	if err := r.checkManifest(); err != nil {
		return err
	}
	if err := r.checkSettings(); err != nil {
		return err
	}
	start := ""
	if m.Options.Online {
		start = ", recovery will start at " + time.Unix(m.TimestampStart, 0).Format(time.DateTime)
	}
	r.Log.Info("%s: restore backup set %s%s", r.repo.Name(), r.label, start)
	return nil
}

// checkManifest refuses a manifest that does not describe the wanted backup.
func (r *run) checkManifest() error {
	m := r.manifest
	if err := m.Validate(false); err != nil {
		return err
	}
	if m.Files.Len() == 0 {
		return errs.New(errs.Format, "manifest of backup '%s' does not contain any files", r.label)
	}
	if m.Label != r.label {
		return errs.New(errs.Format, "requested backup '%s' and manifest label '%s' do not match", r.label, m.Label).
			Hint("this indicates some sort of corruption (at the very least paths have been renamed).")
	}
	return repo.CheckBlocks(m)
}

// refuseRunning refuses to work in the directory of a running server.
func (r *run) refuseRunning(ctx context.Context) error {
	running, err := storage.Exists(ctx, r.Tree, r.pg("postmaster.pid"))
	if err != nil || !running {
		return err
	}
	return errs.New(errs.PgRunning, "unable to restore while PostgreSQL is running").
		Hint("presence of 'postmaster.pid' in '%s' indicates PostgreSQL is running.", r.PGPath).
		Hint("remove 'postmaster.pid' only if PostgreSQL is not running.")
}

// confirmTarget turns delta and force off unless the directory is, or was about to become, a data directory: they remove files, and
// a mistyped path should cost nobody his home directory.
func (r *run) confirmTarget(ctx context.Context) error {
	if !r.Delta && !r.Force {
		return nil
	}
	for _, name := range []string{"PG_VERSION", repo.ManifestFile} {
		if there, err := storage.Exists(ctx, r.Tree, r.pg(name)); err != nil || there {
			return err
		}
	}
	r.Log.Warn("--delta or --force specified but unable to find 'PG_VERSION' or 'backup.manifest' in '%s' to confirm that this is"+
		" a valid $PGDATA directory. --delta and --force have been disabled and if any files exist in the destination directories"+
		" the restore will be aborted.", r.PGPath)
	r.Delta, r.Force = false, false
	return nil
}

func (r *run) emptySpool(ctx context.Context) error {
	if r.Spool == "" {
		return nil
	}
	return r.Tree.RemoveAll(ctx, r.Spool)
}

// load reads the manifest of the chosen backup.
func (r *run) load(ctx context.Context) (err error) {
	r.manifest, err = r.repo.LoadManifest(ctx, r.label, r.info.CipherPass)
	if err != nil {
		return err
	}
	r.version, err = postgres.ParseVersion(r.manifest.DB.Version)
	return err
}

// checkPages refuses a backup with damaged pages while there still is something to lose. With delta a damaged file may turn out not
// to be needed, so then each is looked at in its turn.
func (r *run) checkPages(context.Context) error {
	if !r.PageErrors || r.Delta {
		return nil
	}
	for _, f := range r.manifest.Files.All() {
		if f.PageChecksum == format.PageError && !r.zeroed(f.Name) {
			return pageError(r.path(f.Name))
		}
	}
	return nil
}

func pageError(file string) error {
	return errs.New(errs.Checksum, "invalid page checksum(s) found in file %s", file)
}

// pg returns the path of something in the data directory.
func (r *run) pg(elem ...string) string { return path.Join(append([]string{r.PGPath}, elem...)...) }

// Names in a manifest begin with one of these.
const (
	dataName       = "pg_data"
	tablespaceName = "pg_tblspc"
)

// path returns where a name of the manifest lies: tablespaces are reached through the links in the data directory.
func (r *run) path(name string) string { return r.pg(short(name)) }

// short returns a name as people know it: relative to the data directory.
func short(name string) string {
	if name == dataName {
		return ""
	}
	return strings.TrimPrefix(name, dataName+"/")
}
