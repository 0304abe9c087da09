package format

import (
	"io"
	"math"
	"slices"
	"strings"

	"holdfast/internal/errs"
)

// Manifest is the content of backup.manifest: everything about one backup, above all its files.
type Manifest struct {
	Program    string // version of the program that wrote the file
	Label      string
	Prior      string // "" for a full backup
	Type       BackupType
	References []string // labels in the order of their making, the own label last; block maps hold indexes into it

	TimestampStart, TimestampCopyStart, TimestampStop int64  // Unix seconds
	ArchiveStart, ArchiveStop                         string // first and last WAL segment needed, "" when offline
	LSNStart, LSNStop                                 string // "" when offline

	Bundle     bool   // bundling was on
	BundleRaw  bool   // whole files in bundles have raw framing
	BlockIncr  bool   // block incremental was on
	CipherPass string // pass of the files of the backup, "" if not encrypted

	DB          BackupDB
	Options     Options
	Targets     []Target
	Databases   []Database
	Annotations map[string]string

	// Sorted by the bytes of the name, as are Targets and Databases.
	Files Files
	Links []Link
	Paths []Path

	// What is not written with an entry when it is equal. See SetDefaults.
	FileDefault, LinkDefault, PathDefault Defaults
}

// DecodeManifest reads a manifest in one pass. Texts that many files share, such as owners and references, are stored once.
func DecodeManifest(r io.Reader) (*Manifest, error) {
	d := manifestDecoder{m: &Manifest{}, owners: make(interned), references: make(interned), names: names{size: 32 << 10}}
	program, err := read(r, d.sections())
	if err != nil {
		return nil, err
	}
	d.m.Program = program
	if err := d.finish(); err != nil {
		return nil, err
	}
	return d.m, nil
}

// manifestDecoder is the state of reading a manifest.
type manifestDecoder struct {
	m          *Manifest
	owners     interned
	references interned
	seen       []string // references of files in the order of the file
	names      names
}

func (d *manifestDecoder) sections() sections {
	m := d.m
	return sections{
		"backup":              d.backup(),
		"backup:db":           m.DB.fields().read,
		"backup:option":       m.Options.fields().read,
		"backup:target":       d.target,
		"cipher":              fields{"cipher-pass": textInto(&m.CipherPass)}.read,
		"db":                  d.database,
		"metadata":            fields{"annotation": d.annotation}.read,
		"target:file":         d.file,
		"target:file:default": d.defaults(&m.FileDefault).read,
		"target:link":         d.link,
		"target:link:default": d.defaults(&m.LinkDefault).read,
		"target:path":         d.path,
		"target:path:default": d.defaults(&m.PathDefault).read,
	}
}

// backup reads the section of that name. Its unknown keys must be strings.
func (d *manifestDecoder) backup() section {
	m := d.m
	known := fields{
		"backup-archive-start":        textInto(&m.ArchiveStart),
		"backup-archive-stop":         textInto(&m.ArchiveStop),
		"backup-block-incr":           boolInto(&m.BlockIncr),
		"backup-bundle":               boolInto(&m.Bundle),
		"backup-bundle-raw":           boolInto(&m.BundleRaw),
		"backup-label":                textInto(&m.Label),
		"backup-lsn-start":            textInto(&m.LSNStart),
		"backup-lsn-stop":             textInto(&m.LSNStop),
		"backup-prior":                textInto(&m.Prior),
		"backup-reference":            d.referenceList,
		"backup-timestamp-copy-start": intInto(&m.TimestampCopyStart, 0, math.MaxInt64),
		"backup-timestamp-start":      intInto(&m.TimestampStart, 0, math.MaxInt64),
		"backup-timestamp-stop":       intInto(&m.TimestampStop, 0, math.MaxInt64),
		"backup-type":                 textInto(&m.Type),
	}
	return func(key []byte, v value) error {
		if _, found := known[string(key)]; !found {
			_, err := v.bytes()
			return err
		}
		return known.read(key, v)
	}
}

