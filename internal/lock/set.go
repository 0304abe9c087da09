package lock

// Set is the locks of one command.
type Set []*Lock

// AcquireAll takes the locks at all paths, in order, or none of them.
func AcquireAll(paths []string, execID string, pid int) (Set, error) {
	var set Set
	for _, path := range paths {
		l, err := Acquire(path, execID, pid)
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
