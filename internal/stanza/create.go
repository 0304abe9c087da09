package stanza

import (
	"context"
	"slices"
	"strings"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

const corruptionHint = "this may be a symptom of repository corruption!"

// cleanUpTime limits how long a failed creation tries to take back what it wrote.
const cleanUpTime = 30 * time.Second

// Create makes the stanza in each repository that does not have it, and mends the info files of one that does when a file or its
// copy is lost. It may be run as often as one likes. It ends at the first repository that fails.
func Create(ctx context.Context, o Options) error {
	control, err := o.database(ctx)
	if err != nil {
		return err
	}
	for _, r := range o.Repos {
		o.Log.Info("stanza-create for stanza '%s' on %s", o.Stanza, r.Name())
		if err := o.createIn(ctx, r, control); err != nil {
			return err
		}
	}
	return nil
}

func (o Options) createIn(ctx context.Context, r *repo.Repo, control postgres.Control) error {
	archive, err := r.FindInfo(ctx, repo.ArchiveInfoFile)
	if err != nil {
		return err
	}
	backup, err := r.FindInfo(ctx, repo.BackupInfoFile)
	if err != nil {
		return err
	}
	switch {
	case !archive.Any() && !backup.Any():
		return createNew(ctx, r, control)
	case !archive.Any():
		return oneMissing(r, repo.BackupInfoFile, repo.ArchiveInfoFile)
	case !backup.Any():
		return completeNew(ctx, r, control)
	}
	if _, err := checkStanza(ctx, r, control); err != nil {
		return err
	}
	if archive.Both() && backup.Both() {
		o.Log.Info("stanza '%s' already exists on %s and is valid", o.Stanza, r.Name())
		return nil
	}
	if err := r.MendInfo(ctx, repo.ArchiveInfoFile); err != nil {
		return err
	}
	return r.MendInfo(ctx, repo.BackupInfoFile)
}

func oneMissing(r *repo.Repo, present, missing string) error {
	return errs.New(errs.FileMissing, "%s exists but %s is missing on %s", present, missing, r.Name()).Hint(corruptionHint)
}

// createNew writes the info files of a new stanza. A stanza with only one kind of them cannot be mended, so what has been written is
// taken back when the rest fails.
func createNew(ctx context.Context, r *repo.Repo, control postgres.Control) error {
	if err := checkEmpty(ctx, r); err != nil {
		return err
	}
	archive, backup, err := newInfo(r, control)
	if err != nil {
		return err
	}
	if err = r.SaveArchiveInfo(ctx, archive); err == nil {
		err = r.SaveBackupInfo(ctx, backup)
	}
	if err == nil {
		return nil
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	// The failure that matters is the first one; files that cannot be removed are found by the next run.
	_ = removeInfo(after, r, repo.BackupInfoFile)
	_ = removeInfo(after, r, repo.ArchiveInfoFile)
	return err
}

// completeNew ends a creation that was killed after archive.info was written. If anything has been stored since, or the archive.info
// is not the one such a creation writes, this is something else: backup.info is lost.
func completeNew(ctx context.Context, r *repo.Repo, control postgres.Control) error {
	archived, err := occupied(ctx, r, r.ArchivePath())
	if err != nil {
		return err
	}
	backups, err := occupied(ctx, r, r.BackupPath())
	if err != nil {
		return err
	}
	archive, err := r.LoadArchiveInfo(ctx)
	if err != nil {
		return err
	}
	_, backup, err := newInfo(r, control)
	if err != nil {
		return err
	}
	if archived || backups || len(archive.History) != 1 || archive.DB.ID != backup.DB.ID ||
		archive.DB.SystemID != backup.DB.SystemID || archive.DB.Version != backup.DB.Version {
		return oneMissing(r, repo.ArchiveInfoFile, repo.BackupInfoFile)
	}
	if err := r.MendInfo(ctx, repo.ArchiveInfoFile); err != nil {
		return err
	}
	return r.SaveBackupInfo(ctx, backup)
}

// newInfo returns the info files of a stanza that begins with this cluster.
func newInfo(r *repo.Repo, control postgres.Control) (*format.ArchiveInfo, *format.BackupInfo, error) {
	archive, backup := &format.ArchiveInfo{}, &format.BackupInfo{}
	var err error
	if archive.CipherPass, err = r.NewPass(); err != nil {
		return nil, nil, err
	}
	if backup.CipherPass, err = r.NewPass(); err != nil {
		return nil, nil, err
	}
	addArchive(archive, 1, control)
	addBackup(backup, 1, control)
	return archive, backup, nil
}

// checkEmpty makes sure that nothing lies where a new stanza is going to be.
func checkEmpty(ctx context.Context, r *repo.Repo) error {
	backup, err := occupied(ctx, r, r.BackupPath())
	if err != nil {
		return err
	}
	archive, err := occupied(ctx, r, r.ArchivePath())
	if err != nil {
		return err
	}
	switch {
	case backup && archive:
		return errs.New(errs.PathNotEmpty, "backup directory and/or archive directory not empty")
	case backup:
		return errs.New(errs.PathNotEmpty, "backup directory not empty")
	case archive:
		return errs.New(errs.PathNotEmpty, "archive directory not empty")
	}
	return nil
}

// occupied reports whether a directory of the stanza holds anything but info files and what a killed creation left of them.
func occupied(ctx context.Context, r *repo.Repo, dir string) (bool, error) {
	names, err := storage.Names(ctx, r.Storage(), dir, nil)
	return slices.ContainsFunc(names, func(name string) bool {
		name = strings.TrimSuffix(strings.TrimSuffix(name, storage.TempSuffix), repo.CopyExt)
		return name != repo.ArchiveInfoFile && name != repo.BackupInfoFile
	}), err
}

// removeInfo removes an info file and then its copy.
func removeInfo(ctx context.Context, r *repo.Repo, name string) error {
	file := r.InfoPath(name)
	if err := r.Storage().Remove(ctx, file); err != nil {
		return err
	}
	return r.Storage().Remove(ctx, file+repo.CopyExt)
}

// addArchive makes the cluster the current entry of archive.info.
func addArchive(info *format.ArchiveInfo, id int, control postgres.Control) {
	info.DB = format.ArchiveDB{ID: id, SystemID: control.SystemID, Version: control.Version.String()}
	info.History = append(info.History, info.DB)
}

// addBackup makes the cluster the current entry of backup.info.
func addBackup(info *format.BackupInfo, id int, control postgres.Control) {
	info.DB = format.BackupDB{
		ID:             id,
		SystemID:       control.SystemID,
		Version:        control.Version.String(),
		CatalogVersion: int(control.CatalogVersion),
		ControlVersion: int(control.ControlVersion),
	}
	info.History = append(info.History, info.DB)
}
