package format

import (
	"regexp"
	"time"
)

// BackupType says what a backup is based on.
type BackupType string

// The types of backups.
const (
	Full BackupType = "full" // on nothing
	Diff BackupType = "diff" // on the last full
	Incr BackupType = "incr" // on the last backup of any type
)

const (
	labelTime     = "20060102-150405"
	fullLabelSize = len(labelTime) + 1
)

// LabelPattern matches the label of a backup of any type.
var LabelPattern = regexp.MustCompile(`^[0-9]{8}-[0-9]{6}F(_[0-9]{8}-[0-9]{6}(D|I))?$`)

// NewLabel returns the label of a backup that begins at a time. The caller chooses the zone of that time (labels use local time) and
// makes sure that the label is later than all others. The prior label is not used for a full backup.
func NewLabel(t BackupType, prior string, at time.Time) string {
	stamp := at.Format(labelTime)
	switch t {
	case Full:
		return stamp + "F"
	case Diff:
		return LabelFull(prior) + "_" + stamp + "D"
	}
	return LabelFull(prior) + "_" + stamp + "I"
}

// ValidLabel reports whether the text has the form of a label.
func ValidLabel(label string) bool { return LabelPattern.MatchString(label) }

// LabelType returns the type of the backup, or "" for a text that is no label.
func LabelType(label string) BackupType {
	if label == "" {
		return ""
	}
	switch label[len(label)-1] {
	case 'F':
		return Full
	case 'D':
		return Diff
	case 'I':
		return Incr
	}
	return ""
}

// LabelFull returns the label of the full backup that a label depends on; for a full backup, the label itself.
func LabelFull(label string) string {
	if len(label) < fullLabelSize {
		return label
	}
	return label[:fullLabelSize]
}
