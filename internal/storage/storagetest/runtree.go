package storagetest

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"testing"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
)

// runTree tests what only a file system can do.
func runTree(t *testing.T, open func(testing.TB) storage.Storage, root string) {
	tests := []struct {
		name string
		run  func(*suite, storage.Tree)
	}{
		{"modes and times", (*suite).modes},
		{"directories", (*suite).dirs},
		{"links", (*suite).links},
		{"rename", (*suite).rename},
		{"move", (*suite).move},
		{"truncate", (*suite).truncate},
		{"patch", (*suite).patch},
		{"not a directory", (*suite).notDir},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			test.run(&suite{T: t, s: s, root: path.Join(root, "tree "+test.name)}, s.(storage.Tree))
		})
	}
}

func (s *suite) info(name string) storage.Info {
	s.Helper()
	info, err := s.s.Stat(s.Context(), s.path(name))
	if err != nil {
		s.Fatal(err)
	}
	return info
}

func (s *suite) modes(tree storage.Tree) {
	ctx, at := s.Context(), time.Unix(1_600_000_000, 0)
	s.write("d/e/default", "x", storage.CreateOptions{})
	s.write("d2/set", "x", storage.CreateOptions{Mode: 0o666, DirMode: 0o777, ModTime: at, Atomic: true})
	s.write("d2/inplace", "x", storage.CreateOptions{ModTime: at, NoSync: true})
	s.write("d2/inplace", "x", storage.CreateOptions{Mode: 0o600, ModTime: at})
	for name, mode := range map[string]fs.FileMode{
		"d": 0o750, "d/e": 0o750, "d/e/default": 0o640, "d2": 0o777, "d2/set": 0o666, "d2/inplace": 0o600,
	} {
		if got := s.info(name).Mode; got != mode {
			s.Errorf("%s: mode %o, want %o", name, got, mode)
		}
	}
	for _, name := range []string{"d2/set", "d2/inplace"} {
		if got := s.info(name).ModTime; !got.Equal(at) {
			s.Errorf("%s: time %v, want %v", name, got, at)
		}
	}
	later := at.Add(time.Hour)
	if err := errors.Join(tree.Chmod(ctx, s.path("d/e/default"), 0o400), tree.Chtimes(ctx, s.path("d/e/default"), later),
		tree.Chown(ctx, s.path("d/e/default"), -1, -1)); err != nil {
		s.Fatal(err)
	}
	if info := s.info("d/e/default"); info.Mode != 0o400 || !info.ModTime.Equal(later) {
		s.Errorf("changed: %+v", info)
	}
	s.code(tree.Chmod(ctx, s.path("none"), 0o400), errs.FileMode, true)
	s.code(tree.Chown(ctx, s.path("none"), 1, 1), errs.FileOwner, true)
	s.code(tree.Chtimes(ctx, s.path("none"), at), errs.FileInfo, true)
}

func (s *suite) dirs(tree storage.Tree) {
	ctx := s.Context()
	s.code(tree.MakeDir(ctx, s.path("a/b"), 0o700, false), errs.PathCreate, true)
	for range 2 {
		if err := tree.MakeDir(ctx, s.path("a/b"), 0o777, true); err != nil {
			s.Fatal(err)
		}
	}
	s.code(tree.MakeDir(ctx, s.path("a/b"), 0o700, false), errs.PathCreate, false)
	if err := tree.MakeDir(ctx, s.path("a/b/c"), 0o700, false); err != nil {
		s.Fatal(err)
	}
	if b, c := s.info("a/b"), s.info("a/b/c"); b.Mode != 0o777 || c.Mode != 0o700 || b.Type != storage.Dir {
		s.Errorf("%+v, %+v", b, c)
	}
	if err := tree.SyncDir(ctx, s.path("a/b")); err != nil {
		s.Error(err)
	}
	s.code(tree.SyncDir(ctx, s.path("none")), errs.PathMissing, true)
	s.code(tree.RemoveDir(ctx, s.path("a/b")), errs.PathRemove, false)
	if err := tree.RemoveDir(ctx, s.path("a/b/c")); err != nil {
		s.Error(err)
	}
	s.gone("a/b/c")
	s.code(tree.RemoveDir(ctx, s.path("a/b/c")), errs.PathMissing, true)
}

