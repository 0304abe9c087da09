package filter

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

// inflate decodes a deflate stream and returns what follows it, too.
func inflate(src io.Reader) (data, rest []byte, err error) {
	z, buffered := new(inflater), bufio.NewReaderSize(src, 4096)
	z.reset(buffered)
	for {
		piece, err := z.next()
		data = append(data, piece...)
		if err == io.EOF {
			rest, err = io.ReadAll(buffered)
			return data, rest, err
		}
		if err != nil || len(data) > 32<<20 {
			return data, nil, err
		}
	}
}

func deflate(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestInflate(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	contents := map[string][]byte{"empty": nil, "byte": {7}, "zeros": make([]byte, 300_000), "noise": noise(300_000), "pages": pages(1 << 20)}
	for period := 1; period < 20; period++ { // matches that overlap themselves
		contents[fmt.Sprint("period ", period)] = bytes.Repeat(noise(period), 5000/period)
	}
	skewed := make([]byte, 400_000) // codes longer than the tables
	for i := range skewed {
		for skewed[i] = 0; skewed[i] < 255 && random.Uint32N(3) > 0; skewed[i]++ {
		}
	}
	contents["skewed"] = skewed
	far := noise(32 << 10)
	contents["far"] = bytes.Join([][]byte{far, far, far[:1000]}, nil)
	for name, want := range contents {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 6, 9} {
			stored := append(deflate(t, want, level), "rest"...)
			for _, src := range []io.Reader{bytes.NewReader(stored), iotest.OneByteReader(bytes.NewReader(stored)),
				iotest.DataErrReader(iotest.HalfReader(bytes.NewReader(stored)))} {
				got, rest, err := inflate(src)
				if err != nil || !bytes.Equal(got, want) || string(rest) != "rest" {
					t.Errorf("%s, level %d: %d of %d bytes, rest %q, %v", name, level, len(got), len(want), rest, err)
				}
			}
		}
	}
}

// TestInflateCut expects a stream that ends early to be found at every place.
func TestInflateCut(t *testing.T) {
	for _, level := range []int{flate.NoCompression, 1, 9} {
		stored := deflate(t, pages(3000), level)
		for n := range stored {
			if _, _, err := inflate(bytes.NewReader(stored[:n])); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("level %d, %d of %d bytes: %v", level, n, len(stored), err)
			}
		}
	}
}

// TestInflateSourceFails expects the source's own error.
func TestInflateSourceFails(t *testing.T) {
	broken := errors.New("broken")
	stored := deflate(t, pages(100_000), 6)
	_, _, err := inflate(io.MultiReader(bytes.NewReader(stored[:len(stored)/2]), iotest.ErrReader(broken)))
	if err != broken {
		t.Error(err)
	}
}

// FuzzInflate compares with the decoder of the standard library.
func FuzzInflate(f *testing.F) {
	for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 9} {
		f.Add(deflate(f, rows(rand.New(rand.NewPCG(1, 1)), 3000), level))
	}
	f.Add([]byte{0x63, 0x00, 0x02, 0x03, 0xff})
	f.Fuzz(func(t *testing.T, stored []byte) {
		got, rest, err := inflate(bytes.NewReader(stored))
		src := bytes.NewReader(stored)
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(src), 32<<20))
		if len(want) == 32<<20 || len(got) > 32<<20 {
			return
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%v, want %v", err, wantErr)
		}
		if err == nil && (!bytes.Equal(got, want) || len(rest) != src.Len()) {
			t.Errorf("%d bytes and %d behind, want %d and %d", len(got), len(rest), len(want), src.Len())
		}
	})
}
