package command

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"holdfast/internal/config"
	"holdfast/internal/errs"
	"holdfast/internal/log"
	"holdfast/internal/wire"
)

// server answers connections of other hosts, each in a goroutine of its own.
type server struct {
	*session    // of the server itself; only the goroutine that runs it looks at it
	open        openFunc
	work        context.Context                // of all connections
	settings    atomic.Pointer[serverSettings] // for the next connection
	clients     clients
	listener    net.Listener
	address     string
	accepting   sync.WaitGroup
	connections sync.WaitGroup
}

// openFunc opens what a client asked for.
type openFunc func(context.Context, *session) (*wire.Opened, error)

// serverSettings is what the configuration says, all of which may be different after a reload. They are not changed once made.
type serverSettings struct {
	tls     *tls.Config
	access  serverAccess
	silence time.Duration // until somebody who says nothing is left
	timeout time.Duration
	keep    net.KeepAliveConfig
	log     *log.Logger
}

// farewell is how long the connections get to end when the server does.
const farewell = 10 * time.Second

// errEnded is why the server ends when it was told to.
var errEnded = errors.New("server was told to end")

// runServer serves other hosts until a signal ends it.
func runServer(ctx context.Context, s *session) error { return serve(ctx, s, openRemote) }

// serve runs a server that gives clients what open opens for them.
func serve(ctx context.Context, s *session, open openFunc) error {
	defer setUmask(0)() // as every command that writes does; all clients share it
	ctx, reloads, done := serverSignals(ctx)
	defer done()
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	srv := &server{session: s, open: open, work: work}
	defer srv.end(cancel)
	err := srv.run(ctx, reloads)
	if context.Cause(ctx) != errEnded {
		return err
	}
	s.env.notify(stateStopping)
	for _, name := range srv.clients.names() {
		s.log.Warn("terminate connection of %s", name)
	}
	return nil
}

// serverSignals returns a context that every signal ends but SIGHUP, which asks for a reload.
func serverSignals(parent context.Context) (ctx context.Context, reloads <-chan struct{}, done func()) {
	signals, stop := takeSignals(parent)
	ctx, cancel := context.WithCancelCause(parent)
	asked := make(chan struct{}, 1)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case sig := <-signals:
				if sig != syscall.SIGHUP {
					stop() // the next one does not wait for us
					cancel(errEnded)
					return
				}
				select {
				case asked <- struct{}{}:
				default: // one reload will do
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, asked, func() {
		cancel(nil)
		<-watched
	}
}

// run serves, with a new configuration whenever that is asked for.
func (srv *server) run(ctx context.Context, reloads <-chan struct{}) error {
	if err := srv.configure(ctx); err != nil {
		return err
	}
	srv.env.notify(stateReady)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-reloads:
			if err := srv.reload(ctx); err != nil {
				return err
			}
		}
	}
}

// configure does what the options say: for the first time, or again.
func (srv *server) configure(ctx context.Context) error {
	ciphers, err := srv.ciphers()
	if err != nil {
		return err
	}
	cfg := srv.cfg
	next := &serverSettings{
		access: srv.newAccess(), silence: cfg.Duration("io-timeout"), timeout: cfg.Duration("protocol-timeout"), keep: srv.keepAlive(),
		log: srv.log,
	}
	next.tls, err = wire.ServerTLS{
		CAFile: cfg.String("tls-server-ca-file"), CertFile: cfg.String("tls-server-cert-file"), KeyFile: cfg.String("tls-server-key-file"),
		Ciphers: ciphers,
	}.Config()
	if err != nil {
		return err
	}
	address, err := wire.Address(ctx, cfg.String("tls-server-address"), int(cfg.Int("tls-server-port")))
	if err != nil {
		return err
	}
	last := srv.settings.Swap(next)
	if srv.listener != nil && address == srv.address && last.keep == next.keep {
		return nil // nobody is turned away while we are at it
	}
	srv.close()
	if srv.listener, err = wire.Listen(ctx, address, next.keep, next.timeout); err != nil {
		return err
	}
	srv.address = address
	srv.accepting.Add(1)
	go srv.accept(srv.listener)
	return nil
}

