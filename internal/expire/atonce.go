package expire

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// removers is how many directories are worked on at the same time. A file system lets different directories change at once, so that all
// processors of a small machine take part, and on a far storage one waits while another works.
const removers = 4

// task removes something, or makes a removal durable. None runs in a dry run.
type task func(ctx context.Context) error

// atOnce lets decide start tasks while earlier ones still run, and waits for all. The first error keeps what has not begun from
// beginning. Only what nobody needs any more may be removed so: the order is left open.
func (x *run) atOnce(ctx context.Context, decide func(ctx context.Context, start func(task)) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(removers)
	err := decide(ctx, func(t task) {
		if x.DryRun {
			return
		}
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return t(ctx)
		})
	})
	if failed := group.Wait(); failed != nil {
		return failed // decide may only have seen that the context is done
	}
	return err
}

// removeTree is the removal of a directory with everything below it.
func (x *run) removeTree(path string) task {
	return func(ctx context.Context) error { return x.repo.Storage().RemoveAll(ctx, path) }
}
