package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"holdfast/internal/db"
	"holdfast/internal/errs"
)

const (
	superuser = "postgres"
	// port only names the socket: the server listens nowhere else, so it gets in nobody's way.
	port = 5432
	// socketPathMax is the longest path of a unix socket, its terminating zero left out.
	socketPathMax = 107
)

// cluster is the PostgreSQL of the demonstration. It is reached through a socket in a directory only its owner can enter.
type cluster struct {
	processes *processes
	bin       string
	data      string
	socket    string
	log       string
}

// create runs initdb and adds settings.
func (c *cluster) create(ctx context.Context, settings []string) error {
	_, err := c.processes.run(ctx, filepath.Join(c.bin, "initdb"), "-D", c.data, "-U", superuser, "-A", "trust", "-E", "UTF8",
		"--locale=C", "--data-checksums", "--no-sync")
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(c.data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString("\n" + strings.Join(settings, "\n") + "\n")
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}

// start starts the server and waits until it answers. If it does not, the end of its log says why.
func (c *cluster) start(ctx context.Context) error {
	_, err := c.processes.run(ctx, filepath.Join(c.bin, "pg_ctl"), "-D", c.data, "-l", c.log, "-s", "-w", "-t",
		fmt.Sprint(int(patience.Seconds())), "start")
	if err == nil || ctx.Err() != nil {
		return err
	}
	text, readErr := os.ReadFile(c.log)
	if readErr != nil || len(text) == 0 {
		return errs.Wrap(errs.Execute, err, "unable to start PostgreSQL")
	}
	return errs.Because(errs.Execute, err, "unable to start PostgreSQL, whose log ends with\n%s", tail(string(text), tailLines)).
		Hint("the programs are those in '%s'; others can be named with --pg-bin.", c.bin)
}

// stop stops the server if it runs: "fast" as after a day's work, "immediate" as in a power cut.
func (c *cluster) stop(ctx context.Context, mode string) error {
	if _, err := os.Stat(filepath.Join(c.data, "postmaster.pid")); err != nil {
		return nil
	}
	_, err := c.processes.run(ctx, filepath.Join(c.bin, "pg_ctl"), "-D", c.data, "-s", "-w", "-t",
		fmt.Sprint(int(patience.Seconds())), "-m", mode, "stop")
	return err
}

func (c *cluster) connect(ctx context.Context) (*db.Conn, error) {
	return db.Open(ctx, db.Config{
		SocketPath:      c.socket,
		Port:            port,
		User:            superuser,
		Timeout:         5 * time.Minute,
		ApplicationName: "holdfast demo",
	})
}
