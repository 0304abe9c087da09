package e2e

import (
	"crypto/sha1"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// entry is one file, directory or link of a tree, as far as a restore can set it.
type entry struct {
	kind  string // file, dir, link
	mode  fs.FileMode
	owner string
	size  int64
	mtime int64 // of files only
	sum   string
	dest  string // of links
}

// tree maps paths below a directory, "." for itself, to what is there. Links are not followed, but
// those in pg_tblspc are, as the files there belong to the cluster.
type tree map[string]entry

func readTree(t testing.TB, root string) tree {
	t.Helper()
	got := tree{}
	if err := got.add(root, "."); err != nil {
		t.Fatal(err)
	}
	return got
}

// add reads dir into the tree, with its names below prefix.
func (got tree) add(dir, prefix string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		below, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name := filepath.Join(prefix, below)
		e := entry{mode: info.Mode().Perm()}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			e.owner = fmt.Sprintf("%d:%d", st.Uid, st.Gid)
		}
		switch {
		case d.IsDir():
			e.kind = "dir"
		case info.Mode()&fs.ModeSymlink != 0:
			e.kind = "link"
			e.mode = 0
			if e.dest, err = os.Readlink(path); err != nil {
				return err
			}
			if filepath.Dir(name) == "pg_tblspc" {
				target, err := filepath.EvalSymlinks(path)
				if err != nil {
					return err
				}
				if err := got.add(target, name+"/@"); err != nil {
					return err
				}
			}
		case info.Mode().IsRegular():
			e.kind, e.size, e.mtime = "file", info.Size(), info.ModTime().Unix()
			if e.sum, err = fileSum(path); err != nil {
				return err
			}
		default:
			e.kind = info.Mode().Type().String()
		}
		got[name] = e
		return nil
	})
}

func fileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha1.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// diff says how two trees differ, at most some lines of it.
func (got tree) diff(want tree) string {
	var lines []string
	names := maps.Clone(want)
	maps.Copy(names, got)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		g, inGot := got[name]
		w, inWant := want[name]
		switch {
		case !inWant:
			lines = append(lines, fmt.Sprintf("%s: unexpected %v", name, g))
		case !inGot:
			lines = append(lines, fmt.Sprintf("%s: missing %v", name, w))
		case g != w:
			lines = append(lines, fmt.Sprintf("%s:\n  got  %v\n  want %v", name, g, w))
		}
	}
	if len(lines) > 20 {
		lines = append(lines[:20], fmt.Sprintf("and %d more", len(lines)-20))
	}
	return strings.Join(lines, "\n")
}

var recoveryLines = regexp.MustCompile(`(?m)restored? on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)

// leaveOut takes away what no two restores have in common: settings written with the moment and the
// program's name into postgresql.auto.conf. Its lines are given back, normalised, to be compared.
func (got tree) leaveOut(h *host, root string) string {
	const auto = "postgresql.auto.conf"
	e, ok := got[auto]
	if !ok {
		return ""
	}
	e.size, e.sum, e.mtime = 0, "", 0
	got[auto] = e
	text := recoveryLines.ReplaceAllString(h.read(filepath.Join(root, auto)), "restore on X")
	return h.normal(strings.ReplaceAll(text, lab.named.path, "PROGRAM"))
}
