// Package pgtest makes PostgreSQL things for tests: control files, WAL segments, pages and small data directories of any version out
// of nothing, and real clusters where a server is installed.
//
// What it makes out of nothing is written from the published layouts on its own, not with the code it is there to test.
package pgtest

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"

	"holdfast/internal/postgres"
)

// DefaultSystemID is the system identifier of what is made without another.
const DefaultSystemID = 7000000000000000001

// ControlOptions are the fields of a control file that tests choose. The zero value makes an ordinary one.
type ControlOptions struct {
	SystemID        uint64
	ControlVersion  uint32 // 0: that of the version
	CatalogVersion  uint32 // 0: that of the version
	Checkpoint      postgres.LSN
	Timeline        uint32 // 0: 1
	PageSize        uint32 // 0: 8192
	WALSegmentSize  uint32 // 0: 16 MiB
	ChecksumVersion uint32 // 1: pages have checksums
	CRCDelta        int    // moves the CRC, as in forks with fields of their own
}

type layout struct {
	control, catalog                          uint32
	magic                                     uint16
	timeline, page, segment, checksum, crcPos int
}

func layoutOf(v postgres.Version) layout {
	switch v {
	case postgres.Version96:
		return layout{960, 201608131, 0xD093, 56, 216, 228, 252, 256}
	case postgres.Version10:
		return layout{1002, 201707211, 0xD097, 56, 216, 228, 252, 288}
	case postgres.Version11:
		return layout{1100, 201809051, 0xD098, 48, 208, 220, 244, 280}
	case postgres.Version12:
		return layout{1201, 201909212, 0xD101, 48, 216, 228, 252, 288}
	case postgres.Version13:
		return layout{1300, 202007201, 0xD106, 48, 216, 228, 252, 288}
	case postgres.Version14:
		return layout{1300, 202107181, 0xD10D, 48, 216, 228, 252, 288}
	case postgres.Version15:
		return layout{1300, 202209061, 0xD110, 48, 216, 228, 252, 288}
	case postgres.Version16:
		return layout{1300, 202307071, 0xD113, 48, 216, 228, 252, 288}
	case postgres.Version17:
		return layout{1700, 202406281, 0xD116, 48, 216, 228, 252, 288}
	case postgres.Version18:
		return layout{1800, 202506291, 0xD118, 48, 216, 228, 252, 292}
	case postgres.Version19:
		return layout{1905, 202610061, 0xD122, 48, 224, 240, 264, 308}
	}
	panic("pgtest: no layout of PostgreSQL " + v.String())
}

// CatalogVersion is the catalog version of a major version.
func CatalogVersion(v postgres.Version) uint32 { return layoutOf(v).catalog }

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// BuildControl makes a control file.
func BuildControl(v postgres.Version, o ControlOptions) []byte {
	l, le := layoutOf(v), binary.LittleEndian
	b := make([]byte, 8192)
	le.PutUint64(b[0:], or(o.SystemID, DefaultSystemID))
	le.PutUint32(b[8:], or(o.ControlVersion, l.control))
	le.PutUint32(b[12:], or(o.CatalogVersion, l.catalog))
	le.PutUint64(b[32:], uint64(o.Checkpoint))
	le.PutUint32(b[l.timeline:], or(o.Timeline, 1))
	le.PutUint32(b[l.page:], or(o.PageSize, 8192))
	le.PutUint32(b[l.segment:], or(o.WALSegmentSize, 16<<20))
	le.PutUint32(b[l.checksum:], o.ChecksumVersion)
	crcPos := l.crcPos + o.CRCDelta
	le.PutUint32(b[crcPos:], crc32.Checksum(b[:crcPos], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// WALOptions describes a WAL segment. The zero value makes an ordinary one.
type WALOptions struct {
	SystemID    uint64
	SegmentSize uint32 // 0: 16 MiB
	Magic       uint16 // 0: that of the version
	Short       bool   // without the long page header, as no first page is
	Seed        uint64 // segments with different seeds differ
	Fill        int    // bytes after the header that are not zero
}

// BuildWAL makes a WAL segment: a header, as many random bytes as wanted, and zeros.
func BuildWAL(v postgres.Version, o WALOptions) []byte {
	size, le := or(o.SegmentSize, 16<<20), binary.LittleEndian
	b := make([]byte, size)
	le.PutUint16(b[0:], or(o.Magic, layoutOf(v).magic))
	if !o.Short {
		le.PutUint16(b[2:], 2)
	}
	le.PutUint64(b[24:], or(o.SystemID, DefaultSystemID))
	le.PutUint32(b[32:], size)
	le.PutUint64(b[40:], o.Seed)
	fillRandom(b[48:min(48+o.Fill, len(b))], o.Seed)
	return b
}

// BuildPage makes a page of random bytes with a valid header and checksum.
func BuildPage(size int, block uint32, seed uint64) []byte {
	page := make([]byte, size)
	fillRandom(page, seed)
	le := binary.LittleEndian
	le.PutUint16(page[12:], 28)
	le.PutUint16(page[14:], 1024)
	le.PutUint16(page[8:], pageChecksum(page, block))
	return page
}

// BuildRelation makes the content of a relation file, or of the part of one with that number.
func BuildRelation(pageSize, pages int, segment uint32, seed uint64) []byte {
	b := make([]byte, 0, pages*pageSize)
	for i := range pages {
		block := segment*uint32((1<<30)/pageSize) + uint32(i)
		b = append(b, BuildPage(pageSize, block, seed+uint64(i))...)
	}
	return b
}

func fillRandom(b []byte, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, r.Uint64())
		b = b[8:]
	}
	for i := range b {
		b[i] = byte(r.Uint64())
	}
}

// pageChecksum computes a page checksum in the plainest way there is.
func pageChecksum(page []byte, block uint32) uint16 {
	lanes := [32]uint32{
		0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
		0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
		0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
		0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
	}
	step := func(lane int, word uint32) {
		t := lanes[lane] ^ word
		lanes[lane] = t*16777619 ^ t>>17
	}
	for i := 0; i < len(page)/4; i++ {
		word := binary.LittleEndian.Uint32(page[i*4:])
		if i == 2 {
			word &= 0xFFFF0000
		}
		step(i%32, word)
	}
	sum := block
	for lane := range lanes {
		step(lane, 0)
		step(lane, 0)
		sum ^= lanes[lane]
	}
	return uint16(sum%65535 + 1)
}
