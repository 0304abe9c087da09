package format

import (
	"bytes"
	"strings"

	"holdfast/internal/errs"
)

// interned gives equal texts one string.
type interned map[string]string

func (i interned) text(b []byte) string {
	if text, found := i[string(b)]; found {
		return text
	}
	text := string(b)
	i[text] = text
	return text
}

// texts numbers texts, each once.
type texts struct {
	list []string
	ids  map[string]uint64
	last uint64 // the number given last, most likely the next one too
}

func (t *texts) id(b []byte) uint64 {
	if len(t.list) > 0 && t.list[t.last] == string(b) {
		return t.last
	}
	id, found := t.ids[string(b)]
	if !found {
		if t.ids == nil {
			t.ids = make(map[string]uint64)
		}
		id = uint64(len(t.list))
		t.list = append(t.list, string(b))
		t.ids[t.list[id]] = id
	}
	t.last = id
	return id
}

// owners numbers what files have in common: user, group and mode.
type owners struct {
	list []Defaults
	ids  map[Defaults]uint64
	last uint64
}

func (o *owners) id(d Defaults) uint64 {
	if len(o.list) > 0 && o.list[o.last] == d {
		return o.last
	}
	id, found := o.ids[d]
	if !found {
		if o.ids == nil {
			o.ids = make(map[Defaults]uint64)
		}
		id = uint64(len(o.list))
		o.list = append(o.list, d)
		o.ids[d] = id
	}
	o.last = id
	return id
}

// apply replaces what stands for a missing member in all entries.
func (o *owners) apply(missing *Defaults) {
	clear(o.ids)
	for i := range o.list {
		d := &o.list[i]
		missing.apply(&d.User, &d.Group, &d.Mode)
		o.ids[*d] = uint64(i)
	}
}

// names puts many short strings into few pieces of memory.
type names struct {
	size  int // of a piece
	piece strings.Builder
}

func (n *names) add(name []byte) string {
	begin := n.piece.Len()
	if begin+len(name) > n.piece.Cap() {
		n.piece = strings.Builder{}
		n.piece.Grow(max(n.size, len(name)))
		begin = 0
	}
	n.piece.Write(name)
	return n.piece.String()[begin:]
}

// checkName keeps out names that would lead a restore out of the cluster.
func checkName(name []byte) error {
	for rest := name; ; {
		element, after, more := bytes.Cut(rest, []byte("/"))
		if len(element) == 0 || string(element) == "." || string(element) == ".." {
			return errs.New(errs.Format, "invalid name '%s'", cut(name))
		}
		if !more {
			return nil
		}
		rest = after
	}
}
