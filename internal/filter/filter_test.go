package filter

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// specs returns every kind of stored file, plain and encrypted, framed and raw.
func specs() []Spec {
	var all []Spec
	for c, level := range []int{None: 0, Gz: 6, Bz2: 1, Lz4: 1, Zst: 3} {
		for _, pass := range []string{"", "pass with 'quotes' and ü"} {
			for _, raw := range []bool{false, true} {
				if raw && Compression(c) == Bz2 {
					continue // its only difference is that of encryption, and it is slow
				}
				all = append(all, Spec{Compression: Compression(c), Level: level, Pass: pass, Raw: raw})
			}
		}
	}
	return all
}

func (s Spec) testName() string {
	return fmt.Sprintf("%s %d encrypted=%v raw=%v", s.Compression, s.Level, s.Pass != "", s.Raw)
}

// contents returns data of many shapes and sizes around the borders of blocks and buffers.
func contents() map[string][]byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	all := map[string][]byte{"empty": {}, "byte": {7}, "text": []byte("15\n")}
	for _, size := range []int{15, 16, 17, 4095, 32768, 65535, 65536, 65537, 400_001} {
		noise := make([]byte, size)
		for i := range noise {
			noise[i] = byte(rnd.Uint32())
		}
		all[fmt.Sprintf("zeros %d", size)] = make([]byte, size)
		all[fmt.Sprintf("noise %d", size)] = noise
		all[fmt.Sprintf("rows %d", size)] = rows(rnd, size)
	}
	return all
}

// rows makes bytes like those of a table: headers, numbers that grow, words from a short list.
func rows(rnd *rand.Rand, size int) []byte {
	words := []string{"alpha", "beta", "gamma", "delta", "a longer word", ""}
	var b []byte
	for id := 0; len(b) < size; id++ {
		b = fmt.Appendf(b, "\x00\x00%06d\x03%s\x09%s|%d", id, words[rnd.IntN(6)], words[rnd.IntN(6)], rnd.IntN(1e6))
	}
	return b[:size]
}

