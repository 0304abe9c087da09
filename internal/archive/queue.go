package archive

import (
	"context"
	"path"
	"strings"

	"holdfast/internal/storage"
)

// ready is what the server appends to the name of a WAL file that waits to be archived.
const ready = ".ready"

// queueTooLong reports whether more WAL waits to be archived than the user allows. It asks no repository, because one that cannot be
// reached is why the queue grows.
func queueTooLong(ctx context.Context, o PushOptions) (bool, error) {
	if o.QueueMax < 0 {
		return false, nil
	}
	dir := path.Dir(o.File)
	count, first := int64(0), ""
	err := o.Local.List(ctx, path.Join(dir, "archive_status"), func(i storage.Info) error {
		if name, ok := strings.CutSuffix(i.Name, ready); ok {
			count++
			if first == "" || name < first {
				first = name
			}
		}
		return nil
	})
	if err != nil || count == 0 {
		return false, err
	}
	// All files are taken to be as large as the first: a queue is segments but for the odd history file.
	info, err := o.Local.Stat(ctx, path.Join(dir, first))
	if err != nil {
		return false, err
	}
	return info.Size*count > o.QueueMax, nil
}
