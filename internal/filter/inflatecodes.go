package filter

import (
	"encoding/binary"
	"fmt"
)

// codes decodes literals and matches until the block ends or out is full. Local variables stand for fields: that is what keeps them
// in registers.
func (z *inflater) codes() error {
	acc, have, at, wrote := z.acc, z.have, z.at, z.wrote
	in := z.in
	for wrote < inflateLimit {
		if len(in)-at < 8 {
			z.have, z.at = have, at
			if err := z.fill(); err != nil {
				return err
			}
			in, at = z.in, z.at
		}
		acc |= binary.LittleEndian.Uint64(in[at:]) << (have & 63)
		at += int((63 - have) >> 3)
		have |= 56

		// The bits are enough for two literals and the literal or length that follows, or for a length and its distance.
		entry := z.literals[acc&(1<<literalBits-1)]
		for range 2 {
			if entry&huffLiteral == 0 {
				break
			}
			z.out[wrote&(inflateBuffer-1)] = byte(entry >> 16)
			wrote++
			acc >>= entry & 63
			have -= uint(entry & 63)
			entry = z.literals[acc&(1<<literalBits-1)]
		}
		if entry&huffLiteral == 0 && have < 48 {
			continue // for more bits
		}
		if entry&huffSub != 0 {
			acc >>= entry & 63
			have -= uint(entry & 63)
			entry = z.second(z.literals[:], entry, acc)
		}
		if entry&huffLiteral != 0 {
			z.out[wrote&(inflateBuffer-1)] = byte(entry >> 16)
			wrote++
			acc >>= entry & 63
			have -= uint(entry & 63)
			continue
		}
		if entry&huffSpecial != 0 {
			acc >>= entry & 63
			have -= uint(entry & 63)
			z.acc, z.have, z.at, z.wrote = acc, have, at, wrote
			if entry&huffInvalid != 0 {
				return fmt.Errorf("%w: invalid literal or length", errDeflate)
			}
			z.step = (*inflater).header
			return nil
		}
		length := int(entry>>16&0x7fff) + int(acc&(1<<(entry&63)-1)>>(entry>>8&31))
		acc >>= entry & 63
		have -= uint(entry & 63)

		entry = z.distances[acc&(1<<distanceBits-1)]
		if entry&huffSub != 0 {
			acc >>= entry & 63
			have -= uint(entry & 63)
			entry = z.second(z.distances[:], entry, acc)
		}
		if entry&huffInvalid != 0 {
			z.have, z.at = have, at // next looks whether the input had ended already
			return fmt.Errorf("%w: invalid distance", errDeflate)
		}
		distance := int(entry>>16&0x7fff) + int(acc&(1<<(entry&63)-1)>>(entry>>8&31))
		acc >>= entry & 63
		have -= uint(entry & 63)
		if distance > wrote {
			z.have, z.at = have, at
			return fmt.Errorf("%w: distance too far back", errDeflate)
		}
		z.match(wrote, distance, length)
		wrote += length
	}
	z.acc, z.have, z.at, z.wrote = acc, have, at, wrote
	return errMore
}

func (z *inflater) second(table []uint32, entry uint32, acc uint64) uint32 {
	return table[entry>>16+uint32(acc)&(1<<(entry>>8&31)-1)]
}

// match repeats what was decoded distance bytes ago. Up to seven bytes beyond its end are written too.
func (z *inflater) match(to, distance, length int) {
	from, end := to-distance, to+length
	if distance < 8 { // repeat it until a word further back, by a multiple of distance, is all there
		for back := (7 + distance) / distance * distance; to < end && to-from < back; to++ {
			z.out[to] = z.out[to-distance]
		}
	}
	for ; to < end; to, from = to+8, from+8 {
		z.store(to, z.load(from))
	}
}

// load reads eight bytes of out. The mask changes nothing; it tells the compiler that no check is needed.
func (z *inflater) load(at int) uint64 {
	at &= inflateBuffer - 1
	return binary.LittleEndian.Uint64(z.out[at : at+8])
}

func (z *inflater) store(at int, v uint64) {
	at &= inflateBuffer - 1
	binary.LittleEndian.PutUint64(z.out[at:at+8], v)
}

// The order in which the lengths of the code for code lengths come, and what the symbols of each code stand for.
var (
	precodeOrder    = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	precodeResults  = precodeSymbols()
	literalResults  = literalSymbolTable()
	distanceResults = distanceSymbolTable()
)

func precodeSymbols() (all [19]uint32) {
	for i := range all {
		all[i] = uint32(i) << 16
	}
	return all
}

func literalSymbolTable() (all [literalSymbols]uint32) {
	for i := range 256 {
		all[i] = huffLiteral | uint32(i)<<16
	}
	all[256] = huffEnd
	base := uint32(3)
	for i := uint32(0); i < 28; i++ {
		extra := max(i/4, 1) - 1
		all[257+i] = base<<16 | extra
		base += 1 << extra
	}
	all[285] = inflateMatch << 16
	all[286], all[287] = huffInvalid, huffInvalid
	return all
}

func distanceSymbolTable() (all [32]uint32) {
	base := uint32(1)
	for i := uint32(0); i < 30; i++ {
		extra := max(i/2, 1) - 1
		all[i] = base<<16 | extra
		base += 1 << extra
	}
	all[30], all[31] = huffInvalid, huffInvalid
	return all
}
