package format

import (
	"crypto/sha1"
	"hash"
)

// checksum computes the SHA-1 of an info file: that of a JSON object of objects with the sections, keys and values in the order of
// the file. Section names go in as they are, keys as JSON strings, values as they stand in the file.
type checksum struct {
	hash    hash.Hash
	buffer  []byte // not yet hashed
	section string
	begun   bool // section has been opened
}

const checksumBuffer = 32 << 10

func newChecksum() *checksum {
	return &checksum{hash: sha1.New(), buffer: append(make([]byte, 0, checksumBuffer+1024), '{')}
}

// add takes a key and its value. A section counts from its first key on.
func (c *checksum) add(section string, key, val []byte) {
	switch {
	case !c.begun:
		c.open(section)
	case c.section != section:
		c.buffer = append(c.buffer, '}', ',')
		c.open(section)
	default:
		c.buffer = append(c.buffer, ',')
	}
	c.buffer = appendString(c.buffer, key)
	c.buffer = append(c.buffer, ':')
	if len(c.buffer)+len(val) > checksumBuffer {
		c.flush()
	}
	if len(val) > checksumBuffer {
		c.hash.Write(val)
		return
	}
	c.buffer = append(c.buffer, val...)
}

func (c *checksum) open(section string) {
	c.section, c.begun = section, true
	c.buffer = append(c.buffer, '"')
	c.buffer = append(c.buffer, section...)
	c.buffer = append(c.buffer, '"', ':', '{')
}

func (c *checksum) flush() {
	c.hash.Write(c.buffer)
	c.buffer = c.buffer[:0]
}

// sum ends the text. Nothing may be added afterwards. The end is the same where nothing was added, though that is no JSON then.
func (c *checksum) sum() (sum Sum) {
	c.buffer = append(c.buffer, '}', '}')
	c.flush()
	c.hash.Sum(sum[:0])
	return sum
}
