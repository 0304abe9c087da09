package filter

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The output of an inflater is a window that matches reach back into, and room for what is decoded in one go.
const (
	inflateWindow = 32 << 10
	inflateBuffer = 128 << 10                        // a power of two, see load and store
	inflateMatch  = 258                              // the longest
	inflateSlack  = 16                               // matches are copied in pieces of eight bytes, so that some are written beyond the end
	inflateLimit  = inflateBuffer - inflateMatch - 2 // where decoding pauses; two literals may still come before a match

	inflatePad = 64 // zeros behind the last bytes of the input, so that reading eight at a time needs no care there
)

// inflater decompresses a deflate stream (RFC 1951). It differs from common decoders in Go by what makes the fastest ones in C fast:
// eight bytes of input are taken at a time, tables decode what is usual with one look, and matches are copied in words.
//
// It takes from src exactly the bytes of the stream.
type inflater struct {
	src  *bufio.Reader
	in   []byte // what src has buffered; at the end of the input a copy of it in tail, zeros added
	at   int    // what is taken of in, the bits in acc included
	real int    // how many bytes of in are no zeros added
	last bool   // in is tail
	acc  uint64 // bits taken; more may be above them, which are those that come next
	have uint   // how many are

	step  func(*inflater) error // continues decoding; returns when out is full or the stream goes on with another step
	final bool                  // the block is the last one
	left  int                   // bytes to copy of a stored block

	wrote int // of out
	err   error

	literals  [literalTable]uint32
	distances [distanceTable]uint32
	lengths   [literalSymbols + 32]uint8
	tail      [2 * inflatePad]byte
	out       [inflateBuffer + inflateSlack]byte
}

var (
	errDeflate = errors.New("corrupt deflate data")
	// errMore ends a step because out is full.
	errMore = errors.New("output full")
)

func (z *inflater) reset(src *bufio.Reader) {
	z.src, z.in, z.at, z.real, z.last, z.acc, z.have = src, nil, 0, 0, false, 0, 0
	z.step, z.final, z.wrote, z.err = (*inflater).header, false, 0, nil
}

// next returns what is decoded next, until io.EOF. The bytes are valid until the next call.
func (z *inflater) next() ([]byte, error) {
	if z.err != nil {
		return nil, z.err
	}
	if z.wrote >= inflateLimit {
		copy(z.out[:], z.out[z.wrote-inflateWindow:z.wrote])
		z.wrote = inflateWindow
	}
	begin := z.wrote
	for z.err == nil && z.wrote < inflateLimit {
		z.err = z.step(z)
	}
	if z.err == errMore {
		z.err = nil
	}
	if z.last && z.at*8-int(z.have) > z.real*8 { // zeros added were taken for input
		z.err = io.ErrUnexpectedEOF
	}
	if z.err != nil && z.err != io.EOF {
		return nil, z.err
	}
	return z.out[begin:z.wrote], nil
}

// fill makes sure that at least eight bytes of in are left. It keeps those in acc, which may be given back.
func (z *inflater) fill() error {
	if len(z.in)-z.at >= 8 {
		return nil
	}
	if z.last {
		return io.ErrUnexpectedEOF // all the zeros are taken
	}
	keep := int(z.have >> 3)
	if _, err := z.src.Discard(z.at - keep); err != nil {
		return err
	}
	z.at = keep
	start, err := z.src.Peek(inflatePad)
	if err != nil && err != io.EOF {
		return err
	}
	if err == io.EOF {
		z.real = copy(z.tail[:], start)
		clear(z.tail[z.real:])
		z.in, z.last = z.tail[:z.real+inflatePad], true
		return nil
	}
	z.in, err = z.src.Peek(z.src.Buffered())
	z.real = len(z.in)
	return err
}

// need makes sure that acc has at least 56 bits.
func (z *inflater) need() error {
	if err := z.fill(); err != nil {
		return err
	}
	z.acc |= binary.LittleEndian.Uint64(z.in[z.at:]) << z.have
	z.at += int((63 - z.have) >> 3)
	z.have |= 56
	return nil
}

// take returns the next n bits, which must be there.
func (z *inflater) take(n uint) int {
	v := z.acc & (1<<n - 1)
	z.acc >>= n
	z.have -= n
	return int(v)
}

