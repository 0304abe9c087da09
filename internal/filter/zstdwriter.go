package filter

import (
	"io"

	"github.com/klauspost/compress/zstd"
)

const (
	zstdTrialHead = 1 << 20   // files up to this size are not worth a trial
	zstdTrialSize = 128 << 10 // from the middle of the head
	zstdWorth     = 40        // one part in so many may be lost to the fastest encoder
)

// zstdLevel chooses among the four encoders of the package and a window.
func zstdLevel(level int) (zstd.EncoderLevel, int) {
	switch {
	case level < 3:
		return zstd.SpeedFastest, 1 << 20
	case level < 6:
		return zstd.SpeedDefault, 2 << 20
	case level < 10:
		return zstd.SpeedBetterCompression, 4 << 20
	case level < 20:
		return zstd.SpeedBestCompression, 8 << 20
	}
	return zstd.SpeedBestCompression, 32 << 20
}

func newZstdEncoder(level zstd.EncoderLevel, window int) (*zstd.Encoder, error) {
	return zstd.NewWriter(io.Discard, zstd.WithEncoderLevel(level), zstd.WithWindowSize(window),
		zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
}

// zstdWriter writes one frame at the levels about 3 with the quicker of two encoders that does the job. On tables and most WAL the
// fastest encoder leaves hardly more bytes than the default one, in two thirds of the time; on indexes and text it leaves up to a
// quarter more. So both try a piece of each large file, and the fastest writes it all if it does about as well.
type zstdWriter struct {
	dst     io.Writer
	normal  *zstd.Encoder
	fastest *zstd.Encoder // nil until there is a large file
	chosen  *zstd.Encoder // nil while the head is collected
	head    []byte
	trial   *zstdTrial // of the streams this one belongs to, or its own
}

// zstdTrial is what streams of one file know of it.
type zstdTrial struct {
	seen    int // bytes in streams before
	done    bool
	fastest bool // does as well
}

func newZstdWriter() (*zstdWriter, error) {
	normal, err := newZstdEncoder(zstd.SpeedDefault, 2<<20)
	return &zstdWriter{normal: normal}, err
}

func (w *zstdWriter) Reset(dst io.Writer) {
	w.dst, w.chosen, w.head, w.trial = dst, nil, w.head[:0], new(zstdTrial)
	w.normal.Reset(io.Discard)
	if w.fastest != nil {
		w.fastest.Reset(io.Discard)
	}
}

func (w *zstdWriter) Write(b []byte) (int, error) {
	if w.chosen != nil {
		return w.chosen.Write(b)
	}
	if w.trial.done {
		if err := w.begin(); err != nil {
			return 0, err
		}
		return w.chosen.Write(b)
	}
	n := min(len(b), zstdTrialHead-len(w.head))
	w.head = append(w.head, b[:n]...)
	if len(w.head) < zstdTrialHead {
		return n, nil
	}
	if err := w.try(); err != nil {
		return 0, err
	}
	if err := w.begin(); err != nil {
		return 0, err
	}
	rest, err := w.chosen.Write(b[n:])
	return n + rest, err
}

func (w *zstdWriter) Close() error {
	if w.chosen == nil {
		if w.trial.seen += len(w.head); w.trial.seen > zstdTrialHead && len(w.head) >= 2*zstdTrialSize {
			if err := w.try(); err != nil {
				return err
			}
		}
		if err := w.begin(); err != nil {
			return err
		}
	}
	return w.chosen.Close()
}

// begin chooses the encoder and writes the head.
func (w *zstdWriter) begin() error {
	w.chosen = w.normal
	if w.trial.fastest {
		if err := w.makeFastest(); err != nil {
			return err
		}
		w.chosen = w.fastest
	}
	w.chosen.Reset(w.dst)
	_, err := w.chosen.Write(w.head)
	return err
}

// try compares the encoders.
func (w *zstdWriter) try() error {
	if err := w.makeFastest(); err != nil {
		return err
	}
	piece := w.head[len(w.head)/2:][:zstdTrialSize]
	normal, err := zstdSize(w.normal, piece)
	if err != nil {
		return err
	}
	fastest, err := zstdSize(w.fastest, piece)
	w.trial.done, w.trial.fastest = true, fastest <= normal+normal/zstdWorth
	return err
}

func (w *zstdWriter) makeFastest() (err error) {
	if w.fastest == nil {
		w.fastest, err = newZstdEncoder(zstd.SpeedFastest, 1<<20)
	}
	return err
}

// zstdSize returns how many bytes an encoder makes of a piece.
func zstdSize(z *zstd.Encoder, piece []byte) (int64, error) {
	var c counter
	z.Reset(&c)
	if _, err := z.Write(piece); err != nil {
		return 0, err
	}
	err := z.Close()
	return int64(c), err
}

type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
