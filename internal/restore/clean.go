package restore

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	"holdfast/internal/format"
	"holdfast/internal/postgres"
	"holdfast/internal/storage"
)

// controlName is the control file in the manifest.
const controlName = dataName + "/" + postgres.ControlName

// clean begins to change things: it makes sure that no server can start, and removes what is not in the backup.
func (r *run) clean(ctx context.Context) error {
	r.dropFiles()
	if err := r.removeControl(ctx); err != nil {
		return err
	}
	for _, p := range r.places {
		if !p.exists || p.file != "" {
			continue
		}
		if r.Delta || r.Force {
			r.Log.Info("remove invalid files/links/paths from '%s'", p.path)
		}
		if dir := r.manifestPath(p.name); dir != nil {
			if err := r.fixDir(ctx, p.path, p.info, dir); err != nil {
				return err
			}
		}
		if err := r.cleanDir(ctx, &p, p.path, p.name); err != nil {
			return err
		}
	}
	return nil
}

// dropFiles takes out of the manifest what is in the backup but not restored.
func (r *run) dropFiles() {
	drop := map[string]string{dataName + "/tablespace_map": "tablespace links will be created based on mappings"}
	if r.Type == Preserve && !r.version.RecoveryConf() {
		drop[dataName+"/postgresql.auto.conf"] = "recovery type is preserve"
	}
	r.manifest.Files.DeleteFunc(func(_ int, f *format.File) bool {
		why, dropped := drop[f.Name]
		if dropped {
			r.Log.Detail("skip '%s' -- %s", short(f.Name), why)
		}
		return dropped
	})
}

func (r *run) removeControl(ctx context.Context) error {
	file := r.pg(postgres.ControlName)
	there, err := storage.Exists(ctx, r.Tree, file)
	if err != nil || !there {
		return err
	}
	r.Log.Detail("remove '%s' so cluster will not start if restore does not complete", postgres.ControlName)
	if err := r.Tree.Remove(ctx, file); err != nil {
		return err
	}
	return r.Tree.SyncDir(ctx, path.Dir(file))
}

// cleanDir removes what the manifest does not have in a directory, and puts owner and mode of the rest right. It first lists all that
// needs a look: some file systems lose entries when others are removed during a listing.
func (r *run) cleanDir(ctx context.Context, p *place, dir, name string) error {
	var entries []storage.Info
	err := r.Tree.List(ctx, dir, func(i storage.Info) error {
		if !(dir == p.path && r.ours(p, i)) && !r.inOrder(name+"/"+i.Name, i) {
			entries = append(entries, i)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b storage.Info) int { return strings.Compare(a.Name, b.Name) })
	for _, i := range entries {
		if err := r.cleanEntry(ctx, p, dir+"/"+i.Name, name+"/"+i.Name, i); err != nil {
			return err
		}
	}
	return nil
}

// inOrder reports whether an entry is a file that stays as it is, as most are.
func (r *run) inOrder(name string, i storage.Info) bool {
	f := r.manifest.File(name)
	return f != nil && r.link(name) == nil && r.fits(i, f)
}

// fits reports whether an entry is a file with the owner and the mode of one in the manifest.
func (r *run) fits(i storage.Info, f *format.File) bool {
	uid, gid := r.owners.ids(f.User, f.Group)
	return i.Type == storage.File && i.UID == uid && i.GID == gid && i.Mode == fs.FileMode(f.Mode)
}

func (r *run) cleanEntry(ctx context.Context, p *place, at, name string, i storage.Info) error {
	link := r.link(name)
	switch i.Type {
	case storage.File:
		f := r.manifest.File(name)
		if f == nil || link != nil {
			r.Log.Detail("remove invalid file '%s'", at)
			return r.Tree.Remove(ctx, at)
		}
		return r.fix(ctx, at, i, fs.FileMode(f.Mode), f.User, f.Group)
	case storage.Link:
		if link == nil {
			r.Log.Detail("remove invalid link '%s'", at)
			return r.Tree.Remove(ctx, at)
		}
		if i.Target != link.Destination {
			r.Log.Detail("remove link '%s' because destination changed", at)
			return r.Tree.Remove(ctx, at)
		}
		return r.fix(ctx, at, i, i.Mode, link.User, link.Group)
	case storage.Dir:
		dir := r.manifestPath(name)
		if dir == nil || link != nil {
			r.Log.Detail("remove invalid path '%s'", at)
			return r.Tree.RemoveAll(ctx, at)
		}
		if err := r.fixDir(ctx, at, i, dir); err != nil {
			return err
		}
		return r.cleanDir(ctx, p, at, name)
	}
	r.Log.Detail("remove special file '%s'", at)
	return r.Tree.Remove(ctx, at)
}

func (r *run) fixDir(ctx context.Context, at string, i storage.Info, dir *format.Path) error {
	return r.fix(ctx, at, i, fs.FileMode(dir.Mode), dir.User, dir.Group)
}

// fix sets owner and mode of something that stays.
func (r *run) fix(ctx context.Context, at string, i storage.Info, mode fs.FileMode, user, group string) error {
	uid, gid := r.owners.ids(user, group)
	if i.UID != uid || i.GID != gid {
		r.Log.Detail("update ownership for '%s'", at)
		if err := r.Tree.Chown(ctx, at, uid, gid); err != nil {
			return err
		}
	}
	if i.Type != storage.Link && i.Mode != mode {
		r.Log.Detail("update mode for '%s' to %04o", at, mode)
		return r.Tree.Chmod(ctx, at, mode)
	}
	return nil
}

// manifestPath returns a directory of the manifest, nil if it has none of that name.
func (r *run) manifestPath(name string) *format.Path {
	return search(r.manifest.Paths, name, func(p format.Path) string { return p.Name })
}
