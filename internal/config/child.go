package config

// ChildArgs returns options for a process that runs the same command in another role: what was given on the command line and means
// something there, with the values of some replaced. Settings from elsewhere the child finds itself, and secrets, which are never on
// the command line, are not passed.
func (c *Config) ChildArgs(role Role, replaced ...Pair) []string {
	skip := map[string]bool{}
	for _, p := range replaced {
		skip[p.Key] = true
	}
	var args []string
	for _, s := range c.settings() {
		_, valid := s.Option.validFor(c.Command, role)
		if s.Source == CommandLine && valid && !s.Option.Secure && !skip[s.Option.Name] {
			args = append(args, s.words()...)
		}
	}
	for _, p := range replaced {
		args = append(args, "--"+p.Key+"="+p.Value)
	}
	return args
}
