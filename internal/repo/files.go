package repo

import (
	"bytes"
	"context"
	"io"
	"strconv"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/storage"
)

// FilePath returns where the content of a manifest's file is stored: in the backup it refers to, in a bundle or as a file of its
// own. A file of size zero need not be stored anywhere; see OpenFile.
func (r *Repo) FilePath(m *format.Manifest, f *format.File) (string, storage.Range) {
	label := m.Label
	if f.Reference != "" {
		label = f.Reference
	}
	if f.BundleID != 0 {
		bundle := r.BackupPath(label, BundleDir, strconv.FormatInt(f.BundleID, 10))
		return bundle, storage.Range{Offset: f.BundleOffset, Length: f.RepoSize}
	}
	if f.BlockMapSize > 0 {
		return r.BackupPath(label, f.Name+BlockExt), storage.Range{}
	}
	compression, _ := filter.ParseCompression(m.Options.CompressType)
	return r.BackupPath(label, f.Name+compression.Ext()), storage.Range{}
}

// FileSpec returns how the files of a backup are compressed and encrypted. Type, pass and framing are the same in a whole set, so
// they hold for files stored in earlier backups too. Only files in bundles may be raw.
func (r *Repo) FileSpec(m *format.Manifest) filter.Spec {
	compression, _ := filter.ParseCompression(m.Options.CompressType)
	spec := filter.Spec{Compression: compression, Pass: m.CipherPass}
	if m.Options.CompressLevel != nil {
		spec.Level = int(int32(uint32(*m.Options.CompressLevel))) // negative levels are stored as unsigned numbers
	}
	return spec
}

// OpenFile reads the plain content of a manifest's file, wherever it is stored. The content is not compared with the checksum of
// the manifest.
func (r *Repo) OpenFile(ctx context.Context, m *format.Manifest, f *format.File) (io.ReadCloser, error) {
	// Size comes first: an empty file may carry a reference although nothing was stored for it.
	if f.Size == 0 {
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	if f.BlockMapSize > 0 {
		return nil, errs.New(errs.FeatureNotSupported, "unable to read block incremental file '%s' of backup '%s'", f.Name, m.Label)
	}
	if f.BundleID != 0 && f.RepoSize <= 0 {
		return nil, errs.New(errs.Format, "file '%s' of backup '%s' has no size in its bundle", f.Name, m.Label)
	}
	if _, err := filter.ParseCompression(m.Options.CompressType); err != nil {
		return nil, err
	}
	spec := r.FileSpec(m)
	spec.Raw = f.BundleID != 0 && m.BundleRaw
	file, part := r.FilePath(m, f)
	return r.open(ctx, file, part, spec)
}
