package restore

import (
	"context"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/format"
)

// remap changes the manifest so that it says where things go rather than where they were.
func (r *run) remap(context.Context) error {
	for i := range r.manifest.Targets {
		if t := &r.manifest.Targets[i]; t.Name == dataName && t.Path != r.PGPath {
			r.Log.Info("remap data directory to '%s'", r.PGPath)
			t.Path = r.PGPath
		}
	}
	if err := r.remapTablespaces(); err != nil {
		return err
	}
	if err := r.remapLinks(); err != nil {
		return err
	}
	r.dropLinks()
	return format.CheckLinks(r.PGPath, r.manifest.Targets)
}

func (r *run) remapTablespaces() error {
	used := map[string]bool{}
	for i := range r.manifest.Targets {
		t := &r.manifest.Targets[i]
		if t.TablespaceID == "" {
			continue
		}
		byName, named := r.TablespaceMap[t.TablespaceName]
		byID, numbered := r.TablespaceMap[t.TablespaceID]
		used[t.TablespaceName], used[t.TablespaceID] = true, true
		to := byName
		switch {
		case named && numbered && byName != byID:
			id, _ := strconv.ParseUint(t.TablespaceID, 10, 32)
			return errs.New(errs.TablespaceMap, "tablespace remapped by name '%s' and id %d with different paths", t.TablespaceName, id)
		case numbered:
			to = byID
		case !named && r.TablespaceMapAll != "":
			to = path.Join(r.TablespaceMapAll, t.TablespaceName)
		case !named:
			continue
		}
		r.Log.Info("map tablespace '%s' to '%s'", t.Name, to)
		t.Path = to
		if l := r.link(dataName + "/" + t.Name); l != nil {
			l.Destination = to
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.TablespaceMap)) {
		if !used[key] {
			return errs.New(errs.TablespaceMap, "unable to remap invalid tablespace '%s'", key)
		}
	}
	return nil
}

func (r *run) remapLinks() error {
	for _, key := range slices.Sorted(maps.Keys(r.LinkMap)) {
		if err := r.remapLink(key, r.LinkMap[key]); err != nil {
			return err
		}
	}
	return nil
}

// remapLink sends one link elsewhere, or makes a link of what was a plain file or directory.
func (r *run) remapLink(key, to string) error {
	name := dataName + "/" + key
	m := r.manifest
	t, verb := r.target(name), "map link"
	if t == nil {
		verb = "link"
		isFile := m.File(name) != nil
		if !isFile && !r.isPath(name) {
			return errs.New(errs.LinkMap, "unable to map link '%s'", key).
				Hint("Does the link reference a valid backup path or file?")
		}
		added := format.Target{Name: name, Link: true}
		if isFile {
			added.File = path.Base(to)
		}
		m.Targets = insert(m.Targets, added, func(t format.Target) string { return t.Name })
		m.Links = insert(m.Links, format.Link{Name: name, User: m.LinkDefault.User, Group: m.LinkDefault.Group},
			func(l format.Link) string { return l.Name })
		t = r.target(name)
	}
	r.Log.Info("%s '%s' to '%s'", verb, key, to)
	t.Path = to
	if t.File != "" {
		dir, file := path.Split(to)
		if dir == "" || file == "" {
			return errs.New(errs.LinkMap, "'%s' is not long enough to be the destination for file link '%s'", to, key)
		}
		t.Path, t.File = path.Clean(dir), file
	}
	r.link(name).Destination = to
	return nil
}

// dropLinks makes plain directories and files of links nobody asked to have again.
func (r *run) dropLinks() {
	if r.LinkAll {
		return
	}
	m := r.manifest
	dropped := func(name string) bool {
		_, mapped := r.LinkMap[short(name)]
		return !mapped && strings.HasPrefix(name, dataName+"/") && !strings.HasPrefix(name, dataName+"/"+tablespaceName+"/")
	}
	for _, t := range m.Targets {
		switch {
		case !t.Link || !dropped(t.Name):
		case t.File != "":
			r.Log.Warn("file link '%s' will be restored as a file at the same location", short(t.Name))
		default:
			r.Log.Warn("contents of directory link '%s' will be restored in a directory at the same location", short(t.Name))
		}
	}
	m.Targets = slices.DeleteFunc(m.Targets, func(t format.Target) bool { return t.Link && dropped(t.Name) })
	m.Links = slices.DeleteFunc(m.Links, func(l format.Link) bool { return dropped(l.Name) })
}

// target returns a target by name, nil if there is none.
func (r *run) target(name string) *format.Target {
	return search(r.manifest.Targets, name, func(t format.Target) string { return t.Name })
}

// link returns a link by name, nil if there is none.
func (r *run) link(name string) *format.Link {
	return search(r.manifest.Links, name, func(l format.Link) string { return l.Name })
}

func (r *run) isPath(name string) bool {
	return search(r.manifest.Paths, name, func(p format.Path) string { return p.Name }) != nil
}

// search finds a name in a list sorted by name.
func search[T any](list []T, name string, of func(T) string) *T {
	i, ok := slices.BinarySearchFunc(list, name, func(t T, name string) int { return strings.Compare(of(t), name) })
	if !ok {
		return nil
	}
	return &list[i]
}

// insert puts a value into a list sorted by name.
func insert[T any](list []T, value T, of func(T) string) []T {
	i, _ := slices.BinarySearchFunc(list, of(value), func(t T, name string) int { return strings.Compare(of(t), name) })
	return slices.Insert(list, i, value)
}
