package repo

import (
	"context"
	"slices"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/log"
)

// ReconciledBackupInfo reads backup.info and makes it agree with what is on disk. A complete backup that is not listed is added
// when it belongs to this stanza; a listed one without a manifest is removed with everything that depends on it. The second value
// says whether anything was changed and ought to be saved.
func (r *Repo) ReconciledBackupInfo(ctx context.Context, logger *log.Logger) (*format.BackupInfo, bool, error) {
	info, err := r.LoadBackupInfo(ctx)
	if err != nil {
		return nil, false, err
	}
	removed, err := r.removeVanished(ctx, info, logger)
	if err != nil {
		return nil, false, err
	}
	added, err := r.addUnlisted(ctx, info, logger)
	if err != nil {
		return nil, false, err
	}
	return info, removed || added, nil
}

// addUnlisted adds complete backups that backup.info does not know.
func (r *Repo) addUnlisted(ctx context.Context, info *format.BackupInfo, logger *log.Logger) (bool, error) {
	labels, err := r.BackupLabels(ctx)
	if err != nil {
		return false, err
	}
	changed := false
	for _, label := range labels {
		if _, listed := info.Backup(label); listed || !mayBelong(info, label) {
			continue
		}
		complete, err := r.ManifestExists(ctx, label)
		if err != nil {
			return changed, err
		}
		if !complete {
			continue
		}
		m, err := r.LoadManifest(ctx, label, info.CipherPass)
		if err != nil && !damaged(err) {
			return changed, err
		}
		if err != nil || !acceptable(info, label, m) {
			logger.Warn("invalid backup '%s' cannot be added to current backups", label)
			continue
		}
		info.Add(m.Summary())
		logger.Warn("backup '%s' found in repository added to backup.info", label)
		changed = true
	}
	return changed, nil
}

// mayBelong reports whether an unlisted directory is worth reading: a full, or a part of a set with a listed member.
func mayBelong(info *format.BackupInfo, label string) bool {
	if format.LabelType(label) == format.Full {
		return true
	}
	return slices.ContainsFunc(info.Backups, func(b format.Backup) bool {
		return format.LabelFull(b.Label) == format.LabelFull(label)
	})
}

// acceptable reports whether a manifest found on disk is of a backup of this stanza whose prior is listed.
func acceptable(info *format.BackupInfo, label string, m *format.Manifest) bool {
	known := slices.ContainsFunc(info.History, func(h format.BackupDB) bool {
		return h.ID == m.DB.ID && h.SystemID == m.DB.SystemID && h.Version == m.DB.Version
	})
	if !known || m.Label != label {
		return false
	}
	if m.Type == format.Full {
		return true
	}
	_, listed := info.Backup(m.Prior)
	return listed
}

// damaged reports whether an error is about the content of a file. Others, such as a refused permission, must not let a backup look
// unknown: expire removes what is not listed.
func damaged(err error) bool {
	switch errs.CodeOf(err) {
	case errs.Format, errs.Checksum, errs.JsonFormat, errs.Crypto, errs.FileInvalid:
		return true
	}
	return false
}

// removeVanished removes entries whose backup has lost its manifest, with all that depend on them.
func (r *Repo) removeVanished(ctx context.Context, info *format.BackupInfo, logger *log.Logger) (bool, error) {
	listed := make([]string, 0, len(info.Backups))
	for _, b := range info.Backups {
		listed = append(listed, b.Label)
	}
	changed := false
	for _, label := range listed {
		if _, still := info.Backup(label); !still {
			continue
		}
		complete, err := r.ManifestExists(ctx, label)
		if err != nil {
			return changed, err
		}
		if complete {
			continue
		}
		for _, lost := range info.Dependents(label) {
			logger.Warn("backup '%s' missing manifest removed from backup.info", lost)
			info.Remove(lost)
		}
		changed = true
	}
	return changed, nil
}
