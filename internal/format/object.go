package format

import (
	"math"

	"holdfast/internal/errs"
)

// object walks through the members of a JSON object, once and forward. Keys must be asked for in ascending order; a member that
// does not stand at its sorted place is not found, as the format has it. Unknown members in between are passed over.
//
// The first error stays and makes all later answers zero, so that a reader asks for all members and looks at err once.
type object struct {
	json []byte
	next int // where the next member begins
	key  []byte
	val  value
	more bool // key and val are a member
	err  error
}

func openObject(v value) object {
	o := object{json: v}
	if v[0] != '{' {
		o.err = v.wrong("object")
		return o
	}
	o.next = skipSpace(v, 1)
	o.advance()
	return o
}

// advance goes to the next member. The text is valid, so it need not be looked at twice.
func (o *object) advance() {
	b := o.json
	if o.more = b[o.next] == '"'; !o.more {
		return
	}
	end := skipString(b, o.next, false)
	o.key = b[o.next+1 : end-1]
	begin := skipSpace(b, skipSpace(b, end)+1)
	end = skipValue(b, begin, 0)
	o.val = b[begin:end]
	if o.next = skipSpace(b, end); b[o.next] == ',' {
		o.next = skipSpace(b, o.next+1)
	}
}

// find goes to the member with the key and reports whether there is one.
func (o *object) find(key string) bool {
	if o.err != nil {
		return false
	}
	for o.more && string(o.key) < key {
		o.advance()
	}
	return o.more && string(o.key) == key
}

func (o *object) require(key string) bool {
	found := o.find(key)
	if !found && o.err == nil {
		o.err = errs.New(errs.JsonFormat, "required key '%s' not found", key)
	}
	return found
}

// fail keeps the error of the member with the key.
func (o *object) fail(key string, err error) {
	if err != nil && o.err == nil {
		o.err = errs.Wrap(errs.CodeOf(err), err, "key '%s'", key)
	}
}

// first returns the error of the object or, if there is none, the other.
func (o *object) first(other error) error {
	if o.err != nil {
		return o.err
	}
	return other
}

func (o *object) int(key string, low, high int64) (n int64) {
	if o.require(key) {
		var err error
		n, err = o.val.int(low, high)
		o.fail(key, err)
	}
	return n
}

func (o *object) intOr(key string, low, high, missing int64) int64 {
	if !o.find(key) {
		return missing
	}
	return o.int(key, low, high)
}

func (o *object) size(key string) int64 { return o.int(key, 0, math.MaxInt64) }

func (o *object) sizeOr(key string, missing int64) int64 {
	return o.intOr(key, 0, math.MaxInt64, missing)
}

func (o *object) sizeIf(key string) *int64 {
	if !o.find(key) {
		return nil
	}
	n := o.size(key)
	return &n
}

func (o *object) uint64(key string) (n uint64) {
	if o.require(key) {
		var err error
		n, err = o.val.uint64()
		o.fail(key, err)
	}
	return n
}

func (o *object) bool(key string) (set bool) {
	if o.require(key) {
		var err error
		set, err = o.val.bool()
		o.fail(key, err)
	}
	return set
}

func (o *object) boolIf(key string) *bool {
	if !o.find(key) {
		return nil
	}
	set := o.bool(key)
	return &set
}

func (o *object) text(key string) (text string) {
	if o.require(key) {
		var err error
		text, err = o.val.text()
		o.fail(key, err)
	}
	return text
}

// textIf returns "" for a missing member.
func (o *object) textIf(key string) string {
	if !o.find(key) {
		return ""
	}
	return o.text(key)
}

// textOrNull returns "" for null, but the member has to be there.
func (o *object) textOrNull(key string) string {
	if !o.require(key) || o.val.isNull() {
		return ""
	}
	return o.text(key)
}

// textMap returns the members of an object of strings.
func (v value) textMap() (map[string]string, error) {
	o := openObject(v)
	texts := make(map[string]string)
	for ; o.err == nil && o.more; o.advance() {
		text, err := o.val.text()
		o.fail(string(o.key), err)
		texts[string(o.key)] = text
	}
	return texts, o.err
}
