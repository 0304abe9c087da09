package command

import (
	"context"
	"path/filepath"

	"holdfast/internal/archive"
	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/lock"
)

// runArchivePush stores one WAL file in every repository.
func runArchivePush(ctx context.Context, s *session) error {
	if len(s.cfg.Params) != 1 {
		return errs.New(errs.ParamRequired, "WAL segment to push required")
	}
	file, err := s.walPath(s.cfg.Params[0])
	if err != nil {
		return err
	}
	if s.archivesAsync() {
		if !s.cfg.Has("pg-path") {
			return errs.New(errs.OptionRequired, "'archive-push' command in async mode requires option 'pg1-path'")
		}
		return archive.AwaitPush(ctx, s.archiveWait(), filepath.Dir(file), filepath.Base(file))
	}
	o, err := s.pushOptions(ctx)
	if err != nil {
		return err
	}
	o.File = file
	return archive.Push(ctx, o)
}

// runArchivePushAsync stores the WAL files that wait.
func runArchivePushAsync(ctx context.Context, s *session) error {
	if len(s.cfg.Params) != 1 {
		return errs.New(errs.ParamRequired, "WAL path to push required")
	}
	o, err := s.pushOptions(ctx)
	if err != nil {
		return err
	}
	return archive.PushWaiting(ctx, archive.PushWaitingOptions{
		PushOptions: o,
		Dir:         s.cfg.Params[0],
		Spool:       s.spool(),
		BatchSize:   s.cfg.Size("archive-push-batch-size"),
		Allowed:     func() error { return lock.CheckStop(s.lockPath(), s.stanza()) },
		Effort:      s.effort(),
	})
}

func (s *session) pushOptions(ctx context.Context) (archive.PushOptions, error) {
	compression, err := filter.ParseCompression(s.cfg.String("compress-type"))
	if err != nil {
		return archive.PushOptions{}, err
	}
	force, err := s.forcedVersion()
	if err != nil {
		return archive.PushOptions{}, err
	}
	repos, err := s.repos(ctx)
	o := archive.PushOptions{
		Local:       s.posix(),
		Repos:       repos,
		Compression: compression,
		Level:       int(intOf(s.cfg, "compress-level")),
		CheckHeader: boolOf(s.cfg, "archive-header-check"),
		WarnSame:    boolOf(s.cfg, "archive-mode-check"),
		QueueMax:    -1,
		Force:       force,
		Log:         s.log,
	}
	if s.cfg.Has("pg-path") {
		o.PGPath = s.cfg.String("pg-path")
	}
	if s.cfg.Has("archive-push-queue-max") {
		o.QueueMax = s.cfg.Size("archive-push-queue-max")
	}
	return o, err
}
