package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/log"
)

// prepare makes a cluster that archives, and some rows.
func (s *stage) prepare(ctx context.Context) error {
	err := s.step("make a cluster that archives its WAL", func() (string, error) {
		if err := os.WriteFile(s.path("holdfast.conf"), []byte(s.configuration()), 0o600); err != nil {
			return "", err
		}
		if err := s.cluster.create(ctx, s.settings()); err != nil {
			return "", err
		}
		return "", s.startServer(ctx)
	})
	if err != nil {
		return err
	}
	err = s.step("create the stanza and check it", func() (string, error) {
		if _, err := s.holdfast(ctx, "stanza-create"); err != nil {
			return "", err
		}
		_, err := s.holdfast(ctx, "check")
		return "WAL reaches the repository", err
	})
	if err != nil {
		return err
	}
	return s.step("make a table with rows", func() (string, error) {
		err := createTable(ctx, s.conn, func(rows int64) { s.watcher.Progress(number(rows) + " rows") })
		return number(firstRows) + " rows", err
	})
}

func (s *stage) startServer(ctx context.Context) (err error) {
	if err := s.cluster.start(ctx); err != nil {
		return err
	}
	s.conn, err = s.cluster.connect(ctx)
	return err
}

// work takes two backups while the writer writes, and returns what the table holds when both are done.
func (s *stage) work(ctx context.Context) (content, error) {
	s.writer = startWriter(ctx, s.conn, firstRows)
	if err := s.backup(ctx, "full", "full", &s.result.Full); err != nil {
		return content{}, err
	}
	if err := s.backup(ctx, "incremental", "incr", &s.result.Incr); err != nil {
		return content{}, err
	}
	var before content
	err := s.step("remember what the table holds", func() (string, error) {
		acknowledged, err := s.writer.stop()
		if err != nil {
			return "", err
		}
		if before, err = look(ctx, s.conn); err != nil {
			return "", err
		}
		if before.rows != acknowledged {
			return "", errs.New(errs.Checksum, "the table has %d rows, but the server has acknowledged %d", before.rows, acknowledged)
		}
		s.result.Rows, s.result.Hash = before.rows, before.hash
		return number(before.rows) + " rows", s.conn.RestorePoint(ctx, moment)
	})
	return before, err
}

// backup runs one backup and notes what it was like.
func (s *stage) backup(ctx context.Context, name, kind string, b *Backup) error {
	return s.step(name+" backup while rows are written", func() (string, error) {
		first, started := s.writer.rows.Load(), time.Now()
		stop := s.watch(func() string { return s.backupProgress() + " " + number(s.writer.rows.Load()-first) + " rows" })
		_, err := s.holdfast(ctx, "--type="+kind, "backup")
		stop()
		if err == nil {
			err = s.writer.running()
		}
		if err != nil {
			return "", err
		}
		if b.Rows = s.writer.rows.Load() - first; b.Rows == 0 {
			return "", errs.New(errs.Assert, "no row was written during the backup, so it proves nothing")
		}
		b.Took = time.Since(started)
		if err := s.measure(ctx, kind, b); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s -> %s, %s rows", log.Size(b.Copied), log.Size(b.Repository), number(b.Rows)), nil
	})
}

