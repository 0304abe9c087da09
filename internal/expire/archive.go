package expire

import (
	"context"
	"regexp"
	"slices"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/storage"
)

var (
	walDirPattern  = regexp.MustCompile(`^[0-9A-F]{16}$`)
	walFilePattern = regexp.MustCompile(`^[0-9A-F]{24}.*$`)
	historyPattern = regexp.MustCompile(`^[0-9A-F]{8}\.history$`)
)

// span is a range of WAL to keep, both ends included. An empty stop has no end.
type span struct{ start, stop string }

// archive removes WAL that neither a kept backup needs to be consistent nor archive retention covers.
func (x *run) archive(ctx context.Context) error {
	if x.keep.Archive == 0 {
		if x.keep.FullByTime {
			x.Log.Info("%s: time-based archive retention not met - archive logs will not be expired", x.repo.Name())
		} else {
			x.Log.Info("option '%s-retention-archive' is not set - archive logs will not be expired", x.repo.Name())
		}
		return nil
	}
	counted := ofType(x.info.Backups, x.keep.ArchiveType)
	if len(counted) < x.keep.Archive && x.ArchiveBefore == "" {
		return nil
	}
	info, err := x.repo.LoadArchiveInfo(ctx)
	if err != nil {
		return err
	}
	if !sameHistory(info, x.info) {
		return errs.New(errs.Format, "archive expiration cannot continue - archive and backup history lists do not match")
	}
	ids, err := x.repo.ArchiveIDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		known := func(d format.ArchiveDB) bool { return d.ArchiveID() == id }
		if !slices.ContainsFunc(info.History, known) {
			continue // nobody knows whose WAL that is
		}
		if err := x.archiveID(ctx, id, info, counted); err != nil {
			return err
		}
	}
	return nil
}

// sameHistory reports whether the clusters in archive.info are the newest ones of backup.info.
func sameHistory(archive *format.ArchiveInfo, backup *format.BackupInfo) bool {
	offset := len(backup.History) - len(archive.History)
	if offset < 0 {
		return false
	}
	for i, a := range archive.History {
		b := backup.History[offset+i]
		if a.ID != b.ID || a.Version != b.Version || a.SystemID != b.SystemID {
			return false
		}
	}
	return true
}

// archiveID expires the WAL of one cluster.
func (x *run) archiveID(ctx context.Context, id string, info *format.ArchiveInfo, counted []format.Backup) error {
	of := func(b format.Backup) bool {
		i := slices.IndexFunc(x.info.History, func(d format.BackupDB) bool { return d.ID == b.DBID })
		if i < 0 {
			return false
		}
		d := x.info.History[i]
		return format.ArchiveDB{ID: d.ID, SystemID: d.SystemID, Version: d.Version}.ArchiveID() == id
	}
	reference, ok := referenceBackup(counted, x.keep.Archive, of)
	switch {
	case !ok && id != info.DB.ArchiveID():
		path := x.repo.ArchivePath(id)
		x.Log.Info("%s: remove archive path %s", x.repo.Name(), path)
		if x.DryRun {
			return nil
		}
		return x.repo.Storage().RemoveAll(ctx, path)
	case !ok && x.ArchiveBefore == "":
		return nil
	case !ok:
		return x.removeWAL(ctx, id, []span{{start: x.ArchiveBefore}}, x.ArchiveBefore)
	case reference.ArchiveStart == "":
		return nil
	}
	spans := x.spans(id, reference, of)
	if err := x.removeWAL(ctx, id, spans, reference.ArchiveStart); err != nil {
		return err
	}
	return x.removeHistory(ctx, id, reference.ArchiveStart[:8])
}

// referenceBackup returns the backup from which on all WAL of a cluster is kept: the oldest of the newest keep backups that belongs
// to the cluster, or else the cluster's newest, so that each stays restorable from its last backup.
func referenceBackup(counted []format.Backup, keep int, of func(format.Backup) bool) (format.Backup, bool) {
	for _, b := range counted[max(0, len(counted)-keep):] {
		if of(b) {
			return b, true
		}
	}
	for _, b := range slices.Backward(counted) {
		if of(b) {
			return b, true
		}
	}
	return format.Backup{}, false
}

