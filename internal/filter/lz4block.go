package filter

import (
	"encoding/binary"
	"math/bits"
)

// The window and block size of LZ4 frames: matches reach back 64 KiB, also across blocks.
const (
	lz4BlockSize  = 64 << 10
	lz4Window     = 64 << 10
	lz4BufferSize = lz4Window + 3*lz4BlockSize // history is moved to the front once in three blocks; a power of two, see load
	lz4Slack      = 16                         // may be read or written beyond the end, so that short copies have a fixed size
	lz4HashBits   = 12
	lz4MinMatch   = 4
	lz4LastMatch  = 12 // no match begins in the last 12 bytes of a block
	lz4Literals   = 5  // and the last 5 are literals
	lz4MaxBlock   = lz4BlockSize + lz4BlockSize/255 + 16 + lz4Slack
	lz4SkipShift  = 3 // after 8 misses steps grow: what hardly compresses is passed over quickly
)

// lz4Finder finds matches greedily: one table of positions by the hash of the next five bytes, steps that grow where nothing
// matches. Blocks see the 64 KiB before them, which gains a few per cent over independent blocks of that size.
type lz4Finder struct {
	buf   [lz4BufferSize + lz4Slack]byte
	table [1 << lz4HashBits]uint32 // position in buf plus base
	base  uint32                   // never below the window, so that 0 in the table is out of reach
}

func (f *lz4Finder) reset() {
	f.base = lz4Window
	clear(f.table[:])
}

// slide keeps the window before end and moves it to the front of buf. It returns the new end.
func (f *lz4Finder) slide(end int) int {
	if end <= lz4Window {
		return end
	}
	copy(f.buf[:], f.buf[end-lz4Window:end])
	moved := uint32(end - lz4Window)
	if f.base > 1<<31 {
		f.reset()
	} else {
		f.base += moved
	}
	return lz4Window
}

func lz4Hash(v uint64) uint32 {
	const prime = 889523592379
	return uint32((v << 24) * prime >> (64 - lz4HashBits))
}

// load reads the eight bytes at a position. The mask changes nothing; it tells the compiler that no check is needed.
func (f *lz4Finder) load(at int) uint64 {
	at &= lz4BufferSize - 1
	return binary.LittleEndian.Uint64(f.buf[at : at+8])
}

// compress writes buf[start:end] as one LZ4 block into dst, which holds lz4MaxBlock bytes, and returns its length. Each step of
// acceleration trades size for speed; 1 is normal.
func (f *lz4Finder) compress(dst []byte, start, end, acceleration int) int {
	src := f.buf[:end]
	base := f.base
	anchor, at, out := start, start, 0
	limit := end - lz4LastMatch
	if end-start <= lz4LastMatch {
		return lz4Last(dst, src[anchor:], 0)
	}
	for {
		var match int
		for tries, step := acceleration<<lz4SkipShift, 1; ; {
			v := f.load(at)
			slot := &f.table[lz4Hash(v)]
			pos := uint32(at) + base
			distance := pos - *slot
			*slot = pos
			if distance <= lz4Window-1 {
				match = at - int(distance)
				if uint32(f.load(match)) == uint32(v) {
					break
				}
			}
			at += step
			step = tries >> lz4SkipShift
			tries++
			if at > limit {
				return lz4Last(dst, src[anchor:], out)
			}
		}
		for at > anchor && match > 0 && src[at-1] == src[match-1] {
			at--
			match--
		}
		for {
			length := lz4MinMatch + matchLen(src[at+lz4MinMatch:end-lz4Literals], src[match+lz4MinMatch:])
			out = f.sequence(dst, out, anchor, at, at-match, length)
			at += length
			anchor = at
			if at > limit {
				return lz4Last(dst, src[anchor:], out)
			}
			v := f.load(at - 2)
			f.table[lz4Hash(v)] = uint32(at-2) + base
			v = f.load(at)
			slot := &f.table[lz4Hash(v)]
			pos := uint32(at) + base
			distance := pos - *slot
			*slot = pos
			if distance > lz4Window-1 {
				break
			}
			match = at - int(distance)
			if uint32(f.load(match)) != uint32(v) {
				break
			}
		}
		at++
		if at > limit {
			return lz4Last(dst, src[anchor:], out)
		}
	}
}

// matchLen counts equal bytes at the beginning of a and b, b being at least as long.
func matchLen(a, b []byte) int {
	n := 0
	for len(a) >= 8 {
		if x := binary.LittleEndian.Uint64(a) ^ binary.LittleEndian.Uint64(b); x != 0 {
			return n + bits.TrailingZeros64(x)>>3
		}
		n, a, b = n+8, a[8:], b[8:]
	}
	for i := range a {
		if a[i] != b[i] {
			break
		}
		n++
	}
	return n
}

// sequence appends the literals buf[from:at] and a match to dst at out and returns the new end.
func (f *lz4Finder) sequence(dst []byte, out, from, at, distance, length int) int {
	token := out
	out++
	length -= lz4MinMatch
	n := at - from
	if n < 15 {
		dst[token] = byte(n<<4 | min(length, 15))
		lit := f.buf[from : from+16 : from+16]
		to := dst[out : out+16 : out+16]
		binary.LittleEndian.PutUint64(to, binary.LittleEndian.Uint64(lit))
		binary.LittleEndian.PutUint64(to[8:], binary.LittleEndian.Uint64(lit[8:]))
		out += n
	} else {
		dst[token] = byte(15<<4 | min(length, 15))
		out = lz4Length(dst, out, n-15)
		out += copy(dst[out:], f.buf[from:at])
	}
	binary.LittleEndian.PutUint16(dst[out:], uint16(distance))
	out += 2
	if length >= 15 {
		out = lz4Length(dst, out, length-15)
	}
	return out
}

// lz4Last appends the literals that end a block.
func lz4Last(dst, literals []byte, out int) int {
	dst[out] = byte(min(len(literals), 15) << 4)
	out++
	if len(literals) >= 15 {
		out = lz4Length(dst, out, len(literals)-15)
	}
	return out + copy(dst[out:], literals)
}

func lz4Length(dst []byte, out, n int) int {
	for ; n >= 255; n -= 255 {
		dst[out] = 255
		out++
	}
	dst[out] = byte(n)
	return out + 1
}
