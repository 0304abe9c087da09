package repo

import (
	"context"
	"io"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/storage"
)

// Pair is what was found when a file that exists twice was looked at file by file, for those who want to know about the second one
// even though the first will do.
type Pair[T any] struct {
	Value  T     // of the file or else of its copy
	Main   error // why the file cannot be used
	Copy   error // why its copy cannot be used, or not even be read
	Differ bool  // both can be read and are not the same
}

// Usable reports whether Value is set.
func (p Pair[T]) Usable() bool { return p.Main == nil || p.Copy == nil }

// ExamineArchiveInfo reads archive.info and its copy.
func (r *Repo) ExamineArchiveInfo(ctx context.Context) (Pair[*format.ArchiveInfo], error) {
	return examine(ctx, r, r.ArchivePath(ArchiveInfoFile), r.pass(), format.DecodeArchiveInfo)
}

// ExamineBackupInfo reads backup.info and its copy.
func (r *Repo) ExamineBackupInfo(ctx context.Context) (Pair[*format.BackupInfo], error) {
	return examine(ctx, r, r.BackupPath(BackupInfoFile), r.pass(), format.DecodeBackupInfo)
}

// ExamineManifest reads the manifest of a backup and its copy.
func (r *Repo) ExamineManifest(ctx context.Context, label, pass string) (Pair[*format.Manifest], error) {
	return examine(ctx, r, r.BackupPath(label, ManifestFile), pass, format.DecodeManifest)
}

// examine fails only when it is cancelled. The copy of a sound file is compared but not decoded, since a manifest can be large.
func examine[T any](ctx context.Context, r *Repo, file, pass string, decode func(io.Reader) (T, error)) (p Pair[T], err error) {
	spec := filter.Spec{Pass: pass}
	var main, second format.Sum
	p.Value, main, p.Main = loadSum(ctx, r, file, spec, decode)
	if p.Main != nil {
		p.Value, _, p.Copy = loadSum(ctx, r, file+CopyExt, spec, decode)
		return p, ctx.Err()
	}
	ignore := func(io.Reader) (struct{}, error) { return struct{}{}, nil }
	_, second, p.Copy = loadSum(ctx, r, file+CopyExt, spec, ignore)
	p.Differ = p.Copy == nil && main != second
	return p, ctx.Err()
}

// loadSum reads one of two files and computes the checksum of its plain content on the way.
func loadSum[T any](ctx context.Context, r *Repo, file string, spec filter.Spec, decode func(io.Reader) (T, error)) (
	value T, sum format.Sum, err error,
) {
	src, err := r.open(ctx, file, storage.Range{}, spec)
	if err != nil {
		return value, sum, err
	}
	defer src.Close()
	hash := filter.NewHash()
	in := io.TeeReader(src, hash)
	if value, err = decode(in); err == nil {
		_, err = io.Copy(io.Discard, in)
	}
	if err != nil {
		return value, sum, encryptionHint(err)
	}
	return value, hash.Sum(), nil
}

// CheckInfo makes sure that the two info files of a stanza speak of the same cluster.
func CheckInfo(archive *format.ArchiveInfo, backup *format.BackupInfo) error {
	a, b := archive.DB, backup.DB
	if a.ID == b.ID && a.SystemID == b.SystemID && a.Version == b.Version {
		return nil
	}
	return errs.New(errs.FileInvalid, "backup info file and archive info file do not match\n"+
		"archive: id = %d, version = %s, system-id = %d\nbackup : id = %d, version = %s, system-id = %d",
		a.ID, a.Version, a.SystemID, b.ID, b.Version, b.SystemID).
		Hint("this may be a symptom of repository corruption!")
}

// SameHistory reports whether the clusters in archive.info are the newest ones of backup.info.
func SameHistory(archive *format.ArchiveInfo, backup *format.BackupInfo) bool {
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
