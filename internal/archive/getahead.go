package archive

import (
	"context"
	"slices"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
)

// GetAheadOptions says what a background run fetches. Name and Dest of the GetOptions are not used.
type GetAheadOptions struct {
	GetOptions
	Segments []string // in the order the server will ask for them
	Spool    Spool
	Effort
}

// GetAhead fetches segments into the spool, several at a time, as far as the archive has them without a gap. What the server will get
// appears there under its own name when it is complete. If a segment is missing there is a note for the first such one, made last.
func GetAhead(ctx context.Context, o GetAheadOptions) error {
	g := &getAhead{GetAheadOptions: o, in: o.Spool.in()}
	return g.in.global(ctx, func() error { return g.run(ctx) })
}

type getAhead struct {
	GetAheadOptions
	in tray
}

// sought is what the search for a segment gave.
type sought struct {
	name       string
	candidates []candidate // none if it is missing
	warnings   []string
	err        error
}

func (g *getAhead) run(ctx context.Context) error {
	if len(g.Segments) == 0 {
		return errs.New(errs.ParamInvalid, "at least one wal segment is required")
	}
	g.Log.Info("get %s", span(g.Segments, "from"))
	f, err := newFinder(ctx, g.GetOptions)
	if err != nil {
		return err
	}
	warn(g.Log, f.warnings)
	found, next := g.findAll(ctx, f)
	err = g.each(ctx, len(found), func(ctx context.Context, worker, i int) (bool, error) {
		return true, g.one(ctx, worker, found[i])
	})
	if err != nil || len(found) == len(g.Segments) {
		return err
	}
	return g.conclude(ctx, next)
}

// conclude leaves a note about the segment that ended the search, if that was not the end.
func (g *getAhead) conclude(ctx context.Context, s sought) error {
	if s.err == nil {
		g.Log.Detail("unable to find %s in the archive", s.name)
		return g.in.ok(ctx, s.name, s.warnings...)
	}
	g.Log.Warn("%s", errs.Typed(s.err))
	if len(s.warnings) > 0 && errs.Is(s.err, errs.RepoInvalid) {
		s.err = errs.New(errs.RepoInvalid, "%s\n%s", s.err, strings.Join(s.warnings, "\n"))
	}
	return g.in.failed(ctx, s.name, s.err)
}

// findAll finds the segments up to the first that is missing, or that there is trouble about; that one is returned as next. Trouble
// with all of them has no name.
func (g *getAhead) findAll(ctx context.Context, f *finder) (found []sought, next sought) {
	if len(f.sources) == 0 {
		return nil, sought{warnings: f.warnings, err: errNoRepo()}
	}
	told := map[string]bool{}
	for _, name := range g.Segments {
		candidates, warnings, err := f.find(ctx, name)
		for _, text := range warnings {
			if !told[text] {
				g.Log.Warn("%s", text)
			}
			told[text] = true
		}
		s := sought{name, candidates, slices.Concat(f.warnings, warnings), err}
		if err != nil || len(candidates) == 0 {
			return found, s
		}
		found = append(found, s)
	}
	return found, sought{}
}

// one fetches a segment. The note about it comes before the segment, which is what the server's command waits for.
func (g *getAhead) one(ctx context.Context, worker int, s sought) error {
	temp := g.in.at(s.name + storage.TempSuffix)
	l := g.Log.Worker(worker)
	var from candidate
	var warnings []string
	err := g.try(ctx, worker, func() (err error) {
		from, warnings, err = fetch(ctx, g.in.tree, s.name, temp, s.candidates)
		return err
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		l.Warn("%s", errs.Typed(err))
		return g.in.failed(ctx, s.name, err)
	}
	warn(l, warnings)
	if warnings = slices.Concat(s.warnings, warnings); len(warnings) > 0 {
		if err := g.in.ok(ctx, s.name, warnings...); err != nil {
			return err
		}
	}
	l.Detail("%s", from.found(s.name))
	return g.in.tree.Move(ctx, temp, g.in.at(s.name))
}
