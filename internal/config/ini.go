package config

import (
	"strings"

	"holdfast/internal/errs"
)

// document is the content of all configuration files.
type document struct {
	order    []string
	sections map[string]*section
}

// section is the part of a document under one heading. Keys may repeat.
type section struct {
	keys   []string // in the order they are first seen
	values map[string][]secretly
}

// add parses one file and appends it. On a syntax error nothing of the file counts.
func (d *document) add(text string) error {
	var current *section
	for number, line := range strings.Split(text, "\n") {
		line = strings.Trim(line, " \t\r")
		if line == "" || line[0] == '#' {
			continue
		}
		problem := ""
		if line[0] == '[' {
			var name string
			if name, problem = heading(line); problem == "" {
				current = d.section(name)
			}
		} else {
			problem = current.set(line)
		}
		if problem != "" {
			return errs.New(errs.Format, "%s at line %d: %s", problem, number+1, line)
		}
	}
	return nil
}

// heading returns the name between the brackets, or what is wrong.
func heading(line string) (name, problem string) {
	if line[len(line)-1] != ']' {
		return "", "ini section should end with ]"
	}
	if line == "[]" {
		return "", "invalid empty section"
	}
	return line[1 : len(line)-1], ""
}

// section returns the section with this name, a new one if there is none yet.
func (d *document) section(name string) *section {
	s := d.sections[name]
	if s == nil {
		s = &section{values: map[string][]secretly{}}
		d.sections[name] = s
		d.order = append(d.order, name)
	}
	return s
}

// set adds a line "key=value" and returns what is wrong with it.
func (s *section) set(line string) (problem string) {
	if s == nil {
		return "key/value found outside of section"
	}
	key, text, found := strings.Cut(line, "=")
	if !found {
		return "missing '=' in key/value"
	}
	key = strings.Trim(key, " \t\r")
	if key == "" {
		return "key is zero-length"
	}
	if _, seen := s.values[key]; !seen {
		s.keys = append(s.keys, key)
	}
	s.values[key] = append(s.values[key], secretly(strings.Trim(text, " \t\r")))
	return ""
}
