package command

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"holdfast/internal/config"
	"holdfast/internal/restore"
)

// runRestore puts a backup back.
func runRestore(ctx context.Context, s *session) error {
	o, err := s.restoreOptions(ctx)
	if err != nil {
		return err
	}
	_, err = restore.Run(ctx, o)
	return err
}

// restoreOptions turns options of the command into those of the job.
func (s *session) restoreOptions(ctx context.Context) (restore.Options, error) {
	cfg := s.cfg
	text := func(option string) string {
		if !cfg.Has(option) {
			return ""
		}
		return cfg.String(option)
	}
	repos, err := s.repos(ctx)
	if err != nil {
		return restore.Options{}, err
	}
	o := restore.Options{
		Repos:  repos,
		Tree:   s.posix(),
		PGPath: cfg.String("pg-path"),
		Spool:  filepath.Join(s.path("spool-path"), "archive", s.stanza()),

		Delta:      cfg.Bool("delta"),
		Force:      boolOf(cfg, "force"),
		PageErrors: boolOf(cfg, "checksum-page-error"),

		Type:            restore.Type(cfg.String("type")),
		TypeGiven:       cfg.Source("type") != config.Default,
		Target:          text("target"),
		TargetAction:    text("target-action"),
		TargetExclusive: boolOf(cfg, "target-exclusive"),
		TargetTimeline:  text("target-timeline"),
		ArchiveOff:      text("archive-mode") == "off",

		TablespaceMapAll: text("tablespace-map-all"),
		LinkAll:          boolOf(cfg, "link-all"),

		User:     restorer(s.env.UID),
		Workers:  int(cfg.Int("process-max")),
		Retries:  int(intOf(cfg, "job-retry")),
		RetryGap: cfg.Duration("job-retry-interval"),
		Now:      time.Now,
		Log:      s.log,
	}
	if cfg.Source("set") != config.Default {
		o.Set = cfg.String("set")
	}
	if cfg.Has("tablespace-map") {
		o.TablespaceMap = cfg.Hash("tablespace-map")
	}
	if cfg.Has("link-map") {
		o.LinkMap = cfg.Hash("link-map")
	}
	if cfg.Has("db-include") {
		o.DBInclude = cfg.List("db-include")
	}
	if cfg.Has("db-exclude") {
		o.DBExclude = cfg.List("db-exclude")
	}
	if cfg.Has("recovery-option") {
		for _, p := range cfg.HashPairs("recovery-option") {
			o.Settings = append(o.Settings, restore.Setting{Key: p.Key, Value: p.Value})
		}
	}
	o.RestoreCommand = s.restoreCommand()
	// Which repository a restore uses is known only once it has chosen, so the progress goes to the first one's lock.
	if keys := s.repoKeys(); len(keys) > 0 {
		o.Progress = s.progress(keys[0])
	}
	o.Assume, err = s.forcedVersion()
	return o, err
}

// restoreCommand is what the server will call to fetch WAL: this program, with what was given on this command line and matters for
// it. Settings from files will be found there again, and secrets are never passed.
func (s *session) restoreCommand() string {
	words := []string{s.restoreProgram()}
	for o := range s.cfg.For("archive-get").Options() {
		if o.Source == config.CommandLine && !o.Option.Secure && handedOn(o.Option.Name) {
			words = append(words, o.Args()...)
		}
	}
	return strings.Join(append(words, "archive-get", "%f", `"%p"`), " ")
}

// restoreProgram is the program as it was called, or the one the user names. The server runs it from its data directory, where a
// path relative to here would lead nowhere.
func (s *session) restoreProgram() string {
	cmd := s.cfg.String("cmd")
	if s.cfg.Source("cmd") != config.Default || !strings.Contains(cmd, "/") {
		return cmd
	}
	if abs, err := filepath.Abs(cmd); err == nil {
		return abs
	}
	return cmd
}

// handedOn reports whether an option of a restore means something for the archive-get commands of the recovery.
func handedOn(option string) bool {
	switch option {
	case "cmd", "exec-id", "process-max", "log-subprocess", "log-timestamp":
		return false
	}
	return !strings.HasPrefix(option, "job-retry") && !strings.HasPrefix(option, "log-level-")
}
