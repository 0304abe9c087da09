package restore

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

// TestOwners turns names into numbers for root and for others (SN-426).
func TestOwners(t *testing.T) {
	m := &format.Manifest{
		Files: format.NewFiles([]format.File{
			{User: "postgres", Group: "postgres"}, {User: "", Group: "staff"}, {User: "stranger", Group: ""},
		}...),
		Paths: []format.Path{{User: "postgres", Group: "strangers"}},
		Links: []format.Link{{User: "linker", Group: "postgres"}},
	}
	find := func(known map[string]int) func(string) (int, bool) {
		return func(name string) (int, bool) { id, ok := known[name]; return id, ok }
	}
	someone := Identity{UID: 100, GID: 101, User: "postgres", Group: "staff"}
	root := Identity{Root: true, User: "root", Group: "root", FindUser: find(map[string]int{"postgres": 26, "linker": 27}),
		FindGroup: find(map[string]int{"postgres": 36, "staff": 37})}
	for _, test := range []struct {
		name          string
		who           Identity
		owner         *storage.Info // of the data directory, nil if there is none
		users, groups map[string]int
		log           string
	}{
		{
			name: "user", who: someone,
			users:  map[string]int{"": 100, "linker": 100, "postgres": 100, "stranger": 100},
			groups: map[string]int{"": 101, "postgres": 101, "staff": 101, "strangers": 101},
			log: "WARN: unknown user in backup manifest mapped to current user\n" +
				"WARN: unknown user 'linker' in backup manifest mapped to current user\n" +
				"WARN: unknown user 'stranger' in backup manifest mapped to current user\n" +
				"WARN: unknown group in backup manifest mapped to current group\n" +
				"WARN: unknown group 'postgres' in backup manifest mapped to current group\n" +
				"WARN: unknown group 'strangers' in backup manifest mapped to current group\n",
		},
		{
			name: "root", who: root,
			users:  map[string]int{"": 0, "linker": 27, "postgres": 26, "stranger": 0},
			groups: map[string]int{"": 0, "postgres": 36, "staff": 37, "strangers": 0},
			log: "WARN: unknown user in backup manifest mapped to 'root'\n" +
				"WARN: unknown group in backup manifest mapped to 'root'\n",
		},
		{
			name: "root, directory of somebody", who: root, owner: &storage.Info{UID: 5, GID: 6, User: "five", Group: "six"},
			users:  map[string]int{"": 5, "linker": 27, "postgres": 26, "stranger": 0},
			groups: map[string]int{"": 6, "postgres": 36, "staff": 37, "strangers": 0},
			log: "WARN: unknown user in backup manifest mapped to 'five'\n" +
				"WARN: unknown group in backup manifest mapped to 'six'\n",
		},
		{
			name: "root, directory without name of group", who: root, owner: &storage.Info{UID: 5, GID: 6, User: "five"},
			users:  map[string]int{"": 5, "linker": 27, "postgres": 26, "stranger": 0},
			groups: map[string]int{"": 0, "postgres": 36, "staff": 37, "strangers": 0},
			log: "WARN: unknown user in backup manifest mapped to 'five'\n" +
				"WARN: unknown group in backup manifest mapped to 'root'\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			mem := storagetest.NewMem()
			logger, lines := log.Memory()
			r := &run{manifest: m, Options: Options{User: test.who, Tree: owned{mem, test.owner}, PGPath: "/pg", Log: logger}}
			if err := r.own(t.Context()); err != nil {
				t.Fatal(err)
			}
			for name, want := range test.users {
				if uid, _ := r.owners.ids(name, ""); uid != want {
					t.Errorf("user %q: %d, want %d", name, uid, want)
				}
			}
			for name, want := range test.groups {
				if _, gid := r.owners.ids("", name); gid != want {
					t.Errorf("group %q: %d, want %d", name, gid, want)
				}
			}
			if lines.Text() != test.log {
				t.Errorf("logged:\n%swant:\n%s", lines.Text(), test.log)
			}
		})
	}
}

// owned is a tree in which everything has one owner, if it is there.
type owned struct {
	*storagetest.Mem
	info *storage.Info
}

func (o owned) Stat(ctx context.Context, path string) (storage.Info, error) {
	if o.info == nil {
		return o.Mem.Stat(ctx, path)
	}
	return *o.info, nil
}

// TestRoot restores as root what belongs to others. Nobody else can.
func TestRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Log("not root")
		return
	}
	const uid, gid = 54321, 54322
	f := newFixture(t, shape{edit: func(f *fixture) {
		for i := range f.manifest.Files.Len() {
			f.manifest.Files.Update(i, func(file *format.File) { file.User, file.Group = "pg", "pgs" })
		}
		for i := range f.manifest.Paths {
			f.manifest.Paths[i].User, f.manifest.Paths[i].Group = "pg", "pgs"
		}
		for i := range f.manifest.Links {
			f.manifest.Links[i].User, f.manifest.Links[i].Group = "pg", "pgs"
		}
		f.change("pg_data/PG_VERSION", func(file *format.File) { file.User = "stranger" })
		f.manifest.SetDefaults()
	}})
	owner := func(o *Options) {
		o.User = Identity{Root: true, User: "root", Group: "root",
			FindUser:  func(name string) (int, bool) { return uid, name == "pg" },
			FindGroup: func(name string) (int, bool) { return gid, name == "pgs" },
		}
	}
	check := func() {
		t.Helper()
		for _, dir := range []string{f.pg(), f.ts(), f.dir + "/links"} {
			err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				info, err := f.tree.Stat(t.Context(), name)
				want := uid
				if info.Name == "PG_VERSION" && filepath.Dir(name) == f.pg() {
					want = 0
				}
				if err == nil && (info.UID != want || info.GID != gid) {
					t.Errorf("%s belongs to %d:%d", name, info.UID, info.GID)
				}
				return err
			})
			f.must(err)
		}
	}
	f.restore(owner, f.linked)
	check()
	for _, name := range []string{
		f.pg("base"), f.pg("base/16401/2600"), f.pg("extra"), f.dir + "/links/conf/hba", f.space(), f.pg("PG_VERSION"),
	} {
		f.must(os.Lchown(name, 1, 1))
	}
	f.restore(owner, f.linked, delta)
	check()
	f.logged("DETAIL: update ownership for 'DIR/pg/base'", "DETAIL: update ownership for 'DIR/pg/base/16401/2600'",
		"DETAIL: update ownership for 'DIR/pg/extra'", "DETAIL: update ownership for 'DIR/ts/PG_15_202209061'")
}

// TestForeign: who is not root refuses directories of others.
func TestForeign(t *testing.T) {
	f := newFixture(t, shape{})
	f.must(os.Mkdir(f.pg(), 0o700))
	_, err := f.run(func(o *Options) { o.User.Root, o.User.UID = false, o.User.UID+1 })
	if !errs.Is(err, errs.PathOpen) || err.Error() != "unable to restore to path '"+f.pg()+"' not owned by current user" {
		t.Errorf("%v", err)
	}
}
