// Package annotate changes the notes that an administrator keeps about a backup.
//
// Notes live in backup.info only; the manifest keeps those the backup was made with. Each repository that has the backup gets its own
// backup.info changed, after that was made to agree with what is on disk. Locks are the caller's.
package annotate

import (
	"context"
	"maps"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/repo"
)

// Options says what to note about which backup.
type Options struct {
	Repos []*repo.Repo
	Set   string            // label of the backup
	Notes map[string]string // to add or replace; an empty text removes the note
	Log   *log.Logger
}

// Run annotates the backup in every repository that has it. A failing repository is logged and does not keep the others from their turn;
// the error at the end counts them.
func Run(ctx context.Context, o Options) error {
	if !format.ValidLabel(o.Set) {
		return errs.New(errs.OptionInvalidValue, "'%s' is not a valid backup label format", o.Set)
	}
	failed, found := 0, false
	for _, r := range o.Repos {
		there, err := o.annotate(ctx, r)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			o.Log.Error(named(r.Name(), err))
			failed++
		}
		found = found || there
	}
	switch {
	case failed > 0:
		return errs.New(errs.Command, "annotate command encountered %d error(s), check the log file for details", failed)
	case !found:
		return errs.New(errs.BackupSetInvalid, "no backup set to annotate found")
	}
	return nil
}

// annotate reports whether the repository has the backup.
func (o Options) annotate(ctx context.Context, r *repo.Repo) (bool, error) {
	info, _, err := r.ReconciledBackupInfo(ctx, o.Log)
	if err != nil {
		return false, err
	}
	b, ok := info.Backup(o.Set)
	if !ok {
		return false, nil
	}
	o.Log.Info("backup set '%s' to annotate found in %s", o.Set, r.Name())
	b.Annotations = changed(b.Annotations, o.Notes)
	info.Remove(o.Set)
	info.Add(b)
	return true, r.SaveBackupInfo(ctx, info)
}

// changed returns the notes after a change, nil if none is left.
func changed(old, change map[string]string) map[string]string {
	notes := map[string]string{}
	maps.Copy(notes, old)
	maps.Copy(notes, change)
	maps.DeleteFunc(notes, func(_, text string) bool { return text == "" })
	if len(notes) == 0 {
		return nil
	}
	return notes
}

// named puts the repository in front of a message and keeps its code and hints.
func named(name string, err error) error {
	e := errs.Because(errs.CodeOf(err), err, "%s: %s", name, err)
	e.Hints = errs.Hints(err)
	return e
}
