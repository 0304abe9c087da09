package stanza

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/storage/storagetest"
)

const stored = "000000010000000000000021-fdf4616193ed80d3fd99b22358181d238f3a1d35.gz"

// server is a primary that archives to the repositories when WAL is switched.
type server struct {
	archive func(segment string)
	point   string
}

func (s *server) RestorePoint(_ context.Context, name string) error {
	s.point = name
	return nil
}

func (s *server) SwitchWAL(context.Context) (string, error) {
	s.archive("000000010000000000000021")
	return "000000010000000000000021", nil
}

func TestCheckPrimary(t *testing.T) {
	mem := storagetest.NewMem()
	logger, lines := log.Memory()
	o := CheckOptions{Log: logger, Stanza: "demo", ArchiveTimeout: time.Second,
		Repos: []*repo.Repo{newRepo(mem, 1, repo.CipherNone), newRepo(mem, 2, repo.CipherAES)}}
	for _, r := range o.Repos {
		mustCreate(t, r)
	}
	s := &server{archive: func(string) {
		for _, r := range o.Repos {
			write(t, mem, r.ArchiveFile("15-1", stored))
		}
	}}
	if err := o.checkPrimary(t.Context(), s, cluster); err != nil {
		t.Fatal(err)
	}
	want := "INFO: check repo1 configuration (primary)\n" +
		"INFO: check repo2 configuration (primary)\n" +
		"INFO: check repo1 archive for WAL (primary)\n" +
		"INFO: WAL segment 000000010000000000000021 successfully archived to '/repo1/archive/demo/15-1/0000000100000000/" + stored +
		"' on repo1\n" +
		"INFO: check repo2 archive for WAL (primary)\n" +
		"INFO: WAL segment 000000010000000000000021 successfully archived to '/repo2/archive/demo/15-1/0000000100000000/" + stored +
		"' on repo2"
	if got := strings.TrimSpace(lines.Text()); got != want {
		t.Errorf("logged\n%s\nwant\n%s", got, want)
	}
	if s.point != "pgBackRest Archive Check" {
		t.Errorf("restore point %q", s.point)
	}
}

// SN-007: the stanza is missing in a repository that was added; WAL is not switched.
func TestCheckStanzaMissingInOne(t *testing.T) {
	mem := storagetest.NewMem()
	logger, _ := log.Memory()
	first, second := newRepo(mem, 1, repo.CipherNone), newRepo(mem, 2, repo.CipherNone)
	mustCreate(t, first)
	o := CheckOptions{Log: logger, Stanza: "demo", ArchiveTimeout: time.Second, Repos: []*repo.Repo{first, second}}
	s := &server{archive: func(string) { t.Error("WAL was switched") }}
	if err := o.checkPrimary(t.Context(), s, cluster); !errs.Is(err, errs.FileMissing) {
		t.Errorf("%v", err)
	}
	mustCreate(t, first)
	mustCreate(t, second)
	s.archive = func(string) {
		write(t, mem, first.ArchiveFile("15-1", stored))
		write(t, mem, second.ArchiveFile("15-1", stored))
	}
	if err := o.checkPrimary(t.Context(), s, cluster); err != nil {
		t.Error(err)
	}
}

func TestCheckTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRepo(storagetest.NewMem(), 1, repo.CipherNone)
		mustCreate(t, r)
		logger, _ := log.Memory()
		o := CheckOptions{Log: logger, Stanza: "demo", ArchiveTimeout: 3 * time.Second, Repos: []*repo.Repo{r}}
		err := o.checkPrimary(t.Context(), &server{archive: func(string) {}}, cluster)
		if !errs.Is(err, errs.ArchiveTimeout) || len(errs.Hints(err)) != 3 {
			t.Errorf("%s", errs.Text(err))
		}
	})
}

func TestCheckMismatch(t *testing.T) {
	r := newRepo(storagetest.NewMem(), 1, repo.CipherNone)
	mustCreate(t, r)
	logger, _ := log.Memory()
	o := CheckOptions{Log: logger, Stanza: "demo", Repos: []*repo.Repo{r}}
	for _, check := range []func(postgres.Control) error{
		func(c postgres.Control) error { return o.checkStandby(t.Context(), c) },
		func(c postgres.Control) error { return o.checkPrimary(t.Context(), nil, c) },
	} {
		wantError(t, check(postgres.Control{Version: 150000, SystemID: 1}), errs.FileInvalid,
			"backup and archive info files exist but do not match the database\n"+
				"HINT: is this the correct stanza?\nHINT: did an error occur during stanza-upgrade?")
	}
}

func TestCheckWithoutClusters(t *testing.T) {
	logger, _ := log.Memory()
	err := Check(t.Context(), CheckOptions{Log: logger, Stanza: "demo"})
	wantError(t, err, errs.Config, "no database found\nHINT: check indexed pg-path/pg-host configurations")
}
