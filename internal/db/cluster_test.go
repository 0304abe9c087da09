package db_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/internal/db"
	"holdfast/internal/errs"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/storage/posix"
)

func clusterConfig(key int, c *pgtest.Cluster) db.ClusterConfig {
	return db.ClusterConfig{Key: key, Path: c.DataDir, Tree: posix.New(posix.Config{}), Conn: config(c)}
}

func TestFind(t *testing.T) {
	noEnvironment(t)
	p := pgtest.Start(t, pgtest.Options{})
	s := p.Standby()
	other := pgtest.Start(t, pgtest.Options{})
	primary, standby, second := clusterConfig(1, p), clusterConfig(2, s), clusterConfig(3, other)
	gone := clusterConfig(4, p)
	gone.Conn.SocketPath = "/nowhere"
	noFile := clusterConfig(5, p)
	noFile.Path = "/nowhere"
	none := []db.ClusterConfig{}

	const noPrimary = "unable to find primary cluster - cannot proceed\nHINT: are all available clusters in recovery?"
	for _, c := range []struct {
		name             string
		configs          []db.ClusterConfig
		mode             db.Standby
		primary, standby int
		code             errs.Code
		text, logged     string
	}{
		{"primary", []db.ClusterConfig{primary}, db.StandbyNo, 1, 0, errs.OK, "", ""},
		{"both", []db.ClusterConfig{primary, standby}, db.StandbyNo, 1, 0, errs.OK, "", ""},
		{"both, standby first", []db.ClusterConfig{standby, primary}, db.StandbyYes, 1, 2, errs.OK, "", ""},
		{"preferred", []db.ClusterConfig{primary, standby, standby}, db.StandbyPrefer, 1, 2, errs.OK, "", ""},
		{"preferred in vain", []db.ClusterConfig{primary}, db.StandbyPrefer, 1, 0, errs.OK, "",
			"WARN: unable to find a standby to perform the backup, using primary instead\n"},
		{"required in vain", []db.ClusterConfig{primary}, db.StandbyYes, 0, 0, errs.DbConnect,
			"unable to find standby cluster - cannot proceed", ""},
		{"standby only", []db.ClusterConfig{standby}, db.StandbyYes, 0, 0, errs.DbConnect, noPrimary, ""},
		{"check of a standby", []db.ClusterConfig{standby}, db.StandbyOptional, 0, 2, errs.OK, "", ""},
		{"check of a primary", []db.ClusterConfig{primary}, db.StandbyOptional, 1, 0, errs.OK, "", ""},
		{"check of none", none, db.StandbyOptional, 0, 0, errs.Config,
			"no database found\nHINT: check indexed pg-path/pg-host configurations", ""},
		{"none", none, db.StandbyNo, 0, 0, errs.DbConnect, noPrimary, ""},
		{"two primaries", []db.ClusterConfig{primary, second}, db.StandbyNo, 0, 0, errs.DbConnect, "more than one primary cluster found", ""},
		{"two primaries for check", []db.ClusterConfig{primary, standby, second}, db.StandbyOptional, 0, 0, errs.DbConnect,
			"more than one primary cluster found", ""},
		{"not reachable", []db.ClusterConfig{gone, primary}, db.StandbyNo, 1, 0, errs.OK, "",
			"WARN: unable to check pg4: [DbConnectError] unable to connect to 'dbname='postgres' port="},
		{"no data directory", []db.ClusterConfig{noFile}, db.StandbyNo, 0, 0, errs.DbConnect, noPrimary,
			"WARN: unable to check pg5: [FileMissingError] unable to open missing file '/nowhere/global/pg_control' for read\n"},
	} {
		logger, lines := log.Memory()
		gotPrimary, gotStandby, err := db.Find(t.Context(), c.configs, c.mode, logger)
		key := func(c *db.Cluster) int {
			if c == nil {
				return 0
			}
			return c.Key
		}
		if key(gotPrimary) != c.primary || key(gotStandby) != c.standby {
			t.Errorf("%s: got primary %d, standby %d", c.name, key(gotPrimary), key(gotStandby))
		}
		if errs.CodeOf(err) != c.code || err != nil && errs.Text(err) != c.text {
			t.Errorf("%s: got [%03d] %v", c.name, errs.CodeOf(err), err)
		}
		if got := lines.Text(); !strings.HasPrefix(got, c.logged) || c.logged == "" && got != "" {
			t.Errorf("%s: logged %s", c.name, got)
		}
		gotPrimary.Close(t.Context())
		gotStandby.Close(t.Context())
	}
	for _, c := range []*pgtest.Cluster{p, s, other} {
		c.WaitFor("select count(*)::text from pg_stat_activity where application_name like 'pgBack%'", "0")
	}
}

