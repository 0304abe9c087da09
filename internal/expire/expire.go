// Package expire decides what retention lets go and removes it.
//
// The algorithm, for each repository on its own:
//
//	load backup.info, reconciled with what is on disk
//	choose the backups to drop: one set by name, or by full and then diff retention      (retention.go, pure)
//	remove the manifests of what was dropped, so that it is no backup any more            (manifests.go)
//	save backup.info without it
//	sweep label directories that backup.info does not know                                (sweep.go)
//	drop WAL that no kept backup needs, archive id by archive id                          (archive.go)
//	drop manifests of the history that are older than history retention                   (history.go)
//
// A crash at any point leaves directories without a manifest, which the next run sweeps, and never a backup without its files.
// Locks, stop files and the choice of repositories are the caller's.
package expire

import (
	"context"
	"slices"
	"strings"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/repo"
)

// Retention is what one repository keeps. Zero means "not set" unless said otherwise.
type Retention struct {
	Full        int  // newest full backups to keep, or days when FullByTime
	FullByTime  bool // Full counts days
	Diff        int  // newest full and differential backups to keep, counted together
	ArchiveType format.BackupType
	Archive     int  // newest backups of ArchiveType whose WAL is kept without gaps
	History     int  // days to keep manifests of expired backups
	KeepHistory bool // keep them for ever; History is ignored
}

// Repo is a repository and what it keeps.
type Repo struct {
	*repo.Repo
	Retention Retention
}

// Options says what to expire.
type Options struct {
	Repos         []Repo
	Set           string // expire this backup and its dependents instead of applying retention
	Oldest        bool   // expire the oldest full backup, whatever the retention
	ArchiveBefore string // keep WAL from this segment on
	DryRun        bool   // decide and tell, change nothing
	PageErrors    bool   // refuse to make a backup with page checksum errors the oldest one (checksum-page-error)
	Now           time.Time
	Log           *log.Logger
}

// Run expires every repository. A failing one is logged and does not keep the others from their turn; the error at the end counts
// them.
func Run(ctx context.Context, o Options) error {
	failed, found := 0, false
	for i, r := range o.Repos {
		x := &run{Options: o, repo: r.Repo, keep: r.Retention}
		err := x.expire(ctx, &found, i == len(o.Repos)-1)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			o.Log.Error(named(r.Name(), err))
			failed++
		}
	}
	if failed > 0 {
		return errs.New(errs.Command, "expire command encountered %d error(s), check the log file for details", failed)
	}
	return nil
}

// named puts the repository in front of a message and keeps its code and hints.
func named(name string, err error) error {
	e := errs.Because(errs.CodeOf(err), err, "%s: %s", name, err)
	e.Hints = errs.Hints(err)
	return e
}

// run is the expiry of one repository.
type run struct {
	Options
	repo *repo.Repo
	keep Retention
	info *format.BackupInfo
}

func (x *run) expire(ctx context.Context, found *bool, last bool) error {
	info, changed, err := x.repo.ReconciledBackupInfo(ctx, x.Log)
	if err != nil {
		return err
	}
	x.info = info
	if x.Oldest {
		x.oldest()
	}
	var dropped []string
	if x.Set != "" {
		dropped, err = x.adHoc(ctx, found, last)
	} else {
		dropped, err = x.retain()
	}
	if err != nil {
		return err
	}
	if err := x.removeManifests(ctx, dropped); err != nil {
		return err
	}
	if (changed || len(dropped) > 0) && !x.DryRun {
		if err := x.repo.SaveBackupInfo(ctx, x.info); err != nil {
			return err
		}
	}
	err = x.atOnce(ctx, func(ctx context.Context, start func(task)) error {
		if err := x.sweep(ctx, start); err != nil {
			return err
		}
		return x.archive(ctx, start)
	})
	if err != nil {
		return err
	}
	if err := x.history(ctx); err != nil {
		return err
	}
	if len(x.info.Backups) > 0 {
		if err := damaged(x.info.Backups[0]); err != nil {
			x.Log.Warn("%s", errs.Text(named(x.repo.Name(), err)))
		}
	}
	return nil
}

// damaged returns an error if a backup, the oldest that is kept, has pages whose checksum was wrong: with all before it gone, no good
// copy of those pages may be left.
func damaged(oldest format.Backup) error {
	if oldest.Error == nil || !*oldest.Error {
		return nil
	}
	return errs.New(errs.Checksum, "oldest retained backup %s contains invalid page checksum(s)", oldest.Label).
		Hint("use info --set command to get details about errors in the backup.")
}

