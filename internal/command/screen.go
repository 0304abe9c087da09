package command

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// screen shows the steps of a long command to a person at a terminal: a line each, the last one alive. Elsewhere it shows nothing.
type screen struct {
	out   io.Writer // nil: nobody is looking
	title string
	still bool // the terminal cannot go back in a line

	mu      sync.Mutex
	step    string // "" between steps
	text    string
	started time.Time
	turn    int

	quit chan struct{}
	done chan struct{}
}

// newScreen looks whether out is a terminal; the kind is the value of TERM.
func newScreen(out io.Writer, title, terminal string) *screen {
	s := &screen{title: title, still: terminal == "dumb" || terminal == ""}
	if isTerminal(out) {
		s.out = out
		s.live()
	}
	return s
}

// isTerminal takes every device for characters as one. What is drawn on /dev/null disturbs nobody.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// live redraws the last line now and then, until close.
func (s *screen) live() {
	s.quit, s.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(s.done)
		for {
			select {
			case <-s.quit:
				return
			case <-time.After(120 * time.Millisecond):
				s.mu.Lock()
				s.draw()
				s.mu.Unlock()
			}
		}
	}()
}

// close leaves the terminal as it should be for what comes next. It may be called twice.
func (s *screen) close() {
	if s.quit != nil {
		close(s.quit)
		<-s.done
		s.quit = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.step != "" {
		s.finish("did not succeed")
	}
}

// Place says where it will happen.
func (s *screen) Place(dir, server string) {
	if s.out != nil {
		fmt.Fprintf(s.out, "%s demonstrates itself with PostgreSQL %s in %s\n\n", s.title, server, dir)
	}
}

// Begin starts a step. A step that is under way has failed.
func (s *screen) Begin(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.step != "" {
		s.finish("did not succeed")
	}
	s.step, s.text, s.started = step, "", time.Now()
	s.draw()
}

// Progress says how far the step is.
func (s *screen) Progress(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = text
}

// Done ends a step.
func (s *screen) Done(detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finish(detail)
}

// lineWidth leaves a column free on the narrowest terminal people have: a line that wraps cannot be drawn again.
const lineWidth = 79

// line is a step, how long it has taken, and what there is to say about it.
func (s *screen) line(mark, text string) string {
	line := fmt.Sprintf("%s %-42s %5.1fs  %s", mark, s.step, time.Since(s.started).Seconds(), text)
	return strings.TrimRight(line, " ")
}

func (s *screen) draw() {
	if s.out == nil || s.still || s.step == "" {
		return
	}
	s.turn++
	mark := string(`|/-\`[s.turn%4])
	line := s.line(mark, s.text)
	fmt.Fprintf(s.out, "\r\x1b[K%s", line[:min(len(line), lineWidth)])
}

func (s *screen) finish(text string) {
	if s.out != nil {
		start := "\r\x1b[K"
		if s.still {
			start = ""
		}
		fmt.Fprintf(s.out, "%s%s\n", start, s.line(" ", text))
	}
	s.step = ""
}
