package format

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func (l *Files) all() []File {
	var all []File
	for _, f := range l.All() {
		all = append(all, f)
	}
	return all
}

// anyFile makes a file of which anything may be set.
func anyFile(r *rand.Rand) File {
	maybe := func() bool { return r.IntN(2) == 0 }
	number := func() int64 { return r.Int64() >> r.IntN(64) }
	f := File{Name: anyName(r), Size: number(), Timestamp: number() - 1000, Mode: uint16(r.Uint32()), HasChecksum: maybe()}
	f.OriginalSize, f.RepoSize = f.Size, f.Size
	if f.HasChecksum {
		f.Checksum[r.IntN(len(f.Checksum))] = 1
	}
	if f.HasRepoChecksum = maybe(); f.HasRepoChecksum {
		f.RepoChecksum[r.IntN(len(f.RepoChecksum))] = 2
	}
	if maybe() {
		f.User, f.Group = fmt.Sprint("u", r.IntN(3)), "g"
		f.OriginalSize, f.RepoSize = number(), number()
	}
	if maybe() {
		f.Reference = fmt.Sprint("label ", r.IntN(300))
		f.BundleID, f.BundleOffset = number(), number()
	}
	if maybe() {
		f.BlockSize, f.BlockChecksumSize, f.BlockMapSize = number(), r.IntN(17), number()
	}
	f.PageChecksum = PageState(r.IntN(3))
	for range r.IntN(3) {
		f.PageErrors = append(f.PageErrors, PageRange{r.Uint32(), math.MaxUint32})
	}
	return f
}

// anyName makes names that often share directories and beginnings.
func anyName(r *rand.Rand) string {
	parts := []string{"a", "b", "a-", "a.b", "", "ab", "b\xff", strings.Repeat("long", r.IntN(60))}
	var name strings.Builder
	for range r.IntN(5) {
		name.WriteString(parts[r.IntN(len(parts))])
		if r.IntN(2) == 0 {
			name.WriteByte('/')
		}
	}
	return name.String() + fmt.Sprint(r.IntN(1000))
}

// TestFiles does the same to a list and to a slice.
func TestFiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var l Files
	var want []File
	byName := func(a, b File) int { return cmp.Compare(a.Name, b.Name) }
	for step := range 6_000 {
		f := anyFile(r)
		switch n := len(want); {
		case step%2000 == 1999:
			l.DeleteFunc(func(i int, f *File) bool { return f.Size%3 == 0 || i == 7 })
			i := -1
			want = slices.DeleteFunc(want, func(f File) bool { i++; return f.Size%3 == 0 || i == 7 })
		case step%500 == 499:
			l.Sort()
			slices.SortFunc(want, byName)
			want = slices.CompactFunc(want, func(a, b File) bool { return a.Name == b.Name })
			last := "/"
			l.DeleteFunc(func(_ int, f *File) bool {
				twice := f.Name == last
				last = strings.Clone(f.Name)
				return twice
			})
			l.replace(want) // which of two files of one name is kept does not matter
			checkSearch(t, r, &l, want)
		case n > 0 && step%3 == 0:
			i := r.IntN(n)
			l.Set(i, f)
			want[i] = f
		case n > 0 && step%3 == 1:
			i := r.IntN(n)
			l.Update(i, func(f *File) { f.HasChecksum, f.Checksum = true, Sum{9} })
			want[i].HasChecksum, want[i].Checksum = true, Sum{9}
		default:
			l.Append(f)
			want = append(want, f)
		}
		if l.Len() != len(want) {
			t.Fatalf("step %d: %d files, want %d", step, l.Len(), len(want))
		}
		if n := len(want); n > 0 {
			if i := r.IntN(n); !reflect.DeepEqual(l.At(i), want[i]) {
				t.Fatalf("step %d: file %d is\n%+v, want\n%+v", step, i, l.At(i), want[i])
			}
		}
	}
	if got := l.all(); !reflect.DeepEqual(got, want) {
		t.Error("the lists differ")
	}
}

// replace checks that the list has the same names and takes over all else.
func (l *Files) replace(files []File) {
	for i, f := range files {
		if l.At(i).Name == f.Name {
			l.Set(i, f)
		}
	}
}

// checkSearch looks for names that are there and names that are not.
func checkSearch(t *testing.T, r *rand.Rand, l *Files, want []File) {
	t.Helper()
	byName := func(f File, name string) int { return cmp.Compare(f.Name, name) }
	finder := l.Finder()
	for n := range 300 {
		name := anyName(r)
		if n%2 == 0 && n < len(want) {
			name = want[n].Name
		}
		wantAt, wantFound := slices.BinarySearchFunc(want, name, byName)
		if i, found := l.Search(name); i != wantAt || found != wantFound {
			t.Fatalf("'%s' is at %d, %t, want %d, %t", name, i, found, wantAt, wantFound)
		}
		if f, found := finder.Find(name); found != wantFound || found && !reflect.DeepEqual(f, want[wantAt]) {
			t.Fatalf("found '%s' %t: %+v", name, found, f)
		}
	}
	for _, f := range want {
		if got, found := finder.Find(f.Name); !found || !reflect.DeepEqual(got, f) {
			t.Fatalf("'%s' not found in its turn", f.Name)
		}
	}
}

func TestFilesPut(t *testing.T) {
	l := NewFiles(File{Name: "a"}, File{Name: "c"})
	for _, f := range []File{{Name: "b", Size: 1}, {Name: "c", Size: 2}, {Name: "d", Size: 3}, {Name: "0", Size: 4}} {
		l.Put(f)
	}
	var got []string
	for _, f := range l.All() {
		got = append(got, fmt.Sprint(f.Name, f.Size))
	}
	if want := []string{"04", "a0", "b1", "c2", "d3"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestFilesOfAnySize stores an entry larger than a chunk between small ones.
func TestFilesOfAnySize(t *testing.T) {
	damaged := File{Name: "large", PageChecksum: PageError, PageErrors: make([]PageRange, chunkSize)}
	want := []File{{Name: "one"}, damaged, {Name: "two"}}
	l := NewFiles(want...)
	l.Set(0, damaged)
	l.Append(File{Name: "three"})
	want = append(want, File{Name: "three"})
	want[0] = damaged
	if !reflect.DeepEqual(l.all(), want) {
		t.Error("the lists differ")
	}
}

// TestFilesAreSmall keeps the promise of how much memory a file takes, also when it is copied after it was listed.
func TestFilesAreSmall(t *testing.T) {
	m := large(20_000)
	var copied Files
	for i, f := range m.Files.All() {
		f.HasChecksum, f.HasRepoChecksum, f.RepoSize, f.Reference = false, false, f.Size, ""
		copied.Append(f)
		f = m.Files.At(i)
		f.BundleID, f.BundleOffset = int64(1+i/10_000), int64(i%10_000)*2000
		copied.Set(i, f)
	}
	for name, l := range map[string]*Files{"read": &m.Files, "copied": &copied} {
		size := 4 * cap(l.places)
		for _, chunk := range l.chunks {
			size += cap(chunk)
		}
		if each := size / l.Len(); each > 100 {
			t.Errorf("%s: %d bytes for each file", name, each)
		}
	}
}

func BenchmarkFilesAll(b *testing.B) {
	m := large(100_000)
	b.ReportAllocs()
	for b.Loop() {
		for _, f := range m.Files.All() {
			if f.Name == "" {
				b.Fatal("no name")
			}
		}
	}
}
