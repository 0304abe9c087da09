package command

import (
	"context"

	"holdfast/internal/stanza"
)

// runStanzaDelete works on one repository; that it was chosen where there are several is a rule of the options.
func runStanzaDelete(ctx context.Context, s *session) error {
	r, err := s.defaultRepo(ctx)
	if err != nil {
		return err
	}
	o := stanza.DeleteOptions{
		Log:      s.log,
		Stanza:   s.stanza(),
		Repo:     r,
		LockPath: s.lockPath(),
		Force:    s.cfg.Bool("force"),
	}
	if key := s.cfg.DefaultKey("pg"); s.cfg.Has("pg-path", key) {
		o.Cluster, o.PgPath = s.pgTree(ctx, key), s.cfg.String("pg-path", key)
	}
	return stanza.Delete(ctx, o)
}