func (s *suite) links(tree storage.Tree) {
	ctx := s.Context()
	s.write("dir/file", "content", storage.CreateOptions{})
	for name, target := range map[string]string{"soft": "dir/file", "dangling": "nowhere", "todir": "dir"} {
		if err := tree.Symlink(ctx, target, s.path(name)); err != nil {
			s.Fatal(err)
		}
		if info := s.info(name); info.Type != storage.Link || info.Target != target || info.Name != name {
			s.Errorf("%s: %+v", name, info)
		}
	}
	s.want("soft", "content")
	seen := map[string]string{}
	err := tree.List(ctx, s.root, func(i storage.Info) error { seen[i.Name] = i.Target; return nil })
	if err != nil || len(seen) != 4 || seen["dangling"] != "nowhere" {
		s.Errorf("list: %v, %v", seen, err)
	}
	_, err = tree.Open(ctx, s.path("dangling"), storage.Range{})
	s.code(err, errs.FileMissing, true)
	s.code(tree.Symlink(ctx, "x", s.path("soft")), errs.FileOpen, false)

	if err := tree.Link(ctx, s.path("dir/file"), s.path("hard")); err != nil {
		s.Fatal(err)
	}
	s.code(tree.Link(ctx, s.path("none"), s.path("hard2")), errs.FileOpen, true)
	// Removing a directory removes links to directories, not what they point to.
	s.write("tree/x", "", storage.CreateOptions{})
	if err := tree.Symlink(ctx, s.path("dir"), s.path("tree/link")); err != nil {
		s.Fatal(err)
	}
	if err := errors.Join(tree.RemoveAll(ctx, s.path("tree")), tree.Remove(ctx, s.path("todir"))); err != nil {
		s.Fatal(err)
	}
	s.want("dir/file", "content")
	if err := tree.Remove(ctx, s.path("dir/file")); err != nil {
		s.Fatal(err)
	}
	s.want("hard", "content")
}

func (s *suite) rename(tree storage.Tree) {
	ctx := s.Context()
	s.write("a", "new", storage.CreateOptions{})
	s.write("b", "old", storage.CreateOptions{})
	if err := tree.Rename(ctx, s.path("a"), s.path("b")); err != nil {
		s.Fatal(err)
	}
	s.want("b", "new")
	s.gone("a")
	if err := tree.Rename(ctx, s.path("b"), s.path("c/d/e")); err != nil {
		s.Fatal(err)
	}
	s.want("c/d/e", "new")
	s.code(tree.Rename(ctx, s.path("a"), s.path("b")), errs.FileMissing, true)
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if err := tree.Rename(ctx, s.path("c/d/e"), s.path("f")); !errors.Is(err, context.Canceled) {
		s.Errorf("rename after cancel: %v", err)
	}
}

func (s *suite) move(tree storage.Tree) {
	ctx := s.Context()
	s.write("a", "new", storage.CreateOptions{})
	s.write("d/b", "old", storage.CreateOptions{})
	if err := tree.Move(ctx, s.path("a"), s.path("d/b")); err != nil {
		s.Fatal(err)
	}
	s.want("d/b", "new")
	s.gone("a")
	s.code(tree.Move(ctx, s.path("a"), s.path("b")), errs.FileMissing, true)
	s.code(tree.Move(ctx, s.path("d/b"), s.path("none/b")), errs.PathMissing, true)
	s.want("d/b", "new")
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if err := tree.Move(ctx, s.path("d/b"), s.path("f")); !errors.Is(err, context.Canceled) {
		s.Errorf("move after cancel: %v", err)
	}
}

