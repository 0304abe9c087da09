package verify

import (
	"fmt"
	"strings"
)

// Text renders the result: what is wrong or, if verbose, everything. It is "" when there is nothing to say.
func (r *Result) Text(verbose bool) string {
	if !verbose && !r.Failed {
		return ""
	}
	status := "ok"
	if r.Failed {
		status = "error"
	}
	lines := []string{"stanza: " + r.Stanza, "status: " + status}
	if r.Problem != "" {
		return strings.Join(append(lines, r.Problem), "\n")
	}
	if verbose && len(r.Archives) == 0 {
		lines = append(lines, "  archiveId: none found")
	}
	for _, a := range r.Archives {
		if verbose || a.Valid != a.Total {
			lines = append(lines, fmt.Sprintf("  archiveId: %s, total WAL checked: %d, total valid WAL: %d", a.ID, a.Total, a.Valid))
			lines = a.counters(lines, verbose)
		}
	}
	if verbose && len(r.Backups) == 0 {
		lines = append(lines, "  backup: none found")
	}
	for _, b := range r.Backups {
		if verbose || b.Status != Valid && b.Status != InProgress {
			lines = append(lines, fmt.Sprintf("  backup: %s, status: %s, total files checked: %d, total valid files: %d",
				b.Label, b.Status, b.Total, b.Valid))
			lines = b.counters(lines, verbose)
		}
	}
	return strings.Join(lines, "\n")
}

// counters adds the line that says what is wrong with how many files, if any were checked.
func (t *Tally) counters(lines []string, verbose bool) []string {
	var parts []string
	for _, c := range []struct {
		name string
		n    int
	}{{"missing", t.Missing}, {"checksum invalid", t.Checksum}, {"size invalid", t.Size}, {"other", t.Other}} {
		if c.n > 0 || verbose && t.Total > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", c.name, c.n))
		}
	}
	if len(parts) == 0 {
		return lines
	}
	return append(lines, "    "+strings.Join(parts, ", "))
}
