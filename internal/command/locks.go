package command

import (
	"os"
	"path/filepath"
	"time"

	"holdfast/internal/config"
	"holdfast/internal/lock"
)

// lockPath is the directory of lock and stop files.
func (s *session) lockPath() string { return s.path("lock-path") }

// path returns the value of a path option, within the world of Env if nobody chose it.
func (s *session) path(option string, key ...int) string {
	value := s.cfg.String(option, key...)
	if s.env.Root != "" && s.cfg.Source(option, key...) == config.Default {
		value = filepath.Join(s.env.Root, value)
	}
	return value
}

// lockTypes returns what the command locks. A process that works for one on another host is told what to lock.
func (s *session) lockTypes() []lock.Type {
	info := s.cfg.CommandInfo()
	switch {
	case s.cfg.Role == config.Remote:
		return nil
	case !info.LockMain && s.cfg.Role != config.Async:
		return nil
	}
	return typesOf(info)
}

// typesOf returns the types of locks that belong to a command.
func typesOf(info config.CommandInfo) []lock.Type {
	switch info.Lock {
	case "none":
		return nil
	case "all":
		return []lock.Type{lock.Archive, lock.Backup, lock.Restore}
	}
	return []lock.Type{lock.Type(info.Lock)}
}

// takeLocks takes the locks of the command for the chosen repository or else for all.
func (s *session) takeLocks() error {
	locks, err := lock.AcquireAll(s.lockFiles(s.lockTypes()...), s.execID, os.Getpid())
	s.locks = locks
	return err
}

// lockFiles names the lock files of some types.
func (s *session) lockFiles(types ...lock.Type) []string {
	var paths []string
	for _, t := range types {
		for _, key := range s.repoKeys() {
			paths = append(paths, lock.File(s.lockPath(), s.stanza(), t, key))
		}
	}
	return paths
}

// progressPause keeps the lock file from being rewritten more often than anybody looks.
const progressPause = 100 * time.Millisecond

// progress returns a function that publishes in the lock file of a repository how much is done. It may be called often, by one
// goroutine at a time.
func (s *session) progress(repoKey int) func(total, done int64) {
	types := s.lockTypes()
	if len(types) == 0 {
		return func(int64, int64) {}
	}
	l := s.locks.Find(lock.File(s.lockPath(), s.stanza(), types[0], repoKey))
	if l == nil {
		return func(int64, int64) {}
	}
	var last time.Time
	return func(total, done int64) {
		now := time.Now()
		if now.Sub(last) < progressPause && done < total {
			return
		}
		last = now
		if err := l.SetProgress(total, done); err != nil {
			s.log.Debug("%s", err)
		}
	}
}
