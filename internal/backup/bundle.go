package backup

import (
	"context"
	"strconv"

	"holdfast/internal/format"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// storeNothing settles the files that are empty: a backup with bundles has nothing in the repository for them, not even a reference.
func (r *run) storeNothing() {
	if !r.m.Bundle {
		return
	}
	for i, f := range r.m.Files.All() {
		if f.Size == 0 {
			f.Checksum, f.HasChecksum = format.EmptySum, true
			r.m.Files.Set(i, f)
			r.Log.Detail("store zero-length file %s", clusterPath(r.cluster.Path, f.Name))
		}
	}
}

// bundleFile is the bundle that a worker writes. It is created when the first of its files has something to store, so that a bundle
// all of whose files turn out to be stored already never exists. To the files it is the Writer they go to.
type bundleFile struct {
	create func() (storage.Writer, error)
	file   storage.Writer // nil until created
	size   int64
}

// begin starts a bundle. Nothing is created yet.
func (b *bundleFile) begin(ctx context.Context, r *run, number int64) {
	at := r.Repo.BackupPath(r.m.Label, repo.BundleDir, strconv.FormatInt(number, 10))
	b.file, b.size = nil, 0
	b.create = func() (storage.Writer, error) { return r.Repo.Storage().Create(ctx, at, storage.CreateOptions{}) }
}

func (b *bundleFile) Write(p []byte) (n int, err error) {
	if b.file == nil {
		if b.file, err = b.create(); err != nil {
			return 0, err
		}
	}
	n, err = b.file.Write(p)
	b.size += int64(n)
	return n, err
}

// Close ends a file in the bundle, which goes on.
func (b *bundleFile) Close() error { return nil }

// Abort gives a file up. What was written of it is dropped with the bundle.
func (b *bundleFile) Abort() {}

// commit closes the bundle.
func (b *bundleFile) commit() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}

// drop gives the bundle up unless it was committed.
func (b *bundleFile) drop() {
	if b.file != nil {
		b.file.Abort()
		b.file = nil
	}
}
