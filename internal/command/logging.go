package command

import (
	"fmt"
	"path/filepath"

	"holdfast/internal/config"
	"holdfast/internal/log"
)

// newLogger sets the log up as the options say. The file comes later, when the command is known to be allowed to run.
func (s *session) newLogger() *log.Logger {
	width := 2
	if s.cfg.Has("process-max") && s.cfg.Int("process-max") > 99 {
		width = 3
	}
	return log.New(log.Options{
		Console:      log.Output{Writer: s.env.Stdout, Level: s.logLevel("log-level-console", log.Warn)},
		Stderr:       log.Output{Writer: s.env.Stderr, Level: s.logLevel("log-level-stderr", log.Off)},
		File:         log.Output{Level: s.logLevel("log-level-file", log.Off)},
		Timestamp:    s.timestamps(),
		DryRun:       s.cfg.Has("dry-run") && s.cfg.Bool("dry-run"),
		ProcessWidth: width,
		Context:      s.explain,
	})
}

func (s *session) logLevel(option string, otherwise log.Level) log.Level {
	if !s.cfg.Has(option) {
		return otherwise
	}
	return parseLevel(s.cfg.String(option))
}

func parseLevel(name string) log.Level {
	level, err := log.ParseLevel(name)
	if err != nil {
		panic(err) // the option table allows only levels
	}
	return level
}

// timestamps reports whether lines carry the time.
func (s *session) timestamps() bool {
	return !s.cfg.Has("log-timestamp") || s.cfg.Bool("log-timestamp")
}

// explain is what the log adds to errors for those who mend the program.
func (s *session) explain() string {
	text := fmt.Sprintf("version: %sbuild: %s\ncommand: %s%s", versionLine(s.env.Program), build, s.name(), s.cfg.CommandLine())
	if s.panicked != "" {
		text += "\nstack trace:\n" + s.panicked
	}
	return text
}

// openLogFile directs the log to the file of the command if it has one. Without a file the command still runs.
func (s *session) openLogFile() {
	s.closeLogFile()
	wanted := s.cfg.CommandInfo().LogFile || s.cfg.Role == config.Async ||
		s.cfg.Valid("log-level-file") && s.cfg.Source("log-level-file") == config.CommandLine
	if !wanted || s.logLevel("log-level-file", log.Off) == log.Off {
		return
	}
	file, err := log.OpenFile(s.logFileOf(s.cfg.Role))
	if err != nil {
		s.log.Warn("%s\nNOTE: process will continue without log file.", err)
		s.cfg.Override("log-level-file", "off") // the begin line says what is in force
		return
	}
	s.logFile = file
	s.log.SetFile(file)
}

// logFileOf is the path of the log file of the command in a role.
func (s *session) logFileOf(role config.Role) string {
	name := s.stanza()
	if name == "" {
		name = "all"
	}
	name += "-" + s.cfg.Command
	if role != config.Main {
		name += "-" + role.String()
	}
	return filepath.Join(s.path("log-path"), name+".log")
}

func (s *session) closeLogFile() {
	s.log.SetFile(nil)
	if s.logFile != nil {
		_ = s.logFile.Close()
		s.logFile = nil
	}
}
