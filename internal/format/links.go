package format

import (
	"path"
	"strings"

	"holdfast/internal/errs"
)

// CheckLinks compares the destinations of all links of a data directory with each other and with the directory itself. A restore
// could not put two of them at one place, nor one into another. Links to files may share a directory, as long as no link is to that
// directory. Root is the data directory.
func CheckLinks(root string, targets []Target) error {
	for i, one := range targets {
		if !one.Link {
			continue
		}
		if at := one.destination(root); within(at, root) {
			return errs.New(errs.LinkDestination, "link '%s' destination '%s' is in PGDATA", one.short(), at)
		}
		for _, two := range targets[i+1:] {
			if !two.Link {
				continue
			}
			if err := compareLinks(root, one, two); err != nil {
				return err
			}
		}
	}
	return nil
}

// directory returns the absolute directory of a link's destination.
func (t Target) directory(root string) string {
	if path.IsAbs(t.Path) {
		return path.Clean(t.Path)
	}
	return path.Join(root, path.Dir(t.short()), t.Path)
}

// destination returns the absolute destination of a link.
func (t Target) destination(root string) string { return path.Join(t.directory(root), t.File) }

// short returns the name people know: relative to the data directory.
func (t Target) short() string { return strings.TrimPrefix(t.Name, "pg_data/") }

// within reports whether a path is dir or below it.
func within(p, dir string) bool { return strings.HasPrefix(p+"/", strings.TrimSuffix(dir, "/")+"/") }

func compareLinks(root string, one, two Target) error {
	dirOne, dirTwo := one.directory(root), two.directory(root)
	switch {
	case one.File != "" && two.File != "":
		if one.destination(root) == two.destination(root) {
			return errs.New(errs.LinkDestination, "link '%s' (%s/%s) destination is the same file as link '%s' (%s/%s)",
				two.short(), dirTwo, two.File, one.short(), dirOne, one.File)
		}
	case dirOne == dirTwo:
		return linkError(root, two, "destination is the same directory as", one)
	case one.File == "" && within(dirTwo, dirOne):
		return linkError(root, two, "destination is a subdirectory of", one)
	case two.File == "" && within(dirOne, dirTwo):
		return linkError(root, one, "destination is a subdirectory of", two)
	}
	return nil
}

func linkError(root string, a Target, what string, b Target) error {
	return errs.New(errs.LinkDestination, "link '%s' (%s) %s link '%s' (%s)",
		a.short(), a.directory(root), what, b.short(), b.directory(root))
}
