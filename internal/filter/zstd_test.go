package filter

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// TestZstdTrial: large files are written by the encoder that suits them, small ones always by the default, and all are readable
// whatever pieces they come in and whatever the writer wrote before.
func TestZstdTrial(t *testing.T) {
	rnd := rand.New(rand.NewPCG(23, 24))
	noise := make([]byte, zstdTrialHead+1)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	index := make([]byte, 0, 3<<20)
	for i := uint32(0); len(index) < 3<<20; i++ {
		index = binary.LittleEndian.AppendUint32(index, i/60<<16)
		index = binary.LittleEndian.AppendUint32(index, 1+i%60|16<<16)
		index = binary.LittleEndian.AppendUint64(index, uint64(i))
	}
	tests := []struct {
		name    string
		data    []byte
		fastest bool
	}{
		{"noise", noise, true},
		{"index", index, false},
		{"text", rows(rnd, 3<<20), true},
		{"index of the size of a head", index[:zstdTrialHead], false},
		{"small noise", noise[:zstdTrialHead-1], false},
		{"noise again", noise, true},
	}
	w, err := newZstdWriter()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		for _, chunk := range []int{100_003, 4 << 20} {
			var stored bytes.Buffer
			w.Reset(&stored)
			for rest := test.data; len(rest) > 0; {
				n, err := w.Write(rest[:min(chunk, len(rest))])
				if err != nil || n != min(chunk, len(rest)) {
					t.Fatalf("%s: wrote %d, %v", test.name, n, err)
				}
				rest = rest[n:]
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if fastest := w.chosen == w.fastest; fastest != test.fastest {
				t.Errorf("%s: fastest %v, want %v", test.name, fastest, test.fastest)
			}
			got, err := decode(&stored, Spec{Compression: Zst})
			if err != nil || !bytes.Equal(got, test.data) {
				t.Errorf("%s: %d bytes, %v; want %d", test.name, len(got), err, len(test.data))
			}
		}
	}
}
