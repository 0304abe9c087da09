package restore

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/postgres"
	"holdfast/internal/storage"
)

const (
	current = "current"
	latest  = "latest"
)

// timeline returns the target timeline: what the user wants, or what suits version and type.
func (r *run) timeline() string {
	switch {
	case r.TargetTimeline != "":
		return r.TargetTimeline
	case r.version.RecoveryConf() || r.Type == Immediate:
		return current
	}
	return latest
}

// checkTimeline verifies that recovery along the target timeline passes through the backup. The server would find out too, but only
// after the data directory is gone.
func (r *run) checkTimeline(ctx context.Context) error {
	m := r.manifest
	if !m.Options.Online || r.timeline() == current || m.LSNStart == "" {
		return nil
	}
	backup, err := postgres.SegmentTimeline(m.ArchiveStart)
	if err != nil {
		return err
	}
	start, err := postgres.ParseLSN(m.LSNStart)
	if err != nil {
		return err
	}
	target, err := r.targetTimeline(ctx, backup)
	if err != nil || target == backup {
		return err
	}
	history, err := r.history(ctx, target)
	if err != nil {
		return err
	}
	return passes(history, target, backup, start)
}

var historyPattern = regexp.MustCompile(`^[0-9A-F]{8}\.history$`)

// targetTimeline returns the number of the target timeline.
func (r *run) targetTimeline(ctx context.Context, backup uint32) (uint32, error) {
	if r.timeline() != latest {
		return parseTimeline(r.timeline())
	}
	files, err := storage.Names(ctx, r.repo.Storage(), r.repo.ArchivePath(r.archiveID()), historyPattern)
	if err != nil || len(files) == 0 {
		return backup, err
	}
	newest, err := strconv.ParseUint(files[len(files)-1][:8], 16, 32)
	if err != nil {
		return 0, err
	}
	return max(backup, uint32(newest)), nil
}

// parseTimeline reads a timeline as the server does: decimal, or hexadecimal after 0x.
func parseTimeline(text string) (uint32, error) {
	digits, base := text, 10
	if hex, ok := strings.CutPrefix(text, "0x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return 0, errs.New(errs.DbMismatch, "invalid target timeline '%s'", text)
	}
	return uint32(n), nil
}

func (r *run) archiveID() string {
	return format.ArchiveDB{ID: r.manifest.DB.ID, Version: r.manifest.DB.Version}.ArchiveID()
}

// history reads the history file of a timeline from the archive.
func (r *run) history(ctx context.Context, timeline uint32) ([]postgres.TimelineEntry, error) {
	pass := ""
	if r.repo.Encrypted() {
		info, err := r.repo.LoadArchiveInfo(ctx)
		if err != nil {
			return nil, err
		}
		pass = info.CipherPass
	}
	file := r.repo.ArchiveFile(r.archiveID(), fmt.Sprintf("%08X.history", timeline))
	in, err := r.repo.OpenArchive(ctx, file, filter.None, pass)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	history, err := postgres.ParseHistory(in)
	if err != nil {
		return nil, errs.Wrap(errs.Format, err, "invalid timeline '%X' at '%s'", timeline, file)
	}
	return history, nil
}

// passes reports whether a timeline contains the backup.
func passes(history []postgres.TimelineEntry, target, backup uint32, start postgres.LSN) error {
	for _, h := range history {
		if h.Timeline != backup {
			continue
		}
		if h.Switch > start {
			return nil
		}
		return errs.New(errs.DbMismatch, "target timeline %X forked from backup timeline %X at %s which is before backup lsn of %s",
			target, backup, small(h.Switch), small(start)).
			Hint("was the target timeline created by accidentally promoting a standby?").
			Hint("was the target timeline created by testing a restore without --archive-mode=off?").
			Hint("was the backup made after the target timeline was created?")
	}
	return errs.New(errs.DbMismatch, "backup timeline %X, lsn %s is not in the history of target timeline %X", backup, small(start), target).
		Hint("was the target timeline created by promoting from a timeline < latest?")
}

// small writes a position with small letters, as the messages of the original program do here.
func small(lsn postgres.LSN) string { return strings.ToLower(lsn.String()) }
