package storage

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"regexp"
	"slices"

	"holdfast/internal/errs"
)

// ReadAll returns the content of a small file. A file of more than limit bytes is an error, so that a damaged name cannot fill the
// memory; limit 0 sets none.
func ReadAll(ctx context.Context, s Storage, path string, limit int64) ([]byte, error) {
	r, err := s.Open(ctx, path, Range{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if limit <= 0 {
		return io.ReadAll(r)
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, errs.New(errs.FileRead, "unable to read '%s': larger than %d bytes", path, limit)
	}
	return data, nil
}

// WriteAll writes a small file in one go.
func WriteAll(ctx context.Context, s Storage, path string, data []byte, o CreateOptions) error {
	w, err := s.Create(ctx, path, o)
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := w.Write(data); err != nil {
		return err
	}
	return w.Close()
}

// Copy copies all of src through a buffer of the caller's, whatever else the two would rather do.
func Copy(dst io.Writer, src io.Reader, buffer []byte) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{dst}, struct{ io.Reader }{src}, buffer)
	return err
}

// sizer is a Storage that can tell the size of what is at a path for less than it takes to describe it: the names of owners may have
// to be asked for far away.
type sizer interface {
	Size(ctx context.Context, path string) (int64, error)
}

// Size returns the size of what is at path, with the errors of Stat.
func Size(ctx context.Context, s Storage, path string) (int64, error) {
	if fast, ok := s.(sizer); ok {
		return fast.Size(ctx, path)
	}
	info, err := s.Stat(ctx, path)
	return info.Size, err
}

// Exists reports whether there is anything at path. A path that cannot be examined is an error, never a guess.
func Exists(ctx context.Context, s Storage, path string) (bool, error) {
	_, err := Size(ctx, s, path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// namer is a Storage that can list names for less than it takes to describe what they stand for.
type namer interface {
	EachName(ctx context.Context, path string, fn func(name string)) error
}

// EachName calls fn for each base name in a directory, with the errors of List.
func EachName(ctx context.Context, s Storage, path string, fn func(name string)) error {
	if n, ok := s.(namer); ok {
		return n.EachName(ctx, path, fn)
	}
	return s.List(ctx, path, func(i Info) error { fn(i.Name); return nil })
}

// Names returns the sorted base names in a directory that match the pattern; nil matches all. A missing directory has none.
func Names(ctx context.Context, s Storage, path string, pattern *regexp.Regexp) ([]string, error) {
	var names []string
	add := func(name string) {
		if pattern == nil || pattern.MatchString(name) {
			names = append(names, name)
		}
	}
	err := EachName(ctx, s, path, add)
	if errs.Is(err, errs.PathMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	return names, nil
}
