// Package internal holds the rooms of Holdfast. Nothing lies here itself but the test of the house rules.
package internal

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors lists the packages from the roof down. Imports go to lower floors only, so neighbours do not know each other.
var floors = [][]string{
	{"cmd/holdfast"},
	{"internal/command"},
	{
		"internal/annotate", "internal/archive", "internal/backup", "internal/demo", "internal/expire", "internal/info",
		"internal/manifest", "internal/restore", "internal/stanza", "internal/verify",
	},
	{"internal/repo", "internal/source"},
	{"internal/block", "internal/db", "internal/storage/posix", "internal/storage/remote"},
	{"internal/config", "internal/filter", "internal/format", "internal/lock", "internal/postgres", "internal/storage"},
	{"internal/wire"},
	{"internal/log"},
	{"internal/errs"},
}

// kits serve tests only. They may import what they like, and only tests and other kits may import them.
var kits = []string{"e2e", "internal", "internal/postgres/pgtest", "internal/repo/repotest", "internal/storage/storagetest"}

// importers says who alone may import a package.
var importers = map[string][]string{
	"internal/config":         {"internal/command"},
	"internal/storage/posix":  {"internal/command"},
	"internal/storage/remote": {"internal/command"},
	"os/signal":               {"internal/command"},
}

// pure packages turn bytes into values: no files, no sockets, no processes.
var pure = []string{"internal/block", "internal/filter", "internal/format", "internal/postgres"}

// worldly names belong to whoever speaks for the process: the command and what starts it.
var worldly = []string{"Args", "Environ", "Exit", "Getenv", "Stderr", "Stdin", "Stdout"}

type file struct {
	name string // path from the root of the module
	dir  string
	test bool
	ast  *ast.File
}

func (f file) imports() (paths []string) {
	for _, spec := range f.ast.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic(err)
		}
		paths = append(paths, strings.TrimPrefix(p, "holdfast/"))
	}
	return paths
}

func parse(t *testing.T) (files []file) {
	t.Helper()
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		name = strings.TrimPrefix(filepath.ToSlash(name), "../")
		files = append(files, file{name: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), ast: parsed})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func floorOf(dir string) int {
	return slices.IndexFunc(floors, func(f []string) bool { return slices.Contains(f, dir) })
}

func isKit(dir string) bool {
	return slices.ContainsFunc(kits, func(kit string) bool { return dir == kit || strings.HasPrefix(dir, kit+"/") && kit != "internal" })
}

func TestFloors(t *testing.T) {
	for _, f := range parse(t) {
		if f.test || isKit(f.dir) {
			continue
		}
		floor := floorOf(f.dir)
		if floor < 0 {
			t.Errorf("%s: %s is on no floor", f.name, f.dir)
			continue
		}
		for _, imported := range f.imports() {
			if allowed, limited := importers[imported]; limited && !slices.Contains(allowed, f.dir) {
				t.Errorf("%s imports %s, which only %v may", f.name, imported, allowed)
			}
			if slices.Contains(pure, f.dir) && (imported == "os" || imported == "net" || strings.HasPrefix(imported, "os/")) {
				t.Errorf("%s imports %s, but %s opens nothing", f.name, imported, f.dir)
			}
			if !strings.HasPrefix(imported, "internal/") || floorOf(imported) > floor {
				continue
			}
			t.Errorf("%s imports %s, which is not on a lower floor", f.name, imported)
		}
	}
}

func TestOnlyTheCommandSpeaksForTheProcess(t *testing.T) {
	for _, f := range parse(t) {
		if f.test || isKit(f.dir) || strings.HasPrefix(f.dir, "cmd/") || f.dir == "internal/command" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && fmt.Sprint(s.X) == "os" && slices.Contains(worldly, s.Sel.Name) {
				t.Errorf("%s uses os.%s", f.name, s.Sel.Name)
			}
			return true
		})
	}
}

func TestEveryPackageExplainsItself(t *testing.T) {
	explained := map[string]bool{}
	for _, f := range parse(t) {
		if f.test && !isKit(f.dir) {
			continue
		}
		explained[f.dir] = explained[f.dir] || f.ast.Doc != nil
	}
	for dir, ok := range explained {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

func TestNothingIsSkippedOrDoneInSecret(t *testing.T) {
	for _, f := range parse(t) {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				tb := slices.Contains([]string{"t", "tb", "b", "f"}, fmt.Sprint(n.X))
				if f.test && tb && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, n.Sel.Name) {
					t.Errorf("%s skips a test", f.name)
				}
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s has an init function", f.name)
				}
			}
			return true
		})
	}
}
