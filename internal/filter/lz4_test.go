package filter

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/pierrec/lz4/v4"
)

// TestLz4Positions compresses past the point where positions no longer fit and begin anew.
func TestLz4Positions(t *testing.T) {
	const period = 60_000 // so that the second block is one long match
	data := rows(rand.New(rand.NewPCG(17, 18)), period)
	f := new(lz4Finder)
	f.reset()
	f.base = 1<<31 - 100_000
	dst, plain := make([]byte, lz4MaxBlock), make([]byte, lz4BlockSize)
	end, at := 0, 0
	for i := range 12 {
		if end+lz4BlockSize > lz4BufferSize {
			end = f.slide(end)
		}
		block := f.buf[end : end+lz4BlockSize]
		for j := range block {
			block[j] = data[at%period]
			at++
		}
		n := f.compress(dst, end, end+len(block), 1)
		got, err := lz4.UncompressBlockWithDict(dst[:n], plain, f.buf[max(0, end-lz4Window):end])
		if err != nil || !bytes.Equal(plain[:got], block) {
			t.Fatalf("block %d: %d bytes, %v", i, got, err)
		}
		if i == 1 && n > 1000 {
			t.Errorf("the second block is %d bytes: the window is not used", n)
		}
		end += len(block)
	}
	if f.base > 1<<20 {
		t.Errorf("positions did not begin anew: %d", f.base)
	}
}

// TestLz4WorstCase: noise does not outgrow the buffer, and no block grows by more than its size field.
func TestLz4WorstCase(t *testing.T) {
	noise := make([]byte, 1<<20)
	rnd := rand.NewChaCha8([32]byte{1})
	rnd.Read(noise)
	for _, level := range []int{-5, 1, 9} {
		stored := encode(t, Spec{Compression: Lz4, Level: level}, noise, 1<<20)
		if limit := len(noise) + 16*4 + 15; len(stored) > limit {
			t.Errorf("level %d: %d bytes, limit %d", level, len(stored), limit)
		}
	}
}

func TestXXH32(t *testing.T) {
	tests := []struct {
		data string
		want uint32
	}{
		{"", 0x02cc5d05},
		{"a", 0x550d7456},
		{"15\n", 0xab1d8492},
		{"Nobody inspects the spammish repetition", 0xe2293b2f},
	}
	for _, test := range tests {
		for split := range len(test.data) + 1 {
			var x xxh32
			x.reset()
			x.Write([]byte(test.data[:split]))
			x.Write([]byte(test.data[split:]))
			if got := x.value(); got != test.want {
				t.Errorf("%q split at %d: %08x, want %08x", test.data, split, got, test.want)
			}
		}
	}
}
