package backup

import (
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/storage"
)

// sink writes a file to the repository. It holds the beginning back and creates the file only when its buffer is full or the content
// is to be kept, so that a small file costs few system calls, and one that turns out to be stored already costs none.
type sink struct {
	hash   *filter.Hash // of what is stored
	hashed bool         // what is stored has a checksum of its own
	buffer []byte

	create func() (storage.Writer, error)
	file   storage.Writer // nil until created
	size   int64
}

// leastHeld is how much is held back at least.
const leastHeld = 256 << 10

func newSink(bufferSize int) sink {
	return sink{buffer: make([]byte, 0, max(bufferSize, leastHeld)), hash: filter.NewHash()}
}

// begin starts a file. Nothing is created yet.
func (s *sink) begin(hashed bool, create func() (storage.Writer, error)) {
	s.create, s.file, s.size, s.buffer, s.hashed = create, nil, 0, s.buffer[:0], hashed
	s.hash.Reset()
}

func (s *sink) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > cap(s.buffer)-len(s.buffer) {
		n := cap(s.buffer) - len(s.buffer)
		s.buffer = append(s.buffer, p[:n]...)
		p = p[n:]
		if err := s.flush(); err != nil {
			return 0, err
		}
	}
	s.buffer = append(s.buffer, p...)
	return written, nil
}

// flush writes out what is held back.
func (s *sink) flush() (err error) {
	if s.file == nil {
		if s.file, err = s.create(); err != nil {
			return err
		}
	}
	if len(s.buffer) == 0 {
		return nil
	}
	if s.hashed {
		s.hash.Write(s.buffer)
	}
	n, err := s.file.Write(s.buffer)
	s.size += int64(n)
	s.buffer = s.buffer[:0]
	return err
}

// held reports whether nothing has been written out yet.
func (s *sink) held() bool { return s.file == nil }

// commit writes the rest and closes the file. It returns the size of what is stored and, if it has one of its own, the checksum.
func (s *sink) commit() (int64, *format.Sum, error) {
	if err := s.flush(); err != nil {
		return 0, nil, err
	}
	var sum *format.Sum
	if s.hashed {
		stored := format.Sum(s.hash.Sum())
		sum = &stored
	}
	return s.size, sum, s.file.Close()
}

// abort gives the file up unless it was committed.
func (s *sink) abort() {
	if s.file != nil {
		s.file.Abort()
		s.file = nil
	}
}
