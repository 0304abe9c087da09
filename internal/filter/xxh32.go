package filter

import (
	"encoding/binary"
	"math/bits"
)

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
