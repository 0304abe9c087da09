package postgres

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"holdfast/internal/errs"
)

// TimelineEntry is one line of a timeline's history: the log up to Switch was written on Timeline.
type TimelineEntry struct {
	Timeline uint32
	Switch   LSN
}

// ParseHistory reads a timeline history file, oldest ancestor first. Blank lines and lines that begin with '#' are ignored, like what
// follows the two numbers.
func ParseHistory(r io.Reader) ([]TimelineEntry, error) {
	var entries []TimelineEntry
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimLeft(lines.Text(), " \t\r")
		if line == "" || line[0] == '#' {
			continue
		}
		entry, ok := parseHistoryLine(line)
		if !ok {
			return nil, errs.New(errs.Format, "invalid timeline history line '%s'", line)
		}
		entries = append(entries, entry)
	}
	return entries, lines.Err()
}

func parseHistoryLine(line string) (TimelineEntry, bool) {
	fields := strings.Fields(line)
	if len(fields) < 2 || !allDigits(fields[0]) {
		return TimelineEntry{}, false
	}
	timeline, err := strconv.ParseUint(fields[0], 10, 32)
	if err != nil || timeline == 0 {
		return TimelineEntry{}, false
	}
	lsn, err := ParseLSN(fields[1])
	return TimelineEntry{Timeline: uint32(timeline), Switch: lsn}, err == nil
}
