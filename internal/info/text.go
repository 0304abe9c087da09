package info

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"holdfast/internal/log"
)

// WriteText renders stanzas for people. Times are in the local zone.
func WriteText(w io.Writer, stanzas []Stanza) error {
	out := bufio.NewWriter(w)
	if len(stanzas) == 0 {
		fmt.Fprintln(out, "No stanzas exist in the repository.")
	}
	for i := range stanzas {
		if i > 0 {
			fmt.Fprintln(out)
		}
		stanzas[i].text(out)
	}
	return out.Flush()
}

func (s *Stanza) text(w io.Writer) {
	fmt.Fprintf(w, "stanza: %s\n    status: %s\n", s.Name, s.status())
	if len(s.Lock.BackupByRepo) > 1 {
		for _, p := range s.Lock.BackupByRepo {
			fmt.Fprintf(w, "        repo%d backup: %s complete\n", p.Key, log.Percent(p.Done, p.Total))
		}
	}
	if s.Brief {
		return
	}
	s.repoStatus(w)
	if s.Code == MissingPath {
		return
	}
	fmt.Fprintf(w, "    cipher: %s\n", s.Cipher)
	if s.Cipher == "mixed" {
		for _, r := range s.Repos {
			fmt.Fprintf(w, "        repo%d: %s\n", r.Key, r.Cipher)
		}
	}
	for _, g := range s.groups() {
		g.text(w)
	}
}

// status is the status in words, with what is running.
func (s *Stanza) status() string {
	var running []string
	for _, job := range []struct {
		name string
		Progress
	}{{"backup/expire running", s.Lock.Backup}, {"restore running", s.Lock.Restore}} {
		if !job.Held {
			continue
		}
		text := job.name
		if job.Sized {
			text += " - " + log.Percent(job.Done, job.Total) + " complete"
		}
		running = append(running, text)
	}
	jobs := strings.Join(running, ", ")
	word := ""
	switch {
	case s.Code == OK:
		word = "ok"
	case s.Code == Mixed && !s.Brief:
		word = "mixed"
	case jobs != "":
		return fmt.Sprintf("error (%s, %s)", messages[s.Code], jobs)
	default:
		return fmt.Sprintf("error (%s)", messages[s.Code])
	}
	if jobs == "" {
		return word
	}
	return fmt.Sprintf("%s (%s)", word, jobs)
}

// repoStatus shows the status of each repository where that of the stanza does not say enough.
func (s *Stanza) repoStatus(w io.Writer) {
	if s.Code != Mixed && s.Code != DatabaseMismatch && s.Code != Other {
		return
	}
	if len(s.Repos) == 1 {
		if s.Code == Other {
			fmt.Fprintf(w, "            %s\n", strings.ReplaceAll(s.Repos[0].Message, "\n", "\n            "))
		}
		return
	}
	for _, r := range s.Repos {
		switch r.Code {
		case OK:
			fmt.Fprintf(w, "        repo%d: ok\n", r.Key)
		case Other:
			const indent = "               "
			fmt.Fprintf(w, "        repo%d: error (%s)\n%s%s\n", r.Key, messages[Other],
				indent, strings.ReplaceAll(r.Message, "\n", "\n"+indent))
		default:
			fmt.Fprintf(w, "        repo%d: error (%s)\n", r.Key, r.Message)
		}
	}
}

// group is one cluster over all repositories.
type group struct {
	SystemID uint64
	Version  string
	current  bool
	min, max string
	backups  []*Backup
}

// groups sorts archives and backups by cluster: those of the past that still have something, then the current one.
func (s *Stanza) groups() []*group {
	if len(s.DBs) == 0 {
		return nil
	}
	var all []*group
	for _, d := range s.DBs {
		if find(all, d) == nil {
			all = append(all, &group{SystemID: d.SystemID, Version: d.Version})
		}
	}
	current := find(all, s.current())
	current.current = true
	of := func(repoKey, id int) *group {
		i := slices.IndexFunc(s.DBs, func(d DB) bool { return d.RepoKey == repoKey && d.ID == id })
		if i < 0 {
			return current
		}
		return find(all, s.DBs[i])
	}
	for _, a := range s.Archives {
		of(a.RepoKey, a.DBID).extend(a)
	}
	for i := range s.Backups {
		g := of(s.Backups[i].RepoKey, s.Backups[i].DBID)
		g.backups = append(g.backups, &s.Backups[i])
	}
	if last := len(s.Backups) - 1; last >= 0 && s.Backups[last].Detail != nil { // one was asked for, so its cluster is enough
		return []*group{of(s.Backups[last].RepoKey, s.Backups[last].DBID)}
	}
	shown := slices.DeleteFunc(all, func(g *group) bool { return !g.current && g.min == "" && len(g.backups) == 0 })
	slices.SortStableFunc(shown, func(a, b *group) int {
		switch {
		case a.current == b.current:
			return 0
		case a.current:
			return 1
		}
		return -1
	})
	return shown
}

