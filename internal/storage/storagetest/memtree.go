package storagetest

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
)

// Create writes a file by the same steps as a file system: temporary name, sync, rename, sync of the directory.
func (m *Mem) Create(ctx context.Context, name string, o storage.CreateOptions) (storage.Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.makeDirs(path.Dir(name), cmp.Or(o.DirMode, 0o750), !o.NoSync); err != nil {
		return nil, err
	}
	w := &memWriter{mem: m, name: name, temp: name, options: o}
	if o.Atomic {
		w.temp = name + ".pgbackrest.tmp"
	}
	dir, err := m.dir(path.Dir(name))
	if err != nil {
		return nil, errs.Wrap(errs.FileOpen, err, "unable to open file '%s' for write", name)
	}
	w.node = dir.entries[path.Base(w.temp)]
	if w.node == nil {
		w.node = &node{Info: storage.Info{Type: storage.File}}
		dir.entries[path.Base(w.temp)] = w.node
	}
	if w.node.Type != storage.File {
		return nil, errs.New(errs.FileOpen, "unable to open file '%s' for write: [21] Is a directory", name)
	}
	w.node.data = nil
	w.node.Mode = cmp.Or(o.Mode, 0o640)
	w.node.UID, w.node.GID = o.UID, o.GID
	return w, nil
}

type memWriter struct {
	mem        *Mem
	node       *node
	name, temp string
	options    storage.CreateOptions
	done       bool
}

func (w *memWriter) Write(b []byte) (int, error) {
	w.mem.mu.Lock()
	defer w.mem.mu.Unlock()
	if w.done {
		return 0, errs.Wrap(errs.FileWrite, fs.ErrClosed, "unable to write '%s'", w.name)
	}
	w.node.data = append(w.node.data, b...)
	return len(b), nil
}

func (w *memWriter) Close() error {
	w.mem.mu.Lock()
	defer w.mem.mu.Unlock()
	if w.done {
		return errs.Wrap(errs.FileClose, fs.ErrClosed, "unable to close file '%s' after write", w.name)
	}
	w.done = true
	w.node.ModTime = time.Now()
	if !w.options.ModTime.IsZero() {
		w.node.ModTime = w.options.ModTime
	}
	if !w.options.NoSync {
		w.node.durable = append([]byte{}, w.node.data...)
	}
	if w.temp == w.name {
		return nil
	}
	if err := w.mem.move(w.temp, w.name); err != nil || w.options.NoSync {
		return err
	}
	return w.mem.sync(path.Dir(w.name))
}

func (w *memWriter) Abort() {
	w.mem.mu.Lock()
	defer w.mem.mu.Unlock()
	if w.done {
		return
	}
	w.done = true
	if dir, err := w.mem.dir(path.Dir(w.temp)); err == nil {
		delete(dir.entries, path.Base(w.temp))
	}
}

// Patch opens a file to write parts of it.
func (m *Mem) Patch(ctx context.Context, name string, size int64, o storage.CreateOptions) (storage.Patch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, err := m.dir(path.Dir(name))
	if err != nil {
		return nil, errs.Wrap(errs.FileOpen, err, "unable to open file '%s' for write", name)
	}
	n := dir.entries[path.Base(name)]
	if n == nil {
		n = &node{Info: storage.Info{Type: storage.File}}
		dir.entries[path.Base(name)] = n
	}
	if n.Type != storage.File {
		return nil, errs.New(errs.FileOpen, "unable to open file '%s' for write: [21] Is a directory", name)
	}
	data := make([]byte, size)
	copy(data, n.data)
	n.data, n.ModTime = data, time.Now()
	n.Mode = cmp.Or(o.Mode, 0o640)
	n.UID, n.GID = o.UID, o.GID
	return &memPatch{mem: m, node: n, name: name, options: o}, nil
}

type memPatch struct {
	mem     *Mem
	node    *node
	name    string
	options storage.CreateOptions
	done    bool
}

func (p *memPatch) WriteAt(b []byte, at int64) (int, error) {
	p.mem.mu.Lock()
	defer p.mem.mu.Unlock()
	if p.done {
		return 0, errs.Wrap(errs.FileWrite, fs.ErrClosed, "unable to write '%s'", p.name)
	}
	if end := at + int64(len(b)); end > int64(len(p.node.data)) {
		p.node.data = append(p.node.data, make([]byte, end-int64(len(p.node.data)))...)
	}
	return copy(p.node.data[at:], b), nil
}

