package backup

import (
	"path"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/format"
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

// checkLinks compares the destinations of all links with each other. A restore could not put two of them at one place, nor one into
// another. Links to files may share a directory, as long as no link is to that directory. The directories are given by target name.
func checkLinks(targets []format.Target, dirs map[string]string) error {
	for i, one := range targets {
		for _, two := range targets[i+1:] {
			if !one.Link || !two.Link {
				continue
			}
			if err := compareLinks(linkTo{one, dirs[one.Name]}, linkTo{two, dirs[two.Name]}); err != nil {
				return err
			}
		}
	}
	return nil
}

// linkTo is a link and the directory it leads to, or that the file it leads to lies in.
type linkTo struct {
	format.Target
	dir string
}

func compareLinks(one, two linkTo) error {
	if one.File != "" && two.File != "" {
		if one.dir != two.dir || one.File != two.File {
			return nil
		}
		one.dir, two.dir = path.Join(one.dir, one.File), path.Join(two.dir, two.File)
		return linkError(two, "is the same file as", one)
	}
	switch {
	case one.dir == two.dir:
		return linkError(two, "is the same directory as", one)
	case one.File == "" && within(two.dir, one.dir):
		return linkError(two, "is a subdirectory of", one)
	case two.File == "" && within(one.dir, two.dir):
		return linkError(one, "is a subdirectory of", two)
	}
	return nil
}

func linkError(a linkTo, relation string, b linkTo) error {
	return errs.New(errs.LinkDestination, "link '%s' (%s) destination %s link '%s' (%s)", pgName(a.Name), a.dir, relation,
		pgName(b.Name), b.dir)
}
