package command

import (
	"context"

	"holdfast/internal/lock"
)

// forStanzaText ends messages about stop files.
func forStanzaText(stanza, otherwise string) string {
	if stanza == "" {
		return otherwise
	}
	return " for stanza " + stanza
}

func runStart(_ context.Context, s *session) error {
	existed, err := lock.Start(s.lockPath(), s.stanza())
	if err == nil && !existed {
		s.log.Warn("stop file does not exist%s", forStanzaText(s.stanza(), ""))
	}
	return err
}
