package command

import (
	"context"

	"holdfast/internal/stanza"
)

// runStanzaDelete works on one repository; that it was chosen where there are several is a rule of the options.
func runStanzaDelete(ctx context.Context, s *session) error {
	o := stanza.DeleteOptions{
		Log:      s.log,
		Stanza:   s.stanza(),
		Repo:     s.defaultRepo(),
		LockPath: s.lockPath(),
		Force:    s.cfg.Bool("force"),
	}
	if key := s.cfg.DefaultKey("pg"); s.cfg.Has("pg-path", key) {
		o.Cluster, o.PgPath = s.posix(), s.cfg.String("pg-path", key)
	}
	return stanza.Delete(ctx, o)
}
