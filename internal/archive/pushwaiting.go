package archive

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
)

// PushWaitingOptions says what a background run pushes where. File of the PushOptions is not used.
type PushWaitingOptions struct {
	PushOptions
	Dir       string // of the WAL, absolute
	Spool     Spool
	BatchSize int64        // most to push in this run
	Allowed   func() error // whether archiving is stopped
	Effort
}

// PushWaiting pushes the files that wait in a directory of WAL, several at a time. What became of each goes to the spool, where the
// command that the server calls for it finds it: success once the file is durable in every repository, never before.
//
// A file that fails ends the run, when those on their way have arrived: the server goes on only after the first has succeeded, so
// there is no use in being far ahead of it, and the next run begins with the one that failed.
func PushWaiting(ctx context.Context, o PushWaitingOptions) error {
	p := &pushWaiting{PushWaitingOptions: o, out: o.Spool.out()}
	return p.out.global(ctx, func() error { return p.run(ctx) })
}

type pushWaiting struct {
	PushWaitingOptions
	out tray
}

func (p *pushWaiting) run(ctx context.Context) error {
	if err := p.Allowed(); err != nil {
		return err
	}
	queue, err := waiting(ctx, p.Local, p.Dir)
	if err != nil {
		return err
	}
	files, err := p.tidy(ctx, queue)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errs.New(errs.Assert, "no WAL files to process")
	}
	if long, err := exceeds(ctx, p.PushOptions, p.Dir, queue); err != nil {
		return err
	} else if long {
		p.Log.Info("push %s", span(files, "to"))
		return p.drop(ctx, files)
	}
	if files, err = p.batch(ctx, files); err != nil {
		return err
	}
	p.Log.Info("push %s", span(files, "to"))
	d, err := findDestination(ctx, p.PushOptions)
	if err != nil {
		return err
	}
	return p.push(ctx, d, files)
}

// tidy removes notes of earlier runs that are of no use any more and returns the files that are yet to be pushed. The queue was read
// before: a success is noted only for a file in the queue, so none is missed.
func (p *pushWaiting) tidy(ctx context.Context, queue []string) ([]string, error) {
	if err := p.out.tree.MakeDir(ctx, p.out.path, 0, true); err != nil {
		return nil, err
	}
	notes, err := storage.Names(ctx, p.out.tree, p.out.path, nil)
	if err != nil {
		return nil, err
	}
	done := map[string]bool{}
	for _, name := range notes {
		file, ok := strings.CutSuffix(name, okSuffix)
		if _, waits := slices.BinarySearch(queue, file); ok && waits {
			done[file] = true
		} else if err := p.out.tree.Remove(ctx, p.out.at(name)); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(slices.Clone(queue), func(file string) bool { return done[file] }), nil
}

// drop gives up all files.
func (p *pushWaiting) drop(ctx context.Context, files []string) error {
	for _, file := range files {
		text := p.dropped(file)
		if err := p.out.ok(ctx, file, text); err != nil {
			return err
		}
		p.Log.Warn("%s", text)
	}
	return nil
}

// batch returns as many of the files as one run may push, at least one.
func (p *pushWaiting) batch(ctx context.Context, files []string) ([]string, error) {
	size, err := storage.Size(ctx, p.Local, path.Join(p.Dir, files[0]))
	if err != nil {
		return nil, err
	}
	if size == 0 {
		return nil, errs.New(errs.Format, "size of WAL segment '%s' is 0", files[0])
	}
	return files[:max(1, min(int64(len(files)), p.BatchSize/size))], nil
}

func (p *pushWaiting) push(ctx context.Context, d *destination, files []string) error {
	stopped := make([]bool, p.Workers+1)
	err := p.each(ctx, len(files), func(ctx context.Context, worker, i int) (bool, error) {
		ok, err := p.one(ctx, d, worker, files[i])
		stopped[worker] = stopped[worker] || !ok
		return ok, err
	})
	if err == nil && slices.Contains(stopped, true) {
		p.Log.Warn("stopped archive-push after an error, remaining WAL will be processed on the next run")
	}
	return err
}

// one pushes a file and notes how it went. It returns false if that failed.
func (p *pushWaiting) one(ctx context.Context, d *destination, worker int, file string) (bool, error) {
	var warnings []string
	err := p.try(ctx, worker, func() (err error) {
		warnings, err = d.push(ctx, path.Join(p.Dir, file))
		return err
	})
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		p.Log.Worker(worker).Warn("could not push WAL file '%s' to the archive (will be retried): [%d] %s",
			file, errs.CodeOf(err), errs.Text(err))
		return false, p.out.failed(ctx, file, err)
	}
	if err := p.out.ok(ctx, file, warnings...); err != nil {
		return false, err
	}
	warn(p.Log.Worker(worker), warnings)
	p.Log.Worker(worker).Detail("pushed WAL file '%s' to the archive", file)
	return true, nil
}

// span names the files of a run.
func span(files []string, preposition string) string {
	last := ""
	if len(files) > 1 {
		last = "..." + files[len(files)-1]
	}
	return fmt.Sprintf("%d WAL file(s) %s archive: %s%s", len(files), preposition, files[0], last)
}
