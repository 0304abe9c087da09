package e2e

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// replica makes and starts a standby of a cluster that streams from it, and writes it into the configuration as pg2.
func (c *cluster) replica(name string, args ...string) *cluster {
	h := c.h
	h.t.Helper()
	s := h.restored(h.path(name))
	s.bin = c.bin
	s.tool("pg_basebackup", append(texts("-h", c.sock, "-p", port, "-U", "postgres", "-D", s.data, "-c", "fast", "-N", "-R", "-X", "stream"),
		args...)...)
	s.start()
	h.setPg("2", s)
	return s
}

// setPg writes a cluster into the configuration.
func (h *host) setPg(key string, c *cluster) {
	h.t.Helper()
	for option, value := range map[string]string{"path": c.data, "socket-path": c.sock, "port": port, "user": "postgres"} {
		h.set(h.stanza, "pg"+key+"-"+option, value)
	}
}

// swapped are the options that exchange pg1 and pg2.
func swapped(one, two *cluster) []string {
	return texts("--pg1-path="+two.data, "--pg1-socket-path="+two.sock, "--pg2-path="+one.data, "--pg2-socket-path="+one.sock)
}

var (
	walName    = regexp.MustCompile(`[0-9A-F]{24}(-[0-9a-f]{40})?`)
	lsnText    = regexp.MustCompile(`\b[0-9A-F]+/[0-9A-F]{6,8}\b`)
	labelText  = regexp.MustCompile(`\d{8}-\d{6}F(_\d{8}-\d{6}[DI])?`)
	sizeText   = regexp.MustCompile(`backup size = [0-9.]+[KMG]?B`)
	detailLine = regexp.MustCompile(`(?m)^P\d\d DETAIL: .*\n`)
)

// steps is what a backup or check told about its way, without what differs between two runs.
func (h *host) steps(r result) string {
	out := detailLine.ReplaceAllString(h.normal(r.all()), "")
	for pattern, with := range map[*regexp.Regexp]string{walName: "WAL", labelText: "LABEL", sizeText: "backup size = X"} {
		out = pattern.ReplaceAllString(out, with)
	}
	return lsnText.ReplaceAllString(out, "LSN")
}

var backedUp = regexp.MustCompile(`(?m)^(P\d\d) DETAIL: backup file (?:\S+:)?(/\S+) \(`)

// readBy sorts the files of a detailed backup by where they were read: by the first worker or another, and the path.
func readBy(r result) []string {
	var files []string
	for _, m := range backedUp.FindAllStringSubmatch(r.stdout, -1) {
		who := "first"
		if m[1] != "P01" {
			who = "other"
		}
		files = append(files, who+" "+m[2])
	}
	slices.Sort(files)
	return files
}

