package posix

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
)

// writebackStep is how much is written before the system is asked to begin bringing it to disk. Disk and compression then work at
// the same time and the sync at the end finds little to do: a third off the time of writing a file that the disk barely keeps up with.
const writebackStep = 8 << 20

// Create writes a file, making missing directories above it.
func (p *Posix) Create(ctx context.Context, name string, o storage.CreateOptions) (storage.Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o.Mode = cmp.Or(o.Mode, p.fileMode) & modeBits
	w := &writer{name: name, temp: name, options: o}
	if o.Atomic {
		w.temp = name + TempSuffix
	}
	const flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	f, err := os.OpenFile(w.temp, flags, o.Mode.Perm())
	if errors.Is(err, fs.ErrNotExist) {
		if err := p.makeDirs(path.Dir(name), cmp.Or(o.DirMode, p.dirMode), !o.NoSync); err != nil {
			return nil, err
		}
		f, err = os.OpenFile(w.temp, flags, o.Mode.Perm())
	}
	if err != nil {
		return nil, failed(errs.FileOpen, err, "unable to open file '%s' for write", name)
	}
	w.file = f
	if err := w.setOwnerAndMode(); err != nil {
		w.Abort()
		return nil, err
	}
	return w, nil
}

type writer struct {
	file    *os.File // nil once closed
	name    string
	temp    string // where the bytes go; equal to name unless atomic
	regular bool   // a file, not a pipe or device, which is neither synced nor removed
	options storage.CreateOptions
	written int64
	handed  int64 // as much of it as the system was asked to bring to disk
}

// setOwnerAndMode corrects what open(2) did: the umask, an older file of that name, the owner. The owner comes first because
// changing it clears some mode bits. Devices are left alone.
func (w *writer) setOwnerAndMode() error {
	fd := int(w.file.Fd())
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(fd, &st) }); err != nil {
		return failed(errs.FileOpen, err, "unable to get info for path/file '%s'", w.name)
	}
	w.regular = st.Mode&unix.S_IFMT == unix.S_IFREG
	if !w.regular {
		return nil
	}
	o := w.options
	if (o.UID != 0 || o.GID != 0) && !ownedBy(&st, o.UID, o.GID) {
		if err := retry(func() error { return unix.Fchown(fd, o.UID, o.GID) }); err != nil {
			return failed(errs.FileOwner, err, "unable to set ownership for '%s'", w.name)
		}
		st.Mode = 0
	}
	if fs.FileMode(st.Mode&modeBits) != o.Mode {
		if err := retry(func() error { return unix.Fchmod(fd, uint32(o.Mode)) }); err != nil {
			return failed(errs.FileMode, err, "unable to set mode for '%s'", w.name)
		}
	}
	return nil
}

func ownedBy(st *unix.Stat_t, uid, gid int) bool {
	return (uid < 0 || uint32(uid) == st.Uid) && (gid < 0 || uint32(gid) == st.Gid)
}

func (w *writer) Write(b []byte) (int, error) {
	if w.file == nil {
		return 0, errs.Wrap(errs.FileWrite, fs.ErrClosed, "unable to write '%s'", w.name)
	}
	n, err := w.file.Write(b)
	if err != nil {
		return n, failed(errs.FileWrite, err, "unable to write '%s'", w.name)
	}
	w.written += int64(n)
	if w.regular && !w.options.NoSync && w.written-w.handed >= writebackStep {
		beginWriteback(int(w.file.Fd()), w.handed, w.written-w.handed)
		w.handed = w.written
	}
	return n, nil
}

// Close commits: the time of modification, sync, close, rename, sync of the directory. If any of it fails the temporary file goes.
func (w *writer) Close() error {
	if w.file == nil {
		return errs.Wrap(errs.FileClose, fs.ErrClosed, "unable to close file '%s' after write", w.name)
	}
	if err := w.commit(); err != nil {
		w.Abort()
		return err
	}
	return nil
}

func (w *writer) commit() error {
	if t := w.options.ModTime; !t.IsZero() {
		if err := setTime(w.temp, t); err != nil {
			return err
		}
	}
	if !w.options.NoSync && w.regular {
		if err := w.file.Sync(); err != nil {
			return failed(errs.FileSync, err, "unable to sync file '%s' after write", w.name)
		}
	}
	if err := w.file.Close(); err != nil {
		return failed(errs.FileClose, err, "unable to close file '%s' after write", w.name)
	}
	if w.temp != w.name {
		if err := os.Rename(w.temp, w.name); err != nil {
			return failed(errs.FileMove, err, "unable to move '%s' to '%s'", w.temp, w.name)
		}
		w.temp = w.name
		if !w.options.NoSync {
			if err := syncDir(path.Dir(w.name)); err != nil {
				w.file = nil // in place, only its durability is unknown: Abort must not take it away
				return err
			}
		}
	}
	w.file = nil
	return nil
}

// Abort removes what was written, also a part of a file written in place: half a file helps nobody. Never a device.
func (w *writer) Abort() {
	if w.file == nil {
		return
	}
	w.file.Close()
	w.file = nil
	if w.regular {
		os.Remove(w.temp)
	}
}
