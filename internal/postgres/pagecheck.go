package postgres

import (
	"encoding/binary"
	"errors"
	"io/fs"
)

// relationSegmentSize is where PostgreSQL cuts the file of a large relation.
const relationSegmentSize = 1 << 30

// PageCheckConfig says what is checked.
type PageCheckConfig struct {
	PageSize    int
	SegmentNo   uint32 // see SegmentNumber
	HeaderCheck bool   // trust the header: off when page contents are encrypted
	// Reread reads a page (counted from the start of the file) once more from the data directory. A page that failed but has changed
	// since, or is gone, was being written: the log will repair it. nil: no page gets a second chance.
	Reread func(page uint32, buf []byte) (int, error)
}

// PageRange is a run of block numbers.
type PageRange struct{ First, Last uint32 }

// PageCheck checks the pages of a relation file that is written to it, in chunks of any size.
type PageCheck struct {
	cfg      PageCheckConfig
	block    uint32 // block number of the first page of the file
	pages    uint32 // pages seen
	partial  []byte // start of a page whose end is in the next chunk
	again    []byte // second reading
	errors   []PageRange
	zeroTest int // offset of the 16 bits that are zero in every page that was never initialized
}

// NewPageCheck starts the check of one file.
func NewPageCheck(cfg PageCheckConfig) *PageCheck {
	c := &PageCheck{cfg: cfg, block: cfg.SegmentNo * uint32(relationSegmentSize/cfg.PageSize), zeroTest: pageChecksumAt}
	if cfg.HeaderCheck {
		c.zeroTest = pageUpperAt
	}
	return c
}

// Write checks the pages in p. It only fails if a second reading does.
func (c *PageCheck) Write(p []byte) (int, error) {
	size, written := c.cfg.PageSize, len(p)
	if len(c.partial) > 0 {
		n := min(size-len(c.partial), len(p))
		c.partial = append(c.partial, p[:n]...)
		p = p[n:]
		if len(c.partial) < size {
			return written, nil
		}
		if err := c.page(c.partial); err != nil {
			return 0, err
		}
		c.partial = c.partial[:0]
	}
	for len(p) >= size {
		if err := c.page(p[:size]); err != nil {
			return 0, err
		}
		p = p[size:]
	}
	if len(p) > 0 {
		if c.partial == nil {
			c.partial = make([]byte, 0, size)
		}
		c.partial = append(c.partial, p...)
	}
	return written, nil
}

func (c *PageCheck) page(page []byte) error {
	number := c.pages
	c.pages++
	if c.valid(page, c.block+number) {
		return nil
	}
	changed, err := c.changed(page, number)
	if err != nil || changed {
		return err
	}
	c.report(c.block + number)
	return nil
}

func (c *PageCheck) valid(page []byte, block uint32) bool {
	if binary.LittleEndian.Uint16(page[c.zeroTest:]) == 0 {
		return zeroPage(page)
	}
	return binary.LittleEndian.Uint16(page[pageChecksumAt:]) == PageChecksum(page, block)
}

// changed reads a page again and reports whether it is not what it was.
func (c *PageCheck) changed(page []byte, number uint32) (bool, error) {
	if c.cfg.Reread == nil {
		return false, nil
	}
	if c.again == nil {
		c.again = make([]byte, c.cfg.PageSize)
	}
	n, err := c.cfg.Reread(number, c.again)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return n != len(page) || string(c.again) != string(page), nil
}

func (c *PageCheck) report(block uint32) {
	if last := len(c.errors) - 1; last >= 0 && c.errors[last].Last+1 == block {
		c.errors[last].Last = block
		return
	}
	c.errors = append(c.errors, PageRange{First: block, Last: block})
}

// Result is what was found in all that has been written: whether the file is in order and, if not, the blocks with errors, or that
// it does not end with a whole page. What a file holds is anyone's guess in that case, so no blocks are given then.
func (c *PageCheck) Result() (valid bool, blocks []PageRange, misaligned bool) {
	if len(c.partial) > 0 {
		return false, nil, true
	}
	return len(c.errors) == 0, c.errors, false
}
