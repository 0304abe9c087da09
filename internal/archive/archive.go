// Package archive brings WAL into the repositories and back.
//
// Push, one file at a time, as the server's archive_command wants it:
//
//	drop the file if the queue of waiting ones is too long and the user prefers holes to a full disk
//	find the repositories that belong to this cluster; one that does not, or cannot be read, is remembered
//	hash the segment, and meanwhile begin to compress it
//	the same segment in a repository already is success, another content is an error
//	encrypt and write it to every repository
//	fail if anything went wrong anywhere: the server then keeps the file and asks again
//
// Success means that the file is durable in every repository. Get looks through the repositories in order and takes the first copy
// that can be read; where there are several, its content must also be what its name says.
//
// Asynchronously, the same is done ahead of the server by runs in the background, one at a time for a stanza, which leave notes and
// segments in the spool. What the server calls looks there, and starts a run when there is nothing or too little:
//
//	AwaitPush    note? else start a run and wait for one
//	PushWaiting  push what waits to be archived, several files at a time; a note for each; stop after the first error
//	AwaitGet     deliver the segment; remove what nobody will ask for; start a run if less than half of the queue is left
//	GetAhead     fetch segments up to the first that is missing; a note for that one
//
// How runs are started, and what keeps two from being at work, is up to the caller (Background).
package archive

import (
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
)

// copyBuffer is how much is read at a time.
const copyBuffer = 256 << 10

// failures collects what went wrong in repositories while others go on.
type failures struct{ lines []string }

func (f *failures) add(r *repo.Repo, err error) {
	f.lines = append(f.lines, r.Name()+": "+errs.Typed(err))
}

// error returns the failures under a heading, or nil if there are none.
func (f *failures) error(code errs.Code, heading string) error {
	if len(f.lines) == 0 {
		return nil
	}
	return errs.New(code, "%s\n%s", heading, strings.Join(f.lines, "\n"))
}

// isSegment reports whether a file is WAL proper, whole or partial. Everything else (timeline history, backup history, whatever
// else the server hands over) is kept as it is, under its own name.
func isSegment(name string) bool {
	return postgres.IsSegment(name) || postgres.IsPartial(name)
}

// duplicates returns an error if the stored files of one segment in one repository differ in content or are simply too many.
func duplicates(segment string, found []repo.Segment) error {
	if len(found) < 2 {
		return nil
	}
	names := make([]string, len(found))
	for i, s := range found {
		names[i] = s.Name
	}
	return errs.New(errs.ArchiveDuplicate, "duplicates found in archive for WAL segment %s: %s", segment, strings.Join(names, ", ")).
		Hint("are multiple primaries archiving to this stanza?")
}

// sameCluster reports whether an archive belongs to a cluster.
func sameCluster(d format.ArchiveDB, version string, systemID uint64) bool {
	return d.Version == version && d.SystemID == systemID
}
