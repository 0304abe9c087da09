package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/internal/errs"
)

// Config says who the other side is.
type Config struct {
	Greeting Greeting      // expected
	Label    string        // names the other side in errors, for example "remote-0 ssh protocol on 'db1'"; "": its errors are ours
	Timeout  time.Duration // longest wait for an answer
	// Ended says how the process at the other end of the connection ended, after the connection broke; nil if it has not, or if
	// that is not known.
	Ended func() error
}

// Client makes calls on one connection. It may be used by several goroutines.
type Client struct {
	cfg  Config
	conn net.Conn
	http *http.Client
	busy atomic.Int32 // streams
	gone atomic.Bool

	once sync.Once
}

// Wait waits until the connection ends.
func (c *Client) Wait(ctx context.Context) {
	if resp, err := c.send(ctx, ctx, "wait", nil, nil); err == nil { // which is not an answer to be had in time
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

// Gone reports whether a call has found the connection broken.
func (c *Client) Gone() bool { return c.gone.Load() }

// Busy is how many streams are being read or written.
func (c *Client) Busy() int { return int(c.busy.Load()) }

// Connect reads the greeting of the other side and sends the call that opens the connection. What the server tells in return goes to
// facts. The connection is the client's from now on, also after an error.
func Connect(ctx context.Context, conn net.Conn, cfg Config, args []string, facts any) (*Client, error) {
	c, err := greet(ctx, conn, cfg)
	if err != nil {
		return nil, err
	}
	if err := c.Call(ctx, "open", opening{Args: args}, facts); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Ping connects to a server, makes sure that it answers, and ends the connection.
func Ping(ctx context.Context, conn net.Conn, cfg Config) error {
	c, err := greet(ctx, conn, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Call(ctx, "ping", nil, nil)
}

func greet(ctx context.Context, conn net.Conn, cfg Config) (*Client, error) {
	c := &Client{cfg: cfg, conn: conn}
	limited, cancel := c.limit(ctx)
	defer cancel()
	stop := context.AfterFunc(limited, func() { // ends the read
		if late(limited.Err()) {
			_ = c.silent()
		}
		conn.Close()
	})
	line, err := readGreeting(conn)
	if err == nil {
		err = cfg.Greeting.check(line)
		if err != nil {
			err = c.raised(err)
		}
	} else {
		err = c.broken(limited, ctx, err)
	}
	if !stop() && err == nil {
		err = c.broken(limited, ctx, limited.Err())
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	c.http = &http.Client{Transport: &http.Transport{
		DialContext:        c.dialOnce(),
		Protocols:          onlyHTTP2(),
		DisableCompression: true,
		HTTP2: &http.HTTP2Config{
			MaxReadFrameSize: frameSize, MaxReceiveBufferPerStream: streamBuffer, MaxReceiveBufferPerConnection: connBuffer,
			SendPingTimeout: min(quiet, pingTimeout(cfg.Timeout)), PingTimeout: pingTimeout(cfg.Timeout),
		},
	}}
	return c, nil
}

// dialOnce hands the connection to the HTTP client. There is no second one: who asks for it came before the HTTP client had put the first
// where all find it, and gets that while it waits, unless it has ended.
func (c *Client) dialOnce() func(context.Context, string, string) (net.Conn, error) {
	var given atomic.Bool
	var once sync.Once
	ended := make(chan struct{})
	conn := &watched{Conn: c.conn, closed: func() { once.Do(func() { close(ended) }) }}
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		if !given.Swap(true) {
			return conn, nil
		}
		select {
		case <-ended:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Close ends the connection.
func (c *Client) Close() {
	c.once.Do(func() {
		if c.http != nil {
			c.http.CloseIdleConnections()
		}
		c.conn.Close()
	})
}

// limit gives a call no more time than an answer may take.
func (c *Client) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.cfg.Timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.cfg.Timeout)
}

// raised marks an error as one of the other side.
func (c *Client) raised(err error) error {
	if c.cfg.Label == "" {
		return err
	}
	return errs.Wrap(errs.CodeOf(err), err, "raised from %s", c.cfg.Label)
}

// silent is the error of waiting for too long. Who says nothing will not end politely either, so nobody waits for that.
func (c *Client) silent() error {
	if conn, ok := c.conn.(interface{ Silent() }); ok {
		conn.Silent()
	}
	return errs.New(errs.FileRead, "timeout after %dms waiting for read from '%s'", c.cfg.Timeout.Milliseconds(), c.cfg.Label)
}

// broken explains why a call could not be made or ended early. limited is the context of the call, ctx that of the caller.
func (c *Client) broken(limited, ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(limited.Err(), context.DeadlineExceeded) {
		return c.silent()
	}
	c.gone.Store(true)
	if c.cfg.Ended != nil {
		if ended := c.cfg.Ended(); ended != nil {
			if c.http != nil { // the greeting is no call
				ended = Lost(ended)
			}
			return ended
		}
	}
	return errs.Because(errs.FileRead, err, "unable to read from '%s': %s", c.cfg.Label, reason(err))
}

// Lost makes sure that a connection that cannot be had does not pass for a file that is missing, which is what a process that lacks one
// may end with: a call must not be answered by that.
func Lost(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	code := errs.CodeOf(err)
	if code == errs.FileMissing || code == errs.PathMissing {
		code = errs.FileRead
	}
	return errs.New(code, "%s", errs.Text(err))
}

// reason is what is worth knowing of an error of the HTTP client.
func reason(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return "connection ended unexpectedly"
	}
	return errs.System(err)
}

// Call makes a call that has an answer. Either of in and out may be nil.
func (c *Client) Call(ctx context.Context, name string, in, out any) error {
	limited, cancel := c.limit(ctx)
	defer cancel()
	resp, err := c.send(limited, ctx, name, in, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxLong))
	if err != nil {
		return c.broken(limited, ctx, err)
	}
	if resp.StatusCode != http.StatusOK {
		return c.raised(decodeFailure(b))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return c.raised(errs.New(errs.Protocol, "unable to read the answer to '%s': %s", name, err))
	}
	return nil
}

// send sends a request. With a body the arguments go ahead of it.
func (c *Client) send(limited, ctx context.Context, name string, in any, body io.Reader) (*http.Response, error) {
	args, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	stream := body != nil
	if !stream {
		body = bytes.NewReader(args)
	}
	req, err := http.NewRequestWithContext(limited, http.MethodPost, "http://remote/"+name, body)
	if err != nil {
		return nil, err
	}
	if stream {
		req.Header.Set(argsHeader, trailerOf(args))
	}
	req.Header.Set("User-Agent", "")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.broken(limited, ctx, err)
	}
	return resp, nil
}

// Stream is what a call sends, to be read to its end.
type Stream struct {
	client *Client
	ctx    context.Context
	cancel context.CancelFunc
	watch  *watchdog
	resp   *http.Response
	err    error
	result []byte
	closed bool
}

// Read makes a call that answers with a stream.
func (c *Client) Read(ctx context.Context, name string, in any) (*Stream, error) {
	limited, cancel := context.WithCancel(ctx)
	watch := c.newWatchdog(cancel)
	watch.begin()
	c.busy.Add(1)
	resp, err := c.send(limited, ctx, name, in, nil)
	if err == nil && resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, maxLong))
		resp.Body.Close()
		err = c.raised(decodeFailure(b))
	}
	if err != nil {
		cancel()
		c.busy.Add(-1)
		return nil, watch.stop(err)
	}
	watch.rest()
	return &Stream{client: c, ctx: ctx, cancel: cancel, watch: watch, resp: resp}, nil
}

