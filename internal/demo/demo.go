// Package demo shows on a throw-away cluster that a backup can be brought back to a moment.
//
// It uses what people use: the programs of PostgreSQL, SQL over a socket, and this program itself, started anew for every command
// and by the server for every WAL segment. Nothing is taken from inside, so what it proves holds for the commands people type.
//
//	make a cluster that archives into a repository of its own, create the stanza, check it
//	write rows without pause; meanwhile take a full backup, then an incremental one
//	stop writing: count and hash the rows, name the moment
//	write more rows, drop the table, wait until the WAL is archived, stop the server
//	put the data directory aside, restore into an empty one up to the named moment, start
//	count and hash the rows again, compare; check that archiving goes on
//	stop the servers, remove everything
//
// The writer counts what the server has acknowledged, so the comparison has a witness that does not come from the server.
//
// Who runs it, where the output goes, and what a terminal looks like is left to the command.
package demo

import (
	"context"
	"fmt"
	"time"

	"holdfast/internal/errs"
)

// Options says what to demonstrate with.
type Options struct {
	Program    string   // absolute path of the program to demonstrate
	PgBin      string   // directory of PostgreSQL's programs; "": look for them
	SearchPath string   // where programs are searched, as in PATH
	TempDirs   []string // where to make the directory of the demonstration: the first that works
	Environ    []string // "NAME=value", what the programs may know of the environment besides the search path
	Keep       bool     // leave the files
	Watcher    Watcher  // may be nil
}

// Watcher is told what happens while it happens.
type Watcher interface {
	Place(dir, server string) // where it happens, and with which version of PostgreSQL
	Begin(step string)
	Progress(text string) // how far the step is
	Done(detail string)   // the step is over
}

// Result is what was measured and proved.
type Result struct {
	Server      string // version of PostgreSQL
	Dir         string // where the files are, if they were kept
	Full, Incr  Backup
	WALFiles    int           // archived until the mistake
	Rows        int64         // in the table at the moment restored to
	Lost        int64         // written after that moment and, as they should be, not restored
	Hash        string        // of the content of the table
	RestoreTime time.Duration // for the files
	ReplayTime  time.Duration // from starting the server until it takes writes
	Total       time.Duration
}

// Backup is what one backup was like.
type Backup struct {
	Label      string
	Size       int64         // of the cluster
	Copied     int64         // of the files that were copied
	Repository int64         // added to the repository
	Rows       int64         // written meanwhile
	Took       time.Duration // of the whole command
}

// Run gives the demonstration. It cleans up whether it succeeds, fails or is cancelled; then the servers are stopped, and the files
// are removed unless they are to be kept.
func Run(ctx context.Context, o Options) (r Result, err error) {
	started := time.Now()
	if o.Watcher == nil {
		o.Watcher = silence{}
	}
	p, err := findPostgres(ctx, o.PgBin, o.SearchPath, usualPlaces)
	if err != nil {
		return Result{}, err
	}
	s, err := newStage(o, p)
	if err != nil {
		return Result{}, err
	}
	o.Watcher.Place(s.dir, p.release)
	defer func() {
		if cleanErr := s.clear(context.WithoutCancel(ctx), o.Keep); err == nil && cleanErr != nil {
			err = cleanErr
		}
		r.Total = time.Since(started)
	}()
	err = s.play(ctx)
	if o.Keep {
		s.result.Dir = s.dir
	}
	return s.result, err
}

// play is the demonstration from the first step to the last proof.
func (s *stage) play(ctx context.Context) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	before, err := s.work(ctx)
	if err != nil {
		return err
	}
	if err := s.mistake(ctx); err != nil {
		return err
	}
	if err := s.bringBack(ctx); err != nil {
		return err
	}
	return s.prove(ctx, before)
}

// step runs one step between the words of the watcher.
func (s *stage) step(name string, run func() (detail string, err error)) error {
	s.watcher.Begin(name)
	detail, err := run()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.watcher.Done(detail)
	return nil
}

// waitFor asks until the answer is yes.
func waitFor(ctx context.Context, what string, yes func() (bool, error)) error {
	deadline := time.Now().Add(patience)
	for {
		ok, err := yes()
		if err != nil || ok {
			return err
		}
		if time.Now().After(deadline) {
			return errs.New(errs.Execute, "%s did not happen within %s", what, patience)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// patience is how long a server may take for what usually takes a second.
const patience = 2 * time.Minute

type silence struct{}

func (silence) Place(string, string) {}
func (silence) Begin(string)         {}
func (silence) Progress(string)      {}
func (silence) Done(string)          {}
