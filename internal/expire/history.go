package expire

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"holdfast/internal/format"
	"holdfast/internal/storage"
)

var (
	yearPattern     = regexp.MustCompile(`^2[0-9]{3}$`)
	manifestPattern = regexp.MustCompile(`^[0-9]{8}-[0-9]{6}F(_[0-9]{8}-[0-9]{6}[DI])?\.manifest\.gz$`)
)

// history removes manifests of expired backups that are older than history retention. Manifests of backups that are still there
// stay, whatever their age, and so does the directory of their year.
func (x *run) history(ctx context.Context) error {
	if x.keep.KeepHistory {
		return nil
	}
	oldest := time.Unix(x.Now.Unix()-int64(x.keep.History)*24*60*60, 0) // more days than a Duration can hold are allowed
	threshold := format.NewLabel(format.Full, "", oldest.In(x.Now.Location()))
	years, err := storage.Names(ctx, x.repo.Storage(), x.repo.BackupPath("backup.history"), yearPattern)
	if err != nil {
		return err
	}
	for _, year := range years {
		if year > threshold[:4] {
			break
		}
		if err := x.historyYear(ctx, year, threshold); err != nil {
			return err
		}
	}
	return nil
}

func (x *run) historyYear(ctx context.Context, year, threshold string) error {
	dir := x.repo.BackupPath("backup.history", year)
	files, err := storage.Names(ctx, x.repo.Storage(), dir, manifestPattern)
	if err != nil {
		return err
	}
	var old []string
	for _, file := range files {
		label := strings.TrimSuffix(file, ".manifest.gz")
		if _, current := x.info.Backup(label); !current && label < threshold {
			old = append(old, file)
		}
	}
	if year < threshold[:4] && len(old) == len(files) {
		x.Log.Info("%s: remove expired backup history path %s", x.repo.Name(), year)
		if x.DryRun {
			return nil
		}
		return x.repo.Storage().RemoveAll(ctx, dir)
	}
	for _, file := range slices.Backward(old) {
		x.Log.Info("%s: remove expired backup history manifest %s", x.repo.Name(), file)
		if x.DryRun {
			continue
		}
		if err := x.repo.Storage().Remove(ctx, dir+"/"+file); err != nil {
			return err
		}
	}
	return nil
}
