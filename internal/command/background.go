package command

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"holdfast/internal/archive"
	"holdfast/internal/config"
	"holdfast/internal/errs"
	"holdfast/internal/lock"
)

// archivesAsync reports whether WAL goes by way of the spool.
func (s *session) archivesAsync() bool { return boolOf(s.cfg, "archive-async") }

// spool is the spool of the stanza.
func (s *session) spool() archive.Spool {
	return archive.Spool{Tree: s.posix(), Path: filepath.Join(s.path("spool-path"), "archive", s.stanza())}
}

// effort is how a background run goes about its work.
func (s *session) effort() archive.Effort {
	return archive.Effort{
		Workers: int(s.cfg.Int("process-max")),
		Retries: int(intOf(s.cfg, "job-retry")),
		Gap:     s.cfg.Duration("job-retry-interval"),
	}
}

// archiveWait is how a command waits for a background run.
func (s *session) archiveWait() archive.Wait {
	return archive.Wait{
		Spool:      s.spool(),
		Background: &background{session: s},
		Timeout:    s.cfg.Duration("archive-timeout"),
		TimeoutAs:  s.cfg.Original("archive-timeout"),
		LogFile:    s.logFileOf(config.Async),
		Log:        s.log,
	}
}

// background runs the command in its asynchronous role.
type background struct {
	*session
	running func() bool // whether the run that was started is still there
}

// TryLock takes the archive locks if nobody has them.
func (b *background) TryLock() (release func() error, ok bool, err error) {
	locks, ok, err := lock.TryAll(b.lockFiles(lock.Archive), b.execID, os.Getpid())
	return locks.Release, ok, err
}

// Start starts a run. It has nothing to say but to its log file.
func (b *background) Start(_ context.Context, params []string) (err error) {
	args := b.cfg.ChildArgs(config.Async, config.Pair{Key: "log-level-console", Value: "off"},
		config.Pair{Key: "log-level-stderr", Value: "off"})
	args = append(append(args, b.cfg.Command+":"+config.Async.String()), params...)
	start := b.env.Start
	if start == nil {
		start = b.env.startDetached
	}
	b.running, err = start(args)
	if err != nil {
		return errs.Because(errs.Execute, err, "unable to execute asynchronous '%s': %s", b.name(), errs.System(err))
	}
	return nil
}

// Running reports whether the run is still at work.
func (b *background) Running() bool { return b.running != nil && b.running() }

// startDetached starts the program in a session of its own, so that it outlives this process and whoever called it, and holds on to
// nothing: no directory, no file, no terminal.
func (env Env) startDetached(args []string) (running func() bool, err error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	keepFiles()
	process, err := os.StartProcess(path, append([]string{env.Program}, args...), &os.ProcAttr{
		Dir: "/", Env: env.Environ, Files: []*os.File{null, null, null}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, err
	}
	pid := process.Pid
	ended := false
	return func() bool {
		if !ended {
			got, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			ended = got == pid || err == syscall.ECHILD
		}
		return !ended
	}, process.Release()
}

// keepFiles keeps open files that we were given by our parent from being handed on. Those we opened ourselves never are.
func keepFiles() {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return // no such list here
	}
	for _, f := range files {
		if fd, err := strconv.Atoi(f.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}
