package command

import (
	"context"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"holdfast/internal/db"
	"holdfast/internal/errs"
	"holdfast/internal/lock"
	"holdfast/internal/source"
	"holdfast/internal/storage/remote"
	"holdfast/internal/wire"
)

// facts are what a process learns from the host of a repository.
type facts struct {
	Path       string `json:"path,omitempty"` // of the repository
	CipherType string `json:"cipherType,omitempty"`
	CipherPass string `json:"cipherPass,omitempty"`
}

// runRemote serves a process on another host, which has started this one over ssh, until that ends the connection.
func runRemote(ctx context.Context, s *session) error {
	server := wire.Server{
		Greeting: greeting(),
		Timeout:  s.cfg.Duration("protocol-timeout"),
		Open: func(ctx context.Context, _ []string) (*wire.Opened, error) {
			if _, err := s.cfg.CrossCheck(); err != nil { // the other side has had the warnings
				return nil, err
			}
			return openRemote(ctx, s)
		},
		Failed: s.log.Error,
	}
	return server.ServeStreams(ctx, s.env.Stdin, s.env.Stdout)
}

// openRemote lets a process on another host work on what the options of the session name: one repository, or one cluster. It takes the
// locks that were asked for and holds them until the connection ends.
func openRemote(ctx context.Context, s *session) (*wire.Opened, error) {
	if !s.cfg.Has("remote-type") {
		return nil, errs.New(errs.OptionRequired, "%s command requires option: remote-type", s.cfg.Command)
	}
	var opened *wire.Opened
	var err error
	if s.cfg.String("remote-type") == "pg" {
		opened, err = s.openCluster()
	} else {
		opened, err = s.openRepo()
	}
	if err != nil {
		return nil, err
	}
	unlock, err := s.lockForParent(ctx, opened)
	if err != nil {
		if opened.Close != nil {
			opened.Close()
		}
		return nil, err
	}
	end := opened.Close
	opened.Close = func() {
		if end != nil {
			end()
		}
		unlock()
	}
	return opened, nil
}

// lockRest is the name of a lock file after that of its stanza.
var lockRest = regexp.MustCompile(`^-(archive|backup|restore)-[0-9]+\.lock$`)

// lockForParent takes the locks that the main process asks for, once nothing has been stopped here, and returns what releases them.
func (s *session) lockForParent(ctx context.Context, opened *wire.Opened) (unlock func(), err error) {
	if !s.cfg.CommandInfo().LockRemote || s.cfg.Has("process") && s.cfg.Int("process") != 0 {
		return func() {}, nil
	}
	if s.commands[s.cfg.Command].stops || s.cfg.Command == "archive-push" {
		if err := lock.CheckStop(s.lockPath(), s.stanza()); err != nil {
			return nil, err
		}
	}
	files, err := s.parentLocks()
	if err != nil || len(files) == 0 {
		return func() {}, err
	}
	if s.serving {
		return s.lockInChild(ctx, opened)
	}
	locks, err := lock.AcquireAll(files, s.execID, os.Getpid())
	return func() {
		if err := locks.Release(); err != nil {
			s.log.Warn("%s", err)
		}
	}, err
}

// parentLocks names the lock files that were asked for, which must be of the stanza.
func (s *session) parentLocks() (files []string, err error) {
	if !s.cfg.Has("lock") {
		return nil, nil
	}
	for _, name := range s.cfg.List("lock") {
		rest, ours := strings.CutPrefix(name, s.stanza())
		if !ours || s.stanza() == "" || !lockRest.MatchString(rest) {
			return nil, denied().Hint("'%s' is not a lock of this stanza.", name)
		}
		files = append(files, filepath.Join(s.lockPath(), name))
	}
	return files, nil
}

// lockInChild has the locks held by a process that does nothing else, and ends the connection when that ends: who holds a lock may be
// asked to end by a signal, which must not end the whole server.
func (s *session) lockInChild(ctx context.Context, opened *wire.Opened) (unlock func(), err error) {
	path, err := os.Executable()
	if err != nil {
		return nil, errs.Because(errs.Execute, err, "unable to find this program: %s", errs.System(err))
	}
	child, err := wire.StartProcess(path, s.env.Args, "process that holds the locks", nil)
	if err != nil {
		return nil, err
	}
	client, err := wire.Connect(ctx, child.Conn(), wire.Config{
		Greeting: greeting(), Ended: child.Ended, Timeout: s.cfg.Duration("protocol-timeout"),
	}, nil, new(facts))
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		client.Wait(context.WithoutCancel(ctx))
	}()
	opened.Ended = ended
	return client.Close, nil
}

// readOnly are the commands that change nothing in a repository.
var readOnly = []string{"archive-get", "check", "info", "manifest", "repo-get", "repo-ls", "restore", "verify"}

// openRepo lets the other side use one repository, as far as its stanza goes.
func (s *session) openRepo() (*wire.Opened, error) {
	key := s.cfg.DefaultKey("repo")
	if err := s.refuseRepos(); err != nil {
		return nil, err
	}
	root := path.Clean(s.path("repo-path", key))
	p := remote.Policy{Roots: []string{root}, ReadOnly: slices.Contains(readOnly, s.cfg.Command)}
	if stanza := s.stanza(); stanza != "" && !strings.HasPrefix(s.cfg.Command, "repo-") {
		p.Roots = nil
		for _, kind := range []string{"archive", "backup"} {
			p.Roots = append(p.Roots, path.Join(root, kind, stanza))
			p.Above = append(p.Above, path.Join(root, kind))
		}
		p.Above = append(p.Above, root)
	}
	f := facts{Path: root, CipherType: s.cfg.String("repo-cipher-type", key)}
	if s.cfg.Has("repo-cipher-pass", key) {
		f.CipherPass = s.cfg.Secret("repo-cipher-pass", key).Reveal()
	}
	return &wire.Opened{Calls: remote.Calls(s.posix(), p), Facts: f}, nil
}

// openCluster lets the other side read one cluster, and talk to its server.
func (s *session) openCluster() (*wire.Opened, error) {
	key := s.cfg.DefaultKey("pg")
	root := path.Clean(s.cfg.String("pg-path", key))
	calls := remote.Calls(s.posix(), remote.Policy{Roots: []string{root}, ReadOnly: true})
	maps.Copy(calls, source.Calls(s.posix(), root))
	sessions := db.NewSessions(s.connection(key))
	maps.Copy(calls, sessions.Calls())
	return &wire.Opened{Calls: calls, Close: sessions.Close}, nil
}
