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

// names puts many short strings into few pieces of memory.
type names struct{ piece strings.Builder }

const namesPiece = 32 << 10

func (n *names) add(name []byte) string {
	begin := n.piece.Len()
	if begin+len(name) > n.piece.Cap() {
		n.piece = strings.Builder{}
		n.piece.Grow(max(namesPiece, len(name)))
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
