package wire

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/internal/errs"
)

// Sizes and times both sides agree on. Buffers are per connection, so memory is bounded by the number of workers.
const (
	frameSize    = 256 << 10
	streamBuffer = 1 << 20
	connBuffer   = 2 << 20
	maxStreams   = 1024     // calls at a time: more than there can be workers, for there is no second connection
	maxArguments = 1 << 20  // of a call
	maxLong      = 64 << 20 // of a call that brings the map of a large file in blocks, and of an answer
	maxHeader    = 64 << 10 // of a call, with the arguments of a stream in it: a path or two

	quiet       = 30 * time.Second // without a word after which the other side is asked whether it lives
	openTimeout = 60 * time.Second // from the connection to the call that opens it
	headTimeout = 60 * time.Second
	callsWait   = 60 * time.Second // for calls to end after the connection
	lastWait    = time.Second      // the same in a process that ends then, and the calls with it: one may wait for standard input
)

// Server answers on connections.
type Server struct {
	Greeting Greeting
	Timeout  time.Duration // without an answer to a ping after which the client is taken for gone
	// Open looks at what the client wants, and returns what it may have: the calls it may make and what it is told at the start.
	// The close function of the opened is called when the connection ends.
	Open func(ctx context.Context, args []string) (*Opened, error)
	// Failed is told about defects, if not nil.
	Failed func(err error)
}

// Opened is what a client may do on its connection.
type Opened struct {
	Calls Calls
	Facts any // sent as JSON
	Close func()
	Ended <-chan struct{} // closed when the connection must end; may be nil
}

// Calls are the calls of a service by name.
type Calls map[string]func(*Call)

// Call is a call on its way, on the side that answers it.
type Call struct {
	context.Context
	w       http.ResponseWriter
	r       *http.Request
	buffers *sync.Pool // of *bufio.Writer
}

// opening is what a client sends first.
type opening struct {
	Args []string `json:"args,omitempty"`
}

// connection is the state of one of them.
type connection struct {
	server  *Server
	opening sync.Mutex // of the call that opens
	mu      sync.Mutex
	opened  *Opened
	end     func()    // ends the connection
	buffers sync.Pool // of *bufio.Writer

	gate  sync.Mutex
	over  bool // no call may begin any more
	calls sync.WaitGroup
}

// Serve greets on a connection and answers until it ends, which is no error.
func (s *Server) Serve(ctx context.Context, conn net.Conn) error {
	return s.serve(ctx, conn, callsWait)
}

func (s *Server) serve(ctx context.Context, conn net.Conn, patience time.Duration) error {
	if err := s.Greeting.write(conn); err != nil {
		conn.Close()
		return errs.Because(errs.FileWrite, err, "unable to greet: %s", errs.System(err))
	}
	c := &connection{server: s}
	c.buffers.New = func() any { return bufio.NewWriterSize(nil, 32<<10) }
	listener := newOneListener(conn)
	late := time.AfterFunc(openTimeout, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.opened == nil {
			listener.Close()
			conn.Close()
		}
	})
	defer late.Stop()
	h := &http.Server{
		Handler:           c,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: headTimeout,
		MaxHeaderBytes:    maxHeader,
		Protocols:         onlyHTTP2(),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams, MaxReadFrameSize: frameSize,
			MaxReceiveBufferPerStream: streamBuffer, MaxReceiveBufferPerConnection: connBuffer,
			SendPingTimeout: min(quiet, pingTimeout(s.Timeout)), PingTimeout: pingTimeout(s.Timeout),
		},
		ErrorLog: stdlog.New(io.Discard, "", 0),
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	c.end = end
	stop := context.AfterFunc(ctx, func() { listener.Close(); conn.Close() })
	defer stop()
	_ = h.Serve(listener) // returns when the connection has ended
	end()
	c.wait(patience)
	c.close()
	return nil
}

// begin notes that a call begins, unless the connection has ended.
func (c *connection) begin() bool {
	c.gate.Lock()
	defer c.gate.Unlock()
	if !c.over {
		c.calls.Add(1)
	}
	return !c.over
}

// wait waits for the calls: what closes the opened may release locks under which they work.
func (c *connection) wait(patience time.Duration) {
	c.gate.Lock()
	c.over = true
	c.gate.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.calls.Wait()
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
}

func onlyHTTP2() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

// pingTimeout is how long an answer to a ping may take. Pings are answered whatever else is being done, so it need not be as long as
// the time that an answer to a call may take.
func pingTimeout(limit time.Duration) time.Duration {
	if limit <= 0 {
		return openTimeout
	}
	return min(limit, openTimeout)
}

func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened != nil && c.opened.Close != nil {
		c.opened.Close()
		c.opened.Close = nil
	}
}

