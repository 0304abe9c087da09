// Package lock keeps two processes from working on the same stanza at once, and tells others how far the work is.
//
// A lock is an exclusive flock on an open file. That a lock file exists means nothing; that it is locked means everything. Its
// content is one JSON object that names the run and the process and, while data is copied, the progress. Names, content and
// method are those of pgBackRest, so that the two programs exclude each other.
//
// Acquiring works like this:
//
//	loop
//	    open or create the file, creating the directory if it is missing
//	    flock, exclusive and without waiting
//	        busy: if the content names our own run the lock is shared, otherwise fail
//	    if the path still leads to the file that was locked: write the content, done
//
// The check at the end matters because a holder unlinks the file before it lets go: who opened it just before that would hold a
// lock on a file nobody else can see.
//
// Stop files, also here, are a quieter means: where one exists, commands that would change a stanza refuse to start.
package lock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"holdfast/internal/errs"
)

// Type is the kind of work a lock stands for.
type Type string

// The kinds of locks.
const (
	Archive Type = "archive"
	Backup  Type = "backup"
	Restore Type = "restore"
)

const (
	fileMode = 0o640
	dirMode  = 0o750
)

// A reader of lock files may hold a shared lock for a moment, so being busy is believed only when it lasts.
const (
	busyTries = 3
	busyPause = 10 * time.Millisecond
)

// File names the lock file of a stanza, kind and repository.
func File(dir, stanza string, t Type, repoKey int) string {
	return filepath.Join(dir, fmt.Sprintf("%s-%s-%d.lock", stanza, t, repoKey))
}

// Lock is a lock that is held until Release or Abandon.
type Lock struct {
	path string
	file *os.File // nil when another process of the same run holds the lock
	data content
}

// Acquire takes the lock at path for the run execID. If another process of the same run holds it, that is as good as holding it.
func Acquire(path, execID string, pid int) (*Lock, error) {
	return acquire(path, execID, pid, busyTries)
}

// acquire is Acquire that believes after so many tries that the lock is busy.
func acquire(path, execID string, pid, tries int) (*Lock, error) {
	for {
		file, err := open(path)
		if err != nil {
			return nil, err
		}
		if err := flock(file, tries); err != nil {
			data, readErr := read(file)
			_ = file.Close()
			if readErr == nil && data.ExecID == execID {
				return &Lock{path: path, data: data}, nil
			}
			return nil, acquireError(path, err)
		}
		if !current(file, path) {
			_ = file.Close()
			continue
		}
		l := &Lock{path: path, file: file, data: content{ExecID: execID, PID: pid}}
		if err := l.write(); err != nil {
			_ = l.Release()
			return nil, err
		}
		return l, nil
	}
}

// open opens or creates a lock file.
func open(path string) (*os.File, error) {
	for made := false; ; made = true {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, fs.ErrNotExist) || made {
			return nil, acquireError(path, err)
		}
		if err := makeDir(filepath.Dir(path), dirMode); err != nil {
			return nil, err
		}
	}
}

// flock locks an open file, or returns the system error.
func flock(file *os.File, tries int) error {
	for try := 1; ; try++ {
		err := retryInterrupted(func() error { return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) })
		if err == nil || try == tries {
			return err
		}
		time.Sleep(busyPause)
	}
}

func retryInterrupted(fn func() error) error {
	for {
		if err := fn(); err != syscall.EINTR {
			return err
		}
	}
}

// current reports whether path still leads to the open file.
func current(file *os.File, path string) bool {
	held, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(held, named)
}

func acquireError(path string, err error) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return errs.Wrap(errs.LockAcquire, err, "unable to acquire lock on file '%s'", path)
	}
	e := errs.Because(errs.LockAcquire, err, "unable to acquire lock on file '%s': %s", path, errs.SystemText(errno))
	switch errno {
	case syscall.EWOULDBLOCK:
		e.Hint("is another pgBackRest process running?")
	case syscall.EACCES, syscall.EPERM:
		e.Hint("does '%s' running pgBackRest have permissions on the '%s' file?", account(), path)
	}
	return e
}

// account names the effective user and group of the process.
func account() string {
	name, group := strconv.Itoa(os.Geteuid()), strconv.Itoa(os.Getegid())
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	return name + ":" + group
}

func makeDir(dir string, mode fs.FileMode) error {
	if err := os.MkdirAll(dir, mode); err != nil {
		return errs.Because(errs.PathCreate, err, "unable to create path '%s': %s", dir, errs.System(err))
	}
	return nil
}

// Path returns the path of the lock file.
func (l *Lock) Path() string { return l.path }

// SetProgress publishes how many bytes there are to copy and how many are done.
func (l *Lock) SetProgress(total, done int64) error {
	percent := 0
	if total > 0 {
		percent = int(float64(done) / float64(total) * 10000)
	}
	l.data.Size, l.data.SizeComplete, l.data.Percent = &total, &done, &percent
	return l.write()
}

// ClearProgress takes the progress back, when the copying is over.
func (l *Lock) ClearProgress() error {
	l.data.Size, l.data.SizeComplete, l.data.Percent = nil, nil, nil
	return l.write()
}

// write replaces the content in place. The file is cut after writing, so that a reader never finds it empty.
func (l *Lock) write() error {
	if l.file == nil {
		return nil
	}
	text := l.data.encode()
	_, err := l.file.WriteAt(text, 0)
	if err == nil {
		err = l.file.Truncate(int64(len(text)))
	}
	if err != nil {
		return errs.Because(errs.FileWrite, err, "unable to write '%s': %s", l.path, errs.System(err))
	}
	return nil
}

// Release removes the file and lets go of the lock, in this order. Releasing twice, or a nil lock, does nothing.
func (l *Lock) Release() error {
	if l == nil || l.file == nil {
		return nil
	}
	err := os.Remove(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	_ = l.file.Close()
	l.file = nil
	if err != nil {
		return errs.Because(errs.FileRemove, err, "unable to remove '%s': %s", l.path, errs.System(err))
	}
	return nil
}

// Abandon lets go of the lock and leaves the file, as a process does that is ended by a signal.
func (l *Lock) Abandon() {
	if l == nil || l.file == nil {
		return
	}
	_ = l.file.Close()
	l.file = nil
}
