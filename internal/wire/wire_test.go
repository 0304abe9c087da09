package wire

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/internal/errs"
)

var greeting = Greeting{Name: "Holdfast", Service: "remote", Version: "1"}

const label = "remote-0 ssh protocol on 'db1'"

// pair returns both ends of a TCP connection.
func pair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		var err error
		server, err = l.Accept()
		done <- err
	}()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// far is a server with some calls, and what has become of its streams.
type far struct {
	server Server
	mu     sync.Mutex
	got    bytes.Buffer
	ended  error
	closed chan struct{}
}

func newFar() *far {
	f := &far{closed: make(chan struct{})}
	f.server = Server{Greeting: greeting, Open: func(_ context.Context, args []string) (*Opened, error) {
		if len(args) > 0 && args[0] == "no" {
			return nil, errs.New(errs.Stop, "stop file exists for stanza s")
		}
		return &Opened{Facts: strings.Join(args, "+"), Close: func() { close(f.closed) }, Calls: Calls{
			"echo": func(c *Call) {
				var in string
				if err := c.Args(&in); err != nil {
					c.Fail(err)
					return
				}
				c.Reply(in+in, nil)
			},
			"long": func(c *Call) {
				var in string
				err := c.LongArgs(&in)
				c.Reply(len(in), err)
			},
			"missing": func(c *Call) {
				c.Fail(errs.New(errs.FileMissing, "unable to open missing file '/a\xffb' for read").Hint("look"))
			},
			"panic": func(*Call) { panic("oops") },
			"zeros": func(c *Call) {
				var n int64
				_ = c.Args(&n)
				c.Stream(func(w io.Writer) (any, error) {
					_, err := io.CopyN(w, zeros{}, n)
					return n, err
				})
			},
			"half": func(c *Call) {
				c.Stream(func(w io.Writer) (any, error) {
					_, _ = io.CopyN(w, zeros{}, 1000)
					return nil, errs.New(errs.FileRead, "disk gone")
				})
			},
			"break": func(c *Call) {
				c.Stream(func(w io.Writer) (any, error) {
					_, _ = io.CopyN(w, zeros{}, 1<<20)
					panic("broken")
				})
			},
			"pause": func(c *Call) {
				time.Sleep(20 * time.Millisecond)
				c.Reply(nil, nil)
			},
			"hang": func(c *Call) { <-c.Done() },
			"take": func(c *Call) {
				var in string
				if err := c.Args(&in); err != nil {
					c.Fail(err)
					return
				}
				f.mu.Lock()
				defer f.mu.Unlock()
				f.got.Reset()
				var n int64
				n, f.ended = io.Copy(&f.got, c.Body())
				if in == "full" {
					c.Fail(errs.New(errs.FileWrite, "no space"))
					return
				}
				c.Reply(n, f.ended)
			},
			"refuse": func(c *Call) { c.Fail(errs.New(errs.FileOpen, "not here")) },
		}}, nil
	}}
	return f
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// connect serves one end of a connection and returns a client at the other.
func (f *far) connect(t *testing.T, timeout time.Duration, args ...string) (*Client, string, error) {
	t.Helper()
	near, there := pair(t)
	served := make(chan error, 1)
	go func() { served <- f.server.Serve(context.Background(), there) }()
	var facts string
	c, err := Connect(context.Background(), near, Config{Greeting: greeting, Label: label, Timeout: timeout}, args, &facts)
	t.Cleanup(func() {
		if c != nil {
			c.Close()
		}
		near.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return c, facts, err
}

func want(t *testing.T, err error, code errs.Code, text string) {
	t.Helper()
	if errs.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
		t.Errorf("[%d] %v, want [%d] %s", errs.CodeOf(err), err, code, text)
	}
}

func TestCalls(t *testing.T) {
	ctx := context.Background()
	f := newFar()
	c, facts, err := f.connect(t, time.Minute, "a", "b")
	if err != nil || facts != "a+b" {
		t.Fatal(facts, err)
	}
	var out string
	if err := c.Call(ctx, "echo", "x", &out); err != nil || out != "xx" {
		t.Error(out, err)
	}
	err = c.Call(ctx, "missing", nil, nil)
	want(t, err, errs.FileMissing, "raised from "+label+": unable to open missing file '/a\xffb' for read")
	if !errors.Is(err, fs.ErrNotExist) || len(errs.Hints(err)) != 1 {
		t.Errorf("%v: not missing, or no hint", err)
	}
	want(t, c.Call(ctx, "nothing", nil, nil), errs.Protocol, "invalid command 'nothing'")
	want(t, c.Call(ctx, "panic", nil, nil), errs.FileRead, "")
	if err := c.Call(ctx, "echo", "still here", &out); err != nil {
		t.Error(err)
	}
	want(t, c.Call(ctx, "open", opening{}, nil), errs.Protocol, "open already")
	want(t, c.Call(ctx, "echo", strings.Repeat("x", maxArguments), nil), errs.Protocol, "too large")
	var n int
	if err := c.Call(ctx, "long", strings.Repeat("x", maxArguments), &n); err != nil || n != maxArguments {
		t.Error(n, err)
	}

	c.Close()
	<-f.closed
}

func TestStreams(t *testing.T) {
	ctx := context.Background()
	c, _, err := newFar().connect(t, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{0, 1, 4 << 10, 10 << 20} {
		s, err := c.Read(ctx, "zeros", size)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, s)
		var told int64
		if err == nil {
			err = s.Result(&told)
		}
		if err != nil || n != size || told != size {
			t.Errorf("%d bytes: %d, %d, %v", size, n, told, err)
		}
		s.Close()
	}
	s, err := c.Read(ctx, "half", nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, s)
	want(t, err, errs.FileRead, "disk gone")
	if n != 1000 {
		t.Errorf("%d bytes", n)
	}
	if s, err = c.Read(ctx, "break", nil); err == nil {
		_, err = io.Copy(io.Discard, s)
	}
	want(t, err, errs.FileRead, "unable to read from '"+label)
	_, err = c.Read(ctx, "missing", nil)
	want(t, err, errs.FileMissing, "raised from")

	// Giving one up leaves room for the next.
	for range 20 {
		s, err := c.Read(ctx, "zeros", 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(s, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
}

func TestUploads(t *testing.T) {
	ctx := context.Background()
	f := newFar()
	c, _, err := f.connect(t, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	content := make([]byte, 5<<20)
	_, _ = rand.Read(content)
	for _, size := range []int{0, 1, 70000, len(content)} {
		u, _ := c.Write(ctx, "take", "x")
		if _, err := u.Write(content[:size]); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := u.Close(&n); err != nil || n != size {
			t.Errorf("%d: %d, %v", size, n, err)
		}
		u.Abort()
		if !bytes.Equal(f.got.Bytes(), content[:size]) || f.ended != nil {
			t.Errorf("%d: content differs, %v", size, f.ended)
		}
	}
	u, _ := c.Write(ctx, "take", "full")
	_, _ = u.Write(content)
	want(t, u.Close(nil), errs.FileWrite, "raised from "+label+": no space")

	u, _ = c.Write(ctx, "take", "x")
	_, _ = u.Write(content[:100000])
	u.Abort()
	if err := c.Call(ctx, "echo", "", nil); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	if f.ended == nil {
		t.Error("an aborted stream ended well")
	}
	f.mu.Unlock()

	u, _ = c.Write(ctx, "refuse", nil)
	for err == nil {
		_, err = u.Write(content)
	}
	want(t, err, errs.FileOpen, "not here")
	want(t, u.Close(nil), errs.FileOpen, "not here")
}

func TestOpenRefused(t *testing.T) {
	_, _, err := newFar().connect(t, time.Minute, "no")
	want(t, err, errs.Stop, "raised from "+label+": stop file exists for stanza s")

	near, there := pair(t)
	f := newFar()
	go f.server.Serve(context.Background(), there)
	c, err := greet(context.Background(), near, Config{Greeting: greeting, Label: label})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want(t, c.Call(context.Background(), "echo", "x", nil), errs.Access, "access denied")
	if err := c.Call(context.Background(), "ping", nil, nil); err != nil {
		t.Error(err)
	}
}

func TestGreetings(t *testing.T) {
	for _, c := range []struct {
		line, text string
		code       errs.Code
	}{
		{"Welcome to db1!\x1b[31m\n", "greeting expected but got 'Welcome to db1!?[31m'", errs.JsonFormat},
		{strings.Repeat("x", 1<<20), "greeting expected but got 'xxx", errs.JsonFormat},
		{`{"name":"pgBackRest","service":"remote","version":"2.60.0"}` + "\n",
			"expected value 'Holdfast' for greeting key 'name' but got 'pgBackRest'", errs.Protocol},
		{`{"name":"Holdfast","service":"remote","version":"2"}` + "\n", "expected value '1' for greeting key 'version' but got '2'", errs.Protocol},
		{`{"name":"Holdfast","service":"remote"}` + "\n", "unable to find greeting key 'version'", errs.Protocol},
		{"", "connection ended unexpectedly", errs.FileRead},
		{"half a line", "connection ended unexpectedly", errs.FileRead},
	} {
		near, there := pair(t)
		go func() {
			_, _ = io.WriteString(there, c.line)
			there.Close()
		}()
		_, err := Connect(context.Background(), near, Config{Greeting: greeting, Label: label, Timeout: time.Minute}, nil, nil)
		want(t, err, c.code, c.text)
	}
}

func TestSilence(t *testing.T) {
	near, _ := pair(t) // nobody greets
	_, err := Connect(context.Background(), near, Config{Greeting: greeting, Label: label, Timeout: 50 * time.Millisecond}, nil, nil)
	want(t, err, errs.FileRead, "timeout after 50ms waiting for read from '"+label+"'")

	c, _, err := newFar().connect(t, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	want(t, c.Call(context.Background(), "hang", nil, nil), errs.FileRead, "timeout after 100ms")
	_, err = c.Read(context.Background(), "hang", nil)
	want(t, err, errs.FileRead, "timeout after 100ms")

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Call(ctx, "echo", "x", nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestGone cuts the connection below a call.
func TestGone(t *testing.T) {
	near, there := pair(t)
	f := newFar()
	go f.server.Serve(context.Background(), there)
	ended := errs.New(errs.Unknown, "process ended")
	c, err := Connect(context.Background(), near, Config{Greeting: greeting, Label: label, Ended: func() error { return ended }}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(20*time.Millisecond, func() { there.Close() })
	want(t, c.Call(context.Background(), "hang", nil, nil), errs.Unknown, "process ended")
	<-f.closed
	want(t, c.Call(context.Background(), "echo", nil, nil), errs.Unknown, "process ended")

	// What the process lacked is not what the call asks for.
	ended = errs.New(errs.FileMissing, "process ended: unable to open missing file '/etc/conf' for read")
	_, err = c.Read(context.Background(), "zeros", 1)
	want(t, err, errs.FileRead, "'/etc/conf'")
	if errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v: missing", err)
	}
}

func FuzzGreeting(f *testing.F) {
	f.Add(`{"name":"Holdfast","service":"remote","version":"1"}`)
	f.Add("")
	f.Fuzz(func(_ *testing.T, line string) { _ = greeting.check(line) })
}

func FuzzFailure(f *testing.F) {
	f.Add(encodeFailure(errs.New(errs.FileMissing, "a").Hint("b")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if decodeFailure(b) == nil {
			t.Error("no error")
		}
	})
}

// TestPause leaves streams alone for longer than an answer may take.
func TestPause(t *testing.T) {
	const limit = 200 * time.Millisecond
	ctx := context.Background()
	c, _, err := newFar().connect(t, limit)
	if err != nil {
		t.Fatal(err)
	}
	const size = 10 << 20
	s, err := c.Read(ctx, "zeros", size)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := c.Write(ctx, "take", "x")
	if _, err := u.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * limit)
	if n, err := io.Copy(io.Discard, s); n != size || err != nil {
		t.Error(n, err)
	}
	if _, err := u.Write([]byte("b")); err != nil {
		t.Error(err)
	}
	if err := u.Close(nil); err != nil {
		t.Error(err)
	}
}

// TestMany makes as many calls at a time as there can be workers.
func TestMany(t *testing.T) {
	c, _, err := newFar().connect(t, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 999 {
		all.Go(func() {
			if err := c.Call(context.Background(), "pause", nil, nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestLastCall ends a connection below a call, which must not lose what it works under.
func TestLastCall(t *testing.T) {
	began, release, closed := make(chan bool), make(chan bool), make(chan bool)
	server := Server{Greeting: greeting, Open: func(context.Context, []string) (*Opened, error) {
		return &Opened{Close: func() { close(closed) }, Calls: Calls{"work": func(*Call) {
			close(began)
			<-release
		}}}, nil
	}}
	near, there := pair(t)
	served := make(chan error, 1)
	go func() { served <- server.Serve(context.Background(), there) }()
	c, err := Connect(context.Background(), near, Config{Greeting: greeting, Label: label}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = c.Call(context.Background(), "work", nil, nil) }()
	<-began
	c.Close()
	select {
	case <-closed:
		t.Error("closed below a call")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	<-closed
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// TestStrangers asks for much before the connection is open.
func TestStrangers(t *testing.T) {
	ctx := context.Background()
	near, there := pair(t)
	go newFar().server.Serve(ctx, there)
	c, err := greet(ctx, near, Config{Greeting: greeting, Label: label, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want(t, c.Call(ctx, "open", opening{Args: []string{strings.Repeat("x", maxArguments)}}, nil), errs.Protocol, "request body too large")
	want(t, c.Call(ctx, "wait", nil, nil), errs.Access, "access denied")
	u, _ := c.Write(ctx, "take", strings.Repeat("x", 2*maxHeader))
	if err := u.Close(nil); err == nil {
		t.Error("long header taken")
	}
	if err := c.Call(ctx, "ping", nil, nil); err != nil {
		t.Error(err)
	}
}

// TestBusy counts a stream from when it is asked for, so that the next one finds another connection.
func TestBusy(t *testing.T) {
	c, _, err := newFar().connect(t, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := c.Read(ctx, "hang", nil)
		done <- err
	}()
	for deadline := time.Now().Add(10 * time.Second); c.Busy() != 1 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if c.Busy() != 1 {
		t.Error("not busy")
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || c.Busy() != 0 {
		t.Error(err, c.Busy())
	}
}

// TestSecondDial asks for a second connection: as the HTTP client does that makes its second request before the connection of the first
// is where requests look for one.
func TestSecondDial(t *testing.T) {
	near, _ := pair(t)
	dial := (&Client{conn: near}).dialOnce()
	first, err := dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan error, 1)
	go func() {
		_, err := dial(context.Background(), "", "")
		second <- err
	}()
	select {
	case err := <-second:
		t.Error(err)
	case <-time.After(20 * time.Millisecond):
	}
	first.Close()
	if err := <-second; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
