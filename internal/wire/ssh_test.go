package wire

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"holdfast/internal/errs"
)

// TestProcess ends a process whose standard error somebody else keeps open, and that has a word to say.
func TestProcess(t *testing.T) {
	var said bytes.Buffer
	p, err := StartProcess("/bin/sh", []string{"-c", "sleep 20 <&- >&- & cat; echo careful >&2"}, "process", &said)
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	conn := p.Conn()
	conn.Close()
	conn.Close()
	if took := time.Since(started); took > stopWait || said.String() != "careful\n" {
		t.Errorf("%s, %q", took, said.String())
	}

	if p, err = StartProcess("/bin/sh", []string{"-c", "sleep 20 <&- >&- & echo no >&2; exit 103"}, "process", nil); err != nil {
		t.Fatal(err)
	}
	defer p.Conn().Close()
	want(t, p.Ended(), errs.Code(103), "process terminated unexpectedly [103]: no")
}

// TestProcessSilent gives up a process that says nothing and does not end when it is told to.
func TestProcessSilent(t *testing.T) {
	p, err := StartProcess("/bin/sleep", []string{"20"}, "process", nil)
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	cfg := Config{Greeting: greeting, Label: label, Timeout: 50 * time.Millisecond, Ended: p.Ended}
	_, err = Connect(t.Context(), p.Conn(), cfg, nil, nil)
	want(t, err, errs.FileRead, "timeout after 50ms waiting for read from '"+label+"'")
	if took := time.Since(started); took > stopWait/2 {
		t.Errorf("took %v", took)
	}
}

// TestProcessTerminal makes sure that a process has no terminal to ask on: it is the leader of a session of its own.
func TestProcessTerminal(t *testing.T) {
	p, err := StartProcess("/bin/sh", []string{"-c", "echo $$; cut -d ' ' -f 6 /proc/$$/stat"}, "process", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Conn().Close()
	b, err := io.ReadAll(p.Conn())
	if ids := strings.Fields(string(b)); err != nil || len(ids) != 2 || ids[0] != ids[1] {
		t.Errorf("%q, %v", b, err)
	}
}

// TestServeStreamsEnd ends a server by its context while a call waits for a stream on standard input, from which nothing comes.
func TestServeStreamsEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	in, toServer := io.Pipe()
	defer toServer.Close()
	fromServer, out := io.Pipe()
	f := newFar()
	served := make(chan error, 1)
	go func() { served <- f.server.ServeStreams(ctx, in, out) }()
	near := &streams{in: fromServer, out: toServer, closed: make(chan struct{})}
	c, err := Connect(ctx, near, Config{Greeting: greeting, Label: label}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	u, err := c.Write(ctx, "take", "x")
	if err == nil {
		_, err = u.Write([]byte("begun"))
	}
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("goes on serving")
	}
	out.Close()
	c.Close()
}
