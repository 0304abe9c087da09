package command

import (
	"context"

	"holdfast/internal/errs"
)

func runDemo(context.Context, *session) error {
	return errs.New(errs.FeatureNotSupported, "demo is not here yet")
}
