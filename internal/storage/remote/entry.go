package remote

import (
	"bufio"
	"encoding/binary"
	"io"
	"io/fs"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
)

// An entry of a directory is sent as its length and then its fields: texts with their length ahead, numbers as varints.

// longestEntry is more than two paths and two names can take.
const longestEntry = 64 << 10

func appendInfo(b []byte, i storage.Info) []byte {
	for _, text := range []string{i.Name, i.User, i.Group, i.Target} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	b = append(b, byte(i.Type))
	for _, n := range []int64{i.Size, i.ModTime.Unix(), int64(i.ModTime.Nanosecond()), int64(i.Mode), int64(i.UID), int64(i.GID)} {
		b = binary.AppendVarint(b, n)
	}
	return b
}

func writeEntry(w io.Writer, entry []byte) error {
	var head [binary.MaxVarintLen64]byte
	if _, err := w.Write(head[:binary.PutUvarint(head[:], uint64(len(entry)))]); err != nil {
		return err
	}
	_, err := w.Write(entry)
	return err
}

// readEntry returns the next entry in buf, or io.EOF.
func readEntry(r *bufio.Reader, buf []byte) ([]byte, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, err
	}
	if n > longestEntry {
		return nil, errs.New(errs.Protocol, "directory entry of %d bytes", n)
	}
	if uint64(cap(buf)) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err = io.ReadFull(r, buf); err == io.EOF {
		err = io.ErrUnexpectedEOF // only between entries is a good end
	}
	return buf, err
}

// fields takes an entry apart. The first mistake stays.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) text() string {
	n, used := binary.Uvarint(f.b)
	if used <= 0 || n > uint64(len(f.b)-used) {
		f.bad, f.b = true, nil
		return ""
	}
	text := string(f.b[used : used+int(n)])
	f.b = f.b[used+int(n):]
	return text
}

func (f *fields) number() int64 {
	n, used := binary.Varint(f.b)
	if used <= 0 {
		f.bad, f.b = true, nil
		return 0
	}
	f.b = f.b[used:]
	return n
}

func (f *fields) octet() byte {
	if len(f.b) == 0 {
		f.bad = true
		return 0
	}
	c := f.b[0]
	f.b = f.b[1:]
	return c
}

func parseInfo(b []byte) (storage.Info, error) {
	f := fields{b: b}
	i := storage.Info{Name: f.text(), User: f.text(), Group: f.text(), Target: f.text(), Type: storage.Type(f.octet())}
	i.Size = f.number()
	seconds, nanos := f.number(), f.number()
	i.ModTime = time.Unix(seconds, nanos)
	i.Mode, i.UID, i.GID = fs.FileMode(f.number()), int(f.number()), int(f.number())
	if f.bad || len(f.b) > 0 || i.Type > storage.Special {
		return storage.Info{}, errs.New(errs.Protocol, "unable to read a directory entry")
	}
	return i, nil
}
