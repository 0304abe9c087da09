package format

import (
	"io"
	"math"
	"slices"
	"strconv"

	"holdfast/internal/errs"
)

// ArchiveDB is one PostgreSQL cluster in the history of archive.info.
type ArchiveDB struct {
	ID       int    // history id: 1, 2, ...
	SystemID uint64 // PostgreSQL's system identifier
	Version  string // "15", "9.6"
}

// ArchiveID returns the name of the archive directory of the cluster, such as "15-1".
func (d ArchiveDB) ArchiveID() string { return d.Version + "-" + strconv.Itoa(d.ID) }

// ArchiveInfo is the content of archive.info: which clusters have archived their WAL here.
type ArchiveInfo struct {
	Program    string // version of the program that wrote the file
	CipherPass string // pass of everything archived, "" if not encrypted
	DB         ArchiveDB
	History    []ArchiveDB // in order of creation
}

// DecodeArchiveInfo reads archive.info. The history says what the current cluster is; section db only names its id.
func DecodeArchiveInfo(r io.Reader) (*ArchiveInfo, error) {
	info := &ArchiveInfo{}
	program, err := read(r, sections{
		"cipher":     fields{"cipher-pass": textInto(&info.CipherPass)}.read,
		"db":         fields{"db-id": intInto(&info.DB.ID, 0, math.MaxInt32)}.read,
		"db:history": info.addHistory,
	})
	if err != nil {
		return nil, err
	}
	info.Program = program
	for _, db := range info.History {
		if db.ID == info.DB.ID {
			info.DB = db
		}
	}
	if err := info.validate(); err != nil {
		return nil, err
	}
	return info, nil
}

// addHistory reads a line of the history. There "db-id" is the system identifier.
func (a *ArchiveInfo) addHistory(key []byte, v value) error {
	id, err := parseID(key)
	if err != nil {
		return err
	}
	o := openObject(v)
	db := ArchiveDB{ID: id, SystemID: o.uint64("db-id"), Version: o.text("db-version")}
	a.History = append(a.History, db)
	return o.err
}

func (a *ArchiveInfo) validate() error {
	ids := make([]int, len(a.History))
	for i, db := range a.History {
		ids[i] = db.ID
	}
	if err := validateHistory(a.DB.ID, ids); err != nil {
		return err
	}
	if !slices.Contains(a.History, a.DB) {
		return errs.New(errs.Assert, "current entry differs from history")
	}
	return nil
}

// validateHistory checks what archive.info and backup.info have in common.
func validateHistory(current int, ids []int) error {
	switch {
	case len(ids) == 0:
		return errs.New(errs.Format, "history is missing")
	case current < 1:
		return errs.New(errs.Format, "current id is missing")
	case !slices.Contains(ids, current):
		return errs.New(errs.Format, "unable to find current id in history")
	}
	slices.Sort(ids)
	for i, id := range ids[1:] {
		if id == ids[i] {
			return errs.New(errs.Format, "id %d is twice in history", id)
		}
	}
	return nil
}

// Encode writes archive.info.
func (a *ArchiveInfo) Encode(out io.Writer) error {
	if err := a.validate(); err != nil {
		return err
	}
	w := newWriter(out, a.Program)
	w.section("cipher")
	w.textIf("cipher-pass", a.CipherPass)
	w.section("db")
	w.int("db-id", int64(a.DB.ID))
	w.uint64("db-system-id", a.DB.SystemID)
	w.text("db-version", a.DB.Version)
	w.section("db:history")
	w.unordered = true
	for _, db := range a.History {
		o := w.begin()
		o.uint64("db-id", db.SystemID)
		o.text("db-version", db.Version)
		w.end(strconv.Itoa(db.ID))
	}
	return w.finish()
}
