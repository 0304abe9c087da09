package format

import (
	"fmt"
	"strings"

	"holdfast/internal/errs"
)

// File returns what the entry with the name says, nil if there is none.
func (m *Manifest) File(name string) *File {
	i, found := m.Files.Search(name)
	if !found {
		return nil
	}
	f := m.Files.At(i)
	return &f
}

// Validate checks that the manifest describes a finished backup: every file has a checksum. Strict also checks what writing it
// should have made sure of: that files of size zero have the checksum of nothing, and others are stored somewhere.
func (m *Manifest) Validate(strict bool) error {
	var lines strings.Builder
	for _, f := range m.Files.All() {
		switch {
		case !f.HasChecksum:
			fmt.Fprintf(&lines, "\nmissing checksum for file '%s'", f.Name)
		case strict && f.Size == 0 && f.Checksum != EmptySum:
			fmt.Fprintf(&lines, "\ninvalid checksum '%s' for zero size file '%s'", f.Checksum, f.Name)
		case strict && f.Size > 0 && f.RepoSize == 0:
			fmt.Fprintf(&lines, "\nrepo size must be > 0 for file '%s'", f.Name)
		}
	}
	if lines.Len() > 0 {
		return errs.New(errs.Format, "manifest validation failed:%s", lines.String())
	}
	return nil
}
