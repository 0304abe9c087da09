package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What both programs write must be the same for every kind of restore.
func TestRestoreSettings(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	h.cluster.archived()
	h.cluster.sql("alter system set work_mem = '5MB'")
	h.write(h.path("pg/postgresql.auto.conf"), h.read(h.path("pg/postgresql.auto.conf"))+
		"recovery_target_name = 'old'\n recovery_target_timeline='3'\nrestore_command = 'old'\n")
	h.backup("incr")
	for _, args := range [][]string{
		{},
		{"--type=none"},
		{"--type=standby"},
		{"--type=immediate", "--target-action=shutdown"},
		{"--type=name", "--target=a point", "--target-action=promote"},
		{"--type=xid", "--target=5", "--target-exclusive", "--target-timeline=latest"},
		{"--type=time", "--target=2035-01-01 00:00:00", "--target-exclusive"},
		{"--archive-mode=off", "--recovery-option=recovery-min-apply-delay=5min", "--recovery-option=archive_cleanup_command=x y"},
		{"--target-timeline=current"},
		{"--buffer-size=16KiB", "--cmd=/some where/pgbackrest", "--lock-path=" + h.path("lock"), "--spool-path=" + h.path("spool")},
		{"--db-exclude=template1", "--process-max=1"},
	} {
		h.scenario(t, "SN-424 "+strings.Join(args, " "), func() {
			var texts []string
			for _, prog := range []program{lab.peer, lab.ours} {
				dir := h.freshDir("restored")
				h.okAs(prog, append([]string{"restore", "--pg1-path=" + dir}, args...)...)
				got := readTree(h.t, dir)
				auto := got.leaveOut(h, dir)
				var names []string
				for name := range got {
					if strings.HasSuffix(name, ".signal") {
						names = append(names, name)
					}
				}
				texts = append(texts, auto+fmt.Sprint(names))
			}
			if texts[0] != texts[1] {
				h.t.Errorf("- the peer, + ours:\n%s", lineDiff(texts[1], texts[0]))
			}
		})
	}
	h.scenario(t, "a quote in a setting", func() { // the peer writes a file the server cannot read
		h.ok("restore", "--pg1-path="+h.freshDir("restored"), "--type=name", "--target=it's")
		if auto := h.read(h.path("restored/postgresql.auto.conf")); !strings.Contains(auto, "recovery_target_name = 'it''s'") && lab.ours.path != lab.peer.path {
			t.Errorf("%s", auto)
		}
	})
	h.scenario(t, "SN-422", func() {
		signals := func(args ...string) string {
			dir := h.freshDir("restored")
			h.ok(append([]string{"restore", "--pg1-path=" + dir}, args...)...)
			found, _ := filepath.Glob(dir + "/*.signal")
			for i := range found {
				found[i] = filepath.Base(found[i])
			}
			return strings.Join(found, " ")
		}
		for kind, want := range map[string]string{"none": "", "standby": "standby.signal", "immediate": "recovery.signal", "default": "recovery.signal"} {
			if got := signals("--type=" + kind); got != want {
				t.Errorf("%s: %q, want %q", kind, got, want)
			}
			auto := h.read(h.path("restored/postgresql.auto.conf"))
			if kind == "immediate" && (!strings.Contains(auto, "recovery_target = 'immediate'") || !strings.Contains(auto, "recovery_target_timeline = 'current'")) {
				t.Errorf("%s", auto)
			}
		}
	})
	h.scenario(t, "SN-423", func() {
		h.ok("restore", "--pg1-path="+h.freshDir("restored"))
		auto := h.read(h.path("restored/postgresql.auto.conf"))
		if strings.Count(auto, "# Removed by pgBackRest restore on") != 2 || !strings.Contains(auto, "work_mem = '5MB'") {
			t.Errorf("%s", auto)
		}
	})
}

func TestRestoreScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	f1 := h.base()
	c := h.cluster
	c.archived()
	dir := h.freshDir("restored")
	to := "--pg1-path=" + dir
	clean := func() tree {
		h.freshDir("restored")
		h.ok("restore", to, "--type=none")
		return readTree(t, dir)
	}
	table := c.sql("select pg_relation_filepath('t')")

	h.scenario(t, "SN-401", func() {
		h.both(38, texts("unable to restore while PostgreSQL is running", "HINT: "), "restore")
		h.both(38, texts("unable to restore while PostgreSQL is running"), "restore", "--delta", "--force")
		h.write(filepath.Join(dir, "postmaster.pid"), "1\n")
		h.both(38, texts("unable to restore while PostgreSQL is running"), "restore", to, "--delta", "--force")
		h.remove(filepath.Join(dir, "postmaster.pid"))
	})
	h.scenario(t, "SN-402", func() {
		h.write(filepath.Join(dir, "foreign"), "x")
		h.both(40, texts("because it contains files", "HINT: "), "restore", to)
		h.both(40, texts("WARN: ", "because it contains files"), "restore", to, "--delta")
		if h.read(filepath.Join(dir, "foreign")) != "x" {
			t.Error("the foreign file is changed")
		}
	})
	h.scenario(t, "SN-403", func() {
		want := clean()
		h.write(filepath.Join(dir, "extra"), "x")
		h.mkdir("restored/extra dir", 0o700)
		h.remove(filepath.Join(dir, "pg_hba.conf"))
		h.flip(filepath.Join(dir, table))
		h.gives(0, texts("remove invalid files/links/paths from '"+dir+"'"), "restore", to, "--type=none", "--delta")
		if diff := sameButAuto(readTree(t, dir)).diff(sameButAuto(want)); diff != "" {
			t.Error(diff)
		}
	})
	h.scenario(t, "SN-404", func() {
		want := clean()
		path := filepath.Join(dir, table)
		spoil := func() {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			h.flip(path)
			os.Chtimes(path, info.ModTime(), info.ModTime())
		}
		for _, test := range []struct {
			args []string
			kept bool
		}{{texts("--force"), false}, {texts("--delta"), false}, {texts("--delta", "--force"), true}} {
			spoil()
			h.ok(append([]string{"restore", to, "--type=none"}, test.args...)...)
			sum, _ := fileSum(path)
			if (sum != want[table].sum) != test.kept {
				t.Errorf("%v: changed file kept %v, want %v", test.args, !test.kept, test.kept)
			}
		}
	})
	h.scenario(t, "SN-411", func() {
		h.freshDir("restored")
		file := h.path("repo/backup/s", f1, "pg_data/pg_xact/0000")
		was := h.read(file)
		h.remove(file)
		h.gives(55, texts("unable to open missing file '"+file+"' for read"), "restore", to)
		if h.exists(filepath.Join(dir, "global/pg_control")) || !h.exists(filepath.Join(dir, "backup.manifest")) {
			t.Error("pg_control is there, or backup.manifest is not")
		}
		if err := h.restored(dir).tryStart(); err == nil {
			t.Error("the server starts")
		}
		h.write(file, was)
		h.both(40, texts("because it contains files"), "restore", to)
		h.gives(0, nil, "restore", to, "--delta")
		r := h.restored(dir)
		r.start()
		r.recovered()
		r.stopWith("immediate")
	})
	h.scenario(t, "SN-420", func() {
		file := h.path("repo/backup/s", f1, "pg_data", table)
		was := h.read(file)
		h.flip(file)
		h.freshDir("restored")
		h.gives(26, texts("error restoring '"+filepath.Join(dir, table)+"': actual checksum '", "' does not match expected checksum '"), "restore", to)
		if h.exists(filepath.Join(dir, "global/pg_control")) {
			t.Error("pg_control is there")
		}
		h.write(file, was)
	})
	h.freshDir("restored")
	h.scenario(t, "SN-405", func() {
		h.both(75, texts("backup set 20200101-000000F is not valid"), "restore", to, "--set=20200101-000000F")
		h.both(75, texts("unable to find backup set with stop time less than '2020-01-01 00:00:00'"), "restore", to, "--type=time", "--target=2020-01-01 00:00:00")
		h.both(29, texts("automatic backup set selection cannot be performed with provided time 'yesterday'", "HINT: "), "restore", to, "--type=time", "--target=yesterday")
		h.both(75, texts("unable to find backup set with lsn less than or equal to '0/1'"), "restore", to, "--type=lsn", "--target=0/1")
	})
	h.scenario(t, "SN-408", func() {
		h.both(37, texts("requires option: target"), "restore", to, "--type=time")
		h.both(31, texts("option 'target' not valid without option 'type' in"), "restore", to, "--target=x")
		h.both(31, texts("option 'target-exclusive' not valid without option 'type' in"), "restore", to, "--type=immediate", "--target-exclusive")
		h.both(32, texts("'bogus' is not allowed for 'target-action' option"), "restore", to, "--type=immediate", "--target-action=bogus")
	})
	h.scenario(t, "SN-409", func() {
		h.both(55, texts("00000063.history"), "restore", to, "--target-timeline=99")
		h.both(58, texts("invalid target timeline 'xx'"), "restore", to, "--target-timeline=xx")
	})
	h.scenario(t, "SN-410", func() {
		history := h.path("repo/archive/s/15-1/00000002.history")
		h.write(history, "1\t0/100000\tno recovery target specified\n")
		h.both(58, texts("forked from backup timeline", "HINT: "), "restore", to)
		h.remove(history)
	})
	h.scenario(t, "SN-413", func() {
		h.both(80, texts("database to include 'nowhere' does not exist"), "restore", to, "--db-include=nowhere")
		h.both(81, texts("system databases (template0, postgres, etc.) are included by default"), "restore", to, "--db-include=postgres")
	})
	h.scenario(t, "SN-416", func() {
		h.both(76, texts("unable to remap invalid tablespace 'nowhere'"), "restore", to, "--tablespace-map=nowhere=/x")
		h.both(78, texts("unable to map link 'nowhere'", "HINT: "), "restore", to, "--link-map=nowhere=/x")
	})
	h.scenario(t, "SN-418", func() {
		h.both(31, texts("option 'recovery-option' not valid"), "restore", to, "--type=preserve", "--recovery-option=a=b")
	})
	h.scenario(t, "SN-419", func() {
		h.gives(31, texts("'standby_mode' setting is not valid for PostgreSQL >= 12", "HINT: "), "restore", to, "--recovery-option=standby_mode=on")
		if lab.ours.path != lab.peer.path && h.exists(filepath.Join(dir, "PG_VERSION")) {
			t.Error("the directory is filled before the option is refused")
		}
	})
	h.scenario(t, "SN-406", func() {
		stop := c.sql("select to_char(now() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')") // at or after the end of F1
		time.Sleep(1100 * time.Millisecond)
		incr := h.backup("incr")
		h.freshDir("restored")
		h.gives(0, texts("repo1: restore backup set "+incr), "restore", to, "--type=time", "--target=2035-01-01 00:00:00+00", "--target-action=promote")
		h.freshDir("restored")
		h.gives(0, texts("repo1: restore backup set "+f1), "restore", to, "--type=time", "--target="+stop+".958+00")
	})
	h.scenario(t, "SN-426", func() {
		if lab.cred == nil {
			t.Log("not root")
			return
		}
		h.freshDir("restored")
		h.cred = nil
		h.ok("restore", to)
		h.cred = lab.cred
		if e := readTree(t, dir)["PG_VERSION"]; e.owner != fmt.Sprintf("%d:%d", lab.uid, lab.gid) {
			t.Errorf("owner %s", e.owner)
		}
	})
}

