// Package verify reads back what a repository has of a stanza and says what is wrong with it.
//
// The algorithm:
//
//	examine backup.info and archive.info, each with its copy; without both there is nothing to go by   (survey.go)
//	choose archives and backups: all there are, or those of one set                                     (survey.go)
//	archive by archive, directory by directory: read each segment                                       (archive.go)
//	backup by backup, oldest first: read each file that the backup stored itself                        (backup.go)
//
// A stored file is compared with the checksum of its stored bytes where the manifest has one, otherwise it is decoded and compared
// with the checksum of its content (file.go). What an earlier backup stored is read once, as part of that backup, and counts for every
// backup that refers to it.
//
// One generator names the files and workers read them (crew.go), so that at any time there is one manifest in memory, or the
// listing of one directory of the archive, and the names of what is broken.
//
// Finding damage is a result, not an error. An error means that the work could not be done.
package verify

import (
	"context"
	"time"

	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
)

// Options says what to verify.
type Options struct {
	Repo     *repo.Repo
	Set      string // only this backup and the WAL it was made under; "" for all
	Workers  int
	Retries  int // how often a file that cannot be read is tried again
	RetryGap time.Duration
	Assume   postgres.Version // version to read WAL as, whatever it says itself; 0 to believe it
	Log      *log.Logger
}

// Result is what was found.
type Result struct {
	Stanza   string
	Problem  string // why nothing could be verified, as lines of text; then there is nothing else
	Failed   bool   // something is wrong
	Archives []*Archive
	Backups  []*Backup
}

// Tally counts files by what became of them.
type Tally struct {
	Total, Valid                   int
	Missing, Checksum, Size, Other int
}

// Archive is the outcome for the WAL of one cluster. Duplicates are in the total and nowhere else.
type Archive struct {
	ID string
	Tally
	ranges []walRange
}

// Status is the state of a backup in words.
type Status string

// The states of a backup.
const (
	Valid           Status = "valid"
	Invalid         Status = "invalid"
	ManifestMissing Status = "manifest missing" // perhaps it was expired in the meantime
	InProgress      Status = "in-progress"
)

// Backup is the outcome for one backup.
type Backup struct {
	Label  string
	Status Status
	Tally
}

// Run verifies a stanza. Problems are logged as they are found, and the whole is in the result.
func Run(ctx context.Context, o Options) (*Result, error) {
	v := &run{
		Options: o,
		result:  &Result{Stanza: o.Repo.Stanza()},
		read:    map[string]bool{},
		broken:  map[string]map[string]verdict{},
		crew:    newCrew(),
	}
	if more, err := v.survey(ctx); err != nil || !more {
		return v.result, err
	}
	if err := v.work(ctx); err != nil {
		return nil, err
	}
	v.tellRanges()
	return v.result, nil
}

// run is one verification.
type run struct {
	Options
	result  *Result
	backups *format.BackupInfo
	archive *format.ArchiveInfo
	ids     []string // archives
	labels  []string // backups, oldest first
	wal     span     // which WAL to verify
	chosen  *manifestPair

	*crew
	// What is known of the files that each backup stored itself. Guarded by the crew's mutex.
	read   map[string]bool               // labels whose files are being or have been read
	broken map[string]map[string]verdict // label, name in the manifest
}

// span is a range of segments, both ends included. Everything lies in the zero span.
type span struct {
	limited     bool
	first, last string
}

// reaches reports whether segments of a directory, which their names begin with, may be in the span.
func (s span) reaches(dir string) bool {
	return !s.limited || len(s.first) >= len(dir) && s.first[:len(dir)] <= dir && dir <= s.last
}

func (s span) holds(segment string) bool {
	return !s.limited || s.first <= segment && segment <= s.last
}
