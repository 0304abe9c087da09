package backup

import (
	"context"
	"path"
	"slices"
	"strings"

	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// interrupted returns the manifest of an unfinished backup to go on with, or nil. One that is of no use is removed. Only the newest
// backup can be unfinished and of use.
func (r *run) interrupted(ctx context.Context) (*format.Manifest, error) {
	labels, err := r.labels(ctx)
	if err != nil || len(labels) == 0 {
		return nil, err
	}
	label := labels[len(labels)-1]
	complete, err := r.Repo.ManifestExists(ctx, label)
	if err != nil || complete {
		return nil, err
	}
	old, reason, err := r.resumable(ctx, label)
	if err != nil {
		return nil, err
	}
	if reason == "" {
		r.Log.Warn("resumable backup %s of same type exists -- invalid files will be removed then the backup will resume", label)
		return old, nil
	}
	level := log.Info
	if r.Resume && r.Type == format.Full {
		level = log.Warn
	}
	r.Log.At(level, "backup '%s' cannot be resumed: %s", label, reason)
	return nil, r.Repo.Storage().RemoveAll(ctx, r.Repo.BackupPath(label))
}

// resumable reads the manifest of an unfinished backup, or says why it cannot be gone on with.
func (r *run) resumable(ctx context.Context, label string) (*format.Manifest, string, error) {
	if r.Type != format.Full {
		return nil, "resume only valid for full backup", nil
	}
	exists, err := r.Repo.ManifestCopyExists(ctx, label)
	switch {
	case err != nil:
		return nil, "", err
	case !exists:
		return nil, "partially deleted by prior resume or invalid", nil
	case !r.Resume:
		return nil, "resume is disabled", nil
	}
	old, err := r.Repo.LoadManifestCopy(ctx, label, r.info.CipherPass)
	if ctx.Err() != nil {
		return nil, "", ctx.Err()
	}
	if err != nil {
		return nil, "unable to read " + r.Repo.BackupPath(label, repo.ManifestFile) + repo.CopyExt, nil
	}
	return old, mismatch(r.m, old), nil
}

// mismatch says what keeps a new backup from going on with an old one.
func mismatch(m, old *format.Manifest) string {
	differ := func(what, isNew, was string) string {
		return "new " + what + " '" + isNew + "' does not match resumable " + what + " '" + was + "'"
	}
	switch {
	case m.Program != old.Program:
		return differ("pgBackRest version", m.Program, old.Program)
	case m.Type != old.Type:
		return differ("backup type", string(m.Type), string(old.Type))
	case m.Prior != old.Prior:
		return differ("prior backup label", labelText(m.Prior), labelText(old.Prior))
	case m.Options.CompressType != old.Options.CompressType:
		return differ("compression", m.Options.CompressType, old.Options.CompressType)
	}
	return ""
}

func labelText(label string) string {
	if label == "" {
		return "<undef>"
	}
	return label
}

// clean removes from the directory of an interrupted backup all that a backup made now would not have put there, and marks the rest
// as resumed in the plan.
func (r *run) clean(ctx context.Context, old *format.Manifest) error {
	c := cleaner{run: r, old: old, kept: make([]bool, r.m.Files.Len()), paths: make(map[string]bool, len(r.m.Paths))}
	for _, p := range r.m.Paths {
		c.paths[p.Name] = true
	}
	if err := c.dir(ctx, ""); err != nil {
		return err
	}
	before := old.Files.Finder()
	for _, i := range r.todo.files {
		if !c.kept[i] {
			continue
		}
		f := r.m.Files.At(int(i))
		was, _ := before.Find(f.Name)
		f.Checksum, f.HasChecksum = was.Checksum, true
		f.RepoSize, f.RepoChecksum, f.HasRepoChecksum = was.RepoSize, was.RepoChecksum, was.HasRepoChecksum
		f.BlockMapSize = was.BlockMapSize
		f.PageChecksum, f.PageErrors = was.PageChecksum, was.PageErrors
		r.m.Files.Set(int(i), f)
	}
	return nil
}

// cleaner walks the directory of an interrupted backup.
type cleaner struct {
	run   *run
	old   *format.Manifest
	paths map[string]bool // of the new manifest
	kept  []bool          // files of the new manifest that can be kept
}

// dir cleans one directory, given as its name in the manifest. It first lists all that needs a look; most files stay as they are.
func (c *cleaner) dir(ctx context.Context, name string) error {
	tree := c.run.Repo.Storage()
	var entries []storage.Info
	err := tree.List(ctx, c.path(name), func(e storage.Info) error {
		if e.Type != storage.File || !c.keeps(path.Join(name, e.Name)) {
			entries = append(entries, e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b storage.Info) int { return strings.Compare(a.Name, b.Name) })
	for _, e := range entries {
		if err := c.entry(ctx, path.Join(name, e.Name), e.Type); err != nil {
			return err
		}
	}
	return nil
}

func (c *cleaner) entry(ctx context.Context, name string, t storage.Type) error {
	tree, logger, at := c.run.Repo.Storage(), c.run.Log, c.path(name)
	switch t {
	case storage.Dir:
		if c.paths[name] {
			return c.dir(ctx, name)
		}
		logger.Detail("remove path '%s' from resumed backup", at)
		return tree.RemoveAll(ctx, at)
	case storage.File:
		if name == repo.ManifestFile+repo.CopyExt {
			return nil
		}
		logger.Detail("remove file '%s' from resumed backup (%s)", at, c.useless(name))
	case storage.Special:
		logger.Warn("remove special file '%s' from resumed backup", at)
	}
	return tree.Remove(ctx, at)
}

func (c *cleaner) path(name string) string { return c.run.Repo.BackupPath(c.old.Label, name) }

// keeps notes that a stored file can be kept, if that is so.
func (c *cleaner) keeps(stored string) bool {
	if c.useless(stored) != "" {
		return false
	}
	name, _ := c.stored(stored)
	if i, found := c.run.m.Files.Search(name); found {
		c.kept[i] = true
	}
	return true
}

// useless says why a stored file cannot be kept, or "".
func (c *cleaner) useless(stored string) string {
	name, blocks := c.stored(stored)
	f := c.run.m.File(name)
	switch {
	case !blocks && filter.CompressionOf(stored) != c.run.Compression:
		return "mismatched compression type"
	case f != nil && f.Size > 0 && c.run.todo.bundled(f.Size):
		return "goes into a bundle"
	}
	return uselessFile(f, c.old.File(name), c.run.Delta)
}

// stored returns the name of the file that a stored file belongs to, and whether that is stored by blocks.
func (c *cleaner) stored(name string) (string, bool) {
	if cut, found := strings.CutSuffix(name, repo.BlockExt); found {
		if was := c.old.File(cut); was != nil && was.BlockMapSize > 0 {
			return cut, true
		}
	}
	return filter.StripExt(name), false
}

// uselessFile compares what is to be stored with what an interrupted backup has stored.
func uselessFile(f, was *format.File, delta bool) string {
	switch {
	case f == nil:
		return "missing in manifest"
	case was == nil:
		return "missing in resumed manifest"
	case !was.HasChecksum || was.BundleID != 0:
		return "no checksum in resumed manifest"
	case was.BlockMapSize > 0 && (f.BlockSize != was.BlockSize || f.BlockChecksumSize != was.BlockChecksumSize),
		was.BlockMapSize == 0 && f.BlockSize > 0:
		return "mismatched block size"
	case f.Size != was.Size:
		return "mismatched size"
	case !delta && f.Timestamp != was.Timestamp:
		return "mismatched timestamp"
	case f.Size == 0:
		return "zero size"
	}
	return ""
}
