package command

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"holdfast/internal/config"
	"holdfast/internal/errs"
	"holdfast/internal/lock"
	"holdfast/internal/wire"
)

// remotes are the hosts a run works with.
type remotes struct {
	mu    sync.Mutex
	hosts map[string]*host
}

// close ends all connections. The processes over there end, and let go of their locks.
func (r *remotes) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	var wait sync.WaitGroup
	for _, h := range r.hosts {
		wait.Go(h.close)
	}
	wait.Wait()
	r.hosts = nil
}

// host is another host, where one cluster or one repository is. Calls go over a first connection, which holds the locks over there;
// streams have one for each worker, made when it is needed, so that each has its own process at the other end.
type host struct {
	session *session
	group   string // "pg" or "repo"
	key     int
	most    int // connections

	mu      sync.Mutex
	clients []*wire.Client
	lost    []*wire.Client // replaced by others
	made    int            // connections so far
	facts   facts
	err     error // why there is no connection
}

// host returns where a cluster or a repository is, and connects to it the first time.
func (s *session) host(ctx context.Context, group string, key int) *host {
	s.remotes.mu.Lock()
	defer s.remotes.mu.Unlock()
	name := fmt.Sprintf("%s%d %s", group, key, s.stanza())
	h := s.remotes.hosts[name]
	if h == nil {
		h = &host{session: s, group: group, key: key, most: 1}
		if s.cfg.Has("process-max") {
			h.most = max(h.most, int(s.cfg.Int("process-max")))
		}
		if s.remotes.hosts == nil {
			s.remotes.hosts = map[string]*host{}
		}
		s.remotes.hosts[name] = h
		if c, err := h.connect(ctx, &h.facts); err != nil {
			h.err = err
		} else {
			h.clients = append(h.clients, c)
		}
	}
	return h
}

func (h *host) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	var wait sync.WaitGroup
	for _, c := range slices.Concat(h.clients, h.lost) {
		wait.Go(c.Close)
	}
	wait.Wait()
	if h.err == nil {
		h.err = errs.New(errs.Assert, "connection is closed")
	}
	h.clients = nil
}

// option returns the value of an option for the host, "" if it has none.
func (h *host) option(name string) string {
	if name = h.group + "-" + name; !h.session.cfg.Has(name, h.key) {
		return ""
	}
	return h.session.cfg.String(name, h.key)
}

// connect makes one more connection.
func (h *host) connect(ctx context.Context, f *facts) (*wire.Client, error) {
	number := h.made
	h.made++
	kind, name := h.option("host-type"), h.option("host")
	cfg := wire.Config{
		Greeting: greeting(),
		Label:    fmt.Sprintf("remote-%d %s protocol on '%s'", number, kind, name),
		Timeout:  h.session.cfg.Duration("protocol-timeout"),
	}
	if kind == "tls" {
		server, err := h.session.tlsHost(h.group, h.key)
		if err != nil {
			return nil, err
		}
		conn, err := server.Dial(ctx)
		if err != nil {
			return nil, err
		}
		cfg.Ended = conn.Ended
		return wire.Connect(ctx, conn, cfg, append(h.args(number), h.session.cfg.Command+":"+config.Remote.String()), f)
	}
	ssh := wire.SSH{
		Command: h.session.cfg.String("cmd-ssh"), Host: name, User: h.option("host-user"), Program: h.option("host-cmd"),
		Args:   append(h.args(number), h.session.cfg.Command+":"+config.Remote.String()),
		Label:  fmt.Sprintf("remote-%d process on '%s'", number, name),
		Stderr: h.session.env.Stderr,
	}
	if port := h.group + "-host-port"; h.session.cfg.Has(port, h.key) {
		ssh.Port = int(h.session.cfg.Int(port, h.key))
	}
	process, err := wire.StartSSH(ssh)
	if err != nil {
		return nil, err
	}
	cfg.Ended = process.Ended
	return wire.Connect(ctx, process.Conn(), cfg, nil, f)
}

// args are the options for a process on the host.
func (h *host) args(number int) []string {
	s := h.session
	replaced := []config.Pair{
		{Key: "exec-id", Value: s.execID},
		{Key: "log-level-console", Value: "off"},
		{Key: "log-level-stderr", Value: "error"},
		{Key: "process", Value: strconv.Itoa(number)},
		{Key: "remote-type", Value: h.group},
	}
	level := "off"
	if s.cfg.Valid("log-subprocess") && s.cfg.Bool("log-subprocess") {
		level = s.cfg.String("log-level-file")
	}
	replaced = append(replaced, config.Pair{Key: "log-level-file", Value: level})
	if h.group == "repo" {
		replaced = append(replaced, config.Pair{Key: "repo", Value: strconv.Itoa(h.key)})
	}
	if s.cfg.CommandInfo().LockRemote && number == 0 {
		for _, name := range h.remoteLocks() {
			replaced = append(replaced, config.Pair{Key: "lock", Value: name})
		}
	}
	return s.cfg.RemoteArgs(h.group, h.key, replaced...)
}

// remoteLocks names the locks that the command holds on the hosts it works with: of this repository, or for a cluster those of all.
func (h *host) remoteLocks() []string {
	keys := []int{h.key}
	if h.group == "pg" {
		keys = h.session.repoKeys()
	}
	var names []string
	for _, t := range typesOf(h.session.cfg.CommandInfo()) {
		for _, key := range keys {
			names = append(names, filepath.Base(lock.File("", h.session.stanza(), t, key)))
		}
	}
	return names
}

// first returns the connection for calls.
func (h *host) first() (*wire.Client, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.failure(); err != nil {
		return nil, err
	}
	return h.clients[0], nil
}

// idle returns a connection for a stream: one without any, a new one, or that with the fewest.
func (h *host) idle(ctx context.Context) (*wire.Client, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.failure(); err != nil {
		return nil, err
	}
	for i := len(h.clients) - 1; i > 0; i-- { // the first one has the locks: without it the run is over
		if c := h.clients[i]; c.Gone() {
			h.clients, h.lost = slices.Delete(h.clients, i, i+1), append(h.lost, c)
		}
	}
	best := h.clients[0]
	for _, c := range h.clients {
		if c.Busy() < best.Busy() {
			best = c
		}
	}
	if best.Busy() == 0 || len(h.clients) == h.most {
		return best, nil
	}
	c, err := h.connect(ctx, new(facts)) // the same as the first time
	if err != nil {
		return nil, wire.Lost(err)
	}
	h.clients = append(h.clients, c)
	return c, nil
}

// failure is why there is no connection for a call. In the place of a repository it must not pass for a file that is missing there; a
// cluster is not asked for anything else then.
func (h *host) failure() error {
	if h.group == "repo" {
		return wire.Lost(h.err)
	}
	return h.err
}

// Call makes a call that has an answer.
func (h *host) Call(ctx context.Context, name string, in, out any) error {
	c, err := h.first()
	if err != nil {
		return err
	}
	return c.Call(ctx, name, in, out)
}

// Read makes a call that answers with a stream.
func (h *host) Read(ctx context.Context, name string, in any) (*wire.Stream, error) {
	c, err := h.idle(ctx)
	if err != nil {
		return nil, err
	}
	return c.Read(ctx, name, in)
}

// Write makes a call that takes a stream.
func (h *host) Write(ctx context.Context, name string, in any) (*wire.Upload, error) {
	c, err := h.idle(ctx)
	if err != nil {
		return nil, err
	}
	return c.Write(ctx, name, in)
}
