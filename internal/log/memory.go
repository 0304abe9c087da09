package log

import (
	"fmt"
	"strings"
	"sync"

	"holdfast/internal/errs"
)

// Lines keeps what a Logger from Memory was told.
type Lines struct {
	mu   sync.Mutex
	text strings.Builder
}

// Memory returns a Logger for tests, enabled at every level, and the place where its lines can be read.
func Memory() (*Logger, *Lines) {
	lines := &Lines{}
	return &Logger{out: &outputs{memory: lines}}, lines
}

// Text returns all messages so far as "LEVEL: message" or "LEVEL: [nnn]: message", each ended by a line feed.
func (l *Lines) Text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *Lines) add(m message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case m.bare:
		fmt.Fprintf(&l.text, "%s\n", m.text)
	case m.code != errs.OK:
		fmt.Fprintf(&l.text, "%s: [%03d]: %s\n", m.name(), int(m.code), m.text)
	default:
		fmt.Fprintf(&l.text, "%s: %s\n", m.name(), m.text)
	}
}
