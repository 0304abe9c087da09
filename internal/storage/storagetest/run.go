// Package storagetest checks that drivers keep the promises of package storage, and offers storages that misbehave on purpose.
//
// Run is the suite every driver passes. Mem is a Tree in memory that can crash, Faulty fails a chosen operation, Trace writes down
// what happened; the last two wrap any Tree.
package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sync"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
)

// Run tests a driver below root, an existing empty directory of its world. open makes a fresh value over the same files. A driver
// that is a Tree is tested as one.
func Run(t *testing.T, open func(testing.TB) storage.Storage, root string) {
	tests := []struct {
		name string
		run  func(*suite)
	}{
		{"round trip", (*suite).roundTrip},
		{"ranges", (*suite).ranges},
		{"replace", (*suite).replace},
		{"atomic", (*suite).atomic},
		{"abort", (*suite).abort},
		{"missing", (*suite).missing},
		{"list", (*suite).list},
		{"remove", (*suite).remove},
		{"cancelled", (*suite).cancelled},
		{"parallel", (*suite).parallel},
		{"limit", (*suite).readAllLimit},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.run(&suite{T: t, s: open(t), root: path.Join(root, "suite "+test.name)})
		})
	}
	if _, ok := open(t).(storage.Tree); ok {
		runTree(t, open, root)
	}
}

type suite struct {
	*testing.T
	s    storage.Storage
	root string
}

func (s *suite) path(name string) string { return path.Join(s.root, name) }

func (s *suite) write(name, data string, o storage.CreateOptions) {
	s.Helper()
	if err := storage.WriteAll(s.Context(), s.s, s.path(name), []byte(data), o); err != nil {
		s.Fatalf("write %s: %v", name, err)
	}
}

func (s *suite) want(name, data string) {
	s.Helper()
	got, err := storage.ReadAll(s.Context(), s.s, s.path(name), 0)
	if err != nil || string(got) != data {
		s.Fatalf("%s: got %.100q, %v; want %.100q", name, got, err, data)
	}
}

func (s *suite) gone(name string) {
	s.Helper()
	if there, err := storage.Exists(s.Context(), s.s, s.path(name)); there || err != nil {
		s.Fatalf("%s: exists %v, %v; want it missing", name, there, err)
	}
}

func (s *suite) code(err error, want errs.Code, missing bool) {
	s.Helper()
	if errs.CodeOf(err) != want || errors.Is(err, fs.ErrNotExist) != missing {
		s.Fatalf("got error %d %v, not-exist %v; want %d, %v", errs.CodeOf(err), err, errors.Is(err, fs.ErrNotExist), want, missing)
	}
}

func (s *suite) roundTrip() {
	big := string(bytes.Repeat([]byte("0123456789abcdef"), 100_000))
	for i, data := range []string{"", "x", "some\x00bytes\n", big} {
		for _, o := range []storage.CreateOptions{{}, {Atomic: true}, {NoSync: true}, {Atomic: true, NoSync: true}} {
			name := fmt.Sprintf("a/b c/ü%d", i)
			s.write(name, data, o)
			s.want(name, data)
			info, err := s.s.Stat(s.Context(), s.path(name))
			if err != nil || info.Name != path.Base(name) || info.Size != int64(len(data)) || info.Type != storage.File {
				s.Fatalf("stat: %+v, %v", info, err)
			}
		}
	}
}

