package config

import (
	"path/filepath"
)

// compatibleName is the program name under which nothing but what pgBackRest knows exists.
const compatibleName = "pgbackrest"

// Parse reads a command and its options. The Config is never nil: with an error it holds what was known until then.
func Parse(in Input) (*Config, error) {
	in = in.withDefaults()
	environment := in.Env
	in.Env = nil // may hold secrets, so it is not kept
	c := &Config{
		in:     in,
		table:  newTable(filepath.Base(in.Program) != compatibleName),
		values: map[ref]*value{},
		keys:   map[string][]int{},
	}
	if err := c.scan(); err != nil {
		return c, err
	}
	c.Scanned = true
	if c.info.Bare {
		return c, c.settle()
	}
	if err := c.readEnvironment(environment); err != nil {
		return c, err
	}
	if err := c.readFiles(); err != nil {
		return c, err
	}
	return c, c.settle()
}
