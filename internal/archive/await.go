package archive

import (
	"context"
	"errors"
	"syscall"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/log"
	"holdfast/internal/repo"
)

// Background is how a command that the server called gets a run in the background to do its work. The run outlives the command.
type Background interface {
	// TryLock takes the archive lock unless another process has it. It does not wait.
	TryLock() (release func() error, ok bool, err error)
	// Start starts a run with these parameters. The lock must be free again by then, for the run takes it.
	Start(ctx context.Context, params []string) error
	// Running reports whether a run that was started by this process has not ended.
	Running() bool
}

// Wait is what the commands that the server calls need to know when a background run does the work.
type Wait struct {
	Spool      Spool
	Background Background
	Timeout    time.Duration
	TimeoutAs  string // as the user wrote it
	LogFile    string // of background runs, for those who wonder what is wrong
	Log        *log.Logger
}

// launch starts a background run, with the parameters prepare returns, unless one is working already.
func (w Wait) launch(ctx context.Context, prepare func() ([]string, error)) (started bool, err error) {
	release, ok, err := w.Background.TryLock()
	if !ok || err != nil {
		return false, err
	}
	params, err := prepare()
	if err = errors.Join(err, release()); err != nil {
		return false, err
	}
	return true, w.Background.Start(ctx, params)
}

func (w Wait) timedOut(verb, file, preposition string) error {
	return errs.New(errs.ArchiveTimeout, "unable to %s WAL file '%s' %s the archive asynchronously after %s second(s)",
		verb, file, preposition, w.TimeoutAs).Hint("check '%s' for errors.", w.LogFile)
}

// AwaitPush lets a background run push a file that waits in a directory of WAL, and returns once that is done. Usually it was done
// before anybody asked.
//
// Errors are not believed in the first pass: they may be old, and the run that is started then gets a chance to do better. A run that
// has ended without a word about the file, because it was killed or had its hands full with files before it, is followed by one more.
func AwaitPush(ctx context.Context, w Wait, dir, file string) error {
	out := w.Spool.out()
	const mostRuns = 2
	runs := 0 // of our own
	ended := func() bool { return runs < mostRuns && (runs == 0 || !w.Background.Running()) }
	pause := repo.NewPause(w.Timeout)
	for first := true; ; first = false {
		begin := ended() // asked before looking: what a run leaves behind when it ends is seen
		a, err := out.look(ctx, file)
		if err != nil {
			return err
		}
		if a.ok() {
			if text := a.warning(file); text != "" {
				w.Log.Warn("%s", text)
			}
			w.Log.Info("pushed WAL file '%s' to the archive asynchronously", file)
			return nil
		}
		if err := a.failure(); err != nil && !first {
			return err
		}
		if begin {
			started, err := w.launch(ctx, func() ([]string, error) {
				err := out.tree.MakeDir(ctx, out.path, 0, true)
				return []string{dir}, errors.Join(err, out.forget(ctx, file))
			})
			if err != nil {
				return err
			}
			if started {
				runs++
			}
		}
		again, err := pause.More(ctx, func() bool {
			a, err := out.look(ctx, file)
			return err != nil || a.ok() || runs > 0 && (a.name != "" || ended())
		})
		if err != nil {
			return err
		}
		if !again {
			return w.timedOut("push", file, "to")
		}
	}
}

// otherFileSystem reports whether a file cannot be moved because the target lies on another file system.
func otherFileSystem(err error) bool { return errors.Is(err, syscall.EXDEV) }
