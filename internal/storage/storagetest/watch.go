package storagetest

import (
	"context"
	"io"
	"io/fs"
	"time"

	"holdfast/internal/storage"
)

// Op is one operation on a storage, as Faulty counts and Trace records them. Reads and writes count as one operation per file,
// however many calls they take, so that buffer sizes do not matter.
type Op struct {
	Verb string // open read stat list create write close remove removeall mkdir rmdir syncdir symlink link rename move chmod chown chtimes patch
	Path string
	Note string // what else there is to say: "atomic", the target of a link
}

func (o Op) String() string {
	if o.Note == "" {
		return o.Verb + " " + o.Path
	}
	return o.Verb + " " + o.Path + " " + o.Note
}

// watched calls before ahead of every operation; an error from it takes the place of the operation.
type watched struct {
	storage.Tree
	before func(Op) error
}

func (w watched) Open(ctx context.Context, path string, r storage.Range) (io.ReadCloser, error) {
	if err := w.before(Op{Verb: "open", Path: path}); err != nil {
		return nil, err
	}
	file, err := w.Tree.Open(ctx, path, r)
	if err != nil {
		return nil, err
	}
	return &watchedReader{ReadCloser: file, before: w.before, path: path}, nil
}

type watchedReader struct {
	io.ReadCloser
	before func(Op) error
	path   string
	begun  bool
}

func (r *watchedReader) Read(b []byte) (int, error) {
	if !r.begun {
		r.begun = true
		if err := r.before(Op{Verb: "read", Path: r.path}); err != nil {
			return 0, err
		}
	}
	return r.ReadCloser.Read(b)
}

func (w watched) Create(ctx context.Context, path string, o storage.CreateOptions) (storage.Writer, error) {
	op := Op{Verb: "create", Path: path}
	switch {
	case o.Atomic:
		op.Note = "atomic"
	case o.NoSync:
		op.Note = "nosync"
	}
	if err := w.before(op); err != nil {
		return nil, err
	}
	file, err := w.Tree.Create(ctx, path, o)
	if err != nil {
		return nil, err
	}
	return &watchedWriter{Writer: file, before: w.before, path: path}, nil
}

type watchedWriter struct {
	storage.Writer
	before func(Op) error
	path   string
	begun  bool
}

func (w *watchedWriter) Write(b []byte) (int, error) {
	if !w.begun {
		w.begun = true
		if err := w.before(Op{Verb: "write", Path: w.path}); err != nil {
			return 0, err
		}
	}
	return w.Writer.Write(b)
}

func (w *watchedWriter) Close() error {
	if err := w.before(Op{Verb: "close", Path: w.path}); err != nil {
		w.Writer.Abort()
		return err
	}
	return w.Writer.Close()
}

func (w watched) Patch(ctx context.Context, path string, size int64, o storage.CreateOptions) (storage.Patch, error) {
	if err := w.before(Op{Verb: "patch", Path: path}); err != nil {
		return nil, err
	}
	file, err := w.Tree.Patch(ctx, path, size, o)
	if err != nil {
		return nil, err
	}
	return &watchedPatch{Patch: file, before: w.before, path: path}, nil
}

type watchedPatch struct {
	storage.Patch
	before func(Op) error
	path   string
	begun  bool
}

func (w *watchedPatch) WriteAt(b []byte, at int64) (int, error) {
	if !w.begun {
		w.begun = true
		if err := w.before(Op{Verb: "write", Path: w.path}); err != nil {
			return 0, err
		}
	}
	return w.Patch.WriteAt(b, at)
}

func (w *watchedPatch) Close() error {
	if err := w.before(Op{Verb: "close", Path: w.path}); err != nil {
		w.Patch.Abort()
		return err
	}
	return w.Patch.Close()
}

func (w watched) Stat(ctx context.Context, path string) (storage.Info, error) {
	if err := w.before(Op{Verb: "stat", Path: path}); err != nil {
		return storage.Info{}, err
	}
	return w.Tree.Stat(ctx, path)
}

func (w watched) List(ctx context.Context, path string, fn func(storage.Info) error) error {
	if err := w.before(Op{Verb: "list", Path: path}); err != nil {
		return err
	}
	return w.Tree.List(ctx, path, fn)
}

func (w watched) Remove(ctx context.Context, path string) error {
	if err := w.before(Op{Verb: "remove", Path: path}); err != nil {
		return err
	}
	return w.Tree.Remove(ctx, path)
}

func (w watched) RemoveAll(ctx context.Context, path string) error {
	if err := w.before(Op{Verb: "removeall", Path: path}); err != nil {
		return err
	}
	return w.Tree.RemoveAll(ctx, path)
}

func (w watched) MakeDir(ctx context.Context, path string, mode fs.FileMode, parents bool) error {
	if err := w.before(Op{Verb: "mkdir", Path: path}); err != nil {
		return err
	}
	return w.Tree.MakeDir(ctx, path, mode, parents)
}

func (w watched) RemoveDir(ctx context.Context, path string) error {
	if err := w.before(Op{Verb: "rmdir", Path: path}); err != nil {
		return err
	}
	return w.Tree.RemoveDir(ctx, path)
}

func (w watched) SyncDir(ctx context.Context, path string) error {
	if err := w.before(Op{Verb: "syncdir", Path: path}); err != nil {
		return err
	}
	return w.Tree.SyncDir(ctx, path)
}

func (w watched) Symlink(ctx context.Context, target, path string) error {
	if err := w.before(Op{Verb: "symlink", Path: path, Note: target}); err != nil {
		return err
	}
	return w.Tree.Symlink(ctx, target, path)
}

func (w watched) Link(ctx context.Context, from, path string) error {
	if err := w.before(Op{Verb: "link", Path: path, Note: from}); err != nil {
		return err
	}
	return w.Tree.Link(ctx, from, path)
}

func (w watched) Rename(ctx context.Context, from, to string) error {
	if err := w.before(Op{Verb: "rename", Path: from, Note: to}); err != nil {
		return err
	}
	return w.Tree.Rename(ctx, from, to)
}

func (w watched) Move(ctx context.Context, from, to string) error {
	if err := w.before(Op{Verb: "move", Path: from, Note: to}); err != nil {
		return err
	}
	return w.Tree.Move(ctx, from, to)
}

func (w watched) Chmod(ctx context.Context, path string, mode fs.FileMode) error {
	if err := w.before(Op{Verb: "chmod", Path: path}); err != nil {
		return err
	}
	return w.Tree.Chmod(ctx, path, mode)
}

func (w watched) Chown(ctx context.Context, path string, uid, gid int) error {
	if err := w.before(Op{Verb: "chown", Path: path}); err != nil {
		return err
	}
	return w.Tree.Chown(ctx, path, uid, gid)
}

func (w watched) Chtimes(ctx context.Context, path string, t time.Time) error {
	if err := w.before(Op{Verb: "chtimes", Path: path}); err != nil {
		return err
	}
	return w.Tree.Chtimes(ctx, path, t)
}

func (w watched) Truncate(ctx context.Context, path string, size int64) error {
	if err := w.before(Op{Verb: "truncate", Path: path}); err != nil {
		return err
	}
	return w.Tree.Truncate(ctx, path, size)
}