func TestBackupFromStandby(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base("wal_keep_size = 512MB") // the standby is stopped on the way
	c := h.cluster
	space := h.mkdir("space", 0o700)
	c.sql("create tablespace space location '" + space + "'")
	c.sql("create table spaced tablespace space as select * from t")
	s := c.replica("standby", "-T", space+"="+h.mkdir("space of standby", 0o700))
	same := func(args ...string) (peer, ours result) {
		h.t.Helper()
		peer, ours = h.okAs(lab.peer, args...), h.ok(args...)
		if one, other := h.steps(ours), h.steps(peer); one != other {
			h.t.Errorf("%v: - the peer, + ours:\n%s", args, lineDiff(one, other))
		}
		return peer, ours
	}
	comesBack := func() {
		h.t.Helper()
		c.archived()
		want := c.rows()
		for _, p := range []program{lab.ours, lab.peer} {
			dir := h.freshDir("restored")
			h.okAs(p, "restore", "--pg1-path="+dir, "--tablespace-map-all="+h.freshDir("ts"))
			r := h.restored(dir)
			r.start()
			h.until("recovery ends", func() bool { return !r.inRecovery() })
			r.has(want)
			if _, err := r.try("pg_amcheck", "-h", r.sock, "-p", port, "-U", "postgres", "--install-missing", "--heapallindexed", "postgres"); err != nil {
				h.t.Error(err)
			}
			if got := r.sql("select count(*) from spaced"); got != "1000" {
				h.t.Errorf("%s rows in the tablespace", got)
			}
			r.stopWith("immediate")
		}
		h.verified()
		h.okAs(lab.peer, "verify")
	}

	h.scenario(t, "check and stanza-create", func() {
		_, ours := same("check")
		h.want(ours, 0, "check repo1 (standby)", "switch wal not performed because this is a standby", "check repo1 configuration (primary)")
		same(append(swapped(c, s), "check")...)
		same("check", "--no-archive-check")
		h.both(0, texts("already exists on repo1 and is valid"), "stanza-create")
		h.both(0, texts("is already up to date"), append(swapped(c, s), "stanza-upgrade")...)
	})
	h.scenario(t, "full", func() {
		peer, ours := same("backup", "--type=full", "--backup-standby", "--log-level-console=detail")
		if one, other := strings.Join(readBy(ours), "\n"), strings.Join(readBy(peer), "\n"); one != other {
			h.t.Errorf("- the peer, + ours:\n%s", lineDiff(one, other))
		}
		for _, want := range []string{"first " + c.data + "/global/pg_control", "first " + c.data + "/postgresql.conf", "other " + s.data + "/base/5/1259",
			"other " + s.data + "/" + c.sql("select pg_relation_filepath('spaced')")} {
			if !slices.Contains(readBy(ours), want) {
				h.t.Errorf("no %q in %s", want, ours)
			}
		}
		h.want(ours, 0, "INFO: wait for replay on the standby to reach ", "INFO: replay on the standby reached ")
		list := h.read(h.path("repo/backup/s/backup.info"))
		if !strings.Contains(list, `"option-backup-standby":true`) ||
			!strings.Contains(h.read(h.path("repo/backup/s", newLabel(h.t, ours), "backup.manifest")), "option-backup-standby=true") {
			h.t.Errorf("not recorded: %s", list)
		}
	})
	h.scenario(t, "incr", func() {
		c.change(1)
		h.backup("incr", "--backup-standby=prefer")
		c.change(2)
		h.backupAs(lab.peer, "incr", "--backup-standby")
		c.change(3)
		h.backup("incr", append(swapped(c, s), "--backup-standby", "--process-max=1")...) // continues the peer's
		comesBack()
		c.change(4)
		h.backup("diff", "--delta") // the primary again
	})
	h.scenario(t, "bundles and blocks", func() {
		stored := texts("--repo1-bundle", "--repo1-block", "--backup-standby", "--process-max=3")
		h.backup("full", stored...)
		c.change(5)
		h.backupAs(lab.peer, "incr", stored...)
		c.change(6)
		h.backup("incr", stored...)
		comesBack()
	})
	h.scenario(t, "busy", func() {
		writer := h.command(t.Context(), c.program("psql"), "-Xq", "-h", c.sock, "-p", port, "-U", "postgres", "-d", "postgres", "-c",
			"do $$ begin for n in 1 .. 1000000 loop update t set v = md5(v) where id % 50 = n % 50; insert into t select n, n; "+
				"if n % 100 = 0 then execute 'drop table if exists gone'; execute 'create table gone as select * from t'; end if; "+
				"commit; end loop; end $$")
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		h.backup("full", "--backup-standby", "--repo1-bundle")
		h.backup("incr", "--backup-standby", "--repo1-bundle")
		c.sql("select pg_terminate_backend(pid, 10000) from pg_stat_activity where query like 'do %'")
		writer.Wait()
		comesBack()
	})
	h.scenario(t, "SN-235", func() {
		s.sql("select pg_wal_replay_pause()")
		args := texts("backup", "--backup-standby", "--archive-timeout=1")
		for _, p := range []program{lab.peer, lab.ours} {
			h.want(h.runAs(p, args...), 82, "timeout before standby replayed to ", " - only reached ",
				"HINT: is replication running and current on the standby?",
				"HINT: disable the 'backup-standby' option to backup directly from the primary.")
		}
		s.sql("select pg_wal_replay_resume()")
	})
	h.scenario(t, "SN-234", func() {
		s.stop()
		h.both(56, texts("WARN: unable to check pg2: [DbConnectError]", "unable to find standby cluster - cannot proceed"), "backup", "--backup-standby")
		_, ours := same("backup", "--type=full", "--backup-standby=prefer")
		h.want(ours, 0, "WARN: unable to find a standby to perform the backup, using primary instead")
		same("check", "--backup-standby")
		s.start()
		h.both(27, texts("primary database not found"), "check", "--pg1-path="+s.data, "--pg1-socket-path="+s.sock)
		h.both(56, texts("unable to find primary cluster - cannot proceed"), "backup", "--backup-standby", "--pg1-path="+s.data,
			"--pg1-socket-path="+s.sock)
	})
	h.scenario(t, "SN-236", func() {
		// The backup is held up before the copy, by an archive that does not get what it waits for.
		hold := h.path("hold")
		c.alter("archive_command = 'while test -e " + hold + "; do sleep 0.02; done; " + h.archiveCommand(h.prog) + "'")
		h.write(hold, "")
		b := h.start("backup", "--type=full", "--backup-standby", "--log-level-file=info")
		h.until("the backup waits for the archive", func() bool {
			log, _ := os.ReadFile(h.path("log/s-backup.log"))
			return strings.Contains(string(log), "check archive for")
		})
		s.tool("pg_ctl", "-D", s.data, "-s", "-w", "promote")
		os.Remove(hold)
		h.want(b.wait(), 58, "standby is no longer in recovery", "HINT: was the standby promoted during the backup?")
		h.both(56, texts("more than one primary cluster found"), "backup", "--backup-standby")
		h.both(56, texts("more than one primary cluster found"), "check")
		h.both(56, texts("more than one primary cluster found"), "stanza-create")
	})
	h.scenario(t, "offline", func() {
		c.stop()
		s.stop()
		for _, p := range []program{lab.peer, lab.ours} {
			h.want(h.runAs(p, "backup", "--type=full", "--no-online", "--backup-standby"), 0,
				"WARN: option backup-standby is enabled but backup is offline - backups will be performed from the primary")
		}
	})
}

// Servers of other versions know other names for how far a standby is, and keep its settings elsewhere.
func TestStandbyOfOtherVersions(t *testing.T) {
	t.Parallel()
	for _, version := range []int{10, 13, 19} {
		t.Run(strconv.Itoa(version), func(t *testing.T) {
			h := newHost(t, lab.ours)
			c := h.ofVersion("pg", version, 16, true)
			c.table(1000)
			c.replica("standby")
			h.ok("stanza-create")
			h.ok("check")
			h.want(h.ok("backup", "--type=full", "--backup-standby"), 0, "INFO: replay on the standby reached ")
			c.change(1)
			h.backupAs(lab.peer, "incr", "--backup-standby")
			c.change(2)
			h.backup("incr", "--backup-standby")
			c.archived()
			r := c.back(lab.peer)
			r.has(c.rows())
			h.verified()
		})
	}
}
