package demo

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/postgres"
)

// usualPlaces is where distributions put the programs of PostgreSQL, outside the search path, a directory for each version.
var usualPlaces = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/usr/lib/postgresql*/bin",
	"/usr/libexec/postgresql*",
	"/usr/local/pgsql/bin",
	"/usr/local/lib/postgresql*/bin",
	"/opt/homebrew/opt/postgresql@*/bin",
}

// programs are what the demonstration needs of PostgreSQL.
var programs = []string{"initdb", "pg_ctl", "postgres"}

// installation is a PostgreSQL on this machine.
type installation struct {
	bin     string
	release string // "15.14"
	version postgres.Version
}

// findPostgres takes the directory that was named, or else the search path, or else the newest version in the usual places.
func findPostgres(ctx context.Context, named, searchPath string, places []string) (installation, error) {
	if named != "" {
		p, err := inspect(ctx, named)
		if err == nil && !p.version.Supported() {
			err = errs.New(errs.VersionNotSupported, "PostgreSQL %s in '%s' is not supported", p.release, named)
		}
		return p, err
	}
	for _, dir := range filepath.SplitList(searchPath) {
		if p, err := inspect(ctx, dir); err == nil && p.version.Supported() {
			return p, nil
		}
	}
	var best installation
	for _, pattern := range places {
		dirs, _ := filepath.Glob(pattern) // the patterns are well formed
		for _, dir := range dirs {
			if p, err := inspect(ctx, dir); err == nil && p.version.Supported() && p.version > best.version {
				best = p
			}
		}
	}
	if best.bin == "" {
		return best, errs.New(errs.FileMissing, "unable to find PostgreSQL: %s are not in the search path and not in the usual places",
			strings.Join(programs, ", ")).
			Hint("install a PostgreSQL server, for example with 'apt-get install postgresql'.").
			Hint("if there is one, name the directory of its programs with --pg-bin.")
	}
	return best, nil
}

// inspect asks what is in a directory.
func inspect(ctx context.Context, dir string) (installation, error) {
	if !filepath.IsAbs(dir) {
		return installation{}, errs.New(errs.FileMissing, "'%s' is not an absolute path", dir)
	}
	for _, name := range programs {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.IsDir() || info.Mode().Perm()&0o111 == 0 {
			return installation{}, errs.New(errs.FileMissing, "no PostgreSQL in '%s': there is no program '%s'", dir, name).
				Hint("--pg-bin is the directory that has initdb, pg_ctl and postgres.")
		}
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return installation{}, errs.Wrap(errs.Execute, err, "unable to run '%s'", filepath.Join(dir, "postgres"))
	}
	release, version, err := parseRelease(string(out))
	return installation{bin: dir, release: release, version: version}, err
}

var releasePattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)(?:\.(\d+))?\S*)`)

// parseRelease reads "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)".
func parseRelease(line string) (string, postgres.Version, error) {
	m := releasePattern.FindStringSubmatch(line)
	if m == nil {
		return "", 0, errs.New(errs.Format, "'%s' is not a version of PostgreSQL", strings.TrimSpace(line))
	}
	major := m[2]
	if slices.Contains([]string{"7", "8", "9"}, major) {
		major += "." + m[3]
	}
	version, err := postgres.ParseVersion(major)
	return m[1], version, err
}
