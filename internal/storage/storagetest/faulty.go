package storagetest

import (
	"sync"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
)

// Faulty is a Tree whose operation number At fails. A test runs a job for At = 1, 2, 3 ... until the fault no longer fires:
//
//	for n := 1; ; n++ {
//		f := storagetest.NewFaulty(tree, n)
//		err := job(f)
//		if !f.Fired() {
//			break // every operation has failed once
//		}
//		...
//	}
type Faulty struct {
	watched
	Err  error         // what the operation fails with; nil: errs.FileWrite "injected fault: VERB PATH"
	Stay bool          // operations after it fail as well, as if the storage had gone away
	Only func(Op) bool // counts only these; nil: all

	at    int
	mu    sync.Mutex
	count int
	fired []Op
}

// NewFaulty wraps a tree so that operation number at fails, counted from 1. Set the fields before use.
func NewFaulty(tree storage.Tree, at int) *Faulty {
	f := &Faulty{at: at}
	f.watched = watched{Tree: tree, before: f.check}
	return f
}

func (f *Faulty) check(op Op) error {
	if f.Only != nil && !f.Only(op) {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	if f.count < f.at || f.count > f.at && !f.Stay {
		return nil
	}
	f.fired = append(f.fired, op)
	if f.Err != nil {
		return f.Err
	}
	return errs.New(errs.FileWrite, "injected fault: %s", op)
}

// Fired reports whether the fault has happened. A test that plans a fault checks it: a fault that never fires proves nothing.
func (f *Faulty) Fired() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.fired) > 0
}

// Failed returns the first operation that failed, for messages.
func (f *Faulty) Failed() Op {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.fired) == 0 {
		return Op{}
	}
	return f.fired[0]
}
