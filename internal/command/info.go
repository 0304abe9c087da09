package command

import (
	"context"
	"io"

	"holdfast/internal/errs"
	"holdfast/internal/info"
)

// runInfo tells what the repositories hold.
func runInfo(ctx context.Context, s *session) error {
	o := info.Options{
		Stanza:  s.stanza(),
		Brief:   s.cfg.String("detail-level") == "progress",
		LockDir: s.lockPath(),
	}
	if s.cfg.Has("set") {
		o.Set = s.cfg.String("set")
		if o.Brief {
			return errs.New(errs.OptionInvalid, "option 'set' cannot be used with option 'detail-level' = 'progress'")
		}
	}
	if s.cfg.Has("type") {
		o.Type = s.cfg.String("type")
	}
	var err error
	if o.Repos, err = s.repos(ctx); err != nil {
		return err
	}
	stanzas, err := info.Collect(ctx, o)
	if err != nil {
		return err
	}
	write := info.WriteText
	if s.cfg.String("output") == "json" {
		write = info.WriteJSON
	}
	if err := write(s.env.Stdout, stanzas); err != nil && err != io.ErrClosedPipe {
		return errs.Wrap(errs.FileWrite, err, "unable to write to standard output")
	}
	return nil
}
