package storagetest

import (
	"strings"
	"sync"

	"holdfast/internal/storage"
)

// Trace is a Tree that writes down what is done to it, so that the order of writing, syncing and renaming can be read and compared
// as text.
type Trace struct {
	watched
	mu  sync.Mutex
	ops []Op
}

// NewTrace wraps a tree.
func NewTrace(tree storage.Tree) *Trace {
	t := &Trace{}
	t.watched = watched{Tree: tree, before: t.record}
	return t
}

func (t *Trace) record(op Op) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ops = append(t.ops, op)
	return nil
}

// Text returns one line per operation, without reading (open, read, stat, list).
func (t *Trace) Text() string {
	var b strings.Builder
	for _, op := range t.Ops() {
		switch op.Verb {
		case "open", "read", "stat", "list":
		default:
			b.WriteString(op.String() + "\n")
		}
	}
	return b.String()
}

// Ops returns all operations so far.
func (t *Trace) Ops() []Op {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Op(nil), t.ops...)
}
