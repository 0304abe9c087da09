package archive

import (
	"context"
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
	g := &get{GetOptions: o}
	if err := g.readControl(ctx); err != nil {
		return false, err
	}
	if err := g.findSources(ctx); err != nil {
		return false, err
	}
	candidates, err := g.find(ctx)
	if err != nil {
		return false, err
	}
	if len(candidates) == 0 {
		o.Log.Info("unable to find %s in the archive", o.Name)
		return false, nil
	}
	return true, g.fetch(ctx, candidates)
}

// readControl learns which cluster asks. It refuses to serve a restored cluster that lost its backup_label: the server would take
// the wrong checkpoint for the start of recovery and end up with a corrupt database.
func (g *get) readControl(ctx context.Context) error {
	_, control, err := db.ReadControl(ctx, g.Local, g.PGPath, g.Force)
	if err != nil {
		return err
	}
	g.version, g.system = control.Version.String(), control.SystemID
	if !postgres.CheckpointInvalidated(control) {
		return nil
	}
	labelled, err := storage.Exists(ctx, g.Local, path.Join(g.PGPath, "backup_label"))
	if err != nil || labelled {
		return err
	}
	return errs.New(errs.Format, "pg_control from backup is not valid without backup_label").
		Hint("was the backup_label file removed?")
}

// get is one file being looked for.
type get struct {
	GetOptions
	version string // of the cluster
	system  uint64
	sources []source
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

func (g *get) findSources(ctx context.Context) error {
	for _, r := range g.Repos {
		s, err := g.source(ctx, r)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			g.Log.Warn("%s: %s", r.Name(), errs.Typed(err))
			continue
		}
		g.sources = append(g.sources, s)
	}
	if len(g.sources) == 0 {
		return errNoRepo()
	}
	return nil
}

func errNoRepo() error { return errs.New(errs.RepoInvalid, "unable to find a valid repository") }

// source finds the archive ids of the cluster in one repository. The cluster can have several: after the stanza was made anew or
// upgraded there and back.
func (g *get) source(ctx context.Context, r *repo.Repo) (source, error) {
	info, err := r.LoadArchiveInfo(ctx)
	if err != nil {
		return source{}, err
	}
	s := source{repo: r, pass: info.CipherPass}
	for _, d := range slices.Backward(info.History) {
		if !sameCluster(d, g.version, g.system) {
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
			"unable to retrieve the archive id for database version '%s' and system-id '%d'", g.version, g.system)
	}
	return s, nil
}

// find lists the candidates. A repository that cannot be searched is only a warning as long as another one can.
func (g *get) find(ctx context.Context) ([]candidate, error) {
	var found []candidate
	var failed failures
	for _, s := range g.sources {
		c, err := g.findIn(ctx, s)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			failed.add(s.repo, err)
			continue
		}
		found = append(found, c...)
	}
	failed.warn(g.Log)
	if len(failed.lines) == len(g.sources) {
		return nil, errNoRepo()
	}
	return found, g.checkSame(found)
}

func (g *get) findIn(ctx context.Context, s source) ([]candidate, error) {
	var found []candidate
	for _, id := range s.archiveIDs {
		if !isSegment(g.Name) {
			file := s.repo.ArchiveFile(id, g.Name)
			there, err := storage.Exists(ctx, s.repo.Storage(), file)
			if err != nil {
				return nil, err
			}
			if there {
				found = append(found, candidate{repo: s.repo, archiveID: id, path: file, pass: s.pass})
			}
			continue
		}
		segments, err := s.repo.FindSegment(ctx, id, g.Name)
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
func (g *get) checkSame(found []candidate) error {
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
	return errs.New(errs.ArchiveDuplicate, "duplicates found for WAL segment %s:%s", g.Name, list.String()).
		Hint("are multiple primaries archiving to this stanza?")
}
