package postgres

import (
	"encoding/binary"

	"holdfast/internal/errs"
)

// WALHeaderSize is how much of a WAL file is enough for ParseWALHeader.
const WALHeaderSize = 512

// walLongHeader is the flag of a page whose header has the fields that only the first page of a segment has.
const walLongHeader = 0x0002

// WALHeader is what the first page of a WAL segment says about the cluster that wrote it.
type WALHeader struct {
	Version     Version
	SystemID    uint64
	SegmentSize int64
}

// ParseWALHeader reads the start of a WAL segment. With force the magic number is not looked at and the version is that one.
func ParseWALHeader(b []byte, force Version) (WALHeader, error) {
	if len(b) < WALHeaderSize {
		return WALHeader{}, errs.New(errs.FileRead, "unable to read %d byte(s) from WAL file", WALHeaderSize)
	}
	le := binary.LittleEndian
	if le.Uint16(b[2:])&walLongHeader == 0 {
		return WALHeader{}, errs.New(errs.Format, "first page header in WAL file is expected to be in long format")
	}
	magic := le.Uint16(b)
	l, ok := layoutOfMagic(magic)
	if force != 0 {
		l, ok = layoutOf(force)
	}
	if !ok {
		return WALHeader{}, errs.New(errs.VersionNotSupported, "unexpected WAL magic %d", magic).
			Hint("is this version of PostgreSQL supported?").
			Hint("is Holdfast up to date on all hosts?")
	}
	h := WALHeader{Version: l.version, SystemID: le.Uint64(b[24:]), SegmentSize: int64(le.Uint32(b[32:]))}
	return h, checkWALSegmentSize(h.SegmentSize)
}
