package stanza

import (
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/lock"
	"holdfast/internal/log"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

// deletion prepares a stanza with content, a data directory and a place for stop files.
func deletion(t *testing.T) (DeleteOptions, *storagetest.Mem) {
	mem := storagetest.NewMem()
	r := newRepo(mem, 1, repo.CipherNone)
	mustCreate(t, r)
	write(t, mem, r.ArchiveFile("15-1", stored))
	write(t, mem, r.BackupPath("20261120-215552F", "backup.manifest"))
	logger, _ := log.Memory()
	return DeleteOptions{Log: logger, Stanza: "demo", Repo: r, LockPath: t.TempDir(), Cluster: mem, PgPath: "/pg"}, mem
}

func stop(t *testing.T, o DeleteOptions, stanza string) {
	t.Helper()
	if _, err := lock.Stop(o.LockPath, stanza); err != nil {
		t.Fatal(err)
	}
}

func exists(t *testing.T, s storage.Storage, path string) bool {
	t.Helper()
	found, err := storage.Exists(t.Context(), s, path)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// SN-010
func TestDeleteNotStopped(t *testing.T) {
	for _, force := range []bool{false, true} {
		o, _ := deletion(t)
		o.Force = force
		stop(t, o, "") // that of all stanzas does not count
		wantError(t, Delete(t.Context(), o), errs.FileMissing, "stop file does not exist for stanza 'demo'\n"+
			"HINT: has the pgbackrest stop command been run on this server for this stanza?")
	}
}

// SN-011
func TestDeleteRunning(t *testing.T) {
	o, mem := deletion(t)
	stop(t, o, "demo")
	write(t, mem, "/pg/postmaster.pid")
	wantError(t, Delete(t.Context(), o), errs.PgRunning, "postmaster.pid exists - looks like PostgreSQL is running. To delete stanza"+
		" 'demo' on repo1, shut down PostgreSQL for stanza 'demo' and try again, or use --force.")
	o.Force = true
	if err := Delete(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if exists(t, mem, o.Repo.ArchivePath()) || exists(t, mem, o.Repo.BackupPath()) {
		t.Error("directories are left")
	}
	if stopped, err := lock.Stopped(o.LockPath, "demo"); err != nil || stopped {
		t.Errorf("stopped %v, %v", stopped, err)
	}
}

// SN-013, as far as stanza-delete goes: an existing stop file stays.
func TestDeleteNothing(t *testing.T) {
	logger, _ := log.Memory()
	o := DeleteOptions{Log: logger, Stanza: "demo", Repo: newRepo(storagetest.NewMem(), 1, repo.CipherNone), LockPath: t.TempDir()}
	stop(t, o, "demo")
	if err := Delete(t.Context(), o); err != nil {
		t.Error(err)
	}
	if stopped, err := lock.Stopped(o.LockPath, "demo"); err != nil || !stopped {
		t.Errorf("stopped %v, %v", stopped, err)
	}
}

func TestDeleteEmptyDirectories(t *testing.T) {
	o, mem := deletion(t)
	if err := mem.RemoveAll(t.Context(), "/repo1"); err != nil {
		t.Fatal(err)
	}
	if err := mem.MakeDir(t.Context(), o.Repo.ArchivePath(), 0o750, true); err != nil {
		t.Fatal(err)
	}
	if err := Delete(t.Context(), o); err != nil {
		t.Error(err)
	}
	if exists(t, mem, o.Repo.ArchivePath()) {
		t.Error("directory is left")
	}
}

// A deletion cut off anywhere can be run again, and what is left can never be used.
func TestDeleteWithFaults(t *testing.T) {
	for n := 1; ; n++ {
		o, mem := deletion(t)
		stop(t, o, "demo")
		faulty := storagetest.NewFaulty(mem, n)
		interrupted := o
		interrupted.Repo = newRepo(faulty, 1, repo.CipherNone)
		err := Delete(t.Context(), interrupted)
		if !faulty.Fired() {
			if n < 5 || err != nil {
				t.Errorf("%d operations, %v", n-1, err)
			}
			return
		}
		if err == nil {
			t.Errorf("%s: failed unnoticed", faulty.Failed())
		}
		if err := Delete(t.Context(), o); err != nil {
			t.Errorf("%s: then %v", faulty.Failed(), err)
		}
		if exists(t, mem, o.Repo.ArchivePath()) || exists(t, mem, o.Repo.BackupPath()) {
			t.Errorf("%s: directories are left", faulty.Failed())
		}
	}
}

func TestDeleteOrder(t *testing.T) {
	o, mem := deletion(t)
	stop(t, o, "demo")
	trace := storagetest.NewTrace(mem)
	o.Repo = newRepo(trace, 1, repo.CipherNone)
	if err := Delete(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	want := "remove /repo1/archive/demo/archive.info\n" +
		"remove /repo1/archive/demo/archive.info.copy\n" +
		"remove /repo1/backup/demo/backup.info\n" +
		"remove /repo1/backup/demo/backup.info.copy\n" +
		"removeall /repo1/archive/demo\n" +
		"removeall /repo1/backup/demo\n"
	if trace.Text() != want {
		t.Errorf("%s", trace.Text())
	}
}
