package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// row is one line of the table: what to prepare before each run, and the run.
type row struct {
	name  string
	kind  string // compress-type
	asked bool   // runs only when it is named
	run   func(l *lab, ctx context.Context, r row, who int) (cost, error)
}

func allRows() []row {
	rows := []row{{name: "version", run: (*lab).version}}
	kinds := []string{"gz", "zst", "lz4", "none"}
	for _, what := range []struct {
		name string
		run  func(l *lab, ctx context.Context, r row, who int) (cost, error)
	}{
		{"backup", (*lab).backup},
		{"restore", (*lab).restore},
		{"delta", (*lab).delta},
		{"archive-push", (*lab).push},
		{"archive-get", (*lab).get},
	} {
		for _, kind := range kinds {
			rows = append(rows, row{name: what.name + "-" + kind, kind: kind, run: what.run})
		}
	}
	rows = append(rows, storedRows()...)
	rows = append(rows, asyncRows()...)
	rows = append(rows, scaleRows()...)
	return append(rows, remoteRows()...)
}

// compare lets both programs do a row, taking turns.
func (l *lab) compare(ctx context.Context, r row) (cost, cost, error) {
	var runs [2][]cost
	for range l.runs {
		for _, who := range []int{peer, ours} {
			c, err := r.run(l, ctx, r, who)
			if err != nil {
				return cost{}, cost{}, err
			}
			runs[who] = append(runs[who], c)
		}
	}
	return median(runs[ours]), median(runs[peer]), nil
}

// version is the mean of many starts, as one is too short to measure.
func (l *lab) version(ctx context.Context, _ row, who int) (cost, error) {
	const starts = 20
	var sum cost
	for range starts {
		c, err := measure(ctx, l.command(ctx, l.programs[who], "version"))
		if err != nil {
			return cost{}, err
		}
		sum.add(c)
	}
	sum.wall /= starts
	sum.cpu /= starts
	return sum, nil
}

// options are those every command gets.
func (l *lab) options(repo, kind string) []string {
	return []string{"--no-config", "--stanza=bench", "--repo1-path=" + l.path(repo), "--lock-path=" + l.path("lock"),
		"--log-level-file=off", "--log-level-console=warn", "--pg1-path=" + l.path("pg"), "--compress-type=" + kind}
}

// withoutCompression drops the option where a command does not know it.
func withoutCompression(options []string) []string { return options[:len(options)-1] }

func (l *lab) call(ctx context.Context, who int, options []string, args ...string) (cost, error) {
	return measure(ctx, l.command(ctx, l.programs[who], append(options[:len(options):len(options)], args...)...))
}

// create makes an empty repository with a stanza.
func (l *lab) create(ctx context.Context, repo string) error {
	if _, err := l.freshDir(repo); err != nil {
		return err
	}
	_, err := l.call(ctx, peer, withoutCompression(l.options(repo, "")), "--no-online", "stanza-create")
	return err
}

func (l *lab) backupArgs() []string {
	return []string{"--type=full", "--process-max=2", "--start-fast", "--no-archive-check", "--no-expire-auto", "--repo1-retention-full=9",
		"--pg1-socket-path=" + l.path("sock"), "--pg1-user=postgres", "backup"}
}

func (l *lab) backup(ctx context.Context, r row, who int) (cost, error) {
	if err := l.create(ctx, "repo"); err != nil {
		return cost{}, err
	}
	return l.backupWith(ctx, "repo", r, who, l.backupArgs())
}

// source is a repository made by the peer that both restore from.
func (l *lab) source(ctx context.Context, kind string) (string, error) {
	repo := "source-" + kind
	if _, err := os.Stat(l.path(repo)); err == nil {
		return repo, nil
	}
	if err := l.create(ctx, repo); err != nil {
		return "", err
	}
	if _, err := l.call(ctx, peer, l.options(repo, kind), l.backupArgs()...); err != nil {
		return "", err
	}
	for _, segment := range l.wal {
		if _, err := l.call(ctx, peer, l.options(repo, kind), "archive-push", segment); err != nil {
			return "", err
		}
	}
	return repo, nil
}

