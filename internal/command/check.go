package command

import (
	"context"
	"slices"

	"holdfast/internal/stanza"
)

// runCheck checks the stanza or, if none was named, every one that the configuration has a section for.
func runCheck(ctx context.Context, s *session) error {
	if s.stanza() != "" {
		return s.checkStanza(ctx)
	}
	stanzas := s.cfg.Stanzas()
	if len(stanzas) == 0 {
		s.log.Warn("no stanzas found to check\nHINT: are there non-empty stanza sections in the configuration?")
		return nil
	}
	for _, name := range stanzas {
		s.log.Info("check stanza '%s'", name)
		one, err := s.forStanza(name)
		if err != nil {
			return err
		}
		if err := one.checkStanza(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) checkStanza(ctx context.Context) error {
	clusters, err := s.clusters(ctx)
	if err != nil {
		return err
	}
	repos, err := s.repos(ctx)
	if err != nil {
		return err
	}
	return stanza.Check(ctx, stanza.CheckOptions{
		Log:      s.log,
		Stanza:   s.stanza(),
		Repos:    repos,
		Clusters: clusters,
		RepoHere: slices.ContainsFunc(s.repoKeys(), func(key int) bool {
			return !s.cfg.Has("repo-host", key)
		}),
		StandbyWanted:    s.cfg.String("backup-standby") != "n",
		ArchiveCheck:     s.cfg.Bool("archive-check"),
		ArchiveModeCheck: s.cfg.Bool("archive-mode-check"),
		ArchiveTimeout:   s.cfg.Duration("archive-timeout"),
	})
}