func find(t *testing.T, mode db.Standby, configs ...db.ClusterConfig) (primary, standby *db.Cluster) {
	t.Helper()
	primary, standby, err := db.Find(t.Context(), configs, mode, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		primary.Close(t.Context())
		standby.Close(t.Context())
	})
	return primary, standby
}

func TestClusterChangesRole(t *testing.T) {
	noEnvironment(t)
	p := pgtest.Start(t, pgtest.Options{})
	s := p.Standby()
	primary, standby := find(t, db.StandbyYes, clusterConfig(1, p), clusterConfig(2, s))
	if primary.Control.SystemID != standby.Control.SystemID || primary.Control.Version != p.Version {
		t.Errorf("control: %+v, %+v", primary.Control, standby.Control)
	}
	for _, c := range []*db.Cluster{primary, standby} {
		if err := c.Ping(t.Context(), true); err != nil {
			t.Error(err)
		}
		if err := c.CheckConfig(false, true); err != nil {
			t.Error(err)
		}
	}
	s.Promote()
	if err := standby.Ping(t.Context(), false); err != nil {
		t.Errorf("asked too soon: %v", err)
	}
	if err := standby.Ping(t.Context(), true); !errs.Is(err, errs.DbMismatch) || err.Error() != "standby is no longer in recovery" {
		t.Errorf("promoted standby: %v", err)
	}
	s.Exec("checkpoint")
	if _, control, err := standby.ReadControl(t.Context()); err != nil || control.Timeline != 2 {
		t.Errorf("after promotion: %+v, %v", control, err)
	}
}

func TestCheckConfig(t *testing.T) {
	noEnvironment(t)
	c := pgtest.Start(t, pgtest.Options{})
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(c.DataDir, link); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name                    string
		conf                    map[string]string
		archiveCheck, modeCheck bool
		path                    string
		code                    errs.Code
		text                    string
	}{
		{"off", map[string]string{"archive_mode": "off"}, true, true, "", errs.ArchiveDisabled, "archive_mode must be enabled"},
		{"off, not checked", nil, false, true, "", errs.OK, ""},
		{"always", map[string]string{"archive_mode": "always", "archive_command": "pgbackrest"}, true, true, "",
			errs.FeatureNotSupported, "archive_mode=always not supported"},
		{"always, allowed", nil, true, false, "", errs.OK, ""},
		{"false", map[string]string{"archive_mode": "on", "archive_command": "false"}, true, true, "",
			errs.ArchiveCommandInvalid, "archive_command 'false' must contain pgbackrest"},
		{"empty", map[string]string{"archive_command": ""}, true, true, "",
			errs.ArchiveCommandInvalid, "archive_command '' must contain pgbackrest"},
		{"ours", map[string]string{"archive_command": "/usr/bin/holdfast --stanza=s archive-push %p"}, true, true, "", errs.OK, ""},
		{"theirs", map[string]string{"archive_command": "pgbackrest --stanza=s archive-push %p"}, true, true, "", errs.OK, ""},
		{"link", nil, false, false, link, errs.DbMismatch, "version '" + c.Version.String() + "' and path '" + c.DataDir +
			"' queried from cluster do not match version '" + c.Version.String() + "' and '" + link + "' read from '" + link +
			"/global/pg_control'\nHINT: the pg3-path and pg3-port settings likely reference different clusters."},
	} {
		if x.conf != nil {
			c.Configure(x.conf)
			c.Restart()
		}
		cfg := clusterConfig(3, c)
		if x.path != "" {
			cfg.Path = x.path
		}
		primary, _ := find(t, db.StandbyNo, cfg)
		err := primary.CheckConfig(x.archiveCheck, x.modeCheck)
		if errs.CodeOf(err) != x.code || err != nil && errs.Text(err) != x.text {
			t.Errorf("%s: got [%03d] %v", x.name, errs.CodeOf(err), err)
		}
	}
}

func TestReadControl(t *testing.T) {
	dir := pgtest.BuildDataDir(t, "", pgtest.DataDirOptions{Version: postgres.Version12, Control: pgtest.ControlOptions{Timeline: 9}})
	tree := posix.New(posix.Config{})
	b, control, err := db.ReadControl(t.Context(), tree, dir, 0)
	if err != nil || len(b) != postgres.ControlSize || control.Version != postgres.Version12 || control.Timeline != 9 {
		t.Errorf("got %d bytes, %+v, %v", len(b), control, err)
	}
	if err := os.WriteFile(filepath.Join(dir, postgres.ControlName), b[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.ReadControl(t.Context(), tree, dir, 0); !errs.Is(err, errs.FileRead) {
		t.Errorf("short file: %v", err)
	}
}
