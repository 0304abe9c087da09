package backup

import (
	"path"
	"strings"

	"holdfast/internal/errs"
)

// Names in a manifest begin with one of these.
const (
	dataName       = "pg_data"
	tablespaceName = "pg_tblspc"
)

// pgName returns the name of a file as people know it: relative to the data directory.
func pgName(name string) string { return strings.TrimPrefix(name, dataName+"/") }

// resolve returns the absolute path that a link in directory dir means.
func resolve(dir, text string) string {
	if path.IsAbs(text) {
		return path.Clean(text)
	}
	return path.Join(dir, text)
}

// checkInside refuses a link that leads into the data directory: what it leads to would be backed up twice.
func checkInside(root, name, destination string) error {
	if within(destination, root) {
		return errs.New(errs.LinkDestination, "link '%s' destination '%s' is in PGDATA", pgName(name), destination)
	}
	return nil
}

// within reports whether a path is dir or below it.
func within(p, dir string) bool { return strings.HasPrefix(p+"/", strings.TrimSuffix(dir, "/")+"/") }
