package config

import (
	"fmt"
	"log/slog"
)

// Source says where the value of an option came from.
type Source uint8

// The sources, weakest first.
const (
	Default Source = iota
	ConfigFile
	Environment
	CommandLine
)

// Secret is a value that must not be printed: a passphrase, key or token. All ways of printing show a placeholder; within a
// structure whose fields are private, which packages for printing read without asking, they show an address.
type Secret struct{ text *string }

const redacted = "<redacted>"

// Reveal returns the value itself, for the place that needs it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String returns a placeholder.
func (s Secret) String() string { return redacted }

// GoString returns a placeholder.
func (s Secret) GoString() string { return redacted }

// MarshalText returns a placeholder, so that no encoder writes the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns a placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Pair is one entry of an option that maps keys to values.
type Pair struct{ Key, Value string }

// ref names one option, or one index of an option that belongs to a group.
type ref struct {
	option *Option
	key    int // 0 outside groups
}

// value is what is known about one ref. The first part is filled while reading, the second when options are resolved.
type value struct {
	found  bool
	negate bool
	reset  bool
	source Source
	raw    []secretly // as written

	has    bool // there is a value
	bool   bool
	number int64 // integers as they are, sizes in bytes, times in milliseconds
	text   secretly
	list   []secretly
	hash   []Pair // first-seen order
}

// Format prints a placeholder, since values are private and may be secret.
func (value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// secretly is text that may be secret. It prints as a placeholder.
type secretly string

// Format prints a placeholder.
func (secretly) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

func texts(in []secretly) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return out
}
