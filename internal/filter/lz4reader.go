package filter

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/pierrec/lz4/v4"
)

// lz4Reader reads one LZ4 frame of any kind but those with a dictionary. Blocks are decompressed one behind the other into a buffer,
// so that linked blocks find the 64 KiB before them; when the buffer is full those move to its front.
type lz4Reader struct {
	src       *source
	flags     byte
	blockSize int    // maximum of this frame
	size      uint64 // of the content, if the flags have lz4ContentSize
	sum       xxh32
	begun     bool
	buf       []byte
	end       int    // of what was decompressed into buf
	plain     []byte // decompressed, not yet read; lies in buf
	in        []byte // a compressed block
	err       error  // why there is no next block
	number    [4]byte
}

var errLz4Damaged = errors.New("invalid frame")

func (r *lz4Reader) Reset(src *source) {
	*r = lz4Reader{src: src, buf: r.buf, in: r.in}
	r.sum.reset()
}

func (r *lz4Reader) Read(b []byte) (int, error) {
	for len(r.plain) == 0 {
		if r.err == nil {
			r.err = r.next()
		}
		if r.err != nil {
			return 0, r.err
		}
	}
	n := copy(b, r.plain)
	r.plain = r.plain[n:]
	return n, nil
}

// next decompresses a block. After the last it returns io.EOF.
func (r *lz4Reader) next() error {
	if !r.begun {
		if err := r.header(); err != nil {
			return err
		}
		r.begun = true
	}
	size, err := r.uint32()
	switch {
	case err != nil:
		return err
	case size == 0:
		return r.finish()
	case int(size&^lz4Stored) > r.blockSize:
		return errLz4Damaged
	}
	if r.end+r.blockSize > len(r.buf) {
		r.end = copy(r.buf, r.buf[r.end-lz4Window:r.end])
	}
	in, out := r.in[:size&^lz4Stored], r.buf[r.end:r.end+r.blockSize]
	if err := r.fill(in); err != nil {
		return err
	}
	if err := r.checkBlock(in); err != nil {
		return err
	}
	n := 0
	switch {
	case size&lz4Stored != 0:
		n = copy(out, in)
	case r.flags&lz4IndependentBlocks != 0:
		n, err = lz4.UncompressBlock(in, out)
	default:
		n, err = lz4.UncompressBlockWithDict(in, out, r.buf[max(0, r.end-lz4Window):r.end])
	}
	if err != nil {
		return err
	}
	r.plain = out[:n]
	r.end += n
	if r.flags&lz4ContentChecksum != 0 {
		r.sum.Write(r.plain)
	} else {
		r.sum.size += uint64(n)
	}
	return nil
}

func (r *lz4Reader) header() error {
	descriptor := make([]byte, 2, 10)
	magic, err := r.uint32()
	if err != nil {
		return err
	}
	if err := r.fill(descriptor); err != nil {
		return err
	}
	r.flags = descriptor[0]
	code := descriptor[1] >> 4
	if magic != lz4Magic || r.flags&lz4VersionMask != lz4Version || r.flags&lz4Reserved != 0 || code < 4 || code > 7 {
		return errLz4Damaged
	}
	r.blockSize = 256 << (2 * code) // 64 KiB, 256 KiB, 1 MiB, 4 MiB
	if r.flags&lz4ContentSize != 0 {
		descriptor = descriptor[:10]
		if err := r.fill(descriptor[2:]); err != nil {
			return err
		}
		r.size = binary.LittleEndian.Uint64(descriptor[2:])
	}
	var sum xxh32
	sum.reset()
	sum.Write(descriptor)
	if got, err := r.src.ReadByte(); err != nil {
		return unexpected(err)
	} else if got != byte(sum.value()>>8) {
		return errLz4Damaged
	}
	if len(r.in) < r.blockSize {
		r.in = make([]byte, r.blockSize)
		r.buf = make([]byte, lz4Window+max(r.blockSize, 4*lz4BlockSize))
	}
	return nil
}

func (r *lz4Reader) checkBlock(in []byte) error {
	if r.flags&lz4BlockChecksum == 0 {
		return nil
	}
	var sum xxh32
	sum.reset()
	sum.Write(in)
	return r.compare(sum.value())
}

// finish checks what follows the last block.
func (r *lz4Reader) finish() error {
	if r.flags&lz4ContentChecksum != 0 {
		if err := r.compare(r.sum.value()); err != nil {
			return err
		}
	}
	if r.flags&lz4ContentSize != 0 && r.size != r.sum.size {
		return errors.New("wrong content size")
	}
	return io.EOF
}

func (r *lz4Reader) compare(sum uint32) error {
	stored, err := r.uint32()
	if err == nil && stored != sum {
		err = errors.New("wrong checksum")
	}
	return err
}

func (r *lz4Reader) uint32() (uint32, error) {
	err := r.fill(r.number[:])
	return binary.LittleEndian.Uint32(r.number[:]), err
}

// fill reads all of b: within a frame nothing may end.
func (r *lz4Reader) fill(b []byte) error {
	_, err := io.ReadFull(r.src, b)
	return unexpected(err)
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
