package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"holdfast/internal/block"
	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// bufferSize is how much of a file is in memory at a time.
const bufferSize = 256 << 10

// worker restores one file after the other.
type worker struct {
	*run
	buffer []byte
	hash   *filter.Hash
	bundle *repo.Bundle // that the files at hand lie in, nil if in none
}

func newWorker(r *run) *worker {
	return &worker{run: r, buffer: make([]byte, bufferSize), hash: filter.NewHash()}
}

// begin prepares for the files of a job, which lie in one bundle unless there is only one.
func (w *worker) begin(job []*format.File) {
	w.close()
	w.bundle = nil
	if job[0].BundleID != 0 {
		w.bundle = w.repo.Bundle(w.manifest, job)
	}
}

// close closes what is open between files.
func (w *worker) close() {
	if w.bundle != nil {
		w.bundle.Close()
	}
}

// outcome is what was done with a file.
type outcome struct {
	copied bool
	zeroed bool
	kept   string // why the file that was there is good, for the log

	blocks  bool  // the file was put together from blocks
	patched bool  // on top of what was there
	fetched int64 // bytes of the blocks
}

// restore brings one file into the state of the backup.
func (w *worker) restore(ctx context.Context, f *format.File) (outcome, error) {
	if w.zeroed(f.Name) {
		return outcome{zeroed: true}, w.makeSparse(ctx, f)
	}
	var have []block.Sum
	if w.Delta {
		kept, sums, err := w.keep(ctx, f)
		if err != nil || kept != "" {
			return outcome{kept: kept}, err
		}
		have = sums
	}
	if f.BlockMapSize > 0 && f.Size > 0 {
		return w.restoreBlocks(ctx, f, have)
	}
	return outcome{copied: true}, w.copyFile(ctx, f)
}

// open reads a file from the repository.
func (w *worker) open(ctx context.Context, f *format.File) (io.ReadCloser, error) {
	if w.bundle != nil {
		return w.bundle.Open(ctx, f)
	}
	return w.repo.OpenFile(ctx, w.manifest, f)
}

func (w *worker) createOptions(f *format.File) storage.CreateOptions {
	o := storage.CreateOptions{Mode: fs.FileMode(f.Mode), ModTime: time.Unix(f.Timestamp, 0)}
	o.UID, o.GID = w.owners.ids(f.User, f.Group)
	return o
}

// copyFile writes a file from the repository and compares what was written with the checksum of the backup.
func (w *worker) copyFile(ctx context.Context, f *format.File) error {
	at := w.fileOf(f.Name)
	in, err := w.open(ctx, f)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := w.Tree.Create(ctx, at, w.createOptions(f))
	if err != nil {
		return err
	}
	defer out.Abort()
	w.hash.Reset()
	if _, err := io.CopyBuffer(io.MultiWriter(out, w.hash), struct{ io.Reader }{in}, w.buffer); err != nil {
		return fmt.Errorf("restore '%s': %w", at, err)
	}
	if sum := format.Sum(w.hash.Sum()); f.Size > 0 && sum != f.Checksum {
		return wrongSum(at, sum, f)
	}
	return out.Close()
}

func wrongSum(at string, sum format.Sum, f *format.File) error {
	return errs.New(errs.Checksum, "error restoring '%s': actual checksum '%s' does not match expected checksum '%s'", at, sum, f.Checksum)
}

// makeSparse makes a file of the right size with nothing in it.
func (w *worker) makeSparse(ctx context.Context, f *format.File) error {
	at := w.fileOf(f.Name)
	out, err := w.Tree.Create(ctx, at, w.createOptions(f))
	if err != nil {
		return err
	}
	defer out.Abort()
	if err := out.Close(); err != nil {
		return err
	}
	if f.Size == 0 {
		return nil
	}
	if err := w.Tree.Truncate(ctx, at, f.Size); err != nil {
		return err
	}
	return w.Tree.Chtimes(ctx, at, time.Unix(f.Timestamp, 0))
}

// keep decides whether the file that is there will do, and returns why, or "" if it must be restored. Of a file that is stored in
// blocks the checksums of those that are there come along.
func (w *worker) keep(ctx context.Context, f *format.File) (string, []block.Sum, error) {
	at := w.fileOf(f.Name)
	info, err := w.follow(ctx, at)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	// Cleaning has put owner and mode right, but not of files behind links.
	if !w.fits(info, f) {
		return "", nil, nil
	}
	modified := info.ModTime.Unix()
	if w.Force {
		// A file changed after the backup began to copy may have got its old time back by accident.
		if info.Size == f.Size && modified == f.Timestamp && modified < w.manifest.TimestampCopyStart {
			return fmt.Sprintf(" - exists and matches size %d and modification time %d", f.Size, f.Timestamp), nil, nil
		}
		return "", nil, nil
	}
	if info.Size < f.Size && (f.BlockMapSize == 0 || info.Size == 0) {
		return "", nil, nil
	}
	if info.Size > f.Size {
		if err := w.Tree.Truncate(ctx, at, f.Size); err != nil {
			return "", nil, err
		}
		modified = -1
	}
	kept := " - exists and is zero size"
	if f.Size > 0 {
		sum, blocks, err := w.sum(ctx, at, f)
		if err != nil || sum != f.Checksum {
			return "", blocks, err
		}
		kept = " - exists and matches backup"
	}
	if modified != f.Timestamp {
		return kept, nil, w.Tree.Chtimes(ctx, at, time.Unix(f.Timestamp, 0))
	}
	return kept, nil, nil
}

// sum returns the checksum of a file that is there, and those of its blocks if it is stored in blocks.
func (w *worker) sum(ctx context.Context, at string, f *format.File) (format.Sum, []block.Sum, error) {
	in, err := w.Tree.Open(ctx, at, storage.Range{})
	if err != nil {
		return format.Sum{}, nil, err
	}
	defer in.Close()
	w.hash.Reset()
	var blocks []block.Sum
	if f.BlockMapSize > 0 {
		blocks, err = block.Sums(io.TeeReader(in, w.hash), f.BlockSize, f.BlockChecksumSize)
	} else {
		_, err = io.CopyBuffer(w.hash, struct{ io.Reader }{in}, w.buffer)
	}
	return format.Sum(w.hash.Sum()), blocks, err
}
