// Package manifest shows the files of a backup and where they lie in the repository, as text for people and as JSON for programs.
//
// Of a single file that is stored in blocks it also tells what would have to be read to make it, from nothing or from the file of
// a cluster.
package manifest

import (
	"context"
	"iter"
	"slices"
	"strings"

	"holdfast/internal/block"
	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// Latest stands for the newest backup or, where a backup is referred to, for the backup itself.
const Latest = "latest"

// Options says what to show.
type Options struct {
	Repo      *repo.Repo
	Set       string // label or Latest
	File      string // only this file, by its name in the manifest; "" for all
	Reference string // only files stored by this backup, a label or Latest; "" for all

	Cluster storage.Storage // with PgPath, the cluster to compare File with; nil: none
	PgPath  string
}

// Listing is what there is to show.
type Listing struct {
	Manifest *format.Manifest
	Files    iter.Seq[format.File]
	Deltas   []Delta // by reference, if a single file is stored in blocks; empty if it is up to date
	Blocks   bool    // Deltas was asked for
}

// Delta is what has to be read from one backup.
type Delta struct {
	Reference  int    // index into the references of the manifest
	Stored     string // file in the repository, below the backups of the stanza
	Reads      int    // ranges to read
	ReadSize   int64
	Supers     int // super blocks in them
	SuperSize  int64
	BlockCount int // blocks to take from these
}

// Load reads a manifest and picks what to show.
func Load(ctx context.Context, o Options) (*Listing, error) {
	info, err := o.Repo.LoadBackupInfo(ctx)
	if err != nil {
		return nil, err
	}
	m, err := o.Repo.LoadManifest(ctx, o.Set, info.CipherPass)
	if err != nil {
		return nil, err
	}
	l := &Listing{Manifest: m}
	if o.File != "" {
		return l, o.single(ctx, l)
	}
	l.Files = func(yield func(format.File) bool) {
		for _, f := range m.Files.All() {
			if o.wants(m, &f) && !yield(f) {
				return
			}
		}
	}
	return l, nil
}

func (o Options) wants(m *format.Manifest, f *format.File) bool {
	switch o.Reference {
	case "":
		return true
	case Latest, m.Label:
		return f.Reference == ""
	}
	return f.Reference == o.Reference
}

// single adds the one file that was asked for.
func (o Options) single(ctx context.Context, l *Listing) error {
	f := l.Manifest.File(o.File)
	if f == nil {
		return errs.New(errs.Assert, "unable to find '%s' in manifest file list", o.File)
	}
	if !o.wants(l.Manifest, f) {
		l.Files = slices.Values([]format.File(nil))
		return nil
	}
	l.Files = slices.Values([]format.File{*f})
	if f.BlockMapSize == 0 {
		return nil
	}
	bm, err := o.Repo.LoadMap(ctx, l.Manifest, f)
	if err != nil {
		return err
	}
	have, err := o.have(ctx, f)
	if err != nil {
		return err
	}
	l.Blocks = true
	l.Deltas, err = o.deltas(l.Manifest, f, bm, have)
	return err
}

// have returns the checksums of the blocks of the cluster's file.
func (o Options) have(ctx context.Context, f *format.File) ([]block.Sum, error) {
	if o.Cluster == nil {
		return nil, nil
	}
	in, err := o.Cluster.Open(ctx, o.PgPath+"/"+strings.TrimPrefix(f.Name, "pg_data/"), storage.Range{})
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return block.Sums(in, f.BlockSize, f.BlockChecksumSize)
}

// deltas sums up a plan by reference. Super blocks that lie one behind the other are read at once.
func (o Options) deltas(m *format.Manifest, f *format.File, bm *block.Map, have []block.Sum) ([]Delta, error) {
	var list []Delta
	end := int64(-1)
	bundle := int64(-1)
	for _, s := range bm.Plan(have) {
		if len(list) == 0 || list[len(list)-1].Reference != s.Reference {
			stored, err := o.Repo.SuperPath(m, f, s)
			if err != nil {
				return nil, err
			}
			list = append(list, Delta{Reference: s.Reference, Stored: strings.TrimPrefix(stored, o.Repo.BackupPath()+"/")})
			end = -1
		}
		d := &list[len(list)-1]
		if s.Offset != end || s.Bundle != bundle {
			d.Reads++
		}
		end, bundle = s.Offset+s.Stored, s.Bundle
		d.ReadSize += s.Stored
		d.Supers++
		d.SuperSize += s.Super
		d.BlockCount += len(s.Parts)
	}
	return list, nil
}
