package archive

import (
	"context"
	"slices"
	"strings"

	"holdfast/internal/postgres"
	"holdfast/internal/storage"
)

// A queue shorter than this would not be ahead of anybody; a longer one could not be named on a command line.
const (
	leastWanted = 2
	mostWanted  = 1 << 15
)

// wanted lists the segments that should wait in the spool, beginning with the given one, so that they take about queueMax bytes.
func wanted(first string, queueMax, segSize int64) []string {
	names := make([]string, 0, leastWanted)
	for n := min(max(queueMax/segSize, leastWanted), mostWanted); n > 0; n-- {
		names = append(names, first)
		first = postgres.NextSegment(first, segSize)
	}
	return names
}

// keepWanted removes from the spool what is not wanted, such as segments of another timeline, and returns what is wanted but not there,
// in order. The note beside a segment stays with it.
func (t tray) keepWanted(ctx context.Context, names []string) (needed []string, err error) {
	there, err := storage.Names(ctx, t.tree, t.path, nil)
	if err != nil {
		return nil, err
	}
	for _, name := range there {
		segment, isNote := strings.CutSuffix(name, okSuffix)
		if slices.Contains(names, name) || isNote && slices.Contains(names, segment) && slices.Contains(there, segment) {
			continue
		}
		if err := t.tree.Remove(ctx, t.at(name)); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		if _, found := slices.BinarySearch(there, name); !found {
			needed = append(needed, name)
		}
	}
	return needed, nil
}
