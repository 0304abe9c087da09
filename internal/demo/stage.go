package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"holdfast/internal/db"
	"holdfast/internal/errs"
	"holdfast/internal/lock"
)

const (
	stanza = "demo"
	// moment is the name the transaction log gets to know the moment before the mistake by.
	moment = "before-the-mistake"
)

// stage is where the demonstration happens: a directory with a cluster, a repository and a configuration file.
type stage struct {
	dir       string
	program   string
	watcher   Watcher
	processes *processes
	cluster   *cluster
	conn      *db.Conn // nil while no server runs
	writer    *writer  // nil until rows are written
	result    Result
}

// newStage makes the directory. Sockets get one of their own if the path would become too long.
func newStage(o Options, p installation) (*stage, error) {
	dir, err := makeDir(o.TempDirs)
	if err != nil {
		return nil, err
	}
	s := &stage{
		dir:       dir,
		program:   o.Program,
		watcher:   o.Watcher,
		processes: &processes{dir: dir, env: environment(p.bin, dir, o.Environ)},
		cluster:   &cluster{bin: p.bin, data: filepath.Join(dir, "data"), socket: dir, log: filepath.Join(dir, "postgresql.log")},
		result:    Result{Server: p.release},
	}
	s.cluster.processes = s.processes
	if err := os.Mkdir(s.path("log"), 0o700); err != nil { // only packages make this one, programs do not
		_ = os.RemoveAll(dir)
		return nil, errs.Because(errs.PathCreate, err, "unable to create path '%s': %s", s.path("log"), errs.System(err))
	}
	if len(filepath.Join(dir, fmt.Sprintf(".s.PGSQL.%d.lock", port))) > socketPathMax {
		if s.cluster.socket, err = os.MkdirTemp("/tmp", "holdfast-"); err != nil {
			_ = os.RemoveAll(dir)
			return nil, errs.Because(errs.PathCreate, err, "unable to create a directory for sockets: %s", errs.System(err))
		}
	}
	return s, nil
}

// makeDir makes a directory nobody else can enter in the first place that lets it.
func makeDir(places []string) (dir string, err error) {
	for _, place := range places {
		if dir, err = os.MkdirTemp(place, "holdfast-demo-"); err == nil {
			return dir, nil
		}
	}
	return "", errs.Because(errs.PathCreate, err, "unable to create a temporary directory in '%s': %s",
		strings.Join(places, "' or '"), errs.System(err)).
		Hint("TMPDIR can name another place.")
}

// environment is all that the programs see. Whatever whoever started the demonstration has set for PostgreSQL, pgBackRest or
// Holdfast means other clusters than this one.
func environment(bin, home string, more []string) []string {
	return append([]string{"PATH=" + bin + ":/usr/local/bin:/usr/bin:/bin", "HOME=" + home, "TMPDIR=" + home, "LC_ALL=C"}, more...)
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// holdfast runs a command of the program under demonstration.
func (s *stage) holdfast(ctx context.Context, args ...string) (string, error) {
	return s.processes.run(ctx, s.program, append([]string{"--config=" + s.path("holdfast.conf"), "--stanza=" + stanza}, args...)...)
}

// configuration is the file somebody with one host would write, with the places of this stage.
func (s *stage) configuration() string {
	return strings.Join([]string{
		"[global]",
		"repo1-path=" + s.path("repo"),
		"repo1-retention-full=2",
		"lock-path=" + s.path("lock"),
		"log-path=" + s.path("log"),
		"spool-path=" + s.path("spool"),
		"log-level-file=detail",
		"cmd=" + shell(s.program),
		"process-max=2",
		"start-fast=y",
		"",
		"[" + stanza + "]",
		"pg1-path=" + s.cluster.data,
		"pg1-socket-path=" + s.cluster.socket,
		fmt.Sprintf("pg1-port=%d", port),
		"pg1-user=" + superuser,
		"",
	}, "\n")
}

// settings are the lines for postgresql.conf.
func (s *stage) settings() []string {
	archive := fmt.Sprintf("%s --config=%s --stanza=%s archive-push %%p", shell(s.program), shell(s.path("holdfast.conf")), stanza)
	return []string{
		"listen_addresses = ''",
		fmt.Sprintf("port = %d", port),
		"unix_socket_directories = " + setting(s.cluster.socket),
		"unix_socket_permissions = 0700",
		"wal_level = replica",
		"archive_mode = on",
		"archive_command = " + setting(archive),
		"shared_buffers = 64MB",
		"max_wal_senders = 3",
		"logging_collector = off",
	}
}

// backupProgress tells how far a running backup is, from what it publishes in its lock file.
func (s *stage) backupProgress() string {
	state, err := lock.Read(lock.File(s.path("lock"), stanza, lock.Backup, 1))
	if err != nil || state.Percent == nil {
		return ""
	}
	return fmt.Sprintf("%d%%", *state.Percent/100)
}

// disconnect ends what holds a connection to the server.
func (s *stage) disconnect(ctx context.Context) {
	if s.writer != nil {
		_, _ = s.writer.stop()
		s.writer = nil
	}
	_ = s.conn.Close(ctx)
	s.conn = nil
}

// clear stops the server and removes the files, unless they are to be kept.
func (s *stage) clear(ctx context.Context, keep bool) error {
	step := "clean up"
	if keep {
		step = "stop the server"
	}
	return s.step(step, func() (string, error) {
		s.disconnect(ctx)
		mode := "immediate" // nothing in it is needed any more
		if keep {
			mode = "fast"
		}
		err := s.cluster.stop(ctx, mode)
		if keep || err != nil {
			return "", err
		}
		if s.cluster.socket != s.dir {
			err = os.RemoveAll(s.cluster.socket)
		}
		if removeErr := os.RemoveAll(s.dir); err == nil {
			err = removeErr
		}
		if err != nil {
			return "", errs.Because(errs.PathRemove, err, "unable to remove '%s': %s", s.dir, errs.System(err))
		}
		return "", nil
	})
}
