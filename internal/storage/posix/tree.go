package posix

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/internal/errs"
)

// MakeDir creates a directory and, with parents, those above it.
func (p *Posix) MakeDir(ctx context.Context, dir string, mode fs.FileMode, parents bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	mode = cmp.Or(mode, p.dirMode)
	if parents {
		return p.makeDirs(dir, mode, false)
	}
	if err := makeDir(dir, mode); err != nil {
		return failed(errs.PathCreate, err, "unable to create path '%s'", dir)
	}
	return nil
}

// makeDirs creates what is missing on the way to dir. With sync the new entries are durable.
func (p *Posix) makeDirs(dir string, mode fs.FileMode, sync bool) error {
	err := makeDir(dir, mode)
	if errors.Is(err, fs.ErrNotExist) && path.Dir(dir) != dir {
		if err := p.makeDirs(path.Dir(dir), mode, sync); err != nil {
			return err
		}
		err = makeDir(dir, mode)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		if info, statErr := os.Stat(dir); statErr == nil && info.IsDir() {
			return nil
		}
		fallthrough
	case err != nil:
		return failed(errs.PathCreate, err, "unable to create path '%s'", dir)
	case sync:
		return syncDir(path.Dir(dir))
	}
	return nil
}

// makeDir creates one directory with exactly that mode. The error is the system's.
func makeDir(dir string, mode fs.FileMode) error {
	mode &= modeBits
	if err := retry(func() error { return unix.Mkdir(dir, uint32(mode)) }); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := retry(func() error { return unix.Stat(dir, &st) }); err != nil {
		return err
	}
	if fs.FileMode(st.Mode&modeBits) == mode {
		return nil
	}
	return retry(func() error { return unix.Chmod(dir, uint32(mode)) })
}

// RemoveDir deletes an empty directory.
func (p *Posix) RemoveDir(ctx context.Context, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := retry(func() error { return unix.Rmdir(dir) })
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errs.Because(errs.PathMissing, err, "unable to remove missing path '%s'", dir)
	case err != nil:
		return failed(errs.PathRemove, err, "unable to remove path '%s'", dir)
	}
	return nil
}

// SyncDir makes the entries of a directory durable.
func (p *Posix) SyncDir(ctx context.Context, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errs.Because(errs.PathMissing, err, "unable to sync missing path '%s'", dir)
	case err != nil:
		return failed(errs.PathOpen, err, "unable to open path '%s' for sync", dir)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return failed(errs.PathSync, err, "unable to sync path '%s'", dir)
	}
	return nil
}

// Symlink creates a link at name with the text target.
func (p *Posix) Symlink(ctx context.Context, target, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := retry(func() error { return unix.Symlink(target, name) }); err != nil {
		return failed(errs.FileOpen, err, "unable to create symlink '%s' to '%s'", name, target)
	}
	return nil
}

// Link creates name as a hard link to the file at from.
func (p *Posix) Link(ctx context.Context, from, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := retry(func() error { return unix.Link(from, name) }); err != nil {
		return failed(errs.FileOpen, err, "unable to create hardlink '%s' to '%s'", name, from)
	}
	return nil
}

// Rename moves a file, creating the directory it goes to if need be, and syncs both directories. It does not cross file systems.
func (p *Posix) Rename(ctx context.Context, from, to string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := retry(func() error { return unix.Rename(from, to) })
	if errors.Is(err, fs.ErrNotExist) {
		if _, statErr := p.statAt(unix.AT_FDCWD, from); statErr != nil {
			return errs.Because(errs.FileMissing, err, "unable to move missing source '%s'", from)
		}
		if err := p.makeDirs(path.Dir(to), p.dirMode, true); err != nil {
			return err
		}
		err = retry(func() error { return unix.Rename(from, to) })
	}
	if err != nil {
		return failed(errs.FileMove, err, "unable to move '%s' to '%s'", from, to)
	}
	if err := syncDir(path.Dir(to)); err != nil || path.Dir(from) == path.Dir(to) {
		return err
	}
	return syncDir(path.Dir(from))
}

// Move moves a file and syncs nothing.
func (p *Posix) Move(ctx context.Context, from, to string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := retry(func() error { return unix.Rename(from, to) })
	if errors.Is(err, fs.ErrNotExist) {
		if _, statErr := p.statAt(unix.AT_FDCWD, from); statErr != nil {
			return errs.Because(errs.FileMissing, err, "unable to move missing source '%s'", from)
		}
		return failed(errs.PathMissing, err, "unable to move '%s' to missing path '%s'", from, path.Dir(to))
	}
	if err != nil {
		return failed(errs.FileMove, err, "unable to move '%s' to '%s'", from, to)
	}
	return nil
}

// Chmod sets the mode of a file or directory.
func (p *Posix) Chmod(ctx context.Context, name string, mode fs.FileMode) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := retry(func() error { return unix.Chmod(name, uint32(mode&modeBits)) }); err != nil {
		return failed(errs.FileMode, err, "unable to set mode for '%s'", name)
	}
	return nil
}

// Chown sets owner and group of a path itself.
func (p *Posix) Chown(ctx context.Context, name string, uid, gid int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := retry(func() error { return unix.Lchown(name, uid, gid) }); err != nil {
		return failed(errs.FileOwner, err, "unable to set ownership for '%s'", name)
	}
	return nil
}

// Chtimes sets the time of modification.
func (p *Posix) Chtimes(ctx context.Context, name string, t time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return setTime(name, t)
}

// Truncate cuts or extends a file.
func (p *Posix) Truncate(ctx context.Context, name string, size int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return failed(errs.FileOpen, err, "unable to open file '%s' for write", name)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return failed(errs.FileWrite, err, "unable to truncate '%s' to %d bytes", name, size)
	}
	if err := f.Sync(); err != nil {
		return failed(errs.FileSync, err, "unable to sync file '%s'", name)
	}
	return nil
}

// setTime sets the times of modification and access.
func setTime(name string, t time.Time) error {
	at := unix.NsecToTimespec(t.UnixNano())
	times := []unix.Timespec{at, at}
	if err := retry(func() error { return unix.UtimesNanoAt(unix.AT_FDCWD, name, times, 0) }); err != nil {
		return failed(errs.FileInfo, err, "unable to set time for '%s'", name)
	}
	return nil
}
