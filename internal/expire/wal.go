package expire

import (
	"context"
	"regexp"

	"holdfast/internal/storage"
)

var (
	walDirPattern  = regexp.MustCompile(`^[0-9A-F]{16}$`)
	walFilePattern = regexp.MustCompile(`^[0-9A-F]{24}.*$`)
	historyPattern = regexp.MustCompile(`^[0-9A-F]{8}\.history$`)
)

// removeWAL removes what lies outside the spans. What comes after the directory in which the last, endless span begins is kept
// without looking.
func (x *run) removeWAL(ctx context.Context, id string, keep spans, start func(task)) error {
	dirs, err := storage.Names(ctx, x.repo.Storage(), x.repo.ArchivePath(id), walDirPattern)
	if err != nil {
		return err
	}
	endless := keep[len(keep)-1].start
	removed := removals{run: x, id: id}
	for _, dir := range dirs {
		if dir > endless[:len(dir)] {
			break
		}
		if keep.contain(dir) {
			if err := x.removeSegments(ctx, id, dir, keep, &removed, start); err != nil {
				return err
			}
			continue
		}
		removed.add(dir)
		x.Log.Detail("%s: %s remove archive path %s", x.repo.Name(), id, dir)
		start(x.removeTree(x.repo.ArchivePath(id, dir)))
	}
	removed.flush()
	if !removed.any {
		x.Log.Info("%s: %s no archive to remove", x.repo.Name(), id)
	}
	return nil
}

// removeSegments removes from a directory the segments that are not kept, and what belongs to them.
func (x *run) removeSegments(ctx context.Context, id, dir string, keep spans, removed *removals, start func(task)) error {
	files, err := storage.Names(ctx, x.repo.Storage(), x.repo.ArchivePath(id, dir), walFilePattern)
	if err != nil {
		return err
	}
	var gone []string
	for _, file := range files {
		segment := file[:24]
		if keep.contain(segment) {
			removed.flush()
			continue
		}
		gone = append(gone, file)
		removed.add(segment)
	}
	start(func(ctx context.Context) error {
		for _, file := range gone {
			if err := x.repo.Storage().Remove(ctx, x.repo.ArchivePath(id, dir, file)); err != nil {
				return err
			}
		}
		return nil
	})
	return nil
}

// removeHistory removes timeline history files of timelines before the one WAL is kept from.
func (x *run) removeHistory(ctx context.Context, id, timeline string) error {
	files, err := storage.Names(ctx, x.repo.Storage(), x.repo.ArchivePath(id), historyPattern)
	if err != nil {
		return err
	}
	for _, file := range files {
		if file[:8] >= timeline {
			break
		}
		if !x.DryRun {
			if err := x.repo.Storage().Remove(ctx, x.repo.ArchivePath(id, file)); err != nil {
				return err
			}
		}
		x.Log.Info("%s: %s remove history file %s", x.repo.Name(), id, file)
	}
	return nil
}

// removals gathers a run of removed names without a kept one in between, for one line of log.
type removals struct {
	run         *run
	id          string
	start, stop string
	any         bool
}

func (r *removals) add(name string) {
	if r.start == "" {
		r.start = name
	}
	r.stop, r.any = name, true
}

func (r *removals) flush() {
	if r.start == "" {
		return
	}
	r.run.Log.Info("%s: %s remove archive, start = %s, stop = %s", r.run.repo.Name(), r.id, r.start, r.stop)
	r.start = ""
}
