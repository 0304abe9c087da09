package posix

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"golang.org/x/sys/unix"

	"holdfast/internal/errs"
)

// removeBatch is how many bytes of names are held at a time for each directory on the way down while a tree is removed.
const removeBatch = 32 << 10

// Remove deletes a file or link.
func (p *Posix) Remove(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := retry(func() error { return unix.Unlink(name) })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed(errs.FileRemove, err, "unable to remove '%s'", name)
	}
	return nil
}

// RemoveAll deletes a directory with everything below it. What another process removes meanwhile is fine.
func (p *Posix) RemoveAll(ctx context.Context, dir string) error {
	buf, ok := p.names.Get().(*[removeBatch]byte)
	if !ok {
		buf = new([removeBatch]byte)
	}
	defer p.names.Put(buf)
	return (&removal{ctx: ctx, buf: buf[:]}).tree(unix.AT_FDCWD, dir, dir, 0)
}

// removal is one call of RemoveAll. Its methods find a name from the open directory above it: the system needs half the time of what
// a long path takes. The path is for messages.
type removal struct {
	ctx context.Context
	buf []byte
}

// tree removes a directory. Entries that disappear while it is read make some file systems skip others: it is empty when the system
// agrees to remove it.
func (r *removal) tree(at int, name, dir string, flags int) error {
	for {
		found, err := r.content(at, name, dir, flags)
		if errs.Is(err, errs.PathMissing) {
			return nil
		}
		if err != nil {
			return err
		}
		err = retry(func() error { return unix.Unlinkat(at, name, unix.AT_REMOVEDIR) })
		switch {
		case err == nil, errors.Is(err, fs.ErrNotExist):
			return nil
		case !found || !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.EEXIST):
			return failed(errs.PathRemove, err, "unable to remove path '%s'", dir)
		}
	}
}

// content removes the entries of a directory, in one reading, and reports whether there were any.
func (r *removal) content(at int, name, dir string, flags int) (bool, error) {
	fd, err := openAt(at, name, dir, flags)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	var names []string
	for found := false; ; found = found || len(names) > 0 {
		if err := r.ctx.Err(); err != nil {
			return found, err
		}
		n := 0
		err := retry(func() (err error) { n, err = unix.ReadDirent(fd, r.buf); return err })
		if err != nil {
			return found, failed(errs.PathOpen, err, "unable to list file info for path '%s'", dir)
		}
		if n <= 0 {
			return found, nil
		}
		_, _, names = unix.ParseDirent(r.buf[:n], -1, names[:0])
		for _, name := range names {
			if err := r.entry(fd, name, dir); err != nil {
				return true, err
			}
		}
	}
}

// entry unlinks first: most entries are files, and a link to a directory must not be followed.
func (r *removal) entry(at int, name, dir string) error {
	err := retry(func() error { return unix.Unlinkat(at, name, 0) })
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, unix.EISDIR), errors.Is(err, unix.EPERM):
		var st unix.Stat_t
		statErr := retry(func() error { return unix.Fstatat(at, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
		if statErr == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
			return r.tree(at, name, path.Join(dir, name), unix.O_NOFOLLOW)
		}
	}
	return failed(errs.PathRemove, err, "unable to remove path/file '%s'", path.Join(dir, name))
}

// openAt opens a directory for reading, by its name in the one open as at, or by its path.
func openAt(at int, name, dir string, flags int) (int, error) {
	fd := -1
	err := retry(func() (err error) {
		fd, err = unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|flags, 0)
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return -1, errs.Because(errs.PathMissing, err, "unable to list file info for missing path '%s'", dir)
	case err != nil:
		return -1, failed(errs.PathOpen, err, "unable to list file info for path '%s'", dir)
	}
	return fd, nil
}
