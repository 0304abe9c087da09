package block

import (
	"encoding/binary"

	"holdfast/internal/errs"
)

// Map says where every block of a file lies.
type Map struct {
	BlockSize    int64
	ChecksumSize int
	Blocks       []Block // in the order of the file
}

// Block is one block of a file. Blocks of the same super block agree in all but Number and Sum.
type Block struct {
	Reference int   // index into the reference list of the manifest
	Bundle    int64 // number of the bundle the super block lies in, 0 for a file of its own
	Offset    int64 // of the super block in the bundle or file
	Stored    int64 // bytes the super block takes there
	Super     int64 // bytes of the plain super block
	Number    int64 // of the block in the super block
	Sum       Sum
}

// sameSuper reports whether two blocks of one reference lie in the same super block.
func (b *Block) sameSuper(o *Block) bool { return b.Bundle == o.Bundle && b.Offset == o.Offset }

// Flags in the first number of a run of blocks with the same reference ...
const (
	runLast     = 1 << iota // no run follows
	runBundle               // first run of the reference: the bundle follows; later: the run continues a super block
	runOffset               // first run: the offset follows; later: a gap follows, or the continued super block is the only one
	runContinue = runBundle
)

// ... and in that of a super block.
const (
	superLast  = 1 << iota // no super block follows in the run
	superSize              // the plain size follows
	superTotal             // the number of blocks follows
)

// track is what encoder and decoder remember of a reference.
type track struct {
	seen           bool
	bundle, offset int64
	stored, super  int64
	next           int64 // number of the next block in the super block
}

// full is how many blocks a super block of a plain size has.
func full(super, block int64) int64 { return (super + block - 1) / block }

// DecodeMap reads a map. The sizes come from the manifest.
func DecodeMap(b []byte, blockSize int64, checksumSize int) (*Map, error) {
	if blockSize <= 0 || checksumSize < 1 || checksumSize > MaxChecksumSize {
		return nil, errs.New(errs.Format, "invalid block size %d or checksum size %d", blockSize, checksumSize)
	}
	d := &decoder{in: b, m: &Map{BlockSize: blockSize, ChecksumSize: checksumSize}, tracks: map[int]*track{}}
	if version := d.number(); version&1 != 0 && d.err == nil {
		return nil, errs.New(errs.Format, "block map version must be zero")
	}
	for more := true; more && d.err == nil; {
		more = d.run()
	}
	if d.err == nil && len(d.in) > 0 {
		d.fail("has %d byte(s) too many", len(d.in))
	}
	return d.m, d.err
}

// maxSuper is larger than any super block that can be configured. It keeps a damaged map from asking for all memory there is.
const maxSuper = 1 << 28

type decoder struct {
	in     []byte
	m      *Map
	tracks map[int]*track
	last   int64 // stored size of the super block before
	err    error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = errs.New(errs.Format, "block map "+format, args...)
	}
}

// number reads a varint.
func (d *decoder) number() int64 {
	v, n := binary.Uvarint(d.in)
	if n <= 0 || v > 1<<62 {
		d.fail("ends early or has a number out of range")
		d.in = nil
		return 0
	}
	d.in = d.in[n:]
	return int64(v)
}

// run reads the blocks of one run and reports whether another follows.
func (d *decoder) run() bool {
	ref := d.number()
	index, flags := int(ref>>3), ref&7
	t := d.tracks[index]
	if t == nil {
		t = &track{super: d.m.BlockSize}
		d.tracks[index] = t
	}
	continued := false
	switch {
	case !t.seen:
		if flags&runBundle != 0 {
			t.bundle = d.number()
		}
		if flags&runOffset != 0 {
			t.offset = d.number()
		}
		t.seen = true
	case flags&runContinue != 0:
		continued = true
	default:
		t.offset += t.stored
		if flags&runOffset != 0 {
			t.offset += d.number()
		}
	}
	d.supers(index, t, continued, flags&runOffset != 0)
	return flags&runLast == 0
}

// supers reads the super blocks of a run.
func (d *decoder) supers(index int, t *track, continued, only bool) {
	for first := true; d.err == nil; first = false {
		flags := int64(superTotal)
		if first && continued {
			if only {
				flags |= superLast
			}
			d.last = t.stored
		} else {
			if !first {
				t.offset += t.stored
			}
			flags = d.super(t)
		}
		count := full(t.super, d.m.BlockSize)
		if flags&superTotal != 0 {
			total := d.number()
			count = total>>1 + 1
			if total&1 != 0 {
				t.next += d.number()
			}
		}
		d.blocks(index, t, count)
		if flags&superLast != 0 {
			return
		}
	}
}

// super reads the sizes of a super block.
func (d *decoder) super(t *track) (flags int64) {
	v := d.number()
	flags, v = v&7, v>>3
	if d.last == 0 {
		t.stored = v
	} else {
		t.stored = d.last + (v>>1 ^ -(v & 1))
	}
	if t.stored <= 0 || t.stored > maxSuper {
		d.fail("has a super block of %d byte(s)", t.stored)
	}
	d.last = t.stored
	t.next = 0
	if flags&superSize == 0 {
		return flags
	}
	size := d.number()
	if size>>1 > maxSuper/d.m.BlockSize {
		d.fail("has a super block of %d blocks", size>>1)
		return flags
	}
	t.super = size >> 1 * d.m.BlockSize
	if size&1 != 0 {
		t.super += d.number()
	}
	if t.super <= 0 || t.super > maxSuper {
		d.fail("has a super block of %d plain byte(s)", t.super)
	}
	return flags
}

