package restore

import (
	"os"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/log"
)

// mapped runs remap alone on the manifest of a fixture whose data directory is /new/pg.
func mapped(t *testing.T, edit func(*format.Manifest), o Options) (m *format.Manifest, logged string, err error) {
	t.Helper()
	f := newFixture(t, shape{})
	if edit != nil {
		edit(f.manifest)
	}
	logger, lines := log.Memory()
	o.PGPath, o.Log = "/new/pg", logger
	r := &run{Options: o, manifest: f.manifest, version: f.version}
	err = r.remap(t.Context())
	return f.manifest, lines.Text(), err
}

// TestRemap compares targets and links after mapping (SN-415, SN-416, SN-417).
func TestRemap(t *testing.T) {
	const plain = "WARN: contents of directory link 'extra' will be restored in a directory at the same location\n" +
		"WARN: file link 'pg_hba.conf' will be restored as a file at the same location\n"
	tests := []struct {
		name    string
		o       Options
		targets string // name=destination, without the data directory
		log     string // without the line about the data directory
		code    errs.Code
		text    string
	}{
		{name: "nothing mapped", targets: "pg_tblspc/16400=/old/ts", log: plain},
		{name: "by name", o: Options{TablespaceMap: map[string]string{"space": "/ts"}}, targets: "pg_tblspc/16400=/ts",
			log: "INFO: map tablespace 'pg_tblspc/16400' to '/ts'\n" + plain},
		{name: "by oid", o: Options{TablespaceMap: map[string]string{"16400": "/ts"}, TablespaceMapAll: "/all"},
			targets: "pg_tblspc/16400=/ts", log: "INFO: map tablespace 'pg_tblspc/16400' to '/ts'\n" + plain},
		{name: "by both", o: Options{TablespaceMap: map[string]string{"16400": "/ts", "space": "/ts"}},
			targets: "pg_tblspc/16400=/ts", log: "INFO: map tablespace 'pg_tblspc/16400' to '/ts'\n" + plain},
		{name: "all", o: Options{TablespaceMapAll: "/all"}, targets: "pg_tblspc/16400=/all/space",
			log: "INFO: map tablespace 'pg_tblspc/16400' to '/all/space'\n" + plain},
		{name: "by both to different places", o: Options{TablespaceMap: map[string]string{"16400": "/a", "space": "/b"}},
			code: errs.TablespaceMap, text: "tablespace remapped by name 'space' and id 16400 with different paths"},
		{name: "unknown tablespace", o: Options{TablespaceMap: map[string]string{"space": "/a", "nope": "/b"}},
			code: errs.TablespaceMap, text: "unable to remap invalid tablespace 'nope'"},
		{name: "all links", o: Options{LinkAll: true},
			targets: "pg_data/extra=/old/extra pg_data/pg_hba.conf=/old/conf/hba pg_tblspc/16400=/old/ts"},
		{name: "mapped links", o: Options{LinkMap: map[string]string{"extra": "/x", "pg_hba.conf": "/c/h"}},
			targets: "pg_data/extra=/x pg_data/pg_hba.conf=/c/h pg_tblspc/16400=/old/ts",
			log:     "INFO: map link 'extra' to '/x'\nINFO: map link 'pg_hba.conf' to '/c/h'\n"},
		{name: "relative", o: Options{LinkMap: map[string]string{"extra": "../x", "pg_hba.conf": "../c/h"}},
			targets: "pg_data/extra=../x pg_data/pg_hba.conf=../c/h pg_tblspc/16400=/old/ts",
			log:     "INFO: map link 'extra' to '../x'\nINFO: map link 'pg_hba.conf' to '../c/h'\n"},
		{name: "new links", o: Options{LinkMap: map[string]string{"pg_wal": "/wal", "postgresql.conf": "/c/p"}},
			targets: "pg_data/pg_wal=/wal pg_data/postgresql.conf=/c/p pg_tblspc/16400=/old/ts",
			log:     "INFO: link 'pg_wal' to '/wal'\nINFO: link 'postgresql.conf' to '/c/p'\n" + plain},
		{name: "unknown link", o: Options{LinkMap: map[string]string{"nope": "/x"}}, code: errs.LinkMap,
			text: "unable to map link 'nope'\nHINT: Does the link reference a valid backup path or file?"},
		{name: "tablespace as a link", o: Options{LinkMap: map[string]string{"pg_tblspc/16400": "/x"}}, code: errs.LinkMap,
			text: "unable to map link 'pg_tblspc/16400'\nHINT: Does the link reference a valid backup path or file?"},
		{name: "file without directory", o: Options{LinkMap: map[string]string{"pg_hba.conf": "h"}}, code: errs.LinkMap,
			text: "'h' is not long enough to be the destination for file link 'pg_hba.conf'"},
		{name: "new file without directory", o: Options{LinkMap: map[string]string{"PG_VERSION": "v"}}, code: errs.LinkMap,
			text: "'v' is not long enough to be the destination for file link 'PG_VERSION'"},
		{name: "into itself", o: Options{LinkMap: map[string]string{"extra": "/new/pg/x"}}, code: errs.LinkDestination,
			text: "link 'extra' destination '/new/pg/x' is in PGDATA"},
		{name: "one in the other", o: Options{LinkAll: true, LinkMap: map[string]string{"extra": "/old/ts/x"}}, code: errs.LinkDestination},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, logged, err := mapped(t, nil, test.o)
			if err != nil || test.code != errs.OK {
				if errs.CodeOf(err) != test.code || test.text != "" && errs.Text(err) != test.text {
					t.Errorf("[%d] %v", errs.CodeOf(err), err)
				}
				return
			}
			if m.Targets[0].Path != "/new/pg" {
				t.Errorf("data directory %s", m.Targets[0].Path)
			}
			var targets []string
			for _, target := range m.Targets[1:] {
				targets = append(targets, target.Name+"="+target.Destination())
				name := target.Name
				if target.TablespaceID != "" {
					name = dataName + "/" + name
				}
				i := slices.IndexFunc(m.Links, func(l format.Link) bool { return l.Name == name })
				if i < 0 || m.Links[i].Destination != target.Destination() || m.Links[i].User == "" {
					t.Errorf("link of %s: %+v", name, m.Links)
				}
			}
			if len(m.Links) != len(targets) || !slices.IsSortedFunc(m.Links, func(a, b format.Link) int { return strings.Compare(a.Name, b.Name) }) {
				t.Errorf("links %+v", m.Links)
			}
			if got := strings.Join(targets, " "); got != test.targets {
				t.Errorf("got %s, want %s", got, test.targets)
			}
			if want := "INFO: remap data directory to '/new/pg'\n" + test.log; logged != want {
				t.Errorf("logged:\n%swant:\n%s", logged, want)
			}
		})
	}
}

