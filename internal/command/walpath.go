package command

import (
	"os"
	"path/filepath"

	"holdfast/internal/errs"
)

// walPath makes the path of a WAL file absolute. The server calls archive commands from its data directory and passes paths relative
// to it. If that is not the configured data directory then this is a copy of the cluster, restored elsewhere with the settings of the
// original, whose archive it must not touch.
func (s *session) walPath(path string) (string, error) {
	if filepath.IsAbs(path) {
		return path, nil
	}
	if !s.cfg.Has("pg-path") {
		return "", errs.New(errs.OptionRequired, "option 'pg1-path' must be specified when relative wal paths are used").
			Hint("is %%f passed to %s instead of %%p?", s.cfg.Command).
			Hint("PostgreSQL may pass relative paths even with %%p depending on the environment.")
	}
	pgPath := s.cfg.String("pg-path")
	here, err := os.Getwd()
	if err != nil {
		return "", errs.Because(errs.PathOpen, err, "unable to get working directory: %s", errs.System(err))
	}
	same, err := sameDir(here, pgPath)
	if err != nil {
		return "", errs.Because(errs.PathMissing, err, "unable to chdir() to '%s': %s", pgPath, errs.System(err))
	}
	if !same {
		return "", errs.New(errs.OptionInvalidValue,
			"PostgreSQL working directory '%s' is not the same as option pg1-path '%s'", here, pgPath).
			Hint("is the PostgreSQL data_directory configured the same as the pg1-path option?")
	}
	return filepath.Join(pgPath, path), nil
}

// sameDir reports whether the working directory and another one are the same. The error is about the other one.
func sameDir(here, other string) (bool, error) {
	if here == other {
		return true, nil
	}
	two, err := os.Stat(other)
	if err != nil {
		return false, err
	}
	one, err := os.Stat(here)
	return err == nil && os.SameFile(one, two), nil
}
