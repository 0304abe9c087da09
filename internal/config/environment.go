package config

import (
	"fmt"
	"strings"

	"holdfast/internal/errs"
)

const environmentPrefix = "PGBACKREST_"

func (c *Config) warn(format string, args ...any) {
	c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...))
}

// readEnvironment takes the options that the command line has not settled from the environment.
func (c *Config) readEnvironment(variables []string) error {
	for _, variable := range variables {
		name, text, _ := strings.Cut(variable, "=")
		name, ours := strings.CutPrefix(name, environmentPrefix)
		if !ours {
			continue
		}
		key := strings.ReplaceAll(strings.ToLower(name), "_", "-")
		if err := c.readVariable(key, secretly(text)); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) readVariable(key string, text secretly) error {
	m, found, err := c.table.find(key, exactly)
	switch {
	case err != nil:
		return err
	case !found:
		c.warnInvalid("environment", key)
		return nil
	case m.negate:
		c.warn("environment contains invalid negate option '%s'", key)
		return nil
	case m.reset:
		c.warn("environment contains invalid reset option '%s'", key)
		return nil
	case !c.valid(m.option):
		return nil
	case text == "":
		return errs.New(errs.OptionInvalidValue, "environment variable '%s' must have a value", key)
	case c.values[m.ref] != nil:
		return nil
	}
	v := &value{found: true, source: Environment}
	switch {
	case m.option.Type == Boolean:
		if text != "y" && text != "n" {
			return errs.New(errs.OptionInvalidValue, "environment boolean option '%s' must be 'y' or 'n'", key)
		}
		v.negate = text == "n"
	case m.option.multiple():
		for _, part := range strings.Split(string(text), ":") {
			v.raw = append(v.raw, secretly(part))
		}
	default:
		v.raw = []secretly{text}
	}
	c.values[m.ref] = v
	return nil
}
