package command

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// signalError is why a context is cancelled when a signal came.
type signalError struct{ signal syscall.Signal }

// Error returns the line people see.
func (e signalError) Error() string {
	name := e.signal.String()
	switch e.signal {
	case syscall.SIGHUP:
		name = "SIGHUP"
	case syscall.SIGINT:
		name = "SIGINT"
	case syscall.SIGTERM:
		name = "SIGTERM"
	}
	return "terminated on signal " + name
}

// caught reports whether, and by which signal, the context was cancelled.
func caught(ctx context.Context) (signalError, bool) {
	var e signalError
	return e, errors.As(context.Cause(ctx), &e)
}

// WithSignals returns a context that the first SIGHUP, SIGINT or SIGTERM cancels, so that the work can end in good order; a second
// one ends the process at once. A closed output is an error of writing, not a signal.
func WithSignals(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(signalError{s.(syscall.Signal)})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-done
		signal.Stop(signals)
	}
}
