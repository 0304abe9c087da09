package repo

import (
	"context"
	"io"
	"slices"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
)

// bundleGap is how many bytes between two files of a bundle are rather read over than avoided by opening it anew.
const bundleGap = 64 << 10

// Bundle reads files that lie in one bundle. What is asked for in the order in which it lies there is read through one open file.
// It is used by one goroutine.
type Bundle struct {
	repo  *Repo
	m     *format.Manifest
	files []*format.File
	next  int // of the files, where to look for the next one

	in      io.ReadCloser // nil: not open
	at, end int64         // what is open: next byte, and where it ends
}

// Bundle returns a reader for files of one bundle, which are in the order in which they lie there. Nothing is opened yet.
func (r *Repo) Bundle(m *format.Manifest, files []*format.File) *Bundle {
	return &Bundle{repo: r, m: m, files: files}
}

// Open reads the plain content of one of the files as OpenFile does. It must be closed before the next one is opened.
func (b *Bundle) Open(ctx context.Context, f *format.File) (io.ReadCloser, error) {
	if err := b.repo.checkWhole(b.m, f); err != nil {
		return nil, err
	}
	if f.Size == 0 {
		return nothing(), nil
	}
	if err := b.seek(ctx, f); err != nil {
		return nil, err
	}
	return filter.NewReader(io.LimitReader(bundleStream{b}, f.RepoSize), b.repo.storedSpec(b.m, f))
}

// seek brings the open file to where a file begins, or opens another stretch of the bundle.
func (b *Bundle) seek(ctx context.Context, f *format.File) error {
	if gap := f.BundleOffset - b.at; b.in != nil && gap >= 0 && gap <= bundleGap && f.BundleOffset+f.RepoSize <= b.end {
		_, err := io.CopyN(io.Discard, bundleStream{b}, gap)
		if err == io.EOF {
			err = errs.New(errs.FileRead, "bundle of '%s' ends early", f.Name)
		}
		return err
	}
	b.Close()
	file, part := b.repo.FilePath(b.m, f)
	b.at, b.end = f.BundleOffset, b.stretch(f)
	part.Length = b.end - b.at
	in, err := b.repo.cfg.Storage.Open(ctx, file, part)
	if err != nil {
		return err
	}
	b.in = in
	return nil
}

// stretch returns where the files that can be read together with f end.
func (b *Bundle) stretch(f *format.File) int64 {
	end := f.BundleOffset + f.RepoSize
	if i := slices.Index(b.files[b.next:], f); i > 0 {
		b.next += i
	} else if i < 0 {
		b.next = max(0, slices.Index(b.files, f))
	}
	for _, next := range b.files[b.next+1:] {
		if next.BlockMapSize > 0 || next.Size == 0 {
			continue
		}
		if next.BundleOffset < end || next.BundleOffset > end+bundleGap {
			break
		}
		end = next.BundleOffset + next.RepoSize
	}
	return end
}

// Close closes what is open. The bundle can still be read from.
func (b *Bundle) Close() {
	if b.in != nil {
		b.in.Close()
		b.in = nil
	}
}

// bundleStream counts what is read from the open file.
type bundleStream struct{ b *Bundle }

func (s bundleStream) Read(p []byte) (int, error) {
	n, err := s.b.in.Read(p)
	s.b.at += int64(n)
	return n, err
}
