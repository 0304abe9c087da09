package command

import (
	"os"
	"os/user"
	"strconv"

	"holdfast/internal/restore"
)

// restorer is who runs a restore.
func restorer(uid int) restore.Identity {
	id := restore.Identity{
		Root: uid == 0,
		UID:  uid,
		GID:  os.Getegid(),
		FindUser: func(name string) (int, bool) {
			u, err := user.Lookup(name)
			if err != nil {
				return 0, false
			}
			n, err := strconv.Atoi(u.Uid)
			return n, err == nil
		},
		FindGroup: func(name string) (int, bool) {
			g, err := user.LookupGroup(name)
			if err != nil {
				return 0, false
			}
			n, err := strconv.Atoi(g.Gid)
			return n, err == nil
		},
	}
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		id.User = u.Username
	}
	if g, err := user.LookupGroupId(strconv.Itoa(id.GID)); err == nil {
		id.Group = g.Name
	}
	return id
}
