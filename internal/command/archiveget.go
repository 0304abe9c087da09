package command

import (
	"context"
	"path/filepath"

	"holdfast/internal/archive"
	"holdfast/internal/errs"
	"holdfast/internal/postgres"
)

// notFound is the exit status that tells the server there is no such file, as opposed to a failure.
const notFound = 1

// runArchiveGet fetches one WAL file.
func runArchiveGet(ctx context.Context, s *session) error {
	switch params := s.cfg.Params; {
	case len(params) == 0:
		return errs.New(errs.ParamRequired, "WAL segment to get required")
	case len(params) == 1:
		return errs.New(errs.ParamRequired, "path to copy WAL segment required")
	case len(params) > 2:
		return errs.New(errs.ParamInvalid, "extra parameters found")
	}
	dest, err := s.walPath(s.cfg.Params[1])
	if err != nil {
		return err
	}
	o, err := s.getOptions(ctx)
	if err != nil {
		return err
	}
	o.Name, o.Dest = filepath.Base(s.cfg.Params[0]), dest
	found, err := s.get(ctx, o)
	if err == nil && !found {
		s.status = notFound
	}
	return err
}

// get fetches a segment by way of the spool if the user wants that, and everything else at once.
func (s *session) get(ctx context.Context, o archive.GetOptions) (bool, error) {
	if !s.archivesAsync() || !postgres.IsSegment(o.Name) {
		return archive.Get(ctx, o)
	}
	return archive.AwaitGet(ctx, archive.AwaitGetOptions{
		GetOptions:   o,
		Wait:         s.archiveWait(),
		QueueMax:     s.cfg.Size("archive-get-queue-max"),
		MissingRetry: boolOf(s.cfg, "archive-missing-retry"),
	})
}

// runArchiveGetAsync fetches segments into the spool.
func runArchiveGetAsync(ctx context.Context, s *session) error {
	o, err := s.getOptions(ctx)
	if err != nil {
		return err
	}
	return archive.GetAhead(ctx, archive.GetAheadOptions{
		GetOptions: o, Segments: s.cfg.Params, Spool: s.spool(), Effort: s.effort(),
	})
}

func (s *session) getOptions(ctx context.Context) (archive.GetOptions, error) {
	force, err := s.forcedVersion()
	if err != nil {
		return archive.GetOptions{}, err
	}
	repos, err := s.repos(ctx)
	return archive.GetOptions{
		PGPath: s.cfg.String("pg-path"),
		Local:  s.posix(),
		Repos:  repos,
		Force:  force,
		Log:    s.log,
	}, err
}
