package expire

import (
	"cmp"
	"slices"
)

// span is a range of WAL to keep, both ends included. An empty stop has no end.
type span struct{ start, stop string }

// spans is WAL to keep. Segments are compared as text, timeline first.
type spans []span

// merge sorts spans and joins those that overlap.
func (list spans) merge() spans {
	slices.SortFunc(list, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	var merged spans
	for _, s := range list {
		if n := len(merged); n > 0 && merged[n-1].reaches(s.start) {
			if last := &merged[n-1]; last.stop != "" && (s.stop == "" || s.stop > last.stop) {
				last.stop = s.stop
			}
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// contain reports whether a segment, or any segment of a directory with a name of 16 characters, lies in merged spans.
func (list spans) contain(name string) bool {
	n := len(name)
	// The first span that begins after the name; of those before it only the last can reach the name.
	i, _ := slices.BinarySearchFunc(list, name, func(s span, name string) int {
		if s.start[:n] <= name {
			return -1
		}
		return 1
	})
	return i > 0 && list[i-1].reaches(name)
}

// reaches reports whether the span ends at or after a name.
func (s span) reaches(name string) bool { return s.stop == "" || name <= s.stop[:len(name)] }
