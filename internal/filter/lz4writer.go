package filter

import (
	"encoding/binary"
	"io"
	"io/fs"

	"github.com/pierrec/lz4/v4"
)

// lz4FirstChainLevel is the lowest level that searches hash chains; those below take the first match they see.
const lz4FirstChainLevel = 3

// lz4Writer writes one LZ4 frame. Fast levels make linked blocks of 64 KiB. Levels from 3 search better with the block compressor
// of package lz4, which cannot look back; independent blocks of 256 KiB make up for that.
type lz4Writer struct {
	dst          io.Writer
	frame        lz4Frame
	level        int
	finder       lz4Finder
	chains       *lz4.CompressorHC // nil at fast levels
	blockSize    int
	start, end   int // the block being filled, in finder.buf
	out          []byte
	begun, ended bool
}

func newLz4Writer(level int, checksum bool) *lz4Writer {
	w := &lz4Writer{level: level, blockSize: lz4BlockSize}
	if level < lz4FirstChainLevel {
		w.frame = newLz4Frame(checksum, lz4LinkedBlocks, lz4Size64K)
		w.out = make([]byte, 4+lz4MaxBlock)
	} else {
		w.frame = newLz4Frame(checksum, lz4IndependentBlocks, lz4Size256K)
		w.blockSize = 256 << 10
		w.chains = &lz4.CompressorHC{Level: lz4ChainLevel(level)}
		w.out = make([]byte, 4+w.blockSize)
	}
	w.Reset(nil)
	return w
}

// lz4ChainLevel is the number of candidates tried at each position: 4 at level 3, doubling to 256 at level 9. The levels above it,
// which in the C library search for the best parse, try more.
func lz4ChainLevel(level int) lz4.CompressionLevel {
	if level <= 9 {
		return 1 << (level - 1)
	}
	return 1 << (2*level - 9)
}

func (w *lz4Writer) Reset(dst io.Writer) {
	w.dst = dst
	w.frame.reset()
	w.finder.reset()
	w.start, w.end = 0, 0
	w.begun, w.ended = false, false
}

func (w *lz4Writer) Write(b []byte) (int, error) {
	if w.ended {
		return 0, fs.ErrClosed
	}
	written := 0
	for len(b) > 0 {
		n := copy(w.finder.buf[w.end:w.start+w.blockSize], b)
		w.end += n
		b = b[n:]
		if w.end == w.start+w.blockSize {
			if err := w.flush(); err != nil {
				return written, err
			}
		}
		written += n
	}
	return written, nil
}

func (w *lz4Writer) Close() error {
	if w.ended {
		return fs.ErrClosed
	}
	w.ended = true
	if w.end > w.start || !w.begun {
		if err := w.flush(); err != nil {
			return err
		}
	}
	_, err := w.dst.Write(w.frame.end(nil))
	return err
}

// flush writes the block that is being filled, and the header before the first.
func (w *lz4Writer) flush() error {
	if !w.begun {
		w.begun = true
		if _, err := w.dst.Write(w.frame.header(nil)); err != nil {
			return err
		}
	}
	block := w.finder.buf[w.start:w.end]
	if len(block) == 0 {
		return nil
	}
	w.frame.content(block)
	if _, err := w.dst.Write(w.compress(block)); err != nil {
		return err
	}
	switch {
	case w.chains != nil:
		w.start, w.end = 0, 0
	case w.end+w.blockSize > lz4BufferSize:
		w.end = w.finder.slide(w.end)
		fallthrough
	default:
		w.start = w.end
	}
	return nil
}

// compress returns the block with its size in front, stored if compression gains nothing.
func (w *lz4Writer) compress(block []byte) []byte {
	n := 0
	if w.chains != nil {
		n, _ = w.chains.CompressBlock(block, w.out[4:4+len(block)]) // 0 if it does not fit
	} else {
		n = w.finder.compress(w.out[4:], w.start, w.end, max(1, 1-w.level))
	}
	if n == 0 || n >= len(block) {
		n = copy(w.out[4:], block)
		binary.LittleEndian.PutUint32(w.out, uint32(n)|lz4Stored)
	} else {
		binary.LittleEndian.PutUint32(w.out, uint32(n))
	}
	return w.out[:4+n]
}
