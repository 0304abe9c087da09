package command

import (
	"context"

	"holdfast/internal/archive"
	"holdfast/internal/db"
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
	o := archive.GetOptions{
		Name:   s.cfg.Params[0],
		PGPath: s.cfg.String("pg-path"),
		Local:  s.posix(),
		Repos:  s.repos(),
		Log:    s.log,
	}
	force, err := s.forcedVersion()
	if err != nil {
		return err
	}
	if o.Dest, err = s.walPath(s.cfg.Params[1]); err != nil {
		return err
	}
	if _, o.Control, err = db.ReadControl(ctx, o.Local, o.PGPath, force); err != nil {
		return err
	}
	found, err := archive.Get(ctx, o)
	if err == nil && !found {
		s.status = notFound
	}
	return err
}
