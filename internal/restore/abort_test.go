package restore

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
	"holdfast/internal/storage/posix"
	"holdfast/internal/storage/storagetest"
)

// clear removes what a restore has made.
func (f *fixture) clear() {
	f.t.Helper()
	for _, dir := range []string{f.pg(), f.ts(), f.dir + "/links"} {
		f.must(os.RemoveAll(dir))
	}
}

// linked sends both links of the backup elsewhere.
func (f *fixture) linked(o *Options) {
	o.LinkMap = map[string]string{"extra": f.dir + "/links/extra", "pg_hba.conf": f.dir + "/links/conf/hba", "base/1": f.dir + "/links/one"}
}

// checkLinked is check for a restore with linked.
func (f *fixture) checkLinked() {
	f.t.Helper()
	data, _ := f.want()
	got := snapshot(f.t, f.pg())
	for name, to := range map[string]string{"extra": "extra", "pg_hba.conf": "conf/hba", "base/1": "one"} {
		if got[name] != "link "+f.dir+"/links/"+to {
			f.t.Errorf("%s: %s", name, got[name])
		}
		for below, entry := range snapshot(f.t, f.dir+"/links/"+to) {
			got[strings.Trim(name+"/"+below, "/")] = entry
		}
	}
	delete(got, autoConf)
	delete(data, autoConf)
	delete(got, recoverySignal)
	compare(f.t, got, data)
}

// TestAbort fails every operation of a restore once. What is left either cannot start or is whole, and restoring it again with delta
// makes it whole (SN-411).
func TestAbort(t *testing.T) {
	tests := []struct {
		name    string
		before  func(*fixture) // what the first restore finds
		options []func(*Options)
	}{
		{"fresh", func(*fixture) {}, nil},
		{"delta", func(f *fixture) { f.restore(f.linked); spoilSome(f) }, []func(*Options){delta}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, shape{})
			for n := 1; ; n++ {
				f.clear()
				test.before(f)
				faulty := storagetest.NewFaulty(f.tree, n)
				_, err := f.run(append(test.options, f.linked, func(o *Options) { o.Tree, o.Workers = faulty, 1 })...)
				if !faulty.Fired() {
					if err != nil {
						t.Fatal(err)
					}
					t.Logf("%d operations", n-1)
					return
				}
				f.checkAborted(err, faulty)
				f.restore(delta, f.linked)
				f.checkLinked()
				if t.Failed() {
					t.Fatalf("after a fault at %s", faulty.Failed())
				}
			}
		})
	}
}

// spoilSome is a spoil for the cluster as linked or not.
func spoilSome(f *fixture) {
	f.write(f.pg("junk"), "junk")
	f.write(f.pg("more/deep/junk"), "junk")
	f.write(f.pg("PG_VERSION"), "14\n")
	f.must(os.Symlink("/nowhere", f.pg("link")))
	f.must(os.Remove(f.pg("base/16401/2600")))
	f.must(os.Chmod(f.pg("base/16402"), 0o755))
}

// checkAborted checks what a restore left that failed at one operation.
func (f *fixture) checkAborted(err error, faulty *storagetest.Faulty) {
	f.t.Helper()
	if err == nil {
		f.checkLinked()
		return
	}
	if _, statErr := os.Stat(f.pg("global/pg_control")); statErr == nil && !untouched(f) {
		f.checkLinked() // only what came after the last rename may have failed
	}
	if !errs.Is(err, errs.FileWrite) {
		f.t.Errorf("%s: unexpected error %v", faulty.Failed(), err)
	}
}

// untouched reports whether a restore over a spoiled cluster failed before it began to change anything.
func untouched(f *fixture) bool {
	_, err := os.Stat(f.pg("junk"))
	return err == nil
}

