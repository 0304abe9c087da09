package block

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The maps are those of the worked examples in the description of the format.
func TestMapExamples(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		want      []Block
	}{
		{"two blocks in a bundle", "00 03 01 f306 04 18063d728405 eb97b578b69f", []Block{
			{Bundle: 1, Stored: 110, Super: 16384},
			{Bundle: 1, Stored: 110, Super: 16384, Number: 1},
		}},
		{"partial last block", "00 07 01 e4af0b 9bd304 07 a52a 286b08feab0b 725aea0c61ee 592a9a421ca3 6bf8f4801eb4", []Block{
			{Bundle: 1, Offset: 186340, Stored: 76187 >> 3, Super: 29989},
			{Bundle: 1, Offset: 186340, Stored: 76187 >> 3, Super: 29989, Number: 1},
			{Bundle: 1, Offset: 186340, Stored: 76187 >> 3, Super: 29989, Number: 2},
			{Bundle: 1, Offset: 186340, Stored: 76187 >> 3, Super: 29989, Number: 3},
		}},
		{"changed middle block", "00 06 01 a1970e ffd001 08 02 43472ebcb4ca f937f07d6cef 0e 01 e30e b9d302 6f4ef07275a2" +
			" 07 01 01 7756dafffec4", []Block{
			{Bundle: 1, Offset: 232353, Stored: 3343, Super: 32768},
			{Bundle: 1, Offset: 232353, Stored: 3343, Super: 32768, Number: 1},
			{Reference: 1, Bundle: 1, Offset: 1891, Stored: 627, Super: 8192},
			{Bundle: 1, Offset: 232353, Stored: 3343, Super: 32768, Number: 3},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := hex.DecodeString(strings.ReplaceAll(c.hex, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			m, err := DecodeMap(b, 8192, 6)
			if err != nil {
				t.Fatal(err)
			}
			got := append([]Block(nil), m.Blocks...)
			for i := range got {
				got[i].Sum = Sum{}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v\nwant %+v", got, c.want)
			}
			if again := m.Encode(); !bytes.Equal(again, b) {
				t.Errorf("encoded again: %x, want %x", again, b)
			}
		})
	}
}

func TestMapRandom(t *testing.T) {
	for seed := range uint64(200) {
		m := randomMap(rand.New(rand.NewPCG(seed, 1)))
		b := m.Encode()
		again, err := DecodeMap(b, m.BlockSize, m.ChecksumSize)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !reflect.DeepEqual(again, m) {
			t.Fatalf("seed %d: got %+v, want %+v", seed, again, m)
		}
	}
}

// randomMap makes the map of a file that went through several backups, each replacing some blocks.
func randomMap(r *rand.Rand) *Map {
	m := &Map{BlockSize: 8192, ChecksumSize: 6 + r.IntN(11), Blocks: make([]Block, 1+r.IntN(60))}
	for backup := range 1 + r.IntN(5) {
		offset, bundle := r.Int64N(3)*1000, r.Int64N(3)
		var open []*Block
		closeSuper := func() {
			stored := 1 + r.Int64N(5000)
			for i, b := range open {
				b.Reference, b.Bundle, b.Offset, b.Stored, b.Super, b.Number =
					backup, bundle, offset, stored, int64(len(open))*m.BlockSize, int64(i)
			}
			if len(open) > 0 {
				offset += stored
			}
			open = nil
		}
		for i := range m.Blocks {
			if backup > 0 && r.IntN(3) > 0 {
				continue
			}
			b := &m.Blocks[i]
			for j := range m.ChecksumSize {
				b.Sum[j] = byte(r.Uint32())
			}
			if open = append(open, b); len(open) == 8 {
				closeSuper()
			}
		}
		closeSuper()
	}
	return m
}

func TestSizes(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		size int64
		age  time.Duration
		want int64
	}{
		{16383, 0, 0}, {16384, 0, 8192}, {11 << 20, 0, 16384}, {1 << 30, 0, 88 << 10},
		{229376, 10 * day, 16384}, {229376, 20 * day, 32768}, {229376, 40 * day, 0}, {229376, -day, 8192},
	} {
		if got := (Sizes{}).Block(c.size, c.age); got != c.want {
			t.Errorf("%d bytes, %v: block size %d, want %d", c.size, c.age, got, c.want)
		}
	}
	for block, want := range map[int64]int{8192: 6, 32768: 7, 65536: 7, 128 << 10: 8, 4 << 20: 12} {
		if got := (Sizes{}).ChecksumSize(block); got != want {
			t.Errorf("block size %d: checksum size %d, want %d", block, got, want)
		}
	}
	if got := Super(1<<20, 24<<10); got != 43*(24<<10) {
		t.Errorf("super block of %d", got)
	}
}

func FuzzMap(f *testing.F) {
	f.Add([]byte{0, 3, 1, 0xf3, 6, 4, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6})
	for seed := range uint64(5) {
		f.Add(randomMap(rand.New(rand.NewPCG(seed, 2))).Encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeMap(b, 8192, 6)
		if err != nil {
			return
		}
		again, err := DecodeMap(m.Encode(), 8192, 6)
		if err != nil || len(again.Blocks) != len(m.Blocks) {
			t.Fatalf("%v: %d blocks became %d", err, len(m.Blocks), len(again.Blocks))
		}
	})
}
