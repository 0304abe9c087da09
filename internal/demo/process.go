package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"holdfast/internal/errs"
)

// processes starts programs in an environment that has nothing of the environment of whoever started the demonstration.
type processes struct {
	dir string // where they are started and keep their output
	env []string
}

// run starts a program, waits for it and returns what it printed. An error shows the end of its output.
func (p *processes) run(ctx context.Context, program string, args ...string) (string, error) {
	// Files, not pipes: a server that is started inherits the output, and a pipe would not end before the server does.
	out, err := p.open("output")
	if err != nil {
		return "", err
	}
	defer out.close()
	complaints, err := p.open("errors")
	if err != nil {
		return "", err
	}
	defer complaints.close()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	cmd.Stdout, cmd.Stderr = out.File, complaints.File
	// An interrupt from the terminal is for the demonstration, which then ends its programs in its own order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		return "", fmt.Errorf("run %s: %w", filepath.Base(program), ctx.Err())
	}
	text, readErr := out.read()
	if err == nil {
		return text, readErr
	}
	more, _ := complaints.read()
	reason := err.Error()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		reason = exit.ProcessState.String()
	}
	failure := fmt.Sprintf("unable to run '%s': %s", strings.Join(append([]string{program}, args...), " "), reason)
	if lines := tail(text+more, tailLines); lines != "" {
		failure += "\n" + lines
	}
	return text, errs.Because(errs.Execute, err, "%s", failure)
}

// tailLines is how much of a log people want to read when something failed.
const tailLines = 15

// tail is the last lines of a text.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// output is a file a program writes to, gone when it is closed.
type output struct{ *os.File }

func (p *processes) open(name string) (output, error) {
	file, err := os.CreateTemp(p.dir, name)
	if err != nil {
		return output{}, errs.Because(errs.FileOpen, err, "unable to create a file in '%s': %s", p.dir, errs.System(err))
	}
	return output{file}, nil
}

func (o output) read() (string, error) {
	b, err := os.ReadFile(o.Name())
	return string(b), err
}

func (o output) close() {
	_ = os.Remove(o.Name())
	_ = o.Close()
}

// shell writes a word so that a shell takes it as it is, in a setting where PostgreSQL puts values for %.
func shell(word string) string {
	word = strings.ReplaceAll(word, "%", "%%")
	if strings.Trim(word, "/%+-.,_:@0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// setting writes a value for postgresql.conf.
func setting(value string) string {
	return "'" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(value) + "'"
}
