// Package log writes what the program has to say as lines that people and scripts already know how to read.
//
// A message has a level and goes to at most two places: to stderr if its level is enabled there, otherwise to the console (stdout);
// and, independently, to the log file. A line reads
//
//	2026-11-20 21:55:19.489 P00   INFO: message
//
// where 00 is the main process and other numbers are workers, errors carry their code after the level, and the further lines of a
// message are indented to the column where it began. On stderr a line begins at the level.
//
// What is left to others: which levels the user wants (command), where the log file lies (command), and the words. A nil *Logger
// drops everything, so that a job may be run without one.
package log

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"holdfast/internal/errs"
)

// Level says how much of the log somebody wants to read; a message is written where its level is at or below the chosen one.
type Level int8

// The levels, from nothing to everything.
const (
	Off Level = iota
	Error
	Warn
	Info
	Detail
	Debug
	Trace
)

var levelNames = [...]string{"off", "error", "warn", "info", "detail", "debug", "trace"}

// ParseLevel finds a level by its lower-case name.
func ParseLevel(name string) (Level, error) {
	for i, n := range levelNames {
		if n == name {
			return Level(i), nil
		}
	}
	return Off, errs.New(errs.Assert, "invalid log level '%s'", name)
}

// String returns the lower-case name.
func (l Level) String() string { return levelNames[l] }

// Output is one place lines go to, and how much it gets. The zero value gets nothing.
type Output struct {
	Writer io.Writer
	Level  Level
}

func (o Output) wants(level Level) bool { return o.Writer != nil && level != Off && level <= o.Level }

// Options describes a Logger.
type Options struct {
	Console      Output
	Stderr       Output
	File         Output
	Timestamp    bool
	DryRun       bool             // put [DRY-RUN] in front of every message
	ProcessWidth int              // digits of the process number; 0: two
	Clock        func() time.Time // nil: time.Now
	// Context returns what a person who mends the program needs to know beside an error: version, options, stack. It is added to
	// internal errors, and to every error on outputs at debug or trace. May be nil.
	Context func() string
}

// Logger writes messages. It is safe for use by several goroutines, and a nil *Logger is silent.
type Logger struct {
	out    *outputs
	worker int
}

// outputs is shared by a Logger and its workers.
type outputs struct {
	mu sync.Mutex
	o  Options
	// memory is set for tests only and then replaces all writers.
	memory *Lines
}

// New returns a Logger for the main process.
func New(o Options) *Logger {
	if o.ProcessWidth == 0 {
		o.ProcessWidth = 2
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Logger{out: &outputs{o: o}}
}

// Worker returns a Logger that writes to the same places under process number n.
func (l *Logger) Worker(n int) *Logger {
	if l == nil {
		return nil
	}
	return &Logger{out: l.out, worker: n}
}

// SetFile directs what follows to another log file, or to none if the writer is nil. The level stays.
func (l *Logger) SetFile(w io.Writer) {
	if l == nil {
		return
	}
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	l.out.o.File.Writer = w
}

// Enabled reports whether a message of the level would be written anywhere.
func (l *Logger) Enabled(level Level) bool {
	if l == nil {
		return false
	}
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	return l.out.enabled(level)
}

func (out *outputs) enabled(level Level) bool {
	return out.memory != nil || out.o.Stderr.wants(level) || out.o.Console.wants(level) || out.o.File.wants(level)
}

// Error writes an error with its code and its hints. A nil error writes nothing.
func (l *Logger) Error(err error) {
	if l == nil || err == nil {
		return
	}
	m := message{level: Error, worker: l.worker, code: errs.CodeOf(err), text: errs.Text(err)}
	l.out.write(m)
}

// Warn writes something a person should look at.
func (l *Logger) Warn(format string, args ...any) { l.At(Warn, format, args...) }

// Info writes what the command does.
func (l *Logger) Info(format string, args ...any) { l.At(Info, format, args...) }

// Detail writes what happens to single files.
func (l *Logger) Detail(format string, args ...any) { l.At(Detail, format, args...) }

// Debug writes what only those who mend the program want to know.
func (l *Logger) Debug(format string, args ...any) { l.At(Debug, format, args...) }

// At writes a message at any level.
func (l *Logger) At(level Level, format string, args ...any) {
	if l == nil || !l.Enabled(level) {
		return
	}
	l.out.write(message{level: level, worker: l.worker, text: fmt.Sprintf(format, args...)})
}

// Bare writes a line as it is, without time, process, level or indentation, wherever a message of the level would go.
func (l *Logger) Bare(level Level, text string) {
	if l == nil {
		return
	}
	l.out.write(message{level: level, bare: true, text: text})
}

// write sends a message to its places. A failing writer is nobody's problem: there is no better place left to complain.
func (out *outputs) write(m message) {
	out.mu.Lock()
	defer out.mu.Unlock()
	if out.memory != nil {
		out.memory.add(m)
		return
	}
	o := &out.o
	m.now = o.Clock()
	if o.Stderr.wants(m.level) {
		_, _ = io.WriteString(o.Stderr.Writer, o.stderrLine(m))
	} else if o.Console.wants(m.level) {
		_, _ = io.WriteString(o.Console.Writer, o.line(m, o.Console.Level))
	}
	if o.File.wants(m.level) {
		_, _ = io.WriteString(o.File.Writer, o.line(m, o.File.Level))
	}
}

// message is one thing to say.
type message struct {
	level  Level
	worker int
	code   errs.Code // errs.OK unless it is an error
	text   string
	bare   bool
	now    time.Time
}

// name is the level as printed. An internal error has a name of its own.
func (m message) name() string {
	if m.code == errs.Assert {
		return "ASSERT"
	}
	return strings.ToUpper(m.level.String())
}

// indent is how far debugging messages stand in from the others.
func (m message) indent() int {
	switch m.level {
	case Debug:
		return 4
	case Trace:
		return 8
	}
	return 0
}

// line formats a message for the console or the log file.
func (o *Options) line(m message, outputLevel Level) string {
	if m.bare {
		return m.text + "\n"
	}
	var head string
	if o.Timestamp {
		head = m.now.Format("2006-01-02 15:04:05.000 ")
	}
	head += fmt.Sprintf("P%0*d %6s: ", o.ProcessWidth, m.worker, m.name())
	return o.finish(head, m, outputLevel)
}

// stderrLine formats a message for stderr.
func (o *Options) stderrLine(m message) string {
	if m.bare {
		return m.text + "\n"
	}
	return o.finish(m.name()+": ", m, o.Stderr.Level)
}

func (o *Options) finish(head string, m message, outputLevel Level) string {
	head += strings.Repeat(" ", m.indent())
	margin := "\n" + strings.Repeat(" ", len(head))
	text := m.text
	if m.code != errs.OK {
		head += fmt.Sprintf("[%03d]: ", int(m.code))
		if o.Context != nil && (m.code == errs.Assert || outputLevel >= Debug) {
			rule := "\n" + strings.Repeat("-", 68)
			text += rule + "\n" + o.Context() + rule
		}
	}
	if o.DryRun {
		head += "[DRY-RUN] "
	}
	return head + strings.ReplaceAll(text, "\n", margin) + "\n"
}
