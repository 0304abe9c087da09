package command

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"holdfast/internal/config"
	"holdfast/internal/errs"
	"holdfast/internal/lock"
	"holdfast/internal/log"
)

// session is one run of one command: its options and everything that was opened for it.
type session struct {
	env      Env
	cfg      *config.Config
	log      *log.Logger
	execID   string   // names the run: process id and eight random hex digits
	locks    lock.Set // held until the end
	status   int      // exit status of a success that is not quite one, such as a segment that is not in the archive
	started  time.Time
	commands map[string]entry
	logFile  *log.File
	panicked string // stack of an internal error
	remotes  *remotes
	serving  bool // one of many in the process of a server
}

// main does what every command has in common, around the command.
func (s *session) main(ctx context.Context) int {
	if s.cfg.Valid("neutral-umask") && s.cfg.Bool("neutral-umask") {
		defer setUmask(0)()
	}
	err := s.begin()
	if err == nil {
		err = s.command(ctx)
	}
	if err == nil && s.cfg.Command == "backup" && s.cfg.Bool("expire-auto") && ctx.Err() == nil {
		err = s.goOnToExpire(ctx)
	}
	return s.end(ctx, err)
}

// begin goes from parsed options to held locks.
func (s *session) begin() error {
	if err := s.refuseRoot(); err != nil {
		return err
	}
	if s.cfg.Has("priority") {
		if err := setPriority(int(s.cfg.Int("priority"))); err != nil {
			return err
		}
	}
	s.openLogFile()
	s.execID = newExecID()
	if s.cfg.Valid("exec-id") {
		s.cfg.SetExecID(s.execID) // unless the run was named by who started it
		s.execID = s.cfg.String("exec-id")
	}
	s.beginLine()
	return s.takeLocks()
}

// command runs the command once the rules that need no repository are met.
func (s *session) command(ctx context.Context) error {
	warnings, err := s.cfg.CrossCheck()
	for _, warning := range warnings {
		s.log.Warn("%s", warning)
	}
	if err != nil {
		return err
	}
	return s.runCommand(ctx)
}

// runCommand runs the command, or says why it may not run now. A panic becomes an internal error.
func (s *session) runCommand(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.panicked = string(debug.Stack())
			err = errs.New(errs.Assert, "%v", p)
		}
	}()
	if s.cfg.Role == config.Remote {
		return runRemote(ctx, s)
	}
	if err := s.refuseUnbuilt(); err != nil {
		return err
	}
	e := s.commands[s.name()]
	if e.stops {
		if err := lock.CheckStop(s.lockPath(), s.stanza()); err != nil {
			return err
		}
	}
	return e.run(ctx, s)
}

// goOnToExpire turns a finished backup into an expire of the same run, under the same locks.
func (s *session) goOnToExpire(ctx context.Context) error {
	s.endLine(nil)
	for _, l := range s.locks {
		if err := l.ClearProgress(); err != nil {
			return err
		}
	}
	s.cfg = s.cfg.For("expire")
	s.started = time.Now()
	s.openLogFile()
	s.beginLine()
	return s.runCommand(ctx)
}

// end reports how it went, lets go of the locks and returns the exit status.
func (s *session) end(ctx context.Context, err error) int {
	defer s.closeLogFile()
	s.remotes.close()
	if sig, ok := caught(ctx); ok {
		s.locks.Abandon()
		s.log.Bare(s.level(), sig.Error())
		return int(errs.Term)
	}
	if err != nil {
		s.log.Error(err)
	}
	if releaseErr := s.locks.Release(); releaseErr != nil && err == nil {
		err = releaseErr
		s.log.Error(err)
	}
	s.endLine(err)
	if err != nil {
		return int(errs.CodeOf(err))
	}
	return s.status
}

// level is the level of the begin and end lines.
func (s *session) level() log.Level { return parseLevel(s.cfg.CommandInfo().LogLevel) }

func (s *session) beginLine() {
	s.log.At(s.level(), "%s command begin %s%s", s.name(), Compatible, s.cfg.CommandLine())
}

func (s *session) endLine(err error) {
	if err != nil {
		s.log.At(s.level(), "%s command end: aborted with exception [%03d]", s.name(), int(errs.CodeOf(err)))
		return
	}
	took := ""
	if s.timestamps() {
		took = fmt.Sprintf(" (%dms)", time.Since(s.started).Milliseconds())
	}
	s.log.At(s.level(), "%s command end: completed successfully%s", s.name(), took)
}

// name is the command with its role, unless that is the main one.
func (s *session) name() string {
	if s.cfg.Role == config.Main {
		return s.cfg.Command
	}
	return s.cfg.Command + ":" + s.cfg.Role.String()
}

// stanza returns the stanza, "" if none was named.
func (s *session) stanza() string {
	if !s.cfg.Has("stanza") {
		return ""
	}
	return s.cfg.String("stanza")
}

// forStanza returns a session of the same command for another stanza, as if it had been named on the command line.
func (s *session) forStanza(stanza string) (*session, error) {
	env := s.env
	env.Args = append([]string{"--stanza=" + stanza}, env.Args...)
	cfg, err := config.Parse(env.input())
	if err != nil {
		return nil, err
	}
	if _, err := cfg.CrossCheck(); err != nil {
		return nil, err
	}
	other := *s
	other.env, other.cfg = env, cfg
	return &other, other.refuseUnbuilt()
}

func newExecID() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%d-%x", os.Getpid(), b)
}
