package format

import (
	"bytes"
	"math"

	"holdfast/internal/errs"
)

// value is the text of one JSON value. It is known to be valid and has no space around it.
type value []byte

func newValue(b []byte) value { return value(bytes.Trim(b, " \t\r\n")) }

func (v value) isNull() bool { return string(v) == "null" }

// wrong is the error for a value of another type.
func (v value) wrong(want string) error {
	found := "number"
	switch v[0] {
	case '{':
		found = "object"
	case '[':
		found = "array"
	case '"':
		found = "string"
	case 't', 'f':
		found = "boolean"
	case 'n':
		found = "null"
	}
	return errs.New(errs.JsonFormat, "expected %s but found %s", want, found)
}

// bytes returns the characters of a string. They are a part of the value itself unless there are escapes.
func (v value) bytes() ([]byte, error) {
	if v[0] != '"' {
		return nil, v.wrong("string")
	}
	raw := v[1 : len(v)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, nil
	}
	return unescape(raw), nil
}

func unescape(raw []byte) []byte {
	text := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			text = append(text, raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 'b':
			text = append(text, '\b')
		case 'f':
			text = append(text, '\f')
		case 'n':
			text = append(text, '\n')
		case 'r':
			text = append(text, '\r')
		case 't':
			text = append(text, '\t')
		case 'u':
			text = append(text, byte(anyHexDigit(raw[i+3])<<4|anyHexDigit(raw[i+4])))
			i += 4
		default:
			text = append(text, raw[i])
		}
	}
	return text
}

func (v value) text() (string, error) {
	b, err := v.bytes()
	return string(b), err
}

func (v value) bool() (bool, error) {
	switch v[0] {
	case 't':
		return true, nil
	case 'f':
		return false, nil
	}
	return false, v.wrong("boolean")
}

func (v value) int(low, high int64) (int64, error) {
	negative, digits, err := v.number()
	if err != nil {
		return 0, err
	}
	n, ok := parseDigits(digits)
	switch {
	case !ok || n > math.MaxInt64:
		return 0, v.outOfRange()
	case negative && -int64(n) >= low && -int64(n) <= high:
		return -int64(n), nil
	case !negative && int64(n) >= low && int64(n) <= high:
		return int64(n), nil
	}
	return 0, v.outOfRange()
}

func (v value) uint64() (uint64, error) {
	negative, digits, err := v.number()
	if err != nil {
		return 0, err
	}
	n, ok := parseDigits(digits)
	if !ok || negative && n != 0 {
		return 0, v.outOfRange()
	}
	return n, nil
}

func (v value) number() (negative bool, digits []byte, err error) {
	switch c := v[0]; {
	case c == '-':
		return true, v[1:], nil
	case '0' <= c && c <= '9':
		return false, v, nil
	}
	return false, nil, v.wrong("number")
}

func (v value) outOfRange() error {
	return errs.New(errs.JsonFormat, "number %s is out of range", cut(v))
}

// parseDigits is strconv.ParseUint for bytes.
func parseDigits(digits []byte) (n uint64, ok bool) {
	if len(digits) == 0 || len(digits) > 20 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' || n > math.MaxUint64/10 {
			return 0, false
		}
		next := n*10 + uint64(c-'0')
		if next < n*10 {
			return 0, false
		}
		n = next
	}
	return n, true
}

// each gives fn the elements of an array.
func (v value) each(fn func(element value) error) error {
	if v[0] != '[' {
		return v.wrong("array")
	}
	for i := skipSpace(v, 1); v[i] != ']'; {
		end := skipValue(v, i, 0)
		if err := fn(v[i:end]); err != nil {
			return err
		}
		if i = skipSpace(v, end); v[i] == ',' {
			i = skipSpace(v, i+1)
		}
	}
	return nil
}

// texts returns the strings of an array, nil for an empty one.
func (v value) texts() (texts []string, err error) {
	err = v.each(func(element value) error {
		text, err := element.text()
		texts = append(texts, text)
		return err
	})
	return texts, err
}

// pages returns the elements of a list of pages such as [2,[5,7]].
func (v value) pages() (pages []PageRange, err error) {
	err = v.each(func(element value) error {
		if element[0] != '[' {
			page, err := element.int(0, math.MaxUint32)
			pages = append(pages, PageRange{uint32(page), uint32(page)})
			return err
		}
		var bounds [2]int64
		n := 0
		err := element.each(func(bound value) (err error) {
			if n < len(bounds) {
				bounds[n], err = bound.int(0, math.MaxUint32)
			}
			n++
			return err
		})
		if err == nil && (n != len(bounds) || bounds[0] > bounds[1]) {
			err = errs.New(errs.JsonFormat, "%s is not a range of pages", cut(element))
		}
		pages = append(pages, PageRange{uint32(bounds[0]), uint32(bounds[1])})
		return err
	})
	return pages, err
}

// cut shortens what goes into messages.
func cut(b []byte) string {
	const most = 1024
	return string(b[:min(len(b), most)])
}

// parseID reads a history id, which is the key of an entry.
func parseID(key []byte) (int, error) {
	id, ok := parseDigits(key)
	if !ok || id < 1 || id > math.MaxInt32 || key[0] == '0' {
		return 0, errs.New(errs.Format, "'%s' is not a history id", cut(key))
	}
	return int(id), nil
}
