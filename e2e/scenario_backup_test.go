package e2e

import (
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestBackupScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.addCluster()
	h.cluster.table(1000)
	h.ok("stanza-create")

	h.scenario(t, "SN-201", func() {
		h.gives(0, texts("WARN: no prior backup exists, incr backup has been changed to full", "new backup label = "), "backup")
	})
	h.scenario(t, "SN-202", func() {
		h.both(38, texts("--no-online passed but postmaster.pid exists - looks like PostgreSQL is running"), "backup", "--no-online")
		h.both(31, texts("option 'force' not valid without option 'no-online'"), "backup", "--force")
		h.gives(0, texts("WARN: --no-online passed and postmaster.pid exists but --force was passed"), "backup", "--type=full", "--no-online", "--force")
	})
	h.scenario(t, "SN-203", func() {
		h.gives(0, texts("WARN: the online option has changed since the "+h.lastLabel("repo")+" backup, enabling delta checksum"), "backup", "--type=incr")
	})
	h.scenario(t, "SN-204", func() {
		if err := os.Symlink("pg", h.path("link")); err != nil {
			t.Fatal(err)
		}
		h.both(58, nil, "backup", "--pg1-path="+h.path("link"))
	})
	h.scenario(t, "SN-208", func() {
		h.gives(0, texts("WARN: ", "compress-type"), "backup", "--type=incr", "--compress-type=gz")
		if found, _ := filepath.Glob(h.path("repo/backup/s", h.lastLabel("repo"), "pg_data/*.gz")); len(found) != 0 {
			t.Errorf("compressed: %v", found)
		}
	})
	h.scenario(t, "SN-209", func() {
		touched := h.path("pg/PG_VERSION")
		set := func(at time.Time) {
			if err := os.Chtimes(touched, at, at); err != nil {
				t.Fatal(err)
			}
		}
		set(time.Now().Add(time.Hour))
		h.gives(0, texts("WARN: file 'PG_VERSION' has timestamp (", "in the future", "enabling delta checksum"), "backup", "--type=full")
		set(time.Now().Add(-time.Hour))
		h.scenario(t, "SN-210", func() {
			h.gives(0, texts("WARN: file 'PG_VERSION' has timestamp earlier than prior backup", "enabling delta checksum"), "backup", "--type=incr")
		})
	})
	h.scenario(t, "SN-211", func() {
		path := h.path("pg/odd")
		at := time.Now().Add(-time.Minute)
		h.write(path, "one")
		os.Chtimes(path, at, at)
		h.backup("full")
		h.write(path, "three")
		os.Chtimes(path, at, at)
		h.gives(0, texts("WARN: file 'odd' has same timestamp", "different size", "enabling delta checksum"), "backup", "--type=incr")
	})
	h.scenario(t, "SN-216", func() {
		fifo := h.path("pg/fifo")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		h.gives(0, texts("WARN: exclude special file '"+fifo+"' from backup"), "backup", "--type=incr")
		h.remove(fifo)
	})
	h.scenario(t, "SN-242", func() {
		h.gives(0, texts("exclude '"+h.path("pg/postgresql.conf")+"' from backup using 'postgresql.conf' exclusion",
			"exclude contents of '"+h.path("pg/pg_stat")+"' from backup using 'pg_stat/' exclusion"),
			"backup", "--type=full", "--exclude=postgresql.conf", "--exclude=pg_stat/")
		dir := h.freshDir("restored")
		h.ok("restore", "--pg1-path="+dir)
		if !h.exists(dir+"/pg_stat") || h.exists(dir+"/postgresql.conf") {
			t.Error("pg_stat is not kept, or postgresql.conf is")
		}
	})
	h.scenario(t, "SN-245", func() {
		h.gives(0, texts("WARN: start-fast is disabled and db-timeout ("), "backup", "--type=incr", "--no-start-fast", "--db-timeout=100",
			"--protocol-timeout=200")
	})
	h.scenario(t, "SN-217", func() {
		c := h.cluster
		c.sql("create unlogged table fleeting as select generate_series(1, 1000) i")
		c.sql("select pg_create_physical_replication_slot('slot', true)")
		file := c.sql("select pg_relation_filepath('fleeting')")
		h.write(h.path("pg/base/pgsql_tmp_is_kept"), "")
		if err := os.MkdirAll(h.path("pg/base/pgsql_tmp"), 0o700); err != nil {
			t.Fatal(err)
		}
		h.chown(h.path("pg/base/pgsql_tmp"))
		h.write(h.path("pg/base/pgsql_tmp/pgsql_tmp1.0"), "x")
		temp := filepath.Join(h.path("pg"), filepath.Dir(file), "t3_16999")
		h.write(temp, "x")
		label := h.backup("full")
		stored := h.path("repo/backup/s", label, "pg_data")
		for name, want := range map[string]bool{file: false, file + "_init": true, filepath.Dir(file) + "/t3_16999": false,
			"base/pgsql_tmp/pgsql_tmp1.0": false, "pg_replslot/slot/state": false} {
			if h.exists(filepath.Join(stored, name)) != want {
				t.Errorf("%s: stored %v, want %v", name, !want, want)
			}
		}
		c.archived()
		dir := h.freshDir("restored")
		h.ok("restore", "--pg1-path="+dir)
		r := h.restored(dir)
		r.start()
		r.recovered()
		if got := r.sql("select count(*) from fleeting"); got != "0" {
			t.Errorf("the unlogged table has %s rows", got)
		}
		r.stopWith("immediate")
		h.remove(temp)
	})
	h.scenario(t, "SN-218", func() {
		c := h.cluster
		c.sql("create database one")
		c.sqlIn("one", "create table t as select generate_series(1, 1000) i")
		c.sql("create database two template one")
		one, two := c.sqlIn("one", "select pg_relation_filepath('t')"), c.sqlIn("two", "select pg_relation_filepath('t')")
		if filepath.Base(one) != filepath.Base(two) {
			t.Fatalf("%s and %s have not the same number", one, two)
		}
		h.write(h.path("pg", one+"_init"), "") // as an unlogged table has
		label := h.backup("full")
		stored := h.path("repo/backup/s", label, "pg_data")
		if h.exists(filepath.Join(stored, one)) || !h.exists(filepath.Join(stored, two)) {
			t.Error("the unlogged table is stored, or the logged one is not")
		}
		h.remove(h.path("pg", one+"_init"))
		c.sql("drop database one")
		c.sql("drop database two")
	})
	h.scenario(t, "SN-244", func() {
		names := []string{"=", `back\slash`, "[x]", "#hash", " space", "pg = 1", "ä"}
		for _, name := range names {
			h.write(h.path("pg", name), name)
		}
		h.backup("full")
		dir := h.freshDir("restored")
		h.ok("restore", "--pg1-path="+dir)
		for _, name := range names {
			if got := h.read(filepath.Join(dir, name)); got != name {
				t.Errorf("%q: %q", name, got)
			}
		}
	})
	h.scenario(t, "SN-219", func() {
		c := h.cluster
		c.sql("create table damaged as select i, repeat(md5(i::text), 20) v from generate_series(1, 200) i")
		c.sql("checkpoint")
		file := c.sql("select pg_relation_filepath('damaged')")
		c.stop()
		damage(t, h.path("pg", file), 3, 4, 9)
		c.start()
		h.gives(0, texts("WARN: invalid page checksums found in file "+h.path("pg", file)+" at pages 3-4, 9"), "backup", "--type=incr")
		h.both(0, texts("error(s) detected during backup"), "info")
		h.both(0, texts(file), "info", "--set="+h.lastLabel("repo"))
		h.both(0, texts(`"error":true`, file), "info", "--set="+h.lastLabel("repo"), "--output=json")
		c.sql("drop table damaged")
	})
	h.scenario(t, "SN-205", func() {
		h.cluster.alter("archive_command = 'false'")
		h.both(68, texts("archive_command 'false' must contain pgbackrest"), "backup")
		h.gives(0, nil, "backup", "--no-archive-check")
	})
	h.scenario(t, "SN-206", func() {
		before := strings.Join(h.labels("repo"), " ")
		h.cluster.alter("archive_command = 'true pgbackrest'")
		h.gives(82, texts("WAL segment ", "was not archived before the 1000ms timeout", "HINT: "), "backup", "--type=full", "--archive-timeout=1")
		if after := strings.Join(h.labels("repo"), " "); after != before {
			t.Errorf("backups %s, were %s", after, before)
		}
	})
	h.scenario(t, "SN-207", func() {
		h.cluster.configure("archive_mode = off")
		h.cluster.stop()
		h.cluster.start()
		h.both(87, texts("archive_mode must be enabled"), "backup")
		h.cluster.configure("archive_mode = always", "archive_command = '"+h.archiveCommand(h.prog)+"'")
		h.cluster.stop()
		h.cluster.start()
		h.both(67, texts("archive_mode=always not supported"), "backup")
		h.gives(0, nil, "backup", "--type=full", "--no-archive-mode-check")
	})
}

