package remote

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"io/fs"
	"sync"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
	"holdfast/internal/wire"
)

// writer is a file being written over there.
type writer struct {
	upload *wire.Upload
	closed bool
}

// Create is storage.Storage's. That the file cannot be made may turn out only when it is written or closed.
func (t *Tree) Create(ctx context.Context, path string, o storage.CreateOptions) (storage.Writer, error) {
	sent := options(o)
	level := t.levelFor(path)
	u, err := t.caller.Write(ctx, callCreate, request{Path: []byte(path), Options: &sent, Level: level})
	if err != nil {
		return nil, err
	}
	w := &writer{upload: u}
	if level == 0 {
		return w, nil
	}
	return newPacked(w, level)
}

func (w *writer) Write(b []byte) (int, error) {
	if w.closed {
		return 0, fs.ErrClosed
	}
	return w.upload.Write(b)
}

func (w *writer) Close() error {
	if w.closed {
		return fs.ErrClosed
	}
	w.closed = true
	return w.upload.Close(nil)
}

func (w *writer) Abort() {
	w.closed = true
	w.upload.Abort()
}

// patch is a file of which parts are being written over there. Each part is sent as its offset, its length and its bytes. An empty part
// says that the file is finished; without it, it is given up with what it has.
type patch struct {
	mu     sync.Mutex
	upload *wire.Upload
	closed bool
}

// longestPart keeps the other side's buffer small.
const longestPart = 256 << 10

// Patch is storage.Tree's.
func (t *Tree) Patch(ctx context.Context, path string, size int64, o storage.CreateOptions) (storage.Patch, error) {
	sent := options(o)
	u, err := t.caller.Write(ctx, callPatch, request{Path: []byte(path), Options: &sent, Size: size})
	if err != nil {
		return nil, err
	}
	return &patch{upload: u}, nil
}

func (p *patch) WriteAt(b []byte, at int64) (written int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, fs.ErrClosed
	}
	for len(b) > 0 {
		part := b[:min(len(b), longestPart)]
		head := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(at)), uint64(len(part)))
		if _, err := p.upload.Write(head); err != nil {
			return written, err
		}
		n, err := p.upload.Write(part)
		written += n
		if err != nil {
			return written, err
		}
		b, at = b[n:], at+int64(n)
	}
	return written, nil
}

func (p *patch) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fs.ErrClosed
	}
	p.closed = true
	_, _ = p.upload.Write([]byte{0, 0}) // if that fails, so will Close
	return p.upload.Close(nil)
}

func (p *patch) Abort() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		_ = p.upload.Close(nil)
	}
}

// applyParts writes the parts that a stream brings, and reports whether that was all.
func applyParts(in io.Reader, to io.WriterAt) (finished bool, err error) {
	r := bufio.NewReaderSize(in, longestPart)
	buf := make([]byte, longestPart)
	for {
		at, err := binary.ReadUvarint(r)
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		n, err := binary.ReadUvarint(r)
		if err == nil && (n > longestPart || int64(at) < 0) {
			err = errs.New(errs.Protocol, "part of %d bytes at %d", n, at)
		}
		if err == nil {
			_, err = io.ReadFull(r, buf[:n])
		}
		if err == nil {
			_, err = to.WriteAt(buf[:n], int64(at))
		}
		if err != nil || n == 0 {
			return err == nil, err
		}
	}
}
