package backup

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/storage"
)

// specialWarning is the text for what cannot be copied: sockets, pipes and devices.
const specialWarning = "exclude special file '%s' from backup"

const modeBits = 0o7777

// scanner walks a data directory and lists what belongs into a backup.
type scanner struct {
	tree        storage.Storage
	log         *log.Logger
	root        string // path of the data directory
	rules       postgres.Rules
	exclude     exclusions
	checksums   bool              // pages are checked
	tablespaces map[string]string // names by oid; nil when there is no server to ask
	m           *format.Manifest

	unlogged postgres.Unlogged
	linked   map[string]bool // directories that links lead to
}

// scan fills paths, files, links and targets of the manifest.
func (s *scanner) scan(ctx context.Context) error {
	info, err := s.tree.Stat(ctx, s.root)
	if err != nil {
		return err
	}
	if info.Type == storage.Link { // the data directory may be reached through a link, its own attributes count
		if info, err = s.attributes(ctx, s.root); err != nil {
			return err
		}
	}
	s.m.Targets = append(s.m.Targets, format.Target{Name: dataName, Path: s.root})
	s.addPath(dataName, info)
	if err := s.dir(ctx, s.root, dataName); err != nil {
		return err
	}
	if err := format.CheckLinks(s.root, s.m.Targets); err != nil {
		return err
	}
	s.dropUnlogged()
	s.sort()
	return nil
}

// attributes describes the directory that a link leads to, by its entry for itself, as storages do not follow links.
func (s *scanner) attributes(ctx context.Context, dir string) (storage.Info, error) {
	return s.tree.Stat(ctx, dir+"/.")
}

// dir lists one directory. The manifest name is where it appears in the cluster; behind a link that is not where it lies.
func (s *scanner) dir(ctx context.Context, at, name string) error {
	if s.exclude.content(name) {
		s.log.Info("exclude contents of '%s' from backup using '%s/' exclusion", s.path(name), pgName(name))
		return nil
	}
	entries, err := s.list(ctx, at, name)
	if errs.Is(err, errs.PathMissing) && name != dataName {
		return nil // dropped since its parent was listed
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		child := name + "/" + e.Name
		if e.Type == storage.File && s.unlogged.Skip(child) {
			continue
		}
		if err := s.entry(ctx, at, child, e); err != nil {
			return err
		}
	}
	return nil
}

// list takes in the plain files of a directory, of which there may be very many, as they come. It returns all other entries, sorted.
func (s *scanner) list(ctx context.Context, at, name string) ([]storage.Info, error) {
	var others []storage.Info
	err := s.tree.List(ctx, at, func(e storage.Info) error {
		child := name + "/" + e.Name
		s.unlogged.Note(child)
		switch {
		case e.Type != storage.File || name == dataName+"/"+tablespaceName || s.exclude.item(child):
			others = append(others, e)
		case s.rules.File(child):
			return s.addFile(child, e)
		}
		return nil
	})
	slices.SortFunc(others, func(a, b storage.Info) int { return strings.Compare(a.Name, b.Name) })
	return others, err
}

// dropUnlogged takes out the files of unlogged relations. They are known only when the directory was listed.
func (s *scanner) dropUnlogged() {
	if s.unlogged.Any() {
		s.m.Files.DeleteFunc(func(_ int, f *format.File) bool { return s.unlogged.Skip(f.Name) })
	}
}

// entry takes in one directory entry; at is the directory it lies in.
func (s *scanner) entry(ctx context.Context, at, name string, e storage.Info) error {
	if s.left(name, e.Type) {
		return nil
	}
	inTablespaces := path.Dir(name) == dataName+"/"+tablespaceName
	if inTablespaces && (e.Type == storage.File || e.Type == storage.Dir) {
		return errs.New(errs.LinkExpected, "'%s' is not a symlink - pg_tblspc should contain only symlinks", name)
	}
	if s.exclude.item(name) {
		s.log.Info("exclude '%s' from backup using '%s' exclusion", s.path(name), pgName(name))
		return nil
	}
	switch e.Type {
	case storage.File:
		return s.addFile(name, e)
	case storage.Dir:
		return s.addDir(ctx, path.Join(at, e.Name), name, e)
	case storage.Link:
		if inTablespaces {
			return s.tablespace(ctx, at, name, e)
		}
		return s.link(ctx, at, name, e)
	}
	s.log.Warn(specialWarning, s.path(name))
	return nil
}

// left reports whether the rules leave an entry out. Of a link it is not known yet whether it is a file or a directory.
func (s *scanner) left(name string, t storage.Type) bool {
	switch t {
	case storage.Dir:
		return s.rules.Dir(name) == postgres.Skip
	case storage.Link:
		return s.rules.Dir(name) == postgres.Skip
	}
	return !s.rules.File(name)
}

func (s *scanner) addDir(ctx context.Context, at, name string, e storage.Info) error {
	s.addPath(name, e)
	if s.rules.Dir(name) == postgres.Empty {
		return nil
	}
	return s.dir(ctx, at, name)
}

func (s *scanner) addPath(name string, e storage.Info) {
	s.m.Paths = append(s.m.Paths, format.Path{Name: name, Mode: uint16(e.Mode & modeBits), User: e.User, Group: e.Group})
}