// damage changes pages of a relation so that their checksums are wrong.
func damage(t *testing.T, path string, pages ...int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, page := range pages {
		if _, err := f.WriteAt([]byte("damage"), page*8192+4000); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBackupLinkScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	h.mkdir("outside", 0o700)
	h.write(h.path("outside/file"), "x")
	link := func(name, to string) (remove func()) {
		path := h.path("pg", name)
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
		h.chown(path)
		return func() { h.remove(path) }
	}
	refused := func(code int, text string, links ...string) {
		t.Helper()
		for i := 0; i < len(links); i += 2 {
			defer link(links[i], links[i+1])()
		}
		h.both(code, texts(text), "backup", "--type=full")
	}

	h.scenario(t, "SN-213", func() {
		refused(70, "is in PGDATA", "l1", h.path("pg/base"))
		refused(41, "unable to get info for missing path/file", "l1", h.path("none"))
		refused(70, "cannot reference another link", "l1", h.path("again"), "../again", h.path("outside"))
		refused(70, "destination is the same directory as link", "l1", h.path("outside"), "l2", "../outside")
		refused(70, "destination is ", "l1", h.path("outside"), "l2", h.path("outside/file"))
	})
	h.scenario(t, "SN-214", func() {
		h.write(h.path("pg/pg_tblspc/x"), "")
		h.both(69, texts("is not a symlink - pg_tblspc should contain only symlinks"), "backup", "--type=full")
		h.remove(h.path("pg/pg_tblspc/x"))
	})
	h.scenario(t, "SN-215", func() {
		h.mkdir("ts", 0o700)
		remove := link("pg_tblspc/99999", h.path("ts"))
		h.gives(25, texts("tablespace with oid 99999 not found in tablespace map", "HINT: "), "backup", "--type=full")
		remove()
	})
	h.scenario(t, "SN-246", func() {
		h.mkdir("ts1", 0o700)
		h.mkdir("ts1/PG_9.6_201608131", 0o700)
		h.write(h.path("ts1/PG_9.6_201608131/foreign"), "x")
		h.cluster.sql("create tablespace ts1 location '" + h.path("ts1") + "'")
		h.cluster.sql("create table in_ts tablespace ts1 as select 1 i")
		label := h.backup("full")
		var stored []string
		filepath.WalkDir(h.path("repo/backup/s", label, "pg_tblspc"), func(path string, d os.DirEntry, err error) error {
			stored = append(stored, path)
			return err
		})
		all := strings.Join(stored, "\n")
		if strings.Contains(all, "PG_9.6") || !strings.Contains(all, "PG_15_") {
			t.Errorf("stored\n%s", all)
		}
	})
}

func TestResumeScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	c := h.cluster
	// interrupt makes a backup look as it does when the program was killed just before its end.
	interrupt := func() string {
		t.Helper()
		label := h.backup("full")
		h.remove(h.path("repo/backup/s", label, "backup.manifest"))
		return label
	}
	restored := func(label string) {
		t.Helper()
		want := c.rows()
		c.archived()
		dir := h.freshDir("restored")
		h.ok("restore", "--pg1-path="+dir, "--set="+label)
		r := h.restored(dir)
		r.start()
		r.recovered()
		if got := r.rows(); got != want {
			t.Errorf("restored rows %s, want %s", got, want)
		}
		r.stopWith("immediate")
	}
	resumable := "of same type exists -- invalid files will be removed then the backup will resume"

	h.scenario(t, "SN-223", func() {
		label := interrupt()
		c.change(1)
		h.gives(0, texts("WARN: resumable backup "+label+" "+resumable, "new backup label = "+label, "DETAIL: checksum resumed file"),
			"backup", "--type=full", "--log-level-console=detail")
		restored(label)
	})
	h.scenario(t, "SN-516", func() { // as if it ran on another host, whose lock nobody here sees
		label := interrupt()
		for _, p := range []program{h.prog, lab.peer} {
			h.want(h.runAs(p, "expire", "--repo1-retention-full=1"), 0)
		}
		if !h.exists(h.path("repo/backup/s", label, "backup.manifest.copy")) {
			t.Errorf("%s is gone", label)
		}
	})
	h.scenario(t, "SN-224", func() {
		label := interrupt()
		r := h.gives(0, texts("backup '"+label+"' cannot be resumed: resume only valid for full backup"), "backup", "--type=incr")
		if h.exists(h.path("repo/backup/s", label)) {
			t.Errorf("%s is still there", label)
		}
		restored(newLabel(t, r))
	})
	h.scenario(t, "SN-225", func() {
		notResumed := func(reason string, args ...string) {
			t.Helper()
			label := h.lastLabel("repo")
			h.gives(0, texts("backup '"+label+"' cannot be resumed: "+reason, "!new backup label = "+label), append([]string{"backup", "--type=full"}, args...)...)
		}
		interrupt()
		notResumed("new compression 'gz' does not match resumable compression 'none'", "--compress-type=gz")
		interrupt()
		notResumed("resume is disabled", "--no-resume")
		h.remove(h.path("repo/backup/s", interrupt(), "backup.manifest.copy"))
		notResumed("partially deleted by prior resume or invalid")
	})
	h.scenario(t, "SN-226", func() {
		label := interrupt()
		h.flip(h.path("repo/backup/s", label, "pg_data", c.sql("select pg_relation_filepath('t')")))
		h.gives(0, texts("WARN: resumed backup file ", "did not have expected checksum", "new backup label = "+label), "backup", "--type=full")
		restored(label)
	})
	h.scenario(t, "SN-227", func() {
		path := h.path("pg/odd")
		at := time.Now().Add(-time.Hour)
		h.write(path, "one")
		os.Chtimes(path, at, at)
		label := interrupt()
		h.write(path, "two")
		h.gives(0, texts("new backup label = "+label), "backup", "--type=full")
		if got := h.read(h.path("repo/backup/s", label, "pg_data/odd")); got != "two" {
			t.Errorf("stored %q", got)
		}
	})
}

func TestLabelScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()

	h.scenario(t, "SN-228", func() {
		h.env = []string{"TZ=America/New_York"}
		h.gives(106, texts("is not later than latest backup label '"+h.lastLabel("repo")+"'", "HINT: "), "backup", "--type=full")
		h.env = nil
	})
	h.scenario(t, "SN-230", func() {
		path := h.path("repo/backup/s/20390101-000000F")
		h.write(path, "")
		h.gives(41, nil, "backup", "--type=full")
		h.remove(path)
	})
	h.scenario(t, "SN-231", func() {
		restore := h.deny(h.path("repo/backup/s"), 0o500)
		h.gives(47, nil, "backup", "--type=full")
		restore()
	})
	h.scenario(t, "SN-229", func() {
		dir := h.mkdir("repo/backup/s/backup.history/2039", 0o750)
		h.write(filepath.Join(dir, "20390101-000000F.manifest.gz"), "")
		h.gives(106, texts("is not later than latest backup label '20390101-000000F'"), "backup", "--type=full")
		h.gives(0, nil, "backup", "--type=incr")
		h.remove(dir)
	})
	h.scenario(t, "SN-233", func() {
		// The server archives nothing for a moment: both copies of its next segment come from us.
		c := h.cluster
		c.alter("archive_command = 'sleep 0.2; " + h.archiveCommand(h.prog) + "'")
		segment := c.sql("select pg_walfile_name(pg_current_wal_insert_lsn())")
		dir := h.path("repo/archive/s/15-1", segment[:16])
		h.write(filepath.Join(dir, segment+"-0123456789012345678901234567890123456789"), "x")
		h.write(filepath.Join(dir, segment+"-1123456789012345678901234567890123456789"), "y")
		h.gives(45, texts("duplicates found in archive for WAL segment "+segment), "backup", "--type=full")
	})
}

