package repo_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
	"holdfast/internal/storage/posix"
)

const fullLabel = "20261120-215552F"

// newRepo returns an empty repository in a directory of its own.
func newRepo(t *testing.T, cipher string) *repo.Repo {
	return repo.New(repo.Config{
		Key: 1, Path: t.TempDir(), Storage: posix.New(posix.Config{}), Stanza: "demo",
		CipherType: cipher, CipherPass: "secret", Symlink: true, Program: "2.60.0",
	})
}

func archiveInfo() *format.ArchiveInfo {
	db := format.ArchiveDB{ID: 1, SystemID: 7710382814157307616, Version: "15"}
	return &format.ArchiveInfo{CipherPass: "", DB: db, History: []format.ArchiveDB{db}}
}

func backupInfo() *format.BackupInfo {
	db := format.BackupDB{ID: 1, SystemID: 7710382814157307616, Version: "15", CatalogVersion: 202209061, ControlVersion: 1300}
	return &format.BackupInfo{DB: db, History: []format.BackupDB{db}}
}

// manifest returns a small but complete one of a backup with one file.
func manifest(label, prior string) *format.Manifest {
	m := &format.Manifest{
		Label: label, Type: format.LabelType(label), Prior: prior, References: []string{label},
		TimestampStart: 1795211752, TimestampCopyStart: 1795211753, TimestampStop: 1795211756,
		DB:      backupInfo().DB,
		Options: format.Options{CompressType: "none"},
		Targets: []format.Target{{Name: "pg_data", Path: "/srv/pg"}},
		Paths:   []format.Path{{Name: "pg_data", Mode: 0o700, User: "postgres", Group: "postgres"}},
		Files: format.NewFiles(format.File{
			Name: "pg_data/PG_VERSION", Size: 3, OriginalSize: 3, RepoSize: 3, Timestamp: 1795211700, HasChecksum: true,
			Checksum: sumOf("15\n"), Mode: 0o600, User: "postgres", Group: "postgres",
		}),
	}
	if prior != "" {
		m.References = []string{prior, label}
	}
	m.SetDefaults()
	return m
}

func sumOf(text string) format.Sum {
	hash := filter.NewHash()
	io.WriteString(hash, text)
	return hash.Sum()
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, r *repo.Repo, m *format.Manifest) {
	t.Helper()
	if err := r.CommitManifest(t.Context(), m, ""); err != nil {
		t.Fatal(err)
	}
}

