package db_test

import (
	"strings"
	"testing"
	"time"

	"holdfast/internal/db"
	"holdfast/internal/errs"
	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
)

func TestWaitReplay(t *testing.T) {
	noEnvironment(t)
	p := pgtest.Start(t, pgtest.Options{})
	s := p.Standby()
	primary, standby := find(t, db.StandbyYes, clusterConfig(1, p), clusterConfig(2, s))
	ctx := t.Context()
	start, err := primary.Conn.StartBackup(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := standby.WaitReplay(ctx, start.LSN, 1, time.Minute); err != nil {
		t.Fatal(err)
	}
	if standby.Control.Checkpoint < start.LSN {
		t.Errorf("files are of %s, want %s", standby.Control.Checkpoint, start.LSN)
	}
	const hints = "\nHINT: is replication running and current on the standby?" +
		"\nHINT: disable the 'backup-standby' option to backup directly from the primary."
	s.Exec("select pg_wal_replay_pause()")
	s.WaitFor("select pg_get_wal_replay_pause_state()", "paused")
	reached, err := postgres.ParseLSN(s.Value("select pg_last_wal_replay_lsn()"))
	if err != nil {
		t.Fatal(err)
	}
	far := reached + 1<<20
	for _, c := range []struct {
		name     string
		cluster  *db.Cluster
		start    postgres.LSN
		timeline uint32
		code     errs.Code
		text     string
	}{
		{"paused", standby, far, 1, errs.ArchiveTimeout,
			"timeout before standby replayed to " + far.String() + " - only reached " + reached.String() + hints},
		{"reached exactly", standby, reached, 1, errs.ArchiveTimeout,
			"timeout before standby replayed to " + reached.String() + " - only reached " + reached.String() + hints},
		{"ahead", standby, 1, 1, errs.DbMismatch, "standby checkpoint '" + standby.Control.Checkpoint.String() + "' is ahead of target '0/1'"},
		{"on another timeline", standby, standby.Control.Checkpoint, 2, errs.DbMismatch, "standby is on timeline 1 but expected 2"},
		{"no standby", primary, far, 1, errs.ArchiveTimeout,
			"unable to query replay lsn on the standby using 'pg_catalog.pg_last_wal_replay_lsn()'\nHINT: Is this a standby?"},
		{"no checkpoint", standby, reached - 1, 1, errs.ArchiveTimeout, "timeout before standby checkpoint lsn reached " +
			(reached - 1).String() + " - only reached " + standby.Control.Checkpoint.String()},
	} {
		err := c.cluster.WaitReplay(ctx, c.start, c.timeline, 200*time.Millisecond)
		if errs.CodeOf(err) != c.code || errs.Text(err) != c.text {
			t.Errorf("%s: got [%03d] %s", c.name, errs.CodeOf(err), errs.Text(err))
		}
	}
	s.Exec("select pg_wal_replay_resume()")
	s.Exec("select pg_promote()")
	if err := standby.WaitReplay(ctx, far, 1, time.Minute); !errs.Is(err, errs.DbMismatch) || !strings.Contains(err.Error(), "no longer in recovery") {
		t.Errorf("promoted: %v", err)
	}
}