func TestTwoRepositoriesBackup(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.raced)
	h.secondRepo()
	h.base()
	h.scenario(t, "SN-232", func() {
		restore := h.deny(h.path("repo2/backup"), 0)
		defer restore()
		h.gives(104, texts("repo option not specified, defaulting to repo1", "new backup label = ", "backup command end: completed successfully",
			"[041]: repo2: ", "expire command end: aborted with exception [104]"), "backup", "--type=full")
		h.gives(0, texts("!expire command"), "backup", "--type=incr", "--no-expire-auto")
	})
	h.scenario(t, "SN-512", func() {
		restore := h.deny(h.path("repo2/backup"), 0)
		defer restore()
		h.gives(104, texts("repo1: expire full backup ", "[041]: repo2: ", "expire command encountered 1 error(s), check the log file for details"),
			"expire", "--repo1-retention-full=1")
	})
	h.scenario(t, "SN-607", func() {
		restore := h.deny(h.path("repo2/backup"), 0)
		defer restore()
		h.both(0, texts("status: mixed"), "info")
		h.both(0, nil, "info", "--output=json")
	})
}

// slowFile puts a file into the data directory that takes a backup with bz2 and one process most of
// its time, and is copied first. It gives its checksum.
func (h *host) slowFile(megabytes int) (path, sum string) {
	h.t.Helper()
	path = h.path("pg/base/big")
	content := make([]byte, megabytes<<20)
	rand.New(rand.NewSource(1)).Read(content)
	h.write(path, string(content))
	sum, err := fileSum(path)
	if err != nil {
		h.t.Fatal(err)
	}
	return path, sum
}

