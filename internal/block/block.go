// Package block stores a file as the blocks that changed since an earlier backup.
//
// A file is cut into blocks of one size. Blocks that are new or changed are gathered, in the order of the file, into super blocks,
// and each super block is compressed and encrypted as a whole. After the super blocks comes the map: it lists every block of the file
// with its checksum and says where it lies, in this backup or an earlier one, so that the newest map alone describes the file.
//
//	file:   block 0 | block 1 | block 2 | block 3          (1 and 2 changed)
//	stored: super block (blocks 1, 2) | map (0: earlier, 1 and 2: here, 3: earlier)
//
// Writer makes the stored form, DecodeMap and Plan take it apart; where super blocks are fetched from is up to the caller.
package block

import (
	"time"

	"github.com/zeebo/xxh3"
)

// Sizes decides how a file is cut. The zero value is what the original program does by default.
type Sizes struct {
	BySize   []Step // minimum file size in bytes, block size in bytes
	ByAge    []Step // minimum age in seconds, factor of the block size; 0 excludes the file
	Checksum []Step // minimum block size in bytes, checksum size in bytes
}

// Step is a row of a table: the value holds from a minimum on, up to the next row.
type Step struct{ From, Value int64 }

const (
	kib = 1 << 10
	mib = 1 << 20
	day = 24 * 60 * 60
)

var (
	bySize = []Step{
		{16 * kib, 8 * kib}, {11 * mib, 16 * kib}, {43 * mib, 24 * kib}, {96 * mib, 32 * kib}, {146 * mib, 40 * kib},
		{228 * mib, 48 * kib}, {329 * mib, 56 * kib}, {448 * mib, 64 * kib}, {585 * mib, 72 * kib}, {740 * mib, 80 * kib},
		{914 * mib, 88 * kib},
	}
	byAge    = []Step{{0, 1}, {7 * day, 2}, {14 * day, 4}, {28 * day, 0}}
	checksum = []Step{
		{0, 6}, {32 * kib, 7}, {128 * kib, 8}, {512 * kib, 9}, {1 * mib, 10}, {2 * mib, 11}, {4 * mib, 12},
	}
)

// Unit is what block sizes are multiples of; manifests record them divided by it.
const Unit = 8 * kib

// DefaultChecksumSize is the checksum size that manifests do not record.
const DefaultChecksumSize = 6

// Block returns the block size for a file, 0 if it is to be stored whole.
func (s Sizes) Block(size int64, age time.Duration) int64 {
	block := lookup(s.BySize, bySize, size, 0)
	return block * lookup(s.ByAge, byAge, int64(age/time.Second), 1)
}

// ChecksumSize returns how many bytes of checksum go with a block size.
func (s Sizes) ChecksumSize(block int64) int {
	return int(lookup(s.Checksum, checksum, block, DefaultChecksumSize))
}

// lookup finds the value of the last row whose minimum is reached. Rows need no order.
func lookup(own, usual []Step, at, none int64) int64 {
	rows := own
	if rows == nil {
		rows = usual
	}
	from, value := int64(-1), none
	for _, row := range rows {
		if row.From <= at && row.From > from {
			from, value = row.From, row.Value
		}
	}
	return value
}

// Super returns the size of a super block: the target, rounded up to whole blocks.
func Super(target, block int64) int64 { return max(1, (target+block-1)/block) * block }

// MaxChecksumSize is the length of the full checksum, of which maps keep the first bytes.
const MaxChecksumSize = 16

// Sum is the checksum of a block, XXH3 with 128 bits, high half first.
type Sum [MaxChecksumSize]byte

// Checksum computes the checksum of a block and keeps the first n bytes.
func Checksum(plain []byte, n int) Sum {
	sum := Sum(xxh3.Hash128(plain).Bytes())
	clear(sum[n:])
	return sum
}
