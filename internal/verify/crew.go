package verify

import (
	"context"
	"iter"
	"sync"

	"golang.org/x/sync/errgroup"
)

// job is a stored file to read: whole, or a run of neighbours in a bundle.
type job struct {
	path    string
	files   []part
	archive *Archive // set for WAL
	backup  *Backup  // set for a file of a backup
	stored  bool     // the backup stored the files itself
}

// crew is what workers and the generator share.
type crew struct {
	mu      sync.Mutex
	settled *sync.Cond // a job was finished

	pending map[*Backup]int // jobs that are being worked on, for files a backup stored itself
}

func newCrew() *crew {
	c := &crew{pending: map[*Backup]int{}}
	c.settled = sync.NewCond(&c.mu)
	return c
}

// work reads all files. Workers take jobs from one generator, one at a time: what a single worker does and logs has a fixed order.
func (v *run) work(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	var failed error
	next, stop := iter.Pull(func(yield func(*job) bool) {
		failed = v.jobs(ctx, func(j *job) bool { return yield(j) && ctx.Err() == nil })
	})
	defer stop()
	var taking sync.Mutex
	take := func() (*job, error) {
		taking.Lock()
		defer taking.Unlock()
		j, ok := next()
		if !ok {
			return nil, failed
		}
		if j.stored {
			v.mu.Lock()
			v.pending[j.backup]++
			v.mu.Unlock()
		}
		return j, ctx.Err()
	}
	for n := 1; n <= max(v.Workers, 1); n++ {
		group.Go(func() error { return v.hand(ctx, n, take) })
	}
	return group.Wait()
}

// jobs generates the jobs. It ends early, without an error, when yield returns false.
func (v *run) jobs(ctx context.Context, yield func(*job) bool) error {
	for _, id := range v.ids {
		if more, err := v.archiveJobs(ctx, id, yield); err != nil || !more {
			return err
		}
	}
	for _, label := range v.labels {
		if more, err := v.backupJobs(ctx, label, yield); err != nil || !more {
			return err
		}
	}
	return nil
}

// hand is one worker.
func (v *run) hand(ctx context.Context, n int, take func() (*job, error)) error {
	w := newWorker(v, n)
	for {
		j, err := take()
		if j == nil {
			return err
		}
		if err == nil {
			err = w.do(ctx, j)
		}
		v.done(j)
		if err != nil {
			return err
		}
	}
}

// done lets go of a job.
func (v *run) done(j *job) {
	if !j.stored {
		return
	}
	v.mu.Lock()
	v.pending[j.backup]--
	v.mu.Unlock()
	v.settled.Broadcast()
}

// settle waits until nobody works on files of earlier backups any more, so that all is known about them.
func (v *run) settle() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for v.busy() {
		v.settled.Wait()
	}
}

func (c *crew) busy() bool {
	for backup, n := range c.pending {
		if n > 0 {
			return true
		}
		delete(c.pending, backup)
	}
	return false
}
