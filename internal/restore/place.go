package restore

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// place is a directory that is written to: the data directory, a version's directory in a tablespace, what a link leads to.
type place struct {
	name   string // of the directory in the manifest
	path   string
	file   string // set for a link to a file: the only thing in the directory that is ours
	exists bool
	info   storage.Info // if it exists
}

// listPlaces lists where files will go.
func (r *run) listPlaces() []place {
	var places []place
	for _, t := range r.manifest.Targets {
		p := place{name: t.Name, path: r.destination(t), file: t.File}
		if t.TablespaceID != "" {
			dir := postgres.TablespaceDir(r.version, uint32(r.manifest.DB.CatalogVersion))
			p.name, p.path = p.name+"/"+dir, p.path+"/"+dir
		}
		places = append(places, p)
	}
	return places
}

// destination returns the directory of a target. A relative link is relative to the directory it lies in.
func (r *run) destination(t format.Target) string {
	if path.IsAbs(t.Path) {
		return path.Clean(t.Path)
	}
	in := path.Dir(r.path(t.Name))
	if t.TablespaceID != "" {
		in = r.pg(tablespaceName)
	}
	return path.Join(in, t.Path)
}

// checkPlaces looks at every place before any is changed.
func (r *run) checkPlaces(ctx context.Context) error {
	r.places = r.listPlaces()
	checked := map[string]bool{}
	for i := range r.places {
		p := &r.places[i]
		if !checked[p.path] {
			r.Log.Detail("check '%s' exists", p.path)
			checked[p.path] = true
		}
		if err := r.checkPlace(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) checkPlace(ctx context.Context, p *place) error {
	info, err := r.follow(ctx, p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	p.exists, p.info = true, info
	if !r.User.Root && info.UID != r.User.UID {
		return errs.New(errs.PathOpen, "unable to restore to path '%s' not owned by current user", p.path)
	}
	if info.Mode&0o700 != 0o700 {
		return errs.New(errs.PathOpen, "unable to restore to path '%s' without rwx permissions", p.path)
	}
	if r.Delta || r.Force {
		return nil
	}
	if p.file != "" {
		return r.refuseFile(ctx, path.Join(p.path, p.file))
	}
	return r.refuseContent(ctx, p)
}

// maxLinks is how many links in a row are followed, as the system does.
const maxLinks = 40

// follow describes what lies at a path, behind links that may stand there.
func (r *run) follow(ctx context.Context, at string) (storage.Info, error) {
	for range maxLinks {
		info, err := r.Tree.Stat(ctx, at)
		if err != nil || info.Type != storage.Link {
			return info, err
		}
		if !path.IsAbs(info.Target) {
			info.Target = path.Join(path.Dir(at), info.Target)
		}
		at = info.Target
	}
	return storage.Info{}, errs.New(errs.FileOpen, "unable to get info for path/file '%s': too many links", at)
}

func (r *run) refuseFile(ctx context.Context, file string) error {
	there, err := storage.Exists(ctx, r.Tree, file)
	if err != nil || !there {
		return err
	}
	return errs.New(errs.FileExists, "unable to restore file '%s' because it already exists", file).
		Hint("try using --delta if this is what you intended.")
}

func (r *run) refuseContent(ctx context.Context, p *place) error {
	return r.Tree.List(ctx, p.path, func(i storage.Info) error {
		if r.ours(p, i) {
			return nil
		}
		return errs.New(errs.PathNotEmpty, "unable to restore to path '%s' because it contains files", p.path).
			Hint("try using --delta if this is what you intended.")
	})
}

// ours reports whether an entry at the top of the data directory belongs to the restore and is neither in its way nor cleaned: the
// manifest of an interrupted restore, whole or not, and recovery settings to be preserved.
func (r *run) ours(p *place, i storage.Info) bool {
	if p.name != dataName || i.Type != storage.File {
		return false
	}
	if strings.TrimSuffix(i.Name, storage.TempSuffix) == repo.ManifestFile {
		return true
	}
	return r.Type == Preserve && slices.Contains(r.recoveryFiles(), i.Name)
}
