package filter

import (
	"errors"
	"math/bits"
)

// Entries of decoding tables. A literal or length is looked up by its next 11 bits, a distance by its next 8. Codes that are longer go
// on in a second table, whose place the entry of their first bits holds.
//
//	bits  0-7   how many bits to take: of the code and of the extra bits after it
//	bits  8-12  how many of them are the code's
//	bits 16-30  literal, or length or distance to which the extra bits are added, or where the second table begins
const (
	huffLiteral = 1 << 31
	huffSub     = 1 << 13 // go on in a second table; bits 8-12: how many bits index it
	huffEnd     = 1 << 14 // end of block
	huffInvalid = 1 << 15 // no such code
	huffSpecial = huffSub | huffEnd | huffInvalid

	literalBits  = 11
	distanceBits = 8
	precodeBits  = 7

	// The largest tables that complete codes of 288 and 32 symbols of up to 15 bits need, as zlib's program enough counts them.
	literalTable  = 2342
	distanceTable = 402

	maxCodeBits    = 15
	literalSymbols = 288
)

var errHuffman = errors.New("invalid code lengths")

// buildHuffman fills a table for a canonical code: lengths[s] is the length of symbol s in bits, 0 if it does not occur. The entry of
// a symbol is results[s], its code's length added. A code may only be incomplete if it has at most one symbol, of one bit.
func buildHuffman(table []uint32, tableBits int, lengths []uint8, results []uint32) error {
	var count, first [maxCodeBits + 1]int // symbols of each length, and where they begin in sorted
	for _, n := range lengths {
		count[n]++
	}
	count[0] = 0
	longest, left, total := 0, 1, 0
	for n := 1; n <= maxCodeBits; n++ {
		first[n] = total
		total += count[n]
		if left = left<<1 - count[n]; left < 0 {
			return errHuffman
		}
		if count[n] > 0 {
			longest = n
		}
	}
	if left > 0 {
		if longest > 1 {
			return errHuffman
		}
		for i := range table[:1<<tableBits] {
			table[i] = huffInvalid
		}
	}
	var sorted [literalSymbols]uint16
	for s, n := range lengths {
		if n > 0 {
			sorted[first[n]] = uint16(s)
			first[n]++
		}
	}
	sub := subTables{table: table, bits: tableBits, longest: longest, count: &count, end: 1 << tableBits, prefix: -1}
	code, length := 0, 1
	for _, s := range sorted[:total] {
		n := int(lengths[s])
		code <<= n - length
		length = n
		reversed := int(bits.Reverse16(uint16(code)) >> (16 - n))
		code++
		entry := results[s] + uint32(n)<<8 + uint32(n)
		if n > tableBits {
			sub.add(reversed, n, entry)
			continue
		}
		for at := reversed; at < 1<<tableBits; at += 1 << n {
			table[at] = entry
		}
	}
	return nil
}

// subTables makes the second tables. Codes come in the order of their values, so those with the same first bits follow each other.
type subTables struct {
	table   []uint32
	bits    int // of the first table
	longest int
	count   *[maxCodeBits + 1]int // codes by length; of the longer ones, those not added yet
	start   int                   // of the current second table
	end     int
	width   int // in bits
	prefix  int // the first bits of the codes in it
}

func (t *subTables) add(reversed, n int, entry uint32) {
	if prefix := reversed & (1<<t.bits - 1); prefix != t.prefix {
		t.open(prefix, n)
	}
	t.count[n]--
	n -= t.bits
	for at := reversed >> t.bits; at < 1<<t.width; at += 1 << n {
		t.table[t.start+at] = entry - uint32(t.bits)<<8 - uint32(t.bits)
	}
}

// open begins the table of the codes with a prefix, the first of which has n bits. It is as wide as the longest code in it.
func (t *subTables) open(prefix, n int) {
	t.width = n - t.bits
	for left := 1<<t.width - t.count[n]; left > 0 && t.width+t.bits < t.longest; {
		t.width++
		left = left<<1 - t.count[t.width+t.bits]
	}
	t.prefix, t.start = prefix, t.end
	t.end += 1 << t.width
	t.table[prefix] = huffSub | uint32(t.start)<<16 | uint32(t.width)<<8 | uint32(t.bits)
}
