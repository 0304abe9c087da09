package archive

import (
	"context"
	"path"
	"regexp"
	"strings"

	"holdfast/internal/storage"
)

var readyPattern = regexp.MustCompile(`\.ready$`)

// queueTooLong reports whether more WAL waits to be archived than the user allows. It asks no repository, because one that cannot be
// reached is why the queue grows.
func queueTooLong(ctx context.Context, o PushOptions) (bool, error) {
	if o.QueueMax < 0 {
		return false, nil
	}
	dir := path.Dir(o.File)
	ready, err := storage.Names(ctx, o.Local, path.Join(dir, "archive_status"), readyPattern)
	if err != nil || len(ready) == 0 {
		return false, err
	}
	// All files are taken to be as large as the first: a queue is segments but for the odd history file.
	first, err := o.Local.Stat(ctx, path.Join(dir, strings.TrimSuffix(ready[0], ".ready")))
	if err != nil {
		return false, err
	}
	return first.Size*int64(len(ready)) > o.QueueMax, nil
}
