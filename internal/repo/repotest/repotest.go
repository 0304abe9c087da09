// Package repotest fabricates repositories from a few lines of text, so that tests can tell long histories in little room.
//
//	repo 1                       what follows is in repository 1, which is the default
//	db 1 14                      cluster with history id 1 and version 14; the last one is the current one
//	F1 40d wal=1.0.2-1.0.3       full backup F1, 40 days old, with the WAL it needs (timeline.log.segment, hexadecimal)
//	F1D1 39d12h wal=1.0.5        differential backup in the set of F1
//	F1I1 39d wal=1.0.7 prior=F1  incremental backup; without prior it is based on the last listed one of its set
//	wal 14-1 1.0.1-1.0.9 .gz     archived segments; a third word is put behind their names
//	file backup/demo/x           any file, below the repository
//	dir backup/demo/y            any directory
//	archive.info 1 2             clusters in archive.info when they are not those of backup.info
//
// A backup without wal is offline. After that may stand:
//
//	db=1        cluster, otherwise the one declared last
//	stop=2h     how long it took, otherwise one minute
//	error       with page checksum errors
//	unlisted    not in backup.info
//	gone        listed, but the directory has no manifest
//	copy        unlisted, and the directory has only the copy of the manifest
//	bare        unlisted, and the directory has no manifest at all
//	past        only its manifest in the history is left
//
// Labels are made from ages, because retention is about ages. Name and Label translate.
package repotest

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// Program is the version that made everything.
const Program = "2.60.0"

// Stanza is the name of the stanza.
const Stanza = "demo"

// World is what was fabricated.
type World struct {
	Root   string
	Now    time.Time
	Repos  []*repo.Repo // sorted by key
	labels map[string]string
}

// Build makes the repositories of a text at Root/repoN. Ages count from now, in the zone of now.
func Build(tb testing.TB, tree storage.Tree, root string, now time.Time, text string) *World {
	tb.Helper()
	b := builder{
		ctx: tb.Context(), tree: tree, world: &World{Root: root, Now: now, labels: map[string]string{}}, repos: map[int]*contents{},
	}
	b.use(1)
	for _, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if err := b.line(words); err != nil {
			tb.Fatalf("%s: %v", line, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(b.repos)) {
		c := b.repos[key]
		if len(c.info.History) == 0 {
			continue
		}
		if err := b.finish(c); err != nil {
			tb.Fatal(err)
		}
		b.world.Repos = append(b.world.Repos, c.repo)
	}
	return b.world
}

// Label returns the label of a backup by its name.
func (w *World) Label(name string) string { return w.labels[name] }

// Name replaces labels by names, and the root by nothing.
func (w *World) Name(text string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(w.labels)) {
		pairs = append(pairs, w.labels[name], name)
	}
	// Labels of full backups begin those of others and must not be looked for first.
	var long, short []string
	for i := 0; i < len(pairs); i += 2 {
		if format.LabelType(pairs[i]) == format.Full {
			short = append(short, pairs[i:i+2]...)
		} else {
			long = append(long, pairs[i:i+2]...)
		}
	}
	return strings.NewReplacer(append(append(long, short...), w.Root+"/", "")...).Replace(text)
}

// Expand replaces {F1} by the label of F1.
func (w *World) Expand(text string) string {
	for name, label := range w.labels {
		text = strings.ReplaceAll(text, "{"+name+"}", label)
	}
	return text
}

// WAL turns 1.0.A into the name of a segment.
func WAL(short string) string {
	var part [3]uint64
	for i, word := range strings.SplitN(short, ".", 3) {
		part[i], _ = strconv.ParseUint(word, 16, 32)
	}
	return fmt.Sprintf("%08X%08X%08X", part[0], part[1], part[2])
}

// contents is one repository in the making.
type contents struct {
	repo    *repo.Repo
	info    format.BackupInfo
	archive []int // history ids in archive.info, nil for all
}

type builder struct {
	ctx   context.Context
	tree  storage.Tree
	world *World
	repos map[int]*contents
	now   *contents // the one being described
	last  map[string]string
}

func (b *builder) use(key int) {
	if b.repos[key] == nil {
		b.repos[key] = &contents{repo: repo.New(repo.Config{
			Key: key, Path: path.Join(b.world.Root, fmt.Sprintf("repo%d", key)), Storage: b.tree, Stanza: Stanza, Symlink: true,
			Program: Program,
		})}
	}
	b.now = b.repos[key]
	b.last = map[string]string{}
}

