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
	if here != pgPath && !sameDir(here, pgPath) {
		return "", errs.New(errs.OptionInvalidValue,
			"PostgreSQL working directory '%s' is not the same as option pg1-path '%s'", here, pgPath).
			Hint("is the PostgreSQL data_directory configured the same as the pg1-path option?")
	}
	return filepath.Join(pgPath, path), nil
}

// sameDir reports whether two paths lead to the same directory.
func sameDir(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	two, err := os.Stat(b)
	return err == nil && os.SameFile(one, two)
}
