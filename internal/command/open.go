package command

import (
	"holdfast/internal/config"
	"holdfast/internal/db"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
	"holdfast/internal/storage/posix"
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
func (s *session) repos() []*repo.Repo {
	var repos []*repo.Repo
	for _, key := range s.repoKeys() {
		repos = append(repos, s.repo(key))
	}
	return repos
}

// defaultRepo opens the repository for a command that works on one.
func (s *session) defaultRepo() *repo.Repo { return s.repo(s.cfg.DefaultKey("repo")) }

// repo opens one repository. Nothing is read yet.
func (s *session) repo(key int) *repo.Repo {
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
	return repo.New(c)
}

// clusters describes the configured clusters to package db. Nothing is opened yet.
func (s *session) clusters() ([]db.ClusterConfig, error) {
	var clusters []db.ClusterConfig
	for _, key := range s.cfg.Keys("pg") {
		force, err := s.forcedVersion()
		if err != nil {
			return nil, err
		}
		clusters = append(clusters, db.ClusterConfig{
			Key:   key,
			Path:  s.cfg.String("pg-path", key),
			Tree:  s.posix(),
			Conn:  s.connection(key),
			Force: force,
		})
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
