package expire

import (
	"context"
	"slices"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
)

// archive removes WAL that neither a kept backup needs to be consistent nor archive retention covers.
func (x *run) archive(ctx context.Context, start func(task)) error {
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
	if !repo.SameHistory(info, x.info) {
		return errs.New(errs.Format, "archive expiration cannot continue - archive and backup history lists do not match")
	}
	ids, err := x.repo.ArchiveIDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		i := slices.IndexFunc(info.History, func(d format.ArchiveDB) bool { return d.ArchiveID() == id })
		if i < 0 {
			continue // nobody knows whose WAL that is
		}
		if err := x.archiveID(ctx, id, info.History[i], info.DB, counted, start); err != nil {
			return err
		}
	}
	return nil
}

// archiveID expires the WAL of one cluster. The backups that count for archive retention may be of any cluster.
func (x *run) archiveID(
	ctx context.Context, id string, cluster, current format.ArchiveDB, counted []format.Backup, start func(task),
) error {
	reference, ok := referenceBackup(counted, x.keep.Archive, cluster.ID)
	switch {
	case !ok && cluster != current:
		path := x.repo.ArchivePath(id)
		x.Log.Info("%s: remove archive path %s", x.repo.Name(), path)
		start(x.removeTree(path))
		return nil
	case !ok && x.ArchiveBefore == "":
		return nil
	case !ok:
		return x.removeWAL(ctx, id, spans{{start: x.ArchiveBefore}}, start)
	case reference.ArchiveStart == "":
		return nil
	}
	keep, err := x.needed(id, reference)
	if err != nil {
		return err
	}
	if err := x.removeWAL(ctx, id, keep, start); err != nil {
		return err
	}
	return x.removeHistory(ctx, id, reference.ArchiveStart[:8])
}

// referenceBackup returns the backup from which on all WAL of a cluster is kept: the oldest of the newest keep backups that belongs
// to the cluster, or else the cluster's newest, so that each stays restorable from its last backup.
func referenceBackup(counted []format.Backup, keep, cluster int) (format.Backup, bool) {
	belongs := func(b format.Backup) bool { return b.DBID == cluster }
	newest := counted[max(0, len(counted)-keep):]
	if i := slices.IndexFunc(newest, belongs); i >= 0 {
		return newest[i], true
	}
	for _, b := range slices.Backward(counted) {
		if belongs(b) {
			return b, true
		}
	}
	return format.Backup{}, false
}

// needed returns the WAL to keep of a cluster: what each backup before the reference needs, and all from the reference on.
func (x *run) needed(id string, reference format.Backup) (spans, error) {
	var keep spans
	for _, b := range x.info.Backups {
		switch {
		case b.DBID != reference.DBID || b.Label > reference.Label || b.ArchiveStart == "":
		case !postgres.IsSegment(b.ArchiveStart) || !postgres.IsSegment(b.ArchiveStop):
			return nil, errs.New(errs.Format, "backup %s needs WAL from '%s' to '%s', which are no WAL segments",
				b.Label, b.ArchiveStart, b.ArchiveStop)
		case b.Label == reference.Label:
			keep = append(keep, span{start: b.ArchiveStart})
			x.Log.Detail("%s: %s archive retention on backup %s, start = %s", x.repo.Name(), id, b.Label, b.ArchiveStart)
		default:
			keep = append(keep, span{start: b.ArchiveStart, stop: b.ArchiveStop})
			x.Log.Detail("%s: %s archive retention on backup %s, start = %s, stop = %s",
				x.repo.Name(), id, b.Label, b.ArchiveStart, b.ArchiveStop)
		}
	}
	if x.ArchiveBefore != "" && x.ArchiveBefore < reference.ArchiveStart {
		keep = append(keep, span{start: x.ArchiveBefore})
	}
	return keep.merge(), nil
}
