package wire

import (
	"io"

	"holdfast/internal/errs"
)

// The last byte of a stream that a client writes says how it ended. A connection that breaks does not end a stream.
const (
	streamGivenUp byte = iota
	streamWhole
)

// body reads a stream without its last byte.
type body struct {
	r       io.Reader
	held    byte // the last byte that was read
	started bool
}

func (b *body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if !b.started {
		var first [1]byte
		if _, err := io.ReadFull(b.r, first[:]); err != nil {
			return 0, noEOF(err)
		}
		b.held, b.started = first[0], true
	}
	n, err := b.r.Read(p)
	if n > 0 {
		held := p[n-1]
		copy(p[1:n], p[:n-1])
		p[0], b.held = b.held, held
	}
	if err == io.EOF && b.held != streamWhole {
		return n, errs.Because(errs.FileRead, io.ErrUnexpectedEOF, "stream was given up")
	}
	return n, err
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
