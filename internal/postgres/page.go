package postgres

import "encoding/binary"

// A page is hashed as 32 interleaved streams of 32-bit words (a variant of FNV-1a) that are then folded into one.
const (
	checksumLanes = 32
	checksumPrime = 16777619
	checksumRow   = checksumLanes * 4 // bytes
	groupLanes    = 8                 // lanes hashed at once: as many as fit into the registers
)

// Offsets in a page header.
const (
	pageChecksumAt = 8
	pageUpperAt    = 14
)

var checksumSeeds = [checksumLanes]uint32{
	0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a, 0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c,
	0xf8d4474f, 0xe39eb970, 0x42c6ae16, 0x993216fa, 0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb,
	0xe58f764b, 0x187636bc, 0x5d7b3bb1, 0xe73de7de, 0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4,
	0x783125bb, 0x6ca8eaa2, 0xe407eac6, 0x4b5cfc3e, 0x9fbf8c76, 0x15ca20be, 0xf2ca9fd3, 0x959bd756,
}

// PageChecksum computes the checksum a page should carry. The length of the page must be a multiple of 128 bytes; block is its number
// in the whole relation. The checksum in the page itself does not count.
func PageChecksum(page []byte, block uint32) uint16 {
	sum := block
	// The field of the checksum is in the first row. Hashing a copy of that row keeps the loop free of a special case.
	var first [checksumRow]byte
	copy(first[:], page)
	first[pageChecksumAt], first[pageChecksumAt+1] = 0, 0
	rest := page[checksumRow:]
	for lane := 0; lane < checksumLanes; lane += groupLanes {
		sum ^= hashGroup(&first, rest, lane)
	}
	return uint16(sum%65535 + 1)
}

// hashGroup hashes groupLanes neighbouring lanes and folds them. The lanes do not depend on each other, which hides the time a
// multiplication takes.
func hashGroup(first *[checksumRow]byte, rest []byte, lane int) uint32 {
	at := lane * 4
	seeds := (*[groupLanes]uint32)(checksumSeeds[lane:])
	s0, s1, s2, s3 := seeds[0], seeds[1], seeds[2], seeds[3]
	s4, s5, s6, s7 := seeds[4], seeds[5], seeds[6], seeds[7]
	row := (*[groupLanes * 4]byte)(first[at:])
	for {
		s0, s1 = mix(s0, word(row, 0)), mix(s1, word(row, 4))
		s2, s3 = mix(s2, word(row, 8)), mix(s3, word(row, 12))
		s4, s5 = mix(s4, word(row, 16)), mix(s5, word(row, 20))
		s6, s7 = mix(s6, word(row, 24)), mix(s7, word(row, 28))
		if at+groupLanes*4 > len(rest) {
			break
		}
		row = (*[groupLanes * 4]byte)(rest[at:])
		at += checksumRow
	}
	for range 2 {
		s0, s1, s2, s3 = mix(s0, 0), mix(s1, 0), mix(s2, 0), mix(s3, 0)
		s4, s5, s6, s7 = mix(s4, 0), mix(s5, 0), mix(s6, 0), mix(s7, 0)
	}
	return s0 ^ s1 ^ s2 ^ s3 ^ s4 ^ s5 ^ s6 ^ s7
}

func mix(s, word uint32) uint32 {
	t := s ^ word
	return t*checksumPrime ^ t>>17
}

func word(row *[groupLanes * 4]byte, at int) uint32 {
	return binary.LittleEndian.Uint32(row[at : at+4])
}

func zeroPage(page []byte) bool {
	var any uint64
	for len(page) >= 32 {
		any |= binary.LittleEndian.Uint64(page) | binary.LittleEndian.Uint64(page[8:]) |
			binary.LittleEndian.Uint64(page[16:]) | binary.LittleEndian.Uint64(page[24:])
		if any != 0 {
			return false
		}
		page = page[32:]
	}
	for _, b := range page {
		any |= uint64(b)
	}
	return any == 0
}
