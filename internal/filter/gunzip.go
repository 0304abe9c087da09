package filter

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/adler32"
	"hash/crc32"
	"io"
)

// gunzip reads one gzip member (RFC 1952), or one zlib stream (RFC 1950), and compares the checksum at its end.
type gunzip struct {
	inflater
	zlib  bool
	sum   hash.Hash32
	size  uint32 // of what was read, modulo 2^32
	ready []byte // decoded and not read yet
	end   error
}

var (
	errGzipHeader = errors.New("invalid header")
	errGzipSum    = errors.New("invalid checksum")
)

// reset begins a stream. The header is read here.
func (z *gunzip) reset(src *bufio.Reader, zlib bool) error {
	if z.sum == nil || z.zlib != zlib {
		z.sum = crc32.NewIEEE()
		if zlib {
			z.sum = adler32.New()
		}
	}
	z.sum.Reset()
	z.zlib, z.size, z.ready, z.end = zlib, 0, nil, nil
	z.inflater.reset(src)
	if zlib {
		return zlibHeader(src)
	}
	return gzipHeader(src)
}

func (z *gunzip) Read(b []byte) (int, error) {
	for len(z.ready) == 0 {
		if z.end != nil {
			return 0, z.end
		}
		z.ready, z.end = z.next()
		z.sum.Write(z.ready)
		z.size += uint32(len(z.ready))
		if z.end == io.EOF {
			z.end = z.trailer()
		}
	}
	n := copy(b, z.ready)
	z.ready = z.ready[n:]
	return n, nil
}

// trailer compares what ends the stream. It returns io.EOF if all is well.
func (z *gunzip) trailer() error {
	var b [8]byte
	order, n := binary.ByteOrder(binary.LittleEndian), 8
	if z.zlib {
		order, n = binary.BigEndian, 4
	}
	if err := readFull(z.src, b[:n]); err != nil {
		return err
	}
	if order.Uint32(b[:]) != z.sum.Sum32() || !z.zlib && order.Uint32(b[4:]) != z.size {
		return errGzipSum
	}
	return io.EOF
}

// readFull is io.ReadFull, to which no byte at all is an early end too.
func readFull(src io.Reader, b []byte) error {
	_, err := io.ReadFull(src, b)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// What the fourth byte of a gzip header says of it.
const (
	gzipHasSum     = 1 << 1
	gzipHasExtra   = 1 << 2
	gzipHasName    = 1 << 3
	gzipHasComment = 1 << 4
	gzipReserved   = 7 << 5
)

// gzipHeader skips the header of a member.
func gzipHeader(src *bufio.Reader) error {
	var b [10]byte
	if err := readFull(src, b[:]); err != nil {
		return err
	}
	flags := b[3]
	if b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 || flags&gzipReserved != 0 {
		return errGzipHeader
	}
	if flags&gzipHasExtra != 0 {
		if err := readFull(src, b[:2]); err != nil {
			return err
		}
		if err := skip(src, int(binary.LittleEndian.Uint16(b[:]))); err != nil {
			return err
		}
	}
	for _, text := range []byte{gzipHasName, gzipHasComment} {
		for c := byte(1); flags&text != 0 && c != 0; {
			if err := readFull(src, b[:1]); err != nil {
				return err
			}
			c = b[0]
		}
	}
	if flags&gzipHasSum != 0 {
		return skip(src, 2)
	}
	return nil
}

func skip(src *bufio.Reader, n int) error {
	_, err := src.Discard(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func zlibHeader(src *bufio.Reader) error {
	var b [2]byte
	if err := readFull(src, b[:]); err != nil {
		return err
	}
	const deflate, dictionary = 8, 1 << 5
	if b[0]&0xf != deflate || b[0]>>4 > 7 || b[1]&dictionary != 0 || binary.BigEndian.Uint16(b[:])%31 != 0 {
		return fmt.Errorf("%w of a zlib stream", errGzipHeader)
	}
	return nil
}
