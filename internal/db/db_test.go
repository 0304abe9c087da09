package db_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"holdfast/internal/db"
	"holdfast/internal/errs"
	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
)

func config(c *pgtest.Cluster) db.Config {
	return db.Config{SocketPath: c.SocketDir, Port: c.Port, User: c.User, Timeout: 30 * time.Second, ApplicationName: "pgBackRest [backup]"}
}

func open(t *testing.T, cfg db.Config) *db.Conn {
	t.Helper()
	conn, err := db.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// noEnvironment takes away what clients of PostgreSQL would look at.
func noEnvironment(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "PG") {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestServer(t *testing.T) {
	noEnvironment(t)
	c := pgtest.Start(t, pgtest.Options{
		ArchiveCommand: "true # it's pgbackrest",
		Conf:           map[string]string{"checkpoint_timeout": "7min", "search_path": "public, pg_catalog"},
	})
	c.Exec("create function public.pg_is_in_recovery() returns boolean language sql as 'select true'")
	conn := open(t, config(c))
	want := db.Server{
		Version: c.Version, DataDirectory: c.DataDir, ArchiveMode: "on", ArchiveCommand: "true # it's pgbackrest",
		CheckpointTimeout: 7 * time.Minute,
	}
	if got := conn.Server(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	names := c.Value("select string_agg(application_name, '+') from pg_stat_activity where application_name like 'pgBack%'")
	if names != "pgBackRest [backup]" {
		t.Errorf("application name is %q", names)
	}
	now, err := conn.Time(t.Context()) // rounded to milliseconds, so it may lie ahead
	if d := time.Since(now); err != nil || d < -time.Millisecond || d > time.Minute || now.Nanosecond()%1e6 != 0 {
		t.Errorf("time is %s, %v", now, err)
	}
	if inRecovery, err := conn.Ping(t.Context()); err != nil || inRecovery {
		t.Errorf("ping: %v, %v", inRecovery, err)
	}
}

func TestBackupCalls(t *testing.T) {
	noEnvironment(t)
	c := pgtest.Start(t, pgtest.Options{ArchiveCommand: "true pgbackrest", SegmentMB: 1})
	dir := pgtest.Dir(t)
	c.Exec(fmt.Sprintf("create tablespace \"odd name\" location '%s'", dir))
	c.Exec("create database \"it's\"")
	conn, ctx := open(t, config(c)), t.Context()

	before, err := conn.InsertSegment(ctx)
	if err != nil || !postgres.IsSegment(before) {
		t.Fatal(before, err)
	}
	start, err := conn.StartBackup(ctx, true)
	if err != nil || start.Segment != postgres.SegmentName(1, start.LSN, 1<<20) {
		t.Fatal(start, err)
	}
	if start.Segment < before {
		t.Errorf("started in %s, before %s", start.Segment, before)
	}
	if err := conn.RestorePoint(ctx, "it's a mark"); err != nil {
		t.Fatal(err)
	}
	switched, err := conn.SwitchWAL(ctx)
	if err != nil || switched < start.Segment {
		t.Fatal(switched, err)
	}
	after, err := conn.InsertSegment(ctx)
	if err != nil || after != postgres.NextSegment(switched, 1<<20) {
		t.Errorf("WAL was not switched: %s, then %s, %v", switched, after, err)
	}
	stop, err := conn.StopBackup(ctx)
	if err != nil || stop.LSN <= start.LSN || stop.Segment < switched {
		t.Fatal(stop, err)
	}
	if !strings.Contains(stop.BackupLabel, "START WAL LOCATION: "+start.LSN.String()+" (file "+start.Segment+")") ||
		!strings.Contains(stop.BackupLabel, "LABEL: pgBackRest backup started at 20") {
		t.Errorf("backup_label:\n%s", stop.BackupLabel)
	}
	if !strings.HasSuffix(stop.TablespaceMap, " "+dir+"\n") {
		t.Errorf("tablespace_map: %q", stop.TablespaceMap)
	}

	databases, err := conn.Databases(ctx)
	if err != nil {
		t.Fatal(err)
	}
	last, names := uint32(0), ""
	for _, d := range databases {
		if d.OID <= last || d.LastSystemOID != 4 {
			t.Errorf("database %+v after %d", d, last)
		}
		last, names = d.OID, names+d.Name+","
	}
	if names != "template1,template0,postgres,it's," {
		t.Errorf("databases: %s", names)
	}
	tablespaces, err := conn.Tablespaces(ctx)
	if err != nil || len(tablespaces) != 3 || tablespaces[0] != (db.Tablespace{OID: 1663, Name: "pg_default"}) ||
		tablespaces[2].Name != "odd name" {
		t.Errorf("tablespaces: %+v, %v", tablespaces, err)
	}
}

// TestEveryVersion goes through a backup with each server that can be found.
func TestEveryVersion(t *testing.T) {
	noEnvironment(t)
	for v, bin := range pgtest.Installed(t) {
		t.Run(v.String(), func(t *testing.T) {
			c := pgtest.Start(t, pgtest.Options{Bin: bin, ArchiveCommand: "true pgbackrest"})
			primary, _ := find(t, db.StandbyNo, clusterConfig(1, c))
			if err := primary.CheckConfig(true, true); err != nil {
				t.Error(err)
			}
			conn, ctx, size := primary.Conn, t.Context(), primary.Control.WALSegmentSize
			before, err := conn.InsertSegment(ctx)
			if err != nil {
				t.Fatal(err)
			}
			start, err := conn.StartBackup(ctx, true)
			if err != nil || start.Segment != postgres.SegmentName(1, start.LSN, size) || start.Segment < before {
				t.Fatal(start, err)
			}
			if err := conn.RestorePoint(ctx, "mark"); err != nil {
				t.Fatal(err)
			}
			if switched, err := conn.SwitchWAL(ctx); err != nil || switched != start.Segment {
				t.Fatal(switched, err)
			}
			stop, err := conn.StopBackup(ctx)
			if err != nil || stop.Segment <= start.Segment || !strings.Contains(stop.BackupLabel, start.Segment) {
				t.Fatal(stop, err)
			}
			if _, control, err := primary.ReadControl(ctx); err != nil || control.Checkpoint < start.LSN {
				t.Errorf("checkpoint %s is before the backup, %v", control.Checkpoint, err)
			}
			if databases, err := conn.Databases(ctx); err != nil || len(databases) != 3 || databases[1].OID != databases[1].LastSystemOID {
				t.Errorf("%+v, %v", databases, err)
			}
		})
	}
}

// TestBackupEndsWithTheConnection: nobody has to clean up after a backup that was killed.
func TestBackupEndsWithTheConnection(t *testing.T) {
	noEnvironment(t)
	c := pgtest.Start(t, pgtest.Options{})
	conn := open(t, config(c))
	if _, err := conn.StartBackup(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := open(t, config(c)).StopBackup(t.Context()); !errs.Is(err, errs.DbQuery) {
		t.Errorf("stop of a backup nobody has started: %v", err)
	}
}

func TestConnectErrors(t *testing.T) {
	noEnvironment(t)
	c := pgtest.Start(t, pgtest.Options{})
	c.Exec("create role weak login; create role closed")
	socket := fmt.Sprintf("%s/.s.PGSQL.%d", c.SocketDir, c.Port)
	for name, x := range map[string]struct {
		change func(*db.Config)
		code   errs.Code
		text   string
	}{
		"no socket": {func(cfg *db.Config) { cfg.SocketPath = "/nowhere" }, errs.DbConnect, fmt.Sprintf(
			"unable to connect to 'dbname='postgres' port=%d user='postgres' host='/nowhere'': "+
				"connection to server on socket \"/nowhere/.s.PGSQL.%d\" failed: No such file or directory\n"+
				"\tIs the server running locally and accepting connections on that socket?", c.Port, c.Port)},
		"no listener": {func(cfg *db.Config) { cfg.SocketPath, cfg.Host, cfg.Port = "", "127.0.0.1", 1 }, errs.DbConnect,
			"unable to connect to 'dbname='postgres' port=1 user='postgres' host='127.0.0.1'': " +
				"connection to server at \"127.0.0.1\", port 1 failed: Connection refused\n" +
				"\tIs the server running on that host and accepting TCP/IP connections?"},
		"no database": {func(cfg *db.Config) { cfg.Database = `it's\` }, errs.DbConnect, fmt.Sprintf(
			`unable to connect to 'dbname='it\'s\\' port=%d user='postgres' host='%s'': connection to server on socket "%s" failed: `+
				`FATAL:  database "it's\" does not exist`, c.Port, c.SocketDir, socket)},
		"no login": {func(cfg *db.Config) { cfg.User = "closed" }, errs.DbConnect, fmt.Sprintf(
			`unable to connect to 'dbname='postgres' port=%d user='closed' host='%s'': connection to server on socket "%s" failed: `+
				`FATAL:  role "closed" is not permitted to log in`, c.Port, c.SocketDir, socket)},
		"no privilege": {func(cfg *db.Config) { cfg.User = "weak" }, errs.DbQuery,
			"unable to select some rows from pg_settings\nHINT: is the backup running as the postgres user?\n" +
				"HINT: is the pg_read_all_settings role assigned for PostgreSQL >= 10?"},
	} {
		cfg := config(c)
		x.change(&cfg)
		_, err := db.Open(t.Context(), cfg)
		if !errs.Is(err, x.code) || errs.Text(err) != x.text {
			t.Errorf("%s: got [%03d]\n%s\nwant\n%s", name, errs.CodeOf(err), errs.Text(err), x.text)
		}
	}
	cfg := config(c)
	cfg.User = "weak"
	c.Exec("grant pg_read_all_settings to weak")
	conn := open(t, cfg)
	_, err := conn.StartBackup(t.Context(), true)
	if !errs.Is(err, errs.DbQuery) || !strings.HasSuffix(err.Error(), ": ERROR:  permission denied for function pg_backup_start") {
		t.Errorf("start without privilege: %v", err)
	}
	if _, err := conn.Ping(t.Context()); err != nil {
		t.Errorf("connection is of no use after an error: %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	noEnvironment(t)
	c := pgtest.Start(t, pgtest.Options{})
	c.Exec("create role secret superuser login password 'pw'")
	if err := os.WriteFile(c.DataDir+"/pg_hba.conf", []byte("local all secret scram-sha-256\nlocal all all trust\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Reload()
	t.Setenv("PGPORT", "1")
	t.Setenv("PGDATABASE", "nowhere")
	t.Setenv("PGHOST", "/nowhere")
	t.Setenv("PGUSER", "nobody")
	open(t, config(c))

	cfg := config(c)
	cfg.User = "secret"
	if _, err := db.Open(t.Context(), cfg); !errs.Is(err, errs.DbConnect) {
		t.Errorf("without password: %v", err)
	}
	t.Setenv("PGPASSWORD", "pw")
	open(t, cfg)

	t.Setenv("PGPASSWORD", "")
	passfile := t.TempDir() + "/pgpass"
	if err := os.WriteFile(passfile, []byte("*:*:*:secret:pw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGPASSFILE", passfile)
	open(t, cfg)

	t.Setenv("PGHOST", c.SocketDir)
	t.Setenv("PGUSER", c.User)
	cfg = config(c)
	cfg.SocketPath, cfg.User = "", ""
	open(t, cfg)
}

func TestTimeout(t *testing.T) {
	noEnvironment(t)
	c := pgtest.Start(t, pgtest.Options{})
	cfg := config(c)
	cfg.Timeout = 300 * time.Millisecond
	conn := open(t, cfg)
	// A restore point needs no lock, but reading the list of databases can be made to wait.
	blocker := c.Connect()
	if _, err := blocker.Exec(t.Context(), "begin; lock table pg_tablespace in access exclusive mode").ReadAll(); err != nil {
		t.Fatal(err)
	}
	_, err := conn.Tablespaces(t.Context())
	want := "query 'select oid::text, spcname::text from pg_catalog.pg_tablespace order by pg_tablespace.oid' timed out after 300ms"
	if !errs.Is(err, errs.DbQuery) || err.Error() != want {
		t.Errorf("got %v", err)
	}
	c.WaitFor("select count(*)::text from pg_stat_activity where state = 'active' and application_name like 'pgBack%'", "0")
	if _, err := conn.Ping(t.Context()); err != nil {
		t.Errorf("connection is of no use after a timeout: %v", err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := conn.Tablespaces(ctx); !errors.Is(err, context.DeadlineExceeded) || errs.Is(err, errs.DbQuery) {
		t.Errorf("caller gave up: %v", err)
	}
	canceled, cancelNow := context.WithCancel(t.Context())
	cancelNow()
	if _, err := conn.Tablespaces(canceled); !errs.Is(err, errs.Term) {
		t.Errorf("caller was terminated: %v", err)
	}
	if _, err := db.Open(canceled, cfg); !errs.Is(err, errs.Term) {
		t.Errorf("caller was terminated before connecting: %v", err)
	}
}

func TestServerGoesAway(t *testing.T) {
	noEnvironment(t)
	c := pgtest.Start(t, pgtest.Options{})
	conn := open(t, config(c))
	c.Crash()
	if _, err := conn.Ping(t.Context()); !errs.Is(err, errs.DbQuery) || !strings.HasPrefix(err.Error(), "unable to execute query 'select ") {
		t.Errorf("got %v", err)
	}
	var none *db.Conn
	if err := none.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