// align gives back the whole bytes in acc and drops the bits of a byte that is begun.
func (z *inflater) align() {
	z.at -= int(z.have >> 3)
	z.acc, z.have = 0, 0
}

// header begins a block, or ends the stream after the last one.
func (z *inflater) header() error {
	if z.final {
		z.align()
		if z.at > z.real {
			return io.ErrUnexpectedEOF
		}
		if _, err := z.src.Discard(z.at); err != nil {
			return err
		}
		z.at, z.in, z.real = 0, nil, 0
		return io.EOF
	}
	if err := z.need(); err != nil {
		return err
	}
	z.final = z.take(1) == 1
	switch z.take(2) {
	case 0:
		return z.storedHeader()
	case 1:
		z.step = (*inflater).codes
		return z.fixedTables()
	case 2:
		z.step = (*inflater).codes
		return z.dynamicTables()
	}
	return fmt.Errorf("%w: unknown kind of block", errDeflate)
}

func (z *inflater) storedHeader() error {
	z.align()
	if err := z.need(); err != nil {
		return err
	}
	length, check := z.take(16), z.take(16)
	if length != check^0xffff {
		return fmt.Errorf("%w: length of a stored block", errDeflate)
	}
	z.align()
	z.left, z.step = length, (*inflater).stored
	return nil
}

// stored copies a block that is not compressed.
func (z *inflater) stored() error {
	for z.left > 0 {
		if z.wrote >= inflateLimit {
			return errMore
		}
		if err := z.fill(); err != nil {
			return err
		}
		if z.at >= z.real {
			return io.ErrUnexpectedEOF
		}
		n := copy(z.out[z.wrote:inflateLimit], z.in[z.at:min(z.at+z.left, z.real)])
		z.at, z.wrote, z.left = z.at+n, z.wrote+n, z.left-n
	}
	z.step = (*inflater).header
	return nil
}

// dynamicTables reads the codes of a block, the lengths of which are themselves coded.
func (z *inflater) dynamicTables() error {
	literals, distances, n := 257+z.take(5), 1+z.take(5), 4+z.take(4)
	if literals > 286 || distances > 30 {
		return fmt.Errorf("%w: too many codes", errDeflate)
	}
	var precode [len(precodeOrder)]uint8
	for _, symbol := range precodeOrder[:n] {
		if err := z.need(); err != nil {
			return err
		}
		precode[symbol] = uint8(z.take(3))
	}
	var table [1 << precodeBits]uint32
	if err := buildHuffman(table[:], precodeBits, precode[:], precodeResults[:]); err != nil {
		return err
	}
	all := z.lengths[:literals+distances]
	for i := 0; i < len(all); {
		if err := z.need(); err != nil {
			return err
		}
		entry := table[z.acc&(1<<precodeBits-1)]
		if entry&huffInvalid != 0 {
			return errHuffman
		}
		z.take(uint(entry & 0xff))
		symbol := uint8(entry >> 16)
		if symbol < 16 {
			all[i] = symbol
			i++
			continue
		}
		var repeat int
		var value uint8
		switch {
		case symbol == 16 && i == 0:
			return fmt.Errorf("%w: nothing to repeat", errDeflate)
		case symbol == 16:
			repeat, value = 3+z.take(2), all[i-1]
		case symbol == 17:
			repeat = 3 + z.take(3)
		default:
			repeat = 11 + z.take(7)
		}
		if repeat > len(all)-i {
			return fmt.Errorf("%w: too many code lengths", errDeflate)
		}
		for ; repeat > 0; repeat-- {
			all[i] = value
			i++
		}
	}
	if all[256] == 0 {
		return fmt.Errorf("%w: a block without an end", errDeflate)
	}
	return z.tables(all[:literals], all[literals:])
}

func (z *inflater) fixedTables() error {
	all := z.lengths[:literalSymbols+32]
	for i := range all {
		switch {
		case i < 144:
			all[i] = 8
		case i < 256:
			all[i] = 9
		case i < 280:
			all[i] = 7
		case i < literalSymbols:
			all[i] = 8
		default:
			all[i] = 5
		}
	}
	return z.tables(all[:literalSymbols], all[literalSymbols:])
}

func (z *inflater) tables(literals, distances []uint8) error {
	if err := buildHuffman(z.literals[:], literalBits, literals, literalResults[:]); err != nil {
		return err
	}
	return buildHuffman(z.distances[:], distanceBits, distances, distanceResults[:])
}
