package config

import (
	"fmt"
	"io/fs"
	"iter"
	"os"
	"strings"
	"time"
)

// FS is how configuration files are read.
type FS struct {
	ReadFile func(name string) ([]byte, error)
	ReadDir  func(name string) ([]fs.DirEntry, error)
}

// Input is everything Parse looks at.
type Input struct {
	Program          string   // path the program was started as; its base name decides what it calls itself
	Title            string   // first words of help, such as "Holdfast 1.0.0"
	Args             []string // without the program
	Env              []string // "NAME=value"
	FS               FS       // the operating system's when empty
	DefaultConfigDir string   // "/etc/pgbackrest" when empty
}

func (in Input) withDefaults() Input {
	if in.FS.ReadFile == nil {
		in.FS.ReadFile = os.ReadFile
	}
	if in.FS.ReadDir == nil {
		in.FS.ReadDir = os.ReadDir
	}
	if in.DefaultConfigDir == "" {
		in.DefaultConfigDir = "/etc/pgbackrest"
	}
	if in.Program == "" {
		in.Program = "holdfast"
	}
	return in
}

// Config is the outcome of Parse: a command and the values of its options.
//
// Accessors take the name of an option without index and, for options of a group, optionally the index; without it they use
// DefaultKey. They panic on a name that is not in the table or does not apply to the command, for that is a slip of the caller;
// an option that applies but has no value gives the zero value.
type Config struct {
	Command  string
	Role     Role
	Params   []string
	Help     bool     // explain Command (or everything when Command is "") instead of running it
	Version  bool     // print the version instead of running Command
	Scanned  bool     // the arguments are understood; errors before that belong on standard error
	Warnings []string // what Parse has to say, to be logged before anything else

	in      Input
	table   *table
	info    *CommandInfo
	values  map[ref]*value
	keys    map[string][]int // indexes in use, by group
	general bool             // help without a command
	stanzas []string
}

// CommandInfo describes the command. It is the zero value before a command is known.
func (c *Config) CommandInfo() CommandInfo {
	if c.info == nil {
		return CommandInfo{}
	}
	return *c.info
}

// Program returns the path the program was started as.
func (c *Config) Program() string { return c.in.Program }

// Valid reports whether the option applies to the command and role.
func (c *Config) Valid(option string) bool {
	o := c.table.exact(option)
	return o != nil && c.valid(o)
}

func (c *Config) valid(o *Option) bool {
	_, ok := o.validFor(c.Command, c.Role)
	return ok
}

// lookup finds the value of an option for the accessors, nil if there is none.
func (c *Config) lookup(option string, key []int) *value {
	o := c.table.exact(option)
	if o == nil {
		panic("config: there is no option " + option)
	}
	if !c.valid(o) {
		panic(fmt.Sprintf("config: option %s does not apply to command %s", option, c.Command))
	}
	r := ref{option: o}
	if o.Group != "" {
		if len(key) > 0 {
			r.key = key[0]
		} else {
			r.key = c.DefaultKey(o.Group)
		}
	}
	return c.values[r]
}

func (c *Config) typed(option string, key []int, types ...Type) value {
	v := c.lookup(option, key)
	t := c.table.exact(option).Type
	for _, want := range types {
		if t == want {
			if v == nil {
				return value{}
			}
			return *v
		}
	}
	panic(fmt.Sprintf("config: option %s asked for as the wrong type", option))
}

// Has reports whether the option applies and has a value.
func (c *Config) Has(option string, key ...int) bool {
	if !c.Valid(option) {
		return false
	}
	v := c.lookup(option, key)
	return v != nil && v.has
}

// Source returns where the value came from. An option that does not apply counts as default.
func (c *Config) Source(option string, key ...int) Source {
	if !c.Valid(option) {
		return Default
	}
	v := c.lookup(option, key)
	if v == nil {
		return Default
	}
	return v.source
}

// String returns the value of a string, path or option with a list of allowed values. For secure options use Secret.
func (c *Config) String(option string, key ...int) string {
	v := c.typed(option, key, String, Path)
	if c.table.exact(option).Secure {
		panic("config: option " + option + " is secret")
	}
	return string(v.text)
}

// Secret returns the value of a secure option.
func (c *Config) Secret(option string, key ...int) Secret {
	text := string(c.typed(option, key, String).text)
	return Secret{&text}
}

// Bool returns the value of a boolean.
func (c *Config) Bool(option string, key ...int) bool { return c.typed(option, key, Boolean).bool }

// Int returns the value of an integer.
func (c *Config) Int(option string, key ...int) int64 { return c.typed(option, key, Integer).number }

// Size returns the value of a size in bytes.
func (c *Config) Size(option string, key ...int) int64 { return c.typed(option, key, Size).number }

// Duration returns the value of a time.
func (c *Config) Duration(option string, key ...int) time.Duration {
	return time.Duration(c.typed(option, key, Time).number) * time.Millisecond
}

// List returns the values of a list.
func (c *Config) List(option string, key ...int) []string {
	return texts(c.typed(option, key, List).list)
}

// Hash returns the entries of a hash.
func (c *Config) Hash(option string, key ...int) map[string]string {
	pairs := c.typed(option, key, Hash).hash
	m := make(map[string]string, len(pairs))
	for _, p := range pairs {
		m[p.Key] = p.Value
	}
	return m
}

// HashPairs returns the entries of a hash in the order their keys were first seen.
func (c *Config) HashPairs(option string, key ...int) []Pair {
	return append([]Pair(nil), c.typed(option, key, Hash).hash...)
}

// Original returns the value as the user wrote it, or the text of the default. Secure options give a placeholder.
func (c *Config) Original(option string, key ...int) string {
	v := c.lookup(option, key)
	if v == nil || !v.has {
		return ""
	}
	o := c.table.exact(option)
	return strings.Join(render(o, v), ",")
}

// Keys returns the indexes of a group ("pg" or "repo") in ascending order; none if the command has no option of the group.
func (c *Config) Keys(group string) []int { return append([]int(nil), c.keys[group]...) }

// DefaultKey returns the index chosen with --repo or --pg, else the lowest.
func (c *Config) DefaultKey(group string) int {
	if o := c.table.exact(group); c.valid(o) {
		if v := c.values[ref{option: o}]; v != nil && v.has {
			return int(v.number)
		}
	}
	if keys := c.keys[group]; len(keys) > 0 {
		return keys[0]
	}
	return 1
}

// Setting is one option that has been set.
type Setting struct {
	Name   string // with index
	Key    int    // 0 outside groups
	Option *Option
	Source Source
	Negate bool // --no-
	Reset  bool // --reset-
	Values []string
}

// Options iterates over the options of the command that are not at their default, in alphabetical order of the name without
// index. Values of secure options are placeholders.
func (c *Config) Options() iter.Seq[Setting] {
	return func(yield func(Setting) bool) {
		for _, s := range c.settings() {
			if !yield(s) {
				return
			}
		}
	}
}

// Stanzas returns the names of the stanzas that have a section in the configuration files, sorted.
func (c *Config) Stanzas() []string { return append([]string(nil), c.stanzas...) }
