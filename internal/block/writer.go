package block

import (
	"io"

	"holdfast/internal/filter"
)

// WriterConfig says how a file is stored.
type WriterConfig struct {
	BlockSize    int64
	ChecksumSize int
	SuperSize    int64 // plain size at which a super block is closed
	Prior        *Map  // of the file in the backup before, nil to store everything
	Reference    int   // index of this backup in the reference list
	Bundle       int64 // bundle that is written to, 0 for a file of its own
	Offset       int64 // in the bundle where the file begins
	Spec         filter.Spec
}

// Writer takes a file and writes the blocks that changed, and after them, at Close, the map. If nothing changed and the file did not
// get shorter it writes nothing at all.
type Writer struct {
	cfg   WriterConfig
	dst   counter
	block []byte // the block being gathered
	m     Map

	supers  *filter.Series
	super   io.WriteCloser // nil between super blocks
	begin   int64          // where it begins in the output
	from    int            // its first block in fresh
	plain   int64          // bytes in it
	fresh   []int          // indexes of the blocks stored here
	mapSize int64
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// NewWriter starts a file. Super blocks and map are framed raw whatever the spec says.
func NewWriter(dst io.Writer, cfg WriterConfig) *Writer {
	cfg.Spec.Raw = true
	w := &Writer{
		cfg: cfg, dst: counter{w: dst}, block: make([]byte, 0, cfg.BlockSize),
		m: Map{BlockSize: cfg.BlockSize, ChecksumSize: cfg.ChecksumSize},
	}
	w.supers = filter.NewSeries(&w.dst, cfg.Spec)
	return w
}

// Write takes the next bytes of the file.
func (w *Writer) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		block, n := p, cap(w.block)
		if len(w.block) > 0 || len(p) < n { // blocks that come whole are not copied
			n = min(len(p), n-len(w.block))
			w.block = append(w.block, p[:n]...)
			block = w.block
		}
		p = p[n:]
		if len(block) >= cap(w.block) {
			if err := w.add(block[:cap(w.block)]); err != nil {
				return total - len(p), err
			}
			w.block = w.block[:0]
		}
	}
	return total, nil
}

// add takes the next block: it is as it was before, or goes into a super block.
func (w *Writer) add(block []byte) error {
	index := len(w.m.Blocks)
	sum := Checksum(block, w.cfg.ChecksumSize)
	if prior := w.cfg.Prior; prior != nil && index < len(prior.Blocks) && prior.Blocks[index].Sum == sum {
		w.m.Blocks = append(w.m.Blocks, prior.Blocks[index])
		return nil
	}
	w.m.Blocks = append(w.m.Blocks, Block{
		Reference: w.cfg.Reference, Bundle: w.cfg.Bundle, Number: int64(len(w.fresh) - w.from), Sum: sum,
	})
	w.fresh = append(w.fresh, index)
	err := w.store(block)
	if err == nil && w.plain >= w.cfg.SuperSize {
		err = w.closeSuper()
	}
	return err
}

// store puts a block into a super block.
func (w *Writer) store(block []byte) error {
	if w.super == nil {
		super, err := w.supers.Next()
		if err != nil {
			return err
		}
		w.super, w.begin, w.plain = super, w.dst.n, 0
	}
	w.plain += int64(len(block))
	_, err := w.super.Write(block)
	return err
}

// closeSuper ends a super block. Only now it is known how large it is.
func (w *Writer) closeSuper() error {
	if w.super == nil {
		return nil
	}
	if err := w.super.Close(); err != nil {
		return err
	}
	for _, index := range w.fresh[w.from:] {
		b := &w.m.Blocks[index]
		b.Offset, b.Stored, b.Super = w.cfg.Offset+w.begin, w.dst.n-w.begin, w.plain
	}
	w.super, w.from, w.plain = nil, len(w.fresh), 0
	return nil
}

// Close ends the file and writes the map if there is anything to say.
func (w *Writer) Close() error {
	if len(w.block) > 0 {
		if err := w.add(w.block); err != nil {
			return err
		}
	}
	if err := w.closeSuper(); err != nil {
		return err
	}
	shorter := w.cfg.Prior != nil && len(w.m.Blocks) < len(w.cfg.Prior.Blocks)
	if len(w.fresh) == 0 && !shorter || len(w.m.Blocks) == 0 {
		return nil
	}
	before := w.dst.n
	out, err := filter.NewWriter(&w.dst, filter.Spec{Pass: w.cfg.Spec.Pass, Raw: true})
	if err != nil {
		return err
	}
	if _, err := out.Write(w.m.Encode()); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	w.mapSize = w.dst.n - before
	return nil
}

// Stored returns how many bytes were written, the map included.
func (w *Writer) Stored() int64 { return w.dst.n }

// MapSize returns how many of them are the map, 0 if nothing had to be stored.
func (w *Writer) MapSize() int64 { return w.mapSize }
