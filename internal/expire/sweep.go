package expire

import (
	"context"
	"slices"

	"holdfast/internal/format"
)

// sweep removes label directories that backup.info does not know, newest first. The newest directory stays if it is a backup that may
// still be running, here or on another host, or be resumed.
func (x *run) sweep(ctx context.Context, start func(task)) error {
	found, err := x.repo.BackupLabels(ctx)
	if err != nil {
		return err
	}
	for i, label := range slices.Backward(found) {
		if _, known := x.info.Backup(label); known {
			continue
		}
		if i == len(found)-1 {
			unfinished, err := x.unfinished(ctx, label)
			if err != nil {
				return err
			}
			if unfinished {
				continue
			}
		}
		x.Log.Info("%s: remove expired backup %s", x.repo.Name(), label)
		start(x.removeTree(x.repo.BackupPath(label)))
	}
	return nil
}

// unfinished reports whether a directory has only the copy of a manifest and so may still become a backup. It cannot any more if what
// it is built on was just expired by name, or if it was named itself.
func (x *run) unfinished(ctx context.Context, label string) (bool, error) {
	if complete, err := x.repo.ManifestExists(ctx, label); complete || err != nil {
		return false, err
	}
	if exists, err := x.repo.ManifestCopyExists(ctx, label); !exists || err != nil {
		return false, err
	}
	if x.Set == "" || format.LabelFull(label) != format.LabelFull(x.Set) {
		return true, nil
	}
	m, err := x.repo.LoadManifestCopy(ctx, label, x.info.CipherPass)
	if err != nil {
		return false, nil //nolint:nilerr // an unreadable copy can be neither resumed nor continued
	}
	_, based := x.info.Backup(m.Prior)
	return based, nil
}
