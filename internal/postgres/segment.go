package postgres

import (
	"fmt"
	"strings"

	"holdfast/internal/errs"
)

// segmentNameLen is the length of a WAL segment name: timeline, upper and lower half of the position, eight digits each.
const segmentNameLen = 24

const partialSuffix = ".partial"

// IsSegment reports whether a name is that of a complete WAL segment.
func IsSegment(name string) bool { return len(name) == segmentNameLen && HasSegmentPrefix(name) }

// IsPartial reports whether a name is that of a segment which a promoted standby left behind unfinished.
func IsPartial(name string) bool {
	segment, found := strings.CutSuffix(name, partialSuffix)
	return found && IsSegment(segment)
}

// HasSegmentPrefix reports whether a name belongs to a segment: the segment itself, its partial form or a backup history file.
func HasSegmentPrefix(name string) bool {
	if len(name) < segmentNameLen {
		return false
	}
	for i := range segmentNameLen {
		if c := name[i]; (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// SegmentName is the name of the segment that holds a position.
func SegmentName(timeline uint32, lsn LSN, segSize int64) string {
	return segmentName(timeline, uint64(lsn)/uint64(segSize), segSize)
}

func segmentName(timeline uint32, number uint64, segSize int64) string {
	perHigh := (uint64(1) << 32) / uint64(segSize)
	return fmt.Sprintf("%08X%08X%08X", timeline, uint32(number/perHigh), uint32(number%perHigh))
}

// SegmentTimeline is the timeline in the name of a segment, or of anything else with that prefix.
func SegmentTimeline(name string) (uint32, error) {
	if !HasSegmentPrefix(name) {
		return 0, errs.New(errs.Format, "invalid WAL segment name '%s'", name)
	}
	timeline, _ := parseHex32(name[:8])
	return timeline, nil
}

// NextSegment is the name that follows on the same timeline. The name must satisfy IsSegment.
func NextSegment(name string, segSize int64) string {
	timeline, _ := parseHex32(name[:8])
	high, _ := parseHex32(name[8:16])
	low, _ := parseHex32(name[16:24])
	perHigh := (uint64(1) << 32) / uint64(segSize)
	return segmentName(timeline, uint64(high)*perHigh+uint64(low)+1, segSize)
}

// SegmentsBetween lists the segments that hold the log from start up to, but not including, stop. There is always at least one. A stop
// at the very beginning of a segment needs nothing of it, and the server may not even have begun to write it.
func SegmentsBetween(timeline uint32, start, stop LSN, segSize int64) []string {
	first, last := uint64(start)/uint64(segSize), uint64(start)/uint64(segSize)
	if stop > start {
		last = uint64(stop-1) / uint64(segSize)
	}
	names := make([]string, 0, last-first+1)
	for number := first; number <= last; number++ {
		names = append(names, segmentName(timeline, number, segSize))
	}
	return names
}
