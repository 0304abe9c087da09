package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/internal/errs"
)

// TestWALPath: a relative path counts from the data directory, and only when called from there, so that a copy of a cluster does not
// write into the archive of the original (SN-304).
func TestWALPath(t *testing.T) {
	w := newWorld(t)
	for _, dir := range []string{"pg", "other"} {
		if err := os.Mkdir(w.path(dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("pg", w.path("link")); err != nil {
		t.Fatal(err)
	}
	const hint = "\nHINT: is the PostgreSQL data_directory configured the same as the pg1-path option?"
	for _, test := range []struct {
		pg, cwd, path string
		want          string // or the error
		code          errs.Code
	}{
		{"", "other", "/wal/0", "/wal/0", errs.OK},
		{"ROOT/pg", "other", "/wal/0", "/wal/0", errs.OK},
		{"ROOT/pg", "pg", "pg_wal/0", "ROOT/pg/pg_wal/0", errs.OK},
		{"ROOT/link", "pg", "pg_wal/0", "ROOT/link/pg_wal/0", errs.OK},
		{"ROOT/pg", "link", "pg_wal/0", "ROOT/pg/pg_wal/0", errs.OK},
		{"ROOT/pg", "other", "pg_wal/0",
			"PostgreSQL working directory 'ROOT/other' is not the same as option pg1-path 'ROOT/pg'" + hint, errs.OptionInvalidValue},
		{"ROOT/none", "pg", "pg_wal/0", "unable to chdir() to 'ROOT/none': [2] No such file or directory", errs.PathMissing},
		{"", "pg", "pg_wal/0", "option 'pg1-path' must be specified when relative wal paths are used\n" +
			"HINT: is %f passed to archive-push instead of %p?\n" +
			"HINT: PostgreSQL may pass relative paths even with %p depending on the environment.", errs.OptionRequired},
	} {
		t.Chdir(w.path(test.cwd))
		args := []string{"archive-push", "--stanza=demo", test.path}
		if test.pg != "" {
			args = append(args, "--pg1-path="+strings.ReplaceAll(test.pg, "ROOT", w.root))
		}
		got, err := parsed(t, w, "pgbackrest", args...).walPath(test.path)
		if err != nil {
			got = errs.Text(err)
		}
		if got = strings.ReplaceAll(got, w.root, "ROOT"); got != test.want || errs.CodeOf(err) != test.code {
			t.Errorf("%+v: got [%d] %s", test, errs.CodeOf(err), got)
		}
	}
}

// TestArchiveParameters: SN-306, SN-307.
func TestArchiveParameters(t *testing.T) {
	for _, test := range []struct {
		args string
		exit int
		text string
	}{
		{"archive-push", 43, "[043]: WAL segment to push required"},
		{"archive-push a b", 43, "[043]: WAL segment to push required"},
		{"archive-get", 43, "[043]: WAL segment to get required"},
		{"archive-get a", 43, "[043]: path to copy WAL segment required"},
		{"archive-get a b c", 96, "[096]: extra parameters found"},
	} {
		w := newWorld(t)
		args := append(strings.Fields(test.args), "--stanza=demo", "--pg1-path="+w.path("pg"), "--lock-path="+w.path("lock"))
		exit := Main(t.Context(), w.env("pgbackrest", args...))
		if exit != test.exit || !strings.Contains(w.stdout.String(), test.text+"\n") {
			t.Errorf("%s: exit %d, %s", test.args, exit, w.stdout.String())
		}
		if _, err := os.Stat(filepath.Join(w.root, "pg")); err == nil {
			t.Error("the data directory was made")
		}
	}
}
