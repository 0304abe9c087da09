// Package errs gives every failure a fixed number, a message and advice.
//
// The number is also the exit status, the message is lower case without a full stop, and advice is kept apart as hints so that a
// log can put each on a line of its own. Code that only adds what it was doing uses fmt.Errorf("...: %w", err): number and hints
// survive the wrapping.
package errs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Error is a failure of a known kind.
type Error struct {
	Code    Code
	Message string   // may have several lines
	Hints   []string // without "HINT: "
	Cause   error    // optional; what led to it, printed after the message unless Message is meant to stand alone
	alone   bool
}

// New makes an error of a kind. The format may not use %w; see Wrap.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error of a kind that prints as "message: cause".
func Wrap(code Code, cause error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Cause: cause}
}

// Because makes an error of a kind whose message already says everything; the cause is kept for errors.Is only.
func Because(code Code, cause error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Cause: cause, alone: true}
}

// Hint adds a line of advice and returns the error itself.
func (e *Error) Hint(format string, args ...any) *Error {
	e.Hints = append(e.Hints, fmt.Sprintf(format, args...))
	return e
}

// Error returns the message without hints.
func (e *Error) Error() string {
	if e.Cause == nil || e.alone {
		return e.Message
	}
	if e.Message == "" {
		return e.Cause.Error()
	}
	return e.Message + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes missing files and paths match fs.ErrNotExist.
func (e *Error) Is(target error) bool {
	return target == fs.ErrNotExist && (e.Code == FileMissing || e.Code == PathMissing)
}

// CodeOf returns the code of the outermost Error in the chain. Cancellation counts as termination by a signal; what has no code
// is Unhandled. It returns OK for nil.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case err == nil:
		return OK
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.Canceled):
		return Term
	}
	return Unhandled
}

// Is reports whether err carries the code.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }

// Hints returns the advice of the whole chain, outermost first.
func Hints(err error) []string {
	var hints []string
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			break
		}
		hints = append(hints, e.Hints...)
		if e.alone {
			break
		}
		err = e.Cause
	}
	return hints
}

// Text returns the message and, each on its own line, the hints: what a log line shows.
func Text(err error) string {
	var b strings.Builder
	b.WriteString(err.Error())
	for _, hint := range Hints(err) {
		b.WriteString("\nHINT: " + hint)
	}
	return b.String()
}

// Typed returns "[FileMissingError] message", the form used in lists of errors, hints included.
func Typed(err error) string {
	return "[" + CodeOf(err).TypeName() + "] " + Text(err)
}