// notDir: a file where a directory should be is a failure, not something missing.
func (s *suite) notDir(tree storage.Tree) {
	ctx := s.Context()
	s.write("file", "x", storage.CreateOptions{})
	_, err := tree.Open(ctx, s.path("file/below"), storage.Range{})
	s.code(err, errs.FileOpen, false)
	_, err = tree.Stat(ctx, s.path("file/below"))
	s.code(err, errs.FileOpen, false)
	s.code(tree.List(ctx, s.path("file"), func(storage.Info) error { return nil }), errs.PathOpen, false)
	err = storage.WriteAll(ctx, tree, s.path("file/below"), nil, storage.CreateOptions{})
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		s.Errorf("create: %v", err)
	}
	s.code(tree.MakeDir(ctx, s.path("file"), 0o700, true), errs.PathCreate, false)
}

func (s *suite) truncate(tree storage.Tree) {
	ctx := s.Context()
	s.write("f", "12345", storage.CreateOptions{})
	for _, size := range []int64{5, 3, 4} {
		if err := tree.Truncate(ctx, s.path("f"), size); err != nil {
			s.Fatal(err)
		}
		if got := s.info("f").Size; got != size {
			s.Errorf("size %d, want %d", got, size)
		}
	}
	b, err := storage.ReadAll(ctx, tree, s.path("f"), 10)
	if err != nil || string(b) != "123\x00" {
		s.Errorf("got %q, %v after growing", b, err)
	}
	if err := tree.Truncate(ctx, s.path("none"), 4); err == nil {
		s.Error("truncated a missing file")
	}
}

// patch: parts of a file change, the rest stays, and so does what was written when it is given up.
func (s *suite) patch(tree storage.Tree) {
	ctx, at := s.Context(), time.Unix(1_600_000_000, 0)
	s.write("f", "0123456789", storage.CreateOptions{Mode: 0o600})
	for _, step := range []struct {
		name  string
		size  int64
		o     storage.CreateOptions
		parts map[int64]string
		want  string
	}{
		{"f", 8, storage.CreateOptions{Mode: 0o644, ModTime: at}, map[int64]string{6: "ab", 1: "cd"}, "0cd345ab"},
		{"f", 10, storage.CreateOptions{Mode: 0o644, NoSync: true}, map[int64]string{9: "e"}, "0cd345ab\x00e"},
		{"f", 10, storage.CreateOptions{Mode: 0o644}, nil, "0cd345ab\x00e"},
		{"new", 3, storage.CreateOptions{Mode: 0o604}, map[int64]string{2: "x"}, "\x00\x00x"},
		{"f", 0, storage.CreateOptions{}, nil, ""},
	} {
		p, err := tree.Patch(ctx, s.path(step.name), step.size, step.o)
		if err != nil {
			s.Fatal(err)
		}
		for offset, part := range step.parts {
			if n, err := p.WriteAt([]byte(part), offset); n != len(part) || err != nil {
				s.Fatal(n, err)
			}
		}
		if err := p.Close(); err != nil {
			s.Fatal(err)
		}
		p.Abort()
		s.want(step.name, step.want)
		info := s.info(step.name)
		if mode := cmp.Or(step.o.Mode, 0o640); info.Mode != mode {
			s.Errorf("%s: mode %o, want %o", step.name, info.Mode, mode)
		}
		if !step.o.ModTime.IsZero() && !info.ModTime.Equal(at) {
			s.Errorf("%s: time %v", step.name, info.ModTime)
		}
		if _, err := p.WriteAt([]byte("late"), 0); !errors.Is(err, fs.ErrClosed) {
			s.Errorf("write after close: %v", err)
		}
		if err := p.Close(); err == nil {
			s.Error("closed twice")
		}
	}
	p, err := tree.Patch(ctx, s.path("new"), 3, storage.CreateOptions{ModTime: at})
	if err != nil {
		s.Fatal(err)
	}
	if _, err := p.WriteAt([]byte("y"), 1); err != nil {
		s.Fatal(err)
	}
	p.Abort()
	s.want("new", "\x00yx")
	if s.info("new").ModTime.Equal(at) {
		s.Error("what was given up has the time of what was finished")
	}
	if p, err = tree.Patch(ctx, s.path("none/f"), 1, storage.CreateOptions{}); err == nil {
		err = p.Close()
	}
	s.code(err, errs.FileOpen, true)
}
