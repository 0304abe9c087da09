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
		err := g.copy(ctx, c, len(candidates) > 1)
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
//
// Comparing the content with the checksum in the name takes as long as copying a plain segment. It is worth it where another copy can
// be turned to. Where there is none, the server finds damage itself, by the checksum of each WAL record, before it replays any of it.
func (g *get) copy(ctx context.Context, c candidate, compare bool) error {
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
	if !compare || c.sum == nil {
		if err := copyAhead(w, r); err != nil {
			return err
		}
		return w.Close()
	}
	h := filter.NewHash()
	if err := copyAhead(io.MultiWriter(w, h), r); err != nil {
		return err
	}
	if sum := format.Sum(h.Sum()); sum != *c.sum {
		return errs.New(errs.Checksum, "content has checksum %s but the name says %s", sum, *c.sum)
	}
	return w.Close()
}

// copyAhead copies all of src. It reads the next piece while the last one is being written, so that decompressing keeps one core busy,
// writing another.
func copyAhead(dst io.Writer, src io.Reader) error {
	type piece struct {
		bytes []byte
		err   error // of reading on
	}
	free, full := make(chan []byte, 2), make(chan piece)
	for range cap(free) {
		free <- make([]byte, copyBuffer)
	}
	go func() {
		defer close(full)
		for buffer := range free {
			n, err := fill(buffer, src)
			full <- piece{buffer[:n], err}
			if err != nil {
				return
			}
		}
	}()
	var failed error
	for p := range full {
		if failed != nil {
			continue
		}
		_, failed = dst.Write(p.bytes)
		switch {
		case failed != nil:
			close(free)
		case p.err == io.EOF:
		case p.err != nil:
			failed = p.err
		default:
			free <- p.bytes[:cap(p.bytes)]
		}
	}
	return failed
}

// fill reads until the buffer is full or reading fails. Unlike io.ReadFull it leaves the error alone.
func fill(buffer []byte, src io.Reader) (n int, err error) {
	for n < len(buffer) && err == nil {
		var m int
		m, err = src.Read(buffer[n:])
		n += m
	}
	return n, err
}
