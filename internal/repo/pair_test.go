package repo_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/repo"
	"holdfast/internal/repo/repotest"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

func TestExamine(t *testing.T) {
	type outcome struct {
		main, copied errs.Code
		differ       bool
	}
	spoil := func(b []byte) []byte { return bytes.Replace(b, []byte("-version="), []byte("-Version="), 1) }
	for name, test := range map[string]struct {
		main, copied func([]byte) []byte // nil removes
		want         outcome
	}{
		"sound":               {same, same, outcome{}},
		"copy gone":           {same, nil, outcome{copied: errs.FileMissing}},
		"copy differs":        {same, spoil, outcome{differ: true}},
		"main gone":           {nil, same, outcome{main: errs.FileMissing}},
		"main spoiled":        {spoil, same, outcome{main: errs.Checksum}},
		"both spoiled":        {spoil, spoil, outcome{main: errs.Checksum, copied: errs.Checksum}},
		"both gone":           {nil, nil, outcome{main: errs.FileMissing, copied: errs.FileMissing}},
		"spoiled, other gone": {spoil, nil, outcome{main: errs.Checksum, copied: errs.FileMissing}},
	} {
		mem := storagetest.NewMem()
		w := repotest.Build(t, mem, "/r", time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), "db 1 15\nF1 9d wal=1.0.1")
		r := w.Repos[0]
		for file, look := range map[string]func() (outcome, bool, error){
			r.ArchivePath("archive.info"): func() (outcome, bool, error) {
				p, err := r.ExamineArchiveInfo(t.Context())
				return outcome{errs.CodeOf(p.Main), errs.CodeOf(p.Copy), p.Differ}, p.Usable() == (p.Value != nil), err
			},
			r.BackupPath("backup.info"): func() (outcome, bool, error) {
				p, err := r.ExamineBackupInfo(t.Context())
				return outcome{errs.CodeOf(p.Main), errs.CodeOf(p.Copy), p.Differ}, p.Usable() == (p.Value != nil), err
			},
			r.BackupPath(w.Label("F1"), "backup.manifest"): func() (outcome, bool, error) {
				p, err := r.ExamineManifest(t.Context(), w.Label("F1"), "")
				return outcome{errs.CodeOf(p.Main), errs.CodeOf(p.Copy), p.Differ}, p.Usable() == (p.Value != nil), err
			},
		} {
			change(t, mem, file, test.main)
			change(t, mem, file+".copy", test.copied)
			if got, honest, err := look(); err != nil || got != test.want || !honest {
				t.Errorf("%s, %s: %+v (%v), usable as it says: %v", name, file, got, err, honest)
			}
		}
	}
}

func same(b []byte) []byte { return b }

func change(t *testing.T, mem *storagetest.Mem, file string, fn func([]byte) []byte) {
	t.Helper()
	if fn == nil {
		if err := mem.Remove(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		return
	}
	content, err := storage.ReadAll(t.Context(), mem, file, 0)
	if err == nil {
		err = storage.WriteAll(t.Context(), mem, file, fn(content), storage.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestExamineCancelled(t *testing.T) {
	w := repotest.Build(t, storagetest.NewMem(), "/r", time.Now(), "db 1 15\nF1 9d")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Repos[0].ExamineBackupInfo(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestPassOfPlainRepository asks for passes by path only; that they are the right ones is seen when recorded repositories are read.
func TestPassOfPlainRepository(t *testing.T) {
	w := repotest.Build(t, storagetest.NewMem(), "/r", time.Now(), "db 1 15\nF1 9d")
	for _, rel := range []string{"x", "archive/demo/x", "backup/demo/nope/x"} {
		if pass, err := w.Repos[0].PassOf(t.Context(), rel); pass != "" || err != nil {
			t.Errorf("%s: %q, %v", rel, pass, err)
		}
	}
	in, err := w.Repos[0].OpenPath(t.Context(), "backup/demo/"+w.Label("F1")+"/pg_data/PG_VERSION", "")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if text, err := io.ReadAll(in); string(text) != "15\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := w.Repos[0].OpenPath(t.Context(), "nope", ""); !errs.Is(err, errs.FileMissing) {
		t.Error(err)
	}
	encrypted := repo.New(repo.Config{Path: "/r/repo1", Storage: w.Repos[0].Storage(), CipherType: repo.CipherAES, CipherPass: "p"})
	for _, rel := range []string{"", "x", "archive/demo", "other/demo/x"} {
		if _, err := encrypted.PassOf(t.Context(), rel); !errs.Is(err, errs.OptionInvalidValue) {
			t.Errorf("%q: %v", rel, err)
		}
	}
	for _, rel := range []string{"archive/demo/archive.info", "archive/demo/archive.info.copy", "backup/demo/backup.info"} {
		if pass, err := encrypted.PassOf(t.Context(), rel); pass != "p" || err != nil {
			t.Errorf("%s: %q, %v", rel, pass, err)
		}
	}
}
