package backup

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/storage/posix"
)

// scanOf scans a data directory as an online backup does.
func scanOf(t *testing.T, data string, exclude ...string) (*format.Manifest, string, error) {
	t.Helper()
	logger, lines := log.Memory()
	s := scanner{
		tree: posix.New(posix.Config{}), log: logger, root: data, m: &format.Manifest{},
		rules:   postgres.NewRules(postgres.Version15, 202209061, true),
		exclude: newExclusions(exclude), checksums: true, tablespaces: map[string]string{"16499": "ts1"},
	}
	err := s.scan(t.Context())
	return s.m, lines.Text(), err
}

func names(m *format.Manifest) []string {
	var all []string
	for _, f := range m.Files.All() {
		all = append(all, pgName(f.Name))
	}
	return all
}

func TestScanLeavesOut(t *testing.T) {
	data := pgtest.BuildDataDir(t, "", pgtest.DataDirOptions{Files: map[string]string{
		"base/5/20000": "unlogged", "base/5/20000_fsm": "unlogged", "base/5/20000.1": "unlogged", "base/5/20000_init": "init",
		"base/1/20000": "logged, of the same number", "base/5/t3_20001": "temporary", "base/pgsql_tmp/pgsql_tmp1.0": "temporary",
		"base/5/pg_internal.init": "cache", "pg_wal/000000010000000000000001": "wal", "pg_wal/summaries/1.summary": "kept",
		"pg_wal/archive_status/000000010000000000000001.ready": "", "pg_replslot/slot/state": "state", "postmaster.pid": "1",
		"pg_stat/pgstat.stat": "kept",
	}})
	if err := syscall.Mkfifo(filepath.Join(data, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, lines, err := scanOf(t, data)
	if err != nil {
		t.Fatal(err)
	}
	got := names(m)
	for _, name := range []string{"base/5/20000_init", "base/1/20000", "pg_wal/summaries/1.summary", "pg_stat/pgstat.stat"} {
		if !slices.Contains(got, name) {
			t.Errorf("%s is missing", name)
		}
	}
	for _, name := range got {
		for _, part := range []string{"base/5/20000.", "20000_fsm", "t3_", "pgsql_tmp", "pg_internal", "archive_status", "slot", "postmaster",
			"fifo", "pg_wal/0"} {
			if strings.Contains(name, part) {
				t.Errorf("%s is there", name)
			}
		}
	}
	if want := "WARN: exclude special file '" + data + "/fifo' from backup\n"; lines != want {
		t.Errorf("log %q, want %q", lines, want)
	}
	if slices.ContainsFunc(m.Paths, func(p format.Path) bool {
		return p.Name == "pg_data/pg_replslot/slot" || strings.Contains(p.Name, "tmp/")
	}) {
		t.Error("directories below ones that are kept empty")
	}
}

func TestScanExclude(t *testing.T) {
	data := pgtest.BuildDataDir(t, "", pgtest.DataDirOptions{Files: map[string]string{"keep/a": "a", "keep/b/c": "c", "pg_stat/x": "x"}})
	m, lines, err := scanOf(t, data, "postgresql.conf", "pg_stat/", "keep", "base/5/", "base/1/PG_VERSION", "no")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names(m) {
		if name == "postgresql.conf" || strings.HasPrefix(name, "keep") || strings.HasPrefix(name, "base/5/") || name == "pg_stat/x" ||
			name == "base/1/PG_VERSION" {
			t.Errorf("%s is there", name)
		}
	}
	want := "INFO: exclude '" + data + "/base/1/PG_VERSION' from backup using 'base/1/PG_VERSION' exclusion\n" +
		"INFO: exclude contents of '" + data + "/base/5' from backup using 'base/5/' exclusion\n" +
		"INFO: exclude '" + data + "/keep' from backup using 'keep' exclusion\n" +
		"INFO: exclude contents of '" + data + "/pg_stat' from backup using 'pg_stat/' exclusion\n" +
		"INFO: exclude '" + data + "/postgresql.conf' from backup using 'postgresql.conf' exclusion\n"
	if lines != want {
		t.Errorf("log\n%s, want\n%s", lines, want)
	}
	if !slices.ContainsFunc(m.Paths, func(p format.Path) bool { return p.Name == "pg_data/pg_stat" }) {
		t.Error("no empty pg_stat")
	}
}

func TestScanLinks(t *testing.T) {
	for _, test := range []struct {
		name  string
		links map[string]string // EXT is a directory outside, {data} the data directory
		code  errs.Code
		want  string
	}{
		{"directory and file", map[string]string{"dir": "EXT/dir", "pg_hba.conf": "../ext/hba.conf"}, 0, ""},
		{"two files of a directory", map[string]string{"f1": "EXT/f1", "f2": "EXT/hba.conf"}, 0, ""},
		{"file above a directory", map[string]string{"dir": "EXT/dir", "f1": "EXT/f1"}, 0, ""},
		{"into PGDATA", map[string]string{"lnk": "{data}/base"}, errs.LinkDestination, "link 'lnk' destination '{data}/base' is in PGDATA"},
		{"into PGDATA, relative", map[string]string{"lnk": "base"}, errs.LinkDestination, "link 'lnk' destination '{data}/base' is in PGDATA"},
		{"into PGDATA, missing", map[string]string{"lnk": "nope"}, errs.LinkDestination, "link 'lnk' destination '{data}/nope' is in PGDATA"},
		{"dangling", map[string]string{"lnk": "../ext/nope"}, errs.FileOpen, "unable to get info for missing path/file '{data}/lnk'"},
		{"link to link", map[string]string{"lnk": "EXT/link"}, errs.LinkDestination,
			"link '{data}/lnk' cannot reference another link 'EXT/link'"},
		{"same directory", map[string]string{"lnk1": "EXT/dir", "lnk2": "../ext/dir"}, errs.LinkDestination,
			"link 'lnk2' (EXT/dir) destination is the same directory as link 'lnk1' (EXT/dir)"},
		{"file in linked directory", map[string]string{"lnk1": "EXT/dir", "lnk2": "EXT/dir/f2"}, errs.LinkDestination,
			"link 'lnk2' (EXT/dir) destination is the same directory as link 'lnk1' (EXT/dir)"},
		{"same file", map[string]string{"lnk1": "EXT/f1", "lnk2": "../ext/f1"}, errs.LinkDestination,
			"link 'lnk2' (EXT/f1) destination is the same file as link 'lnk1' (EXT/f1)"},
		{"directory below", map[string]string{"lnk1": "EXT/dir", "lnk2": "EXT/dir/sub"}, errs.LinkDestination,
			"link 'lnk2' (EXT/dir/sub) destination is a subdirectory of link 'lnk1' (EXT/dir)"},
		{"directory above", map[string]string{"lnk1": "EXT/dir", "lnk2": "EXT"}, errs.LinkDestination,
			"link 'lnk1' (EXT/dir) destination is a subdirectory of link 'lnk2' (EXT)"},
		{"circle", map[string]string{"lnk": "EXT/dir", "../ext/dir/back": "EXT/dir"}, errs.LinkDestination,
			"link 'lnk/back' (EXT/dir) destination is the same directory as link 'lnk' (EXT/dir)"},
		{"wide circle", map[string]string{"lnk": "EXT/dir", "../ext/dir/sub/up": "EXT"}, errs.LinkDestination,
			"link 'lnk' (EXT/dir) destination is a subdirectory of link 'lnk/sub/up' (EXT)"},
		{"unknown tablespace", map[string]string{"pg_tblspc/99999": "EXT/dir"}, errs.Assert,
			"tablespace with oid 99999 not found in tablespace map"},
		{"odd tablespace", map[string]string{"pg_tblspc/foo": "EXT/dir"}, errs.Format, "unable to convert base 10 string 'foo' to unsigned int"},
		{"excluded log file", map[string]string{"postmaster.pid": "EXT/nope"}, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			top := t.TempDir()
			data := pgtest.BuildDataDir(t, filepath.Join(top, "data"), pgtest.DataDirOptions{})
			ext := filepath.Join(top, "ext")
			for _, f := range []string{"f1", "hba.conf", "dir/f2", "dir/sub/f3"} {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(ext, f)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(ext, f), []byte(f), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			places := strings.NewReplacer("EXT", ext, "{data}", data)
			link(t, "dir", filepath.Join(ext, "link"))
			for name, target := range test.links {
				os.Remove(filepath.Join(data, name))
				link(t, places.Replace(target), filepath.Join(data, name))
			}
			_, _, err := scanOf(t, data)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errs.Is(err, test.code) || err.Error() != places.Replace(test.want) {
				t.Errorf("error [%d] %v, want [%d] %s", errs.CodeOf(err), err, test.code, places.Replace(test.want))
			}
		})
	}
}

func link(t *testing.T, target, at string) {
	t.Helper()
	if err := os.Symlink(target, at); err != nil {
		t.Fatal(err)
	}
}

func TestScanLinkEntries(t *testing.T) {
	top := t.TempDir()
	data := pgtest.BuildDataDir(t, filepath.Join(top, "data"), pgtest.DataDirOptions{})
	if err := os.MkdirAll(filepath.Join(top, "ext/dir/PG_15_202209061/5"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(top, "ext/hba.conf"), []byte("hba"), 0o644); err != nil {
		t.Fatal(err)
	}
	link(t, "../ext/hba.conf", filepath.Join(data, "hba"))
	link(t, "../../ext/dir", filepath.Join(data, "pg_tblspc/16499"))
	m, _, err := scanOf(t, data)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []format.Target{
		{Name: "pg_data", Path: data},
		{Name: "pg_data/hba", Path: "../ext", File: "hba.conf", Link: true},
		{Name: "pg_tblspc/16499", Path: "../../ext/dir", Link: true, TablespaceID: "16499", TablespaceName: "ts1"},
	} {
		if !slices.Contains(m.Targets, want) {
			t.Errorf("no target %+v in %+v", want, m.Targets)
		}
	}
	for i, want := range []string{"pg_data/hba ../ext/hba.conf", "pg_data/pg_tblspc/16499 ../../ext/dir"} {
		if got := m.Links[i].Name + " " + m.Links[i].Destination; got != want {
			t.Errorf("link %s, want %s", got, want)
		}
	}
	if f := m.File("pg_data/hba"); f == nil || f.Mode != 0o644 {
		t.Errorf("linked file %+v", f)
	}
	for _, name := range []string{"pg_tblspc", "pg_tblspc/16499", "pg_tblspc/16499/PG_15_202209061", "pg_tblspc/16499/PG_15_202209061/5"} {
		if !slices.ContainsFunc(m.Paths, func(p format.Path) bool { return p.Name == name && p.Mode == 0o700 }) {
			t.Errorf("no path %s", name)
		}
	}
}

func TestScanNotALink(t *testing.T) {
	for _, name := range []string{"pg_tblspc/x", "pg_tblspc/x/"} {
		data := pgtest.BuildDataDir(t, "", pgtest.DataDirOptions{Files: map[string]string{name: ""}})
		_, _, err := scanOf(t, data)
		want := "'pg_data/pg_tblspc/x' is not a symlink - pg_tblspc should contain only symlinks"
		if !errs.Is(err, errs.LinkExpected) || err.Error() != want {
			t.Errorf("error %v", err)
		}
	}
}

func TestScanThroughLink(t *testing.T) {
	top := t.TempDir()
	pgtest.BuildDataDir(t, filepath.Join(top, "real"), pgtest.DataDirOptions{})
	link(t, "real", filepath.Join(top, "data"))
	m, _, err := scanOf(t, filepath.Join(top, "data"))
	if err != nil || m.Paths[0].Name != "pg_data" || m.Paths[0].Mode != 0o700 {
		t.Errorf("%+v, %v", m.Paths, err)
	}
}
