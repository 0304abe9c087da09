package stanza

import (
	"context"

	"holdfast/internal/postgres"
	"holdfast/internal/repo"
)

// Upgrade tells each repository that the stanza's cluster has a new version or system identifier. WAL of the old one can still be
// fetched and its backups restored, but new WAL and backups must come from the new one. Run again it repairs what an earlier run
// could not reach.
func Upgrade(ctx context.Context, o Options) error {
	control, err := o.database(ctx)
	if err != nil {
		return err
	}
	for _, r := range o.Repos {
		o.Log.Info("stanza-upgrade for stanza '%s' on %s", o.Stanza, r.Name())
		changed, err := upgradeIn(ctx, r, control)
		if err != nil {
			return err
		}
		if !changed {
			o.Log.Info("stanza '%s' on %s is already up to date", o.Stanza, r.Name())
		}
	}
	return nil
}

// upgradeIn looks at the two info files one by one, since an interrupted run may have changed only the first.
func upgradeIn(ctx context.Context, r *repo.Repo, control postgres.Control) (changed bool, err error) {
	archive, backup, err := loadInfo(ctx, r)
	if err != nil {
		return false, err
	}
	archiveOld := !isCurrent(archive.DB.Version, archive.DB.SystemID, control)
	if archiveOld {
		addArchive(archive, archive.DB.ID+1, control)
	}
	backupOld := !isCurrent(backup.DB.Version, backup.DB.SystemID, control)
	if backupOld {
		addBackup(backup, backup.DB.ID+1, control)
	}
	if err := repo.CheckInfo(archive, backup); err != nil {
		return false, err
	}
	if backupOld {
		if err := r.SaveBackupInfo(ctx, backup); err != nil {
			return false, err
		}
	}
	if archiveOld {
		if err := r.SaveArchiveInfo(ctx, archive); err != nil {
			return false, err
		}
	}
	return archiveOld || backupOld, nil
}