func (l *lab) restoreInto(ctx context.Context, repo string, who int, args ...string) (cost, error) {
	options := append(withoutCompression(l.options(repo, "")), "--process-max=2", "--type=none")
	for i := range options {
		if options[i] == "--pg1-path="+l.path("pg") {
			options[i] = "--pg1-path=" + l.path("restored")
		}
	}
	return l.call(ctx, who, options, append(args, "restore")...)
}

func (l *lab) restore(ctx context.Context, r row, who int) (cost, error) {
	repo, err := l.source(ctx, r.kind)
	if err != nil {
		return cost{}, err
	}
	if _, err := l.freshDir("restored"); err != nil {
		return cost{}, err
	}
	return l.restoreInto(ctx, repo, who)
}

// delta restores over a directory of which every twentieth file is changed and every hundredth gone.
func (l *lab) delta(ctx context.Context, r row, who int) (cost, error) {
	repo, err := l.source(ctx, r.kind)
	if err != nil {
		return cost{}, err
	}
	if _, err := os.Stat(l.path("restored/PG_VERSION")); err != nil {
		if _, err := l.restore(ctx, r, peer); err != nil {
			return cost{}, err
		}
	}
	if err := spoil(l.path("restored/base")); err != nil {
		return cost{}, err
	}
	return l.restoreInto(ctx, repo, who, "--delta")
}

func spoil(root string) error {
	n := 0
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch n++; {
		case n%100 == 0:
			return os.Remove(path)
		case n%20 == 0:
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt([]byte(strconv.FormatInt(time.Now().UnixNano(), 10)), 0)
			return err
		}
		return nil
	})
}

func (l *lab) push(ctx context.Context, r row, who int) (cost, error) {
	if err := l.create(ctx, "repo"); err != nil {
		return cost{}, err
	}
	var sum cost
	for _, segment := range l.wal {
		c, err := l.call(ctx, who, l.options("repo", r.kind), "archive-push", segment)
		if err != nil {
			return cost{}, err
		}
		sum.add(c)
	}
	var err error
	sum.stored, err = treeSize(l.path("repo/archive/bench"), "")
	return sum, err
}

func (l *lab) get(ctx context.Context, r row, who int) (cost, error) {
	repo, err := l.source(ctx, r.kind)
	if err != nil {
		return cost{}, err
	}
	var sum cost
	for _, segment := range l.wal {
		dest := l.path("tmp/RECOVERYXLOG")
		c, err := l.call(ctx, who, withoutCompression(l.options(repo, "")), "archive-get", filepath.Base(segment), dest)
		if err != nil {
			return cost{}, err
		}
		sum.add(c)
	}
	return sum, nil
}

func printHead() {
	fmt.Println("| | wall s | peer | times as fast | CPU s | peer | memory MiB | peer | stored MiB | peer | of peer |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
}

func printRow(name string, o, p cost) {
	mib := func(n int64) string { return fmt.Sprintf("%.1f", float64(n)/(1<<20)) }
	stored, peerStored, share := "", "", ""
	if o.stored > 0 && p.stored > 0 {
		stored, peerStored = mib(o.stored), mib(p.stored)
		share = fmt.Sprintf("%.1f %%", 100*float64(o.stored)/float64(p.stored))
	}
	fmt.Printf("| %s | %.3f | %.3f | **%.2f** | %.2f | %.2f | %s | %s | %s | %s | %s |\n", name, o.wall.Seconds(), p.wall.Seconds(),
		p.wall.Seconds()/o.wall.Seconds(), o.cpu.Seconds(), p.cpu.Seconds(), mib(o.memory), mib(p.memory), stored, peerStored, share)
}
