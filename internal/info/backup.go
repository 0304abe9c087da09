package info

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"holdfast/internal/format"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// describe turns an entry of backup.info into a value.
func describe(b format.Backup, repoKey int) Backup {
	item := Backup{
		Label: b.Label, Type: string(b.Type), Prior: b.Prior, References: b.References,
		ArchiveFrom: b.ArchiveStart, ArchiveTo: b.ArchiveStop, LSNFrom: b.LSNStart, LSNTo: b.LSNStop,
		Format: b.Format, Program: b.Program, DBID: b.DBID, RepoKey: repoKey,
		Size: b.Size, Delta: b.SizeDelta, RepoSize: b.RepoSize, RepoDelta: b.RepoSizeDelta,
		Start: b.TimestampStart, Stop: b.TimestampStop,
		Error: b.Error, Annotations: b.Annotations,
	}
	if b.RepoSizeMap != nil && b.RepoSizeMapDelta != nil {
		item.Maps = &Maps{Size: *b.RepoSizeMap, Delta: *b.RepoSizeMapDelta}
	}
	return item
}

// detail picks from a manifest what people ask for.
func detail(m *format.Manifest) *Detail {
	d := &Detail{}
	for _, db := range m.Databases {
		if db.Name != "template0" && db.Name != "template1" {
			d.Databases = append(d.Databases, Database{Name: db.Name, OID: db.ID})
		}
	}
	slices.SortFunc(d.Databases, func(a, b Database) int { return cmp.Compare(a.Name, b.Name) })
	for _, t := range m.Targets {
		switch {
		case t.TablespaceID != "":
			oid, _ := strconv.ParseUint(t.TablespaceID, 10, 32)
			d.Tablespaces = append(d.Tablespaces, Tablespace{Name: t.TablespaceName, OID: uint32(oid), Destination: t.Destination()})
		case t.File != "":
			// The original program names a linked file by what the link leads to, and programs compare the outputs.
			d.Links = append(d.Links, Link{Name: t.File, Destination: t.Destination()})
		case t.Link:
			d.Links = append(d.Links, Link{Name: short(t.Name), Destination: t.Destination()})
		}
	}
	for _, f := range m.Files.All() {
		if f.PageChecksum == format.PageError {
			d.Damaged = append(d.Damaged, short(f.Name))
		}
	}
	return d
}

func short(name string) string { return strings.TrimPrefix(name, "pg_data/") }

var walDirPattern = regexp.MustCompile(`^[0-9A-F]{16}$`)

// archives finds the first and the last segment of each cluster. Clusters of the past are left out if no WAL of theirs is left.
func archives(ctx context.Context, r *repo.Repo, info *format.ArchiveInfo) ([]Archive, error) {
	var list []Archive
	for _, d := range info.History {
		a := Archive{DBID: d.ID, RepoKey: r.Key(), ID: d.ArchiveID()}
		dirs, err := storage.Names(ctx, r.Storage(), r.ArchivePath(a.ID), walDirPattern)
		if err != nil {
			return nil, err
		}
		if a.Min, err = pickSegment(ctx, r, a.ID, dirs, slices.Min); err != nil {
			return nil, err
		}
		slices.Reverse(dirs)
		if a.Max, err = pickSegment(ctx, r, a.ID, dirs, slices.Max); err != nil {
			return nil, err
		}
		if a.Min != "" || d.ID == info.DB.ID {
			list = append(list, a)
		}
	}
	return list, nil
}

// pickSegment picks a segment of the first directory that has any; the others are not looked at.
func pickSegment(ctx context.Context, r *repo.Repo, id string, dirs []string, pick func([]string) string) (string, error) {
	for _, dir := range dirs {
		names, err := storage.Names(ctx, r.Storage(), r.ArchivePath(id, dir), nil) // none if the directory was just expired
		if err != nil {
			return "", err
		}
		var segments []string
		for _, name := range names {
			if s, ok := repo.ParseSegment(name); ok && len(s.WAL()) == 24 {
				segments = append(segments, s.WAL())
			}
		}
		if len(segments) > 0 {
			return pick(segments), nil
		}
	}
	return "", nil
}
