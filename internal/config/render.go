package config

import "strings"

// settings lists the options that are not at their default, by name without index, then by index.
func (c *Config) settings() []Setting {
	var all []Setting
	for _, o := range c.table.options {
		if !c.valid(o) {
			continue
		}
		keys := []int{0}
		if o.Group != "" {
			keys = c.keys[o.Group]
		}
		for _, key := range keys {
			r := ref{o, key}
			v := c.values[r]
			if v == nil || (v.source == Default || !v.has) && !v.negate && !v.reset {
				continue
			}
			source := v.source
			if v.reset {
				source = CommandLine // nowhere else can options be reset
			}
			all = append(all, Setting{
				Name: r.String(), Key: key, Option: o, Source: source,
				Negate: v.negate && !v.reset, Reset: v.reset, Values: render(o, v),
			})
		}
	}
	return all
}

// render returns the values of an option as the user wrote them: one for most, several for lists and hashes.
func render(o *Option, v *value) []string {
	switch {
	case !v.has:
		return nil
	case o.Secure:
		return []string{redacted}
	case o.Type == Boolean:
		return []string{v.plain(o)}
	case o.Type == Hash:
		out := make([]string, len(v.hash))
		for i, p := range v.hash {
			out[i] = p.Key + "=" + p.Value
		}
		return out
	case o.Type == List:
		return texts(v.list)
	case len(v.raw) > 0:
		return texts(v.raw[:1])
	}
	return []string{string(v.text)}
}

// Args returns the setting as command line arguments for people and shells, secrets as placeholders.
func (s Setting) Args() []string {
	args := s.words()
	for i, word := range args {
		if name, text, found := strings.Cut(word, "="); found {
			args[i] = name + "=" + quoted(text)
		}
	}
	return args
}

// words returns the setting as a program gets it.
func (s Setting) words() []string {
	switch {
	case s.Reset:
		return []string{"--reset-" + s.Name}
	case s.Negate:
		return []string{"--no-" + s.Name}
	case s.Option.Type == Boolean:
		return []string{"--" + s.Name}
	}
	args := make([]string, len(s.Values))
	for i, text := range s.Values {
		args[i] = "--" + s.Name + "=" + text
	}
	return args
}

// quoted puts text with blanks in double quotes.
func quoted(text string) string {
	if strings.Contains(text, " ") {
		return `"` + text + `"`
	}
	return text
}

// CommandLine returns what the begin line shows after the version: a colon, the parameters and the options that are not at their
// default. It begins with ":" and has no blank at the end.
func (c *Config) CommandLine() string {
	var b strings.Builder
	b.WriteByte(':')
	if len(c.Params) > 0 {
		params := make([]string, len(c.Params))
		for i, p := range c.Params {
			params[i] = quoted(p)
		}
		b.WriteString(" [" + strings.Join(params, ", ") + "]")
	}
	for s := range c.Options() {
		for _, arg := range s.Args() {
			b.WriteString(" " + arg)
		}
	}
	return b.String()
}

// SetExecID sets the number of this run, which commands show and hand on. An id that came from outside stays.
func (c *Config) SetExecID(id string) {
	if c.Valid("exec-id") && !c.Has("exec-id") {
		c.Override("exec-id", id)
	}
}

// Override sets a string option outside groups as if it had been given on the command line, without checks. An option that does not
// apply to the command is left alone.
func (c *Config) Override(option, text string) {
	if o := c.table.exact(option); c.valid(o) {
		written := secretly(text)
		c.values[ref{option: o}] = &value{
			found: true, source: CommandLine, raw: []secretly{written}, has: true, text: written,
		}
	}
}

// For returns the configuration another command would have with the same settings, for commands that go on to another one. Options
// only the other command has are at their defaults; nothing is required.
func (c *Config) For(command string) *Config {
	next := &Config{
		Command: command, Role: Main, Scanned: true,
		in: c.in, table: c.table, info: c.table.command(command), values: map[ref]*value{}, stanzas: c.stanzas,
		keys: map[string][]int{},
	}
	for r, v := range c.values {
		if next.valid(r.option) && c.valid(r.option) {
			copied := *v
			next.values[r] = &copied
		}
	}
	for _, group := range groups {
		if next.hasGroup(group) {
			next.keys[group] = c.Keys(group)
			if len(next.keys[group]) == 0 {
				next.keys[group] = []int{1}
			}
		}
	}
	for _, o := range next.table.resolveOrder() {
		if next.valid(o) && !c.valid(o) {
			next.defaults(o)
		}
	}
	return next
}

// defaults gives an option nobody has set its defaults.
func (c *Config) defaults(o *Option) {
	here := o.at(c.Command)
	keys := []int{0}
	if o.Group != "" {
		keys = c.keys[o.Group]
	}
	for _, key := range keys {
		r, v := ref{o, key}, &value{}
		c.values[r] = v
		if met, _ := c.met(r, here.Depend); !met {
			c.unmet(v, &here)
		} else if text := c.fallback(r, &here); text != "" {
			v.assume(&here, text)
		}
	}
}
