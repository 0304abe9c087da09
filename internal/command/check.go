package command

import (
	"context"

	"holdfast/internal/errs"
)

func runCheck(context.Context, *session) error {
	return errs.New(errs.FeatureNotSupported, "check is not here yet")
}
