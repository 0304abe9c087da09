package archive

import (
	"bufio"
	"context"
	"io"
	"sync"

	"holdfast/internal/filter"
)

// keepLimit is how much compressed WAL may wait in memory: an ordinary segment and a little more.
const keepLimit = 17 << 20

// pack is the file to push being read and compressed in the background. It begins before it is known where to, because that takes the
// checksum of the whole file. What comes out until then waits in memory.
type pack struct {
	ctx  context.Context
	stop context.CancelFunc
	to   chan io.Writer
	done chan error

	// The rest belongs to the background.
	pieces *pieces
	dst    io.Writer // nil until known
	kept   []*piece
	size   int
}

// pack begins to pack the file. The caller must call end.
func (p *push) pack(ctx context.Context, spec filter.Spec) *pack {
	k := &pack{to: make(chan io.Writer, 1), done: make(chan error, 1), pieces: &p.pieces}
	k.ctx, k.stop = context.WithCancel(ctx)
	go func() { k.done <- k.run(p, spec) }()
	return k
}

func (k *pack) run(p *push, spec filter.Spec) error {
	// There is nothing to gain where nothing is computed.
	if spec.Compression == filter.None {
		if err := k.await(); err != nil {
			return err
		}
		return p.read(k.ctx, k)
	}
	// Some compressors write a few bytes at a time.
	buffered := bufio.NewWriterSize(k, copyBuffer)
	w, err := filter.NewWriter(buffered, spec)
	if err != nil {
		return err
	}
	err = p.read(k.ctx, w)
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil && k.dst == nil {
		err = k.await()
	}
	return err
}

// Write takes compressed bytes.
func (k *pack) Write(b []byte) (int, error) {
	if err := k.ctx.Err(); err != nil {
		return 0, err
	}
	if k.dst == nil {
		if k.size+len(b) <= keepLimit && len(k.to) == 0 {
			k.keep(b)
			return len(b), nil
		}
		if err := k.await(); err != nil {
			return 0, err
		}
	}
	return k.dst.Write(b)
}

func (k *pack) keep(b []byte) {
	k.size += len(b)
	for len(b) > 0 {
		if n := len(k.kept); n == 0 || k.kept[n-1].used == copyBuffer {
			k.kept = append(k.kept, k.pieces.take())
		}
		last := k.kept[len(k.kept)-1]
		n := copy(last.bytes[last.used:], b)
		last.used += n
		b = b[n:]
	}
}

// await waits until it is known where to, and sends there what was kept.
func (k *pack) await() error {
	select {
	case k.dst = <-k.to:
	case <-k.ctx.Done():
		return k.ctx.Err()
	}
	for _, piece := range k.kept {
		if _, err := k.dst.Write(piece.bytes[:piece.used]); err != nil {
			return err
		}
	}
	k.drop()
	return nil
}

// drop gives back what was kept.
func (k *pack) drop() {
	for _, piece := range k.kept {
		k.pieces.give(piece)
	}
	k.kept = nil
}

// finish sends everything to dst and waits until it is there. It is called at most once.
func (k *pack) finish(dst io.Writer) error {
	k.to <- dst
	err := <-k.done
	k.done <- err
	return err
}

// end gives up what has not been finished, and waits.
func (k *pack) end() {
	k.stop()
	<-k.done
	k.drop()
}

// piece is a buffer, filled from its beginning.
type piece struct {
	bytes [copyBuffer]byte
	used  int
}

// pieces are buffers that go from file to file.
type pieces struct{ pool sync.Pool }

func (p *pieces) take() *piece {
	if b, ok := p.pool.Get().(*piece); ok {
		return b
	}
	return new(piece)
}

func (p *pieces) give(b *piece) {
	b.used = 0
	p.pool.Put(b)
}
