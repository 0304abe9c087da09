package config

import (
	"strings"

	"holdfast/internal/errs"
)

// helpName and versionName are commands that are also options.
const (
	helpName    = "help"
	versionName = "version"
)

// scan reads the arguments from left to right and decides on the command.
func (c *Config) scan() error {
	help := false
	for i := 0; i < len(c.in.Args); i++ {
		arg := c.in.Args[i]
		switch {
		case strings.HasPrefix(arg, "-"):
			next, err := c.scanOption(i)
			if err != nil {
				return err
			}
			i = next
		case c.info == nil:
			info, role, err := c.scanCommand(arg)
			if err != nil {
				return err
			}
			if info.Name == helpName && !help {
				help = true
				continue
			}
			if help && role != Main {
				return errs.New(errs.CommandInvalid, "help is not available for the '%s' role", role)
			}
			c.info, c.Command, c.Role = info, info.Name, role
		default:
			c.Params = append(c.Params, arg)
		}
	}
	c.Help = help
	return c.scanned()
}

// scanned applies what holds when all arguments are known.
func (c *Config) scanned() error {
	if c.info == nil {
		if !c.Help && c.givenOthers() {
			return errs.New(errs.CommandRequired, "no command found")
		}
		c.info, c.Command, c.Help, c.general = c.table.command(helpName), helpName, true, true
	}
	if len(c.Params) > 0 && !c.info.Parameters && !c.Help {
		return errs.New(errs.ParamInvalid, "command does not allow parameters")
	}
	if c.Command == helpName && c.given(versionName) && !c.given(helpName) {
		c.Help, c.Version = false, true
	}
	return nil
}

// given reports whether a boolean was set to true by the user.
func (c *Config) given(option string) bool {
	v := c.values[ref{option: c.table.exact(option)}]
	return v != nil && v.found && !v.negate && !v.reset
}

// givenOthers reports whether there are options other than --help and --version.
func (c *Config) givenOthers() bool {
	for r := range c.values {
		if r.option.Name != helpName && r.option.Name != versionName {
			return true
		}
	}
	return false
}

// scanCommand resolves "command" or "command:role".
func (c *Config) scanCommand(arg string) (*CommandInfo, Role, error) {
	name, roleName, hasRole := strings.Cut(arg, ":")
	info := c.table.command(name)
	if info == nil {
		return nil, Main, errs.New(errs.CommandInvalid, "invalid command '%s'", arg)
	}
	if !hasRole {
		return info, Main, nil
	}
	for role := Async; role <= Remote; role++ {
		if role.String() != roleName {
			continue
		}
		if !hasWord(info.Roles, roleName) {
			return nil, Main, errs.New(errs.CommandInvalid, "invalid command/role combination '%s'", arg)
		}
		return info, role, nil
	}
	return nil, Main, errs.New(errs.CommandInvalid, "invalid command role '%s'", roleName)
}

// scanOption reads the option at argument i and returns the number of the last argument it used.
func (c *Config) scanOption(i int) (int, error) {
	arg := c.in.Args[i]
	whole, ok := strings.CutPrefix(arg, "--")
	if !ok {
		return i, errs.New(errs.OptionInvalid, "option '%s' must begin with --", arg)
	}
	name, text, hasText := strings.Cut(whole, "=")
	m, found, err := c.table.find(name, abbreviated|extended)
	if err != nil {
		return i, err
	}
	if !found {
		err := errs.New(errs.OptionInvalid, "invalid option '--%s'", whole)
		if hint := advice(name); hint != "" {
			err = err.Hint("%s", hint)
		}
		return i, err
	}
	switch {
	case m.negate || m.reset:
		if hasText {
			return i, errs.New(errs.OptionInvalid, "option '%s' does not allow an argument", name)
		}
		if m.negate && m.option.BoolLike {
			m.negate, text = false, "n"
		}
	case m.option.Type == Boolean:
		if hasText && text != "y" && text != "n" {
			return i, errs.New(errs.OptionInvalidValue, "boolean option '--%s' argument must be 'y' or 'n'", name)
		}
		m.negate, text = text == "n", ""
	case m.option.BoolLike && !hasText:
		text = "y"
	case !hasText:
		if i++; i == len(c.in.Args) {
			return i, errs.New(errs.OptionInvalid, "option '--%s' requires an argument", name)
		}
		text = c.in.Args[i]
	}
	if m.option.Secure {
		return i, errs.New(errs.OptionInvalid, "option '%s' is not allowed on the command-line", m.ref).
			Hint("this option could expose secrets in the process list.").
			Hint("specify the option in a configuration file or an environment variable instead.")
	}
	return i, c.give(m, secretly(text))
}

// give records an option from the command line.
func (c *Config) give(m match, text secretly) error {
	v := c.values[m.ref]
	if v != nil {
		if problem := v.conflict(m); problem != "" {
			return errs.New(errs.OptionInvalid, "option '%s' %s", m.ref, problem)
		}
	} else {
		v = &value{found: true, negate: m.negate, reset: m.reset, source: CommandLine}
		c.values[m.ref] = v
	}
	if m.option.Type != Boolean && !m.negate && !m.reset {
		v.raw = append(v.raw, text)
	}
	return nil
}

// conflict says why an option cannot be given again, "" if it can.
func (v *value) conflict(m match) string {
	switch {
	case v.negate && m.negate:
		return "is negated multiple times"
	case v.reset && m.reset:
		return "is reset multiple times"
	case v.negate && m.reset, v.reset && m.negate:
		return "cannot be negated and reset"
	case v.negate != m.negate:
		return "cannot be set and negated"
	case v.reset != m.reset:
		return "cannot be set and reset"
	case !m.option.multiple():
		return "cannot be set multiple times"
	}
	return ""
}
