package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStanzaScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	archive, backup := h.path("repo/archive/s"), h.path("repo/backup/s")

	h.scenario(t, "SN-001", func() {
		h.both(0, texts("stanza 's' already exists on repo1 and is valid"), "stanza-create")
	})
	h.scenario(t, "SN-002", func() {
		info := filepath.Join(archive, "archive.info")
		was := h.read(info)
		h.remove(info)
		h.gives(0, nil, "stanza-create")
		if got := h.read(info); got != was {
			t.Errorf("archive.info is now\n%s", got)
		}
	})
	h.scenario(t, "SN-003", func() {
		info := filepath.Join(archive, "archive.info")
		was := h.read(info)
		h.remove(info)
		h.remove(info + ".copy")
		h.both(55, texts("backup.info exists but archive.info is missing on repo1", "HINT: "), "stanza-create")
		h.both(55, texts("unable to load info file"), "backup", "--type=full")
		h.both(55, texts("unable to load info file"), "check")
		h.write(info, was)
		h.write(info+".copy", was)
	})
	h.scenario(t, "SN-005", func() {
		other := h.newCluster("other")
		h.both(28, texts("do not match the database"), "stanza-create", "--no-online", "--pg1-path="+other.data)
	})
	h.scenario(t, "SN-007", func() {
		h.secondRepo()
		h.both(55, texts("unable to load info file '"+h.path("repo2")), "check")
		h.gives(0, texts("stanza-create for stanza 's' on repo2"), "stanza-create")
		h.gives(0, texts("successfully archived to", "on repo2"), "check")
	})
	h.scenario(t, "SN-012", func() {
		h.both(37, texts("stanza-delete command requires option: repo", "HINT: this command requires a specific repository to operate on"),
			"stanza-delete")
		h.unset("global", "repo2-path")
		h.unset("global", "repo2-retention-full")
	})
	h.scenario(t, "SN-010", func() {
		h.both(55, texts("stop file does not exist for stanza 's'"), "stanza-delete")
		h.both(55, texts("stop file does not exist for stanza 's'"), "stanza-delete", "--force")
	})
	h.scenario(t, "SN-024", func() {
		segment := h.segment("wrong-cipher")
		h.set("global", "repo1-cipher-type", "aes-256-cbc")
		h.set("global", "repo1-cipher-pass", "wrong")
		h.both(95, nil, "backup", "--type=full")
		h.both(95, nil, "stanza-create")
		h.both(103, texts("unable to find a valid repository"), "archive-push", segment)
		h.both(0, texts("[CryptoError]"), "info")
		h.unset("global", "repo1-cipher-type")
		h.unset("global", "repo1-cipher-pass")
	})
	h.scenario(t, "SN-025", func() {
		for _, info := range []string{filepath.Join(archive, "archive.info"), filepath.Join(backup, "backup.info")} {
			if err := os.Truncate(info, 3); err != nil {
				t.Fatal(err)
			}
		}
		h.both(0, nil, "info")
		h.backup("incr")
	})
	h.scenario(t, "SN-011", func() {
		h.ok("stop")
		h.both(38, texts("postmaster.pid exists - looks like PostgreSQL is running"), "stanza-delete")
		h.gives(0, nil, "stanza-delete", "--force")
		for _, path := range []string{archive, backup, h.path("lock/s.stop")} {
			if h.exists(path) {
				t.Errorf("%s is still there", path)
			}
		}
	})
	h.scenario(t, "SN-004", func() {
		for _, dir := range []string{"repo/backup/s", "repo/backup/s/x"} {
			h.mkdir(dir, 0o750)
		}
		h.both(40, texts("backup directory not empty"), "stanza-create")
	})
	h.scenario(t, "SN-006", func() {
		h.cluster.stop()
		h.gives(56, texts("WARN: unable to check pg1: [DbConnectError]", "unable to find primary cluster - cannot proceed"), "stanza-create")
		h.gives(27, texts("WARN: unable to check pg1: [DbConnectError]", "no database found"), "check")
	})
}

// segment is the path of a finished segment the cluster still has, copied where nobody recycles it.
func (h *host) segment(name string) string {
	h.t.Helper()
	segment := h.cluster.archived()
	dir := h.mkdir(name, 0o750)
	to := filepath.Join(dir, segment)
	h.write(to, h.read(filepath.Join(h.cluster.data, "pg_wal", segment)))
	return to
}

func TestStanzaReplaced(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	f1 := h.base()
	old := h.cluster
	segment := h.segment("kept")
	old.stop()
	h.cluster = h.newCluster("pg2")
	h.set("s", "pg1-path", h.cluster.data)
	h.cluster.start()
	h.ok("stanza-upgrade")
	dir := h.freshDir("restored")

	h.scenario(t, "SN-008", func() {
		h.both(103, texts("unable to find a valid repository", "[ArchiveMismatchError]"), "archive-push", segment, "--pg1-path="+old.data)
		h.both(0, nil, "archive-get", filepath.Base(segment), h.path("tmp/got"), "--pg1-path="+old.data)
		h.both(51, texts("do not match stanza version"), "backup", "--no-online", "--pg1-path="+old.data)
	})
	h.scenario(t, "SN-425", func() {
		h.both(75, texts("from a prior version of PostgreSQL", "HINT: "), "restore", "--pg1-path="+dir)
		h.gives(0, nil, "restore", "--pg1-path="+dir, "--set="+f1)
	})
	h.scenario(t, "SN-009", func() {
		h.gives(0, texts("WARN: no prior backup exists, incr backup has been changed to full"), "backup", "--type=incr")
	})
	h.scenario(t, "SN-515", func() {
		h.ok("backup", "--type=full")
		h.gives(0, texts("expire full backup", "remove archive path"), "expire", "--repo1-retention-full=1")
		if h.exists(h.path("repo/archive/s/15-1")) || !h.exists(h.path("repo/archive/s/15-2")) {
			t.Error("the archive of the old cluster is not removed, or the new one is")
		}
	})
}

