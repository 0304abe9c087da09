package archive

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"holdfast/internal/db"
	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// GetOptions says what to fetch to where.
type GetOptions struct {
	Name   string // of the WAL file: segment, partial segment, timeline history ...
	Dest   string // path to write to, absolute
	PGPath string // data directory
	Local  storage.Storage
	Repos  []*repo.Repo
	Force  postgres.Version // layout to assume whatever the magic numbers say
	Log    *log.Logger
}

// Get fetches one file. It returns false, and no error, if no repository has it.
func Get(ctx context.Context, o GetOptions) (bool, error) {
	f, err := newFinder(ctx, o)
	if err != nil {
		return false, err
	}
	warn(o.Log, f.warnings)
	if len(f.sources) == 0 {
		return false, errNoRepo()
	}
	candidates, warnings, err := f.find(ctx, o.Name)
	warn(o.Log, warnings)
	if err != nil {
		return false, err
	}
	if len(candidates) == 0 {
		o.Log.Info("unable to find %s in the archive", o.Name)
		return false, nil
	}
	c, warnings, err := fetch(ctx, o.Local, o.Name, o.Dest, candidates)
	if err != nil {
		return false, err
	}
	warn(o.Log, warnings)
	o.Log.Info("%s", c.found(o.Name))
	return true, nil
}

func warn(l *log.Logger, warnings []string) {
	for _, text := range warnings {
		l.Warn("%s", text)
	}
}

// finder knows where the WAL of a cluster lies.
type finder struct {
	GetOptions
	version  string // of the cluster
	system   uint64
	sources  []source
	warnings []string // why other repositories are left out
}

func newFinder(ctx context.Context, o GetOptions) (*finder, error) {
	control, err := readControl(ctx, o)
	if err != nil {
		return nil, err
	}
	f := &finder{GetOptions: o, version: control.Version.String(), system: control.SystemID}
	return f, f.findSources(ctx)
}

// readControl learns which cluster asks. It refuses to serve a restored cluster that lost its backup_label: the server would take
// the wrong checkpoint for the start of recovery and end up with a corrupt database.
func readControl(ctx context.Context, o GetOptions) (postgres.Control, error) {
	_, control, err := db.ReadControl(ctx, o.Local, o.PGPath, o.Force)
	if err != nil || !postgres.CheckpointInvalidated(control) {
		return control, err
	}
	labelled, err := storage.Exists(ctx, o.Local, path.Join(o.PGPath, "backup_label"))
	if err != nil || labelled {
		return control, err
	}
	return control, errs.New(errs.Format, "pg_control from backup is not valid without backup_label").
		Hint("was the backup_label file removed?")
}

// source is a repository with the archive ids that may hold WAL of the cluster, newest first.
type source struct {
	repo       *repo.Repo
	archiveIDs []string
	pass       string
}

// candidate is a stored file that may be the wanted one.
type candidate struct {
	repo        *repo.Repo
	archiveID   string
	path        string // of the stored file
	pass        string
	compression filter.Compression
	sum         *format.Sum // what the content must be, if known
}

// shown is how messages name a candidate: its path below the stanza's archive.
func (c candidate) shown() string {
	return strings.TrimPrefix(c.path, c.repo.ArchivePath()+"/")
}

// found says where a file came from.
func (c candidate) found(name string) string {
	return fmt.Sprintf("found %s in the %s: %s archive", name, c.repo.Name(), c.archiveID)
}

func (f *finder) findSources(ctx context.Context) error {
	for _, r := range f.Repos {
		s, err := f.source(ctx, r)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			f.warnings = append(f.warnings, r.Name()+": "+errs.Typed(err))
			continue
		}
		f.sources = append(f.sources, s)
	}
	return nil
}

func errNoRepo() error { return errs.New(errs.RepoInvalid, "unable to find a valid repository") }

// source finds the archive ids of the cluster in one repository. The cluster can have several: after the stanza was made anew or
// upgraded there and back.
func (f *finder) source(ctx context.Context, r *repo.Repo) (source, error) {
	info, err := r.LoadArchiveInfo(ctx)
	if err != nil {
		return source{}, err
	}
	s := source{repo: r, pass: info.CipherPass}
	for _, d := range slices.Backward(info.History) {
		if !sameCluster(d, f.version, f.system) {
			continue
		}
		if d.ID != info.DB.ID {
			there, err := storage.Exists(ctx, r.Storage(), r.ArchivePath(d.ArchiveID()))
			if err != nil {
				return source{}, err
			}
			if !there {
				continue
			}
		}
		s.archiveIDs = append(s.archiveIDs, d.ArchiveID())
	}
	if len(s.archiveIDs) == 0 {
		return source{}, errs.New(errs.ArchiveMismatch,
			"unable to retrieve the archive id for database version '%s' and system-id '%d'", f.version, f.system)
	}
	return s, nil
}

// find lists the candidates for a file. A repository that cannot be searched is only a warning as long as another one can.
func (f *finder) find(ctx context.Context, name string) (found []candidate, warnings []string, err error) {
	var failed failures
	for _, s := range f.sources {
		c, err := f.findIn(ctx, s, name)
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if err != nil {
			failed.add(s.repo, err)
			continue
		}
		found = append(found, c...)
	}
	if len(failed.lines) == len(f.sources) {
		return nil, failed.lines, errNoRepo()
	}
	return found, failed.lines, checkSame(name, found)
}

func (f *finder) findIn(ctx context.Context, s source, name string) ([]candidate, error) {
	var found []candidate
	for _, id := range s.archiveIDs {
		if !isSegment(name) {
			file := s.repo.ArchiveFile(id, name)
			there, err := storage.Exists(ctx, s.repo.Storage(), file)
			if err != nil {
				return nil, err
			}
			if there {
				found = append(found, candidate{repo: s.repo, archiveID: id, path: file, pass: s.pass})
			}
			continue
		}
		segments, err := s.repo.FindListed(ctx, id, name)
		if err != nil {
			return nil, err
		}
		for _, segment := range segments {
			found = append(found, candidate{repo: s.repo, archiveID: id, path: segment.Path(), pass: s.pass,
				compression: segment.Compression, sum: &segment.Sum})
		}
	}
	return found, nil
}

// checkSame refuses to choose between copies of a segment that claim different contents.
func checkSame(name string, found []candidate) error {
	differ := slices.ContainsFunc(found, func(c candidate) bool { return c.sum != nil && *c.sum != *found[0].sum })
	if !differ {
		return nil
	}
	var list strings.Builder
	for i, c := range found {
		if i == 0 || found[i-1].repo != c.repo {
			list.WriteString("\n" + c.repo.Name() + ": ")
		} else {
			list.WriteString(", ")
		}
		list.WriteString(c.shown())
	}
	return errs.New(errs.ArchiveDuplicate, "duplicates found for WAL segment %s:%s", name, list.String()).
		Hint("are multiple primaries archiving to this stanza?")
}
