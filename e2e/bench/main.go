// Bench compares Holdfast with the newest peer on one machine: the same cluster, the same work,
// taking turns, medians of several runs. It prints a Markdown table.
//
//	go run ./e2e/bench -holdfast bin/holdfast
//	go run ./e2e/bench -rows backup-gz,restore-gz -n 5
//
// A cluster is made and filled, its WAL is kept, and each row then runs one command of one program
// after the other: what is measured is the wall time, the processor time and the largest memory of
// all processes of the command together (proportional set size, sampled), and what the repository
// holds afterwards. The page cache is warm for both, as nothing else would be repeatable.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

type settings struct {
	holdfast, peer string
	pgBin          string
	dir            string
	megabytes      int
	segments       int
	runs           int
	files          int
	backups        int
	segmentsKept   int
	rows           []string
	keep           bool
}

func main() {
	var s settings
	rows := flag.String("rows", "", "comma separated rows to run, a prefix selects several (default all but scale and remote): "+strings.Join(names(), " "))
	flag.StringVar(&s.holdfast, "holdfast", "bin/holdfast", "program to measure")
	flag.StringVar(&s.peer, "peer", peerPath(), "program to compare with")
	flag.StringVar(&s.pgBin, "pg", "/usr/lib/postgresql/15/bin", "bin directory of PostgreSQL")
	flag.StringVar(&s.dir, "dir", os.TempDir(), "where to put the cluster and the repositories")
	flag.IntVar(&s.megabytes, "size", 1600, "size of the cluster in MiB")
	flag.IntVar(&s.segments, "segments", 24, "how many WAL segments to push and get")
	flag.IntVar(&s.runs, "n", 3, "runs of each, of which the median counts")
	flag.IntVar(&s.files, "files", 500_000, "how many small files for rows scale-files")
	flag.IntVar(&s.backups, "backups", 2000, "how many backups for rows scale-history")
	flag.IntVar(&s.segmentsKept, "archived", 200_000, "how many archived segments for rows scale-history")
	flag.BoolVar(&s.keep, "keep", false, "keep the directory")
	timeout := flag.Duration("timeout", time.Hour, "end after this time")
	flag.Parse()
	if *rows != "" {
		s.rows = strings.Split(*rows, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) (err error) {
	l, err := newLab(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	chosen := slices.DeleteFunc(allRows(), func(r row) bool { return !selected(r, s.rows) })
	if len(chosen) == 0 {
		return fmt.Errorf("no such row; there are %s", strings.Join(names(), " "))
	}
	needsCluster := slices.ContainsFunc(chosen, func(r row) bool { return r.name != "version" })
	if needsCluster {
		if err := l.makeCluster(ctx); err != nil {
			return err
		}
	}
	fmt.Printf("%s, %s, %d runs each, process-max=2\n\n", l.describe(), l.versions(), s.runs)
	printHead()
	for _, r := range chosen {
		ours, peer, err := l.compare(ctx, r)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		printRow(r.name, ours, peer)
	}
	return nil
}

func selected(r row, rows []string) bool {
	return len(rows) == 0 && !r.asked || slices.ContainsFunc(rows, func(name string) bool { return strings.HasPrefix(r.name, name) })
}

func names() []string {
	var all []string
	for _, r := range allRows() {
		all = append(all, r.name)
	}
	return all
}

// peerPath is where e2e/tools/install-peers puts the newest peer.
func peerPath() string {
	kit := os.Getenv("HOLDFAST_KIT")
	if kit == "" {
		kit = "/opt/holdfast-kit"
		if cache, err := os.UserCacheDir(); err == nil && os.Geteuid() != 0 {
			kit = filepath.Join(cache, "holdfast-kit")
		}
	}
	return filepath.Join(kit, "debian/pgbackrest-sid/usr/bin/pgbackrest")
}
