package restore

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/filter"
	"holdfast/internal/postgres"
)

// snapshot describes everything below a directory, one line for each entry: kind, mode, time, size and checksum, or target. Links are
// not followed.
func snapshot(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		at := strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
		switch {
		case d.IsDir():
			found[at] = fmt.Sprintf("dir %04o", info.Mode().Perm())
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			found[at] = "link " + target
			return err
		default:
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			found[at] = fileLine(info.Mode().Perm(), info.ModTime().Unix(), content)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func fileLine(mode fs.FileMode, modified int64, content []byte) string {
	h := filter.NewHash()
	_, _ = h.Write(content)
	return fmt.Sprintf("file %04o %d %d %x", mode, modified, len(content), h.Sum())
}

// compare reports how two snapshots differ.
func compare(t testing.TB, got, want map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%q: got %q, want %q", name, got[name], want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			t.Errorf("%q: got %q, want nothing", name, got[name])
		}
	}
}

// want is what a default restore gives: the data directory, and the version's directory in the tablespace.
func (f *fixture) want() (data, space map[string]string) {
	data, space = map[string]string{}, map[string]string{}
	place := func(name string) (map[string]string, string) {
		if rest, ok := strings.CutPrefix(name, "pg_tblspc/16400/"+path.Base(f.space())); ok {
			return space, strings.TrimPrefix(rest, "/")
		}
		return data, short(name)
	}
	for _, p := range f.manifest.Paths {
		if p.Name != "pg_tblspc" && p.Name != "pg_tblspc/16400" {
			list, name := place(p.Name)
			list[name] = fmt.Sprintf("dir %04o", p.Mode)
		}
	}
	for _, file := range f.manifest.Files.All() {
		list, name := place(file.Name)
		list[name] = fileLine(fs.FileMode(file.Mode), file.Timestamp, f.content[file.Name])
	}
	data["pg_tblspc/16400"] = "link " + f.ts()
	delete(data, "tablespace_map")
	if f.manifest.File(controlName) != nil && f.manifest.Options.Online {
		control := slices.Clone(f.content[controlName])
		f.must(postgres.InvalidateCheckpoint(control, 0))
		data["global/pg_control"] = fileLine(0o600, fileTime, control)
	}
	return data, space
}

// check compares what was restored with the backup. Of the settings files only the existence counts.
func (f *fixture) check(settings ...string) {
	f.t.Helper()
	data, space := f.want()
	got := snapshot(f.t, f.pg())
	for _, name := range []string{autoConf, recoveryConf, recoverySignal, standbySignal} {
		delete(data, name)
		if _, ok := got[name]; ok != slices.Contains(settings, name) {
			f.t.Errorf("%s: exists %t", name, ok)
		}
		delete(got, name)
	}
	compare(f.t, got, data)
	compare(f.t, snapshot(f.t, f.space()), space)
}
