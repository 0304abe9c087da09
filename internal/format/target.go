package format

import (
	"math"

	"holdfast/internal/errs"
)

// Target is the data directory or a link out of it.
type Target struct {
	Name           string // "pg_data", "pg_data/NAME", "pg_tblspc/OID"
	Path           string // the directory; for a link to a file the directory part of the link text
	File           string // last part of the link text for a link to a file
	Link           bool   // false for the data directory
	TablespaceID   string // "" unless a tablespace
	TablespaceName string
}

// Destination returns where the target is: the path, or path and file of a link to a file.
func (t Target) Destination() string {
	switch {
	case t.File == "":
		return t.Path
	case t.Path == "/":
		return "/" + t.File
	case t.Path == "":
		return t.File
	}
	return t.Path + "/" + t.File
}

func (d *manifestDecoder) target(key []byte, v value) error {
	o := openObject(v)
	t := Target{
		Name:           string(key),
		File:           o.textIf("file"),
		Path:           o.text("path"),
		TablespaceID:   o.textIf("tablespace-id"),
		TablespaceName: o.textIf("tablespace-name"),
	}
	kind := o.text("type")
	t.Link = kind == "link"
	if o.err == nil && !t.Link && kind != "path" {
		return errs.New(errs.Format, "invalid type '%s' of target '%s'", kind, t.Name)
	}
	d.m.Targets = append(d.m.Targets, t)
	return o.first(checkName(key))
}

func (t *Target) encode(w *writer) {
	o := w.begin()
	o.textIf("file", t.File)
	o.text("path", t.Path)
	o.textIf("tablespace-id", t.TablespaceID)
	o.textIf("tablespace-name", t.TablespaceName)
	if t.Link {
		o.text("type", "link")
	} else {
		o.text("type", "path")
	}
	w.end(t.Name)
}

// Database is a database of the cluster.
type Database struct {
	Name         string
	ID           uint32
	LastSystemID uint32 // oid of template0, or 0
}

func (d *manifestDecoder) database(key []byte, v value) error {
	o := openObject(v)
	d.m.Databases = append(d.m.Databases, Database{
		Name:         string(key),
		ID:           uint32(o.int("db-id", 0, math.MaxUint32)),
		LastSystemID: uint32(o.int("db-last-system-id", 0, math.MaxUint32)),
	})
	return o.err
}

func (d *Database) encode(w *writer) {
	o := w.begin()
	o.int("db-id", int64(d.ID))
	o.int("db-last-system-id", int64(d.LastSystemID))
	w.end(d.Name)
}

// Link is a symbolic link of the data directory. Tablespaces are "pg_data/pg_tblspc/OID".
type Link struct {
	Name, Destination string
	User, Group       string // "" = the id has no name
}

func (d *manifestDecoder) link(key []byte, v value) error {
	o := openObject(v)
	l := Link{Name: d.names.add(key), Destination: o.text("destination")}
	l.Group = d.owner(&o, "group")
	l.User = d.owner(&o, "user")
	d.m.Links = append(d.m.Links, l)
	return o.first(checkName(key))
}

func (l *Link) encode(w *writer, missing *Defaults) {
	o := w.begin()
	o.text("destination", l.Destination)
	o.owner("group", l.Group, missing.Group)
	o.owner("user", l.User, missing.User)
	w.end(l.Name)
}

// Path is a directory of the cluster.
type Path struct {
	Name        string
	Mode        uint16
	User, Group string // "" = the id has no name
}

func (d *manifestDecoder) path(key []byte, v value) error {
	o := openObject(v)
	p := Path{Name: d.names.add(key)}
	p.Group = d.owner(&o, "group")
	p.Mode = mode(&o)
	p.User = d.owner(&o, "user")
	d.m.Paths = append(d.m.Paths, p)
	return o.first(checkName(key))
}

func (p *Path) encode(w *writer, missing *Defaults) {
	o := w.begin()
	o.owner("group", p.Group, missing.Group)
	o.mode("mode", p.Mode, missing.Mode)
	o.owner("user", p.User, missing.User)
	w.end(p.Name)
}
