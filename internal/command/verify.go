package command

import (
	"context"
	"fmt"

	"holdfast/internal/errs"
	"holdfast/internal/verify"
)

// runVerify reads a stanza back. Damage is a result and no failure of the command.
func runVerify(ctx context.Context, s *session) error {
	assume, err := s.forcedVersion()
	if err != nil {
		return err
	}
	r, err := s.defaultRepo(ctx)
	if err != nil {
		return err
	}
	o := verify.Options{
		Repo:     r,
		Workers:  int(s.cfg.Int("process-max")),
		Retries:  int(s.cfg.Int("job-retry")),
		RetryGap: s.cfg.Duration("job-retry-interval"),
		Assume:   assume,
		Log:      s.log,
	}
	if s.cfg.Has("set") {
		o.Set = s.cfg.String("set")
	}
	result, err := verify.Run(ctx, o)
	if err != nil {
		return err
	}
	text := result.Text(s.cfg.Bool("verbose"))
	if text == "" {
		return nil
	}
	s.log.Info("%s", text)
	if s.cfg.String("output") != "text" {
		return nil
	}
	if _, err := fmt.Fprintln(s.env.Stdout, text); err != nil {
		return errs.Because(errs.FileWrite, err, "unable to write to standard output: %s", errs.System(err))
	}
	return nil
}
