package command

import (
	"context"

	"holdfast/internal/stanza"
)

func runStanzaUpgrade(ctx context.Context, s *session) error {
	o, err := s.stanzaOptions(ctx)
	if err != nil {
		return err
	}
	return stanza.Upgrade(ctx, o)
}
