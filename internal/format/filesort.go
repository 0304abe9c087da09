package format

import (
	"bytes"
	"sort"
	"strings"

	"holdfast/internal/errs"
)

// Sort orders the list by the bytes of the names. What is listed directory by directory has long runs that are in order already, so
// it merges runs, two and two, until there is one.
func (l *Files) Sort() {
	runs := l.runs()
	from, to := l.places, []uint32(nil)
	if len(runs) > 1 {
		to = make([]uint32, len(from))
	}
	for len(runs) > 1 {
		merged := runs[:0]
		begin := uint32(0)
		for i := 0; i < len(runs); i += 2 {
			middle, end := runs[i], runs[min(i+1, len(runs)-1)]
			l.merge(to[begin:end], from[begin:middle], from[middle:end])
			merged = append(merged, end)
			begin = end
		}
		runs, from, to = merged, to, from
	}
	l.places = from
}

// runs returns where runs of names in order end.
func (l *Files) runs() []uint32 {
	var ends []uint32
	for i := 1; i < len(l.places); i++ {
		if l.compare(l.places[i-1], l.places[i]) > 0 {
			ends = append(ends, uint32(i))
		}
	}
	return append(ends, uint32(len(l.places)))
}

// merge merges two runs.
func (l *Files) merge(to, a, b []uint32) {
	if len(b) > 0 && l.compare(a[len(a)-1], b[0]) <= 0 {
		copy(to[copy(to, a):], b)
		return
	}
	for len(a) > 0 && len(b) > 0 {
		if l.compare(a[0], b[0]) <= 0 {
			to[0], a = a[0], a[1:]
		} else {
			to[0], b = b[0], b[1:]
		}
		to = to[1:]
	}
	copy(to[copy(to, a):], b)
}

// ascending reports whether the list is sorted and no name occurs twice.
func (l *Files) ascending() bool {
	for i := 1; i < len(l.places); i++ {
		if l.compare(l.places[i-1], l.places[i]) >= 0 {
			return false
		}
	}
	return true
}

// sortOnce sorts a list and refuses names that occur twice.
func (l *Files) sortOnce() error {
	if l.ascending() {
		return nil
	}
	l.Sort()
	for i := 1; i < len(l.places); i++ {
		if l.compare(l.places[i-1], l.places[i]) == 0 {
			return errs.New(errs.Format, "'%s' occurs twice", l.At(i).Name)
		}
	}
	return nil
}

// Search finds a name in a sorted list: where it is, or where it would be.
func (l *Files) Search(name string) (i int, found bool) { return l.search(name, 0, len(l.places)) }

func (l *Files) search(name string, low, high int) (i int, found bool) {
	i = low + sort.Search(high-low, func(i int) bool { return l.against(low+i, name) >= 0 })
	return i, i < len(l.places) && l.against(i, name) == 0
}

// against compares the name of an entry with another.
func (l *Files) against(i int, name string) int {
	dir, base := l.name(l.places[i])
	n := min(len(dir), len(name))
	if c := strings.Compare(dir[:n], name[:n]); c != 0 {
		return c
	}
	if n < len(dir) {
		return 1
	}
	return compareText(base, name[n:])
}

// compare compares the names of two entries.
func (l *Files) compare(a, b uint32) int {
	dirA, baseA := l.name(a)
	dirB, baseB := l.name(b)
	if dirA == dirB {
		return bytes.Compare(baseA, baseB)
	}
	n := min(len(dirA), len(dirB))
	if c := strings.Compare(dirA[:n], dirB[:n]); c != 0 {
		return c
	}
	switch {
	case n < len(dirA):
		return -compareText(baseB, dirA[n:], baseA...)
	case n < len(dirB):
		return compareText(baseA, dirB[n:], baseB...)
	}
	return bytes.Compare(baseA, baseB)
}

// compareText compares a with the text b and what follows it.
func compareText(a []byte, b string, rest ...byte) int {
	n := min(len(a), len(b))
	switch { // these conversions cost nothing
	case string(a[:n]) < b[:n]:
		return -1
	case string(a[:n]) > b[:n]:
		return 1
	case n < len(b):
		return -1
	}
	return bytes.Compare(a[n:], rest)
}

// Finder finds names in a sorted list, fastest if they are asked for in ascending order.
type Finder struct {
	list *Files
	next int
}

// Finder returns one that begins at the front.
func (l *Files) Finder() Finder { return Finder{list: l} }

// near is how many entries are passed one by one before the rest is searched by halves.
const near = 4

// Find returns the file with the name.
func (f *Finder) Find(name string) (file File, found bool) {
	l := f.list
	from := f.next
	for range near {
		if f.next == l.Len() || l.against(f.next, name) >= 0 {
			break
		}
		f.next++
	}
	if f.next == from {
		from = 0 // perhaps it lies before
	}
	if f.next == l.Len() || l.against(f.next, name) != 0 {
		f.next, found = l.search(name, from, l.Len())
		if !found {
			return File{}, false
		}
	}
	var unused [128]byte
	l.load(f.next, &file, unused[:0])
	file.Name = name
	return file, true
}