// blocks reads the checksums of blocks that follow each other in a super block.
func (d *decoder) blocks(index int, t *track, count int64) {
	n := int64(d.m.ChecksumSize)
	if count > int64(len(d.in))/n {
		d.fail("ends early")
		return
	}
	if t.next+count > full(t.super, d.m.BlockSize) {
		d.fail("has a block that lies outside its super block")
		return
	}
	for range count {
		b := Block{
			Reference: index, Bundle: t.bundle, Offset: t.offset, Stored: t.stored, Super: t.super, Number: t.next,
		}
		copy(b.Sum[:], d.in[:n])
		d.in = d.in[n:]
		t.next++
		d.m.Blocks = append(d.m.Blocks, b)
	}
}

// Encode renders a map.
func (m *Map) Encode() []byte {
	e := &encoder{m: m, tracks: map[int]*track{}}
	e.number(0)
	for blocks := m.Blocks; len(blocks) > 0; {
		n := 1
		for n < len(blocks) && blocks[n].Reference == blocks[0].Reference {
			n++
		}
		e.run(blocks[:n], n == len(blocks))
		blocks = blocks[n:]
	}
	return e.out
}

type encoder struct {
	m      *Map
	out    []byte
	tracks map[int]*track
	last   int64
}

func (e *encoder) number(v int64) { e.out = binary.AppendUvarint(e.out, uint64(v)) }

// run writes consecutive blocks with the same reference.
func (e *encoder) run(blocks []Block, last bool) {
	first := &blocks[0]
	supers := split(blocks)
	ref := int64(first.Reference) << 3
	if last {
		ref |= runLast
	}
	t := e.tracks[first.Reference]
	continued := false
	switch {
	case t == nil:
		t = &track{super: e.m.BlockSize}
		e.tracks[first.Reference] = t
		e.start(ref, first)
	case first.Offset == t.offset:
		continued = true
		ref |= runContinue
		if len(supers) == 1 {
			ref |= runOffset
		}
		e.number(ref)
	default:
		if gap := first.Offset - t.offset - t.stored; gap > 0 {
			e.number(ref | runOffset)
			e.number(gap)
		} else {
			e.number(ref)
		}
	}
	for i, s := range supers {
		e.super(t, s, continued && i == 0, i == len(supers)-1)
	}
}

// start writes the first run of a reference.
func (e *encoder) start(ref int64, first *Block) {
	if first.Bundle != 0 {
		ref |= runBundle
	}
	if first.Offset != 0 {
		ref |= runOffset
	}
	e.number(ref)
	if first.Bundle != 0 {
		e.number(first.Bundle)
	}
	if first.Offset != 0 {
		e.number(first.Offset)
	}
}

// split cuts a run where a new super block begins.
func split(run []Block) [][]Block {
	var supers [][]Block
	from := 0
	for i := 1; i <= len(run); i++ {
		if i == len(run) || !run[i].sameSuper(&run[from]) {
			supers = append(supers, run[from:i])
			from = i
		}
	}
	return supers
}

// super writes the blocks of a run that lie in one super block.
func (e *encoder) super(t *track, blocks []Block, continued, last bool) {
	b := &blocks[0]
	if continued {
		e.last = t.stored
	} else {
		e.sizes(t, b, int64(len(blocks)), last)
	}
	count := int64(len(blocks))
	if continued || b.Number != 0 || count != full(b.Super, e.m.BlockSize) {
		total := (count - 1) << 1
		if skip := b.Number - t.next; skip > 0 {
			e.number(total | 1)
			e.number(skip)
		} else {
			e.number(total)
		}
	}
	for i := range blocks {
		e.out = append(e.out, blocks[i].Sum[:e.m.ChecksumSize]...)
	}
	t.next = b.Number + count
}

// sizes writes the sizes of a super block.
func (e *encoder) sizes(t *track, b *Block, count int64, last bool) {
	v := b.Stored
	if e.last != 0 {
		d := b.Stored - e.last
		v = d<<1 ^ d>>63
	}
	v <<= 3
	if last {
		v |= superLast
	}
	if b.Super != t.super {
		v |= superSize
	}
	if b.Number != 0 || count != full(b.Super, e.m.BlockSize) {
		v |= superTotal
	}
	e.number(v)
	if b.Super != t.super {
		blocks, rest := b.Super/e.m.BlockSize, b.Super%e.m.BlockSize
		if rest != 0 {
			e.number(blocks<<1 | 1)
			e.number(rest)
		} else {
			e.number(blocks << 1)
		}
	}
	*t = track{seen: true, bundle: b.Bundle, offset: b.Offset, stored: b.Stored, super: b.Super}
	e.last = b.Stored
}
