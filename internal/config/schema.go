package config

import "strings"

// Type is how the text of an option is understood.
type Type uint8

// The types of options.
const (
	Boolean Type = iota
	String
	Path
	Integer
	Size // bytes, with units of 1024
	Time // milliseconds, seconds without a unit
	List
	Hash
)

// Section is where an option may stand.
type Section uint8

// Global options may stand in every section of a configuration file, Stanza options only in those of a stanza, CommandOnly options
// in none.
const (
	Global Section = iota
	Stanza
	CommandOnly
)

// Role is the part a process plays. People start main processes; the others are started by main processes.
type Role uint8

// The roles.
const (
	Main Role = iota
	Async
	Local
	Remote
)

var roleNames = [...]string{Main: "main", Async: "async", Local: "local", Remote: "remote"}

// String returns the name used after the colon of "command:role".
func (r Role) String() string { return roleNames[r] }

// CommandInfo describes a command.
type CommandInfo struct {
	Name       string
	Internal   bool   // works, but general help does not list it
	Extension  bool   // Holdfast's own: found by its exact name only, and not when called as pgbackrest
	Roles      string // separated by commas
	Lock       string // archive, backup, restore, all or none
	LockMain   bool   // the main process takes the lock
	LockRemote bool   // a remote process takes the lock
	LogFile    bool   // writes a log file without being asked
	LogLevel   string // level of the begin and end lines
	Parameters bool   // takes parameters
	Bare       bool   // looks neither at the environment nor at configuration files
	Summary    string
	Text       string
}

// Option describes an option.
type Option struct {
	Name       string
	Type       Type
	Section    Section
	Group      string // "pg" or "repo": the option exists once per index
	HelpGroup  string // heading in the help of a command
	For        string // commands, separated by blanks; "command:main,local" limits the roles
	Allow      []string
	Min, Max   string
	Default    string
	ByProgram  bool   // the default is the path the program was started as
	By         string // default and range depend on the value of this option
	Cases      []Case
	Depend     Depend
	Deprecated []OldName
	Except     []Exception
	Optional   bool // may be without a value
	Internal   bool
	Beta       bool
	Secure     bool // not accepted on the command line, never shown
	BoolLike   bool // without a value means "y"; can be negated
	CanNegate  bool // accepts --no- although the type alone would not say so
	Extension  bool // Holdfast's own: found by its exact name only, on the command line only, and not when called as pgbackrest
	Summary    string
	Text       string
}

// Case is a default and a range that hold when the option named in By has a value.
type Case struct{ Value, Default, Min, Max string }

// Depend is a condition for an option to have a value.
type Depend struct {
	Option string
	Values []string // any of them; nil means any value at all. "y" and "n" for booleans
	Unmet  string   // the value when the condition is not met, "" for none
}

// OldName is a name an option had in the past.
type OldName struct {
	Name    string
	Plain   bool // may be written without an index
	Indexed bool // may be written with an index
}

// Exception is what one command changes about an option. Zero fields change nothing.
type Exception struct {
	Command   string
	Default   string
	Allow     []string
	Depend    Depend
	Optional  bool
	Required  bool
	Internal  bool
	HelpGroup string
	Summary   string
	Text      string
}

// negatable reports whether --no- is accepted.
func (o *Option) negatable() bool {
	return o.CanNegate || o.BoolLike || o.Type == Boolean && o.Section != CommandOnly
}

// resettable reports whether --reset- is accepted.
func (o *Option) resettable() bool { return o.Section != CommandOnly && !o.Extension }

// multiple reports whether values accumulate.
func (o *Option) multiple() bool { return o.Type == List || o.Type == Hash }

// validFor reports whether the option applies to the command in any role, and in the given one.
func (o *Option) validFor(command string, role Role) (any, inRole bool) {
	for rest := o.For; rest != ""; {
		var word string
		word, rest, _ = strings.Cut(rest, " ")
		name, roles, limited := strings.Cut(word, ":")
		if name != command {
			continue
		}
		return true, !limited || hasWord(roles, role.String())
	}
	return false, false
}

// at returns the option as the command sees it.
func (o *Option) at(command string) Option {
	changed := *o
	for _, e := range o.Except {
		if e.Command == command {
			changed.apply(e)
		}
	}
	return changed
}

func (o *Option) apply(e Exception) {
	if e.Default != "" {
		o.Default = e.Default
	}
	if e.Allow != nil {
		o.Allow = e.Allow
	}
	if e.Depend.Option != "" {
		o.Depend = e.Depend
	}
	if e.HelpGroup != "" {
		o.HelpGroup = e.HelpGroup
	}
	if e.Summary != "" {
		o.Summary, o.Text = e.Summary, e.Text
	}
	o.Optional = (o.Optional || e.Optional) && !e.Required
	o.Internal = o.Internal || e.Internal
}

// hasWord reports whether word is one of the words of a list separated by commas.
func hasWord(list, word string) bool {
	for list != "" {
		var next string
		next, list, _ = strings.Cut(list, ",")
		if next == word {
			return true
		}
	}
	return false
}
