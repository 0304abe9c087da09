package verify

import (
	"context"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// walRange is WAL without a gap.
type walRange struct{ first, last string }

var walDir = regexp.MustCompile(`^[0-9A-F]{16}$`)

// defaultSegmentSize tells which segments follow each other as long as no segment could be asked.
const defaultSegmentSize = 16 << 20

// archiveJobs generates the jobs for the WAL of one cluster. It reports false if no more are wanted.
func (v *run) archiveJobs(ctx context.Context, id string, yield func(*job) bool) (bool, error) {
	a := &archiving{run: v, Archive: &Archive{ID: id}, size: -1}
	v.result.Archives = append(v.result.Archives, a.Archive)
	dirs, err := storage.Names(ctx, v.Repo.Storage(), v.Repo.ArchivePath(id), walDir)
	if err != nil {
		return false, err
	}
	if len(dirs) == 0 {
		v.Log.Detail("archive path '%s' is empty", id)
	}
	for _, dir := range dirs {
		segments, err := a.list(ctx, dir)
		if err != nil {
			return false, err
		}
		if len(segments) == 0 {
			v.Log.Detail("path '%s/%s' does not contain any valid WAL to be processed", id, dir)
		}
		for _, s := range segments {
			a.extend(s.WAL())
			if !yield(a.job(s)) {
				return false, nil
			}
		}
	}
	return true, nil
}

// archiving is the generator's view of an archive.
type archiving struct {
	*run
	*Archive
	size int64 // of a segment, -1 until one could be asked
}

// list returns the segments to read in a directory: each once, and none that is there twice.
func (a *archiving) list(ctx context.Context, dir string) ([]repo.Segment, error) {
	if !a.wal.reaches(dir) {
		return nil, nil
	}
	at := a.Repo.ArchivePath(a.ID, dir)
	var segments []repo.Segment
	err := a.Repo.Storage().List(ctx, at, func(info storage.Info) error {
		s, ok := repo.ParseSegment(info.Name)
		if ok && info.Type != storage.Dir && postgres.IsSegment(s.WAL()) && a.wal.holds(s.WAL()) {
			s.ArchiveID, s.Dir = a.ID, at
			segments = append(segments, s)
		}
		return nil
	})
	if err != nil && !errs.Is(err, errs.PathMissing) {
		return nil, err
	}
	slices.SortFunc(segments, func(a, b repo.Segment) int { return strings.Compare(a.Name, b.Name) })
	a.mu.Lock()
	a.Total += len(segments)
	a.mu.Unlock()
	if err := a.learnSize(ctx, segments); err != nil {
		return nil, err
	}
	return a.withoutDuplicates(segments), nil
}

// learnSize takes the size of segments from the first one whose header can be read. Damaged ones get their verdict later, but WAL of a
// version nobody knows is no damage.
func (a *archiving) learnSize(ctx context.Context, segments []repo.Segment) error {
	var unknown error
	for _, s := range segments {
		if a.size > 0 || ctx.Err() != nil {
			return ctx.Err()
		}
		header, err := a.header(ctx, s)
		if err == nil {
			a.size = header.SegmentSize
		} else if unknown == nil && errs.Is(err, errs.VersionNotSupported) {
			unknown = err
		}
	}
	if a.size > 0 {
		return nil
	}
	return unknown
}

func (a *archiving) header(ctx context.Context, s repo.Segment) (postgres.WALHeader, error) {
	in, err := a.Repo.OpenArchive(ctx, s.Path(), s.Compression, a.archive.CipherPass)
	if err != nil {
		return postgres.WALHeader{}, err
	}
	defer in.Close()
	start := make([]byte, postgres.WALHeaderSize)
	if _, err := io.ReadFull(in, start); err != nil {
		return postgres.WALHeader{}, err
	}
	return postgres.ParseWALHeader(start, a.Assume)
}

// withoutDuplicates drops all files of a segment that has several: nobody can say which is the right one.
func (a *archiving) withoutDuplicates(segments []repo.Segment) []repo.Segment {
	kept := segments[:0]
	for i := 0; i < len(segments); {
		n := i + 1
		for n < len(segments) && segments[n].WAL() == segments[i].WAL() {
			n++
		}
		if n == i+1 {
			kept = append(kept, segments[i])
		} else {
			a.Log.Info("duplicate WAL '%s' for '%s' exists, skipping", segments[i].WAL(), a.ID)
			a.fail()
		}
		i = n
	}
	return kept
}

// fail notes that something is wrong.
func (v *run) fail() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.result.Failed = true
}

// extend adds a segment to the range it continues, or begins one.
func (a *archiving) extend(segment string) {
	size := a.size
	if size <= 0 {
		size = defaultSegmentSize
	}
	if n := len(a.ranges); n > 0 && postgres.NextSegment(a.ranges[n-1].last, size) == segment {
		a.ranges[n-1].last = segment
		return
	}
	a.ranges = append(a.ranges, walRange{segment, segment})
}

func (a *archiving) job(s repo.Segment) *job {
	spec := filter.Spec{Compression: s.Compression, Pass: a.run.archive.CipherPass}
	return &job{
		path:    path.Join(s.Dir, s.Name),
		archive: a.Archive,
		files:   []part{{decode: true, spec: spec, sum: s.Sum, size: a.size}},
	}
}

// tellRanges logs where there is WAL without gaps.
func (v *run) tellRanges() {
	for _, a := range v.result.Archives {
		for _, r := range a.ranges {
			v.Log.Detail("archiveId: %s, wal start: %s, wal stop: %s", a.ID, r.first, r.last)
		}
	}
}
