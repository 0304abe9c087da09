package archive

import (
	"context"
	"fmt"
	"path"
	"slices"

	"holdfast/internal/db"
	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// PushOptions says what to push where.
type PushOptions struct {
	File        string          // path of the file to push, absolute
	Local       storage.Storage // where that path lies
	PGPath      string          // data directory, "" if it is not known
	Repos       []*repo.Repo
	Compression filter.Compression
	Level       int
	CheckHeader bool             // compare the segment's header with the stanza
	WarnSame    bool             // tell when a segment is there already
	QueueMax    int64            // bytes of waiting WAL above which files are dropped; negative: never
	Force       postgres.Version // layout to assume whatever the magic numbers say
	Log         *log.Logger
}

// Push stores one file in every repository. When the data directory is not known the repositories are only compared with each other.
func Push(ctx context.Context, o PushOptions) error {
	name := path.Base(o.File)
	if drop, err := queueTooLong(ctx, o); err != nil || drop {
		if drop {
			o.Log.Warn("%s", o.dropped(name))
		}
		return err
	}
	d, err := findDestination(ctx, o)
	if err != nil {
		return err
	}
	warnings, err := d.push(ctx, o.File)
	if err != nil {
		return err
	}
	for _, text := range warnings {
		o.Log.Warn("%s", text)
	}
	o.Log.Info("pushed WAL file '%s' to the archive", name)
	return nil
}

// dropped says that a file was not pushed and will not be.
func (o PushOptions) dropped(name string) string {
	return fmt.Sprintf("dropped WAL file '%s' because archive queue exceeded %s", name, log.Size(o.QueueMax))
}

// destination is what all files of a run have in common: where they go. Several goroutines may use it.
type destination struct {
	PushOptions
	targets []target
	failed  failures // repositories that cannot be used
	version string   // of the stanza, which all targets share
	system  uint64
	pieces  pieces
}

// target is a repository that can take files.
type target struct {
	repo      *repo.Repo
	archiveID string
	pass      string
}

// findDestination opens the archives. There must be one that can be used; the others are remembered.
func findDestination(ctx context.Context, o PushOptions) (*destination, error) {
	d := &destination{PushOptions: o}
	if err := d.findTargets(ctx); err != nil {
		return nil, err
	}
	if len(d.targets) == 0 {
		return nil, d.failed.error(errs.RepoInvalid, "unable to find a valid repository:")
	}
	return d, nil
}

// push is one file on its way.
type push struct {
	*destination
	file    string
	name    string
	missing []target // where the file has yet to go
	failed  failures
	same    []*repo.Repo // had the segment already
}

// push stores one file in every repository. It returns what should be told about a success.
func (d *destination) push(ctx context.Context, file string) (warnings []string, err error) {
	p := &push{destination: d, file: file, name: path.Base(file), missing: d.targets, failed: failures{slices.Clone(d.failed.lines)}}
	if err := p.store(ctx); err != nil {
		return nil, err
	}
	if err := p.failed.error(errs.Command, "archive-push command encountered error(s):"); err != nil {
		return nil, err
	}
	if p.WarnSame {
		for _, r := range p.same {
			warnings = append(warnings, fmt.Sprintf("WAL file '%s' already exists in the %s archive with the same checksum\n"+
				"HINT: this is valid in some recovery scenarios but may also indicate a problem.", p.name, r.Name()))
		}
	}
	return warnings, nil
}

// findTargets opens the archive of each repository and sorts out those that belong to another cluster or cannot be read.
func (d *destination) findTargets(ctx context.Context) error {
	reference := "PostgreSQL"
	if d.PGPath != "" {
		_, control, err := db.ReadControl(ctx, d.Local, d.PGPath, d.Force)
		if err != nil {
			return err
		}
		d.version, d.system = control.Version.String(), control.SystemID
	}
	for _, r := range d.Repos {
		info, err := r.LoadArchiveInfo(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			d.failed.add(r, err)
			continue
		}
		if d.version == "" {
			reference = r.Name() + " stanza"
			d.version, d.system = info.DB.Version, info.DB.SystemID
		}
		if !sameCluster(info.DB, d.version, d.system) {
			d.failed.add(r, errs.New(errs.ArchiveMismatch,
				"%s version %s, system-id %d do not match %s stanza version %s, system-id %d",
				reference, d.version, d.system, r.Name(), info.DB.Version, info.DB.SystemID).
				Hint("are you archiving to the correct stanza?"))
			continue
		}
		d.targets = append(d.targets, target{repo: r, archiveID: info.DB.ArchiveID(), pass: info.CipherPass})
	}
	return nil
}

// store decides which targets still need the file and copies it there.
func (p *push) store(ctx context.Context) error {
	if !isSegment(p.name) {
		k := p.pack(ctx, filter.Spec{})
		defer k.end()
		return p.send(ctx, p.name, k)
	}
	if err := p.checkHeader(ctx); err != nil {
		return err
	}
	k := p.pack(ctx, filter.Spec{Compression: p.Compression, Level: p.Level})
	defer k.end()
	sum, err := p.hash(ctx)
	if err != nil {
		return err
	}
	if err := p.skipStored(ctx, sum); err != nil {
		return err
	}
	return p.send(ctx, p.name+"-"+sum.String()+p.Compression.Ext(), k)
}

// checkHeader compares what the segment says of itself with the stanza, so that a wrong archive_command cannot mix clusters.
func (p *push) checkHeader(ctx context.Context) error {
	if !p.CheckHeader {
		return nil
	}
	b, err := readStart(ctx, p.Local, p.file, postgres.WALHeaderSize)
	if err != nil {
		return err
	}
	h, err := postgres.ParseWALHeader(b, p.Force)
	if err != nil {
		return err
	}
	if h.Version.String() != p.version || h.SystemID != p.system {
		return errs.New(errs.ArchiveMismatch, "WAL file '%s' version %s, system-id %d do not match stanza version %s, system-id %d",
			p.file, h.Version, h.SystemID, p.version, p.system)
	}
	return nil
}

// skipStored takes out the targets that have the segment already. The same segment with another content fails the push before
// anything is written anywhere.
func (p *push) skipStored(ctx context.Context, sum format.Sum) error {
	var missing []target
	for _, t := range p.missing {
		found, err := t.repo.FindSegment(ctx, t.archiveID, p.name)
		if err == nil {
			err = duplicates(p.name, found)
		}
		switch {
		case err != nil:
			p.failed.add(t.repo, err)
		case len(found) == 0:
			missing = append(missing, t)
		case found[0].Sum != sum:
			return errs.New(errs.ArchiveDuplicate, "WAL file '%s' already exists in the %s archive with a different checksum",
				p.name, t.repo.Name())
		default:
			if err := settle(ctx, t.repo, found[0]); err != nil {
				p.failed.add(t.repo, err)
			}
			p.same = append(p.same, t.repo)
		}
	}
	p.missing = missing
	return nil
}

// settle makes sure of a segment that is there already: whoever stored it may have been killed after the file was complete but
// before its name was durable.
func settle(ctx context.Context, r *repo.Repo, s repo.Segment) error {
	if err := r.Storage().SyncDir(ctx, s.Dir); err != nil {
		return err
	}
	return r.Storage().SyncDir(ctx, path.Dir(s.Dir))
}
