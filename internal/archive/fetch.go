package archive

import (
	"context"
	"io"
	"path"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/storage"
)

// fetch copies the first candidate that is good. Bad ones are told about: as warnings if there is a good one, else as the error.
func (g *get) fetch(ctx context.Context, candidates []candidate) error {
	var failed failures
	for _, c := range candidates {
		err := g.copy(ctx, c)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			failed.warn(g.Log)
			g.Log.Info("found %s in the %s: %s archive", g.Name, c.repo.Name(), c.archiveID)
			return nil
		}
		failed.lines = append(failed.lines, c.repo.Name()+": "+c.shown()+" "+errs.Typed(err))
	}
	return failed.error(errs.FileRead, "unable to get "+g.Name+":")
}

// copy writes one candidate to the destination. The server asks for a name of its own choosing and looks at the file only after we
// succeeded, so no temporary file and no sync is needed, and no directory is made: one that is missing is a mistake.
func (g *get) copy(ctx context.Context, c candidate) error {
	if there, err := storage.Exists(ctx, g.Local, path.Dir(g.Dest)); err != nil {
		return err
	} else if !there {
		return errs.New(errs.FileMissing, "unable to open file '%s' for write in missing path", g.Dest)
	}
	r, err := c.repo.OpenArchive(ctx, c.path, c.compression, c.pass)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := g.Local.Create(ctx, g.Dest, storage.CreateOptions{NoSync: true})
	if err != nil {
		return err
	}
	defer w.Abort()
	h := filter.NewHash()
	if _, err := io.CopyBuffer(io.MultiWriter(w, h), struct{ io.Reader }{r}, make([]byte, copyBuffer)); err != nil {
		return err
	}
	if sum := format.Sum(h.Sum()); c.sum != nil && sum != *c.sum {
		return errs.New(errs.Checksum, "content has checksum %s but the name says %s", sum, *c.sum)
	}
	return w.Close()
}
