package format

import "strconv"

// val is the text of a JSON value in the making. Its methods add members to an object, to be called in ascending order of the keys.
type val []byte

func (v *val) member(key string) {
	if (*v)[len(*v)-1] != '{' {
		*v = append(*v, ',')
	}
	*v = append(*v, '"')
	*v = append(*v, key...)
	*v = append(*v, '"', ':')
}

func (v *val) int(key string, n int64) {
	v.member(key)
	*v = appendInt(*v, n)
}

func (v *val) intIf(key string, n *int64) {
	if n != nil {
		v.int(key, *n)
	}
}

// intUnless leaves out what the reader assumes for a missing member.
func (v *val) intUnless(key string, n, missing int64) {
	if n != missing {
		v.int(key, n)
	}
}

func (v *val) uint64(key string, n uint64) {
	v.member(key)
	*v = appendUint(*v, n)
}

func (v *val) bool(key string, set bool) {
	v.member(key)
	*v = appendBool(*v, set)
}

func (v *val) boolIf(key string, set *bool) {
	if set != nil {
		v.bool(key, *set)
	}
}

func (v *val) text(key, text string) {
	v.member(key)
	*v = appendString(*v, text)
}

func (v *val) textIf(key, text string) {
	if text != "" {
		v.text(key, text)
	}
}

func (v *val) textOrNull(key, text string) {
	if text != "" {
		v.text(key, text)
		return
	}
	v.member(key)
	*v = append(*v, "null"...)
}

func (v *val) sum(key string, sum *Sum) {
	v.member(key)
	*v = append(*v, '"')
	for _, b := range sum {
		*v = append(*v, hexDigits[b>>4], hexDigits[b&15])
	}
	*v = append(*v, '"')
}

const hexDigits = "0123456789abcdef"

// owner writes the name of a user or group unless it is the default. An id without a name is false.
func (v *val) owner(key, name, missing string) {
	switch {
	case name == missing:
	case name == "":
		v.bool(key, false)
	default:
		v.text(key, name)
	}
}

// mode writes the permissions of a file or directory unless they are the default.
func (v *val) mode(key string, mode, missing uint16) {
	if mode != missing {
		v.member(key)
		*v = appendMode(*v, mode)
	}
}

func (v *val) texts(key string, texts []string) {
	v.member(key)
	for i, text := range texts {
		*v = append(*v, "[,"[min(i, 1)])
		*v = appendString(*v, text)
	}
	*v = append(*v, ']')
}

func (v *val) pages(key string, pages []PageRange) {
	v.member(key)
	for i, r := range pages {
		*v = append(*v, "[,"[min(i, 1)])
		if r.First == r.Last {
			*v = appendUint(*v, uint64(r.First))
			continue
		}
		*v = append(*v, '[')
		*v = appendUint(*v, uint64(r.First))
		*v = append(*v, ',')
		*v = appendUint(*v, uint64(r.Last))
		*v = append(*v, ']')
	}
	*v = append(*v, ']')
}

func appendInt(b []byte, n int64) []byte   { return strconv.AppendInt(b, n, 10) }
func appendUint(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }
func appendBool(b []byte, set bool) []byte { return strconv.AppendBool(b, set) }

// appendMode writes at least four octal digits as a string.
func appendMode(b []byte, mode uint16) []byte {
	b = append(b, '"')
	for shift := 9; shift >= 0; shift -= 3 {
		b = append(b, '0'+byte(mode>>shift&7))
	}
	return append(b, '"')
}

// Quote returns a text as a JSON string. Only what these files escape is escaped, which is less than package encoding/json does.
func Quote(text string) string { return string(appendString(nil, text)) }

// appendString writes a JSON string. Only what these files escape is escaped.
func appendString[T string | []byte](b []byte, text T) []byte {
	b = append(b, '"')
	begin := 0
	for i := 0; i < len(text); i++ {
		escape := escapeOf(text[i])
		if escape == 0 {
			continue
		}
		b = append(b, text[begin:i]...)
		b = append(b, '\\', escape)
		begin = i + 1
	}
	b = append(b, text[begin:]...)
	return append(b, '"')
}

// escapeOf returns the letter behind the backslash for a character that must be escaped, else 0.
func escapeOf(c byte) byte {
	switch c {
	case '"', '\\':
		return c
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	case '\b':
		return 'b'
	case '\f':
		return 'f'
	}
	return 0
}