// sameButAuto leaves out the times of what restore writes anew.
func sameButAuto(got tree) tree {
	delete(got, "postgresql.auto.conf")
	return got
}

func TestRestoreMapScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.addCluster()
	c := h.cluster
	h.mkdir("ts1", 0o700)
	h.mkdir("linked", 0o700)
	h.write(h.path("linked/file"), "in the linked directory")
	h.write(h.path("hba"), h.read(h.path("pg/pg_hba.conf")))
	h.remove(h.path("pg/pg_hba.conf"))
	for name, dest := range map[string]string{"pg/extra": h.path("linked"), "pg/pg_hba.conf": "../hba"} {
		if err := os.Symlink(dest, h.path(name)); err != nil {
			t.Fatal(err)
		}
		h.chown(h.path(name))
	}
	c.table(1000)
	c.sql("create tablespace ts1 location '" + h.path("ts1") + "'")
	c.sql("create table in_ts tablespace ts1 as select 1 i")
	for _, name := range []string{"da", "db2"} {
		c.sql("create database " + name)
		c.sqlIn(name, "create table t as select generate_series(1, 1000) i")
	}
	h.ok("stanza-create")
	h.backup("full")
	c.archived()
	dir := h.freshDir("restored")
	to := "--pg1-path=" + dir
	mapped := "--tablespace-map-all=" + h.path("ts")
	again := func() { h.freshDir("restored"); h.freshDir("ts") }

	h.scenario(t, "SN-415", func() {
		h.both(40, texts("unable to restore to path '"+h.path("ts1")+"/PG_15_"), "restore", to)
		again()
		h.ok("restore", to, "--tablespace-map=ts1="+h.path("ts/here"))
		oid := filepath.Base(h.glob("restored/pg_tblspc/*"))
		if dest, _ := os.Readlink(filepath.Join(dir, "pg_tblspc", oid)); dest != h.path("ts/here") {
			t.Errorf("tablespace in %s", dest)
		}
		again()
		h.ok("restore", to, mapped)
		if dest, _ := os.Readlink(filepath.Join(dir, "pg_tblspc", oid)); dest != h.path("ts/ts1") {
			t.Errorf("tablespace in %s", dest)
		}
	})
	h.scenario(t, "SN-417", func() {
		again()
		h.gives(0, texts("WARN: contents of directory link 'extra' will be restored in a directory at the same location",
			"WARN: file link 'pg_hba.conf' will be restored as a file at the same location"), "restore", to, mapped)
		if info, err := os.Lstat(filepath.Join(dir, "extra")); err != nil || !info.IsDir() {
			t.Errorf("extra: %v %v", info, err)
		}
		again()
		h.freshDir("new")
		h.ok("restore", to, mapped, "--link-map=extra="+h.path("new/extra"))
		if got := h.read(h.path("new/extra/file")); got != "in the linked directory" {
			t.Errorf("%q", got)
		}
		again()
		os.RemoveAll(h.path("linked"))
		h.remove(h.path("hba"))
		h.ok("restore", to, mapped, "--link-all")
		if got := h.read(h.path("linked/file")); got != "in the linked directory" {
			t.Errorf("%q", got)
		}
		if dest, _ := os.Readlink(filepath.Join(dir, "pg_hba.conf")); dest != "../hba" {
			t.Errorf("pg_hba.conf is a link to %q", dest)
		}
	})
	h.scenario(t, "SN-428", func() {
		h.remove(h.path("hba"))
		h.ok("restore", to, mapped, "--link-all", "--delta")
		if !h.exists(h.path("hba")) {
			t.Error("the target of the link is not there")
		}
	})
	h.scenario(t, "SN-413", func() {
		again()
		h.both(81, texts("is in the exclude list"), "restore", to, mapped, "--db-include=da", "--db-exclude=da")
	})
	h.scenario(t, "SN-414", func() {
		again()
		want := c.sqlIn("da", "select count(*) from t")
		oid := c.sql("select oid from pg_database where datname = 'db2'")
		h.ok("restore", to, mapped, "--db-include=da")
		if got := h.read(filepath.Join(dir, "base", oid, "PG_VERSION")); got != "15\n" {
			t.Errorf("PG_VERSION %q", got)
		}
		if content := h.read(filepath.Join(dir, "base", oid, "1259")); strings.Trim(content, "\x00") != "" || content == "" {
			t.Error("db2 is not zeroed")
		}
		r := h.restored(dir)
		r.start()
		r.recovered()
		if got := r.sqlIn("da", "select count(*) from t"); got != want {
			t.Errorf("da: %s rows", got)
		}
		r.sql("drop database db2")
		r.stopWith("immediate")
	})
}

