package restore

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/postgres"
)

// choose finds the repository and the backup to restore. The first repository with a fitting backup wins.
func (r *run) choose(ctx context.Context) error {
	fits, err := r.selector()
	if err != nil {
		return err
	}
	for _, repo := range r.Repos {
		info, err := repo.LoadBackupInfo(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			r.Log.Warn("%s: %s", repo.Name(), errs.Typed(err))
			continue
		}
		if len(info.Backups) == 0 {
			r.Log.Warn("%s: [%s] no backup sets to restore", repo.Name(), errs.BackupSetInvalid.TypeName())
			continue
		}
		r.repo, r.info = repo, info
		label, err := fits(info)
		if label != "" || err != nil {
			r.label = label
			return err
		}
	}
	return r.nothingFits()
}

func (r *run) nothingFits() error {
	switch {
	case r.Set != "":
		return errs.New(errs.BackupSetInvalid, "backup set %s is not valid", r.Set)
	case r.Type == Time:
		return errs.New(errs.BackupSetInvalid, "unable to find backup set with stop time less than '%s'", r.Target)
	case r.Type == LSN:
		return errs.New(errs.BackupSetInvalid, "unable to find backup set with lsn less than or equal to '%s'", r.Target)
	}
	return errs.New(errs.BackupSetInvalid, "no backup set found to restore")
}

// selector returns the function that picks a backup of a repository, "" if none fits.
func (r *run) selector() (func(*format.BackupInfo) (string, error), error) {
	switch {
	case r.Set != "":
		return func(info *format.BackupInfo) (string, error) {
			b, _ := info.Backup(r.Set)
			return b.Label, nil
		}, nil
	case r.Type == Time:
		target, err := parseTarget(r.Target)
		return func(info *format.BackupInfo) (string, error) {
			return newestBefore(info.Backups, target), nil
		}, err
	case r.Type == LSN:
		target, err := postgres.ParseLSN(r.Target)
		return func(info *format.BackupInfo) (string, error) {
			return r.newestUpTo(info.Backups, target)
		}, err
	}
	return newest, nil
}

// newest picks the last backup, which must be of the current cluster.
func newest(info *format.BackupInfo) (string, error) {
	b := info.Backups[len(info.Backups)-1]
	if b.DBID == info.DB.ID {
		return b.Label, nil
	}
	return "", errs.New(errs.BackupSetInvalid, "the latest backup set found '%s' is from a prior version of PostgreSQL", b.Label).
		Hint("was a backup created after the stanza-upgrade?").
		Hint("specify --set or --type=time/lsn to restore from a prior version of PostgreSQL.")
}

// newestBefore picks the newest backup that ended before a moment. Stop times are whole seconds, so one that ended in the very
// second of the target may have ended after it and does not count.
func newestBefore(backups []format.Backup, target time.Time) string {
	for _, b := range slices.Backward(backups) {
		if b.TimestampStop < target.Unix() {
			return b.Label
		}
	}
	return ""
}

// newestUpTo picks the newest backup that was consistent at a position of the log.
func (r *run) newestUpTo(backups []format.Backup, target postgres.LSN) (string, error) {
	for _, b := range slices.Backward(backups) {
		if b.LSNStop == "" {
			r.Log.Warn("%s reached backup from prior version missing required LSN info before finding a match"+
				" -- backup auto-select has been disabled for this repo\n"+
				"HINT: you may specify a backup to restore using the --set option.", r.repo.Name())
			return "", nil
		}
		stop, err := postgres.ParseLSN(b.LSNStop)
		if err != nil {
			return "", err
		}
		if stop <= target {
			return b.Label, nil
		}
	}
	return "", nil
}

var targetPattern = regexp.MustCompile(
	`^(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})(?:\.\d+)?(?:([+-]\d{2})(?::?(00|15|30|45))?)?$`)

// parseTarget reads the time target as far as it is needed to choose a backup. The server reads the text again and knows many more
// forms.
func parseTarget(text string) (time.Time, error) {
	bad := errs.New(errs.Format, "automatic backup set selection cannot be performed with provided time '%s'", text).
		Hint("time format must be YYYY-MM-DD HH:MM:SS with optional msec and optional timezone (+/- HH or HHMM or HH:MM)" +
			" - if timezone is omitted, local time is assumed (for UTC use +00)")
	part := targetPattern.FindStringSubmatch(text)
	if part == nil {
		return time.Time{}, bad
	}
	zone, ok := parseZone(part[2], part[3])
	if !ok {
		return time.Time{}, bad
	}
	t, err := time.ParseInLocation(time.DateTime, part[1], zone)
	if err != nil {
		return time.Time{}, bad
	}
	return t, nil
}

// The offsets from UTC that are, or were, some country's time.
const (
	westmost = -12 * time.Hour
	eastmost = 14 * time.Hour
)

// parseZone reads an offset from UTC. None means local time.
func parseZone(hours, minutes string) (*time.Location, bool) {
	if hours == "" {
		return time.Local, true
	}
	h, _ := strconv.Atoi(hours)
	m, _ := strconv.Atoi(minutes)
	if hours[0] == '-' {
		m = -m
	}
	offset := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	return time.FixedZone("", int(offset.Seconds())), westmost <= offset && offset <= eastmost
}
