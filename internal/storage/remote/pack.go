package remote

import (
	"io"
	"path"

	"holdfast/internal/filter"
	"holdfast/internal/storage"
	"holdfast/internal/wire"
)

// packing is how content is compressed for the way.
func packing(level int) filter.Spec {
	return filter.Spec{Compression: filter.Lz4, Level: level, Raw: true}
}

// levelFor is the level for a file, 0 if its name says that nothing can be gained.
func (t *Tree) levelFor(name string) int {
	switch path.Ext(name) {
	case ".gz", ".bz2", ".lz4", ".zst":
		return 0
	}
	return t.level
}

// unpacker reads a stream that is compressed for the way. It ends when the stream does, for only that end says that all is there.
type unpacker struct {
	plain  io.Reader
	stream io.Reader
}

func newUnpacker(stream io.Reader) (*unpacker, error) {
	plain, err := filter.NewReader(stream, packing(0))
	return &unpacker{plain: plain, stream: stream}, err
}

func (u *unpacker) Read(b []byte) (int, error) {
	n, err := u.plain.Read(b)
	if err == io.EOF {
		if _, end := io.Copy(io.Discard, u.stream); end != nil {
			return n, end
		}
	}
	return n, err
}

// unpacked is a file being read that is compressed for the way.
type unpacked struct {
	*unpacker
	stream *wire.Stream
}

func (u unpacked) Close() error { return u.stream.Close() }

// packed is a file being written that is compressed for the way.
type packed struct {
	storage.Writer
	pack io.WriteCloser
}

func newPacked(w storage.Writer, level int) (storage.Writer, error) {
	pack, err := filter.NewWriter(w, packing(level))
	if err != nil {
		w.Abort()
		return nil, err
	}
	return &packed{Writer: w, pack: pack}, nil
}

func (p *packed) Write(b []byte) (int, error) { return p.pack.Write(b) }

func (p *packed) Close() error {
	if err := p.pack.Close(); err != nil {
		p.Abort()
		return err
	}
	return p.Writer.Close()
}
