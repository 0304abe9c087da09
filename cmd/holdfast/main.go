// Command holdfast backs up PostgreSQL.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"holdfast/internal/command"
)

func main() {
	debug.SetGCPercent(50) // memory is worth more than the little garbage there is
	ctx, stop := command.WithSignals(context.Background())
	status := command.Main(ctx, command.Env{
		Program: os.Args[0],
		Args:    os.Args[1:],
		Environ: os.Environ(),
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		UID:     os.Geteuid(),
	})
	stop()
	os.Exit(status)
}