func (p *memPatch) Close() error {
	p.mem.mu.Lock()
	defer p.mem.mu.Unlock()
	if p.done {
		return errs.Wrap(errs.FileClose, fs.ErrClosed, "unable to close file '%s' after write", p.name)
	}
	p.done = true
	if !p.options.ModTime.IsZero() {
		p.node.ModTime = p.options.ModTime
	}
	if !p.options.NoSync {
		p.node.durable = append([]byte{}, p.node.data...)
	}
	return nil
}

func (p *memPatch) Abort() {
	p.mem.mu.Lock()
	defer p.mem.mu.Unlock()
	p.done = true
}

// Remove deletes a file or link.
func (m *Mem) Remove(ctx context.Context, name string) error {
	return m.change(ctx, name, func(dir *node, base string) error {
		if n := dir.entries[base]; n != nil && n.Type == storage.Dir {
			return errs.New(errs.FileRemove, "unable to remove '%s': [21] Is a directory", name)
		}
		delete(dir.entries, base)
		return nil
	}, func(err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return errs.Wrap(errs.FileRemove, err, "unable to remove '%s'", name)
	})
}

// RemoveAll deletes a directory with everything below it.
func (m *Mem) RemoveAll(ctx context.Context, name string) error {
	return m.change(ctx, name, func(dir *node, base string) error {
		if n := dir.entries[base]; n != nil && n.Type != storage.Dir {
			return errs.New(errs.PathOpen, "unable to list file info for path '%s': [20] Not a directory", name)
		}
		delete(dir.entries, base)
		return nil
	}, func(err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return errs.Wrap(errs.PathRemove, err, "unable to remove path '%s'", name)
	})
}

// change runs fn on the directory that holds name; missing makes the error when that directory cannot be reached.
func (m *Mem) change(ctx context.Context, name string, fn func(dir *node, base string) error, missing func(error) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, err := m.dir(path.Dir(name))
	if err != nil {
		return missing(err)
	}
	return fn(dir, path.Base(name))
}

// MakeDir creates a directory and, with parents, those above it.
func (m *Mem) MakeDir(ctx context.Context, name string, mode fs.FileMode, parents bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	mode = cmp.Or(mode, 0o750)
	if parents {
		return m.makeDirs(name, mode, false)
	}
	dir, err := m.dir(path.Dir(name))
	if err == nil && dir.entries[path.Base(name)] != nil {
		err = fs.ErrExist
	}
	if err != nil {
		return errs.Wrap(errs.PathCreate, err, "unable to create path '%s'", name)
	}
	dir.entries[path.Base(name)] = newDir(mode)
	return nil
}

func (m *Mem) makeDirs(name string, mode fs.FileMode, sync bool) error {
	n, err := m.find(name)
	if err == nil && n.Type == storage.Dir {
		return nil
	}
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return errs.New(errs.PathCreate, "unable to create path '%s': [17] File exists", name)
	}
	if err := m.makeDirs(path.Dir(name), mode, sync); err != nil {
		return err
	}
	dir, err := m.dir(path.Dir(name))
	if err != nil {
		return errs.Wrap(errs.PathCreate, err, "unable to create path '%s'", name)
	}
	dir.entries[path.Base(name)] = newDir(mode)
	if sync {
		return m.sync(path.Dir(name))
	}
	return nil
}

// RemoveDir deletes an empty directory.
func (m *Mem) RemoveDir(ctx context.Context, name string) error {
	missing := func(err error) error {
		return errs.Because(errs.PathMissing, err, "unable to remove missing path '%s'", name)
	}
	return m.change(ctx, name, func(dir *node, base string) error {
		n := dir.entries[base]
		switch {
		case n == nil:
			return missing(fs.ErrNotExist)
		case n.Type != storage.Dir:
			return errs.New(errs.PathRemove, "unable to remove path '%s': [20] Not a directory", name)
		case len(n.entries) > 0:
			return errs.New(errs.PathRemove, "unable to remove path '%s': [39] Directory not empty", name)
		}
		delete(dir.entries, base)
		return nil
	}, missing)
}

