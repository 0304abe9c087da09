package archive

import (
	"context"
	"errors"

	"holdfast/internal/errs"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// AwaitGetOptions says what to fetch with the help of background runs.
type AwaitGetOptions struct {
	GetOptions
	Wait
	QueueMax     int64 // bytes of WAL to have waiting in the spool
	MissingRetry bool  // do not believe an earlier run that a segment is missing
}

// AwaitGet takes a segment from the spool, where usually it waits already, and lets background runs fetch it and the ones after it when
// the spool is less than half full. Nothing but the spool is looked at when the segment waits there.
//
// Where no run of our own is at work and the segment is not there, it is fetched at once: the run of an earlier command may still be
// busy with other segments, or ours may have died.
func AwaitGet(ctx context.Context, o AwaitGetOptions) (bool, error) {
	g := &awaitGet{AwaitGetOptions: o, in: o.Spool.in()}
	pause := repo.NewPause(o.Timeout)
	for first := true; ; first = false {
		// Asked before looking: what a run leaves behind when it ends is seen.
		alone := !first && !(g.started && g.Background.Running())
		found, ended, err := g.look(ctx, first)
		if err != nil || ended {
			return false, err
		}
		if found {
			return true, g.deliver(ctx)
		}
		if !g.started {
			if err := g.launch(ctx, alone); err != nil {
				return false, err
			}
		}
		if alone {
			return Get(ctx, o.GetOptions)
		}
		again, err := pause.More(ctx, func() bool { return g.news(ctx) })
		if err != nil {
			return false, err
		}
		if !again {
			return false, g.timedOut("get", g.Name, "from")
		}
	}
}

type awaitGet struct {
	AwaitGetOptions
	in      tray
	started bool // a run of our own
}

// look looks for the segment in the spool, and for what runs have to say of it. It reports as ended if the archive does not have it.
// In the first pass errors are not believed, nor as a rule that the segment is missing: both may be old.
func (g *awaitGet) look(ctx context.Context, first bool) (found, ended bool, err error) {
	if found, err = storage.Exists(ctx, g.in.tree, g.in.at(g.Name)); err != nil {
		return false, false, err
	}
	a, err := g.in.look(ctx, g.Name)
	if err != nil {
		return false, false, err
	}
	if err := a.failure(); err != nil && !first {
		return false, false, err
	}
	if !a.ok() {
		return found, false, nil
	}
	ended = !found && (!first || !g.MissingRetry)
	if ended {
		// A note with warnings is there a moment before its segment. The temporary file is looked for first: it becomes the segment.
		coming, err := storage.Exists(ctx, g.in.tree, g.in.at(g.Name+storage.TempSuffix))
		if err != nil || coming {
			return false, false, err
		}
		if found, err = storage.Exists(ctx, g.in.tree, g.in.at(g.Name)); err != nil {
			return false, false, err
		}
		ended = !found
	}
	if text := a.warning(g.Name); text != "" && (found || ended) {
		g.GetOptions.Log.Warn("%s", text)
	}
	if err := g.in.tree.Remove(ctx, g.in.at(a.name)); err != nil {
		return false, false, err
	}
	if ended {
		g.GetOptions.Log.Info("unable to find %s in the archive asynchronously", g.Name)
	}
	return found, ended, nil
}

// deliver moves the segment from the spool to where the server wants it, and has the spool filled up if few others are left. Whatever
// goes wrong with that must not keep from the server what it has got: it would take recovery to be at its end.
//
// Neither the segment nor its name is synced: after a crash the server asks for it again.
func (g *awaitGet) deliver(ctx context.Context) error {
	if err := g.move(ctx); err != nil {
		return err
	}
	g.GetOptions.Log.Info("found %s in the archive asynchronously", g.Name)
	full, err := g.full(ctx)
	if err == nil && !full && !g.started {
		err = g.launch(ctx, true)
	}
	if err != nil && ctx.Err() == nil {
		g.GetOptions.Log.Warn("%s", errs.Typed(err))
	}
	return ctx.Err()
}

// full reports whether at least half of what may wait in the spool does.
func (g *awaitGet) full(ctx context.Context) (bool, error) {
	left, err := storage.Names(ctx, g.in.tree, g.in.path, nil)
	if err != nil {
		return false, err
	}
	count := int64(0)
	for _, name := range left {
		if postgres.IsSegment(name) {
			count++
		}
	}
	if count == 0 {
		return false, nil
	}
	size, err := storage.Size(ctx, g.Local, g.Dest)
	return count*size > g.QueueMax/2, err
}

func (g *awaitGet) move(ctx context.Context) error {
	from := g.in.at(g.Name)
	err := g.in.tree.Move(ctx, from, g.Dest)
	if !otherFileSystem(err) {
		return err
	}
	r, err := g.in.tree.Open(ctx, from, storage.Range{})
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := g.Local.Create(ctx, g.Dest, storage.CreateOptions{NoSync: true})
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := copyAhead(w, r); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return g.in.tree.Remove(ctx, from)
}

// launch starts a run that fills the spool, beginning with the segment, or with the next one if the segment is cared for.
func (g *awaitGet) launch(ctx context.Context, next bool) (err error) {
	g.started, err = g.Wait.launch(ctx, func() ([]string, error) {
		control, err := readControl(ctx, g.GetOptions)
		if err != nil {
			return nil, err
		}
		first := g.Name
		if next {
			first = postgres.NextSegment(first, control.WALSegmentSize)
		}
		if err := g.in.tree.MakeDir(ctx, g.in.path, 0, true); err != nil {
			return nil, err
		}
		needed, err := g.in.keepWanted(ctx, wanted(first, g.QueueMax, control.WALSegmentSize))
		return needed, errors.Join(err, g.in.forget(ctx, g.Name))
	})
	return err
}

// news reports whether it is worth looking again.
func (g *awaitGet) news(ctx context.Context) bool {
	if there, err := storage.Exists(ctx, g.in.tree, g.in.at(g.Name)); err != nil || there {
		return true
	}
	if !g.started {
		return false
	}
	a, err := g.in.look(ctx, g.Name)
	return err != nil || a.name != "" || !g.Background.Running()
}
