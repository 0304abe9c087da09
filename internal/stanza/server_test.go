package stanza

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/internal/db"
	"holdfast/internal/errs"
	"holdfast/internal/log"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/repo"
	"holdfast/internal/storage/posix"
)

// TestServer creates a stanza for a running server and checks that WAL arrives, then what happens when it does not.
func TestServer(t *testing.T) {
	tree := posix.New(posix.Config{})
	r := repo.New(repo.Config{Key: 1, Path: filepath.Join(pgtest.Dir(t), "repo"), Storage: tree, Stanza: "demo", Program: "2.60.0"})
	// The name in the comment is what the check looks for.
	archive := "d=" + r.ArchivePath("15-1") + "/$(echo %f | cut -c1-16) && mkdir -p $d &&" +
		" cp %p $d/%f-$(sha1sum %p | cut -c1-40) # pgbackrest"
	c := pgtest.Start(t, pgtest.Options{ArchiveCommand: archive, SegmentMB: 1})
	clusters := []db.ClusterConfig{{Key: 1, Path: c.DataDir, Tree: tree,
		Conn: db.Config{SocketPath: c.SocketDir, Port: c.Port, User: c.User, ApplicationName: "pgBackRest [check]"}}}

	logger, lines := log.Memory()
	create := Options{Log: logger, Stanza: "demo", Repos: []*repo.Repo{r}, Clusters: clusters, Online: true}
	if err := Create(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(r.ArchivePath(), 0o777); err != nil { // the server may be another user
		t.Fatal(err)
	}
	for dir := filepath.Dir(r.ArchivePath()); dir != filepath.Dir(r.Path()); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}

	check := CheckOptions{Log: logger, Stanza: "demo", Repos: create.Repos, Clusters: clusters, ArchiveCheck: true,
		ArchiveModeCheck: true, ArchiveTimeout: time.Minute}
	if err := Check(t.Context(), check); err != nil {
		t.Fatalf("%s\n%s", errs.Text(err), lines.Text())
	}
	if !strings.Contains(lines.Text(), " successfully archived to '"+r.ArchivePath("15-1")) {
		t.Errorf("logged\n%s", lines.Text())
	}

	standby := c.Standby()
	clusters[0].Conn.Port = c.Port // restarted on the way, perhaps elsewhere
	clusters = append(clusters, db.ClusterConfig{Key: 2, Path: standby.DataDir, Tree: tree,
		Conn: db.Config{SocketPath: standby.SocketDir, Port: standby.Port, User: standby.User}})
	logger, lines = log.Memory()
	check.Log, check.Clusters, check.StandbyWanted = logger, clusters, true
	if err := Check(t.Context(), check); err != nil {
		t.Fatalf("%s\n%s", errs.Text(err), lines.Text())
	}
	want := "INFO: check repo1 (standby)\nINFO: switch wal not performed because this is a standby\n" +
		"INFO: check repo1 configuration (primary)\nINFO: check repo1 archive for WAL (primary)\nINFO: WAL segment "
	if !strings.HasPrefix(lines.Text(), want) {
		t.Errorf("logged\n%s", lines.Text())
	}
	check.Clusters = clusters[1:]
	if err := Check(t.Context(), check); err != nil {
		t.Errorf("a standby on its own host: %s", errs.Text(err))
	}
	check.RepoHere = true
	wantError(t, Check(t.Context(), check), errs.Config, "primary database not found\nHINT: check indexed pg-path/pg-host configurations")

	c.Configure(map[string]string{"archive_command": "false # pgbackrest"})
	c.Reload()
	check.Clusters, check.ArchiveTimeout = clusters[:1], 500*time.Millisecond
	if err := Check(t.Context(), check); !errs.Is(err, errs.ArchiveTimeout) {
		t.Errorf("archive_command that fails: %v", err)
	}
	c.Configure(map[string]string{"archive_command": "false"})
	c.Reload()
	wantError(t, Check(t.Context(), check), errs.ArchiveCommandInvalid, "archive_command 'false' must contain pgbackrest")
}
