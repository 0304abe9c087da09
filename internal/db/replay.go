package db

import (
	"context"
	"fmt"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/postgres"
)

// replayPoll is how often a standby is asked how far it is.
const replayPoll = 100 * time.Millisecond

// WaitReplay waits until what a standby has in its files is at least as new as the start of a backup: it must have replayed the WAL
// beyond there, and then written to its files what it had only in memory. The time limit is for standing still, not for the whole way.
func (c *Cluster) WaitReplay(ctx context.Context, start postgres.LSN, timeline uint32, limit time.Duration) error {
	if c.Control.Checkpoint > start {
		return errs.New(errs.DbMismatch, "standby checkpoint '%s' is ahead of target '%s'", c.Control.Checkpoint, start)
	}
	reached, err := wait(ctx, limit, c.unpromoted(c.Conn.replayed), func(at postgres.LSN) bool { return at > start })
	if err != nil {
		return err
	}
	if reached <= start {
		return errs.New(errs.ArchiveTimeout, "timeout before standby replayed to %s - only reached %s", start, reached).
			Hint("is replication running and current on the standby?").
			Hint("disable the 'backup-standby' option to backup directly from the primary.")
	}
	if _, err := c.Conn.query(ctx, "checkpoint"); err != nil {
		return err
	}
	reached, err = wait(ctx, limit, c.Conn.checkpointed, func(at postgres.LSN) bool { return at >= start })
	if err != nil {
		return err
	}
	if reached < start {
		return errs.New(errs.ArchiveTimeout, "timeout before standby checkpoint lsn reached %s - only reached %s", start, reached)
	}
	_, control, err := c.ReadControl(ctx)
	if err != nil {
		return err
	}
	c.Control = control
	if control.Timeline != timeline {
		return errs.New(errs.DbMismatch, "standby is on timeline %d but expected %d", control.Timeline, timeline)
	}
	return nil
}

// unpromoted asks for a position as long as the standby is one. After a promotion the answer would stay what it is.
func (c *Cluster) unpromoted(ask func(context.Context) (postgres.LSN, error)) func(context.Context) (postgres.LSN, error) {
	return func(ctx context.Context) (postgres.LSN, error) {
		at, err := ask(ctx)
		if err == nil {
			err = c.Ping(ctx, true)
		}
		return at, err
	}
}

// wait asks for a position until it is far enough, or has not moved for as long as the limit. It returns the last one.
func wait(ctx context.Context, limit time.Duration, ask func(context.Context) (postgres.LSN, error),
	enough func(postgres.LSN) bool) (postgres.LSN, error) {
	last := postgres.LSN(0)
	for moved := time.Now(); ; {
		at, err := ask(ctx)
		if err != nil || enough(at) {
			return at, err
		}
		if at > last {
			last, moved = at, time.Now()
		}
		if time.Since(moved) >= limit {
			return at, nil
		}
		select {
		case <-ctx.Done():
			return at, ctx.Err()
		case <-time.After(min(replayPoll, limit)):
		}
	}
}

// replayed is how far a standby has replayed the WAL.
func (c *Conn) replayed(ctx context.Context) (postgres.LSN, error) {
	r, err := c.row(ctx, fmt.Sprintf("select %s::text", c.fn.replayLSN))
	if err != nil {
		return 0, err
	}
	if r.values[0] == nil {
		return 0, errs.New(errs.ArchiveTimeout, "unable to query replay lsn on the standby using '%s'", c.fn.replayLSN).
			Hint("Is this a standby?")
	}
	return r.lsn(), r.err
}

// checkpointed is where recovery of the files as they are now would begin.
func (c *Conn) checkpointed(ctx context.Context) (postgres.LSN, error) {
	r, err := c.row(ctx, fmt.Sprintf("select %s::text from pg_catalog.pg_control_checkpoint()", c.fn.checkpoint))
	if err != nil {
		return 0, err
	}
	return r.lsn(), r.err
}
