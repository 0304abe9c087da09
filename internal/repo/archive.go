package repo

import (
	"cmp"
	"context"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/storage"
)

var (
	archiveID = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?-[0-9]+$`)

	// storedSegment is the name of a stored WAL segment, whole or partial: name, SHA-1 and extension.
	storedSegment = regexp.MustCompile(`^([0-9A-F]{24}(?:\.partial)?)-([0-9a-f]{40})(\.gz|\.lz4|\.zst|\.xz|\.bz2)?$`)
	segmentPrefix = regexp.MustCompile(`^[0-9A-F]{24}`)
)

// walDirLength is how much of a segment's name is the name of its directory: timeline and upper half of the number.
const walDirLength = 16

// Segment is a WAL segment in the archive.
type Segment struct {
	ArchiveID   string // 15-1
	Dir         string // path of the directory it lies in
	Name        string // stored file name
	Sum         format.Sum
	Compression filter.Compression
}

// Path returns the path of the stored file.
func (s Segment) Path() string { return path.Join(s.Dir, s.Name) }

// WAL returns the name of the segment without checksum and extension.
func (s Segment) WAL() string {
	name, _, _ := strings.Cut(s.Name, "-")
	return name
}

// ParseSegment takes the name of a stored WAL segment apart. It reports false for any other name.
func ParseSegment(name string) (Segment, bool) {
	part := storedSegment.FindStringSubmatch(name)
	if part == nil {
		return Segment{}, false
	}
	sum, err := format.ParseSum(part[2])
	if err != nil {
		return Segment{}, false
	}
	return Segment{Name: name, Sum: sum, Compression: filter.CompressionOf(name)}, true
}

// ArchiveDir returns the directory of an archived file: one per 2^32 bytes of WAL for what begins like a segment, the archive id's
// own for the rest, which is timeline history.
func (r *Repo) ArchiveDir(archiveID, name string) string {
	if segmentPrefix.MatchString(name) {
		return r.ArchivePath(archiveID, name[:walDirLength])
	}
	return r.ArchivePath(archiveID)
}

// ArchiveFile returns the path of an archived file by its stored name.
func (r *Repo) ArchiveFile(archiveID, stored string) string {
	return path.Join(r.ArchiveDir(archiveID, stored), stored)
}

// FindSegment returns the stored files of a WAL segment, which may be a partial one, under any compression. More than one means
// that something archived it twice. None is not an error.
func (r *Repo) FindSegment(ctx context.Context, archiveID, segment string) ([]Segment, error) {
	dir := r.ArchiveDir(archiveID, segment)
	pattern, err := regexp.Compile(`^` + regexp.QuoteMeta(segment) + `-[0-9a-f]{40}(\.gz|\.lz4|\.zst|\.xz|\.bz2)?$`)
	if err != nil {
		return nil, err
	}
	names, err := storage.Names(ctx, r.cfg.Storage, dir, pattern)
	if err != nil {
		return nil, err
	}
	return segmentsOf(archiveID, dir, segment, names), nil
}

// segmentsOf picks the stored files of one segment from a listing of its directory.
func segmentsOf(archiveID, dir, segment string, names []string) []Segment {
	var found []Segment
	for _, name := range names {
		if s, ok := ParseSegment(name); ok && s.WAL() == segment {
			s.ArchiveID, s.Dir = archiveID, dir
			found = append(found, s)
		}
	}
	return found
}

// OpenArchive reads the plain content of a file in the archive. The pass is that of archive.info, "" when not encrypted.
func (r *Repo) OpenArchive(ctx context.Context, file string, c filter.Compression, pass string) (io.ReadCloser, error) {
	return r.open(ctx, file, storage.Range{}, filter.Spec{Compression: c, Pass: pass})
}

// ArchiveIDs returns the archive ids that have a directory, in the order of their history.
func (r *Repo) ArchiveIDs(ctx context.Context) ([]string, error) {
	ids, err := r.directories(ctx, r.ArchivePath(), archiveID.MatchString)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(ids, func(a, b string) int { return cmp.Compare(historyID(a), historyID(b)) })
	return ids, nil
}

func historyID(archiveID string) int {
	_, number, _ := strings.Cut(archiveID, "-")
	id, _ := strconv.Atoi(number)
	return id
}
