package stanza

import (
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

const systemID = 7710382814157307616

var cluster = postgres.Control{Version: 150000, SystemID: systemID, CatalogVersion: 202209061, ControlVersion: 1300}

// newRepo returns a repository on a tree. The path differs per key, so that several can share a tree.
func newRepo(tree storage.Tree, key int, cipher string) *repo.Repo {
	return repo.New(repo.Config{
		Key: key, Path: "/repo" + string(rune('0'+key)), Storage: tree, Stanza: "demo", CipherType: cipher, CipherPass: "secret",
		Program: "2.60.0",
	})
}

// create runs the part of Create that is about one repository.
func create(t *testing.T, r *repo.Repo, control postgres.Control) (string, error) {
	t.Helper()
	logger, lines := log.Memory()
	err := Options{Log: logger, Stanza: "demo"}.createIn(t.Context(), r, control)
	return strings.TrimSpace(lines.Text()), err
}

func mustCreate(t *testing.T, r *repo.Repo) {
	t.Helper()
	if _, err := create(t, r, cluster); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, s storage.Storage, path string) {
	t.Helper()
	if err := storage.WriteAll(t.Context(), s, path, []byte("x"), storage.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, s storage.Storage, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if err := s.Remove(t.Context(), path); err != nil {
			t.Fatal(err)
		}
	}
}

func wantError(t *testing.T, err error, code errs.Code, text string) {
	t.Helper()
	if !errs.Is(err, code) || errs.Text(err) != text {
		t.Errorf("[%d] %q\nwant [%d] %q", errs.CodeOf(err), errs.Text(err), code, text)
	}
}

func TestCreateWritesBothPairs(t *testing.T) {
	for _, cipher := range []string{repo.CipherNone, repo.CipherAES} {
		r := newRepo(storagetest.NewMem(), 1, cipher)
		mustCreate(t, r)
		archive, backup, err := loadInfo(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if err := repo.CheckInfo(archive, backup); err != nil || archive.DB.ID != 1 || len(archive.History) != 1 || len(backup.History) != 1 {
			t.Errorf("%+v %+v, %v", archive, backup, err)
		}
		if backup.DB.CatalogVersion != 202209061 || backup.DB.ControlVersion != 1300 || backup.DB.Version != "15" {
			t.Errorf("%+v", backup.DB)
		}
		wantPass := 0
		if r.Encrypted() {
			wantPass = 64
		}
		if len(archive.CipherPass) != wantPass || len(backup.CipherPass) != wantPass {
			t.Errorf("passes %q and %q", archive.CipherPass, backup.CipherPass)
		}
		if r.Encrypted() && archive.CipherPass == backup.CipherPass {
			t.Error("one pass for both")
		}
		for _, name := range []string{repo.ArchiveInfoFile, repo.BackupInfoFile} {
			if found, err := r.FindInfo(t.Context(), name); err != nil || !found.Both() {
				t.Errorf("%s: %+v, %v", name, found, err)
			}
		}
	}
}

// SN-001
func TestCreateAgain(t *testing.T) {
	r := newRepo(storagetest.NewMem(), 1, repo.CipherNone)
	mustCreate(t, r)
	lines, err := create(t, r, cluster)
	if err != nil || lines != "INFO: stanza 'demo' already exists on repo1 and is valid" {
		t.Errorf("%q, %v", lines, err)
	}
}

// SN-002
func TestCreateMends(t *testing.T) {
	for _, name := range []string{repo.ArchiveInfoFile, repo.BackupInfoFile} {
		for _, ext := range []string{"", repo.CopyExt} {
			mem := storagetest.NewMem()
			r := newRepo(mem, 1, repo.CipherAES)
			mustCreate(t, r)
			remove(t, mem, r.InfoPath(name)+ext)
			lines, err := create(t, r, cluster)
			if err != nil || lines != "" {
				t.Errorf("%s%s: %q, %v", name, ext, lines, err)
			}
			if found, err := r.FindInfo(t.Context(), name); err != nil || !found.Both() {
				t.Errorf("%s%s: %+v, %v", name, ext, found, err)
			}
		}
	}
}

// SN-003
func TestCreateOneKindLost(t *testing.T) {
	tests := []struct{ lost, text string }{
		{repo.ArchiveInfoFile, "backup.info exists but archive.info is missing on repo1\nHINT: this may be a symptom of repository corruption!"},
		{repo.BackupInfoFile, "archive.info exists but backup.info is missing on repo1\nHINT: this may be a symptom of repository corruption!"},
	}
	for _, test := range tests {
		mem := storagetest.NewMem()
		r := newRepo(mem, 1, repo.CipherNone)
		mustCreate(t, r)
		remove(t, mem, r.InfoPath(test.lost), r.InfoPath(test.lost)+repo.CopyExt)
		write(t, mem, r.ArchivePath("15-1/0000000100000000/000000010000000000000001-x"))
		_, err := create(t, r, cluster)
		wantError(t, err, errs.FileMissing, test.text)
		if _, err := checkStanza(t.Context(), r, cluster); !errs.Is(err, errs.FileMissing) {
			t.Errorf("check: %v", err)
		}
	}
}

// A creation may be killed after each of its steps; the next one completes it.
func TestCreateKilled(t *testing.T) {
	for _, cipher := range []string{repo.CipherNone, repo.CipherAES} {
		for kept := range 4 {
			for _, temp := range []bool{false, true} {
				mem := storagetest.NewMem()
				r := newRepo(mem, 1, cipher)
				mustCreate(t, r)
				archive, backup := r.InfoPath(repo.ArchiveInfoFile), r.InfoPath(repo.BackupInfoFile)
				files := []string{archive, archive + repo.CopyExt, backup, backup + repo.CopyExt}
				remove(t, mem, files[kept:]...)
				if temp {
					write(t, mem, files[kept]+storage.TempSuffix)
				}
				mustCreate(t, r)
				for _, file := range files {
					if is, err := storage.Exists(t.Context(), mem, file); !is {
						t.Errorf("%d files, temp %v: %s is not there (%v)", kept, temp, file, err)
					}
				}
				if _, err := checkStanza(t.Context(), r, cluster); err != nil {
					t.Errorf("%d files, temp %v: %v", kept, temp, err)
				}
			}
		}
	}
}

// SN-004
func TestCreateNotEmpty(t *testing.T) {
	tests := []struct {
		backup, archive bool
		text            string
	}{
		{true, false, "backup directory not empty"},
		{false, true, "archive directory not empty"},
		{true, true, "backup directory and/or archive directory not empty"},
	}
	for _, test := range tests {
		mem := storagetest.NewMem()
		r := newRepo(mem, 1, repo.CipherNone)
		if test.backup {
			write(t, mem, r.BackupPath("x"))
		}
		if test.archive {
			write(t, mem, r.ArchivePath("x"))
		}
		_, err := create(t, r, cluster)
		wantError(t, err, errs.PathNotEmpty, test.text)
	}
}

// SN-005
func TestCreateForAnotherCluster(t *testing.T) {
	r := newRepo(storagetest.NewMem(), 1, repo.CipherNone)
	mustCreate(t, r)
	for _, other := range []postgres.Control{{Version: 150000, SystemID: 1}, {Version: 160000, SystemID: systemID}} {
		_, err := create(t, r, other)
		wantError(t, err, errs.FileInvalid, "backup and archive info files exist but do not match the database\n"+
			"HINT: is this the correct stanza?\nHINT: did an error occur during stanza-upgrade?")
	}
}

func TestCreateInfoFilesDisagree(t *testing.T) {
	r := newRepo(storagetest.NewMem(), 1, repo.CipherNone)
	mustCreate(t, r)
	archive, err := r.LoadArchiveInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	addArchive(archive, 2, postgres.Control{Version: 160000, SystemID: 5})
	if err := r.SaveArchiveInfo(t.Context(), archive); err != nil {
		t.Fatal(err)
	}
	_, err = create(t, r, cluster)
	wantError(t, err, errs.FileInvalid, "backup info file and archive info file do not match\n"+
		"archive: id = 2, version = 16, system-id = 5\nbackup : id = 1, version = 15, system-id = 7710382814157307616\n"+
		"HINT: this may be a symptom of repository corruption!")
}

// SN-024, as far as stanza-create goes (SC-12).
func TestCreateWithAnotherCipher(t *testing.T) {
	for _, was := range []string{repo.CipherNone, repo.CipherAES} {
		is := repo.CipherAES
		if was == is {
			is = repo.CipherNone
		}
		mem := storagetest.NewMem()
		mustCreate(t, newRepo(mem, 1, was))
		_, err := create(t, newRepo(mem, 1, is), cluster)
		if !errs.Is(err, errs.Format) && !errs.Is(err, errs.Crypto) {
			t.Errorf("%s read as %s: [%d] %v", was, is, errs.CodeOf(err), err)
		}
	}
}

// Whatever operation fails, the next run finds a repository it can work with. So does one after a crash, except that a stanza with
// only one kind of info file is one the administrator must look at.
func TestCreateWithFaults(t *testing.T) {
	for n := 1; ; n++ {
		mem := storagetest.NewMem()
		faulty := storagetest.NewFaulty(mem, n)
		_, err := create(t, newRepo(faulty, 1, repo.CipherAES), cluster)
		if !faulty.Fired() {
			if n < 10 || err != nil {
				t.Errorf("%d operations, %v", n-1, err)
			}
			return
		}
		if err == nil {
			t.Errorf("%s: failed unnoticed", faulty.Failed())
		}
		r := newRepo(mem, 1, repo.CipherAES)
		if lines, err := create(t, r, cluster); err != nil {
			t.Errorf("%s: then %q, %v", faulty.Failed(), lines, err)
		}
		if _, err := checkStanza(t.Context(), r, cluster); err != nil {
			t.Errorf("%s: then %v", faulty.Failed(), err)
		}
	}
}

func TestUpgrade(t *testing.T) {
	r := newRepo(storagetest.NewMem(), 1, repo.CipherNone)
	mustCreate(t, r)
	if changed, err := upgradeIn(t.Context(), r, cluster); err != nil || changed {
		t.Errorf("up to date: changed %v, %v", changed, err)
	}
	newer := postgres.Control{Version: 160000, SystemID: 99, CatalogVersion: 202307071, ControlVersion: 1300}
	if changed, err := upgradeIn(t.Context(), r, newer); err != nil || !changed {
		t.Errorf("upgrade: changed %v, %v", changed, err)
	}
	archive, err := checkStanza(t.Context(), r, newer)
	if err != nil || archive.DB.ArchiveID() != "16-2" || len(archive.History) != 2 || archive.History[0].ArchiveID() != "15-1" {
		t.Errorf("%+v, %v", archive, err)
	}
	if changed, err := upgradeIn(t.Context(), r, newer); err != nil || changed {
		t.Errorf("again: changed %v, %v", changed, err)
	}
}

func TestUpgradeWithoutStanza(t *testing.T) {
	r := newRepo(storagetest.NewMem(), 1, repo.CipherNone)
	_, err := upgradeIn(t.Context(), r, cluster)
	if !errs.Is(err, errs.FileMissing) || !strings.Contains(errs.Text(err), "HINT: has a stanza-create been performed?") {
		t.Errorf("%v", errs.Text(err))
	}
}

// An upgrade cut off anywhere is completed by the next one, with one new history entry.
func TestUpgradeWithFaults(t *testing.T) {
	newer := postgres.Control{Version: 160000, SystemID: 99}
	for n := 1; ; n++ {
		mem := storagetest.NewMem()
		mustCreate(t, newRepo(mem, 1, repo.CipherNone))
		faulty := storagetest.NewFaulty(mem, n)
		_, err := upgradeIn(t.Context(), newRepo(faulty, 1, repo.CipherNone), newer)
		if !faulty.Fired() {
			if n < 10 || err != nil {
				t.Errorf("%d operations, %v", n-1, err)
			}
			return
		}
		r := newRepo(mem, 1, repo.CipherNone)
		if _, err := upgradeIn(t.Context(), r, newer); err != nil {
			t.Errorf("%s: then %v", faulty.Failed(), err)
		}
		archive, err := checkStanza(t.Context(), r, newer)
		if err != nil || archive.DB.ID != 2 || len(archive.History) != 2 {
			t.Errorf("%s: then %+v, %v", faulty.Failed(), archive, err)
		}
	}
}