// Read reads the stream. It ends in io.EOF only if the other side has sent it whole.
func (s *Stream) Read(b []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	s.watch.begin()
	n, err := s.resp.Body.Read(b)
	s.watch.rest()
	if err == nil {
		return n, nil
	}
	s.err = s.end(err)
	return n, s.err
}

// end decides how a stream ended.
func (s *Stream) end(err error) error {
	if err != io.EOF {
		return s.watch.stop(s.client.broken(s.ctx, s.ctx, err))
	}
	if text := s.resp.Trailer.Get(failureTrailer); text != "" {
		b, err := fromTrailer(text)
		if err != nil {
			return s.client.raised(errs.New(errs.Protocol, "unable to read an error"))
		}
		return s.client.raised(decodeFailure(b))
	}
	text := s.resp.Trailer.Get(resultTrailer)
	if s.result, err = fromTrailer(text); err != nil || text == "" {
		return s.client.broken(s.ctx, s.ctx, io.ErrUnexpectedEOF)
	}
	return io.EOF
}

// Result reads what was sent after the end of the stream.
func (s *Stream) Result(out any) error {
	if s.err != io.EOF {
		return errs.New(errs.Assert, "stream has not ended")
	}
	if err := json.Unmarshal(s.result, out); err != nil {
		return s.client.raised(errs.New(errs.Protocol, "unable to read a result: %s", err))
	}
	return nil
}

