package command

import (
	"context"

	"holdfast/internal/errs"
)

func runArchivePush(context.Context, *session) error {
	return errs.New(errs.FeatureNotSupported, "archive-push is not here yet")
}

func runArchiveGet(context.Context, *session) error {
	return errs.New(errs.FeatureNotSupported, "archive-get is not here yet")
}
