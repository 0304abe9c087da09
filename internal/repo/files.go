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
	if err := r.checkWhole(m, f); err != nil {
		return nil, err
	}
	if f.Size == 0 {
		return nothing(), nil
	}
	file, part := r.FilePath(m, f)
	return r.open(ctx, file, part, r.storedSpec(m, f))
}

// nothing is the content of an empty file.
func nothing() io.ReadCloser { return io.NopCloser(bytes.NewReader(nil)) }

// checkWhole refuses a file that cannot be read from one end to the other. Its size comes first: an empty file may carry a reference
// although nothing was stored for it.
func (r *Repo) checkWhole(m *format.Manifest, f *format.File) error {
	switch {
	case f.Size == 0:
		return nil
	case f.BlockMapSize > 0:
		return errs.New(errs.FeatureNotSupported, "unable to read block incremental file '%s' of backup '%s'", f.Name, m.Label)
	case f.BundleID != 0 && f.RepoSize <= 0:
		return errs.New(errs.Format, "file '%s' of backup '%s' has no size in its bundle", f.Name, m.Label)
	}
	_, err := filter.ParseCompression(m.Options.CompressType)
	return err
}

// storedSpec returns how a whole file is stored. Only files in bundles may be raw.
func (r *Repo) storedSpec(m *format.Manifest, f *format.File) filter.Spec {
	spec := r.FileSpec(m)
	spec.Raw = f.BundleID != 0 && m.BundleRaw
	return spec
}
