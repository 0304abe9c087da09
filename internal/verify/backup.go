package verify

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/repo"
)

// runLimit is how much of a bundle one job reads at most, unless it is a single file.
const runLimit = 8 << 20

type manifestPair = repo.Pair[*format.Manifest]

// backupJobs generates the jobs for one backup. It reports false if no more are wanted.
func (v *run) backupJobs(ctx context.Context, label string, yield func(*job) bool) (bool, error) {
	b := &Backup{Label: label, Status: Valid}
	v.result.Backups = append(v.result.Backups, b)
	m, err := v.manifest(ctx, b)
	if err != nil || m == nil {
		return err == nil, err
	}
	v.settle()
	v.mu.Lock()
	v.read[label] = true
	b.Total = m.Files.Len()
	v.mu.Unlock()
	w := &walk{run: v, backup: b, manifest: m}
	return w.jobs(ctx, yield)
}

// manifest loads the manifest of a backup. It returns nil if there is none, or none that is worth following.
func (v *run) manifest(ctx context.Context, b *Backup) (*format.Manifest, error) {
	if progress, err := v.inProgress(ctx, b); progress || err != nil {
		return nil, err
	}
	var pair manifestPair
	if v.chosen != nil && b.Label == v.Set {
		pair = *v.chosen
		v.chosen = nil
	} else {
		var err error
		if pair, err = v.Repo.ExamineManifest(ctx, b.Label, v.backups.CipherPass); err != nil {
			return nil, err
		}
	}
	v.tellManifest(b.Label, pair)
	switch {
	case !pair.Usable() && errs.Is(pair.Main, errs.FileMissing) && errs.Is(pair.Copy, errs.FileMissing):
		v.Log.Detail("manifest missing for '%s' - backup may have expired", b.Label)
		b.Status = ManifestMissing
		return nil, nil
	case pair.Usable() && v.acceptable(b, pair.Value):
		return pair.Value, nil
	}
	b.Status = Invalid
	v.fail()
	return nil, nil
}

// inProgress recognises a backup that is being made: the newest there is, not listed, and without its manifest.
func (v *run) inProgress(ctx context.Context, b *Backup) (bool, error) {
	if b.Label != v.labels[len(v.labels)-1] || v.listed(b.Label) {
		return false, nil
	}
	complete, err := v.Repo.ManifestExists(ctx, b.Label)
	if complete || err != nil && !errors.Is(err, fs.ErrPermission) {
		return false, err
	}
	if err != nil {
		return false, nil // what cannot be read will be told by whoever reads it
	}
	v.Log.Detail("unable to open missing file '%s' for read", v.Repo.BackupPath(b.Label, repo.ManifestFile))
	v.Log.Info("backup '%s' appears to be in progress, skipping", b.Label)
	b.Status = InProgress
	return true, nil
}

func (v *run) tellManifest(label string, pair manifestPair) {
	place := "<REPO:BACKUP>/" + label + "/" + repo.ManifestFile
	v.tellUnusable(pair.Main, place)
	v.tellUnusable(pair.Copy, place+repo.CopyExt)
	switch {
	case pair.Differ:
		v.Log.Detail("backup '%s' manifest.copy does not match manifest", label)
	case pair.Main != nil && pair.Copy == nil:
		v.Log.Detail("%s/%s is missing or unusable, using copy", label, repo.ManifestFile)
	}
}

// acceptable reports whether a manifest is of this backup, of a cluster of this stanza, and not empty.
func (v *run) acceptable(b *Backup, m *format.Manifest) bool {
	known := slices.ContainsFunc(v.backups.History, func(d format.BackupDB) bool {
		return d.ID == m.DB.ID && d.Version == m.DB.Version && d.SystemID == m.DB.SystemID
	})
	switch {
	case m.Label != b.Label:
		v.Log.Info("'%s' may not be recoverable - manifest is of backup '%s', skipping", b.Label, m.Label)
	case !known:
		v.Log.Info("'%s' may not be recoverable - PG data (id %d, version %s, system-id %d) is not in the backup.info history, skipping",
			b.Label, m.DB.ID, m.DB.Version, m.DB.SystemID)
	case m.Files.Len() == 0:
		v.Log.Info("backup '%s' manifest does not contain any target files to verify", b.Label)
	default:
		return true
	}
	return false
}

// walk goes through a manifest.
type walk struct {
	*run
	backup   *Backup
	manifest *format.Manifest
	bundled  []place
	holders  map[string]uint32 // numbers of the backups
}

