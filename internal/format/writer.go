package format

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"

	"holdfast/internal/errs"
)

// writer writes the container. Sections and keys have to come in ascending order. The first error stays.
type writer struct {
	out   *bufio.Writer
	sum   *checksum
	begun bool // a section has been written

	name      string // of the section
	last      []byte // key written last
	any       bool   // the section has a key
	unordered bool   // its keys have an order of their own

	key []byte // of the value in the making, reused
	val val    // reused
	err error
}

// newWriter begins an info file.
func newWriter(out io.Writer, program string) *writer {
	w := &writer{out: bufio.NewWriterSize(out, 64<<10), sum: newChecksum()}
	w.section(programSection)
	w.int(formatKey, Number)
	w.text(versionKey, program)
	return w
}

// finish writes the checksum.
func (w *writer) finish() error {
	if w.err != nil {
		return w.err
	}
	w.section(programSection)
	w.val = appendString(w.val[:0], w.sum.sum().String())
	w.key = append(w.key[:0], checksumKey...)
	w.write()
	return w.out.Flush()
}

// section begins a section. It is not written before its first key.
func (w *writer) section(name string) {
	w.name, w.any, w.unordered = name, false, false
}

func (w *writer) text(key, text string) {
	w.val = appendString(w.val[:0], text)
	w.put(key)
}

// textIf writes nothing if there is no text.
func (w *writer) textIf(key, text string) {
	if text != "" {
		w.text(key, text)
	}
}

func (w *writer) int(key string, n int64) {
	w.val = appendInt(w.val[:0], n)
	w.put(key)
}

func (w *writer) intIf(key string, n *int64) {
	if n != nil {
		w.int(key, *n)
	}
}

func (w *writer) uint64(key string, n uint64) {
	w.val = appendUint(w.val[:0], n)
	w.put(key)
}

func (w *writer) bool(key string, set bool) {
	w.val = appendBool(w.val[:0], set)
	w.put(key)
}

func (w *writer) boolIf(key string, set *bool) {
	if set != nil {
		w.bool(key, *set)
	}
}

// flag writes nothing if it is not set.
func (w *writer) flag(key string, set bool) {
	if set {
		w.bool(key, true)
	}
}

// annotations adds texts to an object. Their keys have no escapes in these files, so that some cannot be written.
func (w *writer) annotations(o *val, texts map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		if strings.ContainsAny(key, "\"\\\n") && w.err == nil {
			w.err = errs.New(errs.Format, "unable to write annotation '%s': the name may not contain quotes, backslashes or line feeds", key)
		}
		o.text(key, texts[key])
	}
}

// begin starts an object, which end writes.
func (w *writer) begin() *val {
	w.val = append(w.val[:0], '{')
	return &w.val
}

// end writes the object started by begin.
func (w *writer) end(key string) {
	w.key = append(w.key[:0], key...)
	w.endKey()
}

// endKey is end for a key that w.key has already.
func (w *writer) endKey() {
	w.val = append(w.val, '}')
	w.putKey()
}

// put writes a key with the value that was built.
func (w *writer) put(key string) {
	w.key = append(w.key[:0], key...)
	w.putKey()
}

func (w *writer) putKey() {
	if w.err != nil || !w.allowed() {
		return
	}
	w.sum.add(w.name, w.key, w.val)
	w.write()
}

// allowed refuses keys that could not be read again. In ascending order no key can occur twice.
func (w *writer) allowed() bool {
	switch {
	case len(w.key) == 0:
		w.err = errs.New(errs.Format, "unable to write an empty name to section '%s'", w.name)
	case bytes.IndexByte(w.key, '\n') >= 0:
		w.err = errs.New(errs.Format, "unable to write name '%s' with a line feed to section '%s'", w.key, w.name)
	case w.any && !w.unordered && bytes.Compare(w.key, w.last) <= 0:
		w.err = errs.New(errs.Assert, "'%s' is out of order after '%s' in section '%s'", w.key, w.last, w.name)
	}
	return w.err == nil
}

// write leaves errors to the last Flush.
func (w *writer) write() {
	if !w.any {
		if w.begun {
			w.out.WriteByte('\n')
		}
		w.out.WriteByte('[')
		w.out.WriteString(w.name)
		w.out.WriteString("]\n")
	}
	w.begun, w.any, w.last = true, true, append(w.last[:0], w.key...)
	w.out.Write(w.key)
	w.out.WriteByte('=')
	w.out.Write(w.val)
	w.out.WriteByte('\n')
}
