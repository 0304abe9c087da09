package command

import (
	"context"

	"holdfast/internal/annotate"
)

func runAnnotate(ctx context.Context, s *session) error {
	return annotate.Run(ctx, annotate.Options{
		Repos: s.repos(),
		Set:   s.cfg.String("set"),
		Notes: s.cfg.Hash("annotation"),
		Log:   s.log,
	})
}
