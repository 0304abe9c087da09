package expire

import (
	"slices"
	"time"

	"holdfast/internal/format"
)

// ofType returns the backups that count for retention of a type, oldest first: a diff counts fulls too, an incr everything.
func ofType(backups []format.Backup, t format.BackupType) []format.Backup {
	var list []format.Backup
	for _, b := range backups {
		if t == format.Incr || b.Type == format.Full || b.Type == t {
			list = append(list, b)
		}
	}
	return list
}

// expiredFulls returns the labels of the full backups older than the newest keep, oldest first, and the one that is then the oldest,
// or nothing when there are no more than that or keep is 0.
func expiredFulls(backups []format.Backup, keep int) (expired []string, oldest string) {
	fulls := ofType(backups, format.Full)
	if keep == 0 || len(fulls) <= keep {
		return nil, ""
	}
	cut := len(fulls) - keep
	return labels(fulls[:cut]), fulls[cut].Label
}

// expiredByTime returns the labels of all backups before the newest full backup that ended before the window of days, oldest first,
// and that full backup. It stays: without it the oldest moment of the window could not be restored. While there is none, nothing
// expires.
func expiredByTime(backups []format.Backup, days int, now time.Time) (expired []string, oldest string) {
	threshold := now.Unix() - int64(days)*24*60*60
	for i, b := range slices.Backward(backups) {
		if days > 0 && b.Type == format.Full && b.TimestampStop < threshold {
			return labels(backups[:i]), b.Label
		}
	}
	return nil, ""
}

// expiredDiffs returns the labels of the differential backups that are not among the newest keep of fulls and diffs, oldest first.
func expiredDiffs(backups []format.Backup, keep int) []string {
	list := ofType(backups, format.Diff)
	if keep == 0 || len(list) <= keep {
		return nil
	}
	var diffs []format.Backup
	for _, b := range list[:len(list)-keep] {
		if b.Type == format.Diff {
			diffs = append(diffs, b)
		}
	}
	return labels(diffs)
}

// removable reports whether a backup may be expired by name: the newest full backup may not unless an older one of the same
// cluster stays.
func removable(backups []format.Backup, label string) bool {
	fulls := ofType(backups, format.Full)
	newest := len(fulls) - 1
	if newest < 0 || fulls[newest].Label != label {
		return true
	}
	return newest > 0 && fulls[newest-1].DBID == fulls[newest].DBID
}

func labels(backups []format.Backup) []string {
	list := make([]string, len(backups))
	for i, b := range backups {
		list[i] = b.Label
	}
	return list
}