// oldest turns the retention of this run into "one full less than there are".
func (x *run) oldest() {
	fulls := len(ofType(x.info.Backups, format.Full))
	if fulls <= 1 {
		x.Log.Warn("%s: expire oldest requested but no eligible full backup to expire", x.repo.Name())
		return
	}
	if x.keep.FullByTime {
		x.Log.Info("%s: expire oldest overrides configured time-based retention with count-based retention for this execution",
			x.repo.Name())
	}
	x.keep.Full, x.keep.FullByTime = fulls-1, false
	x.keep.ArchiveType, x.keep.Archive = format.Full, fulls-1
	x.Log.Detail("%[1]s: expire oldest enforcing %[1]s-retention-full-type=count, %[1]s-retention-full=%[2]d,"+
		" %[1]s-retention-archive-type=full, and %[1]s-retention-archive=%[2]d for this execution", x.repo.Name(), fulls-1)
}

// retain applies full and then diff retention.
func (x *run) retain() ([]string, error) {
	kind := "full"
	fulls, oldest := expiredFulls(x.info.Backups, x.keep.Full)
	if x.keep.FullByTime {
		kind = "time-based"
		fulls, oldest = expiredByTime(x.info.Backups, x.keep.Full, x.Now)
	}
	if b, ok := x.info.Backup(oldest); ok && x.PageErrors {
		if err := damaged(b); err != nil {
			return nil, err
		}
	}
	dropped := x.dropAll(kind, fulls)
	if x.keep.FullByTime && oldest != "" && x.keep.Archive == 0 && x.keep.ArchiveType == format.Full {
		x.keep.Archive = len(ofType(x.info.Backups, format.Full))
	}
	return append(dropped, x.dropAll("diff", expiredDiffs(x.info.Backups, x.keep.Diff))...), nil
}

// dropAll drops and tells one backup after the other, but not those that went with one before.
func (x *run) dropAll(kind string, labels []string) []string {
	var dropped []string
	for _, label := range labels {
		if _, there := x.info.Backup(label); !there {
			continue
		}
		gone := x.drop(label)
		dropped = append(dropped, gone...)
		x.tell(kind, gone)
	}
	return dropped
}

// adHoc expires one set by name, if this repository has it.
func (x *run) adHoc(ctx context.Context, found *bool, last bool) ([]string, error) {
	if _, ok := x.info.Backup(x.Set); !ok {
		if last && !*found {
			x.Log.Warn("backup %s does not exist\nHINT: run the info command and confirm the backup is listed", x.Set)
		}
		return nil, nil
	}
	*found = true
	if !removable(x.info.Backups, x.Set) {
		return nil, errs.New(errs.BackupSetInvalid,
			"full backup %s cannot be expired until another full backup has been created on this repo", x.Set)
	}
	newest := x.info.Backups[len(x.info.Backups)-1].Label
	if slices.Contains(x.info.Dependents(x.Set), newest) {
		x.Log.Warn("%[1]s: expiring latest backup %[2]s - the ability to perform point-in-time-recovery (PITR) may be affected\n"+
			"HINT: non-default settings for '%[1]s-retention-archive'/'%[1]s-retention-archive-type' (even in prior expires)"+
			" can cause gaps in the WAL.", x.repo.Name(), newest)
	}
	dropped := x.drop(x.Set)
	x.tell("adhoc", dropped)
	if _, ok := x.info.Backup(newest); ok {
		return dropped, nil
	}
	if x.DryRun || len(x.info.Backups) == 0 {
		return dropped, nil
	}
	return dropped, x.repo.UpdateLatest(ctx, x.info.Backups[len(x.info.Backups)-1].Label)
}

// drop takes a backup and its dependents out of the loaded backup.info. It returns the labels in ascending order.
func (x *run) drop(label string) []string {
	gone := x.info.Dependents(label)
	for _, label := range gone {
		x.info.Remove(label)
	}
	slices.Reverse(gone)
	return gone
}

func (x *run) tell(kind string, labels []string) {
	set := ""
	if len(labels) > 1 {
		set = "set "
	}
	x.Log.Info("%s: expire %s backup %s%s", x.repo.Name(), kind, set, strings.Join(labels, ", "))
}
