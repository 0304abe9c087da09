package command

import (
	"bytes"
	"strings"
	"testing"
)

func TestScreen(t *testing.T) {
	var b bytes.Buffer
	s := &screen{out: &b, title: "Holdfast"}
	s.Place("/tmp/x", "15.1")
	s.Begin("first")
	s.Progress("half " + strings.Repeat("x", 100))
	s.draw()
	s.Done("two rows")
	s.Begin("second")
	s.Begin("third")
	s.close()
	s.close()
	out := b.String()
	for _, want := range []string{"Holdfast demonstrates itself with PostgreSQL 15.1 in /tmp/x", "\r\x1b[K- first", "half x", "s  two rows\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
	if n := strings.Count(out, "did not succeed\n"); n != 2 {
		t.Errorf("%d steps failed in %q", n, out)
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(out, "\r\x1b[K", "\n"), "\n") {
		if len(line) > lineWidth {
			t.Errorf("%q is wider than the terminal", line)
		}
	}
}

func TestScreenOfAPlainTerminal(t *testing.T) {
	var b bytes.Buffer
	s := &screen{out: &b, still: true}
	s.Begin("first")
	s.draw()
	s.Done("")
	if got := b.String(); strings.Contains(got, "\r") || !strings.HasPrefix(got, "  first") || strings.Count(got, "\n") != 1 {
		t.Errorf("%q", got)
	}
}

func TestNobodyLooksAtABuffer(t *testing.T) {
	var b bytes.Buffer
	s := newScreen(&b, "Holdfast", "xterm")
	s.Place("/tmp/x", "15.1")
	s.Begin("first")
	s.Progress("half")
	s.Done("")
	s.close()
	if b.Len() > 0 {
		t.Errorf("%q", b.String())
	}
}
