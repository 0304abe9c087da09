package postgres_test

import (
	"testing"

	"holdfast/internal/postgres"
)

func TestRulesForFiles(t *testing.T) {
	const skip, keep = false, true
	v, catalog := postgres.Version15, uint32(202209061)
	for _, c := range []struct {
		name            string
		online, offline bool
	}{
		{"pg_data/PG_VERSION", keep, keep},
		{"pg_data/pgsql_tmp", skip, skip},
		{"pg_data/pgsql_tmp_x", skip, skip},
		{"pg_data/base/pgsql_tmp/pgsql_tmp123.4", skip, skip},
		{"pg_data/odd/pgsql_tmp123.4", skip, skip},
		{"pg_data/odd/xpgsql_tmp", keep, keep},
		{"pg_data/pg_wal/000000010000000000000001", skip, keep},
		{"pg_data/pg_wal/summaries/x.summary", keep, keep},
		{"pg_data/pg_xlog/000000010000000000000001", keep, keep},
		{"pg_data/postmaster.pid", skip, skip},
		{"pg_data/postmaster.opts", skip, skip},
		{"pg_data/backup_label", skip, skip},
		{"pg_data/backup_label.old", skip, skip},
		{"pg_data/postgresql.auto.conf.tmp", skip, skip},
		{"pg_data/postgresql.auto.conf", keep, keep},
		{"pg_data/recovery.signal", skip, skip},
		{"pg_data/standby.signal", skip, skip},
		{"pg_data/recovery.conf", keep, keep},
		{"pg_data/backup_manifest", skip, skip},
		{"pg_data/backup_manifest.tmp", skip, skip},
		{"pg_data/odd/backup_label", keep, keep},
		{"pg_data/tablespace_map", keep, keep},
		{"pg_data/global/pg_internal.init", skip, skip},
		{"pg_data/global/pg_control", keep, keep},
		{"pg_data/base/1/pg_internal.init", skip, skip},
		{"pg_data/base/1/pg_internal.init.123", skip, skip},
		{"pg_data/base/1/pg_internal.init.", keep, keep},
		{"pg_data/base/1/pg_internal.init.x", keep, keep},
		{"pg_data/base/1/pg_internal.initx", keep, keep},
		{"pg_data/pg_internal.init", keep, keep},
		{"pg_data/base/1/t3_16384", skip, skip},
		{"pg_data/base/1/t3_16384.12", skip, skip},
		{"pg_data/base/1/t3_16384_fsm", skip, skip},
		{"pg_data/base/1/t3_16384_vm.1", skip, skip},
		{"pg_data/base/1/t3_16384_init", keep, keep},
		{"pg_data/base/1/t3_16384_fsm.x", keep, keep},
		{"pg_data/base/1/t_16384", keep, keep},
		{"pg_data/base/1/t3_", keep, keep},
		{"pg_data/base/t3_16384", keep, keep},
		{"pg_data/base/1/2/t3_16384", keep, keep},
		{"pg_data/global/t3_16384", skip, skip},
		{"pg_data/base/1/16384", keep, keep},
		{"pg_data/pg_stat/pgstat.stat", keep, keep},
		{"pg_tblspc/16400/PG_15_202209061/5/t3_16384", skip, skip},
		{"pg_tblspc/16400/PG_15_202209061/5/16384", keep, keep},
		{"pg_tblspc/16400/PG_15_202209061/pgsql_tmp/x", keep, keep},
		{"pg_tblspc/16400/PG_14_202107181/5/16384", skip, skip},
		{"pg_tblspc/16400/readme", skip, skip},
	} {
		if got := postgres.NewRules(v, catalog, true).File(c.name); got != c.online {
			t.Errorf("online %s: got %v", c.name, got)
		}
		if got := postgres.NewRules(v, catalog, false).File(c.name); got != c.offline {
			t.Errorf("offline %s: got %v", c.name, got)
		}
	}
}

func TestRulesForFilesByVersion(t *testing.T) {
	for name, last := range map[string][2]postgres.Version{ // kept up to, skipped up to
		"pg_data/recovery.conf":   {0, postgres.Version11},
		"pg_data/recovery.done":   {0, postgres.Version11},
		"pg_data/recovery.signal": {postgres.Version11, postgres.Version19},
		"pg_data/backup_manifest": {postgres.Version12, postgres.Version19},
	} {
		for _, v := range postgres.Versions() {
			want := v <= last[0] || v > last[1]
			if got := postgres.NewRules(v, 1, true).File(name); got != want {
				t.Errorf("%s %s: got %v", v, name, got)
			}
		}
	}
}

