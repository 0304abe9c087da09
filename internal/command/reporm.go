package command

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
)

// runRepoRm removes a file or directory of a repository. A link is removed itself, never what it leads to.
func runRepoRm(ctx context.Context, s *session) error {
	name, err := s.pathParameter()
	if err != nil {
		return err
	}
	r, err := s.defaultRepo(ctx)
	if err != nil {
		return err
	}
	below, err := belowRepo(r, name)
	if err != nil {
		return err
	}
	at := path.Join(r.Path(), below)
	if below == ".." || strings.HasPrefix(below, "../") {
		return errs.New(errs.ParamInvalid, "path '%s' is not in base path '%s'", name, r.Path())
	}
	info, err := r.Storage().Stat(ctx, at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Type != storage.Dir:
		return r.Storage().Remove(ctx, at)
	case s.cfg.Bool("recurse"):
		return r.Storage().RemoveAll(ctx, at)
	}
	err = r.Storage().List(ctx, at, func(storage.Info) error {
		return errs.New(errs.OptionInvalid, "recurse option must be used to delete non-empty path")
	})
	if err != nil {
		return err
	}
	return r.Storage().RemoveDir(ctx, at)
}
