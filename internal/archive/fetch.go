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
func fetch(ctx context.Context, local storage.Storage, name, dest string, candidates []candidate) (candidate, []string, error) {
	var failed failures
	for _, c := range candidates {
		err := c.copy(ctx, local, dest, len(candidates) > 1)
		if ctx.Err() != nil {
			return c, nil, ctx.Err()
		}
		if err == nil {
			return c, failed.lines, nil
		}
		failed.lines = append(failed.lines, c.repo.Name()+": "+c.shown()+" "+errs.Typed(err))
	}
	return candidate{}, nil, failed.error(errs.FileRead, "unable to get "+name+":")
}

// copy writes one candidate to the destination. The server asks for a name of its own choosing and looks at the file only after we
// succeeded, so no temporary file and no sync is needed, and no directory is made: one that is missing is a mistake.
//
// Comparing the content with the checksum in the name takes as long as copying a plain segment. It is worth it where another copy can
// be turned to. Where there is none, the server finds damage itself, by the checksum of each WAL record, before it replays any of it.
func (c candidate) copy(ctx context.Context, local storage.Storage, dest string, compare bool) error {
	if there, err := storage.Exists(ctx, local, path.Dir(dest)); err != nil {
		return err
	} else if !there {
		return errs.New(errs.FileMissing, "unable to open file '%s' for write in missing path", dest)
	}
	r, err := c.repo.OpenArchive(ctx, c.path, c.compression, c.pass)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := local.Create(ctx, dest, storage.CreateOptions{NoSync: true})
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
	type read struct {
		bytes []byte
		err   error // of reading on
	}
	free, full := make(chan []byte, 2), make(chan read)
	for range cap(free) {
		free <- make([]byte, copyBuffer)
	}
	go func() {
		defer close(full)
		for buffer := range free {
			n, err := fill(buffer, src)
			full <- read{buffer[:n], err}
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
