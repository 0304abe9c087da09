package main

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/internal/repo/repotest"
	"holdfast/internal/storage"
	"holdfast/internal/storage/posix"
)

// scaleRows measure what grows with the number of files, backups and segments. They take long and run only when they are named.
func scaleRows() []row {
	var rows []row
	for _, r := range []row{
		{name: "scale-files-full", run: (*lab).filesFull},
		{name: "scale-files-incr", run: (*lab).filesIncr},
		{name: "scale-files-info", run: (*lab).filesInfo},
		{name: "scale-files-verify", run: (*lab).filesVerify},
		{name: "scale-files-restore", run: (*lab).filesRestore},
		{name: "scale-history-info", run: (*lab).historyInfo},
		{name: "scale-history-json", run: (*lab).historyJSON},
		{name: "scale-history-expire", run: (*lab).historyExpire},
		{name: "scale-history-verify", run: (*lab).historyVerify},
	} {
		r.kind, r.asked = "lz4", true
		rows = append(rows, r)
	}
	return rows
}

// manyFiles adds small files to the cluster, a thousand in each directory.
func (l *lab) manyFiles() error {
	root := l.path("pg/many")
	if _, err := os.Stat(root); err == nil {
		return nil
	}
	for i := range l.files {
		dir := filepath.Join(root, fmt.Sprint(i/1000))
		if i%1000 == 0 {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return err
			}
		}
		content := strings.Repeat(fmt.Sprintf("file %d\n", i), 1+i%16)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return l.giveAway(root)
}

// giveAway makes the unprivileged user own a tree.
func (l *lab) giveAway(root string) error {
	if l.cred == nil {
		return nil
	}
	return filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, l.uid, l.gid))
	})
}

func (l *lab) filesFull(ctx context.Context, r row, who int) (cost, error) {
	if err := l.manyFiles(); err != nil {
		return cost{}, err
	}
	return l.backup(ctx, r, who)
}

// filesSource is a repository with a full backup of the many files, by the peer.
func (l *lab) filesSource(ctx context.Context, r row) (string, error) {
	if err := l.manyFiles(); err != nil {
		return "", err
	}
	return l.source(ctx, r.kind)
}

func (l *lab) filesIncr(ctx context.Context, r row, who int) (cost, error) {
	repo, err := l.filesSource(ctx, r)
	if err != nil {
		return cost{}, err
	}
	return l.call(ctx, who, l.options(repo, r.kind), append([]string{"--type=incr"}, l.backupArgs()[1:]...)...)
}

func (l *lab) filesInfo(ctx context.Context, r row, who int) (cost, error) {
	repo, err := l.filesSource(ctx, r)
	if err != nil {
		return cost{}, err
	}
	return l.call(ctx, who, l.infoOptions(repo), "info")
}

func (l *lab) filesVerify(ctx context.Context, r row, who int) (cost, error) {
	repo, err := l.filesSource(ctx, r)
	if err != nil {
		return cost{}, err
	}
	return l.verify(ctx, repo, who)
}

func (l *lab) filesRestore(ctx context.Context, r row, who int) (cost, error) {
	if _, err := l.filesSource(ctx, r); err != nil {
		return cost{}, err
	}
	return l.restore(ctx, r, who)
}

func (l *lab) verify(ctx context.Context, repo string, who int) (cost, error) {
	return l.call(ctx, who, l.infoOptions(repo), "--process-max=2", "verify")
}

// infoOptions are those of commands that do not know the cluster.
func (l *lab) infoOptions(repo string) []string {
	return []string{"--no-config", "--stanza=" + l.stanzaOf(repo), "--repo1-path=" + l.path(repo),
		"--log-level-file=off", "--log-level-console=off"}
}

func (l *lab) stanzaOf(repo string) string {
	if strings.HasPrefix(repo, "history") {
		return repotest.Stanza
	}
	return "bench"
}

