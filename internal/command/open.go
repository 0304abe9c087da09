package command

import (
	"context"

	"holdfast/internal/config"
	"holdfast/internal/db"
	"holdfast/internal/errs"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/source"
	"holdfast/internal/storage"
	"holdfast/internal/storage/posix"
	"holdfast/internal/storage/remote"
)

// posix returns the local file system.
func (s *session) posix() storage.Tree { return posix.New(posix.Config{}) }

// repoKeys returns the repositories the command works on: the one chosen with --repo, else all, ascending.
func (s *session) repoKeys() []int {
	if s.cfg.Has("repo") {
		return []int{s.cfg.DefaultKey("repo")}
	}
	return s.cfg.Keys("repo")
}

// repos opens the repositories of repoKeys.
func (s *session) repos(ctx context.Context) ([]*repo.Repo, error) {
	var repos []*repo.Repo
	for _, key := range s.repoKeys() {
		r, err := s.repo(ctx, key)
		if err != nil {
			return nil, err
		}
		repos = append(repos, r)
	}
	return repos, nil
}

// defaultRepo opens the repository for a command that works on one.
func (s *session) defaultRepo(ctx context.Context) (*repo.Repo, error) {
	return s.repo(ctx, s.cfg.DefaultKey("repo"))
}

// repo opens one repository. Nothing is read yet. Where there are others too, that a host cannot be reached turns out when its
// repository is used, so that it does not keep anybody from the others; so it does for
// a background run, which leaves a note, and for info, which tells about it.
func (s *session) repo(ctx context.Context, key int) (*repo.Repo, error) {
	c := repo.Config{
		Key:        key,
		Path:       s.path("repo-path", key),
		Storage:    s.posix(),
		Stanza:     s.stanza(),
		CipherType: s.cfg.String("repo-cipher-type", key),
		Program:    Compatible,
	}
	if s.cfg.Has("repo-cipher-pass", key) {
		c.CipherPass = s.cfg.Secret("repo-cipher-pass", key).Reveal()
	}
	if s.cfg.Has("repo-symlink", key) {
		c.Symlink = s.cfg.Bool("repo-symlink", key)
	}
	if s.cfg.Has("repo-hardlink", key) {
		c.Hardlink = s.cfg.Bool("repo-hardlink", key)
	}
	if !s.cfg.Has("repo-host", key) {
		return repo.New(c), nil
	}
	h := s.host(ctx, "repo", key)
	if h.err != nil && s.cfg.Role != config.Async && s.cfg.Command != "info" && (len(s.repoKeys()) == 1 || errs.Is(h.err, errs.Stop)) {
		return nil, h.err
	}
	level := 0
	if c.CipherType == repo.CipherNone && h.facts.CipherType == repo.CipherNone && s.given("compress-level-network") {
		level = int(s.cfg.Int("compress-level-network"))
	}
	c.Storage = remote.New(h, level)
	if h.facts.Path != "" {
		c.Path = h.facts.Path
	}
	if c.CipherType == repo.CipherNone && h.facts.CipherType != "" {
		c.CipherType, c.CipherPass = h.facts.CipherType, h.facts.CipherPass
	}
	return repo.New(c), nil
}

// given reports whether an option has a value that somebody chose.
func (s *session) given(option string) bool {
	return s.cfg.Has(option) && s.cfg.Source(option) != config.Default
}

// pgTree returns where a cluster lies.
func (s *session) pgTree(ctx context.Context, key int) storage.Tree {
	if s.cfg.Has("pg-host", key) {
		return remote.New(s.host(ctx, "pg", key), 0)
	}
	return s.posix()
}

// pgHost is the host of a cluster, "" for this one.
func (s *session) pgHost(key int) string {
	if !s.cfg.Has("pg-host", key) {
		return ""
	}
	return s.cfg.String("pg-host", key)
}

// pgReader returns what makes readers of a cluster's files where they lie, nil if that is here.
func (s *session) pgReader(ctx context.Context, key int) func() source.Reader {
	if !s.cfg.Has("pg-host", key) {
		return nil
	}
	level := int(intOf(s.cfg, "compress-level-network"))
	return func() source.Reader { return source.NewRemote(s.host(ctx, "pg", key), level) }
}

// clusters describes the configured clusters to package db. No server is asked yet.
func (s *session) clusters(ctx context.Context) ([]db.ClusterConfig, error) {
	var clusters []db.ClusterConfig
	for _, key := range s.cfg.Keys("pg") {
		force, err := s.forcedVersion()
		if err != nil {
			return nil, err
		}
		clusters = append(clusters, db.ClusterConfig{
			Key:   key,
			Path:  s.cfg.String("pg-path", key),
			Tree:  s.pgTree(ctx, key),
			Conn:  s.connection(key),
			Force: force,
		})
		if s.cfg.Has("pg-host", key) {
			clusters[len(clusters)-1].Conn.Dial = db.DialRemote(s.host(ctx, "pg", key))
		}
	}
	return clusters, nil
}

// connection is how to reach a server over SQL. Commands that never do have none of the options.
func (s *session) connection(key int) db.Config {
	c := db.Config{ApplicationName: "pgBackRest [" + s.cfg.Command + "]"}
	for option, field := range map[string]*string{
		"pg-socket-path": &c.SocketPath,
		"pg-user":        &c.User,
		"pg-database":    &c.Database,
	} {
		if s.cfg.Has(option, key) {
			*field = s.cfg.String(option, key)
		}
	}
	if s.cfg.Has("pg-port", key) {
		c.Port = int(s.cfg.Int("pg-port", key))
	}
	if s.cfg.Has("db-timeout") {
		c.Timeout = s.cfg.Duration("db-timeout")
	}
	return c
}

// forcedVersion returns the version that PostgreSQL's files shall be read as, 0 if nobody insists.
func (s *session) forcedVersion() (postgres.Version, error) {
	return forcedVersion(s.cfg)
}

func forcedVersion(cfg *config.Config) (postgres.Version, error) {
	if !cfg.Has("pg-version-force") {
		return 0, nil
	}
	return postgres.ParseVersion(cfg.String("pg-version-force"))
}
