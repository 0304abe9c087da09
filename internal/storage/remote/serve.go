package remote

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/storage"
	"holdfast/internal/wire"
)

// Policy bounds what a client may do.
type Policy struct {
	Roots    []string // clean absolute paths at or below which all paths must be
	Above    []string // directories above the roots: they may be looked at, made and synced themselves
	ReadOnly bool
}

// allow checks a path. Only a path that is clean is what it looks like.
func (p Policy) allow(name string) error {
	if _, ok := p.root(name); !ok {
		return denied(name)
	}
	return nil
}

// root returns the root at or below which a path is.
func (p Policy) root(name string) (root string, ok bool) {
	if path.IsAbs(name) && path.Clean(name) == name {
		for _, root := range p.Roots {
			if name == root || root == "/" || strings.HasPrefix(name, root+"/") {
				return root, true
			}
		}
	}
	return "", false
}

func denied(name string) error { return errs.New(errs.Access, "access denied to '%s'", name) }

// harmless are the calls that may be made on directories above the roots.
var harmless = []string{callStat, callSize, callList, callNames, callMakeDir, callSyncDir}

// allowCall checks the path of a call.
func (p Policy) allowCall(call, name string) error {
	if slices.Contains(p.Above, name) && slices.Contains(harmless, call) {
		return nil
	}
	return p.allow(name)
}

// allowLink checks what a link says: it must lead to where calls may go, for later calls may follow it. Where it leads can be told only
// if it is where its path says, not behind another link.
func (s *server) allowLink(ctx context.Context, target, at string) error {
	if !path.IsAbs(target) {
		target = path.Join(path.Dir(at), target)
	}
	if err := s.policy.allow(path.Clean(target)); err != nil {
		return err
	}
	root, _ := s.policy.root(at)
	for dir := path.Dir(at); len(dir) > len(root); dir = path.Dir(dir) {
		info, err := s.tree.Stat(ctx, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil && info.Type != storage.Dir {
			return denied(at)
		}
	}
	return nil
}

// server answers calls from a tree.
type server struct {
	tree    storage.Tree
	policy  Policy
	buffers sync.Pool // of copySize bytes; there are many small files
}

// copy copies through a buffer of our own.
func (s *server) copy(dst io.Writer, src io.Reader) error {
	buffer := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buffer)
	return storage.Copy(dst, src, *buffer)
}

// Calls answers the calls of a Tree from the tree of this host.
func Calls(tree storage.Tree, p Policy) wire.Calls {
	s := &server{tree: tree, policy: p, buffers: sync.Pool{New: func() any { b := make([]byte, copySize); return &b }}}
	calls := wire.Calls{
		callOpen:  s.call(callOpen, false, s.open),
		callList:  s.call(callList, false, s.list),
		callNames: s.call(callNames, false, s.names),
		callStat: s.answer(callStat, false, func(ctx context.Context, name string, _ request) (any, error) {
			info, err := tree.Stat(ctx, name)
			return appendInfo(nil, info), err
		}),
		callSize: s.answer(callSize, false, func(ctx context.Context, name string, _ request) (any, error) {
			return storage.Size(ctx, tree, name)
		}),
		callCreate: s.call(callCreate, true, s.create),
		callPatch:  s.call(callPatch, true, s.patch),
	}
	for name, do := range map[string]func(context.Context, string, request) error{
		callRemove:    func(ctx context.Context, name string, _ request) error { return tree.Remove(ctx, name) },
		callRemoveAll: func(ctx context.Context, name string, _ request) error { return tree.RemoveAll(ctx, name) },
		callMakeDir: func(ctx context.Context, name string, r request) error {
			return tree.MakeDir(ctx, name, r.Mode, r.Parents)
		},
		callRemoveDir: func(ctx context.Context, name string, _ request) error { return tree.RemoveDir(ctx, name) },
		callSyncDir:   func(ctx context.Context, name string, _ request) error { return tree.SyncDir(ctx, name) },
		callSymlink: func(ctx context.Context, name string, r request) error {
			if err := s.allowLink(ctx, string(r.Other), name); err != nil {
				return err
			}
			return tree.Symlink(ctx, string(r.Other), name)
		},
		callLink:    s.fromOther(tree.Link),
		callRename:  s.fromOther(tree.Rename),
		callMove:    s.fromOther(tree.Move),
		callChmod:   func(ctx context.Context, name string, r request) error { return tree.Chmod(ctx, name, r.Mode) },
		callChown:   func(ctx context.Context, name string, r request) error { return tree.Chown(ctx, name, r.UID, r.GID) },
		callChtimes: func(ctx context.Context, name string, r request) error { return tree.Chtimes(ctx, name, r.Time) },
		callTruncate: func(ctx context.Context, name string, r request) error {
			return tree.Truncate(ctx, name, r.Size)
		},
	} {
		calls[name] = s.answer(name, true, func(ctx context.Context, name string, r request) (any, error) { return nil, do(ctx, name, r) })
	}
	return calls
}