func TestPaths(t *testing.T) {
	r := repo.New(repo.Config{Key: 7, Path: "/srv/repo/", Stanza: "demo"})
	tests := map[string]string{
		r.Name():                                  "repo7",
		r.Path():                                  "/srv/repo",
		r.ArchivePath():                           "/srv/repo/archive/demo",
		r.ArchivePath("15-1", "x"):                "/srv/repo/archive/demo/15-1/x",
		r.BackupPath("latest"):                    "/srv/repo/backup/demo/latest",
		r.ForStanza("a").BackupPath():             "/srv/repo/backup/a",
		r.InfoPath(repo.BackupInfoFile):           "/srv/repo/backup/demo/backup.info",
		r.ArchiveFile("15-1", "00000002.history"): "/srv/repo/archive/demo/15-1/00000002.history",
		r.ArchiveFile("15-1", "00000001000000000000001A.00000028.backup"): "/srv/repo/archive/demo/15-1/0000000100000000/00000001000000000000001A.00000028.backup",
	}
	for got, want := range tests {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestManifestCommit(t *testing.T) {
	for _, pass := range []string{"", "manifest pass"} {
		r := newRepo(t, repo.CipherNone)
		m := manifest(fullLabel, "")
		if err := r.SaveManifestCopy(t.Context(), m, pass); err != nil {
			t.Fatal(err)
		}
		if exists, err := r.ManifestExists(t.Context(), fullLabel); err != nil || exists {
			t.Errorf("complete with only the copy: %v, %v", exists, err)
		}
		if err := r.CommitManifest(t.Context(), m, pass); err != nil {
			t.Fatal(err)
		}
		file := r.BackupPath(fullLabel, repo.ManifestFile)
		if !bytes.Equal(readFile(t, file), readFile(t, file+repo.CopyExt)) {
			t.Error("manifest and copy differ")
		}
		if err := os.Truncate(file, 20); err != nil {
			t.Fatal(err)
		}
		read, err := r.LoadManifest(t.Context(), fullLabel, pass)
		if err != nil || read.Files.Len() != 1 || read.Label != fullLabel || read.Program != "2.60.0" {
			t.Errorf("read back %+v, %v", read, err)
		}
		history := r.BackupPath("backup.history", "2026", fullLabel+".manifest.gz")
		plain, err := filter.NewReader(bytes.NewReader(readFile(t, history)), filter.Spec{Compression: filter.Gz, Pass: pass})
		if err != nil {
			t.Fatal(err)
		}
		if kept, err := format.DecodeManifest(plain); err != nil || kept.Label != fullLabel {
			t.Errorf("history has %+v, %v", kept, err)
		}
		labels, err := r.HistoryLabels(t.Context())
		if err != nil || len(labels) != 1 || labels[0] != fullLabel {
			t.Errorf("labels in history: %v, %v", labels, err)
		}
	}
}

func TestLatest(t *testing.T) {
	r := newRepo(t, repo.CipherNone)
	if err := os.MkdirAll(r.BackupPath(fullLabel), 0o750); err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{fullLabel, fullLabel} {
		if err := r.UpdateLatest(t.Context(), label); err != nil {
			t.Fatal(err)
		}
		if target, err := os.Readlink(r.BackupPath("latest")); err != nil || target != fullLabel {
			t.Errorf("latest is %s, %v", target, err)
		}
	}
	if err := r.UpdateLatest(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(r.BackupPath("latest")); !os.IsNotExist(err) {
		t.Errorf("latest is still there: %v", err)
	}
}

func TestOpenFile(t *testing.T) {
	r := newRepo(t, repo.CipherNone)
	m := manifest(fullLabel, "")
	m.Options.CompressType = "zst"
	store := func(path string, spec filter.Spec, text string) int64 {
		var stored bytes.Buffer
		w, err := filter.NewWriter(&stored, spec)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, text)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		existing, _ := os.ReadFile(path)
		writeFile(t, path, string(existing)+stored.String())
		return int64(stored.Len())
	}
	spec := filter.Spec{Compression: filter.Zst, Level: 3}
	store(r.BackupPath("20261101-000000F", "pg_data/one.zst"), spec, "one")
	bundle := r.BackupPath(fullLabel, "bundle", "4")
	first := store(bundle, spec, "some other file")
	second := store(bundle, spec, "two")
	files := []struct {
		file format.File
		want string
	}{
		{format.File{Name: "pg_data/one", Size: 3, RepoSize: 3, Reference: "20261101-000000F"}, "one"},
		{format.File{Name: "pg_data/two", Size: 3, RepoSize: second, BundleID: 4, BundleOffset: first}, "two"},
		{format.File{Name: "pg_data/empty", Reference: "20261101-000000F"}, ""},
	}
	for _, test := range files {
		src, err := r.OpenFile(t.Context(), m, &test.file)
		if err != nil {
			t.Errorf("%s: %v", test.file.Name, err)
			continue
		}
		if got, err := io.ReadAll(src); err != nil || string(got) != test.want {
			t.Errorf("%s: %q, %v", test.file.Name, got, err)
		}
		src.Close()
	}
	_, err := r.OpenFile(t.Context(), m, &format.File{Name: "pg_data/block", Size: 8192, BlockMapSize: 10, RepoSize: 90, BundleID: 1})
	if !errs.Is(err, errs.FeatureNotSupported) || !strings.Contains(err.Error(), "pg_data/block") {
		t.Errorf("block incremental: %v", err)
	}
}

func TestFilePathOfWriter(t *testing.T) {
	r := repo.New(repo.Config{Key: 1, Path: "/r", Stanza: "s"})
	m := &format.Manifest{Label: fullLabel, Options: format.Options{CompressType: "gz"}}
	path, part := r.FilePath(m, &format.File{Name: "pg_data/PG_VERSION", Size: 3})
	if path != "/r/backup/s/"+fullLabel+"/pg_data/PG_VERSION.gz" || part != (storage.Range{}) {
		t.Errorf("%s %v", path, part)
	}
	level := int64(4294967291)
	m.Options.CompressLevel = &level
	if got := r.FileSpec(m).Level; got != -5 {
		t.Errorf("level %d", got)
	}
}
