package format

import (
	"math"

	"holdfast/internal/errs"
)

// PageState is the outcome of the page checks of a file.
type PageState uint8

// The outcomes of page checks.
const (
	PageNone  PageState = iota // not checked
	PageOK                     // no error found
	PageError                  // errors found; without PageErrors the file is not a whole number of pages
)

// PageRange is a run of pages, First to Last included.
type PageRange struct{ First, Last uint32 }

// File is a file of a backup. In a new entry OriginalSize and RepoSize are equal to Size until something else is known.
type File struct {
	Name         string // "pg_data/...", "pg_tblspc/OID/PG_VER_CATALOG/..."
	User, Group  string // "" = the id has no name
	Reference    string // label of the backup that holds the content, "" = this one
	Size         int64  // of the content
	OriginalSize int64  // as seen when the manifest was built
	RepoSize     int64  // as stored
	Timestamp    int64  // modification time, Unix seconds

	BundleID          int64 // 0 = not bundled
	BundleOffset      int64
	BlockSize         int64 // 0 = not eligible for block incremental
	BlockChecksumSize int   // of each block
	BlockMapSize      int64 // stored size of the block map, 0 = not stored in blocks

	PageErrors  []PageRange // ascending
	Checksum    Sum         // of the content
	HasChecksum bool        // false for a file that was not copied yet

	HasRepoChecksum bool
	RepoChecksum    Sum // of the stored bytes

	Mode         uint16
	PageChecksum PageState
}

const (
	blockUnit            = 8192 // block sizes are stored as multiples of it
	highestBlock         = math.MaxInt64 / blockUnit
	defaultBlockChecksum = 6
	highestBlockChecksum = 16
)

// file reads an entry. Its members are asked for in the order in which they are written.
func (d *manifestDecoder) file(key []byte, v value) error {
	var f File
	o := openObject(v)
	f.decodeLocation(&o)
	f.Checksum, f.HasChecksum = sum(&o, "checksum")
	f.decodePages(&o)
	f.Group = d.owner(&o, "group")
	f.Mode = mode(&o)
	f.RepoChecksum, f.HasRepoChecksum = sum(&o, "rck")
	f.Reference = d.reference(&o)
	f.RepoSize = o.sizeOr("repo-size", -1)
	f.Size = o.size("size")
	f.OriginalSize = o.sizeOr("szo", f.Size)
	f.Timestamp = o.int("timestamp", math.MinInt64, math.MaxInt64)
	f.User = d.owner(&o, "user")
	if f.RepoSize < 0 {
		f.RepoSize = f.Size
	}
	if f.Size == 0 && !f.HasChecksum {
		f.Checksum, f.HasChecksum = EmptySum, true
	}
	d.m.Files.add(&f, key)
	return o.first(checkName(key))
}

func (f *File) decodeLocation(o *object) {
	f.BlockSize = blockUnit * o.intOr("bi", 1, highestBlock, 0)
	if f.BlockSize > 0 {
		f.BlockChecksumSize = int(o.intOr("bic", 1, highestBlockChecksum, defaultBlockChecksum))
		f.BlockMapSize = o.sizeOr("bim", 0)
	}
	f.BundleID = o.intOr("bni", 1, math.MaxInt64, 0)
	if f.BundleID > 0 {
		f.BundleOffset = o.sizeOr("bno", 0)
	}
}

func (f *File) decodePages(o *object) {
	if !o.find("checksum-page") {
		return
	}
	f.PageChecksum = PageError
	if o.bool("checksum-page") {
		f.PageChecksum = PageOK
	}
	if o.find("checksum-page-error") && f.PageChecksum == PageError {
		pages, err := o.val.pages()
		o.fail("checksum-page-error", err)
		f.PageErrors = pages
	}
}

// sum reads an optional SHA-1.
func sum(o *object, key string) (Sum, bool) {
	if !o.find(key) {
		return Sum{}, false
	}
	digits, err := o.val.bytes()
	if err != nil {
		o.fail(key, err)
		return Sum{}, false
	}
	sum, ok := parseSum(digits)
	if !ok {
		o.fail(key, errs.New(errs.Format, "'%s' is not a SHA-1 checksum", cut(digits)))
	}
	return sum, ok
}

// reference reads the label of another backup and notes it for manifests that lack the list of references.
func (d *manifestDecoder) reference(o *object) string {
	if !o.find("reference") {
		return ""
	}
	label, err := o.val.bytes()
	if err != nil {
		o.fail("reference", err)
		return ""
	}
	known := len(d.references)
	text := d.references.text(label)
	if len(d.references) == known {
		return text
	}
	if !ValidLabel(text) {
		o.fail("reference", errs.New(errs.Format, "'%s' is not a backup label", cut(label)))
	}
	d.seen = append(d.seen, text)
	return text
}

// encode writes an entry under the key of the writer. It leaves out what decoding assumes for a missing member.
func (f *File) encode(w *writer, missing *Defaults) {
	o := w.begin()
	if f.BlockSize > 0 {
		o.int("bi", f.BlockSize/blockUnit)
		o.intUnless("bic", int64(f.BlockChecksumSize), defaultBlockChecksum)
		o.intUnless("bim", f.BlockMapSize, 0)
	}
	if f.BundleID > 0 {
		o.int("bni", f.BundleID)
		o.intUnless("bno", f.BundleOffset, 0)
	}
	if f.Size > 0 && f.HasChecksum {
		o.sum("checksum", &f.Checksum)
	}
	if f.PageChecksum != PageNone {
		o.bool("checksum-page", f.PageChecksum == PageOK)
	}
	if f.PageChecksum == PageError && len(f.PageErrors) > 0 {
		o.pages("checksum-page-error", f.PageErrors)
	}
	o.owner("group", f.Group, missing.Group)
	o.mode("mode", f.Mode, missing.Mode)
	if f.HasRepoChecksum {
		o.sum("rck", &f.RepoChecksum)
	}
	o.textIf("reference", f.Reference)
	o.intUnless("repo-size", f.RepoSize, f.Size)
	o.int("size", f.Size)
	o.intUnless("szo", f.OriginalSize, f.Size)
	o.int("timestamp", f.Timestamp)
	o.owner("user", f.User, missing.User)
	w.endKey()
}
