package config

import (
	"slices"
	"strings"

	"holdfast/internal/errs"
)

// resolve gives one option its value: dependency first, then the checks of what the user wrote, then the default. here is the
// option as the command sees it.
func (c *Config) resolve(r ref, here *Option) error {
	v := c.values[r]
	if v == nil {
		v = &value{}
		c.values[r] = v
	}
	if v.reset {
		v.source = Default
	}
	set := v.found && !v.reset && (here.Type == Boolean || !v.negate)
	if met, text := c.met(r, here.Depend); !met {
		if set && v.source == CommandLine {
			return errs.New(errs.OptionInvalid, "option '%s' not valid without option %s", r, text)
		}
		c.unmet(v, here)
		return nil
	}
	switch {
	case set:
		if here.Beta && here.Name != "beta" && !c.given("beta") {
			return errs.New(errs.OptionInvalid, "option '%s' is not valid without option 'beta'", r).
				Hint("beta features require the --beta option to prevent accidental usage.")
		}
		return c.accept(r, here, v)
	case v.negate:
		return nil // no value, on purpose
	}
	if text := c.fallback(r, here); text != "" {
		v.assume(here, text)
		return nil
	}
	if here.Optional || c.Help || here.Group == "pg" && c.servesRepo() {
		return nil
	}
	err := errs.New(errs.OptionRequired, "%s command requires option: %s", c.Command, r)
	if here.Section == Stanza {
		err.Hint("does this stanza exist?")
	}
	return err
}

// servesRepo reports whether this process works for another host on a repository, for which it need not know where clusters are.
func (c *Config) servesRepo() bool {
	v := c.values[ref{option: c.table.exact("remote-type")}]
	return c.Role == Remote && v != nil && v.found && slices.Contains(texts(v.raw), "repo")
}

// unmet is the value of an option whose dependency is not met. What a file or the environment says was meant for other times; only
// an explicit "no" or a reset is remembered, for display.
func (c *Config) unmet(v *value, here *Option) {
	keep := (v.reset || here.Type == Boolean && v.negate) && here.Depend.Unmet == ""
	v.source = Default
	if !keep {
		*v = value{}
	}
	if here.Depend.Unmet != "" {
		v.assume(here, here.Depend.Unmet)
	}
}

// met reports whether a dependency is met and, if not, describes what is missing.
func (c *Config) met(r ref, d Depend) (met bool, missing string) {
	if d.Option == "" {
		return true, ""
	}
	on := c.related(r, d.Option)
	v := c.values[on]
	if v == nil || !v.has {
		return false, "'" + on.String() + "'"
	}
	if d.Values == nil {
		return true, ""
	}
	have := v.plain(on.option)
	for _, want := range d.Values {
		if want == have {
			return true, ""
		}
	}
	switch {
	case on.option.Type == Boolean && d.Values[0] == "n":
		return false, "'no-" + on.String() + "'"
	case on.option.Type == Boolean:
		return false, "'" + on.String() + "'"
	case len(d.Values) == 1:
		return false, "'" + on.String() + "' = '" + d.Values[0] + "'"
	}
	return false, "'" + on.String() + "' in ('" + strings.Join(d.Values, "', '") + "')"
}

// related returns another option of the same index.
func (c *Config) related(r ref, name string) ref {
	o := c.table.exact(name)
	if o.Group == "" {
		return ref{option: o}
	}
	return ref{o, r.key}
}

// fallback returns the text of the default, "" if there is none.
func (c *Config) fallback(r ref, here *Option) string {
	if here.ByProgram {
		return c.in.Program
	}
	if here.By != "" {
		if k := c.caseOf(r, here); k != nil && k.Default != "" {
			return k.Default
		}
	}
	return here.Default
}

// caseOf returns the case that holds for an option with defaults or ranges that depend on another option.
func (c *Config) caseOf(r ref, here *Option) *Case {
	by := c.values[c.related(r, here.By)]
	if by == nil || !by.has {
		return nil
	}
	for i := range here.Cases {
		if here.Cases[i].Value == string(by.text) {
			return &here.Cases[i]
		}
	}
	return nil
}

// assume takes the text of a default, which needs no check.
func (v *value) assume(o *Option, text string) {
	v.has = true
	switch o.Type {
	case Boolean:
		v.bool = text == "y"
	case Integer, Size, Time:
		v.number, _ = number(o.Type, text)
	}
	v.text = secretly(text)
}

// plain returns the value in the form dependencies are written in.
func (v *value) plain(o *Option) string {
	if o.Type != Boolean {
		return string(v.text)
	}
	if v.bool {
		return "y"
	}
	return "n"
}
