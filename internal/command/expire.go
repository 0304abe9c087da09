package command

import (
	"context"

	"holdfast/internal/errs"
)

func runExpire(context.Context, *session) error {
	return errs.New(errs.FeatureNotSupported, "expire is not here yet")
}
