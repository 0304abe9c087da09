package storagetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
)

// Mem is a Tree in memory that knows what would survive a crash: content of files that were synced, under names whose directory
// was synced. Owners and modes count as durable.
type Mem struct {
	mu   sync.Mutex
	root *node
}

var _ storage.Tree = (*Mem)(nil)

// NewMem returns an empty tree that has the directory "/".
func NewMem() *Mem { return &Mem{root: newDir(0o755)} }

// node is a file, directory or link. Directories have entries, links a target. Hard links share a node.
type node struct {
	storage.Info // Name unused
	data         []byte
	durable      []byte // nil: never synced
	entries      map[string]*node
	kept         map[string]*node // entries as last synced
}

func newDir(mode fs.FileMode) *node {
	return &node{
		Info:    storage.Info{Type: storage.Dir, Mode: mode, ModTime: time.Now()},
		entries: map[string]*node{},
		kept:    map[string]*node{},
	}
}

func (n *node) describe(name string) storage.Info {
	info := n.Info
	info.Name = name
	info.Size = int64(len(n.data))
	return info
}

// Crash returns what the machine finds after losing power now. The original goes on undisturbed.
func (m *Mem) Crash() *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Mem{root: survivor(m.root, map[*node]*node{})}
}

// survivor copies the durable part of a node; seen keeps hard links together.
func survivor(n *node, seen map[*node]*node) *node {
	if copied, ok := seen[n]; ok {
		return copied
	}
	c := &node{Info: n.Info, data: n.durable, durable: n.durable}
	seen[n] = c
	if n.Type == storage.Dir {
		c.entries = map[string]*node{}
		for name, entry := range n.kept {
			c.entries[name] = survivor(entry, seen)
		}
		c.kept = maps.Clone(c.entries)
	}
	return c
}

// find walks to a path without following links. A missing name is fs.ErrNotExist.
func (m *Mem) find(name string) (*node, error) {
	n := m.root
	for part := range strings.SplitSeq(strings.Trim(name, "/"), "/") {
		if part == "" {
			continue
		}
		if n.Type != storage.Dir {
			return nil, errors.New("[20] Not a directory")
		}
		n = n.entries[part]
		if n == nil {
			return nil, fs.ErrNotExist
		}
	}
	return n, nil
}

func (m *Mem) dir(name string) (*node, error) {
	n, err := m.find(name)
	if err == nil && n.Type != storage.Dir {
		err = errors.New("[20] Not a directory")
	}
	return n, err
}

// Open reads a file as it is now.
func (m *Mem) Open(ctx context.Context, name string, r storage.Range) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find(name)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, fs.ErrNotExist):
		return nil, errs.Because(errs.FileMissing, err, "unable to open missing file '%s' for read", name)
	case err != nil:
		return nil, errs.Wrap(errs.FileOpen, err, "unable to open file '%s' for read", name)
	case n.Type == storage.Dir:
		return nil, errs.New(errs.FileOpen, "unable to open file '%s' for read: [21] Is a directory", name)
	case n.Type == storage.Link:
		target := n.Target
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(name), target)
		}
		m.mu.Unlock()
		defer m.mu.Lock()
		return m.Open(ctx, target, r)
	}
	data := n.data[min(r.Offset, int64(len(n.data))):]
	if r.Length > 0 {
		data = data[:min(r.Length, int64(len(data)))]
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Stat describes a path itself.
func (m *Mem) Stat(ctx context.Context, name string) (storage.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find(name)
	switch {
	case ctx.Err() != nil:
		return storage.Info{}, ctx.Err()
	case errors.Is(err, fs.ErrNotExist):
		return storage.Info{}, errs.Because(errs.FileOpen, err, "unable to get info for missing path/file '%s'", name)
	case err != nil:
		return storage.Info{}, errs.Wrap(errs.FileOpen, err, "unable to get info for path/file '%s'", name)
	}
	return n.describe(path.Base(name)), nil
}

// List describes the entries of a directory as they were when it began.
func (m *Mem) List(ctx context.Context, name string, fn func(storage.Info) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	n, err := m.dir(name)
	var infos []storage.Info
	if err == nil {
		for entry, e := range n.entries {
			infos = append(infos, e.describe(entry))
		}
	}
	m.mu.Unlock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errs.Because(errs.PathMissing, err, "unable to list file info for missing path '%s'", name)
	case err != nil:
		return errs.Wrap(errs.PathOpen, err, "unable to list file info for path '%s'", name)
	}
	for _, info := range infos {
		if err := fn(info); err != nil {
			return err
		}
	}
	return nil
}

// Paths returns every path in the tree, sorted, directories with a slash at the end: for comparing.
func (m *Mem) Paths() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var paths []string
	var walk func(n *node, at string)
	walk = func(n *node, at string) {
		for name, entry := range n.entries {
			if entry.Type == storage.Dir {
				paths = append(paths, at+name+"/")
				walk(entry, at+name+"/")
			} else {
				paths = append(paths, at+name)
			}
		}
	}
	walk(m.root, "/")
	slices.Sort(paths)
	return paths
}
