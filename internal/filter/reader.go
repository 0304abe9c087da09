package filter

import (
	"bufio"
	"compress/bzip2"
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/klauspost/compress/zstd"

	"holdfast/internal/errs"
)

const (
	sourceBuffer  = 32 << 10
	zstdMaxWindow = 128 << 20 // what level 22 of the C library writes; a damaged header cannot ask for more
)

// NewReader returns a reader that decrypts and decompresses src. It reads to the end of src: a stream that ends early and anything
// that follows it are errors. Errors of src are passed on as they are. Close gives back the decoder and does not close src.
func NewReader(src io.Reader, s Spec) (io.ReadCloser, error) {
	r := &reader{spec: s}
	if s.Pass != "" {
		r.cipher = newDecrypter(src, s.Pass, s.Raw)
		src = r.cipher
	}
	r.src = newSource(src)
	return r, nil
}

type reader struct {
	spec    Spec
	cipher  *decrypter // nil if not encrypted
	src     *source
	decoder io.Reader // nil until the first Read
	err     error     // what every Read after the first failure returns
}

func (r *reader) Read(b []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if len(b) == 0 {
		return 0, nil
	}
	if r.decoder == nil {
		decoder, err := getDecoder(r.spec, r.src)
		if err != nil {
			r.err = r.failure(err)
			return 0, r.err
		}
		r.decoder = decoder
	}
	n, err := r.decoder.Read(b)
	if err != nil {
		r.err = r.failure(err)
	}
	return n, r.err
}

// failure turns what ended the decoder into what the caller sees: the error of the source, io.EOF if all is well, or damage.
func (r *reader) failure(err error) error {
	if r.src.err != nil && r.src.err != io.EOF {
		return r.src.err
	}
	if r.spec.Compression == None {
		return err
	}
	if err == io.EOF {
		if !r.src.begun {
			err = io.ErrUnexpectedEOF
		} else if _, next := r.src.ReadByte(); next == nil {
			err = errors.New("data after the end of the stream")
		} else if next != io.EOF {
			return next
		} else {
			return io.EOF
		}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("unexpected end of data")
	}
	return errs.Wrap(errs.Format, err, "unable to decompress %s", r.spec.Compression)
}

func (r *reader) Close() error {
	if r.src == nil {
		return nil
	}
	if r.decoder != nil && r.spec.Compression != None {
		putDecoder(r.decoder)
	}
	if r.cipher != nil {
		r.cipher.Close()
	}
	r.src.release()
	r.decoder, r.src, r.err = nil, nil, fs.ErrClosed
	return nil
}

// source buffers what decoders read and remembers why the bytes ended. Decoders get the buffer itself, as that is what they read
// fastest from, and take single bytes from it, so that none of them reads ahead.
type source struct {
	*bufio.Reader
	src   io.Reader
	begun bool // there was at least a byte
	err   error
}

var sources = sync.Pool{New: func() any { return &source{Reader: bufio.NewReaderSize(nil, sourceBuffer)} }}

func newSource(src io.Reader) *source {
	s := sources.Get().(*source)
	s.src, s.begun, s.err = src, false, nil
	s.Reset(supply{s})
	return s
}

// supply is what the buffer is filled from.
type supply struct{ *source }

func (s supply) Read(b []byte) (int, error) {
	n, err := s.src.Read(b)
	s.begun = s.begun || n > 0
	if err != nil {
		s.err = err
	}
	return n, err
}

func (s *source) release() {
	s.src = nil
	s.Reset(nil)
	sources.Put(s)
}

// decoders holds a pool for each kind of decoder. Readers of bzip2 cannot be used again.
var decoders struct{ gzip, lz4, zst sync.Pool }

func getDecoder(s Spec, src *source) (io.Reader, error) {
	switch s.Compression {
	case Gz:
		z, ok := decoders.gzip.Get().(*gunzip)
		if !ok {
			z = new(gunzip)
		}
		return z, z.reset(src.Reader, s.Raw)
	case Bz2:
		return bzip2.NewReader(src.Reader), nil
	case Lz4:
		z, ok := decoders.lz4.Get().(*lz4Reader)
		if !ok {
			z = new(lz4Reader)
		}
		z.Reset(src)
		return z, nil
	case Zst:
		z, ok := decoders.zst.Get().(*zstd.Decoder)
		if !ok {
			var err error
			z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdMaxWindow))
			if err != nil {
				return nil, err
			}
		}
		return z, z.Reset(src.Reader)
	}
	return src, nil
}

// putDecoder keeps a decoder for the next file. What it reached in this one does not matter.
func putDecoder(decoder io.Reader) {
	switch z := decoder.(type) {
	case *gunzip:
		decoders.gzip.Put(z)
	case *lz4Reader:
		z.Reset(nil)
		decoders.lz4.Put(z)
	case *zstd.Decoder:
		if z.Reset(nil) == nil {
			decoders.zst.Put(z)
		}
	}
}