func TestUnknownStanza(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.addCluster("archive_command = 'true'")
	h.stanza = "none"
	pg := []string{"--pg1-path=" + h.cluster.data, "--pg1-socket-path=" + h.cluster.sock, "--pg1-user=postgres"}
	segment := h.path("pg/pg_wal", h.cluster.sql("select pg_walfile_name(pg_switch_wal())"))
	dir := h.freshDir("restored")

	h.scenario(t, "SN-013", func() {
		h.both(0, nil, append(pg[:1:1], "stanza-delete")...)
		h.both(0, texts("missing stanza path"), "info")
		h.both(75, texts("no backup set found to restore"), "restore", "--pg1-path="+dir)
		h.both(104, nil, "expire")
		h.both(103, texts("unable to find a valid repository"), append(pg[:1:1], "archive-push", segment)...)
		h.both(103, texts("unable to find a valid repository"), append(pg[:1:1], "archive-get", filepath.Base(segment), h.path("tmp/x"))...)
		h.both(55, texts("has a stanza-create been performed?"), append(pg, "backup")...)
	})
	h.scenario(t, "SN-014", func() {
		h.both(37, texts("backup command requires option: pg1-path", "HINT: does this stanza exist?"), "backup")
	})
}

func TestConfigurationScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.set("s", "pg1-path", h.path("pg"))

	h.scenario(t, "SN-015", func() {
		if lab.cred == nil {
			t.Log("not root")
			return
		}
		h.cred = nil
		defer func() { h.cred = lab.cred }()
		h.both(31, texts("must not be run as the root user", "HINT: "), "backup")
		h.both(75, nil, "restore")
	})
	h.scenario(t, "SN-016", func() {
		h.both(31, texts("option 'repo1-cipher-pass' is not allowed on the command-line", "HINT: "), "backup", "--repo1-cipher-pass=x")
	})
	h.scenario(t, "SN-017", func() {
		h.both(48, texts("invalid command 'bogus'"), "bogus")
		h.both(48, texts("invalid command 'repo-put'"), "repo-put", "backup/x")
		h.both(31, texts("invalid option '--bogus'"), "backup", "--bogus")
		h.both(32, texts("'bogus' is not allowed for 'type' option", "HINT: allowed values are"), "backup", "--type=bogus")
		h.both(32, texts("key '7' is not valid for 'repo' option"), "backup", "--repo=7")
	})
	h.scenario(t, "SN-018", func() {
		h.set("global", "bogus", "x")
		h.set("global", "set", "x")
		h.both(0, texts("configuration file contains invalid option 'bogus'", "command-line only option 'set'"), "info")
		h.unset("global", "bogus")
		h.unset("global", "set")
	})
	h.scenario(t, "SN-019", func() {
		args := []string{"--config=" + h.path("none.conf"), "--stanza=s", "info"}
		h.same(h.want(h.exec(lab.peer, args...), 55, "none.conf"), h.want(h.exec(h.prog, args...), 55, "none.conf"))
	})
	h.scenario(t, "SN-020", func() {
		h.both(32, texts("local repo1 and repo2 paths are both"), "info", "--repo2-path="+h.path("repo"))
	})
	h.scenario(t, "SN-021", func() {
		h.both(31, nil, "backup", "--repo1-block")
		h.both(31, nil, "backup", "--repo1-bundle", "--repo1-hardlink")
		h.both(31, nil, "backup", "--compress-type=none", "--compress-level=3")
	})
	h.scenario(t, "SN-022", func() {
		h.both(32, texts("'protocol-timeout' option"), "backup", "--protocol-timeout=5", "--db-timeout=10")
	})
	h.scenario(t, "SN-023", func() {
		h.mkdir("closed", 0o500)
		h.set("global", "log-level-file", "info")
		h.gives(104, texts("WARN: unable to open log file '"+h.path("closed/s-expire.log")+"': Permission denied\n"), "expire", "--log-path="+h.path("closed"))
		h.set("global", "log-level-file", "off")
	})
	h.scenario(t, "SN-026", func() {
		h.set("s", "pg1-host", "elsewhere")
		for _, args := range [][]string{{"archive-push", "/x"}, {"archive-get", "0", "/x"}, {"restore"}} {
			h.both(72, texts("must be run on the PostgreSQL host"), args...)
		}
	})
	h.scenario(t, "SN-027", func() {
		h.set("global", "repo1-host", "elsewhere")
		h.both(27, texts("pg and repo hosts cannot both be configured as remote"), "backup")
		h.unset("s", "pg1-host")
		h.unset("global", "repo1-host")
	})
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	for _, args := range [][]string{{"version"}, {"--version"}} {
		h.same(h.exec(lab.peer, args...), h.exec(lab.ours, args...))
	}
	for _, args := range [][]string{{}, {"help"}, {"help", "backup"}, {"help", "backup", "type"}, {"help", "restore", "target"}} {
		r := h.want(h.exec(lab.ours, args...), 0)
		if len(strings.Split(r.stdout, "\n")) < 5 {
			t.Errorf("%s", r)
		}
	}
}