func (d *manifestDecoder) referenceList(v value) error {
	list, err := v.text()
	if list != "" {
		d.m.References = strings.Split(list, ",")
	}
	return err
}

func (d *manifestDecoder) annotation(v value) (err error) {
	d.m.Annotations, err = v.textMap()
	return err
}

func (d *manifestDecoder) finish() error {
	m := d.m
	if m.References == nil { // before 2.42
		m.References = append(slices.DeleteFunc(d.seen, func(label string) bool { return label == m.Label }), m.Label)
	}
	m.Options.finish()
	d.applyDefaults()
	for _, err := range []error{
		m.validateLabels(),
		inOrder(m.Targets, func(t *Target) string { return t.Name }),
		inOrder(m.Databases, func(d *Database) string { return d.Name }),
		m.Files.sortOnce(),
		inOrder(m.Links, func(l *Link) string { return l.Name }),
		inOrder(m.Paths, func(p *Path) string { return p.Name }),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// validateLabels keeps out labels that would lead out of the repository.
func (m *Manifest) validateLabels() error {
	if m.Type != Full && m.Type != Diff && m.Type != Incr {
		return errs.New(errs.Format, "invalid backup type '%s'", m.Type)
	}
	labels := append([]string{m.Label}, m.References...)
	if m.Prior != "" {
		labels = append(labels, m.Prior)
	}
	for _, label := range labels {
		if !ValidLabel(label) {
			return errs.New(errs.Format, "'%s' is not a backup label", label)
		}
	}
	return nil
}

// Encode writes a manifest. Names with a line feed cannot be written.
func (m *Manifest) Encode(out io.Writer) error {
	w := newWriter(out, m.Program)
	m.encodeBackup(w)
	w.section("backup:db")
	m.DB.encode(w)
	w.section("backup:option")
	m.Options.encode(w)
	w.section("backup:target")
	for i := range m.Targets {
		m.Targets[i].encode(w)
	}
	w.section("cipher")
	w.textIf("cipher-pass", m.CipherPass)
	w.section("db")
	for i := range m.Databases {
		m.Databases[i].encode(w)
	}
	w.section("metadata")
	if len(m.Annotations) > 0 {
		w.annotations(w.begin(), m.Annotations)
		w.end("annotation")
	}
	m.encodeTargets(w)
	return w.finish()
}

func (m *Manifest) encodeBackup(w *writer) {
	w.section("backup")
	w.textIf("backup-archive-start", m.ArchiveStart)
	w.textIf("backup-archive-stop", m.ArchiveStop)
	w.flag("backup-block-incr", m.BlockIncr)
	w.flag("backup-bundle", m.Bundle)
	w.flag("backup-bundle-raw", m.BundleRaw)
	w.text("backup-label", m.Label)
	w.textIf("backup-lsn-start", m.LSNStart)
	w.textIf("backup-lsn-stop", m.LSNStop)
	w.textIf("backup-prior", m.Prior)
	w.text("backup-reference", strings.Join(m.References, ","))
	w.int("backup-timestamp-copy-start", m.TimestampCopyStart)
	w.int("backup-timestamp-start", m.TimestampStart)
	w.int("backup-timestamp-stop", m.TimestampStop)
	w.text("backup-type", string(m.Type))
}

// encodeTargets writes what the backup consists of.
func (m *Manifest) encodeTargets(w *writer) {
	w.section("target:file")
	for i := range m.Files.Len() {
		var f File
		w.key = m.Files.load(i, &f, w.key[:0])
		f.encode(w, &m.FileDefault)
	}
	w.section("target:file:default")
	m.FileDefault.encode(w, true)
	if len(m.Links) > 0 {
		w.section("target:link")
		for i := range m.Links {
			m.Links[i].encode(w, &m.LinkDefault)
		}
		w.section("target:link:default")
		m.LinkDefault.encode(w, false)
	}
	w.section("target:path")
	for i := range m.Paths {
		m.Paths[i].encode(w, &m.PathDefault)
	}
	w.section("target:path:default")
	m.PathDefault.encode(w, true)
}
