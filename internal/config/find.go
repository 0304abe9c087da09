package config

import (
	"strconv"
	"strings"

	"holdfast/internal/errs"
)

const (
	maxName = 64  // characters of an option name
	maxKey  = 256 // index of a group
)

// lookup says which liberties a name may take.
type lookup uint8

const (
	exactly     lookup = 0
	abbreviated lookup = 1 << iota // the beginning of exactly one name is enough
	extended                       // Holdfast's own options count
	anyIndex                       // an index may be missing
)

// match is what a name written by a user stands for.
type match struct {
	ref
	negate bool
	reset  bool
}

// find returns the option meant by a name as it stands on the command line (without "--"), in the environment (converted) or in a
// configuration file. ok is false when there is no such option.
func (t *table) find(name string, how lookup) (m match, ok bool, err error) {
	if len(name) > maxName {
		return m, false, errs.New(errs.OptionInvalid, "option '%s' exceeds maximum size of %d", name, maxName)
	}
	rest := name
	if after, found := strings.CutPrefix(rest, "no-"); found {
		rest, m.negate = after, true
	} else if after, found := strings.CutPrefix(rest, "reset-"); found {
		rest, m.reset = after, true
	}
	rest, key, err := cutIndex(name, rest)
	if err != nil {
		return m, false, err
	}
	old := OldName{}
	if m.option = t.current(rest, how); m.option == nil {
		if m.option, old = t.deprecated(rest, how); m.option == nil {
			return m, false, nil
		}
	}
	ignoreIndex := how&anyIndex != 0 && key == 0
	if old.Name != "" && !ignoreIndex {
		if err := m.oldIndex(name, key, old); err != nil {
			return m, false, err
		}
	}
	if m.negate && !m.option.negatable() {
		return m, false, errs.New(errs.OptionInvalid, "option '%s' cannot be negated", name)
	}
	if m.reset && !m.option.resettable() {
		return m, false, errs.New(errs.OptionInvalid, "option '%s' cannot be reset", name)
	}
	if old.Name == "" && !ignoreIndex {
		err = m.index(name, key)
	}
	return m, err == nil, err
}

// cutIndex removes the digits in front of the first dash and returns them as a number, 0 if there are none. name is what the user
// wrote, for messages.
func cutIndex(name, rest string) (string, int, error) {
	dash := strings.IndexByte(rest, '-')
	if dash < 0 {
		return rest, 0, nil
	}
	if dash == 0 {
		return "", 0, errs.New(errs.OptionInvalid, "option '%s' cannot begin with a dash", name)
	}
	start := dash
	for start > 0 && rest[start-1] >= '0' && rest[start-1] <= '9' {
		start--
	}
	if start == dash {
		return rest, 0, nil
	}
	if start == 0 {
		return "", 0, errs.New(errs.OptionInvalid, "option '%s' cannot begin with a number", name)
	}
	key, err := strconv.Atoi(rest[start:dash])
	if err != nil || key < 1 || key > maxKey {
		return "", 0, errs.New(errs.OptionInvalid, "option '%s' key must be between 1 and %d", name, maxKey)
	}
	return rest[:start] + rest[dash:], key, nil
}

// current finds an option by its name or, where abbreviations are allowed, by the beginning of exactly one name.
func (t *table) current(name string, how lookup) *Option {
	if o := t.exact(name); o != nil && (how&extended != 0 || !o.Extension) {
		return o
	}
	if how&abbreviated == 0 {
		return nil
	}
	var found *Option
	for _, o := range t.options {
		if !o.Extension && strings.HasPrefix(o.Name, name) {
			if found != nil {
				return nil
			}
			found = o
		}
	}
	return found
}

// deprecated finds an option by a name of the past.
func (t *table) deprecated(name string, how lookup) (*Option, OldName) {
	var prefixed *Option
	var prefix OldName
	count := 0
	for _, o := range t.options {
		for _, old := range o.Deprecated {
			if old.Name == name {
				return o, old
			}
			if how&abbreviated != 0 && strings.HasPrefix(old.Name, name) {
				prefixed, prefix = o, old
				count++
			}
		}
	}
	if count == 1 {
		return prefixed, prefix
	}
	return nil, OldName{}
}

// index settles the index of an option written by its current name.
func (m *match) index(name string, key int) error {
	if m.option.Group == "" {
		if key != 0 {
			return errs.New(errs.OptionInvalid, "option '%s' cannot have an index", name)
		}
		return nil
	}
	m.key = key
	if key != 0 {
		return nil
	}
	for _, old := range m.option.Deprecated {
		if old.Name == m.option.Name && old.Plain {
			m.key = 1
			return nil
		}
	}
	return errs.New(errs.OptionInvalid, "option '%s' requires an index", name).
		Hint("add the required index, e.g. %s.", withIndex(m.option.Name, 1))
}

// oldIndex settles the index of an option written by a name of the past.
func (m *match) oldIndex(name string, key int, old OldName) error {
	switch {
	case key != 0 && !old.Indexed:
		return errs.New(errs.OptionInvalid, "deprecated option '%s' cannot have an index", name)
	case key == 0 && !old.Plain:
		return errs.New(errs.OptionInvalid, "deprecated option '%s' requires an index", name).
			Hint("add the required index, e.g. %s.", withIndex(old.Name, 1)).
			Hint("consider using the non-deprecated name, e.g. %s.", withIndex(m.option.Name, 1))
	}
	if m.option.Group != "" {
		m.key = max(key, 1)
	}
	return nil
}

// withIndex puts an index in front of the first dash of a name.
func withIndex(name string, key int) string {
	before, after, _ := strings.Cut(name, "-")
	return before + strconv.Itoa(key) + "-" + after
}