// spans lists the WAL to keep of one cluster: what each backup up to the reference needs, and all from the reference on.
func (x *run) spans(id string, reference format.Backup, of func(format.Backup) bool) []span {
	var keep []span
	for _, b := range x.info.Backups {
		if !of(b) || b.Label > reference.Label || b.ArchiveStart == "" {
			continue
		}
		s := span{start: b.ArchiveStart, stop: b.ArchiveStop}
		if b.Label == reference.Label {
			s.stop = ""
			x.Log.Detail("%s: %s archive retention on backup %s, start = %s", x.repo.Name(), id, b.Label, s.start)
		} else {
			x.Log.Detail("%s: %s archive retention on backup %s, start = %s, stop = %s",
				x.repo.Name(), id, b.Label, s.start, s.stop)
		}
		keep = append(keep, s)
	}
	if x.ArchiveBefore != "" && x.ArchiveBefore < reference.ArchiveStart {
		keep = append(keep, span{start: x.ArchiveBefore, stop: reference.ArchiveStart})
	}
	return keep
}

// kept reports whether a name of 16 or 24 characters lies in one of the spans. Comparison is by text, timeline included.
func kept(name string, spans []span) bool {
	n := len(name)
	return slices.ContainsFunc(spans, func(s span) bool {
		return name >= s.start[:n] && (s.stop == "" || name <= s.stop[:n])
	})
}

// removeWAL removes what lies outside the spans. Directories after the one of newest hold nothing to remove and are not listed.
func (x *run) removeWAL(ctx context.Context, id string, spans []span, newest string) error {
	dirs, err := storage.Names(ctx, x.repo.Storage(), x.repo.ArchivePath(id), walDirPattern)
	if err != nil {
		return err
	}
	removed := removals{x: x, id: id}
	for _, dir := range dirs {
		if !kept(dir, spans) {
			removed.add(dir)
			x.Log.Detail("%s: %s remove archive path %s", x.repo.Name(), id, dir)
			if x.DryRun {
				continue
			}
			if err := x.repo.Storage().RemoveAll(ctx, x.repo.ArchivePath(id, dir)); err != nil {
				return err
			}
			continue
		}
		if dir > newest[:16] {
			break
		}
		if err := x.removeSegments(ctx, id, dir, spans, &removed); err != nil {
			return err
		}
	}
	removed.flush()
	if removed.total == 0 {
		x.Log.Info("%s: %s no archive to remove", x.repo.Name(), id)
	}
	return nil
}

func (x *run) removeSegments(ctx context.Context, id, dir string, spans []span, removed *removals) error {
	files, err := storage.Names(ctx, x.repo.Storage(), x.repo.ArchivePath(id, dir), walFilePattern)
	if err != nil {
		return err
	}
	for _, file := range files {
		if kept(file[:24], spans) {
			removed.flush()
			continue
		}
		if !x.DryRun {
			if err := x.repo.Storage().Remove(ctx, x.repo.ArchivePath(id, dir, file)); err != nil {
				return err
			}
		}
		removed.add(file[:24])
	}
	return nil
}

// removeHistory removes timeline history files of timelines before the one WAL is kept from.
func (x *run) removeHistory(ctx context.Context, id, timeline string) error {
	files, err := storage.Names(ctx, x.repo.Storage(), x.repo.ArchivePath(id), historyPattern)
	if err != nil {
		return err
	}
	for _, file := range files {
		if file[:8] >= timeline {
			break
		}
		if !x.DryRun {
			if err := x.repo.Storage().Remove(ctx, x.repo.ArchivePath(id, file)); err != nil {
				return err
			}
		}
		x.Log.Info("%s: %s remove history file %s", x.repo.Name(), id, file)
	}
	return nil
}

// removals gathers a run of removed names without a kept one in between, for one line of log.
type removals struct {
	x           *run
	id          string
	start, stop string
	total       int
}

func (r *removals) add(name string) {
	if r.start == "" {
		r.start = name
	}
	r.stop = name
	r.total++
}

func (r *removals) flush() {
	if r.start == "" {
		return
	}
	r.x.Log.Info("%s: %s remove archive, start = %s, stop = %s", r.x.repo.Name(), r.id, r.start, r.stop)
	r.start = ""
}
