package config

import (
	"slices"

	"holdfast/internal/errs"
)

// groups are the families of options that exist once per index.
var groups = [...]string{"pg", "repo"}

// settle gives every option of the command its value once everything the user wrote is known.
func (c *Config) settle() error {
	if err := c.refuseForeign(); err != nil {
		return err
	}
	for _, group := range groups {
		c.keys[group] = c.groupKeys(group)
	}
	for _, o := range c.table.resolveOrder() {
		if !c.valid(o) {
			continue
		}
		here := o.at(c.Command)
		keys := []int{0}
		if o.Group != "" {
			keys = c.keys[o.Group]
		}
		for _, key := range keys {
			if err := c.resolve(ref{o, key}, &here); err != nil {
				return err
			}
		}
	}
	for _, group := range groups {
		c.dropUnused(group)
	}
	return c.checkChosen()
}

// refuseForeign rejects options from the command line that do not belong to the command.
func (c *Config) refuseForeign() error {
	for _, o := range c.table.options {
		if c.valid(o) {
			continue
		}
		for r, v := range c.values {
			if r.option == o && v.source == CommandLine {
				return errs.New(errs.OptionInvalid, "option '%s' not valid for command '%s'", o.Name, c.Command)
			}
		}
	}
	return nil
}

// groupKeys returns the indexes for which something was set. The first cluster is always among them.
func (c *Config) groupKeys(group string) []int {
	if !c.hasGroup(group) {
		return nil
	}
	var keys []int
	for r, v := range c.values {
		if r.option.Group == group && !v.reset && c.valid(r.option) && !slices.Contains(keys, r.key) {
			keys = append(keys, r.key)
		}
	}
	if len(keys) == 0 || group == "pg" && !slices.Contains(keys, 1) {
		keys = append(keys, 1)
	}
	slices.Sort(keys)
	return keys
}

// hasGroup reports whether the command has an option of the group.
func (c *Config) hasGroup(group string) bool {
	for _, o := range c.table.options {
		if o.Group == group && c.valid(o) {
			return true
		}
	}
	return false
}

// dropUnused removes the indexes of a group for which all options have ended up with defaults, since what was set depends on
// something that is not so. One index always stays. If the lowest index goes and a single one is left, that becomes index 1.
func (c *Config) dropUnused(group string) {
	keys := c.keys[group]
	if len(keys) == 0 {
		return
	}
	var used []int
	for _, key := range keys {
		if c.isUsed(group, key) {
			used = append(used, key)
		}
	}
	if len(used) == 0 {
		used = keys[:1]
	}
	if len(used) == 1 && !c.isUsed(group, keys[0]) {
		c.renumber(group, used[0], 1)
		used = []int{1}
	}
	c.keys[group] = used
}

// isUsed reports whether an option of an index has something other than a default.
func (c *Config) isUsed(group string, key int) bool {
	for r, v := range c.values {
		if r.key == key && r.option.Group == group && v.source != Default && c.valid(r.option) {
			return true
		}
	}
	return false
}

// renumber moves the values of one index to another.
func (c *Config) renumber(group string, from, to int) {
	if from == to {
		return
	}
	for _, o := range c.table.options {
		if o.Group != group {
			continue
		}
		delete(c.values, ref{o, to})
		if v := c.values[ref{o, from}]; v != nil {
			delete(c.values, ref{o, from})
			c.values[ref{o, to}] = v
		}
	}
}

// checkChosen requires that the index chosen with --pg or --repo exists.
func (c *Config) checkChosen() error {
	for _, group := range groups {
		o := c.table.exact(group)
		v := c.values[ref{option: o}]
		if !c.valid(o) || v == nil || !v.has || slices.Contains(c.keys[group], int(v.number)) {
			continue
		}
		return errs.New(errs.OptionInvalidValue, "key '%s' is not valid for '%s' option", string(v.text), group)
	}
	return nil
}