func TestTwoRepositoriesRestore(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.secondRepo()
	h.addCluster()
	h.cluster.table(100)
	h.ok("stanza-create")
	early := h.backup("full", "--repo=2")
	time.Sleep(1100 * time.Millisecond)
	between := h.cluster.sql("select to_char(now() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS+00')")
	time.Sleep(1100 * time.Millisecond)
	late := h.backup("full", "--repo=1")
	later := h.backup("full", "--repo=2")
	h.cluster.archived()
	h.scenario(t, "SN-407", func() {
		h.freshDir("restored")
		h.gives(0, texts("repo2: restore backup set "+early), "restore", "--pg1-path="+h.path("restored"), "--type=time", "--target="+between)
		h.freshDir("restored")
		h.gives(0, texts("repo1: restore backup set "+late), "restore", "--pg1-path="+h.path("restored"), "--type=time", "--target=2035-01-01 00:00:00")
		h.freshDir("restored")
		h.gives(0, texts("repo2: restore backup set "+later), "restore", "--pg1-path="+h.path("restored"), "--repo=2")
	})
	h.scenario(t, "info of two repositories", func() { h.sameInfo(early, late, later) })
}

func TestTimelineScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	f1 := h.base()
	c := h.cluster
	c.change(1)
	c.archived()
	// The cluster is lost; what is restored in its place goes on in a new timeline.
	c.stop()
	h.freshDir("pg")
	h.ok("restore")
	c.start()
	c.recovered()
	c.change(2)

	h.scenario(t, "SN-212", func() {
		h.gives(0, texts("WARN: a timeline switch has occurred since the "+f1+" backup, enabling delta checksum", "HINT: "), "backup", "--type=incr")
	})
	c.change(3)
	want := c.rows()
	c.archived()
	restored := func(args ...string) string {
		dir := h.freshDir("restored")
		h.ok(append([]string{"restore", "--pg1-path=" + dir}, args...)...)
		r := h.restored(dir)
		r.start()
		r.recovered()
		defer r.stopWith("immediate")
		return r.rows()
	}
	h.scenario(t, "along the new timeline", func() {
		for _, args := range [][]string{nil, {"--set=" + f1}, {"--set=" + f1, "--target-timeline=2"}, {"--set=" + f1, "--target-timeline=0x2"}} {
			if got := restored(args...); got != want {
				t.Errorf("%v: rows %s, want %s", args, got, want)
			}
		}
		if got := restored("--set="+f1, "--target-timeline=current"); got == want {
			t.Error("the old timeline has the rows of the new one")
		}
	})
	h.scenario(t, "SN-514", func() {
		h.sameInfo()
		full := h.backup("full")
		h.gives(0, texts("expire full backup set ", "remove archive"), "expire", "--repo1-retention-full=1")
		if found, _ := filepath.Glob(h.path("repo/archive/s/15-1/00000001*")); len(found) != 0 {
			t.Errorf("old timeline: %v", found)
		}
		c.archived()
		if got := restored("--set=" + full); got != want {
			t.Errorf("rows %s, want %s", got, want)
		}
	})
	h.scenario(t, "SN-243", func() {
		// Nine more promotions: the segment names of the tenth timeline hold a letter.
		for range 8 {
			c.stop()
			h.write(filepath.Join(c.data, "recovery.signal"), "")
			c.start()
			c.recovered()
		}
		if name := c.sql("select pg_walfile_name(pg_current_wal_lsn())"); !strings.HasPrefix(name, "0000000A") {
			t.Fatalf("timeline of %s", name)
		}
		h.gives(0, texts("backup start archive = 0000000A"), "backup", "--type=full")
	})
}

func TestOfflineScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.addCluster()
	h.cluster.table(1000)
	want := h.cluster.rows()
	h.cluster.stop()
	h.ok("stanza-create", "--no-online")
	h.ok("backup", "--no-online", "--type=full")
	h.scenario(t, "SN-421", func() {
		dir := h.freshDir("restored")
		h.ok("restore", "--pg1-path="+dir)
		if h.exists(filepath.Join(dir, "recovery.signal")) {
			t.Error("recovery.signal is written")
		}
		r := h.restored(dir)
		r.start()
		if got := r.rows(); got != want {
			t.Errorf("rows %s, want %s", got, want)
		}
		r.stop()
	})
}