// ServeHTTP answers one call.
func (c *connection) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !c.begin() {
		panic(http.ErrAbortHandler)
	}
	defer c.calls.Done()
	call := &Call{Context: r.Context(), w: w, r: r, buffers: &c.buffers}
	defer func() {
		if p := recover(); p != nil {
			if c.server.Failed != nil {
				c.server.Failed(errs.New(errs.Assert, "%v in call %s", p, r.URL.Path))
			}
			panic(http.ErrAbortHandler) // the client sees its stream break
		}
	}()
	switch r.URL.Path {
	case "/ping":
		call.Reply(nil, nil)
	case "/open":
		call.Reply(c.open(call))
	default:
		c.mu.Lock()
		opened := c.opened
		c.mu.Unlock()
		if opened == nil {
			call.Fail(errs.New(errs.Access, "access denied"))
			return
		}
		if r.URL.Path == "/wait" {
			call.Stream(func(io.Writer) (any, error) {
				<-call.Done()
				return nil, call.Err()
			})
			return
		}
		serve, ok := opened.Calls[r.URL.Path[1:]]
		if !ok {
			call.Fail(errs.New(errs.Protocol, "invalid command '%s'", printable(r.URL.Path[1:])))
			return
		}
		serve(call)
	}
}

func (c *connection) open(call *Call) (any, error) {
	if !c.opening.TryLock() {
		return nil, errs.New(errs.Protocol, "connection is being opened already")
	}
	defer c.opening.Unlock()
	var in opening
	if err := call.Args(&in); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened != nil {
		return nil, errs.New(errs.Protocol, "connection is open already")
	}
	opened, err := c.server.Open(context.WithoutCancel(call.Context), in.Args)
	if err != nil {
		return nil, err
	}
	c.opened = opened
	if opened.Ended != nil {
		go func() {
			<-opened.Ended
			c.end()
		}()
	}
	return opened.Facts, nil
}

// argsHeader carries the arguments of a call whose body is a stream.
const argsHeader = "Args"

// Args reads the arguments of the call.
func (c *Call) Args(in any) error { return c.args(in, maxArguments) }

// LongArgs is Args for a call that may bring much.
func (c *Call) LongArgs(in any) error { return c.args(in, maxLong) }

func (c *Call) args(in any, most int64) error {
	text := http.MaxBytesReader(c.w, c.r.Body, most)
	var err error
	if head := c.r.Header.Get(argsHeader); head != "" {
		var b []byte
		if b, err = fromTrailer(head); err == nil {
			err = json.Unmarshal(b, in)
		}
	} else {
		err = json.NewDecoder(text).Decode(in)
	}
	if err != nil {
		return errs.New(errs.Protocol, "unable to read the arguments of '%s': %s", c.r.URL.Path[1:], err)
	}
	return nil
}

// Body is the stream that the client writes, to be asked for once. It ends in an error when the client gives up.
func (c *Call) Body() io.Reader { return &body{r: c.r.Body} }

// Reply ends a call with an answer or an error.
func (c *Call) Reply(out any, err error) {
	if err == nil {
		var b []byte
		if b, err = json.Marshal(out); err == nil {
			_, _ = c.w.Write(b)
			return
		}
	}
	c.Fail(err)
}

// Fail ends a call, of which nothing has been answered yet, with an error.
func (c *Call) Fail(err error) {
	c.w.WriteHeader(http.StatusInternalServerError)
	_, _ = c.w.Write(encodeFailure(err))
}

// Trailers of a stream that is read.
const (
	resultTrailer  = "Result"  // of one that is whole
	failureTrailer = "Failure" // of one that is not
)

// Stream answers with a stream. What fn writes goes to the client, followed by its result or its error.
func (c *Call) Stream(fn func(w io.Writer) (result any, err error)) {
	c.w.Header().Set("Trailer", resultTrailer+", "+failureTrailer)
	buffered := c.buffers.Get().(*bufio.Writer)
	buffered.Reset(c.w)
	defer c.buffers.Put(buffered)
	result, err := fn(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	var b []byte
	if err == nil {
		b, err = json.Marshal(result)
	}
	if err != nil {
		_ = buffered.Flush()
		c.w.Header().Set(failureTrailer, trailerOf(encodeFailure(err)))
		return
	}
	c.w.Header().Set(resultTrailer, trailerOf(b))
}

// oneListener hands out one connection and then waits until that has ended.
type oneListener struct {
	conn   net.Conn
	given  atomic.Bool
	closed chan struct{}
	once   sync.Once
}

func newOneListener(conn net.Conn) *oneListener {
	l := &oneListener{closed: make(chan struct{})}
	l.conn = &watched{Conn: conn, closed: func() { l.Close() }}
	return l
}

func (l *oneListener) Accept() (net.Conn, error) {
	if !l.given.Swap(true) {
		return l.conn, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *oneListener) Addr() net.Addr { return l.conn.LocalAddr() }

// watched tells when it is closed.
type watched struct {
	net.Conn
	closed func()
}

func (w *watched) Close() error {
	w.closed()
	return w.Conn.Close()
}
