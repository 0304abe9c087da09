package restore

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// build makes the directories and links that are missing. The first thing it leaves in the data directory is the manifest, as a sign
// that what lies there may be restored over.
func (r *run) build(ctx context.Context) error {
	for _, p := range r.places {
		if !p.exists {
			if err := r.makePlace(ctx, p); err != nil {
				return err
			}
		}
		if p.name == dataName {
			if err := r.saveManifest(ctx); err != nil {
				return err
			}
		}
	}
	links := r.manifest.Links
	for _, dir := range r.manifest.Paths {
		for len(links) > 0 && links[0].Name < dir.Name {
			if err := r.makeLink(ctx, links[0]); err != nil {
				return err
			}
			links = links[1:]
		}
		if err := r.makeDir(ctx, dir); err != nil {
			return err
		}
	}
	for _, l := range links {
		if err := r.makeLink(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) makePlace(ctx context.Context, p place) error {
	dir := r.manifestPath(p.name)
	if dir == nil || p.file != "" {
		dir = r.manifestPath(dataName)
	}
	if dir == nil {
		return errs.New(errs.Format, "manifest of backup '%s' does not contain path '%s'", r.label, p.name)
	}
	return r.makeDirs(ctx, p.path, dir)
}

// makeDirs makes a directory and those above it. All get the same owner: what root makes for itself the server could not enter.
func (r *run) makeDirs(ctx context.Context, at string, dir *format.Path) error {
	there, err := storage.Exists(ctx, r.Tree, at)
	if err != nil || there {
		return err
	}
	if err := r.makeDirs(ctx, path.Dir(at), dir); err != nil {
		return err
	}
	if err := r.Tree.MakeDir(ctx, at, fs.FileMode(dir.Mode), false); err != nil {
		return err
	}
	if err := r.giveDir(ctx, at, dir); err != nil {
		return err
	}
	return r.Tree.SyncDir(ctx, path.Dir(at))
}

// giveDir sets the owner of a directory that was just made.
func (r *run) giveDir(ctx context.Context, at string, dir *format.Path) error {
	info, err := r.Tree.Stat(ctx, at)
	if err != nil {
		return err
	}
	if uid, gid := r.owners.ids(dir.User, dir.Group); info.UID != uid || info.GID != gid {
		return r.Tree.Chown(ctx, at, uid, gid)
	}
	return nil
}

// makeDir makes a directory of the manifest. Where a link stands, or in the placeholders above a tablespace's own directory, there
// is nothing to make.
func (r *run) makeDir(ctx context.Context, dir format.Path) error {
	if dir.Name == tablespaceName || path.Dir(dir.Name) == tablespaceName || r.link(dir.Name) != nil {
		return nil
	}
	at := r.path(dir.Name)
	there, err := storage.Exists(ctx, r.Tree, at)
	if err != nil || there {
		return err
	}
	r.Log.Detail("create path '%s'", at)
	if err := r.Tree.MakeDir(ctx, at, fs.FileMode(dir.Mode), false); err != nil {
		return err
	}
	return r.giveDir(ctx, at, &dir)
}

func (r *run) makeLink(ctx context.Context, l format.Link) error {
	at := r.path(l.Name)
	if _, err := r.Tree.Stat(ctx, at); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r.Log.Detail("create symlink '%s' to '%s'", at, l.Destination)
	if err := r.Tree.Symlink(ctx, l.Destination, at); err != nil {
		return err
	}
	uid, gid := r.owners.ids(l.User, l.Group)
	if uid == r.User.UID && gid == r.User.GID {
		return nil
	}
	return r.Tree.Chown(ctx, at, uid, gid)
}

// saveManifest leaves the manifest in the data directory. It holds the key of the backup's files, so nobody else may read it.
func (r *run) saveManifest(ctx context.Context) error {
	w, err := r.Tree.Create(ctx, r.pg(repo.ManifestFile), storage.CreateOptions{Mode: 0o600, Atomic: true})
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := r.manifest.Encode(w); err != nil {
		return err
	}
	return w.Close()
}
