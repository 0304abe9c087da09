package format

import "holdfast/internal/errs"

// Defaults are the owner and mode that most entries of a kind have.
type Defaults struct {
	User, Group string // "" = the id has no name
	Mode        uint16 // not used for links
}

// SetDefaults derives all defaults from the entry of the data directory. It is called once for a new manifest, before it is written.
func (m *Manifest) SetDefaults() {
	for _, p := range m.Paths {
		if p.Name == "pg_data" {
			m.PathDefault = Defaults{User: p.User, Group: p.Group, Mode: p.Mode}
			m.FileDefault = Defaults{User: p.User, Group: p.Group, Mode: p.Mode & 0o640}
			m.LinkDefault = Defaults{User: p.User, Group: p.Group}
			return
		}
	}
}

// The defaults stand behind the entries they apply to. Until they are known, these stand for a missing member. No user has such a
// name, and no file such a mode.
const (
	missingOwner = "\x00"
	missingMode  = 0xffff
	highestMode  = 0o7777
)

func (d *manifestDecoder) applyDefaults() {
	m := d.m
	m.Files.owners.apply(&m.FileDefault)
	for i := range m.Links {
		l := &m.Links[i]
		m.LinkDefault.apply(&l.User, &l.Group, nil)
	}
	for i := range m.Paths {
		p := &m.Paths[i]
		m.PathDefault.apply(&p.User, &p.Group, &p.Mode)
	}
}

func (d *Defaults) apply(user, group *string, mode *uint16) {
	if *user == missingOwner {
		*user = d.User
	}
	if *group == missingOwner {
		*group = d.Group
	}
	if mode != nil && *mode == missingMode {
		*mode = d.Mode
	}
}

func (d *manifestDecoder) defaults(dst *Defaults) fields {
	return fields{
		"group": func(v value) (err error) { dst.Group, err = d.ownerName(v); return err },
		"mode":  func(v value) (err error) { dst.Mode, err = v.mode(); return err },
		"user":  func(v value) (err error) { dst.User, err = d.ownerName(v); return err },
	}
}

func (d *Defaults) encode(w *writer, withMode bool) {
	w.owner("group", d.Group)
	if withMode {
		w.val = appendMode(w.val[:0], d.Mode)
		w.put("mode")
	}
	w.owner("user", d.User)
}

func (w *writer) owner(key, name string) {
	if name == "" {
		w.bool(key, false)
	} else {
		w.text(key, name)
	}
}

// owner reads an optional user or group.
func (d *manifestDecoder) owner(o *object, key string) string {
	if !o.find(key) {
		return missingOwner
	}
	name, err := d.ownerName(o.val)
	o.fail(key, err)
	return name
}

// ownerName reads a user or group, which is false if the id has no name.
func (d *manifestDecoder) ownerName(v value) (string, error) {
	if string(v) == "false" {
		return "", nil
	}
	name, err := v.bytes()
	if err != nil {
		return "", err
	}
	return d.owners.text(name), nil
}

// mode reads an optional member of that name.
func mode(o *object) uint16 {
	if !o.find("mode") {
		return missingMode
	}
	mode, err := o.val.mode()
	o.fail("mode", err)
	return mode
}

// mode reads the permissions, a string of octal digits.
func (v value) mode() (mode uint16, err error) {
	digits, err := v.bytes()
	if err != nil {
		return 0, err
	}
	ok := len(digits) > 0
	for _, c := range digits {
		ok = ok && '0' <= c && c <= '7' && mode <= highestMode>>3
		mode = mode<<3 | uint16(c&7)
	}
	if !ok {
		return 0, errs.New(errs.Format, "invalid mode '%s'", cut(digits))
	}
	return mode, nil
}