// TestAbortRepo fails every operation on the repository once.
func TestAbortRepo(t *testing.T) {
	f := newFixture(t, shape{cipher: "secret"})
	for n := 1; ; n++ {
		f.clear()
		faulty := storagetest.NewFaulty(f.stored, n)
		broken := *f
		broken.stored = faulty
		_, err := f.run(func(o *Options) { o.Repos, o.Workers = []*repo.Repo{broken.repo()}, 1 })
		if !faulty.Fired() {
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		if _, statErr := os.Stat(f.pg("global/pg_control")); (err == nil) != (statErr == nil) {
			t.Fatalf("%s: %v, control file: %v", faulty.Failed(), err, statErr)
		}
		f.restore(delta)
		f.check(autoConf, recoverySignal)
		if t.Failed() {
			t.Fatalf("after a fault at %s", faulty.Failed())
		}
	}
}

// simple leaves links and tablespaces out of the backup: the memory tree does not follow links.
func simple(f *fixture) {
	m := f.manifest
	m.Targets, m.Links = m.Targets[:1], nil
	f.drop(func(name string) bool { return strings.HasPrefix(name, tablespaceName) })
	m.Paths = slices.DeleteFunc(m.Paths, func(p format.Path) bool { return strings.HasPrefix(p.Name, tablespaceName) })
}

// TestCrash takes the power away after every operation. What a machine finds then either cannot start or is whole, and is made whole
// by a restore with delta.
func TestCrash(t *testing.T) {
	f := newFixture(t, shape{edit: simple})
	root := func(tree storage.Tree) func(*Options) {
		return func(o *Options) {
			o.Tree, o.PGPath, o.Workers, o.TablespaceMap = tree, "/srv/pg", 1, nil
			found := func(string) (int, bool) { return 0, true }
			o.User = Identity{Root: true, FindUser: found, FindGroup: found}
		}
	}
	for _, over := range []bool{false, true} {
		for n := 1; ; n++ {
			mem := storagetest.NewMem()
			f.must(mem.MakeDir(t.Context(), "/srv", 0o755, true))
			f.must(mem.SyncDir(t.Context(), "/"))
			if over {
				f.restore(root(mem))
				f.must(mem.Remove(t.Context(), "/srv/pg/base/1/1259"))
				f.must(storage.WriteAll(t.Context(), mem, "/srv/pg/base/1/junk", []byte("junk"), storage.CreateOptions{}))
				f.must(mem.SyncDir(t.Context(), "/srv/pg/base/1"))
			}
			faulty := storagetest.NewFaulty(mem, n)
			faulty.Stay = true
			_, err := f.run(root(faulty), func(o *Options) { o.Delta = over })
			if (err == nil) != !faulty.Fired() {
				t.Fatalf("%s: %v", faulty.Failed(), err)
			}
			found := mem.Crash()
			if err == nil {
				f.checkMem(found)
				t.Logf("over %t: %d operations", over, n-1)
				break
			}
			if there, _ := storage.Exists(t.Context(), found, "/srv/pg/global/pg_control"); there {
				if junk, _ := storage.Exists(t.Context(), found, "/srv/pg/backup.manifest"); junk {
					t.Fatalf("after %s: can be started although it was not finished", faulty.Failed())
				}
				if !over {
					f.checkMem(found)
				}
			}
			f.restore(root(found), delta)
			f.checkMem(found)
			if t.Failed() {
				t.Fatalf("after %s", faulty.Failed())
			}
		}
	}
}

// checkMem compares a tree in memory with the backup.
func (f *fixture) checkMem(mem *storagetest.Mem) {
	f.t.Helper()
	var want []string
	for _, p := range f.manifest.Paths {
		want = append(want, strings.TrimSuffix("/srv/pg/"+short(p.Name), "/")+"/")
	}
	for _, file := range f.manifest.Files.All() {
		if file.Name == "pg_data/tablespace_map" {
			continue
		}
		want = append(want, "/srv/pg/"+short(file.Name))
		got, err := storage.ReadAll(f.t.Context(), mem, "/srv/pg/"+short(file.Name), 0)
		f.must(err)
		if file.Name != controlName && file.Name != "pg_data/"+autoConf && string(got) != string(f.content[file.Name]) {
			f.t.Errorf("%s: wrong content", file.Name)
		}
	}
	want = append(want, "/srv/", "/srv/pg/recovery.signal")
	slices.Sort(want)
	if got := mem.Paths(); !slices.Equal(got, want) {
		f.t.Errorf("got %q, want %q", got, want)
	}
}

// TestOrder shows the order in which a small restore changes a directory.
func TestOrder(t *testing.T) {
	f := newFixture(t, shape{edit: func(f *fixture) {
		simple(f)
		kept := map[string]bool{"pg_data/PG_VERSION": true, controlName: true, "pg_data/" + autoConf: true}
		f.drop(func(name string) bool { return !kept[name] })
		f.manifest.Paths = slices.DeleteFunc(f.manifest.Paths, func(p format.Path) bool {
			return p.Name != dataName && p.Name != "pg_data/global"
		})
	}})
	trace := storagetest.NewTrace(posix.New(posix.Config{}))
	f.restore(func(o *Options) { o.Tree, o.Workers, o.TablespaceMap = trace, 1, nil })
	const want = `mkdir DIR/pg
syncdir DIR
create DIR/pg/backup.manifest atomic
write DIR/pg/backup.manifest
close DIR/pg/backup.manifest
mkdir DIR/pg/global
create DIR/pg/global/pg_control.pgbackrest.tmp
write DIR/pg/global/pg_control.pgbackrest.tmp
close DIR/pg/global/pg_control.pgbackrest.tmp
create DIR/pg/postgresql.auto.conf
write DIR/pg/postgresql.auto.conf
close DIR/pg/postgresql.auto.conf
create DIR/pg/PG_VERSION
write DIR/pg/PG_VERSION
close DIR/pg/PG_VERSION
create DIR/pg/postgresql.auto.conf
write DIR/pg/postgresql.auto.conf
close DIR/pg/postgresql.auto.conf
create DIR/pg/recovery.signal
write DIR/pg/recovery.signal
close DIR/pg/recovery.signal
remove DIR/pg/backup.manifest
syncdir DIR/pg
create DIR/pg/global/pg_control.pgbackrest.tmp
write DIR/pg/global/pg_control.pgbackrest.tmp
close DIR/pg/global/pg_control.pgbackrest.tmp
rename DIR/pg/global/pg_control.pgbackrest.tmp DIR/pg/global/pg_control
syncdir DIR/pg/global
`
	if got := strings.ReplaceAll(trace.Text(), f.dir, "DIR"); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

// TestCancelled: a restore that is told to end does so and leaves what cannot be started.
func TestCancelled(t *testing.T) {
	f := newFixture(t, shape{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := f.options(func(o *Options) {
		o.Log, f.lines = log.Memory()
		o.Progress = func(_, done int64) {
			if done > 0 {
				cancel()
			}
		}
	})
	if _, err := Run(ctx, o); !errs.Is(err, errs.Term) {
		t.Errorf("%v", err)
	}
	if got := snapshot(t, f.pg()); got["global/pg_control"] != "" || got["backup.manifest"] == "" {
		t.Errorf("%v", slices.Sorted(maps.Keys(got)))
	}
	f.restore(delta)
	f.check(autoConf, recoverySignal)
}

// TestKilledAtOnce restores into a directory where a restore was killed before its manifest was whole.
func TestKilledAtOnce(t *testing.T) {
	for _, name := range []string{"backup.manifest", "backup.manifest.pgbackrest.tmp"} {
		for _, force := range []bool{false, true} {
			f := newFixture(t, shape{})
			f.must(os.Mkdir(f.pg(), 0o700))
			f.must(os.WriteFile(f.pg()+"/"+name, []byte("not whole"), 0o600))
			f.restore(func(o *Options) { o.Delta = force })
			f.check(autoConf, recoverySignal)
		}
	}
}
