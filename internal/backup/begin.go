package backup

import (
	"context"
	"strconv"
	"time"

	"holdfast/internal/db"
	"holdfast/internal/errs"
	"holdfast/internal/postgres"
	"holdfast/internal/storage"
)

// restorePoint is the name of the restore point that gives a WAL segment of an idle server something to archive.
const restorePoint = "pgBackRest Archive Check"

const postmasterFile = "postmaster.pid"

// begun is what the server said when the backup began. It is empty when offline.
type begun struct {
	lsn         postgres.LSN
	segment     string
	databases   []db.Database
	tablespaces map[string]string // names by oid; nil when offline
}

// open reads backup.info, finds the cluster and makes sure that the two belong together.
func (r *run) open(ctx context.Context) (err error) {
	if r.info, _, err = r.Repo.ReconciledBackupInfo(ctx, r.Log); err != nil {
		return err
	}
	if r.cluster, err = r.Cluster(ctx); err != nil {
		return err
	}
	control := r.cluster.Control
	if stanza := r.info.DB; control.Version.String() != stanza.Version || control.SystemID != stanza.SystemID {
		return errs.New(errs.BackupMismatch, "PostgreSQL version %s, system-id %d do not match stanza version %s, system-id %d",
			control.Version, control.SystemID, stanza.Version, stanza.SystemID).Hint("is this the correct stanza?")
	}
	r.resolveChecksumPage()
	if r.ArchiveCheck {
		archive, err := r.Repo.LoadArchiveInfo(ctx)
		if err != nil {
			return err
		}
		r.archiveID = archive.DB.ArchiveID()
	}
	now, err := r.time(ctx)
	r.started = now.Unix()
	return err
}

// resolveChecksumPage decides whether pages are checked.
func (r *run) resolveChecksumPage() {
	enabled := r.cluster.Control.PageChecksums
	if r.ChecksumPage == nil {
		check := r.Online && enabled
		r.ChecksumPage = &check
	}
	if *r.ChecksumPage && r.Online && !enabled {
		r.Log.Warn("checksum-page option set to true but checksums are not enabled on the cluster, resetting to false")
		check := false
		r.ChecksumPage = &check
	}
}

// begin starts the backup in the server and proves that its files are where we look and that its archiving works. Offline it makes
// sure that there is no server.
func (r *run) begin(ctx context.Context) error {
	if !r.Online {
		return r.checkStopped(ctx)
	}
	if r.cluster.Check != nil {
		if err := r.cluster.Check(); err != nil {
			return err
		}
	}
	server := r.cluster.Server
	checked, err := r.start(ctx)
	if err != nil {
		return err
	}
	if r.begun.databases, err = server.Databases(ctx); err != nil {
		return err
	}
	tablespaces, err := server.Tablespaces(ctx)
	if err != nil {
		return err
	}
	r.begun.tablespaces = tablespaceNames(tablespaces)
	r.Log.Info("backup start archive = %s, lsn = %s", r.begun.segment, r.begun.lsn)
	if err := r.waitStandby(ctx); err != nil {
		return err
	}
	if !r.ArchiveCheck {
		return nil
	}
	prior := ""
	if checked != r.begun.segment {
		prior = "prior "
	}
	r.Log.Info("check archive for %ssegment %s", prior, checked)
	_, err = r.Repo.WaitSegment(ctx, r.archiveID, checked, r.ArchiveTimeout)
	return err
}

// start starts the backup and returns the segment whose arrival in the archive proves that archiving works: the one that was written
// before, or if the start did not switch to another, the first one of the backup.
func (r *run) start(ctx context.Context) (checked string, err error) {
	server := r.cluster.Server
	if r.ArchiveCheck {
		if checked, err = server.InsertSegment(ctx); err != nil {
			return "", err
		}
	}
	r.announceStart(server.Server().CheckpointTimeout)
	start, err := server.StartBackup(ctx, r.StartFast)
	if err != nil {
		return "", err
	}
	r.begun.lsn, r.begun.segment = start.LSN, start.Segment
	_, control, err := db.ReadControl(ctx, r.cluster.Tree, r.cluster.Path, r.cluster.Force)
	if err != nil {
		return "", err
	}
	r.cluster.Control = control
	if err := checkStart(control, start); err != nil {
		return "", err
	}
	if r.ArchiveCheck && checked == start.Segment {
		if err := server.RestorePoint(ctx, restorePoint); err != nil {
			return "", err
		}
		if _, err := server.SwitchWAL(ctx); err != nil {
			return "", err
		}
	}
	return checked, nil
}

// waitStandby waits until files may be read from the standby: in them must be all that the primary had in its own when the backup
// began, as the WAL of the backup has only what came after.
func (r *run) waitStandby(ctx context.Context) error {
	if r.cluster.Standby == nil {
		return nil
	}
	r.Log.Info("wait for replay on the standby to reach %s", r.begun.lsn)
	if err := r.cluster.Standby.Replay(ctx, r.begun.lsn, r.cluster.Control.Timeline, r.ArchiveTimeout); err != nil {
		return err
	}
	r.Log.Info("replay on the standby reached %s", r.begun.lsn)
	return nil
}

func (r *run) announceStart(checkpointTimeout time.Duration) {
	when := "next regular checkpoint"
	if r.StartFast {
		when = "requested immediate checkpoint"
	}
	r.Log.Info("execute backup start: backup begins after the %s completes", when)
	if !r.StartFast && r.DBTimeout > 0 && r.DBTimeout <= checkpointTimeout {
		r.Log.Warn("start-fast is disabled and db-timeout (%ds) is smaller than the PostgreSQL checkpoint_timeout (%ds) - timeout may"+
			" occur before the backup starts", int(r.DBTimeout.Seconds()), int(checkpointTimeout.Seconds()))
	}
}

// checkStart compares what the server said over SQL with what its control file says. A difference means that we read the files of
// another cluster, or an old copy of them.
func checkStart(control postgres.Control, start db.Start) error {
	if control.Checkpoint < start.LSN {
		return errs.New(errs.DbMismatch, "current checkpoint '%s' is less than backup start '%s'", control.Checkpoint, start.LSN).
			Hint("are the files at the configured path those of the running server?")
	}
	timeline, err := postgres.SegmentTimeline(start.Segment)
	if err != nil {
		return err
	}
	if timeline != control.Timeline {
		return errs.New(errs.DbMismatch, "backup start is on timeline %d but pg_control says timeline %d", timeline, control.Timeline)
	}
	return nil
}

func tablespaceNames(list []db.Tablespace) map[string]string {
	names := make(map[string]string, len(list))
	for _, t := range list {
		names[strconv.FormatUint(uint64(t.OID), 10)] = t.Name
	}
	return names
}

// checkStopped makes sure that no server is running on the data directory.
func (r *run) checkStopped(ctx context.Context) error {
	running, err := storage.Exists(ctx, r.cluster.Tree, r.cluster.Path+"/"+postmasterFile)
	switch {
	case err != nil || !running:
		return err
	case !r.Force:
		return errs.New(errs.PgRunning, "--no-online passed but %s exists - looks like PostgreSQL is running. Shut down PostgreSQL and"+
			" try again, or use --force.", postmasterFile)
	}
	r.Log.Warn("--no-online passed and %s exists but --force was passed so backup will continue though it looks like PostgreSQL is"+
		" running and the backup will probably not be consistent", postmasterFile)
	return nil
}
