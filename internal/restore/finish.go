package restore

import (
	"context"
	"io/fs"
	"path"
	"time"

	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// finish makes everything durable and puts the control file in its place, the last thing that happens.
func (r *run) finish(ctx context.Context) error {
	if err := r.Tree.Remove(ctx, r.pg(repo.ManifestFile)); err != nil {
		return err
	}
	if err := r.syncDirs(ctx); err != nil {
		return err
	}
	if err := r.putControl(ctx); err != nil {
		return err
	}
	r.Log.Info("restore size = %s, file total = %d", log.Size(r.result.Size), r.result.Files)
	if r.damaged > 0 {
		r.Log.Warn("restore command encountered page checksum error(s) in %d file(s), check the log file for details", r.damaged)
	}
	return nil
}

// syncDirs syncs the directories of linked files, then all directories of the manifest but the one of the control file.
func (r *run) syncDirs(ctx context.Context) error {
	synced := map[string]bool{}
	for _, p := range r.places {
		if p.file == "" || synced[p.path] {
			continue
		}
		synced[p.path] = true
		if err := r.syncDir(ctx, p.path); err != nil {
			return err
		}
	}
	for _, dir := range r.manifest.Paths {
		if dir.Name == tablespaceName || dir.Name == path.Dir(controlName) {
			continue
		}
		if err := r.syncDir(ctx, r.path(dir.Name)); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) syncDir(ctx context.Context, dir string) error {
	r.Log.Detail("sync path '%s'", dir)
	return r.Tree.SyncDir(ctx, dir)
}

// putControl renames the control file. That of an online backup is changed first so that the server cannot start from it without
// backup_label.
func (r *run) putControl(ctx context.Context) error {
	f := r.manifest.File(controlName)
	if f == nil {
		r.Log.Warn("backup does not contain '%s' -- cluster will not start", postgres.ControlName)
		return nil
	}
	temp := r.pg(controlTemp)
	if r.manifest.Options.Online {
		b, err := storage.ReadAll(ctx, r.Tree, temp, postgres.ControlSize)
		if err != nil {
			return err
		}
		if err := postgres.InvalidateCheckpoint(b, r.Assume); err != nil {
			return err
		}
		o := storage.CreateOptions{Mode: fs.FileMode(f.Mode), ModTime: time.Unix(f.Timestamp, 0)}
		o.UID, o.GID = r.owners.ids(f.User, f.Group)
		if err := storage.WriteAll(ctx, r.Tree, temp, b, o); err != nil {
			return err
		}
	}
	r.Log.Info("restore %s (performed last to ensure aborted restores cannot be started)", postgres.ControlName)
	if err := r.Tree.Rename(ctx, temp, r.pg(postgres.ControlName)); err != nil {
		return err
	}
	return r.syncDir(ctx, path.Dir(temp))
}
