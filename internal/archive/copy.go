package archive

import (
	"context"
	"errors"
	"io"
	"path"
	"regexp"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// readStart reads the first n bytes of a file, which must be there.
func readStart(ctx context.Context, s storage.Storage, path string, n int) ([]byte, error) {
	r, err := s.Open(ctx, path, storage.Range{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errs.New(errs.FileRead, "unable to read %d byte(s) from '%s'", n, path)
	}
	return b, err
}

// hash returns the SHA-1 of the file to push.
func (p *push) hash(ctx context.Context) (format.Sum, error) {
	h := filter.NewHash()
	err := p.read(ctx, h)
	return format.Sum(h.Sum()), err
}

// read copies the file to push to w.
func (p *push) read(ctx context.Context, w io.Writer) error {
	r, err := p.Local.Open(ctx, p.file, storage.Range{})
	if err != nil {
		return err
	}
	defer r.Close()
	buffer := p.pieces.take()
	defer p.pieces.give(buffer)
	_, err = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, buffer.bytes[:])
	return err
}

// send writes what comes out of a pack to all targets. A target that fails is remembered and left behind.
func (p *push) send(ctx context.Context, stored string, k *pack) error {
	out := &fanOut{}
	defer out.abort()
	for _, t := range p.missing {
		b, err := openBranch(ctx, t, stored)
		if err != nil {
			p.failed.add(t.repo, err)
			continue
		}
		out.branches = append(out.branches, b)
	}
	if len(out.branches) == 0 {
		return nil
	}
	// What could not be written any more has failed in all branches, which say so themselves.
	if err := k.finish(out); err != nil && !errors.Is(err, errAllFailed) {
		return err
	}
	for _, b := range out.branches {
		if err := b.commit(); err != nil {
			p.failed.add(b.target.repo, err)
		}
	}
	return nil
}

// errAllFailed ends a copy that has nowhere to go any more.
var errAllFailed = errors.New("every repository failed")

// fanOut writes the same bytes to several branches.
type fanOut struct{ branches []*branch }

func (f *fanOut) Write(p []byte) (int, error) {
	alive := false
	for _, b := range f.branches {
		if b.err == nil {
			_, b.err = b.encrypt.Write(p)
		}
		alive = alive || b.err == nil
	}
	if !alive {
		return 0, errAllFailed
	}
	return len(p), nil
}

func (f *fanOut) abort() {
	for _, b := range f.branches {
		b.file.Abort()
	}
}

// branch is the file in one repository.
type branch struct {
	target  target
	file    storage.Writer
	encrypt io.WriteCloser
	err     error
}

func openBranch(ctx context.Context, t target, stored string) (*branch, error) {
	if err := settleDirs(ctx, t.repo, t.repo.ArchiveDir(t.archiveID, stored)); err != nil {
		return nil, err
	}
	file, err := t.repo.Storage().Create(ctx, t.repo.ArchiveFile(t.archiveID, stored), storage.CreateOptions{Atomic: true})
	if err != nil {
		return nil, err
	}
	encrypt, err := filter.NewWriter(file, filter.Spec{Pass: t.pass})
	if err != nil {
		file.Abort()
		return nil, err
	}
	return &branch{target: t, file: file, encrypt: encrypt}, nil
}

// settleDirs makes sure of a directory that has no file yet: whoever made it may have been killed before its name, or that of the
// directory above it, was durable. The first file says that somebody has seen to that. A directory that is missing is made durable with
// the file.
func settleDirs(ctx context.Context, r *repo.Repo, dir string) error {
	files, err := storage.Names(ctx, r.Storage(), dir, storedFile)
	if err != nil || len(files) > 0 {
		return err
	}
	for above := path.Dir(dir); len(above) >= len(r.ArchivePath()); above = path.Dir(above) {
		if err := r.Storage().SyncDir(ctx, above); err != nil && !errs.Is(err, errs.PathMissing) {
			return err
		}
	}
	return nil
}

// storedFile matches what is complete in a directory of the archive: segments and backup labels, but no temporary file, and timeline
// history.
var storedFile = regexp.MustCompile(`^[0-9A-F]{24}.*[^p]$|\.history$`)

// commit makes the file durable.
func (b *branch) commit() error {
	if b.err != nil {
		return b.err
	}
	if err := b.encrypt.Close(); err != nil {
		return err
	}
	return b.file.Close()
}
