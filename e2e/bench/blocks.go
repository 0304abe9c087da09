package main

import (
	"context"
	"fmt"
	"os"
)

// storedRows measure the other ways of storing a backup, bundles and blocks, and reading all of a repository back.
func storedRows() []row {
	var rows []row
	for _, kind := range []string{"zst", "none"} {
		rows = append(rows,
			row{name: "bundle-full-" + kind, kind: kind, run: fullWith("--repo1-bundle")},
			row{name: "bundle-restore-" + kind, kind: kind, run: (*lab).bundleRestore},
			row{name: "block-full-" + kind, kind: kind, run: fullWith("--repo1-bundle", "--repo1-block")},
			row{name: "block-incr-" + kind, kind: kind, run: (*lab).blockIncr},
			row{name: "block-restore-" + kind, kind: kind, run: (*lab).blockRestore},
			row{name: "block-delta-" + kind, kind: kind, run: (*lab).blockDelta},
			row{name: "verify-" + kind, kind: kind, run: (*lab).verifySource},
		)
	}
	return rows
}

// fullWith takes a full backup with options of the repository.
func fullWith(how ...string) func(l *lab, ctx context.Context, r row, who int) (cost, error) {
	return func(l *lab, ctx context.Context, r row, who int) (cost, error) {
		if err := l.create(ctx, "repo"); err != nil {
			return cost{}, err
		}
		return l.backupWith(ctx, "repo", r, who, append(how[:len(how):len(how)], l.backupArgs()...))
	}
}

// backupWith takes a backup and tells what the repository then has of all backups.
func (l *lab) backupWith(ctx context.Context, repo string, r row, who int, args []string) (cost, error) {
	c, err := l.call(ctx, who, l.options(repo, r.kind), args...)
	if err != nil {
		return cost{}, err
	}
	c.stored, err = treeSize(l.path(repo, "backup/bench"), "backup.history")
	return c, err
}

// sourceWith is a repository with a full backup by the peer, made with options of the repository.
func (l *lab) sourceWith(ctx context.Context, repo string, r row, how ...string) error {
	if _, err := os.Stat(l.path(repo)); err == nil {
		return nil
	}
	if err := l.create(ctx, repo); err != nil {
		return err
	}
	_, err := l.call(ctx, peer, l.options(repo, r.kind), append(how, l.backupArgs()...)...)
	return err
}

func (l *lab) bundleRestore(ctx context.Context, r row, who int) (cost, error) {
	repo := "bundles-" + r.kind
	if err := l.sourceWith(ctx, repo, r, "--repo1-bundle"); err != nil {
		return cost{}, err
	}
	if _, err := l.freshDir("restored"); err != nil {
		return cost{}, err
	}
	return l.restoreInto(ctx, repo, who)
}

// changed is a repository with a full backup by blocks. Since then some pages of every table have changed, far from each other, and
// only those: the first look at new rows would change all pages, so it is taken before.
func (l *lab) changed(ctx context.Context, r row) (string, error) {
	repo := "blocks-" + r.kind
	if _, err := os.Stat(l.path(repo)); err == nil {
		return repo, nil
	}
	if _, err := l.sql(ctx, "vacuum"); err != nil {
		return "", err
	}
	if err := l.sourceWith(ctx, repo, r, "--repo1-bundle", "--repo1-block"); err != nil {
		return "", err
	}
	for i := range tables {
		if _, err := l.sql(ctx, fmt.Sprintf("update t%d set amount = amount + 1 where id %% 5000 = 0", i)); err != nil {
			return "", err
		}
	}
	_, err := l.sql(ctx, "checkpoint")
	return repo, err
}

// blockIncr is an incremental backup, for each run on the same full one.
func (l *lab) blockIncr(ctx context.Context, r row, who int) (cost, error) {
	from, err := l.changed(ctx, r)
	if err != nil {
		return cost{}, err
	}
	if err := l.linked(ctx, from, "repo"); err != nil {
		return cost{}, err
	}
	return l.backupWith(ctx, "repo", r, who, l.blockIncrArgs())
}

func (l *lab) blockIncrArgs() []string {
	return append([]string{"--repo1-bundle", "--repo1-block", "--type=incr"}, l.backupArgs()[1:]...)
}

// linked makes a repository with the same files as another. Both programs replace files and never change them.
func (l *lab) linked(ctx context.Context, from, to string) error {
	if err := os.RemoveAll(l.path(to)); err != nil {
		return err
	}
	_, err := measure(ctx, l.command(ctx, "cp", "-al", l.path(from), l.path(to)))
	return err
}

// chain is a repository with a full and an incremental backup by blocks, both by the peer.
func (l *lab) chain(ctx context.Context, r row) (string, error) {
	repo := "chain-" + r.kind
	if _, err := os.Stat(l.path(repo)); err == nil {
		return repo, nil
	}
	from, err := l.changed(ctx, r)
	if err != nil {
		return "", err
	}
	if err := l.linked(ctx, from, repo); err != nil {
		return "", err
	}
	_, err = l.call(ctx, peer, l.options(repo, r.kind), l.blockIncrArgs()...)
	return repo, err
}

func (l *lab) blockRestore(ctx context.Context, r row, who int) (cost, error) {
	repo, err := l.chain(ctx, r)
	if err != nil {
		return cost{}, err
	}
	if _, err := l.freshDir("restored"); err != nil {
		return cost{}, err
	}
	return l.restoreInto(ctx, repo, who)
}

// blockDelta restores over a directory of which some files are changed or gone, so that few blocks are to be fetched.
func (l *lab) blockDelta(ctx context.Context, r row, who int) (cost, error) {
	repo, err := l.chain(ctx, r)
	if err != nil {
		return cost{}, err
	}
	if _, err := os.Stat(l.path("restored/PG_VERSION")); err != nil {
		if _, err := l.blockRestore(ctx, r, peer); err != nil {
			return cost{}, err
		}
	}
	if err := spoil(l.path("restored/base")); err != nil {
		return cost{}, err
	}
	return l.restoreInto(ctx, repo, who, "--delta")
}

func (l *lab) verifySource(ctx context.Context, r row, who int) (cost, error) {
	repo, err := l.source(ctx, r.kind)
	if err != nil {
		return cost{}, err
	}
	return l.verify(ctx, repo, who)
}
