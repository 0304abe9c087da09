package command

import (
	"context"

	"holdfast/internal/errs"
	"holdfast/internal/wire"
)

// openRemote opens what the remote role of a command works on.
func openRemote(_ context.Context, s *session) (*wire.Opened, error) {
	return nil, errs.New(errs.FeatureNotSupported, "the '%s' command is not part of this version of Holdfast", s.name())
}
