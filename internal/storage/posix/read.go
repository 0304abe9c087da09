package posix

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
)

// Open reads a file, or the part of it that the range names.
func (p *Posix) Open(ctx context.Context, name string, r storage.Range) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errs.Because(errs.FileMissing, err, "unable to open missing file '%s' for read", name)
	case err != nil:
		return nil, failed(errs.FileOpen, err, "unable to open file '%s' for read", name)
	}
	if r.Offset > 0 {
		if _, err := f.Seek(r.Offset, io.SeekStart); err != nil {
			f.Close()
			return nil, failed(errs.FileOpen, err, "unable to seek to %d in file '%s'", r.Offset, name)
		}
	}
	return &reader{file: f, name: name, bounded: r.Length > 0, left: r.Length}, nil
}

type reader struct {
	file    *os.File
	name    string
	bounded bool
	left    int64
}

func (r *reader) Read(b []byte) (int, error) {
	if r.bounded {
		if r.left == 0 {
			return 0, io.EOF
		}
		b = b[:min(int64(len(b)), r.left)]
	}
	n, err := r.file.Read(b)
	r.left -= int64(n)
	if err != nil && err != io.EOF {
		err = failed(errs.FileRead, err, "unable to read '%s'", r.name)
	}
	return n, err
}

func (r *reader) Close() error {
	if err := r.file.Close(); err != nil {
		return failed(errs.FileClose, err, "unable to close file '%s' after read", r.name)
	}
	return nil
}