// SyncDir makes the entries of a directory durable.
func (m *Mem) SyncDir(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sync(name)
}

func (m *Mem) sync(name string) error {
	n, err := m.dir(name)
	if err != nil {
		return errs.Because(errs.PathMissing, err, "unable to sync missing path '%s'", name)
	}
	n.kept = maps.Clone(n.entries)
	return nil
}

// Symlink creates a link.
func (m *Mem) Symlink(ctx context.Context, target, name string) error {
	return m.add(ctx, name, target, &node{Info: storage.Info{Type: storage.Link, Mode: 0o777, Target: target}})
}

// Link creates a hard link.
func (m *Mem) Link(ctx context.Context, from, name string) error {
	m.mu.Lock()
	n, err := m.find(from)
	m.mu.Unlock()
	if err != nil {
		return errs.Wrap(errs.FileOpen, err, "unable to create hardlink '%s' to '%s'", name, from)
	}
	return m.add(ctx, name, from, n)
}

func (m *Mem) add(ctx context.Context, name, target string, n *node) error {
	failed := func(err error) error {
		return errs.Wrap(errs.FileOpen, err, "unable to create link '%s' to '%s'", name, target)
	}
	return m.change(ctx, name, func(dir *node, base string) error {
		if dir.entries[base] != nil {
			return failed(fs.ErrExist)
		}
		dir.entries[base] = n
		return nil
	}, failed)
}

// Rename moves a file and syncs both directories.
func (m *Mem) Rename(ctx context.Context, from, to string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.find(from); err != nil {
		return errs.Because(errs.FileMissing, err, "unable to move missing source '%s'", from)
	}
	if err := m.makeDirs(path.Dir(to), 0o750, true); err != nil {
		return err
	}
	return cmp.Or(m.move(from, to), m.sync(path.Dir(to)), m.sync(path.Dir(from)))
}

// Move moves a file and syncs nothing.
func (m *Mem) Move(ctx context.Context, from, to string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.find(from); err != nil {
		return errs.Because(errs.FileMissing, err, "unable to move missing source '%s'", from)
	}
	if _, err := m.find(path.Dir(to)); errors.Is(err, fs.ErrNotExist) {
		return errs.Because(errs.PathMissing, err, "unable to move '%s' to missing path '%s'", from, path.Dir(to))
	}
	return m.move(from, to)
}

func (m *Mem) move(from, to string) error {
	source, err := m.dir(path.Dir(from))
	target, err2 := m.dir(path.Dir(to))
	if err := cmp.Or(err, err2); err != nil {
		return errs.Wrap(errs.FileMove, err, "unable to move '%s' to '%s'", from, to)
	}
	if n := target.entries[path.Base(to)]; n != nil && n.Type == storage.Dir {
		return errs.New(errs.FileMove, "unable to move '%s' to '%s': [21] Is a directory", from, to)
	}
	target.entries[path.Base(to)] = source.entries[path.Base(from)]
	delete(source.entries, path.Base(from))
	return nil
}

// Chmod sets the mode.
func (m *Mem) Chmod(ctx context.Context, name string, mode fs.FileMode) error {
	return m.set(ctx, errs.FileMode, name, func(n *node) { n.Mode = mode })
}

// Chown sets owner and group.
func (m *Mem) Chown(ctx context.Context, name string, uid, gid int) error {
	return m.set(ctx, errs.FileOwner, name, func(n *node) {
		if uid >= 0 {
			n.UID = uid
		}
		if gid >= 0 {
			n.GID = gid
		}
	})
}

// Chtimes sets the time of modification.
func (m *Mem) Chtimes(ctx context.Context, name string, t time.Time) error {
	return m.set(ctx, errs.FileInfo, name, func(n *node) { n.ModTime = t })
}

// Truncate cuts or extends a file.
func (m *Mem) Truncate(ctx context.Context, name string, size int64) error {
	return m.set(ctx, errs.FileWrite, name, func(n *node) {
		data := make([]byte, size)
		copy(data, n.data)
		n.data, n.durable = data, data
	})
}

func (m *Mem) set(ctx context.Context, code errs.Code, name string, fn func(*node)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find(name)
	if err != nil {
		return errs.Wrap(code, err, "unable to change '%s'", name)
	}
	fn(n)
	return nil
}
