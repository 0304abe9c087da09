package stanza

import (
	"strings"
	"testing"

	"holdfast/internal/db"
	"holdfast/internal/errs"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/repo"
	"holdfast/internal/storage/posix"
	"holdfast/internal/storage/storagetest"
)

// offline returns options for a data directory that no server runs on.
func offline(t *testing.T, data pgtest.DataDirOptions, repos ...*repo.Repo) (Options, *log.Lines) {
	logger, lines := log.Memory()
	dir := pgtest.BuildDataDir(t, "", data)
	return Options{Log: logger, Stanza: "demo", Repos: repos,
		Clusters: []db.ClusterConfig{{Key: 1, Path: dir, Tree: posix.New(posix.Config{})}}}, lines
}

// SN-007, as far as stanza-create goes.
func TestCreateOffline(t *testing.T) {
	mem := storagetest.NewMem()
	first, second := newRepo(mem, 1, repo.CipherNone), newRepo(mem, 2, repo.CipherAES)
	o, lines := offline(t, pgtest.DataDirOptions{}, first)
	if err := Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	o.Repos = []*repo.Repo{first, second}
	if err := Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	want := "INFO: stanza-create for stanza 'demo' on repo1\n" +
		"INFO: stanza-create for stanza 'demo' on repo1\n" +
		"INFO: stanza 'demo' already exists on repo1 and is valid\n" +
		"INFO: stanza-create for stanza 'demo' on repo2"
	if got := strings.TrimSpace(lines.Text()); got != want {
		t.Errorf("logged\n%s\nwant\n%s", got, want)
	}
	for _, r := range o.Repos {
		info, err := r.LoadArchiveInfo(t.Context())
		if err != nil || info.DB.SystemID != pgtest.DefaultSystemID || info.DB.ArchiveID() != "15-1" {
			t.Errorf("%+v, %v", info, err)
		}
	}
}

// SC-06: the first repository that fails ends it; those before it stay.
func TestCreateStopsAtFirstFailure(t *testing.T) {
	mem := storagetest.NewMem()
	repos := []*repo.Repo{newRepo(mem, 1, repo.CipherNone), newRepo(mem, 2, repo.CipherNone), newRepo(mem, 3, repo.CipherNone)}
	write(t, mem, repos[1].BackupPath("x"))
	o, _ := offline(t, pgtest.DataDirOptions{}, repos...)
	if err := Create(t.Context(), o); !errs.Is(err, errs.PathNotEmpty) {
		t.Errorf("%v", err)
	}
	for i, want := range []bool{true, false, false} {
		if found, err := repos[i].FindInfo(t.Context(), repo.BackupInfoFile); err != nil || found.Both() != want {
			t.Errorf("repo%d: %+v, %v", i+1, found, err)
		}
	}
}

func TestCreateWithoutControlFile(t *testing.T) {
	o, _ := offline(t, pgtest.DataDirOptions{}, newRepo(storagetest.NewMem(), 1, repo.CipherNone))
	o.Clusters[0].Path = t.TempDir()
	if err := Create(t.Context(), o); !errs.Is(err, errs.FileMissing) || !strings.Contains(err.Error(), "global/pg_control") {
		t.Errorf("[%d] %v", errs.CodeOf(err), err)
	}
}

func TestUpgradeOffline(t *testing.T) {
	mem := storagetest.NewMem()
	repos := []*repo.Repo{newRepo(mem, 1, repo.CipherNone), newRepo(mem, 2, repo.CipherNone)}
	o, _ := offline(t, pgtest.DataDirOptions{}, repos...)
	if err := Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	o, lines := offline(t, pgtest.DataDirOptions{Version: postgres.Version16, Control: pgtest.ControlOptions{SystemID: 42}}, repos...)
	for range 2 {
		if err := Upgrade(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	want := "INFO: stanza-upgrade for stanza 'demo' on repo1\n" +
		"INFO: stanza-upgrade for stanza 'demo' on repo2\n" +
		"INFO: stanza-upgrade for stanza 'demo' on repo1\n" +
		"INFO: stanza 'demo' on repo1 is already up to date\n" +
		"INFO: stanza-upgrade for stanza 'demo' on repo2\n" +
		"INFO: stanza 'demo' on repo2 is already up to date"
	if got := strings.TrimSpace(lines.Text()); got != want {
		t.Errorf("logged\n%s\nwant\n%s", got, want)
	}
}

// SN-006
func TestServerNotReachable(t *testing.T) {
	r := newRepo(storagetest.NewMem(), 1, repo.CipherNone)
	clusters := []db.ClusterConfig{{Key: 1, Path: "/nowhere", Tree: posix.New(posix.Config{}),
		Conn: db.Config{SocketPath: t.TempDir(), Port: 5432}}}
	logger, lines := log.Memory()
	err := Create(t.Context(), Options{Log: logger, Stanza: "demo", Repos: []*repo.Repo{r}, Clusters: clusters, Online: true})
	wantError(t, err, errs.DbConnect, "unable to find primary cluster - cannot proceed\nHINT: are all available clusters in recovery?")
	err = Check(t.Context(), CheckOptions{Log: logger, Stanza: "demo", Repos: []*repo.Repo{r}, Clusters: clusters})
	wantError(t, err, errs.Config, "no database found\nHINT: check indexed pg-path/pg-host configurations")
	if n := strings.Count(lines.Text(), "WARN: unable to check pg1: [DbConnectError] "); n != 2 {
		t.Errorf("logged\n%s", lines.Text())
	}
}
