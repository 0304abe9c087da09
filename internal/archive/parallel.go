package archive

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"holdfast/internal/errs"
	"holdfast/internal/log"
)

// Effort is how a background run goes about its files.
type Effort struct {
	Workers int
	Retries int           // attempts after the first
	Gap     time.Duration // before the second of them and those after
}

// each hands the numbers below n in order to workers, which count from 1, until there are no more, a worker returns false, or an
// error. What has been begun is finished.
func (e Effort) each(ctx context.Context, n int, do func(ctx context.Context, worker, i int) (bool, error)) error {
	group, ctx := errgroup.WithContext(ctx)
	workers := min(e.Workers, n)
	var next atomic.Int64
	next.Store(int64(workers))
	var ended atomic.Bool
	for first := range workers {
		group.Go(func() error {
			for i := first; i < n && !ended.Load() && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				goOn, err := do(ctx, first+1, i)
				if err != nil {
					return err
				}
				if !goOn {
					ended.Store(true)
				}
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// try repeats what fails. The error is that of the first attempt, with what the others had to add.
func (e Effort) try(ctx context.Context, worker int, attempt func() error) error {
	var failures log.Retries
	begin := time.Now()
	for n := 0; ; n++ {
		err := attempt()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failures.Add(err, time.Since(begin))
		if n >= e.Retries || errs.CodeOf(err).Fatal() {
			err = failures.Err()
			return errs.Because(errs.CodeOf(err), err, "raised from local-%d protocol: %s", worker, errs.Text(err))
		}
		if n > 0 {
			if err := sleep(ctx, e.Gap); err != nil {
				return err
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
