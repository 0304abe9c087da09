package command

import (
	"context"
	"path/filepath"

	"holdfast/internal/archive"
	"holdfast/internal/errs"
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
	force, err := s.forcedVersion()
	if err != nil {
		return err
	}
	found, err := archive.Get(ctx, archive.GetOptions{
		Name:   filepath.Base(s.cfg.Params[0]),
		Dest:   dest,
		PGPath: s.cfg.String("pg-path"),
		Local:  s.posix(),
		Repos:  s.repos(),
		Force:  force,
		Log:    s.log,
	})
	if err == nil && !found {
		s.status = notFound
	}
	return err
}
