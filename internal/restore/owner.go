package restore

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
)

// Identity is who runs the restore and what the host knows of users.
type Identity struct {
	Root      bool
	UID, GID  int
	User      string // name of UID
	Group     string // name of GID
	FindUser  func(name string) (uid int, ok bool)
	FindGroup func(name string) (gid int, ok bool)
}

// owners turns the names of a manifest into numbers.
type owners struct {
	users, groups map[string]int
}

// ids returns the numbers of an owner. Names that were not in the manifest when own looked at it do not exist.
func (o owners) ids(user, group string) (uid, gid int) { return o.users[user], o.groups[group] }

// own decides who will own what. Only root can give files away, so everybody else becomes the owner of all and is told whose names
// that replaces.
func (r *run) own(ctx context.Context) error {
	users, groups := r.names()
	o := owners{users: map[string]int{}, groups: map[string]int{}}
	if !r.User.Root {
		for _, name := range users {
			o.users[name] = r.User.UID
			r.warnMapped("user", name, name != r.User.User)
		}
		for _, name := range groups {
			o.groups[name] = r.User.GID
			r.warnMapped("group", name, name != r.User.Group)
		}
		r.owners = o
		return nil
	}
	uid, gid, user, group, err := r.ownerOfTarget(ctx)
	if err != nil {
		return err
	}
	o.users = r.mapNames("user", users, r.User.FindUser, uid, user)
	o.groups = r.mapNames("group", groups, r.User.FindGroup, gid, group)
	r.owners = o
	return nil
}

func (r *run) warnMapped(kind, name string, differs bool) {
	switch {
	case name == "":
		r.Log.Warn("unknown %s in backup manifest mapped to current %[1]s", kind)
	case differs:
		r.Log.Warn("unknown %s '%s' in backup manifest mapped to current %[1]s", kind, name)
	}
}

// mapNames maps the names of a manifest for root: names the host knows keep their owner, unknown names stay with root, and what had
// no name goes to the owner of the data directory.
func (r *run) mapNames(kind string, names []string, find func(string) (int, bool), nameless int, shown string) map[string]int {
	ids := map[string]int{}
	for _, name := range names {
		if name == "" {
			r.Log.Warn("unknown %s in backup manifest mapped to '%s'", kind, shown)
			ids[name] = nameless
		} else if id, ok := find(name); ok {
			ids[name] = id
		}
	}
	return ids
}

// ownerOfTarget returns the owner of the data directory that is there. What is not there, or has no name, is root's.
func (r *run) ownerOfTarget(ctx context.Context) (uid, gid int, user, group string, err error) {
	user, group = "root", "root"
	info, err := r.follow(ctx, r.PGPath)
	if errors.Is(err, fs.ErrNotExist) {
		return uid, gid, user, group, nil
	}
	if info.User != "" {
		uid, user = info.UID, info.User
	}
	if info.Group != "" {
		gid, group = info.GID, info.Group
	}
	return uid, gid, user, group, err
}

// names lists the distinct users and groups of the manifest.
func (r *run) names() (users, groups []string) {
	u, g := map[string]bool{}, map[string]bool{}
	m := r.manifest
	for _, f := range m.Files.All() {
		u[f.User], g[f.Group] = true, true
	}
	for _, p := range m.Paths {
		u[p.User], g[p.Group] = true, true
	}
	for _, l := range m.Links {
		u[l.User], g[l.Group] = true, true
	}
	return slices.Sorted(maps.Keys(u)), slices.Sorted(maps.Keys(g))
}
