package expire

import (
	"context"
	"slices"

	"holdfast/internal/format"
	"holdfast/internal/repo"
)

// removeManifests makes dropped backups stop being ones, and makes sure that they are none after a crash either: what they need is
// removed next. In each set the newest, on which nothing depends, goes first. All lose their manifests before the first directory is
// synced, as that often brings to disk what has happened to the others.
func (x *run) removeManifests(ctx context.Context, dropped []string) error {
	if err := x.eachInSets(ctx, dropped, x.removeManifest); err != nil {
		return err
	}
	return x.eachInSets(ctx, dropped, func(ctx context.Context, label string) error {
		return x.repo.Storage().SyncDir(ctx, x.repo.BackupPath(label))
	})
}

func (x *run) removeManifest(ctx context.Context, label string) error {
	for _, name := range []string{repo.ManifestFile, repo.ManifestFile + repo.CopyExt} {
		if err := x.repo.Storage().Remove(ctx, x.repo.BackupPath(label, name)); err != nil {
			return err
		}
	}
	return nil
}

// eachInSets does something to each backup, to those of a full backup one after the other, newest first, and to several sets at once.
func (x *run) eachInSets(ctx context.Context, backups []string, do func(ctx context.Context, label string) error) error {
	sets := map[string][]string{}
	for _, label := range slices.Backward(slices.Sorted(slices.Values(backups))) {
		full := format.LabelFull(label)
		sets[full] = append(sets[full], label)
	}
	return x.atOnce(ctx, func(_ context.Context, start func(task)) error {
		for _, set := range sets {
			start(func(ctx context.Context) error {
				for _, label := range set {
					if err := do(ctx, label); err != nil {
						return err
					}
				}
				return nil
			})
		}
		return nil
	})
}
