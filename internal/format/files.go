package format

import (
	"encoding/binary"
	"iter"
	"slices"
)

// Files is a list of files, made for millions of them. An entry is a run of bytes in a chunk of memory without pointers, about 60 for a
// file that was copied: nothing the garbage collector has to look at. Directories, owners and references, which many files share, are
// kept once. At takes an entry apart into a File, Set and Append put one together.
//
// Room that entries leave when they are deleted or outgrow their place is not used again. A list may be read by many goroutines as
// long as none changes it. The zero value is an empty list; copies of a list share memory, and only one of them may be changed.
type Files struct {
	chunks [][]byte
	places []uint32 // of the entries, in their order
	names  texts    // directories with their slash
	labels texts    // of references
	owners owners

	scratch []byte // reused by changes
}

// A place is the number of a chunk and, in units of placeUnit, an offset in it. That is enough for 16 GiB of entries.
const (
	placeUnit  = 4
	offsetBits = 14
	chunkSize  = placeUnit << offsetBits
	mostChunks = 1 << (32 - offsetBits)
	firstChunk = 1 << 10
)

// copiedRoom is kept free in the entry of a file that is yet to be copied, so that it does not outgrow its place when it is known what
// came of that: two checksums, where it lies, how large it is there.
const copiedRoom = 56

// NewFiles returns a list of these files.
func NewFiles(files ...File) Files {
	var l Files
	for i := range files {
		l.Append(files[i])
	}
	return l
}

// Len returns how many files there are.
func (l *Files) Len() int { return len(l.places) }

// At returns a file.
func (l *Files) At(i int) File {
	var f File
	var name [128]byte
	f.Name = string(l.load(i, &f, name[:0]))
	return f
}

// All goes through the files. The body of the loop may change the file at hand with Set.
func (l *Files) All() iter.Seq2[int, File] {
	return func(yield func(int, File) bool) {
		shared := names{size: 4 << 10}
		var name []byte
		for i := range l.places {
			var f File
			name = l.load(i, &f, name[:0])
			f.Name = shared.add(name)
			if !yield(i, f) {
				return
			}
		}
	}
}

// load takes an entry apart into all of f but its name, which is added to a text.
func (l *Files) load(i int, f *File, name []byte) []byte {
	return l.decode(l.entry(l.places[i]), f, name)
}

// Append adds a file at the end.
func (l *Files) Append(f File) { l.add(&f, []byte(f.Name)) }

// add is Append of a file by another name than its own.
func (l *Files) add(f *File, name []byte) {
	l.places = append(l.places, l.store(f, name))
}

// Set replaces a file.
func (l *Files) Set(i int, f File) {
	l.scratch = l.encode(l.scratch[:0], &f, []byte(f.Name))
	if entry := l.entry(l.places[i]); len(l.scratch) <= len(entry) {
		copy(entry, l.scratch)
		return
	}
	l.places[i] = l.keep(l.scratch, room(&f))
}

// Update changes a file.
func (l *Files) Update(i int, change func(*File)) {
	f := l.At(i)
	change(&f)
	l.Set(i, f)
}

// Put adds a file at its place in a sorted list, or replaces that of the same name.
func (l *Files) Put(f File) {
	i, found := l.Search(f.Name)
	if found {
		l.Set(i, f)
		return
	}
	l.places = slices.Insert(l.places, i, l.store(&f, []byte(f.Name)))
}

// DeleteFunc removes the files for which drop returns true. The File it is shown is valid until it returns.
func (l *Files) DeleteFunc(drop func(i int, f *File) bool) {
	kept := l.places[:0]
	for i, f := range l.All() {
		if place := l.places[i]; !drop(i, &f) {
			kept = append(kept, place)
		}
	}
	l.places = kept
}

// store puts an entry into the chunks.
func (l *Files) store(f *File, name []byte) uint32 {
	l.scratch = l.encode(l.scratch[:0], f, name)
	return l.keep(l.scratch, room(f))
}

func room(f *File) int {
	if f.HasChecksum {
		return 0
	}
	return copiedRoom
}

// keep gives an entry a place, with room to grow. In front of an entry stands its size.
func (l *Files) keep(entry []byte, room int) uint32 {
	var head [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(head[:], uint64(len(entry)+room))
	size := (n + len(entry) + room + placeUnit - 1) &^ (placeUnit - 1)
	last := len(l.chunks) - 1
	if last < 0 || len(l.chunks[last])+size > min(cap(l.chunks[last]), chunkSize) {
		l.grow(size)
		last++
	}
	chunk := l.chunks[last]
	begin := len(chunk)
	chunk = chunk[:begin+size]
	copy(chunk[begin:], head[:n])
	copy(chunk[begin+n:], entry)
	l.chunks[last] = chunk
	return uint32(last)<<offsetBits | uint32(begin/placeUnit)
}

// grow adds a chunk. Lists that stay small take little.
func (l *Files) grow(size int) {
	n := len(l.chunks)
	if n == mostChunks {
		panic("format: a list of files has grown beyond 16 GiB")
	}
	l.chunks = append(l.chunks, make([]byte, 0, max(size, min(firstChunk<<min(n, 16), chunkSize))))
}

// entry returns the bytes at a place, with the room behind them.
func (l *Files) entry(place uint32) []byte {
	chunk := l.chunks[place>>offsetBits]
	size, begin := number(chunk, int(place&(1<<offsetBits-1))*placeUnit)
	return chunk[begin : begin+int(size)]
}
