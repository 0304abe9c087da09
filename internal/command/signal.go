package command

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
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
	signals := make(chan os.Signal, 8) // a server that reads its configuration looks at them later
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	taken := make(chan struct{})
	ctx = context.WithValue(ctx, signalsKey{}, &signalSource{signals: signals, taken: taken})
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(signalError{s.(syscall.Signal)})
		case <-taken:
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-done
		signal.Stop(signals)
	}
}

type signalsKey struct{}

// signalSource hands the signals of a context of WithSignals to a command that wants to answer them itself.
type signalSource struct {
	signals chan os.Signal
	taken   chan struct{}
	once    sync.Once
}

// takeSignals makes the signals of the process the caller's business: they do not cancel the context any more. After stop the next one
// ends the process. Where signals are nobody's business, none comes.
func takeSignals(ctx context.Context) (signals <-chan os.Signal, stop func()) {
	source, ok := ctx.Value(signalsKey{}).(*signalSource)
	if !ok {
		return nil, func() {}
	}
	source.once.Do(func() { close(source.taken) })
	return source.signals, func() { signal.Stop(source.signals) }
}
