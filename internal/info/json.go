package info

import (
	"bufio"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// WriteJSON renders stanzas as one line of JSON without a line feed. Members stand in the order of their names, and strings are
// escaped only where they must be, so that the text is the same to the byte as that of the original program. That rules out
// encoding/json, which escapes more.
func WriteJSON(w io.Writer, stanzas []Stanza) error {
	list := make(array, len(stanzas))
	for i := range stanzas {
		list[i] = stanzas[i].json()
	}
	out := bufio.NewWriter(w)
	render(out, list)
	return out.Flush()
}

type (
	object map[string]any
	array  []any
)

// render writes a value made of object, array, string, bool, numbers and nil.
func render(w *bufio.Writer, value any) {
	switch v := value.(type) {
	case object:
		w.WriteByte('{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				w.WriteByte(',')
			}
			renderString(w, key)
			w.WriteByte(':')
			render(w, v[key])
		}
		w.WriteByte('}')
	case array:
		w.WriteByte('[')
		for i, element := range v {
			if i > 0 {
				w.WriteByte(',')
			}
			render(w, element)
		}
		w.WriteByte(']')
	case string:
		renderString(w, v)
	case bool:
		w.WriteString(strconv.FormatBool(v))
	case int:
		w.WriteString(strconv.Itoa(v))
	case int64:
		w.WriteString(strconv.FormatInt(v, 10))
	case uint32:
		w.WriteString(strconv.FormatUint(uint64(v), 10))
	case uint64:
		w.WriteString(strconv.FormatUint(v, 10))
	default:
		w.WriteString("null")
	}
}

var escapes = strings.NewReplacer(`"`, `\"`, `\`, `\\`, "\b", `\b`, "\f", `\f`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

func renderString(w *bufio.Writer, text string) {
	w.WriteByte('"')
	_, _ = escapes.WriteString(w, text)
	w.WriteByte('"')
}

// orNull returns null for what is not there.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (s *Stanza) json() object {
	o := object{
		"name": s.Name,
		"status": object{
			"code":    s.Code,
			"message": messages[s.Code],
			"lock":    object{"backup": s.backupLock(), "restore": s.Lock.Restore.json()},
		},
	}
	if s.Brief {
		return o
	}
	repos, dbs, archives, backups := array{}, array{}, array{}, array{}
	for _, r := range s.Repos {
		repos = append(repos, object{"cipher": r.Cipher, "key": r.Key, "status": object{"code": r.Code, "message": r.Message}})
	}
	for _, d := range s.DBs {
		dbs = append(dbs, object{"id": d.ID, "repo-key": d.RepoKey, "system-id": d.SystemID, "version": d.Version})
	}
	for _, a := range s.Archives {
		archives = append(archives, object{
			"database": object{"id": a.DBID, "repo-key": a.RepoKey}, "id": a.ID, "max": orNull(a.Max), "min": orNull(a.Min),
		})
	}
	for i := range s.Backups {
		backups = append(backups, s.Backups[i].json())
	}
	o["cipher"], o["repo"], o["db"], o["archive"], o["backup"] = s.Cipher, repos, dbs, archives, backups
	return o
}

func (p Progress) json() object {
	o := object{"held": p.Held}
	if p.Sized {
		o["size"], o["size-cplt"] = p.Total, p.Done
	}
	return o
}

func (s *Stanza) backupLock() object {
	o := s.Lock.Backup.json()
	if s.Lock.Backup.Sized {
		repos := array{}
		for _, p := range s.Lock.BackupByRepo {
			repos = append(repos, object{"key": p.Key, "size": p.Total, "size-cplt": p.Done})
		}
		o["repo"] = repos
	}
	return o
}

func (b *Backup) json() object {
	o := object{
		"label":     b.Label,
		"type":      b.Type,
		"prior":     orNull(b.Prior),
		"reference": nil,
		"archive":   object{"start": orNull(b.ArchiveFrom), "stop": orNull(b.ArchiveTo)},
		"backrest":  object{"format": b.Format, "version": b.Program},
		"database":  object{"id": b.DBID, "repo-key": b.RepoKey},
		"info":      object{"size": b.Size, "delta": b.Delta, "repository": b.repository()},
		"timestamp": object{"start": b.Start, "stop": b.Stop},
	}
	if len(b.References) > 0 {
		o["reference"] = strs(b.References)
	}
	if b.LSNFrom != "" && b.LSNTo != "" {
		o["lsn"] = object{"start": b.LSNFrom, "stop": b.LSNTo}
	}
	if b.Error != nil {
		o["error"] = *b.Error
	}
	if len(b.Annotations) > 0 {
		annotations := object{}
		for key, value := range b.Annotations {
			annotations[key] = value
		}
		o["annotation"] = annotations
	}
	if b.Detail != nil {
		b.Detail.json(o)
	}
	return o
}

func (b *Backup) repository() object {
	if b.Maps != nil {
		return object{"delta": b.RepoDelta, "delta-map": b.Maps.Delta, "size-map": b.Maps.Size}
	}
	return object{"delta": b.RepoDelta, "size": b.RepoSize}
}

// json adds the details to the object of the backup.
func (d *Detail) json(o object) {
	databases := array{}
	for _, db := range d.Databases {
		databases = append(databases, object{"name": db.Name, "oid": db.OID})
	}
	o["database-ref"], o["link"], o["tablespace"] = databases, nil, nil
	if len(d.Links) > 0 {
		links := array{}
		for _, l := range d.Links {
			links = append(links, object{"destination": l.Destination, "name": l.Name})
		}
		o["link"] = links
	}
	if len(d.Tablespaces) > 0 {
		tablespaces := array{}
		for _, t := range d.Tablespaces {
			tablespaces = append(tablespaces, object{"destination": t.Destination, "name": t.Name, "oid": t.OID})
		}
		o["tablespace"] = tablespaces
	}
	if len(d.Damaged) > 0 {
		o["error-list"] = strs(d.Damaged)
	}
}

func strs(list []string) array {
	a := make(array, len(list))
	for i, s := range list {
		a[i] = s
	}
	return a
}
