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
	status := path.Join(dir, "archive_status")
	files, err := storage.Names(ctx, s, status, nil)
	if err == nil && files == nil {
		err = s.List(ctx, status, func(storage.Info) error { return nil }) // fails if it is not there at all
	}
	var names []string
	for _, file := range files {
		if name, ok := strings.CutSuffix(file, ready); ok {
			names = append(names, name)
		}
	}
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
	size, err := storage.Size(ctx, o.Local, path.Join(dir, queue[0]))
	return size*int64(len(queue)) > o.QueueMax, err
}
