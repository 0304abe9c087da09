package config

import (
	"slices"
	"strings"
)

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

// notSent are options that every host decides for itself.
var notSent = map[string]bool{
	"config": true, "config-include-path": true, "config-path": true, "lock-path": true, "log-path": true, "repo-cipher-type": true,
}

// RemoteArgs returns options for a process that runs the same command on the host of a cluster (group "pg") or of a repository (group
// "repo") with that key: whatever is not at its default and means something there, with the values of some replaced, in alphabetical
// order. Over there the cluster is the first; other clusters, and other repositories, are none of its business. Secrets are not passed.
func (c *Config) RemoteArgs(group string, key int, replaced ...Pair) []string {
	skip := map[string]bool{}
	for _, p := range replaced {
		skip[p.Key] = true
	}
	var args []string
	for _, s := range c.settings() {
		_, valid := s.Option.validFor(c.Command, Remote)
		if !valid || s.Option.Secure || skip[s.Option.Name] || notSent[s.Option.Name] {
			continue
		}
		if s.Option.Group != "" && (s.Option.Group != group || s.Key != key) {
			continue
		}
		if group == "pg" && s.Option.Group == "pg" {
			s.Name = "pg1" + strings.TrimPrefix(s.Option.Name, "pg")
		}
		args = append(args, s.words()...)
	}
	for _, name := range []string{"config", "config-include-path", "config-path"} {
		if there := group + "-host-" + name; c.Has(there, key) && c.Source(there, key) != Default {
			args = append(args, "--"+name+"="+c.String(there, key))
		}
	}
	for _, p := range replaced {
		args = append(args, "--"+p.Key+"="+p.Value)
	}
	slices.Sort(args)
	return args
}
