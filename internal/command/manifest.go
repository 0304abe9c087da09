package command

import (
	"context"

	"holdfast/internal/manifest"
)

// runManifest shows the files of a backup.
func runManifest(ctx context.Context, s *session) error {
	o := manifest.Options{Repo: s.defaultRepo(), Set: s.cfg.String("set")}
	if s.cfg.Has("filter") {
		o.File = s.cfg.String("filter")
	}
	if s.cfg.Has("reference") {
		o.Reference = s.cfg.String("reference")
	}
	if s.cfg.Has("pg") {
		o.Cluster, o.PgPath = s.posix(), s.cfg.String("pg-path", s.cfg.DefaultKey("pg"))
	}
	l, err := manifest.Load(ctx, o)
	if err != nil {
		return err
	}
	write := l.WriteText
	if s.cfg.String("output") == "json" {
		write = l.WriteJSON
	}
	return s.written(write(s.env.Stdout))
}
