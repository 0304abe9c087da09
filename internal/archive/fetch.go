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

// fetch copies the first candidate that is good.
func (g *get) fetch(ctx context.Context, candidates []candidate) error {
	var failed failures
	for _, c := range candidates {
		err := g.copy(ctx, c)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			g.Log.Info("found %s in the %s: %s archive", g.Name, c.repo.Name(), c.archiveID)
			return nil
		}
		line := c.repo.Name() + ": " + c.shown() + " " + errs.Typed(err)
		g.Log.Warn("%s", line)
		failed.lines = append(failed.lines, line)
	}
	return failed.error(errs.FileRead, "unable to get "+g.Name+":")
}

// copy writes one candidate to the destination. The server asks for a name of its own choosing and looks at the file only after we
// succeeded, so no temporary file and no sync is needed, and no directory is made: one that is missing is a mistake.
func (g *get) copy(ctx context.Context, c candidate) error {
	dir := path.Dir(g.Dest)
	if there, err := storage.Exists(ctx, g.Local, dir); err != nil {
		return err
	} else if !there {
		return errs.New(errs.FileMissing, "unable to open missing file '%s' for write", g.Dest)
	}
	r, err := c.repo.OpenArchive(ctx, c.path, c.compression, c.pass)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := g.Local.Create(ctx, g.Dest, storage.CreateOptions{Mode: 0o600, NoSync: true})
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
