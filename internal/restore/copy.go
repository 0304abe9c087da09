package restore

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"path"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
)

// controlTemp is where the control file waits for the end of the restore.
const controlTemp = postgres.ControlName + ".pgbackrest.tmp"

// fileOf returns the path a file is restored to. The control file gets its own name only at the very end.
func (r *run) fileOf(name string) string {
	if name == controlName {
		return r.pg(controlTemp)
	}
	return r.path(name)
}

// copy restores all files.
func (r *run) copy(ctx context.Context) error {
	files := r.queue()
	c := &copying{run: r}
	for _, f := range files {
		c.total += f.Size
	}
	c.publish()
	jobs := make(chan []*format.File)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(jobs)
		for job := range r.jobs(files) {
			select {
			case jobs <- job:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for n := 1; n <= max(r.Workers, 1); n++ {
		group.Go(func() error { return c.work(ctx, n, jobs) })
	}
	err := group.Wait()
	r.result = Result{Label: r.label, Size: c.total, Files: len(files)}
	return err
}

// queue lists the files in the order to restore them: the largest first, so that no worker is left with a large one at the end, then
// those in bundles as they lie there, the empty ones last.
func (r *run) queue() []*format.File {
	files := make([]*format.File, len(r.manifest.Files))
	for i := range r.manifest.Files {
		files[i] = &r.manifest.Files[i]
	}
	slices.SortStableFunc(files, func(a, b *format.File) int {
		if (a.Size == 0) != (b.Size == 0) {
			return cmp.Compare(b.Size, a.Size)
		}
		if a.BundleID == 0 && b.BundleID == 0 {
			return cmp.Compare(b.Size, a.Size)
		}
		return cmp.Or(
			cmp.Compare(a.BundleID, b.BundleID),
			cmp.Compare(r.holder(a), r.holder(b)),
			cmp.Compare(a.BundleOffset, b.BundleOffset))
	})
	return files
}

// holder returns the label of the backup a file lies in.
func (r *run) holder(f *format.File) string { return cmp.Or(f.Reference, r.manifest.Label) }

// jobs cuts the queue: the files of one bundle are one job, any other file is one by itself.
func (r *run) jobs(files []*format.File) iter.Seq[[]*format.File] {
	return func(yield func([]*format.File) bool) {
		for len(files) > 0 {
			first, n := files[0], 1
			for first.BundleID != 0 && n < len(files) && files[n].BundleID == first.BundleID && r.holder(files[n]) == r.holder(first) {
				n++
			}
			if !yield(files[:n]) {
				return
			}
			files = files[n:]
		}
	}
}

// copying is the state that workers share.
type copying struct {
	*run
	total int64

	mu        sync.Mutex
	done      int64
	published int64
}

func (c *copying) work(ctx context.Context, n int, jobs <-chan []*format.File) error {
	logger := c.Log.Worker(n)
	w := newWorker(c.run)
	defer w.close()
	for job := range jobs {
		w.begin(job)
		for _, f := range job {
			how, err := c.try(ctx, w, f)
			if err != nil {
				return fromWorker(n, err)
			}
			if err := c.finished(logger, f, how); err != nil {
				return err
			}
		}
	}
	return nil
}

// fromWorker says which worker an error comes from, in the words that people's scripts look for.
func fromWorker(n int, err error) error {
	e := errs.Because(errs.CodeOf(err), err, "raised from local-%d protocol: %s", n, err)
	e.Hints = errs.Hints(err)
	return e
}

// try restores one file, and again if that failed.
func (c *copying) try(ctx context.Context, w *worker, f *format.File) (outcome, error) {
	var failed log.Retries
	began := time.Now()
	for attempt := 0; ; attempt++ {
		how, err := w.restore(ctx, f)
		if err == nil {
			return how, nil
		}
		if ctx.Err() != nil {
			return how, ctx.Err()
		}
		w.close() // what is open may be what is broken
		failed.Add(err, time.Since(began))
		if attempt >= c.Retries || errs.CodeOf(err).Fatal() {
			return how, failed.Err()
		}
		if attempt > 0 {
			select {
			case <-time.After(c.RetryGap):
			case <-ctx.Done():
				return how, ctx.Err()
			}
		}
	}
}

// finished tells about a restored file and how far the restore is.
func (c *copying) finished(logger *log.Logger, f *format.File, how outcome) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.PageChecksum == format.PageError && how.copied {
		err := pageError(c.path(f.Name))
		if c.PageErrors {
			return err
		}
		c.Log.Warn("%s", err)
		c.damaged++
	}
	c.done += f.Size
	if logger.Enabled(log.Detail) {
		logger.Detail("%s", c.describe(f, how))
	}
	c.publish()
	return nil
}

// describe says what was done with a file.
func (c *copying) describe(f *format.File, how outcome) string {
	zeroed, bundle, blocks, sum := "", "", "", ""
	if how.zeroed {
		zeroed = "zeroed "
	} else if f.Size > 0 {
		sum = " checksum " + f.Checksum.String()
	}
	if f.BundleID != 0 && !how.zeroed {
		bundle = fmt.Sprintf("bundle %s, ", path.Join(f.Reference, fmt.Sprint(f.BundleID), fmt.Sprint(f.BundleOffset)))
	}
	if how.blocks {
		blocks = "bi "
		if how.patched {
			blocks += log.Size(how.fetched) + "/"
		}
	}
	return fmt.Sprintf("restore %sfile %s%s (%s%s%s, %s)%s", zeroed, c.fileOf(f.Name), how.kept, bundle, blocks, log.Size(f.Size),
		log.Percent(c.done, c.total), sum)
}

// publish shows the progress when it has moved by a tenth of a percent.
func (c *copying) publish() {
	if c.Progress == nil || c.done != 0 && c.done-c.published <= c.total/1000 {
		return
	}
	c.published = c.done
	c.Progress(c.total, c.done)
}