// TestSamePlace: where nothing moves nothing is said.
func TestSamePlace(t *testing.T) {
	_, logged, err := mapped(t, func(m *format.Manifest) { m.Targets[0].Path = "/new/pg" }, Options{LinkAll: true})
	if err != nil || logged != "" {
		t.Errorf("%v, %s", err, logged)
	}
}

// TestLinks restores links to new places, and moves them back again.
func TestLinks(t *testing.T) {
	f := newFixture(t, shape{})
	f.restore(f.linked)
	f.checkLinked()

	// The file behind a link is gone (SN-428), the directory behind another has something else in it.
	f.must(os.Remove(f.dir + "/links/conf/hba"))
	f.write(f.dir+"/links/extra/junk", "junk")
	f.write(f.dir+"/links/conf/other", "not ours")
	f.restore(delta, f.linked)
	if f.read(f.dir+"/links/conf/other") != "not ours" {
		t.Error("the directory of a linked file was cleaned")
	}
	f.must(os.Remove(f.dir + "/links/conf/other"))
	f.checkLinked()
	f.logged("DETAIL: remove invalid file 'DIR/links/extra/junk'")

	// A file behind a link is kept like any other, if it also belongs to whom it should.
	f.restore(delta, f.linked)
	f.mentioned("DETAIL: restore file DIR/pg/pg_hba.conf - exists and matches backup (")
	f.must(os.Chmod(f.dir+"/links/conf/hba", 0o644))
	f.restore(delta, f.linked)
	f.mentioned("DETAIL: restore file DIR/pg/pg_hba.conf (")
	f.checkLinked()

	// Another destination.
	f.restore(delta, f.linked, linkMap("extra", f.dir+"/links/elsewhere"))
	f.logged("DETAIL: remove link 'DIR/pg/extra' because destination changed",
		"DETAIL: create symlink 'DIR/pg/extra' to 'DIR/links/elsewhere'")
	f.restore(delta, f.linked)
	f.checkLinked()

	// Links become plain files and directories, and links again.
	f.restore(delta)
	f.check(autoConf, recoverySignal)
	f.logged("DETAIL: remove invalid link 'DIR/pg/extra'", "DETAIL: remove invalid link 'DIR/pg/pg_hba.conf'",
		"DETAIL: remove invalid link 'DIR/pg/base/1'", "DETAIL: create path 'DIR/pg/base/1'")
	f.restore(delta, f.linked)
	f.checkLinked()
	f.logged("DETAIL: remove invalid path 'DIR/pg/base/1'", "DETAIL: remove invalid file 'DIR/pg/pg_hba.conf'")
}

// TestLinkedSettings: the recovery settings go where the file of the backup went.
func TestLinkedSettings(t *testing.T) {
	f := newFixture(t, shape{})
	f.restore(linkMap(autoConf, f.dir+"/links/conf/auto"))
	if !strings.Contains(f.read(f.dir+"/links/conf/auto"), "restore_command = 'fetch %f %p'") {
		t.Errorf("settings are not behind the link:\n%s", f.read(f.dir+"/links/conf/auto"))
	}
	if to, err := os.Readlink(f.pg(autoConf)); err != nil || to != f.dir+"/links/conf/auto" {
		t.Errorf("%s, %v", to, err)
	}
}

// TestSlash: a slash at the end of a destination is harmless.
func TestSlash(t *testing.T) {
	f := newFixture(t, shape{})
	f.restore(linkMap("pg_wal", f.dir+"/links/a/wal/"), func(o *Options) { o.TablespaceMap["space"] += "/" })
	if to, err := os.Readlink(f.pg("pg_wal")); err != nil || to != f.dir+"/links/a/wal/" {
		t.Errorf("%s, %v", to, err)
	}
	f.restore(delta, linkMap("pg_wal", f.dir+"/links/a/wal/"), func(o *Options) { o.TablespaceMap["space"] += "/" })
}

// TestRelativeLink: the text of a link is kept as given, the files go where it leads.
func TestRelativeLink(t *testing.T) {
	f := newFixture(t, shape{})
	f.restore(linkMap("extra", "../links/extra"), linkMap("base/1", "../../links/one"), linkMap("pg_hba.conf", "../links/hba"))
	for name, want := range map[string]string{"extra": "../links/extra", "base/1": "../../links/one", "pg_hba.conf": "../links/hba"} {
		if got, err := os.Readlink(f.pg(name)); err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if f.read(f.dir+"/links/extra/notes.txt") != "notes\n" || f.read(f.dir+"/links/hba") == "" ||
		f.read(f.dir+"/links/one/PG_VERSION") != "15\n" {
		t.Error("files are not where the links lead")
	}
}