func TestRulesForDirectories(t *testing.T) {
	v, catalog := postgres.Version15, uint32(202209061)
	for _, c := range []struct {
		name            string
		online, offline postgres.Action
	}{
		{"pg_data/base", postgres.Keep, postgres.Keep},
		{"pg_data/base/pgsql_tmp", postgres.Skip, postgres.Skip},
		{"pg_data/pg_dynshmem", postgres.Empty, postgres.Empty},
		{"pg_data/pg_notify", postgres.Empty, postgres.Empty},
		{"pg_data/pg_replslot", postgres.Empty, postgres.Empty},
		{"pg_data/pg_serial", postgres.Empty, postgres.Empty},
		{"pg_data/pg_snapshots", postgres.Empty, postgres.Empty},
		{"pg_data/pg_stat_tmp", postgres.Empty, postgres.Empty},
		{"pg_data/pg_subtrans", postgres.Empty, postgres.Empty},
		{"pg_data/odd/pg_notify", postgres.Keep, postgres.Keep},
		{"pg_data/pg_stat", postgres.Keep, postgres.Keep},
		{"pg_data/pg_wal", postgres.Keep, postgres.Keep},
		{"pg_data/pg_wal/archive_status", postgres.Empty, postgres.Keep},
		{"pg_data/pg_wal/summaries", postgres.Keep, postgres.Keep},
		{"pg_tblspc/16400", postgres.Keep, postgres.Keep},
		{"pg_tblspc/16400/PG_15_202209061", postgres.Keep, postgres.Keep},
		{"pg_tblspc/16400/PG_15_202209061/5", postgres.Keep, postgres.Keep},
		{"pg_tblspc/16400/PG_15_202209061/pgsql_tmp", postgres.Skip, postgres.Skip},
		{"pg_tblspc/16400/PG_15_202209062", postgres.Skip, postgres.Skip},
		{"pg_tblspc/16400/lost+found", postgres.Skip, postgres.Skip},
	} {
		if got := postgres.NewRules(v, catalog, true).Dir(c.name); got != c.online {
			t.Errorf("online %s: got %v", c.name, got)
		}
		if got := postgres.NewRules(v, catalog, false).Dir(c.name); got != c.offline {
			t.Errorf("offline %s: got %v", c.name, got)
		}
	}
	if got := postgres.NewRules(postgres.Version96, 1, true).Dir("pg_data/pg_xlog/archive_status"); got != postgres.Empty {
		t.Error("9.6: archive_status is kept")
	}
}

func TestUnlogged(t *testing.T) {
	var u postgres.Unlogged
	if u.Skip("pg_data/base/1/16384") {
		t.Error("skipped without an init fork")
	}
	for _, name := range []string{
		"pg_data/base/1/16384_init", "pg_tblspc/16400/PG_15_202209061/5/16390_init", "pg_data/base/1/x_init", "pg_data/odd/5_init",
		"pg_data/base/1/t3_7_init",
	} {
		u.Note(name)
	}
	for name, want := range map[string]bool{
		"pg_data/base/1/16384":                         true,
		"pg_data/base/1/16384.1":                       true,
		"pg_data/base/1/16384_fsm":                     true,
		"pg_data/base/1/16384_vm.2":                    true,
		"pg_data/base/1/16384_init":                    false,
		"pg_data/base/1/16384_init.1":                  false,
		"pg_data/base/1/163840":                        false,
		"pg_data/base/5/16384":                         false,
		"pg_data/base/1/16384x":                        false,
		"pg_data/base/1/x":                             false,
		"pg_data/odd/5":                                false,
		"pg_tblspc/16400/PG_15_202209061/5/16390":      true,
		"pg_tblspc/16400/PG_15_202209061/5/16390_fsm":  true,
		"pg_tblspc/16401/PG_15_202209061/5/16390":      false,
		"pg_tblspc/16400/PG_15_202209061/5/16390_init": false,
	} {
		if got := u.Skip(name); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestNames(t *testing.T) {
	type facts struct {
		replayed, replayed96, checked bool
		segment                       uint32
	}
	for name, want := range map[string]facts{
		"pg_data/base/1/1259":                            {true, true, true, 0},
		"pg_data/base/1/1259.2":                          {true, true, true, 2},
		"pg_data/base/1/1259_fsm.10":                     {true, true, true, 10},
		"pg_data/base/1/1259_init":                       {true, true, true, 0},
		"pg_data/base/1/1259.x":                          {true, true, true, 0},
		"pg_data/base/1/PG_VERSION":                      {true, true, false, 0},
		"pg_data/base/1/pg_filenode.map":                 {true, true, false, 0},
		"pg_data/base/x/1":                               {true, true, false, 0},
		"pg_data/base/1/2/3":                             {true, true, false, 0},
		"pg_data/base/1":                                 {true, true, false, 0},
		"pg_data/global/1260":                            {true, true, true, 0},
		"pg_data/global/pg_control":                      {true, true, false, 0},
		"pg_data/base/1/pg_control":                      {true, true, true, 0},
		"pg_data/global/pg_filenode.map":                 {true, true, false, 0},
		"pg_data/global/x/1":                             {true, true, false, 0},
		"pg_data/pg_xact/0000":                           {true, false, false, 0},
		"pg_data/pg_clog/0000":                           {false, true, false, 0},
		"pg_data/pg_multixact/members/0000":              {true, true, false, 0},
		"pg_data/pg_commit_ts/0000":                      {false, false, false, 0},
		"pg_data/postgresql.conf":                        {false, false, false, 0},
		"pg_data/base":                                   {false, false, false, 0},
		"pg_data/pg_wal/000000010000000000000001":        {false, false, false, 0},
		"pg_tblspc/16400/PG_15_202209061/5/16390.3":      {true, true, true, 3},
		"pg_tblspc/16400/PG_15_202209061/5/PG_VERSION":   {true, true, false, 0},
		"pg_tblspc/16400/PG_15_202209061/pgsql_tmp/1":    {true, true, false, 0},
		"pg_tblspc/16400/1/16390":                        {true, true, false, 0},
		"backup_label":                                   {false, false, false, 0},
		"pg_data/base/1/1259.99999999999999999999999999": {true, true, true, 0},
	} {
		got := facts{
			postgres.Replayed(postgres.Version15, name), postgres.Replayed(postgres.Version96, name), postgres.PageChecked(name),
			postgres.SegmentNumber(name),
		}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}