func (s *suite) ranges() {
	s.write("f", "0123456789", storage.CreateOptions{})
	tests := []struct {
		r    storage.Range
		want string
	}{
		{storage.Range{}, "0123456789"},
		{storage.Range{Offset: 3}, "3456789"},
		{storage.Range{Offset: 3, Length: 4}, "3456"},
		{storage.Range{Length: 1}, "0"},
		{storage.Range{Offset: 8, Length: 10}, "89"},
		{storage.Range{Offset: 10}, ""},
	}
	for _, test := range tests {
		r, err := s.s.Open(s.Context(), s.path("f"), test.r)
		if err != nil {
			s.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil || string(got) != test.want {
			s.Errorf("%+v: got %q, %v; want %q", test.r, got, err, test.want)
		}
	}
}

func (s *suite) replace() {
	for _, o := range []storage.CreateOptions{{}, {Atomic: true}} {
		s.write("f", "a longer first content", o)
		s.write("f", "second", o)
		s.want("f", "second")
	}
}

// atomic: promise 1.
func (s *suite) atomic() {
	ctx := s.Context()
	w, err := s.s.Create(ctx, s.path("new"), storage.CreateOptions{Atomic: true})
	if err != nil {
		s.Fatal(err)
	}
	defer w.Abort()
	io.WriteString(w, "half")
	s.gone("new")
	if err := w.Close(); err != nil {
		s.Fatal(err)
	}
	s.want("new", "half")

	w, err = s.s.Create(ctx, s.path("new"), storage.CreateOptions{Atomic: true})
	if err != nil {
		s.Fatal(err)
	}
	defer w.Abort()
	io.WriteString(w, "other")
	s.want("new", "half")
	w.Abort()
	s.want("new", "half")
	s.names(s.root, "new")
}

// abort: promise 3.
func (s *suite) abort() {
	for _, o := range []storage.CreateOptions{{}, {Atomic: true}} {
		w, err := s.s.Create(s.Context(), s.path("kept"), o)
		if err != nil {
			s.Fatal(err)
		}
		io.WriteString(w, "data")
		if err := w.Close(); err != nil {
			s.Fatal(err)
		}
		w.Abort()
		s.want("kept", "data")
		if err := w.Close(); err == nil {
			s.Error("a second Close succeeded")
		}
		if _, err := w.Write([]byte("x")); err == nil {
			s.Error("a write after Close succeeded")
		}
	}
	w, err := s.s.Create(s.Context(), s.path("dropped"), storage.CreateOptions{Atomic: true})
	if err != nil {
		s.Fatal(err)
	}
	io.WriteString(w, "data")
	w.Abort()
	w.Abort()
	s.gone("dropped")
	if err := w.Close(); err == nil {
		s.Error("Close after Abort succeeded")
	}
	s.names(s.root, "kept")
}

// missing: promises 4, 5 and 6.
func (s *suite) missing() {
	ctx := s.Context()
	s.write("file", "", storage.CreateOptions{})
	for _, name := range []string{"none", "none/deeper"} {
		_, err := s.s.Open(ctx, s.path(name), storage.Range{})
		s.code(err, errs.FileMissing, true)
		_, err = s.s.Stat(ctx, s.path(name))
		if !errors.Is(err, fs.ErrNotExist) {
			s.Errorf("stat %s: %v", name, err)
		}
		err = s.s.List(ctx, s.path(name), func(storage.Info) error { return nil })
		s.code(err, errs.PathMissing, true)
		if err := s.s.Remove(ctx, s.path(name)); err != nil {
			s.Errorf("remove %s: %v", name, err)
		}
		if err := s.s.RemoveAll(ctx, s.path(name)); err != nil {
			s.Errorf("remove all %s: %v", name, err)
		}
		names, err := storage.Names(ctx, s.s, s.path(name), nil)
		if names != nil || err != nil {
			s.Errorf("names of %s: %v, %v", name, names, err)
		}
	}
}

func (s *suite) list() {
	ctx := s.Context()
	var want []string
	for i := range 600 {
		name := fmt.Sprintf("f%03d", i)
		s.write("dir/"+name, name[:i%4], storage.CreateOptions{NoSync: true})
		want = append(want, name)
	}
	s.write("dir/sub/deep", "x", storage.CreateOptions{NoSync: true})
	got := map[string]storage.Info{}
	err := s.s.List(ctx, s.path("dir"), func(i storage.Info) error {
		if _, twice := got[i.Name]; twice {
			s.Errorf("%s listed twice", i.Name)
		}
		got[i.Name] = i
		return nil
	})
	if err != nil || len(got) != 601 || got["sub"].Type != storage.Dir {
		s.Fatalf("%d entries, %v; sub is %+v", len(got), err, got["sub"])
	}
	for i, name := range want {
		if info := got[name]; info.Type != storage.File || info.Size != int64(i%4) {
			s.Errorf("%s: %+v", name, info)
		}
	}
	names, err := storage.Names(ctx, s.s, s.path("dir"), regexp.MustCompile(`^f`))
	if err != nil || !slices.Equal(names, want) {
		s.Errorf("names: %d, %v", len(names), err)
	}

	stop, calls := errors.New("stop"), 0
	err = s.s.List(ctx, s.path("dir"), func(storage.Info) error { calls++; return stop })
	if err != stop || calls != 1 {
		s.Errorf("list did not end with the error: %v after %d", err, calls)
	}
}

func (s *suite) names(dir string, want ...string) {
	s.Helper()
	names, err := storage.Names(s.Context(), s.s, dir, nil)
	if err != nil || !slices.Equal(names, want) {
		s.Errorf("%s holds %q, %v; want %q", dir, names, err, want)
	}
}

func (s *suite) remove() {
	ctx := s.Context()
	for i := range 30 {
		s.write(fmt.Sprintf("d/e%d/f/g", i), "x", storage.CreateOptions{NoSync: true})
	}
	s.write("keep", "x", storage.CreateOptions{})
	if err := s.s.Remove(ctx, s.path("d/e1/f/g")); err != nil {
		s.Fatal(err)
	}
	s.gone("d/e1/f/g")
	if err := s.s.RemoveAll(ctx, s.path("d")); err != nil {
		s.Fatal(err)
	}
	s.gone("d")
	s.want("keep", "x")
}

// cancelled: after cancellation nothing changes.
func (s *suite) cancelled() {
	s.write("f", "x", storage.CreateOptions{})
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	_, openErr := s.s.Open(ctx, s.path("f"), storage.Range{})
	_, createErr := s.s.Create(ctx, s.path("g"), storage.CreateOptions{})
	_, statErr := s.s.Stat(ctx, s.path("f"))
	listErr := s.s.List(ctx, s.root, func(storage.Info) error { return nil })
	for i, err := range []error{openErr, createErr, statErr, listErr, s.s.Remove(ctx, s.path("f")), s.s.RemoveAll(ctx, s.root)} {
		if !errors.Is(err, context.Canceled) {
			s.Errorf("call %d: %v", i, err)
		}
	}
	s.want("f", "x")
	s.gone("g")
}

// parallel: promise 7.
func (s *suite) parallel() {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 8 {
				name := s.path(fmt.Sprintf("p%d/q/r%d", j, i))
				if err := storage.WriteAll(s.Context(), s.s, name, []byte(name), storage.CreateOptions{Atomic: i%2 == 0}); err != nil {
					s.Error(err)
				}
				got, err := storage.ReadAll(s.Context(), s.s, name, 0)
				if err != nil || string(got) != name {
					s.Errorf("%s: %q, %v", name, got, err)
				}
			}
		})
	}
	wg.Wait()
}

func (s *suite) readAllLimit() {
	s.write("f", "12345", storage.CreateOptions{})
	if got, err := storage.ReadAll(s.Context(), s.s, s.path("f"), 5); err != nil || string(got) != "12345" {
		s.Errorf("at the limit: %q, %v", got, err)
	}
	if _, err := storage.ReadAll(s.Context(), s.s, s.path("f"), 4); !errs.Is(err, errs.FileRead) {
		s.Errorf("above the limit: %v", err)
	}
}
