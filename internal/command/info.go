package command

import (
	"context"

	"holdfast/internal/errs"
)

func runInfo(context.Context, *session) error {
	return errs.New(errs.FeatureNotSupported, "info is not here yet")
}
