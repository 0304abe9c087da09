// Package filter changes bytes on their way into and out of a repository: compression, encryption, and the hash that watches them.
//
// A Spec says in values what was done to a stored file. NewWriter stacks compression and encryption over a destination, NewReader
// undoes them. Each stored file is one stream of its kind; a stream that ends early, is damaged, or is followed by anything is an
// error, so whoever has read to io.EOF has read it all. Encoders and decoders are pooled, because a cluster has thousands of small
// files. Nothing here starts a goroutine or opens a file.
package filter

import (
	"path"
	"strings"

	"holdfast/internal/errs"
)

// Compression is the way a stored file is compressed.
type Compression uint8

// The ways to compress.
const (
	None Compression = iota
	Gz
	Bz2
	Lz4
	Zst
)

var compressions = [...]struct{ name, ext string }{
	None: {"none", ""},
	Gz:   {"gz", ".gz"},
	Bz2:  {"bz2", ".bz2"},
	Lz4:  {"lz4", ".lz4"},
	Zst:  {"zst", ".zst"},
}

// ParseCompression returns the compression of that name: none, gz, bz2, lz4 or zst.
func ParseCompression(name string) (Compression, error) {
	for c, known := range compressions {
		if known.name == name {
			return Compression(c), nil
		}
	}
	return None, errs.New(errs.Assert, "invalid compression type '%s'", name)
}

// String returns the name that options and manifests use.
func (c Compression) String() string { return compressions[c].name }

// Ext returns what is appended to the names of files stored so, with the dot; "" for None.
func (c Compression) Ext() string { return compressions[c].ext }

// CompressionOf tells from the name of a stored file how it is compressed.
func CompressionOf(name string) Compression {
	ext := path.Ext(name)
	for c, known := range compressions {
		if ext != "" && known.ext == ext {
			return Compression(c)
		}
	}
	return None
}

// StripExt returns the name without the extension of its compression.
func StripExt(name string) string {
	return strings.TrimSuffix(name, CompressionOf(name).Ext())
}

// Spec says what is done to a file between its plain and its stored form.
type Spec struct {
	Compression Compression
	Level       int    // as the option compress-level numbers it; reading does not need it
	Pass        string // "" leaves the file unencrypted
	Raw         bool   // the leaner framing of bundled files: zlib for gz, no checksum in lz4, no magic before the salt
}
