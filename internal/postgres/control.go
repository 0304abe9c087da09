package postgres

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"time"

	"holdfast/internal/errs"
)

// ControlName is the path of the control file below the data directory.
const ControlName = "global/pg_control"

// ControlSize is the size of the control file. Only the first ControlDataSize bytes mean anything: they fit into one sector, so that
// a crash cannot tear them.
const (
	ControlSize     = 8192
	ControlDataSize = 512
)

// invalidCheckpoint is where a restored control file says the last checkpoint is. No WAL record can be there, so the server refuses
// to start unless backup_label tells it the truth.
const invalidCheckpoint LSN = 0xDEAD

// tornDelay is how long to wait before a control file that made no sense is read again.
const tornDelay = 50 * time.Millisecond

// Control is what the control file says about a cluster.
type Control struct {
	Version        Version
	SystemID       uint64
	ControlVersion uint32
	CatalogVersion uint32
	Checkpoint     LSN
	Timeline       uint32
	PageSize       int
	WALSegmentSize int64
	PageChecksums  bool
}

// ParseControl reads a control file, of which the first ControlDataSize bytes suffice.
//
// With force the layout of that version is used whatever versions the file claims, and because forks append fields of their own the
// CRC is then looked for behind the usual place too.
func ParseControl(b []byte, force Version) (Control, error) {
	c, _, err := parseControl(b, force)
	return c, err
}

// parseControl also returns where the CRC lies.
func parseControl(b []byte, force Version) (Control, int, error) {
	if len(b) < ControlDataSize {
		return Control{}, 0, errs.New(errs.FileRead, "unable to read %d byte(s) from pg_control", ControlDataSize)
	}
	b = b[:ControlDataSize]
	le := binary.LittleEndian
	control, catalog := le.Uint32(b[controlVersionAt:]), le.Uint32(b[catalogVersionAt:])
	l, ok := layoutOfControl(control, catalog)
	if force != 0 && (!ok || l.version != force) {
		l, ok = layoutOf(force)
	}
	if !ok {
		return Control{}, 0, errs.New(errs.VersionNotSupported,
			"unexpected control version = %d and catalog version = %d", control, catalog).
			Hint("is this version of PostgreSQL supported?").
			Hint("is Holdfast up to date on all hosts?")
	}
	crcAt, err := findCRC(b, l, force != 0)
	if err != nil {
		return Control{}, 0, err
	}
	c := Control{
		Version:        l.version,
		SystemID:       le.Uint64(b[systemIDAt:]),
		ControlVersion: control,
		CatalogVersion: catalog,
		Checkpoint:     LSN(le.Uint64(b[checkpointAt:])),
		Timeline:       le.Uint32(b[l.timeline:]),
		PageSize:       int(le.Uint32(b[l.pageSize:])),
		WALSegmentSize: int64(le.Uint32(b[l.walSegmentSize:])),
	}
	c.PageChecksums, err = checksumsOn(le.Uint32(b[l.checksums:]), l.version)
	if err == nil {
		err = checkSizes(c)
	}
	return c, crcAt, err
}

func findCRC(b []byte, l layout, search bool) (int, error) {
	last := l.crc
	if search {
		last = len(b) - 4
	}
	for at := l.crc; at <= last; at += 4 {
		if controlCRC(b[:at]) == binary.LittleEndian.Uint32(b[at:]) {
			return at, nil
		}
	}
	err := errs.New(errs.Checksum, "calculated pg_control checksum does not match expected value").
		Hint("calculated 0x%x but expected value is 0x%x", controlCRC(b[:l.crc]), binary.LittleEndian.Uint32(b[l.crc:]))
	if search {
		err = err.Hint("the version is forced: these are the values at the usual place of that version")
	}
	return 0, err.Hint("is pg_control corrupt?").
		Hint("does pg_control have a different layout than expected?")
}

func controlCRC(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// checksumsOn: 0 is off, 1 is on. Later versions can switch while they run; until all pages have been written they count as off.
func checksumsOn(n uint32, v Version) (bool, error) {
	if n > 1 && v <= Version18 {
		return false, errs.New(errs.Format, "page checksum version is %d but must be <= 1", n)
	}
	return n == 1, nil
}

func checkSizes(c Control) error {
	if err := checkWALSegmentSize(c.WALSegmentSize); err != nil {
		return err
	}
	if c.PageSize < 1024 || c.PageSize > 32768 || c.PageSize&(c.PageSize-1) != 0 {
		return errs.New(errs.Format, "page size is %d but only 1024, 2048, 4096, 8192, 16384, and 32768 are supported", c.PageSize)
	}
	return nil
}

func checkWALSegmentSize(size int64) error {
	const min, max = 1 << 20, 1 << 30
	if size < min || size > max || size&(size-1) != 0 {
		return errs.New(errs.Format, "wal segment size is %d but must be a power of two between %d and %d inclusive", size, min, max)
	}
	return nil
}

// InvalidateCheckpoint changes a control file so that a server cannot start from it without backup_label, and makes the CRC right
// again.
func InvalidateCheckpoint(b []byte, force Version) error {
	_, crcAt, err := parseControl(b, force)
	if err != nil {
		return err
	}
	binary.LittleEndian.PutUint64(b[checkpointAt:], uint64(invalidCheckpoint))
	binary.LittleEndian.PutUint32(b[crcAt:], controlCRC(b[:crcAt]))
	return nil
}

// CheckpointInvalidated reports whether the control file went through InvalidateCheckpoint and no server has started since.
func CheckpointInvalidated(c Control) bool { return c.Checkpoint == invalidCheckpoint }

// ReadControl returns the control file as a backup stores it, zeros behind the first ControlDataSize bytes, and what it says.
//
// A server may be writing the file, so read (which returns at least its first ControlDataSize bytes) is called again after a while
// when the bytes make no sense, until they do or until the same nonsense comes twice in a row. An error of read ends it at once.
func ReadControl(read func() ([]byte, error), force Version, sleep func(time.Duration)) ([]byte, Control, error) {
	var last []byte
	for {
		b, err := read()
		if err != nil {
			return nil, Control{}, err
		}
		b = b[:min(len(b), ControlDataSize)]
		c, err := ParseControl(b, force)
		if err == nil {
			whole := make([]byte, ControlSize)
			copy(whole, b)
			return whole, c, nil
		}
		if last != nil && bytes.Equal(b, last) {
			return nil, Control{}, err
		}
		last = append(make([]byte, 0, ControlDataSize), b...)
		sleep(tornDelay)
	}
}
