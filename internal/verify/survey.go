package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/repo"
)

// survey finds out what there is to verify. It reports false if that came to an end already, with the reason in the result.
func (v *run) survey(ctx context.Context) (bool, error) {
	problems, err := v.loadInfo(ctx)
	if err != nil {
		return false, err
	}
	if len(problems) == 0 && v.Set != "" && !format.ValidLabel(v.Set) {
		problems = append(problems, fmt.Sprintf("  '%s' is not a valid backup label format", v.Set))
	}
	if len(problems) == 0 {
		if v.ids, err = v.Repo.ArchiveIDs(ctx); err != nil {
			return false, err
		}
		found, err := v.chooseBackups(ctx)
		if err != nil {
			return false, err
		}
		if !found {
			problems = append(problems, fmt.Sprintf("  backup set %s is not valid", v.Set))
		}
	}
	if len(problems) > 0 {
		v.result.Problem, v.result.Failed = strings.Join(problems, "\n"), true
		return false, nil
	}
	if len(v.ids) == 0 && len(v.labels) == 0 {
		v.result.Problem = "    no archives or backups exist in the repo"
		return false, nil
	}
	v.tellWhatIsOdd()
	return true, nil
}

// loadInfo reads the info files and returns what is wrong with them.
func (v *run) loadInfo(ctx context.Context) (problems []string, err error) {
	backups, err := v.Repo.ExamineBackupInfo(ctx)
	if err != nil {
		return nil, err
	}
	tellPair(v, backups, repo.BackupInfoFile, "<REPO:BACKUP>/"+repo.BackupInfoFile)
	if v.backups = backups.Value; !backups.Usable() {
		problems = append(problems, "  No usable backup.info file")
	}
	archive, err := v.Repo.ExamineArchiveInfo(ctx)
	if err != nil {
		return nil, err
	}
	tellPair(v, archive, repo.ArchiveInfoFile, "<REPO:ARCHIVE>/"+repo.ArchiveInfoFile)
	if v.archive = archive.Value; !archive.Usable() {
		problems = append(problems, "  No usable archive.info file")
	}
	if len(problems) > 0 {
		return problems, nil
	}
	if err := repo.CheckInfo(v.archive, v.backups); err != nil {
		return []string{errs.Text(err)}, nil
	}
	if !repo.SameHistory(v.archive, v.backups) {
		return []string{"archive and backup history lists do not match"}, nil
	}
	return nil, nil
}

// tellPair logs what is wrong with one of the two files of an info file.
func tellPair[T any](v *run, p repo.Pair[T], name, place string) {
	v.tellUnusable(p.Main, place)
	v.tellUnusable(p.Copy, place+repo.CopyExt)
	if p.Differ {
		v.Log.Detail("%s%s does not match %[1]s", name, repo.CopyExt)
	}
}

// tellUnusable logs why a file cannot be used. A checksum says nothing about whose it is.
func (v *run) tellUnusable(err error, place string) {
	switch {
	case err == nil:
	case errs.Is(err, errs.Checksum):
		v.Log.Detail("%s %s", errs.Text(err), place)
	default:
		v.Log.Detail("%s", errs.Text(err))
	}
}

// chooseBackups lists the backups to verify and tells where disk and backup.info disagree. It reports false if the set is not there.
func (v *run) chooseBackups(ctx context.Context) (found bool, err error) {
	if v.labels, err = v.Repo.BackupLabels(ctx); err != nil {
		return false, err
	}
	if v.Set != "" {
		if !slices.Contains(v.labels, v.Set) {
			return false, nil
		}
		v.labels = []string{v.Set}
	}
	for _, label := range v.labels {
		if !v.listed(label) {
			v.Log.Warn("backup '%s' found in the repository but not in backup.info", label)
		}
	}
	if v.Set != "" {
		return true, v.limitToSet(ctx)
	}
	onDisk := v.labels
	for _, b := range v.backups.Backups {
		if !slices.Contains(onDisk, b.Label) {
			v.Log.Warn("backup '%s' found in backup.info but not in the repository", b.Label)
			v.labels = append(v.labels, b.Label)
		}
	}
	slices.Sort(v.labels)
	return true, nil
}

func (v *run) listed(label string) bool {
	_, listed := v.backups.Backup(label)
	return listed
}

// limitToSet chooses the WAL of the set and, as blocks of its files may lie there, the backups it refers to. If the manifest cannot be
// read there is no telling which these are.
func (v *run) limitToSet(ctx context.Context) error {
	v.wal.limited = true
	pair, err := v.Repo.ExamineManifest(ctx, v.Set, v.backups.CipherPass)
	if err != nil {
		return err
	}
	v.chosen = &pair
	if !pair.Usable() {
		return nil
	}
	v.wal.first, v.wal.last = pair.Value.ArchiveStart, pair.Value.ArchiveStop
	if hasBlocks(pair.Value) {
		v.labels = append(v.labels, pair.Value.References...)
		slices.Sort(v.labels)
		v.labels = slices.Compact(v.labels)
	}
	return nil
}

// hasBlocks reports whether files may be made of blocks that other backups stored, perhaps before blocks were switched off.
func hasBlocks(m *format.Manifest) bool {
	if m.BlockIncr {
		return true
	}
	for _, f := range m.Files.All() {
		if f.BlockMapSize > 0 {
			return true
		}
	}
	return false
}

// tellWhatIsOdd logs what is missing altogether, and archives that no history knows.
func (v *run) tellWhatIsOdd() {
	if len(v.ids) == 0 {
		v.Log.Detail("no archives exist in the repo")
	}
	if len(v.labels) == 0 {
		v.Log.Detail("no backups exist in the repo")
	}
	var unknown []string
	for _, id := range v.ids {
		if !slices.ContainsFunc(v.archive.History, func(d format.ArchiveDB) bool { return d.ArchiveID() == id }) {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) > 0 {
		v.Log.Info("archiveIds '%s' are not in the archive.info history list", strings.Join(unknown, ", "))
		v.result.Failed = true
	}
}
