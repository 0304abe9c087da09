package format

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"holdfast/internal/errs"
)

// maxLine bounds the memory one line can take. The longest real lines are lists of page errors.
const maxLine = 64 << 20

const (
	programSection = "backrest"
	formatKey      = "backrest-format"
	versionKey     = "backrest-version"
	checksumKey    = "backrest-checksum"
)

// section reads the keys of a section. Key and value are valid until it returns.
type section func(key []byte, v value) error

// sections maps the names of sections to their readers. Others are passed over, but count for the checksum.
type sections map[string]section

// reader reads the container: lines, sections, checksum.
type reader struct {
	in       *bufio.Reader
	long     []byte // a line that does not fit into the buffer of in
	number   int    // of the line
	sections sections
	name     string  // of the section
	current  section // nil before the first section and in unknown ones
	inside   bool    // after the first section line

	sum      *checksum
	expected string // the checksum of the file
	format   int64
	program  string
}

// read reads an info file and returns the version of the program that wrote it. Format and checksum have been compared when it
// returns without an error.
func read(in io.Reader, known sections) (program string, err error) {
	r := reader{in: bufio.NewReaderSize(in, 64<<10), sections: known, sum: newChecksum()}
	for {
		line, err := r.line()
		if err == io.EOF {
			return r.program, r.check()
		}
		if err != nil {
			return "", err
		}
		if err := r.accept(line); err != nil {
			return "", err
		}
	}
}

// line returns the next line without its LF. The last line may lack one.
func (r *reader) line() ([]byte, error) {
	r.long = r.long[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) && len(r.long) < maxLine {
			r.long = append(r.long, part...)
			continue
		}
		r.number++
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, errs.New(errs.Format, "line %d is too long", r.number)
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		if len(r.long) > 0 {
			r.long = append(r.long, part...)
			part = r.long
		}
		if err == io.EOF && len(part) == 0 {
			return nil, io.EOF
		}
		return bytes.TrimSuffix(part, []byte("\n")), nil
	}
}

func (r *reader) accept(line []byte) error {
	switch {
	case len(line) == 0:
		return nil
	case line[0] == '[' && line[len(line)-1] == ']':
		return r.open(line)
	case !r.inside:
		return r.invalid("key/value found outside of section", line)
	}
	key, val, err := r.split(line)
	if err != nil {
		return err
	}
	if r.name == programSection {
		return r.own(key, val)
	}
	r.sum.add(r.name, key, val)
	if r.current == nil {
		return nil
	}
	return r.current(key, newValue(val))
}

func (r *reader) open(line []byte) error {
	name := line[1 : len(line)-1]
	if len(name) == 0 {
		return r.invalid("section is zero-length", line)
	}
	r.inside = true
	r.name = string(name)
	r.current = r.sections[r.name]
	return nil
}

// split finds the first '=' with one JSON value, and nothing else, behind it. Names of files may contain '='.
func (r *reader) split(line []byte) (key, val []byte, err error) {
	for i := 0; ; i++ {
		next := bytes.IndexByte(line[i:], '=')
		if next < 0 && i == 0 {
			return nil, nil, r.invalid("missing '=' in key/value", line)
		}
		if next < 0 {
			return nil, nil, errs.New(errs.Format, "invalid JSON value at line %d '%s': expected one value after '='", r.number, cut(line))
		}
		i += next
		if valid(line[i+1:]) {
			if i == 0 {
				return nil, nil, r.invalid("key is zero-length", line)
			}
			return line[:i], line[i+1:], nil
		}
	}
}

// own takes the keys of the container itself.
func (r *reader) own(key, val []byte) (err error) {
	v := newValue(val)
	if string(key) == checksumKey {
		r.expected, err = v.text()
		return err
	}
	r.sum.add(r.name, key, val)
	switch string(key) {
	case formatKey:
		if r.format, err = v.int(0, 1<<31-1); err == nil && r.format != Number {
			err = errs.New(errs.Format, "expected format %d but found %d", Number, r.format)
		}
	case versionKey:
		r.program, err = v.text()
	}
	return err
}

func (r *reader) check() error {
	actual := r.sum.sum().String()
	switch {
	case r.expected == "":
		return errs.New(errs.Checksum, "invalid checksum, actual '%s' but no checksum found", actual)
	case r.expected != actual:
		return errs.New(errs.Checksum, "invalid checksum, actual '%s' but expected '%s'", actual, r.expected)
	case r.format != Number:
		return errs.New(errs.Format, "expected format %d but found none", Number)
	}
	return nil
}

func (r *reader) invalid(what string, line []byte) error {
	return errs.New(errs.Format, "%s at line %d: %s", what, r.number, cut(line))
}
