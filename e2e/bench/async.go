package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// asyncRows measure archiving by way of the spool: what a run in the background gets done, and how long the server waits for a command
// whose answer is in the spool already.
func asyncRows() []row {
	rows := []row{
		{name: "archive-push-async-answered", run: (*lab).pushAnswered},
		{name: "archive-get-async-answered", run: (*lab).getAnswered},
	}
	for _, kind := range []string{"gz", "zst", "lz4", "none"} {
		rows = append(rows, row{name: "archive-push-async-" + kind, kind: kind, run: (*lab).pushAsync},
			row{name: "archive-get-async-" + kind, kind: kind, run: (*lab).getAsync})
	}
	return rows
}

func (l *lab) asyncOptions(repo string) []string {
	return append(withoutCompression(l.options(repo, "")), "--archive-async", "--spool-path="+l.path("spool"), "--process-max=2")
}

// freshSpool makes an empty spool with the directory for one direction.
func (l *lab) freshSpool(part string) (string, error) {
	for _, name := range []string{"spool", "spool/archive", "spool/archive/bench"} {
		if _, err := l.freshDir(name); err != nil {
			return "", err
		}
	}
	return l.freshDir("spool/archive/bench/" + part)
}

// waiting makes a directory in which the segments wait to be archived. It must lie within that of the cluster.
func (l *lab) waiting() (string, error) {
	dir, err := l.freshDir("pg/waiting")
	if err != nil {
		return "", err
	}
	if _, err := l.freshDir("pg/waiting/archive_status"); err != nil {
		return "", err
	}
	for _, segment := range l.wal {
		name := filepath.Base(segment)
		if err := os.Link(segment, filepath.Join(dir, name)); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, "archive_status", name+".ready"), nil, 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// pushAsync pushes all segments in one run.
func (l *lab) pushAsync(ctx context.Context, r row, who int) (cost, error) {
	if err := l.create(ctx, "repo"); err != nil {
		return cost{}, err
	}
	dir, err := l.waiting()
	if err != nil {
		return cost{}, err
	}
	defer os.RemoveAll(dir)
	notes, err := l.freshSpool("out")
	if err != nil {
		return cost{}, err
	}
	c, err := l.call(ctx, who, append(l.asyncOptions("repo"), "--compress-type="+r.kind), "archive-push:async", dir)
	if err != nil {
		return cost{}, err
	}
	if done, _ := filepath.Glob(filepath.Join(notes, "*.ok")); len(done) != len(l.wal) {
		return cost{}, fmt.Errorf("%d of %d segments are noted as pushed", len(done), len(l.wal))
	}
	c.stored, err = treeSize(l.path("repo/archive/bench"), "")
	return c, err
}

// getAsync fetches all segments into the spool in one run.
func (l *lab) getAsync(ctx context.Context, r row, who int) (cost, error) {
	repo, err := l.source(ctx, r.kind)
	if err != nil {
		return cost{}, err
	}
	spool, err := l.freshSpool("in")
	if err != nil {
		return cost{}, err
	}
	args := []string{"archive-get:async"}
	for _, segment := range l.wal {
		args = append(args, filepath.Base(segment))
	}
	c, err := l.call(ctx, who, l.asyncOptions(repo), args...)
	if err != nil {
		return cost{}, err
	}
	if got, _ := filepath.Glob(filepath.Join(spool, "????????????????????????")); len(got) != len(l.wal) {
		return cost{}, fmt.Errorf("%d of %d segments are in the spool", len(got), len(l.wal))
	}
	return c, nil
}

// How many answers wait in the spool, and how many of them are asked for.
const answers, asked = 1000, 50

// answered is the mean of commands that find their answer in a spool of many files.
func (l *lab) answered(ctx context.Context, who int, part, suffix string, size int, args func(segment string) []string) (cost, error) {
	spool, err := l.freshSpool(part)
	if err != nil {
		return cost{}, err
	}
	name := func(n int) string { return fmt.Sprintf("00000001%08X%08X", n/256, n%256) }
	for n := range answers {
		path := filepath.Join(spool, name(n)+suffix)
		if err := os.WriteFile(path, make([]byte, size), 0o640); err != nil {
			return cost{}, err
		}
		if l.cred == nil {
			continue
		}
		if err := os.Chown(path, l.uid, l.gid); err != nil {
			return cost{}, err
		}
	}
	var sum cost
	for n := range asked {
		c, err := l.call(ctx, who, l.asyncOptions("none"), args(name(n))...)
		if err != nil {
			return cost{}, err
		}
		sum.add(c)
	}
	sum.wall /= time.Duration(asked)
	sum.cpu /= time.Duration(asked)
	return sum, nil
}

func (l *lab) pushAnswered(ctx context.Context, _ row, who int) (cost, error) {
	return l.answered(ctx, who, "out", ".ok", 0, func(segment string) []string {
		return []string{"archive-push", l.path("pg/pg_wal", segment)}
	})
}

func (l *lab) getAnswered(ctx context.Context, _ row, who int) (cost, error) {
	return l.answered(ctx, who, "in", "", 8192, func(segment string) []string {
		return []string{"--archive-get-queue-max=1MB", "archive-get", segment, l.path("tmp/RECOVERYXLOG")}
	})
}
