// Package storage is how Holdfast reaches files, wherever they lie.
//
// Storage is what every driver can do; Tree is what only a file system can. Paths are absolute within the driver's world (a posix
// path), '/'-separated, cleaned, without a trailing slash. Errors carry a code of package errs and name the path; a missing file or
// directory matches fs.ErrNotExist. The functions here (ReadAll, WriteAll, Exists, Names) are what most callers want; drivers live
// in packages below and know nothing of options, compression or encryption.
package storage

import (
	"context"
	"io"
	"io/fs"
	"time"
)

// TempSuffix ends the name under which a file system keeps a file that is not complete yet. What a killed program left under such a
// name may be ignored and overwritten.
const TempSuffix = ".pgbackrest.tmp"

// Storage is a place for files.
//
// An implementation promises:
//  1. A reader never sees half a file made by Create with Atomic set: the name appears when Close has returned nil, or never.
//  2. Once Close of an Atomic writer has returned nil the file survives a crash of the machine.
//  3. Abort after Close does nothing; Abort without Close leaves no file (not Atomic: perhaps a partial one).
//  4. Open of a missing file is errs.FileMissing; any other failure is another code. "Missing" is never a guess.
//  5. List calls fn for each entry of one directory, in no particular order; a missing directory is errs.PathMissing.
//  6. Remove of a missing file is not an error.
//  7. All methods may be called from several goroutines at once.
type Storage interface {
	// Open reads a file, or the part of it that the range names.
	Open(ctx context.Context, path string, r Range) (io.ReadCloser, error)
	// Create writes a file, making missing directories above it. An existing file is replaced. Far away it may turn out as late as
	// in Close that the file cannot be made.
	Create(ctx context.Context, path string, o CreateOptions) (Writer, error)
	// Stat describes a path itself, not what a link points to. A missing path matches fs.ErrNotExist.
	Stat(ctx context.Context, path string) (Info, error)
	// List describes the entries of a directory. An error from fn ends the listing and is returned.
	List(ctx context.Context, path string, fn func(Info) error) error
	// Remove deletes one file or link.
	Remove(ctx context.Context, path string) error
	// RemoveAll deletes a directory with everything below it. A missing directory is not an error.
	RemoveAll(ctx context.Context, path string) error
}

// Tree is a Storage that is a file system.
type Tree interface {
	Storage
	// MakeDir creates a directory and, with parents, those above it. An existing directory is not an error with parents. The new
	// entry is durable after SyncDir of the directory above.
	MakeDir(ctx context.Context, path string, mode fs.FileMode, parents bool) error
	// RemoveDir deletes an empty directory.
	RemoveDir(ctx context.Context, path string) error
	// SyncDir makes the entries of a directory durable.
	SyncDir(ctx context.Context, path string) error
	// Symlink creates a link at path with the text target.
	Symlink(ctx context.Context, target, path string) error
	// Link creates path as a hard link to the existing file at from.
	Link(ctx context.Context, from, path string) error
	// Rename moves a file within the tree, replacing the target, and makes the move durable. A missing directory of the target
	// is created.
	Rename(ctx context.Context, from, to string) error
	// Move is Rename without its promises: durability is left to the system, and a missing directory of the target is an error, as
	// is a target on another file system (errors.Is syscall.EXDEV).
	Move(ctx context.Context, from, to string) error
	// Chmod sets the mode of a file or directory.
	Chmod(ctx context.Context, path string, mode fs.FileMode) error
	// Chown sets owner and group by number, -1 leaves one as it is. Links themselves are changed, not what they point to.
	Chown(ctx context.Context, path string, uid, gid int) error
	// Chtimes sets the modification time.
	Chtimes(ctx context.Context, path string, t time.Time) error
	// Patch opens a file to write parts of it: what is there stays, cut or extended with zeros to size. A missing file is created,
	// but not the directories above it. Only Mode, NoSync, ModTime, UID and GID of the options count.
	Patch(ctx context.Context, path string, size int64, o CreateOptions) (Patch, error)
	// Truncate cuts a file to size, or extends it with zeros that take no room, and makes that durable.
	Truncate(ctx context.Context, path string, size int64) error
}

// Range is a part of a file. The zero value is the whole file.
type Range struct {
	Offset int64
	Length int64 // 0: to the end
}

// CreateOptions says how a file is written. The zero value writes in place with mode 0640, synced at Close.
type CreateOptions struct {
	Mode    fs.FileMode // 0: 0640
	DirMode fs.FileMode // for directories that are missing; 0: 0750
	Atomic  bool        // temporary name, sync, rename, sync of the directory
	NoSync  bool        // leave durability to the system
	ModTime time.Time   // set at Close unless zero
	UID     int         // with GID set before the file gets its final name, unless both are 0
	GID     int
}

// Writer is a file being written. Close commits it, Abort gives it up; calling Abort after Close is harmless, so defer it.
type Writer interface {
	io.Writer
	Close() error
	Abort()
}

// Patch is a file of which parts are being written. Close makes them durable. There is no way back: Abort, which is harmless after
// Close, leaves the file with whatever was written, and the time of that.
type Patch interface {
	io.WriterAt
	Close() error
	Abort()
}

// Type is the kind of a directory entry.
type Type uint8

// The kinds of directory entries.
const (
	File Type = iota
	Dir
	Link
	Special
)

// Info describes a directory entry.
type Info struct {
	Name    string // base name
	Type    Type
	Size    int64
	ModTime time.Time
	Mode    fs.FileMode // the twelve permission bits as Unix numbers them
	UID     int
	GID     int
	User    string // "" when the number has no name
	Group   string
	Target  string // text of a link
}
