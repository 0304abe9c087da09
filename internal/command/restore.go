package command

import (
	"context"

	"holdfast/internal/errs"
)

func runRestore(context.Context, *session) error {
	return errs.New(errs.FeatureNotSupported, "restore is not here yet")
}
