package filter

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// pages makes heap pages of a table of orders: page header, line pointers, tuples with header, number, text and noise.
func pages(size int) []byte {
	const pageSize = 8192
	rnd := rand.New(rand.NewPCG(21, 22))
	states := []string{"new", "paid", "shipped", "returned"}
	all := make([]byte, 0, size+pageSize)
	for id := uint32(1); len(all) < size; {
		page := make([]byte, pageSize)
		lower, upper := 24, pageSize
		for ; upper-lower > 200; id++ {
			tuple := make([]byte, 24, 160)
			binary.LittleEndian.PutUint32(tuple, 730+id/100)
			binary.LittleEndian.PutUint16(tuple[18:], 5)
			binary.LittleEndian.PutUint32(tuple[20:], 0x18_0902)
			tuple = binary.LittleEndian.AppendUint32(tuple, id)
			tuple = binary.LittleEndian.AppendUint32(tuple, rnd.Uint32N(50_000))
			tuple = binary.LittleEndian.AppendUint64(tuple, 700_000_000_000_000+rnd.Uint64N(1e14))
			tuple = fmt.Appendf(tuple, "\x0b%s\x51order %d for %08x at %d.%02d", states[rnd.IntN(4)], id, rnd.Uint32(), rnd.IntN(1000), rnd.IntN(100))
			tuple = append(tuple, make([]byte, -len(tuple)&7)...)
			upper -= len(tuple)
			copy(page[upper:], tuple)
			binary.LittleEndian.PutUint32(page[lower:], uint32(upper)|1<<15|uint32(len(tuple))<<17)
			lower += 4
		}
		binary.LittleEndian.PutUint64(page, uint64(id)*0x3701)
		binary.LittleEndian.PutUint16(page[8:], uint16(rnd.Uint32()))
		binary.LittleEndian.PutUint16(page[12:], uint16(lower))
		binary.LittleEndian.PutUint16(page[14:], uint16(upper))
		binary.LittleEndian.PutUint16(page[16:], pageSize)
		binary.LittleEndian.PutUint16(page[18:], pageSize|4)
		all = append(all, page...)
	}
	return all[:size]
}

var benchSpecs = []Spec{
	{}, {Compression: Lz4, Level: 1}, {Compression: Zst, Level: 3}, {Compression: Gz, Level: 6}, {Compression: Bz2, Level: 9},
	{Pass: "secret"}, {Compression: Zst, Level: 3, Pass: "secret"},
}

// BenchmarkWrite reports speed and the size that remains, as a fraction, for a large file.
func BenchmarkWrite(b *testing.B) {
	data := pages(16 << 20)
	for _, s := range benchSpecs {
		b.Run(s.testName(), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			stored := 0
			for b.Loop() {
				stored = len(encode(b, s, data, 64<<10))
			}
			b.ReportMetric(float64(stored)/float64(len(data)), "ratio")
		})
	}
}

// BenchmarkWriteSmall writes files of one page, of which a cluster has thousands.
func BenchmarkWriteSmall(b *testing.B) {
	data := pages(8192)
	for _, s := range benchSpecs {
		b.Run(s.testName(), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				encode(b, s, data, 64<<10)
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for name, size := range map[string]int{"small": 8192, "large": 16 << 20} {
		for _, s := range benchSpecs {
			data := pages(size)
			stored := encode(b, s, data, 64<<10)
			buf := make([]byte, 64<<10)
			b.Run(name+" "+s.testName(), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					r, err := NewReader(bytes.NewReader(stored), s)
					if err != nil {
						b.Fatal(err)
					}
					n := 0
					for err == nil {
						var k int
						k, err = r.Read(buf)
						n += k
					}
					if err != io.EOF || n != size {
						b.Fatal(n, err)
					}
					r.Close()
				}
			})
		}
	}
}

func BenchmarkHash(b *testing.B) {
	data, h := pages(1<<20), NewHash()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		h.Write(data)
	}
}
