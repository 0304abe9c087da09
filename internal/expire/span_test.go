package expire

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSpans compares merged spans with looking at each one.
func TestSpans(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	name := func(n int) string { return fmt.Sprintf("%08X%08X%08X", n/64+1, n/8%8, n%8) }
	for range 2000 {
		var list spans
		for range r.IntN(6) {
			start := r.IntN(256)
			s := span{start: name(start)}
			if r.IntN(5) > 0 {
				s.stop = name(start + r.IntN(20))
			}
			list = append(list, s)
		}
		merged := slices.Clone(list).merge()
		for n := range 256 {
			for _, text := range []string{name(n), name(n)[:16]} {
				want := slices.ContainsFunc(list, func(s span) bool {
					return s.start[:len(text)] <= text && (s.stop == "" || text <= s.stop[:len(text)])
				})
				if got := merged.contain(text); got != want {
					t.Fatalf("%s in %v: %v, want %v", text, list, got, want)
				}
			}
		}
	}
}
