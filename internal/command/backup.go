package command

import (
	"context"

	"holdfast/internal/errs"
)

func runBackup(context.Context, *session) error {
	return errs.New(errs.FeatureNotSupported, "backup is not here yet")
}
