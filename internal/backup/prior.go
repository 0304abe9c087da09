package backup

import (
	"context"

	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/repo"
)

// choosePrior finds the backup that this one is based on. A backup without one is a full backup.
func (r *run) choosePrior(ctx context.Context) error {
	if r.Type == format.Full {
		return nil
	}
	label := priorLabel(r.info, r.Type)
	if label == "" {
		r.Log.Warn("no prior backup exists, %s backup has been changed to full", r.Type)
		r.Type = format.Full
		return nil
	}
	prior, err := r.Repo.LoadManifest(ctx, label, r.info.CipherPass)
	if err != nil {
		return err
	}
	if err := repo.CheckBlocks(prior); err != nil {
		return err
	}
	r.prior = prior
	r.Log.Info("last backup label = %s, version = %s", prior.Label, prior.Program)
	return r.inherit(prior)
}

// priorLabel returns the newest backup of the current cluster, for a differential backup the newest full one, or "".
func priorLabel(info *format.BackupInfo, t format.BackupType) string {
	for i := len(info.Backups) - 1; i >= 0; i-- {
		b := info.Backups[i]
		if b.DBID == info.DB.ID && (t != format.Diff || b.Type == format.Full) {
			return b.Label
		}
	}
	return ""
}

// inherit takes over what may not change within a set: how files are compressed, and whether pages are checked.
func (r *run) inherit(prior *format.Manifest) error {
	compression, err := filter.ParseCompression(prior.Options.CompressType)
	if err != nil {
		return err
	}
	if compression != r.Compression {
		r.Log.Warn("%s backup cannot alter compress-type option to '%s', reset to value in %s", r.Type, r.Compression, prior.Label)
		r.Compression = compression
		r.CompressLevel = r.Repo.FileSpec(prior).Level
	}
	checked := prior.Options.ChecksumPage
	if checked == nil {
		r.ChecksumPage = new(bool)
		return nil
	}
	if *checked != *r.ChecksumPage {
		r.Log.Warn("%s backup cannot alter 'checksum-page' option to '%t', reset to '%t' from %s", r.Type, *r.ChecksumPage, *checked,
			prior.Label)
	}
	r.ChecksumPage = checked
	return nil
}