func (s *scanner) addFile(name string, e storage.Info) error {
	if strings.ContainsRune(name, '\n') {
		return errs.New(errs.FileInvalid, "unable to back up file with a line feed in its name: %s", strconv.Quote(s.path(name)))
	}
	f := format.File{
		Name: name, User: e.User, Group: e.Group, Mode: uint16(e.Mode & modeBits),
		Size: e.Size, OriginalSize: e.Size, RepoSize: e.Size, Timestamp: e.ModTime.Unix(),
	}
	if s.checksums && postgres.PageChecked(name) {
		f.PageChecksum = format.PageOK
	}
	s.m.Files.Append(f)
	return nil
}

// link takes in a link of the data directory, as a link and as what it leads to.
func (s *scanner) link(ctx context.Context, at, name string, e storage.Info) error {
	destination := resolve(at, e.Target)
	info, err := s.follow(ctx, name, destination)
	if err != nil {
		if !s.rules.File(name) {
			return nil // wherever it leads, a file here would be left out
		}
		return err
	}
	target := format.Target{Name: name, Path: e.Target, Link: true}
	switch info.Type {
	case storage.File:
		if !s.rules.File(name) {
			return nil
		}
		target.Path, target.File = path.Split(e.Target)
		if len(target.Path) > 1 {
			target.Path = strings.TrimRight(target.Path, "/")
		}
		s.addLink(name, e, target)
		return s.addFile(name, info)
	case storage.Dir:
		if err := s.addDirLink(name, e, target, destination); err != nil {
			return err
		}
		return s.addDir(ctx, destination, name, info)
	}
	s.log.Warn(specialWarning, s.path(name))
	return nil
}

// tablespace takes in a link to a tablespace. Its files appear under a name of their own, beside the data directory, and only this
// cluster's directory in it matters.
func (s *scanner) tablespace(ctx context.Context, at, name string, e storage.Info) error {
	destination := resolve(at, e.Target)
	info, err := s.follow(ctx, name, destination)
	if err != nil {
		return err
	}
	if info.Type != storage.Dir {
		return errs.New(errs.LinkDestination, "tablespace link '%s' destination '%s' is not a directory", pgName(name), destination)
	}
	spaceName, err := s.tablespaceName(e.Name)
	if err != nil {
		return err
	}
	own := tablespaceName + "/" + e.Name
	target := format.Target{Name: own, Path: e.Target, Link: true, TablespaceID: e.Name, TablespaceName: spaceName}
	if err := s.addDirLink(name, e, target, destination); err != nil {
		return err
	}
	s.addPlaceholders(own)
	return s.dir(ctx, destination, own)
}

func (s *scanner) tablespaceName(oid string) (string, error) {
	if _, err := strconv.ParseUint(oid, 10, 32); err != nil {
		return "", errs.New(errs.Format, "unable to convert base 10 string '%s' to unsigned int", oid)
	}
	if s.tablespaces == nil {
		return "ts" + oid, nil
	}
	name, found := s.tablespaces[oid]
	if !found {
		return "", errs.New(errs.Assert, "tablespace with oid %s not found in tablespace map", oid).
			Hint("was a tablespace created or dropped during the backup?")
	}
	return name, nil
}

// addPlaceholders adds the directories above a tablespace's own. They exist in the repository only and look like those above the
// link.
func (s *scanner) addPlaceholders(own string) {
	root := s.m.Paths[0]
	if !slices.ContainsFunc(s.m.Paths, func(p format.Path) bool { return p.Name == tablespaceName }) {
		root.Name = tablespaceName
		s.m.Paths = append(s.m.Paths, root)
	}
	i := slices.IndexFunc(s.m.Paths, func(p format.Path) bool { return p.Name == dataName+"/"+tablespaceName })
	if i >= 0 {
		root = s.m.Paths[i]
	}
	root.Name = own
	s.m.Paths = append(s.m.Paths, root)
}

// follow describes what a link leads to.
func (s *scanner) follow(ctx context.Context, name, destination string) (storage.Info, error) {
	if err := checkInside(s.root, name, destination); err != nil {
		return storage.Info{}, err
	}
	info, err := s.tree.Stat(ctx, destination)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return info, errs.Because(errs.FileOpen, err, "unable to get info for missing path/file '%s'", s.path(name))
	case err != nil:
		return info, err
	case info.Type == storage.Link:
		return info, errs.New(errs.LinkDestination, "link '%s' cannot reference another link '%s'", s.path(name), destination)
	}
	return info, nil
}

// addDirLink adds a link to a directory. One that another link leads to is refused before it is looked into: with links in circles
// there would be no end to that.
func (s *scanner) addDirLink(name string, e storage.Info, target format.Target, destination string) error {
	s.addLink(name, e, target)
	if s.linked[destination] {
		if err := format.CheckLinks(s.root, s.m.Targets); err != nil {
			return err
		}
		return errs.New(errs.LinkDestination, "link '%s' leads to '%s' as another link does", pgName(name), destination)
	}
	if s.linked == nil {
		s.linked = make(map[string]bool)
	}
	s.linked[destination] = true
	return nil
}

func (s *scanner) addLink(name string, e storage.Info, target format.Target) {
	s.m.Targets = append(s.m.Targets, target)
	s.m.Links = append(s.m.Links, format.Link{Name: name, Destination: e.Target, User: e.User, Group: e.Group})
}

// path returns where the server sees what has this name in the manifest.
func (s *scanner) path(name string) string { return clusterPath(s.root, name) }

func clusterPath(root, name string) string {
	if name == dataName {
		return root
	}
	return root + "/" + pgName(name)
}

func (s *scanner) sort() {
	s.m.Files.Sort()
	slices.SortFunc(s.m.Paths, func(a, b format.Path) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(s.m.Links, func(a, b format.Link) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(s.m.Targets, func(a, b format.Target) int { return strings.Compare(a.Name, b.Name) })
}
