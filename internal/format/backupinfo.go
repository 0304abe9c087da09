package format

import (
	"cmp"
	"io"
	"math"
	"slices"
	"strconv"

	"holdfast/internal/errs"
)

// BackupDB is one PostgreSQL cluster in the history of backup.info.
type BackupDB struct {
	ID             int    // history id: 1, 2, ...
	SystemID       uint64 // PostgreSQL's system identifier
	Version        string // "15", "9.6"
	CatalogVersion int
	ControlVersion int
}

// BackupInfo is the content of backup.info: the clusters that were backed up and all complete backups.
type BackupInfo struct {
	Program    string // version of the program that wrote the file
	CipherPass string // pass of the manifests, "" if not encrypted
	DB         BackupDB
	History    []BackupDB // in order of creation
	Backups    []Backup   // sorted by label
}

// DecodeBackupInfo reads backup.info. The history says what the current cluster is; section db only names its id.
func DecodeBackupInfo(r io.Reader) (*BackupInfo, error) {
	info := &BackupInfo{}
	program, err := read(r, sections{
		"backup:current": info.addBackup,
		"cipher":         fields{"cipher-pass": textInto(&info.CipherPass)}.read,
		"db":             fields{"db-id": intInto(&info.DB.ID, 0, math.MaxInt32)}.read,
		"db:history":     info.addHistory,
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
	err = inOrder(info.Backups, func(b *Backup) string { return b.Label })
	if err == nil {
		err = info.validate()
	}
	if err != nil {
		return nil, err
	}
	return info, nil
}

func (i *BackupInfo) addHistory(key []byte, v value) error {
	id, err := parseID(key)
	if err != nil {
		return err
	}
	o := openObject(v)
	i.History = append(i.History, BackupDB{
		ID:             id,
		CatalogVersion: int(o.int("db-catalog-version", 0, math.MaxInt32)),
		ControlVersion: int(o.int("db-control-version", 0, math.MaxInt32)),
		SystemID:       o.uint64("db-system-id"),
		Version:        o.text("db-version"),
	})
	return o.err
}

func (i *BackupInfo) addBackup(key []byte, v value) error {
	b, err := decodeBackup(string(key), v)
	i.Backups = append(i.Backups, b)
	return err
}

func (i *BackupInfo) validate() error {
	ids := make([]int, len(i.History))
	for n, db := range i.History {
		ids[n] = db.ID
	}
	if err := validateHistory(i.DB.ID, ids); err != nil {
		return err
	}
	if !slices.Contains(i.History, i.DB) {
		return errs.New(errs.Assert, "current entry differs from history")
	}
	return nil
}

// Encode writes backup.info.
func (i *BackupInfo) Encode(out io.Writer) error {
	if err := i.validate(); err != nil {
		return err
	}
	w := newWriter(out, i.Program)
	w.section("backup:current")
	for n := range i.Backups {
		i.Backups[n].encode(w)
	}
	w.section("cipher")
	w.textIf("cipher-pass", i.CipherPass)
	w.section("db")
	i.DB.encode(w)
	w.section("db:history")
	w.unordered = true
	for _, db := range i.History {
		o := w.begin()
		o.int("db-catalog-version", int64(db.CatalogVersion))
		o.int("db-control-version", int64(db.ControlVersion))
		o.uint64("db-system-id", db.SystemID)
		o.text("db-version", db.Version)
		w.end(strconv.Itoa(db.ID))
	}
	return w.finish()
}

// fields are the keys of a cluster in a section of its own.
func (d *BackupDB) fields() fields {
	return fields{
		"db-catalog-version": intInto(&d.CatalogVersion, 0, math.MaxInt32),
		"db-control-version": intInto(&d.ControlVersion, 0, math.MaxInt32),
		"db-id":              intInto(&d.ID, 0, math.MaxInt32),
		"db-system-id":       uint64Into(&d.SystemID),
		"db-version":         textInto(&d.Version),
	}
}

// encode writes the keys of a cluster to a section of their own.
func (d BackupDB) encode(w *writer) {
	w.int("db-catalog-version", int64(d.CatalogVersion))
	w.int("db-control-version", int64(d.ControlVersion))
	w.int("db-id", int64(d.ID))
	w.uint64("db-system-id", d.SystemID)
	w.text("db-version", d.Version)
}

// Backup returns the entry with the label.
func (i *BackupInfo) Backup(label string) (Backup, bool) {
	n, found := i.find(label)
	if !found {
		return Backup{}, false
	}
	return i.Backups[n], true
}

// Add inserts an entry at its sorted place. An entry of the same label is replaced.
func (i *BackupInfo) Add(b Backup) {
	n, found := i.find(b.Label)
	if found {
		i.Backups[n] = b
		return
	}
	i.Backups = slices.Insert(i.Backups, n, b)
}

// Remove deletes the entry with the label, if there is one.
func (i *BackupInfo) Remove(label string) {
	if n, found := i.find(label); found {
		i.Backups = slices.Delete(i.Backups, n, n+1)
	}
}

func (i *BackupInfo) find(label string) (int, bool) {
	return slices.BinarySearchFunc(i.Backups, label, func(b Backup, label string) int { return cmp.Compare(b.Label, label) })
}

// Dependents returns the label and those of all backups that cannot be restored without it, newest first. This is the order in
// which they may be removed.
func (i *BackupInfo) Dependents(label string) []string {
	labels := []string{label}
	lost := map[string]bool{label: true}
	for n := range i.Backups { // a backup comes after those it depends on
		b := &i.Backups[n]
		if lost[b.Label] || !lost[b.Prior] && !slices.ContainsFunc(b.References, func(other string) bool { return lost[other] }) {
			continue
		}
		labels = append(labels, b.Label)
		lost[b.Label] = true
	}
	slices.Reverse(labels)
	return labels
}
