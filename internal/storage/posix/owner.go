package posix

import (
	"os/user"
	"strconv"
	"sync"
)

// owners remembers the names of users and groups: each is looked up once, also when it has no name.
type owners struct {
	users, groups sync.Map // uint32 to string
}

func (o *owners) user(id uint32) string {
	return lookUp(&o.users, id, func(number string) (string, error) {
		u, err := user.LookupId(number)
		if err != nil {
			return "", err
		}
		return u.Username, nil
	})
}

func (o *owners) group(id uint32) string {
	return lookUp(&o.groups, id, func(number string) (string, error) {
		g, err := user.LookupGroupId(number)
		if err != nil {
			return "", err
		}
		return g.Name, nil
	})
}

func lookUp(known *sync.Map, id uint32, find func(string) (string, error)) string {
	if name, ok := known.Load(id); ok {
		return name.(string)
	}
	name, err := find(strconv.FormatUint(uint64(id), 10))
	if err != nil {
		name = ""
	}
	known.Store(id, name)
	return name
}