// history fabricates a repository with many backups, each tenth a full one, and the WAL between them.
func (l *lab) history(ctx context.Context) (string, error) {
	const repo, perFull = "history/repo1", 10
	if _, err := os.Stat(l.path(repo)); err == nil {
		return repo, nil
	}
	if _, err := l.freshDir("history"); err != nil {
		return "", err
	}
	each := l.segmentsKept / l.backups
	short := func(i int) string { return fmt.Sprintf("1.%X.%X", i>>8, i&0xff) }
	var text strings.Builder
	text.WriteString("db 1 15\n")
	for i := range l.backups {
		name := fmt.Sprintf("F%d", i/perFull+1)
		if n := i % perFull; n > 0 {
			name += fmt.Sprintf("I%d", n)
		}
		fmt.Fprintf(&text, "%s %dh wal=%s-%s\n", name, l.backups-i, short((i+1)*each), short((i+1)*each+1))
	}
	build := fabricator{ctx: ctx}
	repotest.Build(&build, unsynced{posix.New(posix.Config{})}, l.path("history"), time.Now(), text.String())
	if build.err != nil {
		return "", build.err
	}
	for i := range (l.backups + 1) * each {
		name := repotest.WAL(short(i))
		dir := l.path(repo, "archive", repotest.Stanza, "15-1", name[:16])
		if i&0xff == 0 {
			if err := os.MkdirAll(dir, 0o750); err != nil {
				return "", err
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name+"-"+strings.Repeat("0123456789", 4)+".gz"), nil, 0o640); err != nil {
			return "", err
		}
	}
	for _, i := range []int{0, l.backups * each, l.backups*each + 1} {
		if err := l.realSegment(l.path(repo, "archive", repotest.Stanza, "15-1"), repotest.WAL(short(i))); err != nil {
			return "", err
		}
	}
	return repo, l.giveAway(l.path("history"))
}

// realSegment puts content into a segment: the first says how large segments are, those of the newest backup are verified.
func (l *lab) realSegment(archive, name string) error {
	content, err := os.ReadFile(l.wal[0])
	if err != nil {
		return err
	}
	stored := filepath.Join(archive, name[:16], name)
	if err := os.Remove(stored + "-" + strings.Repeat("0123456789", 4) + ".gz"); err != nil {
		return err
	}
	return os.WriteFile(fmt.Sprintf("%s-%x", stored, sha1.Sum(content)), content, 0o640)
}

// fabricator takes the part of the test when a repository is fabricated for a measurement.
type fabricator struct {
	testing.TB
	ctx context.Context
	err error
}

func (f *fabricator) Helper()                           {}
func (f *fabricator) Context() context.Context          { return f.ctx }
func (f *fabricator) Fatal(args ...any)                 { f.err = errors.New(fmt.Sprint(args...)) }
func (f *fabricator) Fatalf(format string, args ...any) { f.err = fmt.Errorf(format, args...) }

// unsynced leaves durability to the system: what is fabricated is thrown away.
type unsynced struct{ storage.Tree }

func (u unsynced) Create(ctx context.Context, path string, o storage.CreateOptions) (storage.Writer, error) {
	o.Atomic, o.NoSync = false, true
	return u.Tree.Create(ctx, path, o)
}

func (l *lab) historyInfo(ctx context.Context, _ row, who int) (cost, error) {
	repo, err := l.history(ctx)
	if err != nil {
		return cost{}, err
	}
	return l.call(ctx, who, l.infoOptions(repo), "info")
}

func (l *lab) historyJSON(ctx context.Context, _ row, who int) (cost, error) {
	repo, err := l.history(ctx)
	if err != nil {
		return cost{}, err
	}
	return l.call(ctx, who, l.infoOptions(repo), "--output=json", "info")
}

// historyExpire keeps half of the backups and of their WAL.
func (l *lab) historyExpire(ctx context.Context, _ row, who int) (cost, error) {
	repo, err := l.history(ctx)
	if err != nil {
		return cost{}, err
	}
	const work = "history/work"
	if err := os.RemoveAll(l.path(work)); err != nil {
		return cost{}, err
	}
	if _, err := measure(ctx, l.command(ctx, "cp", "-al", l.path(repo), l.path(work))); err != nil {
		return cost{}, err
	}
	return l.call(ctx, who, l.infoOptions(work), "--lock-path="+l.path("lock"),
		fmt.Sprintf("--repo1-retention-full=%d", l.backups/20), "expire")
}

// historyVerify is what verify does before it reads files: it looks at all backups and all WAL, and then reads only the newest backup.
// The segments are empty and would all be damaged, of which the peer makes a list that takes it minutes.
func (l *lab) historyVerify(ctx context.Context, _ row, who int) (cost, error) {
	repo, err := l.history(ctx)
	if err != nil {
		return cost{}, err
	}
	labels, err := filepath.Glob(l.path(repo, "backup", repotest.Stanza, "20*"))
	if err != nil || len(labels) == 0 {
		return cost{}, fmt.Errorf("no backups in %s: %w", repo, err)
	}
	return l.call(ctx, who, l.infoOptions(repo), "--process-max=2", "--set="+filepath.Base(labels[len(labels)-1]), "verify")
}
