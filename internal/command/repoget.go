package command

import (
	"context"
	"errors"
	"io"
	"syscall"

	"holdfast/internal/errs"
)

// nothingWritten is the exit status when there was nothing to write, or nobody to read it.
const nothingWritten = 1

// runRepoGet writes a file of a repository to standard output.
func runRepoGet(ctx context.Context, s *session) error {
	if len(s.cfg.Params) != 1 {
		return errs.New(errs.ParamRequired, "source file required")
	}
	r, err := s.defaultRepo(ctx)
	if err != nil {
		return err
	}
	name, err := belowRepo(r, s.cfg.Params[0])
	if err != nil {
		return err
	}
	pass := ""
	if !s.cfg.Bool("raw") {
		if pass, err = r.PassOf(ctx, name); err != nil {
			return err
		}
	}
	in, err := r.OpenPath(ctx, name, pass)
	if errs.Is(err, errs.FileMissing) && s.cfg.Bool("ignore-missing") {
		s.status = nothingWritten
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.CopyBuffer(struct{ io.Writer }{s.env.Stdout}, struct{ io.Reader }{in}, make([]byte, 256<<10))
	if errors.Is(err, syscall.EPIPE) {
		s.status = nothingWritten
	}
	return s.written(err)
}
