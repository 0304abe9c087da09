package block

import (
	"bytes"
	"cmp"
	"io"
	"slices"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
)

// Fetch is a super block to read and what to take from it.
type Fetch struct {
	Reference int
	Bundle    int64
	Offset    int64
	Stored    int64 // bytes to read
	Super     int64 // bytes they make
	Parts     []Part
}

// Part is a block to take out of a super block.
type Part struct {
	Index int64 // block of the file
	At    int64 // offset in the plain super block
	Size  int64
}

// Plan lists the super blocks that hold blocks which are not in have, in the order they are stored. Have are the checksums of the
// blocks of a file that is there; nil fetches everything.
func (m *Map) Plan(have []Sum) []Fetch {
	type key struct {
		reference      int
		bundle, offset int64
	}
	at := map[key]int{}
	var list []Fetch
	for i := range m.Blocks {
		b := &m.Blocks[i]
		if i < len(have) && have[i] == b.Sum {
			continue
		}
		k := key{b.Reference, b.Bundle, b.Offset}
		n, ok := at[k]
		if !ok {
			n = len(list)
			at[k] = n
			list = append(list, Fetch{Reference: b.Reference, Bundle: b.Bundle, Offset: b.Offset, Stored: b.Stored, Super: b.Super})
		}
		from := b.Number * m.BlockSize
		list[n].Parts = append(list[n].Parts, Part{Index: int64(i), At: from, Size: min(m.BlockSize, b.Super-from)})
	}
	slices.SortFunc(list, func(a, b Fetch) int {
		return cmp.Or(cmp.Compare(a.Reference, b.Reference), cmp.Compare(a.Bundle, b.Bundle), cmp.Compare(a.Offset, b.Offset))
	})
	return list
}

// Size returns the length of the file.
func (m *Map) Size() int64 {
	if len(m.Blocks) == 0 {
		return 0
	}
	last := m.Blocks[len(m.Blocks)-1]
	return int64(len(m.Blocks)-1)*m.BlockSize + min(m.BlockSize, last.Super-last.Number*m.BlockSize)
}

// ReadSuper reads a super block from its stored form into buffer, which must have room for it, and returns the plain bytes.
func ReadSuper(in io.Reader, f Fetch, spec filter.Spec, buffer []byte) ([]byte, error) {
	spec.Raw = true
	r, err := filter.NewReader(io.LimitReader(in, f.Stored), spec)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	plain := buffer[:f.Super]
	if _, err := io.ReadFull(r, plain); err != nil {
		return nil, errs.Wrap(errs.Format, err, "super block ends early")
	}
	if n, err := r.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		if err == nil || n > 0 {
			err = errs.New(errs.Format, "super block is longer than %d bytes", f.Super)
		}
		return nil, err
	}
	return plain, nil
}

// ReadMap reads a map from its stored form.
func ReadMap(stored []byte, pass string, blockSize int64, checksumSize int) (*Map, error) {
	r, err := filter.NewReader(bytes.NewReader(stored), filter.Spec{Pass: pass, Raw: true})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return DecodeMap(plain, blockSize, checksumSize)
}

// Sums computes the checksums of the blocks of a file.
func Sums(in io.Reader, blockSize int64, checksumSize int) ([]Sum, error) {
	var sums []Sum
	buffer := make([]byte, blockSize)
	for {
		n, err := io.ReadFull(in, buffer)
		if n > 0 {
			sums = append(sums, Checksum(buffer[:n], checksumSize))
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return sums, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
