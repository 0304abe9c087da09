package wire

import (
	"bytes"
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
