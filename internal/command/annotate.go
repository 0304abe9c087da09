package command

import (
	"context"

	"holdfast/internal/annotate"
)

func runAnnotate(ctx context.Context, s *session) error {
	repos, err := s.repos(ctx)
	if err != nil {
		return err
	}
	return annotate.Run(ctx, annotate.Options{
		Repos: repos,
		Set:   s.cfg.String("set"),
		Notes: s.cfg.Hash("annotation"),
		Log:   s.log,
	})
}
