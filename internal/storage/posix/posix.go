// Package posix is the storage.Tree of the local file system.
//
// A file is written under a temporary name, synced, renamed and its directory synced (CreateOptions.Atomic), or in place. Modes are
// exact whatever the umask. Errors name the file and end in the number and text of the system's error. The package follows no
// options and no links of its own accord: Stat, List and Remove see the link, Open what it points to.
package posix

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
)

// TempSuffix ends the name of a file that is not complete yet. Others that share the directory rely on this name.
const TempSuffix = storage.TempSuffix

const (
	defaultFileMode fs.FileMode = 0o640
	defaultDirMode  fs.FileMode = 0o750
	listBatch                   = 256  // directory entries held at a time while listing
	maxLink                     = 4096 // bytes in the text of a link
	modeBits                    = 0o7777
)

// Config holds what New may be told; the zero value is good.
type Config struct {
	FileMode fs.FileMode // for files created without a mode; 0: 0640
	DirMode  fs.FileMode // for directories created without a mode; 0: 0750
}

// Posix is a file system. Paths are absolute.
type Posix struct {
	fileMode fs.FileMode
	dirMode  fs.FileMode
	owners   owners
	names    sync.Pool // *[removeBatch]byte, for RemoveAll
}

var _ storage.Tree = (*Posix)(nil)

// New returns the local file system.
func New(c Config) *Posix {
	return &Posix{fileMode: cmp.Or(c.FileMode, defaultFileMode), dirMode: cmp.Or(c.DirMode, defaultDirMode)}
}

// Stat describes a path itself.
func (p *Posix) Stat(ctx context.Context, name string) (storage.Info, error) {
	if err := ctx.Err(); err != nil {
		return storage.Info{}, err
	}
	info, err := p.statAt(unix.AT_FDCWD, name)
	return info, statError(err, name)
}

// Size returns the size of what is at a path.
func (p *Posix) Size(ctx context.Context, name string) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	var st unix.Stat_t
	err := retry(func() error { return unix.Lstat(name, &st) })
	return st.Size, statError(err, name)
}

func statError(err error, name string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errs.Because(errs.FileOpen, err, "unable to get info for missing path/file '%s'", name)
	case err != nil:
		return failed(errs.FileOpen, err, "unable to get info for path/file '%s'", name)
	}
	return nil
}

// List describes the entries of a directory, a batch at a time. Entries that vanish meanwhile are left out.
func (p *Posix) List(ctx context.Context, dir string, fn func(storage.Info) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return batches(ctx, dir, func(d *os.File, names []string) error {
		for _, name := range names {
			info, err := p.statAt(int(d.Fd()), name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return failed(errs.FileOpen, err, "unable to get info for path/file '%s'", path.Join(dir, name))
			}
			if err := fn(info); err != nil {
				return err
			}
		}
		return nil
	})
}

// EachName calls fn for each name in a directory, without a look at what it stands for.
func (p *Posix) EachName(ctx context.Context, dir string, fn func(name string)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return batches(ctx, dir, func(_ *os.File, names []string) error {
		for _, name := range names {
			fn(name)
		}
		return nil
	})
}

// batches reads the names in a directory, some at a time.
func batches(ctx context.Context, dir string, fn func(d *os.File, names []string) error) error {
	d, err := openDir(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(listBatch)
		if err != nil && err != io.EOF {
			return failed(errs.PathOpen, err, "unable to list file info for path '%s'", dir)
		}
		if len(names) == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(d, names); err != nil {
			return err
		}
	}
}

// openDir opens a directory for reading, and nothing else: a fifo of that name must not block.
func openDir(dir string) (*os.File, error) {
	d, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errs.Because(errs.PathMissing, err, "unable to list file info for missing path '%s'", dir)
	case err != nil:
		return nil, failed(errs.PathOpen, err, "unable to list file info for path '%s'", dir)
	}
	return d, nil
}

// statAt describes name in the directory open as fd. The error is the system's.
func (p *Posix) statAt(fd int, name string) (storage.Info, error) {
	var st unix.Stat_t
	err := retry(func() error { return unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	if err != nil {
		return storage.Info{}, err
	}
	info := storage.Info{
		Name:    path.Base(name),
		Size:    st.Size,
		ModTime: time.Unix(st.Mtim.Unix()),
		Mode:    fs.FileMode(st.Mode & modeBits),
		UID:     int(st.Uid),
		GID:     int(st.Gid),
		User:    p.owners.user(st.Uid),
		Group:   p.owners.group(st.Gid),
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		info.Type = storage.File
	case unix.S_IFDIR:
		info.Type = storage.Dir
	case unix.S_IFLNK:
		info.Type = storage.Link
		info.Target, err = readLinkAt(fd, name)
	default:
		info.Type = storage.Special
	}
	return info, err
}

func readLinkAt(fd int, name string) (string, error) {
	buf := make([]byte, maxLink)
	n := 0
	err := retry(func() (err error) {
		n, err = unix.Readlinkat(fd, name, buf)
		return err
	})
	return string(buf[:max(n, 0)]), err
}