// Close gives up what has not been read.
func (s *Stream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	s.client.busy.Add(-1)
	s.cancel()
	_ = s.watch.stop(nil)
	return s.resp.Body.Close()
}

// Upload is a stream that is being written.
type Upload struct {
	client *Client
	ctx    context.Context
	cancel context.CancelFunc
	watch  *watchdog
	pipe   *io.PipeWriter
	done   chan struct{}
	closed bool
	out    []byte
	err    error
}

// Write makes a call whose caller sends a stream.
func (c *Client) Write(ctx context.Context, name string, in any) (*Upload, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	limited, cancel := context.WithCancel(ctx)
	r, w := io.Pipe()
	u := &Upload{client: c, ctx: ctx, cancel: cancel, watch: c.newWatchdog(cancel), pipe: w, done: make(chan struct{})}
	c.busy.Add(1)
	go func() {
		defer close(u.done)
		defer c.busy.Add(-1)
		u.out, u.err = u.send(limited, name, in, r)
		r.Close() // ends a write that waits
	}()
	return u, nil
}

func (u *Upload) send(limited context.Context, name string, in any, body io.Reader) ([]byte, error) {
	resp, err := u.client.send(limited, u.ctx, name, in, body)
	if err != nil {
		return nil, u.watch.stop(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxLong))
	if err != nil {
		return nil, u.watch.stop(u.client.broken(limited, u.ctx, err))
	}
	if resp.StatusCode != http.StatusOK {
		return nil, u.client.raised(decodeFailure(b))
	}
	return b, nil
}

// Write sends a piece.
func (u *Upload) Write(b []byte) (written int, err error) {
	defer u.watch.rest()
	for len(b) > 0 {
		u.watch.begin() // a slow way may need long for all of it
		n, err := u.pipe.Write(b[:min(len(b), frameSize)])
		written, b = written+n, b[n:]
		if err != nil {
			return written, u.refused()
		}
	}
	return written, nil
}

// refused says why the other side has had enough.
func (u *Upload) refused() error {
	<-u.done
	if u.err != nil {
		return u.err
	}
	return errs.New(errs.Protocol, "%s answered before the end of a stream", u.client.cfg.Label)
}

// Close ends the stream and returns what the other side made of it. Its answer goes to out unless that is nil.
func (u *Upload) Close(out any) error {
	if u.closed {
		return u.err
	}
	u.closed = true
	u.end(streamWhole)
	u.cancel()
	_ = u.watch.stop(nil)
	if u.err != nil || out == nil {
		return u.err
	}
	if err := json.Unmarshal(u.out, out); err != nil {
		return u.client.raised(errs.New(errs.Protocol, "unable to read an answer: %s", err))
	}
	return nil
}

// end sends the last byte and waits for what the other side says.
func (u *Upload) end(how byte) {
	u.watch.begin()
	_, _ = u.pipe.Write([]byte{how}) // fails if the answer is there already
	_ = u.pipe.Close()
	<-u.done
}

// Abort gives the stream up, and returns when the other side knows. After Close it does nothing.
func (u *Upload) Abort() {
	if u.closed {
		return
	}
	u.closed = true
	u.end(streamGivenUp)
	u.cancel()
	_ = u.watch.stop(nil)
}
