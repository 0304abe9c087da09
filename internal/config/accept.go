package config

import (
	"slices"
	"strings"

	"holdfast/internal/errs"
)

// accept checks what the user wrote and makes it the value.
func (c *Config) accept(r ref, here *Option, v *value) error {
	v.has = true
	switch here.Type {
	case Boolean:
		v.bool = !v.negate
		return nil
	case List:
		v.list = v.raw
		return nil
	case Hash:
		return c.acceptHash(r, v)
	}
	v.text = v.raw[0]
	switch here.Type {
	case Integer, Size, Time:
		n, ok := number(here.Type, string(v.text))
		if !ok {
			return errs.New(errs.OptionInvalidValue, "'%s' is not valid for '%s' option", shown(here, v), r)
		}
		v.number = n
	default:
		if err := acceptText(r, here, v); err != nil {
			return err
		}
	}
	if here.Allow != nil {
		return allowed(r, here, v)
	}
	return c.inRange(r, here, v)
}

// shown is what messages say about a value: the value, unless it is secret.
func shown(o *Option, v *value) string {
	if o.Secure {
		return redacted
	}
	return string(v.text)
}

// acceptText checks a string or path. One slash at the end of a path is dropped.
func acceptText(r ref, here *Option, v *value) error {
	text := string(v.text)
	if text == "" && here.Allow == nil {
		return errs.New(errs.OptionInvalidValue, "'' must be >= 1 character for '%s' option", r)
	}
	if here.Type != Path {
		return nil
	}
	if text[0] != '/' {
		return errs.New(errs.OptionInvalidValue, "'%s' must begin with / for '%s' option", text, r)
	}
	if strings.Contains(text, "//") {
		return errs.New(errs.OptionInvalidValue, "'%s' cannot contain // for '%s' option", text, r)
	}
	if len(text) > 1 {
		v.text = secretly(strings.TrimSuffix(text, "/"))
	}
	return nil
}

func (c *Config) acceptHash(r ref, v *value) error {
	for _, raw := range v.raw {
		key, text, ok := strings.Cut(string(raw), "=")
		if !ok {
			return errs.New(errs.OptionInvalid, "key/value '%s' not valid for '%s' option", string(raw), r)
		}
		i := slices.IndexFunc(v.hash, func(p Pair) bool { return p.Key == key })
		if i < 0 {
			v.hash = append(v.hash, Pair{key, text})
			continue
		}
		c.warn("key '%s' value '%s' is overwritten with '%s' for '%s' option", key, v.hash[i].Value, text, r)
		v.hash[i].Value = text
	}
	return nil
}

// allowed checks a value against its list. Numbers are compared as numbers.
func allowed(r ref, here *Option, v *value) error {
	for _, text := range here.Allow {
		if here.Type == String && text == string(v.text) {
			return nil
		}
		if here.Type != String {
			if n, _ := number(here.Type, text); n == v.number {
				return nil
			}
		}
	}
	return errs.New(errs.OptionInvalidValue, "'%s' is not allowed for '%s' option", shown(here, v), r).
		Hint("allowed values are '%s'", strings.Join(here.Allow, "', '"))
}

// inRange checks a number against its bounds, which may depend on another option.
func (c *Config) inRange(r ref, here *Option, v *value) error {
	low, high, when := here.Min, here.Max, ""
	if here.By != "" {
		if k := c.caseOf(r, here); k != nil && k.Min != "" {
			low, high = k.Min, k.Max
			when = " when '" + c.related(r, here.By).String() + "' option = '" + k.Value + "'"
		}
	}
	if low == "" {
		return nil
	}
	least, _ := number(here.Type, low)
	most, _ := number(here.Type, high)
	if v.number >= least && v.number <= most {
		return nil
	}
	return errs.New(errs.OptionInvalidValue, "'%s' is out of range for '%s' option%s", shown(here, v), r, when).
		Hint("allowed range is %s to %s inclusive", low, high)
}
