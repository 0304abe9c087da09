package command

import (
	"context"

	"holdfast/internal/errs"
)

func runStanzaCreate(context.Context, *session) error {
	return errs.New(errs.FeatureNotSupported, "stanza-create is not here yet")
}

func runStanzaUpgrade(context.Context, *session) error {
	return errs.New(errs.FeatureNotSupported, "stanza-upgrade is not here yet")
}

func runStanzaDelete(context.Context, *session) error {
	return errs.New(errs.FeatureNotSupported, "stanza-delete is not here yet")
}