// current is the cluster of the first readable repository.
func (s *Stanza) current() DB {
	current := s.DBs[0]
	for _, d := range s.DBs {
		if d.RepoKey == current.RepoKey {
			current = d
		}
	}
	return current
}

func find(groups []*group, d DB) *group {
	for _, g := range groups {
		if g.SystemID == d.SystemID && g.Version == d.Version {
			return g
		}
	}
	return nil
}

// extend adds the range of an archive.
func (g *group) extend(a Archive) {
	if a.Min == "" {
		return
	}
	if g.min == "" || a.Min < g.min {
		g.min = a.Min
	}
	g.max = max(g.max, a.Max)
}

func (g *group) text(w io.Writer) {
	which, wal := "prior", "none present"
	if g.current {
		which = "current"
	}
	if g.min != "" {
		wal = g.min + "/" + g.max
	}
	fmt.Fprintf(w, "\n    db (%s)\n        wal archive min/max (%s): %s\n", which, g.Version, wal)
	for _, b := range g.backups {
		b.text(w)
	}
}

// stamp renders a time with the offset of the local zone, in hours unless that has minutes.
func stamp(seconds int64) string {
	t := time.Unix(seconds, 0)
	if _, offset := t.Zone(); offset%3600 != 0 {
		return t.Format("2006-01-02 15:04:05-07:00")
	}
	return t.Format("2006-01-02 15:04:05-07")
}

func (b *Backup) text(w io.Writer) {
	line := func(format string, args ...any) { fmt.Fprintf(w, "            "+format+"\n", args...) }
	fmt.Fprintf(w, "\n        %s backup: %s\n", b.Type, b.Label)
	line("timestamp start/stop: %s / %s", stamp(b.Start), stamp(b.Stop))
	if b.ArchiveFrom != "" && b.ArchiveTo != "" {
		line("wal start/stop: %s / %s", b.ArchiveFrom, b.ArchiveTo)
	} else {
		line("wal start/stop: n/a")
	}
	if b.Detail != nil && b.LSNFrom != "" && b.LSNTo != "" {
		line("lsn start/stop: %s / %s", b.LSNFrom, b.LSNTo)
	}
	line("database size: %s, database backup size: %s", log.Size(b.Size), log.Size(b.Delta))
	if b.Maps != nil {
		line("repo%d: backup size: %s", b.RepoKey, log.Size(b.RepoDelta))
	} else {
		line("repo%d: backup set size: %s, backup size: %s", b.RepoKey, log.Size(b.RepoSize), log.Size(b.RepoDelta))
	}
	b.references(line)
	if b.Detail != nil {
		b.Detail.text(line)
	}
	b.errorsAndNotes(line)
}

// references shows what a backup needs besides itself: the labels in detail, otherwise how many there are of each type.
func (b *Backup) references(line func(string, ...any)) {
	if len(b.References) == 0 {
		return
	}
	if b.Detail != nil {
		line("backup reference list: %s", strings.Join(b.References, ", "))
		return
	}
	count := map[byte]int{}
	for _, label := range b.References {
		count[label[len(label)-1]]++
	}
	var parts []string
	for _, t := range []struct {
		letter byte
		name   string
	}{{'F', "full"}, {'D', "diff"}, {'I', "incr"}} {
		if count[t.letter] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[t.letter], t.name))
		}
	}
	line("backup reference total: %s", strings.Join(parts, ", "))
}

func (d *Detail) text(line func(string, ...any)) {
	var names []string
	for _, db := range d.Databases {
		names = append(names, fmt.Sprintf("%s (%d)", db.Name, db.OID))
	}
	if len(names) == 0 {
		names = []string{"none"}
	}
	line("database list: %s", strings.Join(names, ", "))
	if len(d.Links) > 0 {
		line("symlinks:")
		for _, l := range d.Links {
			line("    %s => %s", l.Name, l.Destination)
		}
	}
	if len(d.Tablespaces) > 0 {
		line("tablespaces:")
		for _, t := range d.Tablespaces {
			line("    %s (%d) => %s", t.Name, t.OID, t.Destination)
		}
	}
}

// errorsAndNotes shows page checksum errors and annotations.
func (b *Backup) errorsAndNotes(line func(string, ...any)) {
	if b.Error != nil && *b.Error {
		if b.Detail != nil && len(b.Detail.Damaged) > 0 {
			line("error list: %s", strings.Join(b.Detail.Damaged, ", "))
		} else {
			line("error(s) detected during backup")
		}
	}
	if b.Detail != nil && len(b.Annotations) > 0 {
		line("annotation(s)")
		for _, key := range slices.Sorted(maps.Keys(b.Annotations)) {
			line("    %s: %s", key, b.Annotations[key])
		}
	}
}
