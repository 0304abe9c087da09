package filter

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSeries: each stream is complete, and once the file is large enough one encoder writes all that follows, however small.
func TestSeries(t *testing.T) {
	rnd := rand.New(rand.NewPCG(25, 26))
	noise := make([]byte, 4<<20)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	spec := Spec{Compression: Zst, Level: 3, Raw: true}
	for _, test := range []struct {
		name    string
		data    []byte
		part    int
		done    bool
		fastest bool
	}{
		{"noise", noise, 1 << 20, true, true},
		{"noise in small streams", noise, 256 << 10, true, true},
		{"too small to tell", noise, 64 << 10, false, false},
		{"small noise", noise[:zstdTrialHead], 256 << 10, false, false},
	} {
		var stored bytes.Buffer
		s := NewSeries(&stored, spec)
		for at := 0; at < len(test.data); at += test.part {
			part := test.data[at:min(at+test.part, len(test.data))]
			stored.Reset()
			w, err := s.Next()
			if err != nil {
				t.Fatal(err)
			}
			for half := range slices.Chunk(part, 40_000) {
				if _, err := w.Write(half); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if got, err := decode(&stored, spec); err != nil || !bytes.Equal(got, part) {
				t.Fatalf("%s at %d: %d bytes, %v", test.name, at, len(got), err)
			}
		}
		if s.trial.done != test.done || s.trial.fastest != test.fastest {
			t.Errorf("%s: %+v", test.name, s.trial)
		}
	}
}
