package backup

import (
	"context"
	"slices"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/storage"
)

// newLabel returns a label that is later than all others: those of directories, complete or not, and those in the history, because
// the age of backups is known by comparing labels.
func (r *run) newLabel(ctx context.Context) (string, error) {
	present, err := r.labels(ctx)
	if err != nil {
		return "", err
	}
	past, err := r.Repo.HistoryLabels(ctx)
	if err != nil {
		return "", err
	}
	prior := ""
	if r.prior != nil {
		prior = r.prior.Label
	}
	latest := latestLabel(append(present, past...), r.Type, prior)
	label := format.NewLabel(r.Type, prior, time.Unix(r.started, 0))
	if label > latest {
		return label, nil
	}
	// Two backups may begin in the same second; then this one belongs into the next, which has to come first.
	if later := format.NewLabel(r.Type, prior, time.Unix(r.started+1, 0)); later > latest {
		now := r.Now()
		return later, r.Sleep(ctx, now.Truncate(time.Second).Add(time.Second).Sub(now))
	}
	return "", errs.New(errs.Clock, "new backup label '%s' is not later than latest backup label '%s'", label, latest).
		Hint("has the timezone changed?").Hint("is there clock skew?")
}

// labels returns all names in the stanza's directory that are labels, sorted. Something other than a directory is not left out: it
// would be in the way.
func (r *run) labels(ctx context.Context) ([]string, error) {
	return storage.Names(ctx, r.Repo.Storage(), r.Repo.BackupPath(), format.LabelPattern)
}

// latestLabel returns the label that a new one must be later than, "" if there is none. Other sets do not matter to a backup that
// depends on its full.
func latestLabel(labels []string, t format.BackupType, prior string) string {
	if t != format.Full {
		labels = slices.DeleteFunc(labels, func(l string) bool { return format.LabelFull(l) != format.LabelFull(prior) })
	}
	if len(labels) == 0 {
		return ""
	}
	return slices.Max(labels)
}
