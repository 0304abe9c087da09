package posix

import (
	"cmp"
	"context"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
)

// Patch opens a file to write parts of it.
func (p *Posix) Patch(ctx context.Context, name string, size int64, o storage.CreateOptions) (storage.Patch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o.Mode = cmp.Or(o.Mode, p.fileMode) & modeBits
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, o.Mode.Perm())
	if err != nil {
		return nil, failed(errs.FileOpen, err, "unable to open file '%s' for write", name)
	}
	w := &patch{w: writer{file: f, name: name, temp: name, options: o}}
	err = w.w.setOwnerAndMode()
	if err == nil {
		err = w.setSize(size)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return w, nil
}

// patch is a file of which parts are written. It is committed as any other, but never removed: the rest of it was there before.
type patch struct{ w writer }

// setSize cuts or extends the file unless it has that size already.
func (p *patch) setSize(size int64) error {
	fd := int(p.w.file.Fd())
	var st unix.Stat_t
	err := retry(func() error { return unix.Fstat(fd, &st) })
	if err == nil && st.Size != size {
		err = retry(func() error { return unix.Ftruncate(fd, size) })
	}
	if err != nil {
		return failed(errs.FileWrite, err, "unable to truncate '%s' to %d bytes", p.w.name, size)
	}
	return nil
}

func (p *patch) WriteAt(b []byte, at int64) (int, error) {
	if p.w.file == nil {
		return 0, errs.Wrap(errs.FileWrite, fs.ErrClosed, "unable to write '%s'", p.w.name)
	}
	n, err := p.w.file.WriteAt(b, at)
	if err != nil {
		return n, failed(errs.FileWrite, err, "unable to write '%s'", p.w.name)
	}
	return n, nil
}

func (p *patch) Close() error {
	if p.w.file == nil {
		return errs.Wrap(errs.FileClose, fs.ErrClosed, "unable to close file '%s' after write", p.w.name)
	}
	err := p.w.commit()
	p.Abort()
	return err
}

func (p *patch) Abort() {
	if p.w.file != nil {
		p.w.file.Close()
		p.w.file = nil
	}
}
