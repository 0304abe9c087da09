package config

import (
	"sort"
	"strings"
)

// optionLists are all options. Their order does not matter; table sorts them.
var optionLists = [...][]Option{
	generalOptions, logOptions, networkOptions, commandOptions,
	archiveOptions, backupOptions, restoreOptions,
	pgOptions, pgHostOptions,
	repoOptions, repoHostOptions, cloudOptions, sftpOptions,
	demoOptions,
}

// table finds commands and options by name.
type table struct {
	extensions bool // Holdfast's own commands and options exist
	options    []*Option
	byName     map[string]*Option
}

func newTable(extensions bool) *table {
	t := &table{extensions: extensions, byName: make(map[string]*Option, 256)}
	for _, list := range optionLists {
		for i := range list {
			o := &list[i]
			if o.Extension && !extensions {
				continue
			}
			t.options = append(t.options, o)
			t.byName[o.Name] = o
		}
	}
	sort.Slice(t.options, func(i, j int) bool { return t.options[i].Name < t.options[j].Name })
	return t
}

// exact returns the option with this name, nil if there is none.
func (t *table) exact(name string) *Option { return t.byName[name] }

// command returns the command an argument means: the first whose name begins with it. Holdfast's own commands need their full name,
// so that they never stand in the way of an abbreviation.
func (t *table) command(arg string) *CommandInfo {
	for i := range commands {
		c := &commands[i]
		if c.Extension {
			if t.extensions && arg == c.Name {
				return c
			}
			continue
		}
		if strings.HasPrefix(c.Name, arg) {
			return c
		}
	}
	return nil
}

// resolveOrder returns the options of a command such that every option comes after those it depends on: stanza, then whatever has
// its dependencies behind it, alphabetically, in as many rounds as it takes. Dependencies of all commands count.
func (t *table) resolveOrder() []*Option {
	order := make([]*Option, 0, len(t.options))
	done := make(map[*Option]bool, len(t.options))
	add := func(o *Option) {
		order = append(order, o)
		done[o] = true
	}
	add(t.exact("stanza"))
	for len(order) < len(t.options) {
		before := len(order)
		for _, o := range t.options {
			if !done[o] && t.dependenciesDone(o, done) {
				add(o)
			}
		}
		if len(order) == before {
			panic("config: options depend on each other in a circle")
		}
	}
	return order
}

func (t *table) dependenciesDone(o *Option, done map[*Option]bool) bool {
	ready := func(d Depend) bool { return d.Option == "" || done[t.exact(d.Option)] }
	if !ready(o.Depend) || !ready(Depend{Option: o.By}) {
		return false
	}
	for _, e := range o.Except {
		if !ready(e.Depend) {
			return false
		}
	}
	return true
}

// String returns the name people use: "repo-path" and 2 make "repo2-path".
func (r ref) String() string {
	if r.option.Group == "" {
		return r.option.Name
	}
	return withIndex(r.option.Name, r.key)
}
