package config

import "io"

// Help explains the program, a command or an option, whichever the command line asked for.
func Help(c *Config, w io.Writer) error {
	return nil
}