// startCopying starts a full backup and waits until it copies files.
func (h *host) startCopying() (*background, string) {
	h.t.Helper()
	before := h.lastLabel("repo")
	b := h.start("backup", "--type=full", "--process-max=1", "--log-level-console=detail")
	h.until("files are being copied", func() bool {
		if len(b.done) > 0 {
			h.t.Fatalf("the backup is done: %s", b.wait())
		}
		label := h.lastLabel("repo")
		return label != before && h.exists(h.path("repo/backup/s", label, "backup.manifest.copy")) &&
			h.exists(h.path("repo/backup/s", label, "pg_data/base"))
	})
	return b, h.lastLabel("repo")
}

func TestChangesDuringBackup(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.set("global", "compress-type", "bz2")
	h.base()
	c := h.cluster
	for _, name := range []string{"dropped", "emptied", "grown"} {
		c.sql("create table " + name + " as select i, repeat(md5(i::text), 10) v from generate_series(1, 500) i")
	}
	dropped := c.sql("select pg_relation_filepath('dropped')")
	h.slowFile(30)
	c.sql("checkpoint")
	b, label := h.startCopying()
	c.sql("drop table dropped")
	c.sql("delete from emptied")
	c.sql("vacuum emptied")
	c.sql("insert into grown select i, repeat(md5(i::text), 10) from generate_series(501, 3000) i")
	c.configure("# added while the backup was running")
	c.sql("checkpoint")
	r := h.want(b.wait(), 0, "new backup label = "+label)
	c.archived()
	dir := h.freshDir("restored")
	h.ok("restore", "--pg1-path="+dir, "--set="+label)
	conf := h.read(filepath.Join(dir, "postgresql.conf"))
	restored := h.restored(dir)
	restored.start()
	restored.recovered()

	h.scenario(t, "SN-220", func() {
		h.want(r, 0, "skip file removed by database "+h.path("pg", dropped))
		if got := restored.sql("select count(*) from emptied"); got != "0" {
			t.Errorf("%s rows in what was emptied", got)
		}
		if got, want := restored.rows(), c.rows(); got != want {
			t.Errorf("rows %s, want %s", got, want)
		}
	})
	h.scenario(t, "SN-221", func() {
		const check = "select count(*), sum(hashtext(v)) from grown"
		if got, want := restored.sql(check), c.sql(check); got != want {
			t.Errorf("rows %s, want %s", got, want)
		}
	})
	h.scenario(t, "SN-222", func() {
		if !strings.Contains(conf, "# added while the backup was running") {
			t.Error("postgresql.conf is cut")
		}
	})
}

// The real thing: a backup is killed while it copies, and resumed.
func TestKilledBackup(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.set("global", "compress-type", "bz2")
	h.base()
	c := h.cluster
	_, want := h.slowFile(60)
	h.scenario(t, "SN-107", func() {
		b, label := h.startCopying()
		b.cmd.Process.Kill()
		b.wait()
		var r result
		h.until("the lock is free", func() bool {
			r = h.run("backup", "--type=full")
			return r.code != 50
		})
		h.want(r, 0, "WARN: resumable backup "+label, "new backup label = "+label)
		c.archived()
		dir := h.freshDir("restored")
		h.ok("restore", "--pg1-path="+dir)
		if got, err := fileSum(filepath.Join(dir, "base/big")); got != want {
			t.Errorf("restored %s, want %s (%v)", got, want, err)
		}
		r2 := h.restored(dir)
		r2.start()
		r2.recovered()
	})
	h.scenario(t, "stopped by force", func() {
		b, label := h.startCopying()
		h.gives(0, texts("INFO: sent term signal to process "), "stop", "--force")
		h.wantTerminated(b.wait())
		if h.exists(h.path("repo/backup/s", label, "backup.manifest")) || h.exists(h.path("lock/s-backup-1.lock")) {
			t.Error("the backup is complete, or its lock is left")
		}
		h.both(62, texts("stop file exists for stanza s"), "backup")
		h.ok("start")
		h.gives(0, texts("cannot be resumed: resume only valid for full backup"), "backup", "--type=incr")
		if h.exists(h.path("repo/backup/s", label)) {
			t.Error("the stopped backup is left")
		}
	})
}
