package command

import (
	"errors"
	"path"
	"strings"
	"syscall"

	"holdfast/internal/errs"
	"holdfast/internal/repo"
)

// pathParameter is the path that commands on single files are given, "" if there is none.
func (s *session) pathParameter() (string, error) {
	switch len(s.cfg.Params) {
	case 0:
		return "", nil
	case 1:
		return s.cfg.Params[0], nil
	}
	return "", errs.New(errs.ParamInvalid, "only one path may be specified")
}

// belowRepo returns a path relative to the repository, "." for its root. It may be given relative to the repository or in full.
func belowRepo(r *repo.Repo, name string) (string, error) {
	if strings.Contains(name, "//") {
		return "", errs.New(errs.ParamInvalid, "path '%s' cannot contain //", name)
	}
	if strings.HasPrefix(name, "/") {
		below, inside := strings.CutPrefix(strings.TrimSuffix(name, "/")+"/", strings.TrimSuffix(r.Path(), "/")+"/")
		if !inside {
			return "", errs.New(errs.ParamInvalid, "absolute path '%s' is not in base path '%s'", name, r.Path())
		}
		name = below
	}
	return path.Clean(name), nil
}

// written turns an error of standard output into that of the command. Nobody reading any more is none.
func (s *session) written(err error) error {
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return nil
	}
	var known *errs.Error
	if errors.As(err, &known) {
		return err
	}
	return errs.Because(errs.FileWrite, err, "unable to write to standard output: %s", errs.System(err))
}
