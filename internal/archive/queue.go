package archive

import (
	"context"
	"path"
	"slices"
	"strings"

	"holdfast/internal/storage"
)

// ready is what the server appends to the name of a WAL file that waits to be archived.
const ready = ".ready"

// waiting lists the files in a directory of WAL that wait to be archived, sorted.
func waiting(ctx context.Context, s storage.Storage, dir string) ([]string, error) {
	var names []string
	err := s.List(ctx, path.Join(dir, "archive_status"), func(i storage.Info) error {
		if name, ok := strings.CutSuffix(i.Name, ready); ok {
			names = append(names, name)
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

// queueTooLong reports whether more WAL waits to be archived than the user allows. It asks no repository, because one that cannot be
// reached is why the queue grows.
func queueTooLong(ctx context.Context, o PushOptions) (bool, error) {
	if o.QueueMax < 0 {
		return false, nil
	}
	dir := path.Dir(o.File)
	queue, err := waiting(ctx, o.Local, dir)
	if err != nil {
		return false, err
	}
	return exceeds(ctx, o, dir, queue)
}

// exceeds reports whether a queue is longer than the user allows. All files are taken to be as large as the first: a queue is segments
// but for the odd history file.
func exceeds(ctx context.Context, o PushOptions, dir string, queue []string) (bool, error) {
	if o.QueueMax < 0 || len(queue) == 0 {
		return false, nil
	}
	info, err := o.Local.Stat(ctx, path.Join(dir, queue[0]))
	if err != nil {
		return false, err
	}
	return info.Size*int64(len(queue)) > o.QueueMax, nil
}