// watch shows how far a step is until the returned function is called.
func (s *stage) watch(text func() string) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			case <-time.After(100 * time.Millisecond):
				s.watcher.Progress(strings.TrimSpace(text()))
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// measure asks the info command about the newest backup, which must be of the kind.
func (s *stage) measure(ctx context.Context, kind string, b *Backup) error {
	out, err := s.holdfast(ctx, "--output=json", "--log-level-console=off", "--log-level-stderr=error", "info")
	if err != nil {
		return err
	}
	var stanzas []struct {
		Backup []struct {
			Label string
			Type  string
			Error bool
			Info  struct {
				Size       int64
				Delta      int64
				Repository struct{ Delta int64 }
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &stanzas); err != nil {
		return errs.Wrap(errs.JsonFormat, err, "invalid output of the info command")
	}
	if len(stanzas) != 1 || len(stanzas[0].Backup) == 0 {
		return errs.New(errs.BackupSetInvalid, "the info command does not know the backup")
	}
	last := stanzas[0].Backup[len(stanzas[0].Backup)-1]
	if last.Type != kind || last.Error {
		return errs.New(errs.BackupSetInvalid, "backup %s is of type %s, error = %t", last.Label, last.Type, last.Error)
	}
	b.Label, b.Size, b.Copied, b.Repository = last.Label, last.Info.Size, last.Info.Delta, last.Info.Repository.Delta
	return nil
}

// mistake does what backups are for: rows nobody wants, a table dropped, a server that is of no use any more.
func (s *stage) mistake(ctx context.Context) error {
	err := s.step("write some more, then drop the table", func() (string, error) {
		s.result.Lost = 10 * batch
		if err := insert(ctx, s.conn, s.result.Rows, s.result.Lost); err != nil {
			return "", err
		}
		if _, err := s.conn.Query(ctx, "drop table "+table); err != nil {
			return "", err
		}
		gone, err := s.conn.Query(ctx, "select to_regclass('"+table+"') is null")
		if err == nil && gone[0][0] != "t" {
			err = errs.New(errs.Assert, "the table is still there")
		}
		return number(s.result.Rows+s.result.Lost) + " rows gone", err
	})
	if err != nil {
		return err
	}
	return s.step("stop the server and put its files aside", func() (string, error) {
		if err := s.archiveRest(ctx); err != nil {
			return "", err
		}
		s.disconnect(ctx)
		if err := s.cluster.stop(ctx, "fast"); err != nil {
			return "", err
		}
		if err := os.Rename(s.cluster.data, s.path("damaged")); err != nil {
			return "", err
		}
		return fmt.Sprintf("%d WAL files archived", s.result.WALFiles), os.Mkdir(s.cluster.data, 0o700)
	})
}

// archiveRest waits until all WAL written so far is in the repository.
func (s *stage) archiveRest(ctx context.Context) error {
	segment, err := s.conn.SwitchWAL(ctx)
	if err != nil {
		return err
	}
	return waitFor(ctx, "archiving of "+segment, func() (bool, error) {
		rows, err := s.conn.Query(ctx, "select last_archived_wal, archived_count from pg_stat_archiver")
		if err != nil {
			return false, err
		}
		s.result.WALFiles, err = strconv.Atoi(rows[0][1])
		return rows[0][0] >= segment, err
	})
}

// bringBack restores into the empty directory and starts what is there then.
func (s *stage) bringBack(ctx context.Context) error {
	err := s.step("restore to the moment before", func() (string, error) {
		started := time.Now()
		_, err := s.holdfast(ctx, "--type=name", "--target="+moment, "--target-action=promote", "restore")
		s.result.RestoreTime = time.Since(started)
		return "into an empty directory", err
	})
	if err != nil {
		return err
	}
	return s.step("start it and replay WAL up to that moment", func() (string, error) {
		started := time.Now()
		if err := s.startServer(ctx); err != nil {
			return "", err
		}
		err := waitFor(ctx, "the end of the recovery", func() (bool, error) {
			inRecovery, err := s.conn.Ping(ctx)
			return !inRecovery, err
		})
		s.result.ReplayTime = time.Since(started)
		return "", err
	})
}

// prove compares, and shows that the restored cluster goes on as an archived one.
func (s *stage) prove(ctx context.Context, before content) error {
	err := s.step("count and hash the rows again", func() (string, error) {
		after, err := look(ctx, s.conn)
		if err != nil {
			return "", err
		}
		return number(after.rows) + " rows, as they were", before.compare(after)
	})
	if err != nil {
		return err
	}
	return s.step("check that it is archived again", func() (string, error) {
		if err := insert(ctx, s.conn, before.rows, batch); err != nil {
			return "", err
		}
		_, err := s.holdfast(ctx, "check")
		return "on a new timeline", err
	})
}
