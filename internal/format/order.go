package format

import (
	"cmp"
	"slices"

	"holdfast/internal/errs"
)

// inOrder sorts entries by the bytes of their names, which they nearly always are already, and refuses names that occur twice.
func inOrder[T any](entries []T, name func(*T) string) error {
	sorted := true
	for i := 1; i < len(entries) && sorted; i++ {
		sorted = name(&entries[i-1]) < name(&entries[i])
	}
	if sorted {
		return nil
	}
	slices.SortFunc(entries, func(a, b T) int { return cmp.Compare(name(&a), name(&b)) })
	for i := 1; i < len(entries); i++ {
		if text := name(&entries[i]); text == name(&entries[i-1]) {
			return errs.New(errs.Format, "'%s' occurs twice", text)
		}
	}
	return nil
}