// reload reads the configuration again. Connections there are go on as they began.
func (srv *server) reload(ctx context.Context) error {
	srv.env.notify(stateReloading)
	srv.log.Detail("configuration reload begin")
	cfg, err := config.Parse(srv.env.input())
	for _, warning := range cfg.Warnings {
		srv.log.Warn("%s", warning)
	}
	if err != nil {
		return err
	}
	srv.closeLogFile()
	srv.cfg = cfg
	srv.session.log = srv.newLogger()
	srv.openLogFile()
	srv.execID = newExecID()
	cfg.SetExecID(srv.execID)
	srv.execID = cfg.String("exec-id")
	srv.beginLine()
	warnings, err := cfg.CrossCheck()
	for _, warning := range warnings {
		srv.log.Warn("%s", warning)
	}
	if err != nil {
		return err
	}
	if err := srv.configure(ctx); err != nil {
		return err
	}
	srv.log.Detail("configuration reload end")
	srv.env.notify(stateReady)
	return nil
}

// close stops listening.
func (srv *server) close() {
	if srv.listener != nil {
		srv.listener.Close()
		srv.accepting.Wait()
		srv.listener = nil
	}
}

// end ends everything, and waits for it unless that takes too long.
func (srv *server) end(cancel context.CancelFunc) {
	srv.close()
	cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.connections.Wait()
	}()
	select {
	case <-done:
	case <-time.After(farewell):
	}
}

// accept takes connections until the listener is closed.
func (srv *server) accept(listener net.Listener) {
	defer srv.accepting.Done()
	for {
		conn, err := listener.Accept()
		switch {
		case err == nil:
			srv.connections.Add(1)
			go srv.serve(conn)
		case errors.Is(err, net.ErrClosed):
			return
		default: // no file descriptor left, perhaps
			srv.logger().Warn("unable to accept socket: %s", errs.System(err))
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// serve serves one connection to its end. Whatever happens to it, the others must not notice.
func (srv *server) serve(raw net.Conn) {
	set := srv.settings.Load()
	defer srv.connections.Done()
	defer raw.Close()
	failed := func(err error) { srv.logger().Error(err) }
	defer func() {
		if p := recover(); p != nil {
			failed(errs.New(errs.Assert, "%v\n%s", p, debug.Stack()))
		}
	}()
	client := srv.clients.enter(raw)
	defer srv.clients.leave(client)
	conn, id, err := wire.Handshake(srv.work, raw, set.tls, set.silence)
	if err != nil {
		if srv.work.Err() == nil {
			srv.logger().Detail("%s", err)
		}
		return
	}
	service := wire.Server{Greeting: greeting(), Timeout: set.timeout, Failed: failed}
	service.Open = func(ctx context.Context, args []string) (*wire.Opened, error) {
		opened, err := srv.admit(ctx, set, client, id, args)
		if id.Proved && errs.Is(err, errs.Access) {
			srv.logger().Warn("access denied for client '%s' at %s", id.Name, raw.RemoteAddr())
		}
		return opened, err
	}
	if err := service.Serve(srv.work, conn); err != nil {
		srv.logger().Detail("%s", err)
	}
}

// logger is where connections log, in force since the last reload.
func (srv *server) logger() *log.Logger { return srv.settings.Load().log }

// admit gives a client what it asks for, if it may have it.
func (srv *server) admit(ctx context.Context, set *serverSettings, c *client, id wire.Identity, args []string) (*wire.Opened, error) {
	s, err := set.access.session(id, args)
	if err != nil {
		return nil, err
	}
	if err := srv.clients.admit(c, id.Name); err != nil {
		return nil, err
	}
	return srv.open(ctx, s)
}
