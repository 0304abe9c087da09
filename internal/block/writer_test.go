package block

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"holdfast/internal/filter"
)

// chain is a file through several backups, each stored in a buffer of its own.
type chain struct {
	spec   filter.Spec
	stored [][]byte
	m      *Map
}

const testBlock, testSum = 8192, 6

// add stores the next state of the file and returns how many bytes that took.
func (c *chain) add(t *testing.T, content []byte, chunk int) int64 {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out, WriterConfig{
		BlockSize: testBlock, ChecksumSize: testSum, SuperSize: Super(64<<10, testBlock), Prior: c.m, Reference: len(c.stored),
		Spec: c.spec,
	})
	for b := content; len(b) > 0; b = b[min(chunk, len(b)):] {
		if _, err := w.Write(b[:min(chunk, len(b))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	c.stored = append(c.stored, out.Bytes())
	if w.Stored() != int64(out.Len()) {
		t.Fatalf("said %d bytes, wrote %d", w.Stored(), out.Len())
	}
	if w.MapSize() > 0 {
		m, err := ReadMap(out.Bytes()[int64(out.Len())-w.MapSize():], c.spec.Pass, testBlock, testSum)
		if err != nil {
			t.Fatal(err)
		}
		c.m = m
	}
	return w.Stored()
}

// file puts the file together again on top of what is there.
func (c *chain) file(t *testing.T, have []byte) []byte {
	t.Helper()
	var sums []Sum
	if have != nil {
		var err error
		if sums, err = Sums(bytes.NewReader(have), testBlock, testSum); err != nil {
			t.Fatal(err)
		}
	}
	out := make([]byte, c.m.Size())
	copy(out, have)
	buffer := make([]byte, 1<<20)
	for _, f := range c.m.Plan(sums) {
		plain, err := ReadSuper(bytes.NewReader(c.stored[f.Reference][f.Offset:]), f, c.spec, buffer)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range f.Parts {
			copy(out[p.Index*testBlock:], plain[p.At:p.At+p.Size])
		}
	}
	return out
}

func TestChain(t *testing.T) {
	for _, spec := range []filter.Spec{
		{}, {Pass: "secret"}, {Compression: filter.Gz, Level: 6}, {Compression: filter.Zst, Level: 3, Pass: "secret"},
		{Compression: filter.Lz4, Level: 1}, {Compression: filter.Bz2, Level: 9},
	} {
		t.Run(fmt.Sprintf("%s %t", spec.Compression, spec.Pass != ""), func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, 7))
			content := make([]byte, 300_000)
			for i := range content {
				content[i] = byte(r.IntN(8))
			}
			c := &chain{spec: spec}
			c.add(t, content, 1000)
			if n := c.add(t, content, 70_000); n != 0 {
				t.Errorf("the same content again took %d bytes", n)
			}
			before := bytes.Clone(content)
			for step := range 12 {
				switch step % 4 {
				case 0:
					content[r.IntN(len(content))]++
				case 1:
					content = append(content, make([]byte, r.IntN(50_000))...)
				case 2:
					content = content[:len(content)-r.IntN(40_000)]
				case 3:
					for range 5 {
						content[r.IntN(len(content))]++
					}
				}
				c.add(t, content, 1+r.IntN(100_000))
				if got := c.file(t, nil); !bytes.Equal(got, content) {
					t.Fatalf("step %d: the file differs", step)
				}
				if got := c.file(t, before); !bytes.Equal(got, content) {
					t.Fatalf("step %d: the file made from an old one differs", step)
				}
			}
		})
	}
}

func TestShrunkFileIsAMapAlone(t *testing.T) {
	c := &chain{}
	content := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	c.add(t, content, 4096)
	n := c.add(t, content[:2*testBlock], 4096)
	if n == 0 || n > 100 {
		t.Errorf("a file that only shrank took %d bytes", n)
	}
	if got := c.file(t, nil); !bytes.Equal(got, content[:2*testBlock]) {
		t.Error("the file differs")
	}
}

func TestDamagedSuper(t *testing.T) {
	for _, spec := range []filter.Spec{{}, {Compression: filter.Zst, Level: 3}, {Compression: filter.Gz, Level: 6, Pass: "p"}} {
		c := &chain{spec: spec}
		c.add(t, bytes.Repeat([]byte("0123456789abcdef"), 1024), 4096)
		f := c.m.Plan(nil)[0]
		if _, err := ReadSuper(bytes.NewReader(c.stored[0][:f.Stored/2]), f, spec, make([]byte, f.Super)); err == nil {
			t.Errorf("%s: half a super block was good enough", spec.Compression)
		}
	}
}

var _ io.Writer = (*Writer)(nil)
