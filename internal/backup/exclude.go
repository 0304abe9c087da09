package backup

import "strings"

// exclusions are the parts of the data directory that the user does not want. They match exactly.
type exclusions struct {
	items    map[string]bool // a file, link or directory
	contents map[string]bool // what is in a directory, given as "dir/"
}

func newExclusions(list []string) exclusions {
	x := exclusions{items: map[string]bool{}, contents: map[string]bool{}}
	for _, name := range list {
		if dir, found := strings.CutSuffix(name, "/"); found {
			x.contents[dir] = true
		} else {
			x.items[name] = true
		}
	}
	return x
}

// item reports whether what has this name in a manifest is left out.
func (x exclusions) item(name string) bool {
	below, found := strings.CutPrefix(name, dataName+"/")
	return found && x.items[below]
}

// content reports whether a directory is kept without what is in it.
func (x exclusions) content(name string) bool {
	below, found := strings.CutPrefix(name, dataName+"/")
	return found && x.contents[below]
}