func (b *builder) line(words []string) error {
	arg := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	switch words[0] {
	case "repo":
		key, err := strconv.Atoi(arg(1))
		b.use(key)
		return err
	case "db":
		return b.db(arg(1), arg(2))
	case "archive.info":
		b.now.archive = []int{}
		for _, word := range words[1:] {
			id, err := strconv.Atoi(word)
			if err != nil {
				return err
			}
			b.now.archive = append(b.now.archive, id)
		}
		return nil
	case "wal":
		return b.wal(arg(1), arg(2), arg(3))
	case "file":
		return b.file(arg(1), "content\n")
	case "dir":
		return b.tree.MakeDir(b.ctx, path.Join(b.now.repo.Path(), b.world.Expand(arg(1))), 0o750, true)
	}
	return b.backup(words[0], arg(1), words[min(2, len(words)):])
}

// systemID makes a different one for each cluster.
func systemID(id int) uint64 { return 7_700_000_000_000_000_000 + uint64(id) }

func (b *builder) db(id, version string) error {
	n, err := strconv.Atoi(id)
	d := format.BackupDB{ID: n, SystemID: systemID(n), Version: version, CatalogVersion: 202209061, ControlVersion: 1300}
	b.now.info.History = append(b.now.info.History, d)
	b.now.info.DB = d
	return err
}

func (b *builder) file(name, text string) error {
	return storage.WriteAll(b.ctx, b.tree, path.Join(b.now.repo.Path(), b.world.Expand(name)), []byte(text), storage.CreateOptions{})
}

// wal archives the segments from the first to the last of a range. Sixteen of them stand for all of a directory, to keep it small.
func (b *builder) wal(id, span, ext string) error {
	first, last, ranged := strings.Cut(span, "-")
	if !ranged {
		last = first
	}
	for name := WAL(first); name <= WAL(last); name = nextSegment(name) {
		stored := name + "-" + strings.Repeat("0123456789", 4) + ext
		if strings.HasPrefix(ext, ".partial") {
			stored = name + ".partial-" + strings.Repeat("0123456789", 4)
		} else if strings.HasSuffix(ext, ".backup") {
			stored = name + ext
		}
		if err := b.file("archive/demo/"+id+"/"+name[:16]+"/"+stored, ""); err != nil {
			return err
		}
	}
	return nil
}

func nextSegment(name string) string {
	log, _ := strconv.ParseUint(name[8:16], 16, 32)
	segment, _ := strconv.ParseUint(name[16:], 16, 32)
	if segment++; segment == 16 {
		log, segment = log+1, 0
	}
	return fmt.Sprintf("%s%08X%08X", name[:8], log, segment)
}

func (b *builder) finish(c *contents) error {
	c.info.Program = Program
	if err := c.repo.SaveBackupInfo(b.ctx, &c.info); err != nil {
		return err
	}
	archive := &format.ArchiveInfo{Program: Program}
	for _, d := range c.info.History {
		if c.archive == nil || slices.Contains(c.archive, d.ID) {
			archive.DB = format.ArchiveDB{ID: d.ID, SystemID: d.SystemID, Version: d.Version}
			archive.History = append(archive.History, archive.DB)
		}
	}
	if len(archive.History) == 0 {
		return nil
	}
	return c.repo.SaveArchiveInfo(b.ctx, archive)
}

// age reads a duration that may begin with days.
func age(text string) (time.Duration, error) {
	days, rest, found := strings.Cut(text, "d")
	if !found {
		return time.ParseDuration(text)
	}
	n, err := strconv.Atoi(days)
	if err != nil {
		return 0, err
	}
	d := time.Duration(n) * 24 * time.Hour
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	return d + more, err
}

