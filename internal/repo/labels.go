package repo

import (
	"context"
	"errors"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/storage"
)

var historyYear = regexp.MustCompile(`^2[0-9]{3}$`)

// BackupLabels returns the labels of the backup directories on disk, complete or not, oldest first.
func (r *Repo) BackupLabels(ctx context.Context) ([]string, error) {
	return r.directories(ctx, r.BackupPath(), format.ValidLabel)
}

// HistoryLabels returns the labels in the newest year of the history, oldest first. It has backups that are long gone.
func (r *Repo) HistoryLabels(ctx context.Context) ([]string, error) {
	history := r.BackupPath(HistoryDir)
	years, err := r.directories(ctx, history, historyYear.MatchString)
	if err != nil || len(years) == 0 {
		return nil, err
	}
	names, err := storage.Names(ctx, r.cfg.Storage, history+"/"+years[len(years)-1], nil)
	if err != nil {
		return nil, err
	}
	var labels []string
	for _, name := range names {
		if label, ok := strings.CutSuffix(name, HistoryExt); ok && format.ValidLabel(label) {
			labels = append(labels, label)
		}
	}
	return labels, nil
}

// UpdateLatest points the link to the newest backup at a label, or removes it when the label is empty. Nothing ever reads it.
func (r *Repo) UpdateLatest(ctx context.Context, label string) error {
	link := r.BackupPath(LatestLink)
	if err := r.cfg.Storage.Remove(ctx, link); err != nil {
		return err
	}
	if label != "" && r.cfg.Symlink {
		if err := r.cfg.Storage.Symlink(ctx, label, link); err != nil {
			return err
		}
	}
	return r.cfg.Storage.SyncDir(ctx, r.BackupPath())
}

// directories returns the sorted names of the directories in dir that are wanted. A missing dir has none.
func (r *Repo) directories(ctx context.Context, dir string, wanted func(string) bool) ([]string, error) {
	var names []string
	err := r.cfg.Storage.List(ctx, dir, func(info storage.Info) error {
		if info.Type == storage.Dir && wanted(info.Name) {
			names = append(names, info.Name)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errs.Is(err, errs.PathMissing) {
		return nil, err
	}
	slices.Sort(names)
	return names, nil
}
