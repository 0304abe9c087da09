package lock

import (
	"errors"
	"syscall"
)

// Set is the locks of one command.
type Set []*Lock

// AcquireAll takes the locks at all paths, in order, or none of them.
func AcquireAll(paths []string, execID string, pid int) (Set, error) {
	return acquireAll(paths, execID, pid, busyTries)
}

// TryAll is AcquireAll for who has better things to do than to wait: one look at each lock decides, and that one is busy is no error.
func TryAll(paths []string, execID string, pid int) (set Set, ok bool, err error) {
	set, err = acquireAll(paths, execID, pid, 1)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, false, nil
	}
	return set, err == nil, err
}

func acquireAll(paths []string, execID string, pid, tries int) (Set, error) {
	var set Set
	for _, path := range paths {
		l, err := acquire(path, execID, pid, tries)
		if err != nil {
			_ = set.Release()
			return nil, err
		}
		set = append(set, l)
	}
	return set, nil
}

// Find returns the lock at path, nil if the set has none.
func (s Set) Find(path string) *Lock {
	for _, l := range s {
		if l.path == path {
			return l
		}
	}
	return nil
}

// Release releases all locks and returns the first failure.
func (s Set) Release() error {
	var first error
	for _, l := range s {
		if err := l.Release(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Abandon lets go of all locks and leaves the files.
func (s Set) Abandon() {
	for _, l := range s {
		l.Abandon()
	}
}
