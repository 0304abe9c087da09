package repo

import (
	"bufio"
	"context"
	"io"

	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/storage"
)

// manifestBuffer joins the many small writes of an encoder.
const manifestBuffer = 64 << 10

// LoadManifest reads the manifest of a backup, or its copy when the manifest is damaged. It does not say whether the backup is
// complete; see ManifestExists.
func (r *Repo) LoadManifest(ctx context.Context, label, pass string) (*format.Manifest, error) {
	return load(ctx, r, "backup manifest file", r.BackupPath(label, ManifestFile), pass, format.DecodeManifest)
}

// LoadManifestCopy reads only the copy: all that an unfinished backup has.
func (r *Repo) LoadManifestCopy(ctx context.Context, label, pass string) (*format.Manifest, error) {
	return loadOne(ctx, r, r.BackupPath(label, ManifestFile+CopyExt), pass, format.DecodeManifest)
}

// SaveManifestCopy writes the copy of a manifest, the record of a backup in progress.
func (r *Repo) SaveManifestCopy(ctx context.Context, m *format.Manifest, pass string) error {
	file := r.BackupPath(m.Label, ManifestFile+CopyExt)
	return r.write(ctx, file, filter.Spec{Pass: pass}, r.signed(m).Encode)
}

// CommitManifest makes a backup complete: it writes the final copy, makes the manifest from the very same bytes, and keeps another
// one in the history. Once the second step is done the backup exists.
func (r *Repo) CommitManifest(ctx context.Context, m *format.Manifest, pass string) error {
	if err := r.SaveManifestCopy(ctx, m, pass); err != nil {
		return err
	}
	manifest := r.BackupPath(m.Label, ManifestFile)
	if err := r.duplicate(ctx, manifest+CopyExt, manifest); err != nil {
		return err
	}
	return r.saveHistory(ctx, m, pass)
}

// saveHistory writes the manifest that outlives its backup. It is always gzip at its strongest, whatever the backup uses.
func (r *Repo) saveHistory(ctx context.Context, m *format.Manifest, pass string) error {
	file := r.historyPath(m.Label)
	spec := filter.Spec{Compression: filter.Gz, Level: 9, Pass: pass}
	if err := r.write(ctx, file, spec, r.signed(m).Encode); err != nil {
		return err
	}
	// The year directory was synced with the file; its own entry may be new.
	return r.cfg.Storage.SyncDir(ctx, r.BackupPath(HistoryDir))
}

// historyPath is where the history keeps the manifest of a backup. The year is that of the full.
func (r *Repo) historyPath(label string) string {
	return r.BackupPath(HistoryDir, label[:min(4, len(label))], label+HistoryExt)
}

// signed returns the manifest with the version of this program.
func (r *Repo) signed(m *format.Manifest) *format.Manifest {
	signed := *m
	r.sign(&signed.Program)
	return &signed
}

// ManifestExists reports whether a backup is complete.
func (r *Repo) ManifestExists(ctx context.Context, label string) (bool, error) {
	return storage.Exists(ctx, r.cfg.Storage, r.BackupPath(label, ManifestFile))
}

// ManifestCopyExists reports whether a backup has the copy of a manifest.
func (r *Repo) ManifestCopyExists(ctx context.Context, label string) (bool, error) {
	return storage.Exists(ctx, r.cfg.Storage, r.BackupPath(label, ManifestFile+CopyExt))
}

// write stores what encode produces, so that the file appears whole or not at all.
func (r *Repo) write(ctx context.Context, file string, spec filter.Spec, encode func(io.Writer) error) error {
	w, err := r.cfg.Storage.Create(ctx, file, storage.CreateOptions{Atomic: true})
	if err != nil {
		return err
	}
	defer w.Abort()
	err = encodeTo(w, spec, func(filtered io.Writer) error {
		buffered := bufio.NewWriterSize(filtered, manifestBuffer)
		if err := encode(buffered); err != nil {
			return err
		}
		return buffered.Flush()
	})
	if err != nil {
		return err
	}
	return w.Close()
}

// duplicate copies a stored file byte for byte.
func (r *Repo) duplicate(ctx context.Context, from, to string) error {
	src, err := r.cfg.Storage.Open(ctx, from, storage.Range{})
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := r.cfg.Storage.Create(ctx, to, storage.CreateOptions{Atomic: true})
	if err != nil {
		return err
	}
	defer dst.Abort()
	if _, err := io.Copy(dst, src); err != nil {
		return err
	}
	return dst.Close()
}
