package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"holdfast/internal/errs"
)

// SSH says how to start the program on another host. Keys, agents, jump hosts and the like are the business of the ssh client's
// configuration.
type SSH struct {
	Command string // the ssh client
	Host    string
	User    string
	Port    int      // 0: what ssh decides
	Program string   // path of the program over there
	Args    []string // for it
	Label   string   // names it in errors, for example "remote-0 process on 'db1'"
	Stderr  io.Writer
}

const (
	endWait  = 3 * time.Second // for a process whose connection broke to end
	stopWait = 5 * time.Second // for a process that was told to end
	saidWait = time.Second     // for its standard error to end, which a child of its may have inherited, such as a master of ssh
	mostSaid = 8 << 10         // of what it wrote to standard error
)

// Process is one whose standard streams are a connection: the ssh client that has started the program on another host, or the program
// itself.
type Process struct {
	label  string
	stderr io.Writer
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.ReadCloser
	ended  chan struct{}
	said   tail
	once   sync.Once
	closed sync.Once
	killed atomic.Bool
	silent atomic.Bool // nothing is to be expected of it any more
}

// StartSSH starts the program on another host.
func StartSSH(s SSH) (*Process, error) {
	return StartProcess(s.Command, s.arguments(), s.Label, s.Stderr)
}

// StartProcess starts a program of this host. The label names it in errors; what it says goes to stderr if it ends well, and into the
// error otherwise.
func StartProcess(path string, args []string, label string, stderr io.Writer) (*Process, error) {
	p := &Process{label: label, stderr: stderr, cmd: exec.Command(path, args...), ended: make(chan struct{})}
	p.cmd.Stderr = &p.said
	p.cmd.WaitDelay = saidWait
	// A signal for the terminal's foreground processes is ours to handle; the other side notices when we end. Without a terminal it
	// cannot ask there either, which would stop it for as long as we wait.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err == nil {
		p.stdout, err = p.cmd.StdoutPipe()
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, errs.Because(errs.Execute, err, "unable to execute '%s': %s", path, errs.System(err))
	}
	return p, nil
}

func (s SSH) arguments() []string {
	args := []string{"-o", "LogLevel=error", "-o", "Compression=no", "-o", "PasswordAuthentication=no"}
	if s.Port > 0 {
		args = append(args, "-p", strconv.Itoa(s.Port))
	}
	command := []string{quoteWord(s.Program)}
	for _, arg := range s.Args {
		command = append(command, quoteWord(arg))
	}
	return append(args, s.User+"@"+s.Host, strings.Join(command, " "))
}

// quoteWord makes a word mean itself to the shell of the other host.
func quoteWord(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_=./:,@%+", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	ahead := ""
	if name, value, ok := strings.Cut(word, "="); ok && strings.HasPrefix(name, "--") {
		ahead, word = name+"=", value
	}
	return ahead + `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(word) + `"`
}

// Conn returns the connection. Closing it ends the process.
func (p *Process) Conn() net.Conn { return processConn{p} }

// wait collects the process when its output has ended.
func (p *Process) wait() {
	p.once.Do(func() {
		go func() {
			defer close(p.ended)
			_ = p.cmd.Wait()
		}()
	})
}

// Ended says how the process ended, nil if it has not.
func (p *Process) Ended() error {
	p.wait()
	select {
	case <-p.ended:
	case <-time.After(endWait):
		return nil
	}
	if p.killed.Load() {
		return nil // by us, as the connection had broken
	}
	state, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ok && state.Signaled() {
		return errs.New(errs.Execute, "%s terminated unexpectedly on signal %d", p.label, int(state.Signal()))
	}
	status := p.cmd.ProcessState.ExitCode()
	code := errs.Code(status)
	if !code.Known() {
		code = errs.Unknown
	}
	said := p.said.String()
	if said != "" {
		said = ": " + said
	}
	return errs.New(code, "%s terminated unexpectedly [%d]%s", p.label, status, said)
}

// close ends the process: politely, then not.
func (p *Process) close() {
	_ = p.stdin.Close()
	_ = p.stdout.Close()
	p.wait()
	select {
	case <-p.ended:
	case <-time.After(p.patience()):
		p.killed.Store(true)
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	if said := p.said.String(); said != "" && p.stderr != nil && p.cmd.ProcessState.Success() {
		_, _ = io.WriteString(p.stderr, said+"\n")
	}
}

// patience is how long a process gets to end.
func (p *Process) patience() time.Duration {
	if p.silent.Load() {
		return 0
	}
	return stopWait
}

// processConn makes a connection of the streams of a process.
type processConn struct{ p *Process }

func (c processConn) Read(b []byte) (int, error)  { return c.p.stdout.Read(b) }
func (c processConn) Write(b []byte) (int, error) { return c.p.stdin.Write(b) }
func (c processConn) Silent()                     { c.p.silent.Store(true) }
func (c processConn) Close() error                { c.p.closed.Do(c.p.close); return nil }
func (c processConn) LocalAddr() net.Addr         { return streamAddr{} }
func (c processConn) RemoteAddr() net.Addr        { return streamAddr{} }

func (c processConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c processConn) SetReadDeadline(t time.Time) error  { return setDeadline(c.p.stdout, t, true) }
func (c processConn) SetWriteDeadline(t time.Time) error { return setDeadline(c.p.stdin, t, false) }

func setDeadline(stream any, t time.Time, read bool) error {
	f, ok := stream.(*os.File)
	switch {
	case !ok:
		return nil
	case read:
		return f.SetReadDeadline(t)
	}
	return f.SetWriteDeadline(t)
}

type streamAddr struct{}

func (streamAddr) Network() string { return "stdio" }
func (streamAddr) String() string  { return "stdio" }

// tail keeps the end of what is written.
type tail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b.Write(p)
	if over := t.b.Len() - mostSaid; over > 0 {
		t.b.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(t.b.String(), "?"))
}

// ServeStreams serves a client on standard input and output, until the first ends. The process should end then, too.
func (s *Server) ServeStreams(ctx context.Context, in io.Reader, out io.Writer) error {
	return s.serve(ctx, &streams{in: in, out: out, closed: make(chan struct{})}, lastWait)
}

// streams is a connection of two streams that somebody else owns.
type streams struct {
	in     io.Reader
	out    io.Writer
	once   sync.Once
	closed chan struct{}
}

func (s *streams) Read(b []byte) (int, error) {
	select {
	case <-s.closed:
		return 0, net.ErrClosed
	default:
		return s.in.Read(b)
	}
}

func (s *streams) Write(b []byte) (int, error) {
	select {
	case <-s.closed:
		return 0, net.ErrClosed
	default:
		return s.out.Write(b)
	}
}

// Close makes further use fail. A read that waits goes on waiting; it ends with the process.
func (s *streams) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *streams) LocalAddr() net.Addr              { return streamAddr{} }
func (s *streams) RemoteAddr() net.Addr             { return streamAddr{} }
func (s *streams) SetDeadline(time.Time) error      { return nil }
func (s *streams) SetReadDeadline(time.Time) error  { return nil }
func (s *streams) SetWriteDeadline(time.Time) error { return nil }
