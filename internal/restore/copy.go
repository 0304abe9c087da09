package restore

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
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
	c := &copying{run: r}
	files := c.queue()
	c.publish()
	jobs := make(chan []*format.File)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(jobs)
		for job := range c.jobs(files) {
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

// rank is what files are ordered by, in this order; in the end it is their name, which is that of the manifest.
type rank struct {
	file          uint32
	group         uint32
	first, second int64
}

// The groups of files. Between them are those in bundles, by the backup that holds them.
const (
	ownFile   = 0
	emptyFile = math.MaxUint32
)

func (a rank) compare(b rank) int {
	return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.first, b.first), cmp.Compare(a.second, b.second),
		cmp.Compare(a.file, b.file))
}

// queue lists the files, as indexes in the manifest, in the order to restore them: the largest first, so that no worker is left with a
// large one at the end, then those in bundles as they lie there, the empty ones last. It also adds up how much there is to do.
func (c *copying) queue() []uint32 {
	ranks := make([]rank, 0, c.manifest.Files.Len())
	groups := map[string]uint32{}
	for i, f := range c.manifest.Files.All() {
		c.total += f.Size
		k := rank{file: uint32(i), group: ownFile, first: -f.Size}
		switch {
		case f.Size == 0:
			k.group = emptyFile
		case f.BundleID != 0:
			holder := c.holder(&f)
			if groups[holder] == 0 {
				groups[holder] = uint32(len(groups) + 1)
			}
			k.group, k.first, k.second = groups[holder], f.BundleID, f.BundleOffset
		}
		ranks = append(ranks, k)
	}
	slices.SortFunc(ranks, rank.compare)
	files := make([]uint32, len(ranks))
	for i := range ranks {
		files[i] = ranks[i].file
	}
	return files
}

// holder returns the label of the backup a file lies in.
func (r *run) holder(f *format.File) string { return cmp.Or(f.Reference, r.manifest.Label) }

// maxJob is how many files a job has at most, since all of them are in memory.
const maxJob = 10_000

// jobs cuts the queue: the files of one bundle are one job, any other file is one by itself.
func (r *run) jobs(queue []uint32) iter.Seq[[]*format.File] {
	return func(yield func([]*format.File) bool) {
		var job []*format.File
		for _, i := range queue {
			f := r.manifest.Files.At(int(i))
			if len(job) > 0 && (len(job) == maxJob || f.BundleID == 0 || f.BundleID != job[0].BundleID || r.holder(&f) != r.holder(job[0])) {
				if !yield(job) {
					return
				}
				job = nil
			}
			job = append(job, &f)
		}
		if len(job) > 0 {
			yield(job)
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
