// Package source reads files of a cluster for a backup, where they lie.
//
// A Task says which file, and what is to become of it on the way: hash, page checks, compression, encryption, or the blocks that have
// changed. A Reader does that and hands out what is to be stored and, at the end, what was found out. Local does it with the files of
// this host, Remote has it done on another, so that only what is stored crosses the network. Where it is stored is the caller's business.
package source

import (
	"context"
	"io"

	"holdfast/internal/block"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/postgres"
)

// Task is one file to read.
type Task struct {
	File  string // path of the file
	Limit *int64 // read no more than that; nil: all
	// Control is set for the control file at Data: it is read again and again while the server is seen writing it.
	Control bool
	Data    string           // data directory
	Force   postgres.Version // layout of the control file to assume, 0: the one it says

	Pages  *Pages      // nil: pages are not checked
	Spec   filter.Spec // of what is stored
	Blocks *Blocks     // nil: stored whole
}

// Pages says how pages are checked.
type Pages struct {
	Size        int
	Segment     uint32 // number of the file among those of its relation
	HeaderCheck bool   // pages are expected to have a plain header
}

// Blocks says how a file is stored by blocks.
type Blocks struct {
	Size, Super  int64
	ChecksumSize int
	Reference    int
	Bundle       int64
	Offset       int64
	Prior        *block.Map `json:"-"` // of the file in the backup before, nil to store everything
}

// Result is what was found out about a file.
type Result struct {
	Size    int64 // of the content
	Sum     format.Sum
	Checked bool // whether pages were checked
	Valid   bool // no page has a wrong checksum
	Aligned bool // the file is a whole number of pages
	Errors  []format.PageRange
	MapSize int64 // of a file by blocks; 0: no block has changed, and nothing is stored
}

// Reader reads files. It is used by one goroutine.
type Reader interface {
	// Store reads a file and writes to dst what is to be stored. A missing file is errs.FileMissing.
	Store(ctx context.Context, t Task, dst io.Writer) (Result, error)
	// Sum reads a file for its size and checksum only.
	Sum(ctx context.Context, t Task) (Result, error)
}
