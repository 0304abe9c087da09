package repo_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

func TestBundle(t *testing.T) {
	mem := storagetest.NewMem()
	trace := storagetest.NewTrace(mem)
	r := repo.New(repo.Config{Key: 1, Path: "/r", Storage: trace, Stanza: "s"})
	m := &format.Manifest{Label: fullLabel, BundleRaw: true, CipherPass: "pass", Options: format.Options{CompressType: "gz"}}
	var stored bytes.Buffer
	add := func(content string, gap int) *format.File {
		stored.Write(make([]byte, gap))
		f := &format.File{Name: "pg_data/" + content[:3], Size: int64(len(content)), BundleID: 2, BundleOffset: int64(stored.Len())}
		w, err := filter.NewWriter(&stored, filter.Spec{Compression: filter.Gz, Level: 6, Pass: m.CipherPass, Raw: true})
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, content)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f.RepoSize = int64(stored.Len()) - f.BundleOffset
		return f
	}
	contents := []string{strings.Repeat("one", 5000), "two", "three", "far away"}
	files := []*format.File{add(contents[0], 0), add(contents[1], 0), add(contents[2], 10), add(contents[3], 1<<20)}
	at := r.BackupPath(fullLabel, "bundle", "2")
	if err := storage.WriteAll(t.Context(), mem, at, stored.Bytes(), storage.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		order []int
		opens int
	}{
		{"all", []int{0, 1, 2}, 1},
		{"one left out", []int{0, 2}, 1},
		{"far away", []int{0, 1, 2, 3}, 2},
		{"back and again", []int{2, 2, 0}, 3},
	} {
		b := r.Bundle(m, files)
		before := len(trace.Ops())
		for _, i := range c.order {
			src, err := b.Open(t.Context(), files[i])
			if err != nil {
				t.Fatal(c.name, err)
			}
			if got, err := io.ReadAll(src); err != nil || string(got) != contents[i] {
				t.Errorf("%s: %.20q, %v", c.name, got, err)
			}
			src.Close()
		}
		b.Close()
		opens := 0
		for _, op := range trace.Ops()[before:] {
			if op.Verb == "open" {
				opens++
			}
		}
		if opens != c.opens {
			t.Errorf("%s: opened %d times, want %d", c.name, opens, c.opens)
		}
	}
	_, err := r.Bundle(m, files).Open(t.Context(), &format.File{Name: "pg_data/x", Size: 3, BundleID: 2})
	if !errs.Is(err, errs.Format) {
		t.Errorf("no size: %v", err)
	}
	if src, err := r.Bundle(m, files).Open(t.Context(), &format.File{Name: "pg_data/x", BundleID: 2}); err != nil {
		t.Error(err)
	} else if got, err := io.ReadAll(src); len(got) > 0 || err != nil {
		t.Errorf("empty file: %q, %v", got, err)
	}
	short := *files[3]
	short.BundleOffset, short.RepoSize = int64(stored.Len())-3, 3
	if src, err := r.Bundle(m, []*format.File{&short}).Open(t.Context(), &short); err == nil {
		if _, err := io.ReadAll(src); err == nil {
			t.Error("read what is no file")
		}
	}
}
