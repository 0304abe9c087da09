package format

import (
	"bytes"
	"encoding/binary"
)

// The flags of an entry say which of its parts are there. Two more bits are the PageState.
const (
	hasChecksum = 1 << iota
	hasRepoChecksum
	hasRepoSize // other than the size
	hasOriginalSize
	hasReference
	hasBundle
	hasBlocks
	hasPageErrors
	pageShift = iota
)

// encode adds an entry to b. First come flags and name, where comparisons find it, then numbers, then checksums.
func (l *Files) encode(b []byte, f *File, name []byte) []byte {
	slash := bytes.LastIndexByte(name, '/') + 1
	flags := f.flags()
	b = append(b, byte(flags), byte(flags>>8))
	b = binary.AppendUvarint(b, l.names.id(name[:slash]))
	b = binary.AppendUvarint(b, uint64(len(name)-slash))
	b = append(b, name[slash:]...)
	b = binary.AppendUvarint(b, l.owners.id(Defaults{f.User, f.Group, f.Mode}))
	b = appendNumbers(b, f.Size)
	b = binary.AppendVarint(b, f.Timestamp)
	if flags&hasRepoSize != 0 {
		b = appendNumbers(b, f.RepoSize)
	}
	if flags&hasOriginalSize != 0 {
		b = appendNumbers(b, f.OriginalSize)
	}
	if flags&hasReference != 0 {
		b = binary.AppendUvarint(b, l.labels.id([]byte(f.Reference)))
	}
	if flags&hasBundle != 0 {
		b = appendNumbers(b, f.BundleID, f.BundleOffset)
	}
	if flags&hasBlocks != 0 {
		b = appendNumbers(b, f.BlockSize, int64(f.BlockChecksumSize), f.BlockMapSize)
	}
	if flags&hasPageErrors != 0 {
		b = appendNumbers(b, int64(len(f.PageErrors)))
		for _, r := range f.PageErrors {
			b = appendNumbers(b, int64(r.First), int64(r.Last))
		}
	}
	if f.HasChecksum {
		b = append(b, f.Checksum[:]...)
	}
	if f.HasRepoChecksum {
		b = append(b, f.RepoChecksum[:]...)
	}
	return b
}

func (f *File) flags() (flags uint) {
	for i, set := range [...]bool{
		f.HasChecksum, f.HasRepoChecksum, f.RepoSize != f.Size, f.OriginalSize != f.Size, f.Reference != "",
		f.BundleID != 0 || f.BundleOffset != 0, f.BlockSize != 0 || f.BlockChecksumSize != 0 || f.BlockMapSize != 0, len(f.PageErrors) > 0,
	} {
		if set {
			flags |= 1 << i
		}
	}
	return flags | uint(f.PageChecksum)<<pageShift
}

func appendNumbers(b []byte, numbers ...int64) []byte {
	for _, n := range numbers {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

// decode takes an entry apart into f, which is empty, and adds its name to name.
func (l *Files) decode(b []byte, f *File, name []byte) []byte {
	flags := uint(b[0]) | uint(b[1])<<8
	dir, i := number(b, 2)
	size, i := number(b, i)
	name = append(name, l.names.list[dir]...)
	name = append(name, b[i:i+int(size)]...)
	who, i := number(b, i+int(size))
	owner := &l.owners.list[who]
	f.User, f.Group, f.Mode = owner.User, owner.Group, owner.Mode
	n, i := number(b, i)
	f.Size, f.RepoSize, f.OriginalSize = int64(n), int64(n), int64(n)
	when, width := binary.Varint(b[i:])
	f.Timestamp, i = when, i+width
	i = f.decodeRare(b, i, flags, l.labels.list)
	f.PageChecksum = PageState(flags >> pageShift)
	if flags&hasChecksum != 0 {
		f.HasChecksum = true
		i += copy(f.Checksum[:], b[i:])
	}
	if flags&hasRepoChecksum != 0 {
		f.HasRepoChecksum = true
		copy(f.RepoChecksum[:], b[i:])
	}
	return name
}

// decodeRare reads the numbers that few entries have.
func (f *File) decodeRare(b []byte, i int, flags uint, labels []string) int {
	next := func() (n uint64) {
		n, i = number(b, i)
		return n
	}
	if flags&hasRepoSize != 0 {
		f.RepoSize = int64(next())
	}
	if flags&hasOriginalSize != 0 {
		f.OriginalSize = int64(next())
	}
	if flags&hasReference != 0 {
		f.Reference = labels[next()]
	}
	if flags&hasBundle != 0 {
		f.BundleID, f.BundleOffset = int64(next()), int64(next())
	}
	if flags&hasBlocks != 0 {
		f.BlockSize, f.BlockChecksumSize, f.BlockMapSize = int64(next()), int(next()), int64(next())
	}
	if flags&hasPageErrors != 0 {
		f.PageErrors = make([]PageRange, next())
		for k := range f.PageErrors {
			f.PageErrors[k] = PageRange{uint32(next()), uint32(next())}
		}
	}
	return i
}

// name returns the two parts of the name of the entry at a place.
func (l *Files) name(place uint32) (dir string, base []byte) {
	b := l.entry(place)
	n, i := number(b, 2)
	size, i := number(b, i)
	return l.names.list[n], b[i : i+int(size)]
}

// number reads a number and returns where it ends. Most take one byte.
func number(b []byte, i int) (uint64, int) {
	if c := b[i]; c < 0x80 {
		return uint64(c), i + 1
	}
	n, size := binary.Uvarint(b[i:])
	return n, i + size
}
