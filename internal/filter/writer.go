package filter

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/dsnet/compress/bzip2"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"holdfast/internal/errs"
)

// NewWriter returns a writer that compresses, then encrypts, then writes to dst. Close finishes the stream and does not close dst;
// without Close the stream is incomplete and needs no cleaning up.
func NewWriter(dst io.Writer, s Spec) (io.WriteCloser, error) {
	w, err := newWriter(dst, s)
	if err != nil {
		return nil, err
	}
	return w, nil
}

func newWriter(dst io.Writer, s Spec) (*writer, error) {
	w := &writer{spec: s, sink: sink{dst: dst}}
	if s.Pass != "" {
		cipher, err := newEncrypter(dst, s.Pass, s.Raw)
		if err != nil {
			return nil, err
		}
		w.cipher, w.sink.dst = cipher, cipher
	}
	return w, nil
}

// Series writes streams that are parts of one file, each complete in itself. What an earlier one has shown about the file is not
// found out again.
type Series struct {
	dst   io.Writer
	spec  Spec
	trial zstdTrial
}

// NewSeries returns a series that has no streams yet.
func NewSeries(dst io.Writer, s Spec) *Series { return &Series{dst: dst, spec: s} }

// Next starts a stream, as NewWriter does. The one before it must be closed.
func (s *Series) Next() (io.WriteCloser, error) {
	w, err := newWriter(s.dst, s.spec)
	if err != nil {
		return nil, err
	}
	w.trial = &s.trial
	return w, nil
}

type writer struct {
	spec    Spec
	sink    sink
	cipher  *encrypter // nil if not encrypted
	encoder encoder    // nil until the first byte, and for None
	trial   *zstdTrial // of its series, or nil
	closed  bool
}

func (w *writer) Write(b []byte) (int, error) {
	if w.closed {
		return 0, fs.ErrClosed
	}
	if w.spec.Compression == None {
		return w.sink.Write(b)
	}
	if len(b) == 0 {
		return 0, nil
	}
	if w.encoder == nil {
		encoder, err := getEncoder(w.spec, &w.sink)
		if err != nil {
			return 0, err
		}
		if z, ok := encoder.(*zstdWriter); ok && w.trial != nil {
			z.trial = w.trial
		}
		w.encoder = encoder
	}
	n, err := w.encoder.Write(b)
	return n, w.cause(err)
}

func (w *writer) Close() error {
	if w.closed {
		return fs.ErrClosed
	}
	w.closed = true
	if err := w.finish(); err != nil {
		return err
	}
	if w.cipher != nil {
		return w.cipher.Close()
	}
	return nil
}

// finish ends the compressed stream. An empty file needs no encoder: its form is fixed.
func (w *writer) finish() error {
	if w.encoder == nil {
		_, err := w.sink.Write(emptyForm(w.spec))
		return err
	}
	err := w.cause(w.encoder.Close())
	putEncoder(w.spec, w.encoder)
	w.encoder = nil
	return err
}

// cause prefers the error of the destination, which has a code, to what an encoder makes of it.
func (w *writer) cause(err error) error {
	if err == nil {
		return nil
	}
	return cmp.Or(w.sink.err, err)
}

// sink remembers the first error of the destination.
type sink struct {
	dst io.Writer
	err error
}

func (s *sink) Write(b []byte) (int, error) {
	n, err := s.dst.Write(b)
	if err != nil && s.err == nil {
		s.err = err
	}
	return n, err
}

// encoder is what compressing writers have in common.
type encoder interface {
	io.WriteCloser
	Reset(io.Writer)
}

// encoderKind is what encoders must share to stand in for each other.
type encoderKind struct {
	compression Compression
	level       int
	raw         bool
}

var encoders sync.Map // encoderKind to *sync.Pool

func encoderPool(s Spec) *sync.Pool {
	kind := encoderKind{s.Compression, s.Level, s.Raw}
	pool, ok := encoders.Load(kind)
	if !ok {
		pool, _ = encoders.LoadOrStore(kind, new(sync.Pool))
	}
	return pool.(*sync.Pool)
}

func getEncoder(s Spec, dst io.Writer) (encoder, error) {
	e, ok := encoderPool(s).Get().(encoder)
	if !ok {
		var err error
		if e, err = newEncoder(s); err != nil {
			return nil, errs.Wrap(errs.Assert, err, "unable to compress with %s at level %d", s.Compression, s.Level)
		}
	}
	e.Reset(dst)
	if z, ok := e.(*gzip.Writer); ok {
		z.OS, z.ModTime = gzipUnix, time.Unix(0, 0)
	}
	return e, nil
}

func putEncoder(s Spec, e encoder) {
	e.Reset(io.Discard) // let go of the destination
	encoderPool(s).Put(e)
}

// gzipUnix is the system named in gzip headers.
const gzipUnix = 3

func newEncoder(s Spec) (encoder, error) {
	switch s.Compression {
	case Gz:
		if s.Raw {
			return zlib.NewWriterLevel(io.Discard, s.Level)
		}
		return gzip.NewWriterLevel(io.Discard, s.Level)
	case Bz2:
		z, err := bzip2.NewWriter(io.Discard, &bzip2.WriterConfig{Level: s.Level})
		return bzip2Encoder{z}, err
	case Lz4:
		return newLz4Writer(s.Level, !s.Raw), nil
	case Zst:
		if level, window := zstdLevel(s.Level); level != zstd.SpeedDefault {
			return newZstdEncoder(level, window)
		}
		return newZstdWriter()
	}
	return nil, fmt.Errorf("no such compression")
}

// bzip2Encoder drops the error of Reset, which is always nil.
type bzip2Encoder struct{ *bzip2.Writer }

func (b bzip2Encoder) Reset(dst io.Writer) { _ = b.Writer.Reset(dst) }

// emptyForm is the compressed form of nothing. These are the bytes every other writer of such repositories stores.
func emptyForm(s Spec) []byte {
	switch s.Compression {
	case Gz:
		if s.Raw {
			return []byte{0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01}
		}
		return []byte{0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, gzipUnix, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	case Bz2:
		return append([]byte{'B', 'Z', 'h', '0' + byte(cmp.Or(s.Level, bzip2.DefaultCompression))}, 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, 0, 0, 0, 0)
	case Lz4:
		z := newLz4Frame(!s.Raw, lz4LinkedBlocks, lz4Size64K)
		return z.end(z.header(nil))
	case Zst:
		return []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00}
	}
	return nil
}
