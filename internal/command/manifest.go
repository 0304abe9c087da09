package command

import (
	"context"

	"holdfast/internal/manifest"
)

// runManifest shows the files of a backup.
func runManifest(ctx context.Context, s *session) error {
	r, err := s.defaultRepo(ctx)
	if err != nil {
		return err
	}
	o := manifest.Options{Repo: r, Set: s.cfg.String("set")}
	if s.cfg.Has("filter") {
		o.File = s.cfg.String("filter")
	}
	if s.cfg.Has("reference") {
		o.Reference = s.cfg.String("reference")
	}
	if s.cfg.Has("pg") {
		key := s.cfg.DefaultKey("pg")
		o.Cluster, o.PgPath = s.pgTree(ctx, key), s.cfg.String("pg-path", key)
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
