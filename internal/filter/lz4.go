package filter

import "encoding/binary"

// Fields of the LZ4 frame descriptor.
const (
	lz4Magic             = 0x184d2204
	lz4Version           = 1 << 6
	lz4VersionMask       = 3 << 6
	lz4LinkedBlocks      = 0
	lz4IndependentBlocks = 1 << 5
	lz4BlockChecksum     = 1 << 4
	lz4ContentSize       = 1 << 3
	lz4ContentChecksum   = 1 << 2
	lz4Reserved          = 1<<1 | 1 // a bit that must be zero, and dictionaries
	lz4Size64K           = 4 << 4   // maximum block sizes
	lz4Size256K          = 5 << 4
	lz4Stored            = 1 << 31 // in the size of a block that is not compressed
)

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

// content counts a block in the checksum, if there is one: it takes a tenth of the time of compressing.
func (f *lz4Frame) content(plain []byte) {
	if f.flags&lz4ContentChecksum != 0 {
		f.sum.Write(plain)
	}
}

func (f *lz4Frame) end(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, 0)
	if f.flags&lz4ContentChecksum != 0 {
		b = binary.LittleEndian.AppendUint32(b, f.sum.value())
	}
	return b
}