func (b *builder) backup(name, old string, words []string) error {
	d, err := age(old)
	if err != nil {
		return err
	}
	m, err := b.manifest(name, b.world.Now.Add(-d))
	if err != nil {
		return err
	}
	flags := map[string]bool{}
	for _, word := range words {
		if err := b.property(m, word, flags); err != nil {
			return err
		}
	}
	m.DB, m.Label = b.cluster(m.DB.ID), b.world.Label(name)
	m.References = []string{m.Label}
	if m.Prior != "" {
		m.References = append(b.references(m.Prior), m.Label)
	}
	if flags["past"] {
		if err := b.store(m, false); err != nil {
			return err
		}
		return b.tree.RemoveAll(b.ctx, b.now.repo.BackupPath(m.Label))
	}
	if !flags["gone"] && !flags["bare"] {
		if err := b.store(m, flags["copy"]); err != nil {
			return err
		}
	}
	if !flags["unlisted"] && !flags["copy"] && !flags["bare"] {
		b.now.info.Add(m.Summary())
		b.last[format.LabelFull(m.Label)] = m.Label
	}
	return storage.WriteAll(b.ctx, b.tree, b.now.repo.BackupPath(m.Label, "pg_data/PG_VERSION"), []byte("15\n"), storage.CreateOptions{})
}

// store writes the manifest, or only its copy.
func (b *builder) store(m *format.Manifest, onlyCopy bool) error {
	if onlyCopy {
		return b.now.repo.SaveManifestCopy(b.ctx, m, "")
	}
	return b.now.repo.CommitManifest(b.ctx, m, "")
}

// references lists what a backup based on prior needs.
func (b *builder) references(prior string) []string {
	if entry, ok := b.now.info.Backup(prior); ok {
		return append(slices.Clone(entry.References), prior)
	}
	return []string{prior}
}

func (b *builder) cluster(id int) format.BackupDB {
	for _, d := range b.now.info.History {
		if d.ID == id {
			return d
		}
	}
	return b.now.info.DB
}

func (b *builder) property(m *format.Manifest, word string, flags map[string]bool) error {
	key, value, _ := strings.Cut(word, "=")
	var err error
	switch key {
	case "wal":
		first, last, ranged := strings.Cut(value, "-")
		if !ranged {
			last = first
		}
		m.ArchiveStart, m.ArchiveStop = WAL(first), WAL(last)
		m.LSNStart, m.LSNStop = "0/28", "0/128"
		m.Options.Online = true
	case "db":
		m.DB.ID, err = strconv.Atoi(value)
	case "prior":
		m.Prior = b.world.Label(value)
	case "stop":
		var d time.Duration
		d, err = age(value)
		m.TimestampStop = m.TimestampStart + int64(d.Seconds())
	case "error":
		m.Files.Update(0, func(f *format.File) {
			f.PageChecksum, f.PageErrors = format.PageError, []format.PageRange{{First: 0, Last: 0}}
		})
	case "unlisted", "gone", "copy", "bare", "past":
		flags[key] = true
	default:
		err = fmt.Errorf("unknown word %s", word)
	}
	return err
}

// manifest makes the simplest one there can be and gives the backup its label.
func (b *builder) manifest(name string, at time.Time) (*format.Manifest, error) {
	full := name[:len(name)-len(strings.TrimLeft(name[1:], "0123456789"))]
	types := map[byte]format.BackupType{'F': format.Full, 'D': format.Diff, 'I': format.Incr}
	typ, ok := types[(name + "-")[len(full)]]
	if full == name {
		typ, ok = format.Full, true
	}
	if !ok {
		return nil, fmt.Errorf("%s is no name of a backup", name)
	}
	m := &format.Manifest{
		Program: Program, Type: typ, TimestampStart: at.Unix(), TimestampCopyStart: at.Unix(), TimestampStop: at.Unix() + 60,
		Targets: []format.Target{{Name: "pg_data", Path: "/pg"}},
		Paths:   []format.Path{{Name: "pg_data", Mode: 0o700, User: "postgres", Group: "postgres"}},
		Files: format.NewFiles(format.File{
			Name: "pg_data/PG_VERSION", Size: 3, OriginalSize: 3, RepoSize: 3, Timestamp: at.Unix(), Mode: 0o600,
			User: "postgres", Group: "postgres", HasChecksum: true, Checksum: sum("15\n"),
		}),
	}
	m.Options.CompressType = "none"
	b.world.labels[name] = format.NewLabel(typ, b.world.Label(full), at)
	switch typ {
	case format.Diff:
		m.Prior = b.world.Label(full)
	case format.Incr:
		m.Prior = b.last[b.world.Label(full)]
	}
	m.SetDefaults()
	return m, nil
}

func sum(text string) format.Sum {
	h := filter.NewHash()
	_, _ = h.Write([]byte(text))
	return h.Sum()
}
