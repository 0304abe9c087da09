package remote

import (
	"bufio"
	"context"
	"io"
	"io/fs"
	"time"

	"holdfast/internal/storage"
	"holdfast/internal/wire"
)

// Caller finds a connection for a call. Streams keep theirs busy, so a caller with several connections may choose.
type Caller interface {
	Call(ctx context.Context, name string, in, out any) error
	Read(ctx context.Context, name string, in any) (*wire.Stream, error)
	Write(ctx context.Context, name string, in any) (*wire.Upload, error)
}

// Tree is the file system of another host.
type Tree struct {
	caller Caller
	level  int // at which content is compressed for the way, 0: not
}

var _ storage.Tree = (*Tree)(nil)

// New returns the tree at the other end of a connection. Content that is not compressed already gets so for the way, at a level of lz4;
// 0: it goes as it is.
func New(c Caller, level int) *Tree { return &Tree{caller: c, level: level} }

// Open is storage.Storage's.
func (t *Tree) Open(ctx context.Context, path string, r storage.Range) (io.ReadCloser, error) {
	level := t.levelFor(path)
	s, err := t.caller.Read(ctx, callOpen, request{Path: []byte(path), Range: &r, Level: level})
	if err != nil {
		return nil, err
	}
	if level == 0 {
		return s, nil
	}
	in, err := newUnpacker(s)
	if err != nil {
		s.Close()
		return nil, err
	}
	return unpacked{in, s}, nil
}

// Stat is storage.Storage's.
func (t *Tree) Stat(ctx context.Context, path string) (storage.Info, error) {
	var entry []byte
	if err := t.caller.Call(ctx, callStat, request{Path: []byte(path)}, &entry); err != nil {
		return storage.Info{}, err
	}
	return parseInfo(entry)
}

// Size spares the other side to look up names of owners.
func (t *Tree) Size(ctx context.Context, path string) (size int64, err error) {
	err = t.caller.Call(ctx, callSize, request{Path: []byte(path)}, &size)
	return size, err
}

// List is storage.Storage's.
func (t *Tree) List(ctx context.Context, path string, fn func(storage.Info) error) error {
	return t.entries(ctx, callList, path, func(entry []byte) error {
		info, err := parseInfo(entry)
		if err != nil {
			return err
		}
		return fn(info)
	})
}

// EachName calls fn for each name in a directory, without a look at what it stands for.
func (t *Tree) EachName(ctx context.Context, path string, fn func(name string)) error {
	return t.entries(ctx, callNames, path, func(entry []byte) error {
		fn(string(entry))
		return nil
	})
}

func (t *Tree) entries(ctx context.Context, call, path string, fn func(entry []byte) error) error {
	s, err := t.caller.Read(ctx, call, request{Path: []byte(path)})
	if err != nil {
		return err
	}
	defer s.Close()
	in := bufio.NewReader(s)
	var buf []byte
	for {
		if buf, err = readEntry(in, buf); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := fn(buf); err != nil {
			return err
		}
	}
}

func (t *Tree) do(ctx context.Context, call string, r request) error {
	return t.caller.Call(ctx, call, r, nil)
}

// Remove is storage.Storage's.
func (t *Tree) Remove(ctx context.Context, path string) error {
	return t.do(ctx, callRemove, request{Path: []byte(path)})
}

// RemoveAll is storage.Storage's.
func (t *Tree) RemoveAll(ctx context.Context, path string) error {
	return t.do(ctx, callRemoveAll, request{Path: []byte(path)})
}

// MakeDir is storage.Tree's.
func (t *Tree) MakeDir(ctx context.Context, path string, mode fs.FileMode, parents bool) error {
	return t.do(ctx, callMakeDir, request{Path: []byte(path), Mode: mode, Parents: parents})
}

// RemoveDir is storage.Tree's.
func (t *Tree) RemoveDir(ctx context.Context, path string) error {
	return t.do(ctx, callRemoveDir, request{Path: []byte(path)})
}

// SyncDir is storage.Tree's.
func (t *Tree) SyncDir(ctx context.Context, path string) error {
	return t.do(ctx, callSyncDir, request{Path: []byte(path)})
}

// Symlink is storage.Tree's.
func (t *Tree) Symlink(ctx context.Context, target, path string) error {
	return t.do(ctx, callSymlink, request{Path: []byte(path), Other: []byte(target)})
}

// Link is storage.Tree's.
func (t *Tree) Link(ctx context.Context, from, path string) error {
	return t.do(ctx, callLink, request{Path: []byte(path), Other: []byte(from)})
}

// Rename is storage.Tree's.
func (t *Tree) Rename(ctx context.Context, from, to string) error {
	return t.do(ctx, callRename, request{Path: []byte(to), Other: []byte(from)})
}

// Move is storage.Tree's.
func (t *Tree) Move(ctx context.Context, from, to string) error {
	return t.do(ctx, callMove, request{Path: []byte(to), Other: []byte(from)})
}

// Chmod is storage.Tree's.
func (t *Tree) Chmod(ctx context.Context, path string, mode fs.FileMode) error {
	return t.do(ctx, callChmod, request{Path: []byte(path), Mode: mode})
}

// Chown is storage.Tree's.
func (t *Tree) Chown(ctx context.Context, path string, uid, gid int) error {
	return t.do(ctx, callChown, request{Path: []byte(path), UID: uid, GID: gid})
}

// Chtimes is storage.Tree's.
func (t *Tree) Chtimes(ctx context.Context, path string, at time.Time) error {
	return t.do(ctx, callChtimes, request{Path: []byte(path), Time: at})
}

// Truncate is storage.Tree's.
func (t *Tree) Truncate(ctx context.Context, path string, size int64) error {
	return t.do(ctx, callTruncate, request{Path: []byte(path), Size: size})
}
