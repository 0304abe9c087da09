package repo

import (
	"context"
	"strings"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
)

// WaitSegment waits until a WAL segment is in the archive. Found twice with different content is an error. The directory's listing
// is kept and read again only when the wanted segment is missing from it, which makes a walk over a range cheap.
func (r *Repo) WaitSegment(ctx context.Context, archiveID, segment string, timeout time.Duration) (Segment, error) {
	pause := NewPause(timeout)
	for {
		found, err := r.FindListed(ctx, archiveID, segment)
		if err != nil {
			return Segment{}, err
		}
		if len(found) > 0 {
			return onlySegment(segment, found)
		}
		again, err := pause.More(ctx, nil)
		if err != nil {
			return Segment{}, err
		}
		if !again {
			return Segment{}, notArchived(segment, timeout)
		}
	}
}

// FindListed is FindSegment for a walk over many segments: the listing of a directory is kept and read again only when the wanted
// segment is missing from it.
func (r *Repo) FindListed(ctx context.Context, archiveID, segment string) ([]Segment, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	dir := r.ArchiveDir(archiveID, segment)
	if r.walIn == dir {
		if found := segmentsOf(archiveID, dir, segment, r.wal); len(found) > 0 {
			return found, nil
		}
	}
	names, err := storage.Names(ctx, r.cfg.Storage, dir, storedSegment)
	if err != nil {
		return nil, err
	}
	r.walIn, r.wal = dir, names
	return segmentsOf(archiveID, dir, segment, names), nil
}

// onlySegment makes sure that all files of a segment have the same content and returns the first.
func onlySegment(segment string, found []Segment) (Segment, error) {
	names := make([]string, 0, len(found))
	same := true
	for _, s := range found {
		names = append(names, s.Name)
		same = same && s.Sum == found[0].Sum
	}
	if !same {
		return Segment{}, errs.New(errs.ArchiveDuplicate, "duplicates found in archive for WAL segment %s: %s", segment,
			strings.Join(names, ", ")).Hint("are multiple primaries archiving to this stanza?")
	}
	return found[0], nil
}

func notArchived(segment string, timeout time.Duration) error {
	return errs.New(errs.ArchiveTimeout, "WAL segment %s was not archived before the %dms timeout", segment, timeout.Milliseconds()).
		Hint("check the archive_command to ensure that all options are correct (especially --stanza).").
		Hint("check the PostgreSQL server log for errors.").
		Hint("run the 'start' command if the stanza was previously stopped.")
}

// Pause spaces attempts until a timeout has passed. The first sleep is a tenth of a second, the following grow like Fibonacci
// numbers. After the timeout two more attempts are granted, in case the machine was asleep while time passed.
type Pause struct {
	deadline time.Time
	sleep    time.Duration
	prior    time.Duration
	extra    int
}

// NewPause begins to count the time.
func NewPause(timeout time.Duration) *Pause {
	first := 100 * time.Millisecond
	if timeout < time.Second {
		first = timeout / 10
	}
	return &Pause{deadline: time.Now().Add(timeout), sleep: first, extra: 2}
}

// glance is how often a sleeper opens an eye.
const glance = 5 * time.Millisecond

// More sleeps and reports whether another attempt is due. A sleep ends early once over, which may be nil, returns true.
func (p *Pause) More(ctx context.Context, over func() bool) (bool, error) {
	left := time.Until(p.deadline)
	if left <= 0 {
		p.extra--
		return p.extra >= 0, ctx.Err()
	}
	timer := time.NewTimer(min(p.sleep, left))
	defer timer.Stop()
	var tick <-chan time.Time
	if over != nil {
		ticker := time.NewTicker(glance)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-tick:
			if over() {
				return true, nil
			}
		case <-timer.C:
			p.prior, p.sleep = p.sleep, p.prior+p.sleep
			return true, nil
		}
	}
}