func encode(t testing.TB, s Spec, data []byte, chunk int) []byte {
	t.Helper()
	var stored bytes.Buffer
	w, err := NewWriter(&stored, s)
	if err != nil {
		t.Fatal(err)
	}
	for rest := data; len(rest) > 0; {
		n, err := w.Write(rest[:min(chunk, len(rest))])
		if err != nil || n != min(chunk, len(rest)) {
			t.Fatalf("write: %d, %v", n, err)
		}
		rest = rest[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return stored.Bytes()
}

func decode(src io.Reader, s Spec) ([]byte, error) {
	r, err := NewReader(src, s)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	if err := r.Close(); err != nil {
		return nil, err
	}
	return data, err
}

func TestRoundTrip(t *testing.T) {
	all := contents()
	for _, s := range specs() {
		t.Run(s.testName(), func(t *testing.T) {
			for name, data := range all {
				for _, chunk := range []int{64 << 10, 1021} {
					stored := encode(t, s, data, chunk)
					got, err := decode(bytes.NewReader(stored), s)
					if err != nil || !bytes.Equal(got, data) {
						t.Fatalf("%s in chunks of %d: %d bytes, %v; want %d", name, chunk, len(got), err, len(data))
					}
				}
			}
		})
	}
}

// TestSmallBuffers writes single bytes and reads through sources and into buffers that give one byte at a time.
func TestSmallBuffers(t *testing.T) {
	data := rows(rand.New(rand.NewPCG(3, 4)), 70_001)
	for _, s := range specs() {
		t.Run(s.testName(), func(t *testing.T) {
			stored := encode(t, s, data, 1)
			for name, src := range map[string]io.Reader{
				"one byte":       iotest.OneByteReader(bytes.NewReader(stored)),
				"half":           iotest.HalfReader(bytes.NewReader(stored)),
				"eof with bytes": iotest.DataErrReader(bytes.NewReader(stored)),
			} {
				r, err := NewReader(src, s)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(iotest.OneByteReader(r))
				if err != nil || !bytes.Equal(got, data) {
					t.Fatalf("%s: %d bytes, %v", name, len(got), err)
				}
				if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("read after the end: %d, %v", n, err)
				}
				if err := errors.Join(r.Close(), r.Close()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestLevels uses every level that options allow.
func TestLevels(t *testing.T) {
	data := rows(rand.New(rand.NewPCG(5, 6)), 300_000)
	for c, r := range map[Compression][2]int{Gz: {-1, 9}, Bz2: {1, 9}, Lz4: {-5, 12}, Zst: {-7, 22}} {
		for level := r[0]; level <= r[1]; level++ {
			s := Spec{Compression: c, Level: level}
			for range 2 { // the second time with a used encoder
				stored := encode(t, s, data, 64<<10)
				got, err := decode(bytes.NewReader(stored), s)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s level %d: %d bytes, %v", c, level, len(got), err)
				}
				if len(stored) > len(data)*3/5 && !(c == Gz && level == 0) {
					t.Errorf("%s level %d: %d of %d bytes", c, level, len(stored), len(data))
				}
			}
		}
	}
}

// TestForms compares with bytes that pgBackRest 2.60.0 wrote. Ours are the same for nothing at all, and where same is set.
func TestForms(t *testing.T) {
	tests := []struct {
		spec Spec
		data string
		form string
		same bool
	}{
		{Spec{Compression: Gz, Level: 6}, "15\n", "1f8b0800000000000003 3334e50200 1d7d0c98 03000000", false},
		{Spec{Compression: Gz, Level: 6}, "", "1f8b0800000000000003 0300 0000000000000000", true},
		{Spec{Compression: Gz, Level: 6, Raw: true}, "15\n", "789c 3334e50200 010a0071", false},
		{Spec{Compression: Gz, Level: 6, Raw: true}, "", "789c 0300 00000001", true},
		{Spec{Compression: Bz2, Level: 9}, "", "425a6839 177245385090 00000000", true},
		{Spec{Compression: Lz4, Level: 1}, "15\n", "04224d18 44405e 03000080 31350a 00000000 92841dab", true},
		{Spec{Compression: Lz4, Level: 1}, "", "04224d18 44405e 00000000 055dcc02", true},
		{Spec{Compression: Lz4, Level: 1, Raw: true}, "15\n", "04224d18 4040c0 03000080 31350a 00000000", true},
		{Spec{Compression: Zst, Level: 3}, "15\n", "28b52ffd 0058 190000 31350a", false},
		{Spec{Compression: Zst, Level: 3}, "", "28b52ffd 20 00 010000", true},
	}
	for _, test := range tests {
		form, err := hex.DecodeString(strings.ReplaceAll(test.form, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(bytes.NewReader(form), test.spec)
		if err != nil || string(got) != test.data {
			t.Errorf("%s: read %q, %v; want %q", test.spec.testName(), got, err, test.data)
		}
		ours := encode(t, test.spec, []byte(test.data), 10)
		if test.same && !bytes.Equal(ours, form) {
			t.Errorf("%s: %q is %x, want %x", test.spec.testName(), test.data, ours, form)
		}
	}
	if got := encode(t, Spec{Compression: Gz, Level: 6}, []byte("x"), 1)[:10]; !bytes.Equal(got, emptyForm(Spec{Compression: Gz})[:10]) {
		t.Errorf("gzip header: %x", got)
	}
}

func TestEncryptedSize(t *testing.T) {
	for size, want := range map[int]int{0: 32, 15: 32, 16: 48} {
		if got := len(encode(t, Spec{Pass: "x"}, make([]byte, size), 100)); got != want {
			t.Errorf("%d bytes are %d encrypted, want %d", size, got, want)
		}
		if got := len(encode(t, Spec{Pass: "x", Raw: true}, make([]byte, size), 100)); got != want-8 {
			t.Errorf("%d bytes are %d encrypted raw, want %d", size, got, want-8)
		}
	}
}

func TestUseAfterClose(t *testing.T) {
	for _, s := range specs() {
		w, err := NewWriter(io.Discard, s)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if _, err := w.Write([]byte("x")); err == nil {
			t.Errorf("%s: write after Close", s.testName())
		}
		if err := w.Close(); err == nil {
			t.Errorf("%s: second Close", s.testName())
		}
		r, err := NewReader(bytes.NewReader(nil), s)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if _, err := r.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("%s: read after Close: %v", s.testName(), err)
		}
	}
}

// TestNoGoroutines: streams left half read or half written leave nothing running.
func TestNoGoroutines(t *testing.T) {
	data := rows(rand.New(rand.NewPCG(15, 16)), 2<<20)
	before := runtime.NumGoroutine()
	for _, s := range specs() {
		data := data
		if s.Compression == Bz2 {
			data = data[:1<<18]
		}
		stored := encode(t, s, data, 64<<10)
		r, err := NewReader(bytes.NewReader(stored), s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, r, int64(len(data)/2)); err != nil {
			t.Fatal(err)
		}
		w, err := NewWriter(io.Discard, s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if now := runtime.NumGoroutine(); now != before {
			t.Errorf("%s: %d goroutines, before %d", s.testName(), now, before)
		}
	}
}

func TestNames(t *testing.T) {
	for c, name := range map[Compression]string{None: "none", Gz: "gz", Bz2: "bz2", Lz4: "lz4", Zst: "zst"} {
		parsed, err := ParseCompression(name)
		if err != nil || parsed != c || c.String() != name {
			t.Errorf("%s: %v, %v", name, parsed, err)
		}
		file := "base/1/1259" + c.Ext()
		if CompressionOf(file) != c || StripExt(file) != "base/1/1259" {
			t.Errorf("%s: %v, %s", file, CompressionOf(file), StripExt(file))
		}
	}
	if _, err := ParseCompression("zip"); err == nil {
		t.Error("zip is known")
	}
	if _, err := ParseCompression(""); err == nil {
		t.Error("the empty name is known")
	}
}

func TestHash(t *testing.T) {
	h := NewHash()
	for range 2 {
		io.WriteString(h, "a")
		io.WriteString(h, "bc")
		if sum := h.Sum(); hex.EncodeToString(sum[:]) != "a9993e364706816aba3e25717850c26c9cd0d89d" || h.Size() != 3 {
			t.Errorf("%x, %d", sum, h.Size())
		}
		h.Reset()
	}
	if sum := h.Sum(); hex.EncodeToString(sum[:]) != "da39a3ee5e6b4b0d3255bfef95601890afd80709" || h.Size() != 0 {
		t.Errorf("empty: %x, %d", sum, h.Size())
	}
}

func TestNewPass(t *testing.T) {
	a, err := NewPass()
	b, err2 := NewPass()
	if err := errors.Join(err, err2); err != nil || len(a) != 64 || a == b {
		t.Errorf("%q, %q, %v", a, b, err)
	}
}
