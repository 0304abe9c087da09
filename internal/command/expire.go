package command

import (
	"context"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/expire"
	"holdfast/internal/format"
	"holdfast/internal/postgres"
)

// runExpire lets retention have its way. It also runs at the end of a backup, with the options that the two commands share.
func runExpire(ctx context.Context, s *session) error {
	o := expire.Options{
		Oldest:     boolOf(s.cfg, "oldest"),
		DryRun:     boolOf(s.cfg, "dry-run"),
		PageErrors: boolOf(s.cfg, "checksum-page-error"),
		Now:        time.Now(),
		Log:        s.log,
	}
	if s.cfg.Has("set") {
		o.Set = s.cfg.String("set")
		if o.Oldest {
			return errs.New(errs.OptionInvalid, "--oldest and --set cannot be used together")
		}
		if !format.ValidLabel(o.Set) {
			return errs.New(errs.OptionInvalidValue, "'%s' is not a valid backup label format", o.Set)
		}
	}
	if s.cfg.Has("archive-expire-before") {
		o.ArchiveBefore = s.cfg.String("archive-expire-before")
		if !postgres.IsSegment(o.ArchiveBefore) {
			return errs.New(errs.OptionInvalidValue,
				"'%s' is not a valid WAL segment name for option '--archive-expire-before'", o.ArchiveBefore)
		}
	}
	for _, key := range s.repoKeys() {
		r, err := s.repo(ctx, key)
		if err != nil {
			return err
		}
		o.Repos = append(o.Repos, expire.Repo{Repo: r, Retention: s.retention(key)})
	}
	return expire.Run(ctx, o)
}

// retention is what one repository keeps.
func (s *session) retention(key int) expire.Retention {
	number := func(option string) int {
		if !s.cfg.Has(option, key) {
			return 0
		}
		return int(s.cfg.Int(option, key))
	}
	return expire.Retention{
		Full:        number("repo-retention-full"),
		FullByTime:  s.cfg.String("repo-retention-full-type", key) == "time",
		Diff:        number("repo-retention-diff"),
		ArchiveType: format.BackupType(s.cfg.String("repo-retention-archive-type", key)),
		Archive:     number("repo-retention-archive"),
		History:     number("repo-retention-history"),
		KeepHistory: !s.cfg.Has("repo-retention-history", key),
	}
}
