package demo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/postgres"
)

// install puts programs into a directory that say they are of a release.
func install(t *testing.T, dir, release string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range programs {
		script(t, filepath.Join(dir, name), "echo '"+name+" (PostgreSQL) "+release+"'")
	}
	return dir
}

func script(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestFindPostgres(t *testing.T) {
	root := t.TempDir()
	for _, v := range []string{"9.4", "9.6", "13", "15", "99"} {
		install(t, filepath.Join(root, "usual", v, "bin"), v+".2")
	}
	mine := install(t, filepath.Join(root, "mine"), "14.1 (Debian 14.1-1)")
	old := install(t, filepath.Join(root, "old"), "9.4.26")
	usual := []string{filepath.Join(root, "usual", "*", "bin"), filepath.Join(root, "nowhere", "*")}
	empty := t.TempDir()
	for _, c := range []struct {
		name, named, search string
		places              []string
		release             string
		code                errs.Code
		message             string
	}{
		{name: "named", named: mine, search: old, places: usual, release: "14.1"},
		{name: "named but not there", named: empty, places: usual, code: errs.FileMissing, message: "there is no program 'initdb'"},
		{name: "named but too old", named: old, code: errs.VersionNotSupported, message: "PostgreSQL 9.4.26 in"},
		{name: "search path first", search: empty + ":" + mine, places: usual, release: "14.1"},
		{name: "newest supported in the usual places", search: empty + ":relative:" + old, places: usual, release: "15.2"},
		{name: "none", search: empty, code: errs.FileMissing, message: "unable to find PostgreSQL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := findPostgres(t.Context(), c.named, c.search, c.places)
			if errs.CodeOf(err) != c.code || c.code != errs.OK && !strings.Contains(err.Error(), c.message) {
				t.Fatalf("error %v", err)
			}
			if err != nil && c.code == errs.FileMissing && len(errs.Hints(err)) == 0 {
				t.Errorf("no hint in %v", err)
			}
			if err == nil && p.release != c.release {
				t.Errorf("release %s, want %s", p.release, c.release)
			}
		})
	}
}

func TestParseRelease(t *testing.T) {
	for line, want := range map[string]struct {
		release string
		version postgres.Version
	}{
		"postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n": {"15.14", postgres.Version15},
		"postgres (PostgreSQL) 9.6.24":                           {"9.6.24", postgres.Version96},
		"postgres (PostgreSQL) 18beta1":                          {"18beta1", postgres.Version18},
		"postgres (PostgreSQL) 10.23":                            {"10.23", postgres.Version10},
		"postgres (MySQL) 8":                                     {},
	} {
		release, version, err := parseRelease(line)
		if release != want.release || version != want.version || (err != nil) != (want.release == "") {
			t.Errorf("%q: %s, %v, %v", line, release, version, err)
		}
	}
}