// fromOther is a change that gives a file another path. Elsewhere a link would lead elsewhere, and so would those in a directory.
func (s *server) fromOther(do func(ctx context.Context, from, to string) error) func(context.Context, string, request) error {
	return func(ctx context.Context, name string, r request) error {
		from := string(r.Other)
		if err := s.policy.allow(from); err != nil {
			return err
		}
		if info, err := s.tree.Stat(ctx, from); err == nil && info.Type != storage.File {
			return denied(from)
		}
		return do(ctx, from, name)
	}
}

// call checks what every call has in common before it is answered.
func (s *server) call(call string, writes bool, do func(c *wire.Call, name string, r request)) func(*wire.Call) {
	return func(c *wire.Call) {
		var r request
		err := c.Args(&r)
		name := string(r.Path)
		if err == nil {
			err = s.policy.allowCall(call, name)
		}
		if err == nil && writes && s.policy.ReadOnly {
			err = errs.New(errs.Access, "access denied: '%s' is read only", name)
		}
		if err != nil {
			c.Fail(err)
			return
		}
		do(c, name, r)
	}
}

// answer is a call that is answered without a stream.
func (s *server) answer(call string, writes bool, do func(ctx context.Context, name string, r request) (any, error)) func(*wire.Call) {
	return s.call(call, writes, func(c *wire.Call, name string, r request) { c.Reply(do(c, name, r)) })
}

// copySize is how much is read and sent at once.
const copySize = 256 << 10

func (s *server) open(c *wire.Call, name string, r request) {
	part := storage.Range{}
	if r.Range != nil {
		part = *r.Range
	}
	in, err := s.tree.Open(c, name, part)
	if err != nil {
		c.Fail(err)
		return
	}
	defer in.Close()
	c.Stream(func(w io.Writer) (any, error) {
		if r.Level == 0 {
			return nil, s.copy(w, in)
		}
		pack, err := filter.NewWriter(w, packing(r.Level))
		if err != nil {
			return nil, err
		}
		err = s.copy(pack, in)
		if closeErr := pack.Close(); err == nil {
			err = closeErr
		}
		return nil, err
	})
}

func (s *server) list(c *wire.Call, name string, _ request) {
	s.entries(c, func(send func([]byte) error) error {
		var buf []byte
		return s.tree.List(c, name, func(i storage.Info) error {
			buf = appendInfo(buf[:0], i)
			return send(buf)
		})
	})
}

func (s *server) names(c *wire.Call, name string, _ request) {
	s.entries(c, func(send func([]byte) error) error {
		var sendErr error
		err := storage.EachName(c, s.tree, name, func(name string) {
			if sendErr == nil {
				sendErr = send([]byte(name))
			}
		})
		if err == nil {
			err = sendErr
		}
		return err
	})
}

// entries answers with a listing. Errors come at the end of the stream.
func (s *server) entries(c *wire.Call, each func(send func([]byte) error) error) {
	c.Stream(func(w io.Writer) (any, error) {
		return nil, each(func(entry []byte) error { return writeEntry(w, entry) })
	})
}

func (s *server) create(c *wire.Call, name string, r request) {
	o := storage.CreateOptions{}
	if r.Options != nil {
		o = storage.CreateOptions(*r.Options)
	}
	w, err := s.tree.Create(c, name, o)
	if err != nil {
		c.Fail(err)
		return
	}
	defer w.Abort()
	content := c.Body()
	if r.Level != 0 {
		content, err = newUnpacker(content)
	}
	if err == nil {
		err = s.copy(w, content)
	}
	if err != nil {
		c.Fail(err)
		return
	}
	c.Reply(nil, w.Close())
}

func (s *server) patch(c *wire.Call, name string, r request) {
	o := storage.CreateOptions{}
	if r.Options != nil {
		o = storage.CreateOptions(*r.Options)
	}
	p, err := s.tree.Patch(c, name, r.Size, o)
	if err != nil {
		c.Fail(err)
		return
	}
	defer p.Abort()
	finished, err := applyParts(c.Body(), p)
	if finished {
		err = p.Close()
	}
	p.Abort()
	c.Reply(nil, err)
}
