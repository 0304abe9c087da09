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
	"holdfast/internal/log"
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
		Files: []format.File{{
			Name: "pg_data/PG_VERSION", Size: 3, OriginalSize: 3, RepoSize: 3, Timestamp: 1795211700, HasChecksum: true,
			Checksum: sumOf("15\n"), Mode: 0o600, User: "postgres", Group: "postgres",
		}},
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

func TestInfoFilesAreEqualPairs(t *testing.T) {
	for _, cipher := range []string{repo.CipherNone, repo.CipherAES} {
		t.Run(cipher, func(t *testing.T) {
			r := newRepo(t, cipher)
			if err := r.SaveBackupInfo(t.Context(), backupInfo()); err != nil {
				t.Fatal(err)
			}
			if err := r.SaveArchiveInfo(t.Context(), archiveInfo()); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{repo.ArchiveInfoFile, repo.BackupInfoFile} {
				file := r.InfoPath(name)
				main, copied := readFile(t, file), readFile(t, file+repo.CopyExt)
				if !bytes.Equal(main, copied) {
					t.Errorf("%s and its copy differ", name)
				}
				if encrypted := bytes.HasPrefix(main, []byte("Salted__")); encrypted != r.Encrypted() {
					t.Errorf("%s is encrypted: %v", name, encrypted)
				}
			}
			info, err := r.LoadBackupInfo(t.Context())
			if err != nil || info.DB.SystemID != 7710382814157307616 || info.Program != "2.60.0" {
				t.Errorf("read back %+v, %v", info, err)
			}
		})
	}
}

