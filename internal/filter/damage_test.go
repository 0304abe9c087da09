package filter

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"holdfast/internal/errs"
)

// damaged is what a damaged stream must end in.
func (s Spec) damaged() []errs.Code {
	switch {
	case s.Pass == "":
		return []errs.Code{errs.Format}
	case s.Compression == None:
		return []errs.Code{errs.Crypto}
	}
	return []errs.Code{errs.Crypto, errs.Format}
}

func wantDamage(t *testing.T, s Spec, what string, err error) {
	t.Helper()
	for _, code := range s.damaged() {
		if errs.Is(err, code) {
			return
		}
	}
	t.Errorf("%s: got [%d] %v, want one of %d", what, errs.CodeOf(err), err, s.damaged())
}

// TestTruncated cuts a stored file at every length: there is always an error and never a wrong byte before it.
func TestTruncated(t *testing.T) {
	data := rows(rand.New(rand.NewPCG(7, 8)), 3000)
	for _, s := range specs() {
		if s.Compression == None && s.Pass == "" {
			continue
		}
		t.Run(s.testName(), func(t *testing.T) {
			stored := encode(t, s, data, 1000)
			for n := range stored {
				got, err := decode(bytes.NewReader(stored[:n]), s)
				wantDamage(t, s, fmt.Sprintf("%d of %d bytes", n, len(stored)), err)
				if !bytes.HasPrefix(data, got) && s.Pass == "" {
					t.Errorf("%d of %d bytes: wrong content", n, len(stored))
				}
			}
		})
	}
}

func TestTrailing(t *testing.T) {
	data := rows(rand.New(rand.NewPCG(9, 10)), 3000)
	for _, s := range specs() {
		if s.Compression == None {
			continue
		}
		t.Run(s.testName(), func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 4, 5, 8, 16, 100, 40_000} {
				for _, fill := range []byte{0, 1, 0xff} {
					stored := encode(t, s, data, 1000)
					stored = append(stored, bytes.Repeat([]byte{fill}, size)...)
					_, err := decode(bytes.NewReader(stored), s)
					wantDamage(t, s, fmt.Sprintf("%d bytes of %d behind", size, fill), err)
				}
			}
		})
	}
}

// TestFlipped: a reader given a damaged file ends in an error of its kind, or gives all of the bytes the form does not protect.
// Never does it panic or fail with a code that means something else.
func TestFlipped(t *testing.T) {
	data := rows(rand.New(rand.NewPCG(11, 12)), 2000)
	for _, s := range specs() {
		t.Run(s.testName(), func(t *testing.T) {
			stored := encode(t, s, data, 1000)
			for i := range stored {
				damaged := bytes.Clone(stored)
				damaged[i] ^= 1 << (i % 8)
				got, err := decode(bytes.NewReader(damaged), s)
				if err != nil {
					wantDamage(t, s, fmt.Sprintf("byte %d", i), err)
				} else if bytes.Equal(got, data) && i >= 20 && s.Compression == None {
					t.Errorf("byte %d makes no difference", i)
				}
			}
		})
	}
}

func TestCipherMessages(t *testing.T) {
	s := Spec{Pass: "secret"}
	stored := encode(t, s, []byte("some text of more than a block"), 100)
	damaged := bytes.Clone(stored)
	damaged[len(damaged)-17] ^= 0xff
	tests := []struct {
		data []byte
		spec Spec
		want string
	}{
		{nil, s, "cipher header missing"},
		{stored[:15], s, "cipher header missing"},
		{[]byte("[backrest]\nbackrest-format=5\n"), s, "cipher header invalid"},
		{stored[:16], s, "unable to decrypt: unexpected end of encrypted data"},
		{stored[:len(stored)-1], s, "unable to decrypt: unexpected end of encrypted data"},
		{damaged, s, "unable to decrypt: wrong passphrase or damaged data"},
	}
	for _, test := range tests {
		_, err := decode(bytes.NewReader(test.data), test.spec)
		if !errs.Is(err, errs.Crypto) || err.Error() != test.want {
			t.Errorf("got [%d] %v, want %s", errs.CodeOf(err), err, test.want)
		}
	}
}

// TestSourceErrors: the code of a failing source or destination survives every filter.
func TestSourceErrors(t *testing.T) {
	data := rows(rand.New(rand.NewPCG(13, 14)), 400_000)
	failure := errs.New(errs.FileRead, "unable to read")
	for _, s := range specs() {
		stored := encode(t, s, data, 64<<10)
		_, err := decode(io.MultiReader(bytes.NewReader(stored[:len(stored)/2]), iotest.ErrReader(failure)), s)
		if err != failure {
			t.Errorf("%s: read error became %v", s.testName(), err)
		}
		w, err := NewWriter(&failingWriter{left: len(stored) / 2, err: failure}, s)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Write(data)
		if err == nil {
			err = w.Close()
		}
		if err != failure {
			t.Errorf("%s: write error became %v", s.testName(), err)
		}
	}
}

type failingWriter struct {
	left int
	err  error
}

func (f *failingWriter) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, f.err
	}
	return len(b), nil
}
