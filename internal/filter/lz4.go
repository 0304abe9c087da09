package filter

import (
	"encoding/binary"
	"io"
	"io/fs"
	"math/bits"

	"github.com/pierrec/lz4/v4"
)

// Fields of the LZ4 frame descriptor.
const (
	lz4Magic             = 0x184d2204
	lz4Version           = 1 << 6
	lz4IndependentBlocks = 1 << 5
	lz4LinkedBlocks      = 0
	lz4ContentChecksum   = 1 << 2
	lz4Size64K           = 4 << 4 // maximum block sizes
	lz4Size256K          = 5 << 4
	lz4Stored            = 1 << 31 // in the size of a block that is not compressed
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
	w.frame.sum.Write(block)
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

// lz4Frame makes what surrounds the blocks.
type lz4Frame struct {
	flags, size byte
	sum         xxh32
}

func newLz4Frame(checksum bool, linking, size byte) lz4Frame {
	f := lz4Frame{flags: lz4Version | linking, size: size}
	if checksum {
		f.flags |= lz4ContentChecksum
	}
	f.reset()
	return f
}

func (f *lz4Frame) reset() { f.sum.reset() }

func (f *lz4Frame) header(b []byte) []byte {
	var sum xxh32
	sum.reset()
	sum.Write([]byte{f.flags, f.size})
	b = binary.LittleEndian.AppendUint32(b, lz4Magic)
	return append(b, f.flags, f.size, byte(sum.value()>>8))
}

func (f *lz4Frame) end(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, 0)
	if f.flags&lz4ContentChecksum != 0 {
		b = binary.LittleEndian.AppendUint32(b, f.sum.value())
	}
	return b
}

// xxh32 is the checksum of LZ4 frames: XXH32 with seed 0.
type xxh32 struct {
	lanes [4]uint32
	rest  [16]byte // bytes that do not fill a stripe yet
	have  int
	size  uint64
}

const (
	xxhPrime1 uint32 = 2654435761
	xxhPrime2 uint32 = 2246822519
	xxhPrime3 uint32 = 3266489917
	xxhPrime4 uint32 = 668265263
	xxhPrime5 uint32 = 374761393
)

func (x *xxh32) reset() {
	one, two := xxhPrime1, xxhPrime2
	*x = xxh32{lanes: [4]uint32{one + two, two, 0, -one}}
}

// Write never fails.
func (x *xxh32) Write(b []byte) (int, error) {
	n := len(b)
	x.size += uint64(n)
	if x.have > 0 {
		k := copy(x.rest[x.have:], b)
		x.have += k
		b = b[k:]
		if x.have < len(x.rest) {
			return n, nil
		}
		x.stripes(x.rest[:])
		x.have = 0
	}
	full := len(b) &^ 15
	x.stripes(b[:full])
	x.have = copy(x.rest[:], b[full:])
	return n, nil
}

func (x *xxh32) stripes(b []byte) {
	l0, l1, l2, l3 := x.lanes[0], x.lanes[1], x.lanes[2], x.lanes[3]
	for ; len(b) >= 16; b = b[16:] {
		l0 = bits.RotateLeft32(l0+binary.LittleEndian.Uint32(b)*xxhPrime2, 13) * xxhPrime1
		l1 = bits.RotateLeft32(l1+binary.LittleEndian.Uint32(b[4:])*xxhPrime2, 13) * xxhPrime1
		l2 = bits.RotateLeft32(l2+binary.LittleEndian.Uint32(b[8:])*xxhPrime2, 13) * xxhPrime1
		l3 = bits.RotateLeft32(l3+binary.LittleEndian.Uint32(b[12:])*xxhPrime2, 13) * xxhPrime1
	}
	x.lanes = [4]uint32{l0, l1, l2, l3}
}

func (x *xxh32) value() uint32 {
	h := xxhPrime5
	if x.size >= 16 {
		h = bits.RotateLeft32(x.lanes[0], 1) + bits.RotateLeft32(x.lanes[1], 7) +
			bits.RotateLeft32(x.lanes[2], 12) + bits.RotateLeft32(x.lanes[3], 18)
	}
	h += uint32(x.size)
	b := x.rest[:x.have]
	for ; len(b) >= 4; b = b[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(b)*xxhPrime3, 17) * xxhPrime4
	}
	for _, c := range b {
		h = bits.RotateLeft32(h+uint32(c)*xxhPrime5, 11) * xxhPrime1
	}
	h = (h ^ h>>15) * xxhPrime2
	h = (h ^ h>>13) * xxhPrime3
	return h ^ h>>16
}