func TestInfoFallsBackToCopy(t *testing.T) {
	r := newRepo(t, repo.CipherNone)
	if err := r.SaveBackupInfo(t.Context(), backupInfo()); err != nil {
		t.Fatal(err)
	}
	file := r.InfoPath(repo.BackupInfoFile)
	whole := string(readFile(t, file))
	for name, text := range map[string]string{
		"truncated to 3 bytes": whole[:3], // SN-025
		"empty":                "",
		"one digit changed":    strings.Replace(whole, "202209061", "202209062", 1),
	} {
		writeFile(t, file, text)
		if _, err := r.LoadBackupInfo(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := r.LoadBackupInfo(t.Context()); err != nil {
		t.Errorf("removed: %v", err)
	}
}

func TestInfoErrors(t *testing.T) {
	plain := newRepo(t, repo.CipherNone)
	file := plain.InfoPath(repo.BackupInfoFile)
	if err := plain.SaveBackupInfo(t.Context(), backupInfo()); err != nil {
		t.Fatal(err)
	}
	whole := string(readFile(t, file))
	damaged := strings.Replace(whole, "202209061", "202209062", 1)
	tests := []struct {
		name       string
		main, copy string
		code       errs.Code
		text       []string
	}{
		{"both missing", "", "", errs.FileMissing, []string{
			"unable to load info file '" + file + "' or '" + file + ".copy':\nFileMissingError: unable to open missing file '" + file +
				"' for read\nFileMissingError: unable to open missing file '" + file + ".copy' for read\nHINT: backup.info cannot be opened" +
				" and is required to perform a backup.\nHINT: has a stanza-create been performed?"}},
		{"damaged, copy missing", damaged, "", errs.Checksum, []string{"ChecksumError: invalid checksum, actual '", "FileMissingError: "}},
		{"missing, copy damaged", "", damaged, errs.Checksum, []string{"FileMissingError: ", "ChecksumError: "}},
		{"different troubles", damaged, "what is this\n", errs.FileOpen, []string{"ChecksumError: ", "FormatError: "}},
		{"encrypted", "Salted__\x01\x02\xff\xfe\x00\x80\n", "Salted__\x01\x02\xff\xfe\x00\x80\n", errs.Format,
			[]string{"FormatError: ", "\nHINT: is or was the repo encrypted?\n"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for name, text := range map[string]string{file: test.main, file + ".copy": test.copy} {
				os.Remove(name)
				if text != "" {
					writeFile(t, name, text)
				}
			}
			_, err := plain.LoadBackupInfo(t.Context())
			if !errs.Is(err, test.code) {
				t.Errorf("code %d, want %d: %v", errs.CodeOf(err), test.code, err)
			}
			for _, want := range test.text {
				if !strings.Contains(errs.Text(err), want) {
					t.Errorf("%q lacks %q", errs.Text(err), want)
				}
			}
			if strings.ContainsFunc(errs.Text(err), func(c rune) bool { return c != '\n' && (c < ' ' || c > '~') }) {
				t.Errorf("garbage in %q", errs.Text(err))
			}
		})
	}
}

func TestInfoOfPlainRepositoryReadWithCipher(t *testing.T) {
	plain := newRepo(t, repo.CipherNone)
	if err := plain.SaveArchiveInfo(t.Context(), archiveInfo()); err != nil {
		t.Fatal(err)
	}
	r := repo.New(repo.Config{Key: 1, Path: plain.Path(), Storage: plain.Storage(), Stanza: "demo", CipherType: repo.CipherAES,
		CipherPass: "secret"})
	_, err := r.LoadArchiveInfo(t.Context())
	if !errs.Is(err, errs.Crypto) {
		t.Errorf("code %d: %v", errs.CodeOf(err), err)
	}
	want := "CryptoError: cipher header invalid\nHINT: is or was the repo encrypted?\nCryptoError: cipher header invalid\n" +
		"HINT: is or was the repo encrypted?\nHINT: archive.info cannot be opened but is required to push/get WAL segments.\n"
	if !strings.Contains(errs.Text(err), want) {
		t.Errorf("%q", errs.Text(err))
	}
}

func TestInfoWithWrongPass(t *testing.T) {
	right := newRepo(t, repo.CipherAES)
	if err := right.SaveArchiveInfo(t.Context(), archiveInfo()); err != nil {
		t.Fatal(err)
	}
	for _, pass := range []string{"a", "b", "c", "d", "e", "f"} {
		r := repo.New(repo.Config{Key: 1, Path: right.Path(), Storage: right.Storage(), Stanza: "demo", CipherType: repo.CipherAES,
			CipherPass: pass})
		_, err := r.LoadArchiveInfo(t.Context())
		if !errs.Is(err, errs.Crypto) && !errs.Is(err, errs.Format) {
			t.Errorf("code %d: %v", errs.CodeOf(err), err)
		}
		if text := errs.Text(err); !strings.Contains(text, "HINT: is or was the repo encrypted?") ||
			strings.ContainsFunc(text, func(c rune) bool { return c != '\n' && (c < ' ' || c > '~') }) {
			t.Errorf("%q", text)
		}
	}
}

func TestMendInfo(t *testing.T) {
	r := newRepo(t, repo.CipherAES)
	if err := r.SaveArchiveInfo(t.Context(), archiveInfo()); err != nil {
		t.Fatal(err)
	}
	file := r.InfoPath(repo.ArchiveInfoFile)
	whole := readFile(t, file)
	for _, lost := range []string{file, file + repo.CopyExt} {
		os.Remove(lost)
		if found, err := r.FindInfo(t.Context(), repo.ArchiveInfoFile); err != nil || found.Both() || !found.Any() {
			t.Errorf("found %+v, %v", found, err)
		}
		if err := r.MendInfo(t.Context(), repo.ArchiveInfoFile); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(readFile(t, lost), whole) {
			t.Errorf("%s differs", lost)
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
		if err != nil || len(read.Files) != 1 || read.Label != fullLabel || read.Program != "2.60.0" {
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

func TestReconcile(t *testing.T) {
	const (
		diff    = fullLabel + "_20261120-215557D"
		incr    = fullLabel + "_20261120-215558I"
		other   = "20261121-000000F"
		foreign = "20261122-000000F"
	)
	r := newRepo(t, repo.CipherNone)
	if err := r.SaveBackupInfo(t.Context(), backupInfo()); err != nil {
		t.Fatal(err)
	}
	commit(t, r, manifest(fullLabel, ""))
	commit(t, r, manifest(diff, fullLabel))
	commit(t, r, manifest(incr, diff))
	stranger := manifest(foreign, "")
	stranger.DB.SystemID++
	commit(t, r, stranger)
	commit(t, r, manifest(other+"_20261121-000001D", other)) // nothing of its set is listed
	if err := r.SaveManifestCopy(t.Context(), manifest("20261123-000000F", ""), ""); err != nil {
		t.Fatal(err)
	}

	logger, lines := log.Memory()
	info, changed, err := r.ReconciledBackupInfo(t.Context(), logger)
	if err != nil || !changed || len(info.Backups) != 3 {
		t.Fatalf("%d backups, changed %v, %v", len(info.Backups), changed, err)
	}
	want := "WARN: backup '" + fullLabel + "' found in repository added to backup.info\n" +
		"WARN: backup '" + diff + "' found in repository added to backup.info\n" +
		"WARN: backup '" + incr + "' found in repository added to backup.info\n" +
		"WARN: invalid backup '" + foreign + "' cannot be added to current backups\n"
	if got := strings.TrimSpace(lines.Text()); got != strings.TrimSpace(want) {
		t.Errorf("logged\n%s\nwant\n%s", got, want)
	}

	if err := r.SaveBackupInfo(t.Context(), info); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(r.BackupPath(diff, repo.ManifestFile)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(r.BackupPath(diff, repo.ManifestFile+repo.CopyExt)); err != nil {
		t.Fatal(err)
	}
	// The incr is removed with the diff, though its manifest is there, and it stays out: its prior is not listed.
	for range 2 {
		logger, lines = log.Memory()
		info, changed, err = r.ReconciledBackupInfo(t.Context(), logger)
		if err != nil || len(info.Backups) != 1 {
			t.Fatalf("%d backups, changed %v, %v", len(info.Backups), changed, err)
		}
		if err := r.SaveBackupInfo(t.Context(), info); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(lines.Text(), "removed") != changed {
			t.Errorf("changed %v:\n%s", changed, lines.Text())
		}
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
