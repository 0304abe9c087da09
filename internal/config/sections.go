package config

import (
	"strings"

	"holdfast/internal/errs"
)

const globalSection = "global"

// apply takes options from the sections that concern the command, the most particular first.
func (c *Config) apply(doc *document) error {
	var names []string
	if stanza, _ := c.setting("stanza"); stanza != "" {
		names = append(names, stanza+":"+c.Command, stanza)
	}
	names = append(names, globalSection+":"+c.Command, globalSection)
	for _, name := range names {
		s := doc.sections[name]
		if s == nil {
			continue
		}
		reader := sectionReader{Config: c, name: name, seen: map[ref]string{}}
		for _, key := range s.keys {
			if err := reader.read(key, s.values[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// sectionReader takes options from one section.
type sectionReader struct {
	*Config
	name string
	seen map[ref]string // how an option was spelled
}

// read takes one key. The order of its checks is the order in which people see their messages.
func (r sectionReader) read(key string, texts []secretly) error {
	m, found, err := r.table.find(key, exactly)
	switch {
	case err != nil:
		return err
	case !found:
		r.warnInvalid("configuration file", key)
		return nil
	case m.negate:
		r.warn("configuration file contains negate option '%s'", key)
		return nil
	case m.reset:
		r.warn("configuration file contains reset option '%s'", key)
		return nil
	case m.option.Section == CommandOnly:
		r.warn("configuration file contains command-line only option '%s'", key)
		return nil
	}
	if before, double := r.seen[m.ref]; double {
		return errs.New(errs.OptionInvalid, "configuration file contains duplicate options ('%s', '%s') in section '[%s]'",
			key, before, r.name)
	}
	r.seen[m.ref] = key
	switch {
	case !r.valid(m.option):
		if strings.Contains(r.name, ":") {
			r.warn("configuration file contains option '%s' invalid for section '%s'", key, r.name)
		}
		return nil
	case m.option.Section == Stanza && r.global():
		r.warn("configuration file contains stanza-only option '%s' in global section '%s'", key, r.name)
		return nil
	case r.values[m.ref] != nil:
		return nil
	}
	return r.take(m, key, texts)
}

// global reports whether the section is one of those for all stanzas.
func (r sectionReader) global() bool {
	return r.name == globalSection || strings.HasPrefix(r.name, globalSection+":")
}

// take records an option.
func (r sectionReader) take(m match, key string, texts []secretly) error {
	if len(texts) > 1 && !m.option.multiple() {
		return errs.New(errs.OptionInvalid, "option '%s' cannot be set multiple times", m.ref)
	}
	if len(texts) == 1 && texts[0] == "" {
		return errs.New(errs.OptionInvalidValue, "section '%s', key '%s' must have a value", r.name, key)
	}
	v := &value{found: true, source: ConfigFile}
	if m.option.Type == Boolean {
		if texts[0] != "y" && texts[0] != "n" {
			return errs.New(errs.OptionInvalidValue, "boolean option '%s' must be 'y' or 'n'", key)
		}
		v.negate = texts[0] == "n"
	} else {
		v.raw = texts
	}
	r.values[m.ref] = v
	return nil
}