// jobs generates the jobs for files stored one by one, in the order of the manifest, and then for bundles as they lie in the
// repository.
func (w *walk) jobs(ctx context.Context, yield func(*job) bool) (bool, error) {
	for i, f := range w.manifest.Files.All() {
		switch {
		case w.decided(&f):
		case f.BundleID != 0:
			w.bundled = append(w.bundled, w.place(i, &f))
		default:
			before, err := w.blocks(ctx, &f)
			if err != nil {
				return false, err
			}
			if !yield(w.job([]*format.File{&f}, before)) {
				return false, nil
			}
		}
	}
	return w.bundles(ctx, yield)
}

// decided counts a file for which nothing has to be read: an empty one that was never stored, or one that was read as part of
// the backup it was stored by.
func (w *walk) decided(f *format.File) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := good
	switch {
	case f.Size == 0 && f.BundleID == 0 && w.manifest.Bundle:
	case f.Reference != "" && w.read[f.Reference]:
		found = w.broken[f.Reference][f.Name]
	default:
		return false
	}
	w.count(w.backup, found)
	return true
}

// blocks looks at what a block incremental file takes from earlier backups: it can be no better than that.
func (w *walk) blocks(ctx context.Context, f *format.File) (verdict, error) {
	if f.BlockMapSize == 0 {
		return good, nil
	}
	for i, label := range w.manifest.References {
		w.mu.Lock()
		found := w.broken[label][f.Name]
		w.mu.Unlock()
		if found == good || label == w.backup.Label || label == f.Reference {
			continue
		}
		bm, err := w.Repo.LoadMap(ctx, w.manifest, f)
		if err != nil {
			return good, ctx.Err() // the file itself is damaged, which will be found when it is read
		}
		for _, b := range bm.Blocks {
			if b.Reference == i {
				return found, nil
			}
		}
	}
	return good, nil
}

// place is where a file lies in a bundle.
type place struct {
	file   uint32 // index in the manifest
	holder uint32 // number of the backup
	bundle int64
	offset int64
}

func (w *walk) place(i int, f *format.File) place {
	if w.holders == nil {
		w.holders = map[string]uint32{}
		for n, label := range w.manifest.References {
			w.holders[label] = uint32(n + 1)
		}
	}
	return place{uint32(i), w.holders[f.Reference], f.BundleID, f.BundleOffset}
}

// maxRun is how many files one job has at most, since all of them are in memory.
const maxRun = 10_000

// bundles generates jobs for runs of neighbours.
func (w *walk) bundles(ctx context.Context, yield func(*job) bool) (bool, error) {
	slices.SortFunc(w.bundled, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.holder, b.holder), cmp.Compare(a.bundle, b.bundle), cmp.Compare(a.offset, b.offset),
			cmp.Compare(a.file, b.file))
	})
	var near []*format.File
	length := int64(0)
	for _, p := range w.bundled {
		f := w.manifest.Files.At(int(p.file))
		if n := len(near); n > 0 && (n == maxRun || !follows(near[n-1], &f) || length+f.RepoSize > runLimit) {
			if more, err := w.neighbours(ctx, near, yield); err != nil || !more {
				return false, err
			}
			near, length = nil, 0
		}
		near, length = append(near, &f), length+f.RepoSize
	}
	if len(near) == 0 {
		return true, nil
	}
	return w.neighbours(ctx, near, yield)
}

// neighbours generates the job for one run.
func (w *walk) neighbours(ctx context.Context, files []*format.File, yield func(*job) bool) (bool, error) {
	j := w.job(files, good)
	for i, f := range files {
		before, err := w.blocks(ctx, f)
		if err != nil {
			return false, err
		}
		j.files[i].before = before
	}
	return yield(j), nil
}

// follows reports whether b lies directly behind a.
func follows(a, b *format.File) bool {
	return a.Reference == b.Reference && a.BundleID == b.BundleID && a.BundleOffset+a.RepoSize == b.BundleOffset && a.RepoSize > 0 &&
		b.RepoSize > 0
}

// job makes the job for files that lie in one stored file.
func (w *walk) job(files []*format.File, before verdict) *job {
	at, _ := w.Repo.FilePath(w.manifest, files[0])
	j := &job{path: at, backup: w.backup, stored: files[0].Reference == "", files: make([]part, len(files))}
	for i, f := range files {
		_, lies := w.Repo.FilePath(w.manifest, f)
		p := part{name: f.Name, lies: lies, before: before, absent: f.Size == 0 && f.Reference != ""}
		if f.HasRepoChecksum {
			p.sum, p.size = f.RepoChecksum, f.RepoSize
		} else {
			p.sum, p.size = f.Checksum, f.Size
			p.spec = w.Repo.FileSpec(w.manifest)
			p.spec.Raw = f.BundleID != 0 && w.manifest.BundleRaw
			p.decode = p.spec.Compression != filter.None || p.spec.Pass != ""
		}
		j.files[i] = p
	}
	return j
}
