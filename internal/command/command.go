package command

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"holdfast/internal/config"
	"holdfast/internal/errs"
	"holdfast/internal/log"
)

// Env is the process a command believes to be in.
type Env struct {
	Program        string   // as it was started; the name decides what the program calls itself
	Args           []string // without the program
	Environ        []string // "NAME=value"
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	UID            int // effective user
	// Start runs the program once more, in the background and free of this process, and returns what tells whether it still runs.
	// nil: as a process of its own.
	Start func(args []string) (running func() bool, err error)
	// Root is put in front of the paths of configuration files and of default paths, so that tests have a world of their own.
	Root string
}

// Main runs one command and returns the exit status.
func Main(ctx context.Context, env Env) int { return run(ctx, env, table()) }

func run(ctx context.Context, env Env, commands map[string]entry) int {
	started := time.Now()
	cfg, err := config.Parse(env.input())
	if err != nil && !cfg.Scanned {
		log.New(log.Options{Stderr: log.Output{Writer: env.Stderr, Level: log.Error}}).Error(err)
		return int(errs.CodeOf(err))
	}
	early := log.New(log.Options{Console: log.Output{Writer: env.Stdout, Level: log.Warn}})
	if cfg.Role == config.Remote { // its standard output belongs to the process that started it
		early = log.New(log.Options{Stderr: log.Output{Writer: env.Stderr, Level: log.Error}})
	}
	for _, warning := range cfg.Warnings {
		early.Warn("%s", warning)
	}
	if err != nil {
		early.Error(err)
		return int(errs.CodeOf(err))
	}
	s := &session{env: env, cfg: cfg, started: started, commands: commands, remotes: &remotes{}}
	s.log = s.newLogger()
	switch {
	case cfg.Version, cfg.Command == "version" && !cfg.Help:
		return s.answer(runVersion(ctx, s))
	case cfg.Help:
		return s.answer(s.help())
	}
	return s.main(ctx)
}

// input is what the parser gets to see.
func (env Env) input() config.Input {
	in := config.Input{Program: env.Program, Title: title(env.Program), Args: env.Args, Env: env.Environ}
	if env.Root != "" {
		in.FS.ReadFile = func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(env.Root, name)) }
		in.FS.ReadDir = func(name string) ([]fs.DirEntry, error) { return os.ReadDir(filepath.Join(env.Root, name)) }
	}
	return in
}

// answer ends a command that has neither begin nor end lines.
func (s *session) answer(err error) int {
	if err == nil {
		return 0
	}
	s.log.Error(err)
	return int(errs.CodeOf(err))
}

// help explains a command or an option. Settings that would stop the command stop the explanation too, for it shows them.
func (s *session) help() error {
	if s.cfg.Command != "" {
		warnings, err := s.cfg.CrossCheck()
		for _, warning := range warnings {
			s.log.Warn("%s", warning)
		}
		if err != nil {
			return err
		}
	}
	return config.Help(s.cfg, s.env.Stdout)
}
