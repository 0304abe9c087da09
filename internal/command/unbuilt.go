package command

import (
	"fmt"

	"holdfast/internal/errs"
)

// refuseUnbuilt is the one place that refuses what the program does not do yet. It runs before anything is opened, and it looks only
// at what the command would use: a setting meant for backups does not keep anybody from a restore.
func (s *session) refuseUnbuilt() error {
	if s.commands[s.name()].run == nil {
		return errs.New(errs.FeatureNotSupported, "the '%s' command is not part of this version of Holdfast", s.name())
	}
	if err := s.refuseHosts(); err != nil {
		return err
	}
	if err := s.refuseRepos(); err != nil {
		return err
	}
	switch s.cfg.Command {
	case "check":
		if s.cfg.Has("report") && s.cfg.Bool("report") {
			return unbuilt("report", "")
		}
	}
	return nil
}

// unbuilt is the error for an option, or one value of an option, that a later version brings.
func unbuilt(option, value string) *errs.Error {
	if value != "" {
		value = fmt.Sprintf(" = '%s'", value)
	}
	return errs.New(errs.FeatureNotSupported, "option '%s'%s is not part of this version of Holdfast", option, value)
}

// indexed is the name of an option of a group.
func indexed(group string, key int, rest string) string {
	return fmt.Sprintf("%s%d-%s", group, key, rest)
}

// refuseHosts refuses clusters on other hosts where the command only makes sense beside the cluster.
func (s *session) refuseHosts() error {
	for _, key := range s.cfg.Keys("pg") {
		if !s.cfg.Has("pg-host", key) {
			continue
		}
		switch s.cfg.Command {
		case "archive-get", "archive-push", "restore":
			return errs.New(errs.HostInvalid, "%s command must be run on the PostgreSQL host", s.cfg.Command)
		}
	}
	return nil
}

// refuseRepos refuses repositories that lie elsewhere than in the local file system.
func (s *session) refuseRepos() error {
	for _, key := range s.repoKeys() {
		if s.cfg.Has("repo-host", key) {
			continue // its host decides
		}
		if s.cfg.Has("repo-type", key) && s.cfg.String("repo-type", key) != "posix" {
			return unbuilt(indexed("repo", key, "type"), s.cfg.String("repo-type", key))
		}
	}
	if s.cfg.Has("repo-target-time") {
		return unbuilt("repo-target-time", "")
	}
	return nil
}
