package filter

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"holdfast/internal/errs"
)

// FuzzReader gives damaged files to every decoder: any bytes end in io.EOF or in an error of their kind, without a panic.
func FuzzReader(f *testing.F) {
	for i, s := range specs() {
		for _, size := range []int{0, 3, 5000} {
			f.Add(uint8(i), encode(f, s, rows(rand.New(rand.NewPCG(1, 1)), size), 5000))
		}
	}
	kinds := specs()
	f.Fuzz(func(t *testing.T, kind uint8, stored []byte) {
		s := kinds[int(kind)%len(kinds)]
		r, err := NewReader(bytes.NewReader(stored), s)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		_, err = io.CopyN(io.Discard, r, 64<<20)
		if err != nil && !errors.Is(err, io.EOF) && !errs.Is(err, errs.Format) && !errs.Is(err, errs.Crypto) {
			t.Errorf("%s: [%d] %v", s.testName(), errs.CodeOf(err), err)
		}
	})
}

// FuzzRoundTrip writes any bytes in any pieces and reads them back.
func FuzzRoundTrip(f *testing.F) {
	f.Add(uint8(0), uint16(1), []byte("some text, some text"))
	kinds := specs()
	f.Fuzz(func(t *testing.T, kind uint8, chunk uint16, data []byte) {
		s := kinds[int(kind)%len(kinds)]
		got, err := decode(bytes.NewReader(encode(t, s, data, int(chunk)+1)), s)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v; want %d", s.testName(), len(got), err, len(data))
		}
	})
}
