package command

import (
	"context"

	"holdfast/internal/stanza"
)

func runStanzaCreate(ctx context.Context, s *session) error {
	if s.cfg.Bool("force") {
		s.log.Warn("option --force is no longer supported")
	}
	o, err := s.stanzaOptions(ctx)
	if err != nil {
		return err
	}
	return stanza.Create(ctx, o)
}

// stanzaOptions is what creating and upgrading a stanza have in common. Both always work on all repositories.
func (s *session) stanzaOptions(ctx context.Context) (stanza.Options, error) {
	clusters, err := s.clusters(ctx)
	if err != nil {
		return stanza.Options{}, err
	}
	repos, err := s.repos(ctx)
	return stanza.Options{
		Log:      s.log,
		Stanza:   s.stanza(),
		Repos:    repos,
		Clusters: clusters,
		Online:   s.cfg.Bool("online"),
	}, err
}
