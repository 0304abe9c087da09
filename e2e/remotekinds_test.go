package e2e

import (
	"os"
	"strings"
	"testing"
)

// TestRemoteKinds stores backups of every shape from another host, and restores them there. Only the repository's host knows the pass.
func TestRemoteKinds(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]string{
		"none":            {"compress-type=none", "compress-level-network=3"},
		"bundle gz":       {"compress-type=gz", "repo1-bundle=y"},
		"block zst":       {"compress-type=zst", "repo1-bundle=y", "repo1-block=y", "repo1-cipher-type=aes-256-cbc", "repo1-cipher-pass=xyzzy"},
		"bundle block no": {"compress-type=none", "compress-level-network=0", "repo1-bundle=y", "repo1-block=y"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			for _, option := range options {
				key, value, _ := strings.Cut(option, "=")
				s.store.set("global", key, value)
				if strings.HasPrefix(key, "compress") {
					s.db.set("global", key, value)
				}
			}
			s.base()
			c := s.db.cluster
			c.sql("create table big as select i, repeat(md5(i::text), 10) t from generate_series(1, 3000) i")
			s.store.backup("incr")
			c.sql("update big set t = 'x' where i % 500 = 0")
			c.change(2)
			s.store.backup("incr", "--delta")
			c.archived()
			rows, big := c.rows(), c.sql("select count(*), md5(string_agg(t, '' order by i)) from big")
			s.db.startsWith(rows)
			r := s.db.restored(s.db.path("restored"))
			r.start()
			if got := r.sql("select count(*), md5(string_agg(t, '' order by i)) from big"); got != big {
				t.Errorf("big is %s, want %s", got, big)
			}
			r.stopWith("fast")
			s.store.verified()
			if s.store.ok("info").stdout != s.db.ok("info").stdout {
				t.Error("info differs")
			}
		})
	}
}

// TestRemoteAsync archives in the background to another host, and fetches ahead from there.
func TestRemoteAsync(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.db.set("global", "archive-async", "y")
	s.base()
	c := s.db.cluster
	for i := range 3 {
		c.change(i)
		c.sql("select pg_switch_wal()")
	}
	c.archived()
	rows := c.rows()
	s.db.startsWith(rows)

	// The other host says no: the server keeps its WAL, and the note tells why.
	s.store.ok("stop")
	c.change(3)
	c.sql("select pg_switch_wal()")
	s.db.until("archiving fails", func() bool { return c.sql("select failed_count > 0 from pg_stat_archiver") == "t" })
	segment := c.sql("select last_failed_wal from pg_stat_archiver")
	s.db.until("there is a note", func() bool {
		notes, _ := os.ReadDir(s.db.path("spool/archive/s/out"))
		for _, n := range notes {
			text, _ := os.ReadFile(s.db.path("spool/archive/s/out", n.Name()))
			if strings.HasSuffix(n.Name(), ".error") && strings.Contains(string(text), "stop file exists for stanza s") {
				return true
			}
		}
		return false
	})
	s.store.ok("start")
	s.db.until("archiving goes on", func() bool { return c.sql("select last_archived_wal from pg_stat_archiver") >= segment })
	rows = c.rows()
	c.archived()
	s.db.startsWith(rows)
	s.store.verified()
}

// TestRemoteBeside has one repository here and one on another host.
func TestRemoteBeside(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.link(s.db, "repo2", s.store)
	for _, key := range []string{"-host", "-host-user", "-host-config", "-host-cmd"} {
		s.db.unset("global", "repo1"+key)
	}
	s.db.set("global", "repo1-path", s.db.path("repo"))
	s.db.set("global", "repo2-path", s.store.path("repo2"))
	s.store.secondRepo()
	db := s.db
	c := db.addCluster()
	c.table(1000)
	db.ok("stanza-create")
	db.ok("check")
	db.backup("full", "--repo=1")
	db.ok("backup", "--type=full", "--repo=2")
	c.change(1)
	c.archived()
	rows := c.rows()
	for _, repo := range []string{"1", "2"} {
		db.startsWith(rows, "--repo="+repo)
	}
	// A host that cannot be reached keeps nobody from the other repository, and nothing is acknowledged.
	segment := db.segments("tmp", 0, 1)[0]
	good := "--cmd-ssh=" + db.path("ssh")
	r := db.run("archive-push", segment, "--cmd-ssh=/bin/false")
	db.want(r, 104, "repo2: [UnknownError] ", "remote-0 process on 'store' terminated unexpectedly [1]")
	db.gives(0, nil, "archive-push", segment, good)
	db.startsWith(rows, "--cmd-ssh=/bin/false")
	info := db.run("info", "--cmd-ssh=/bin/false")
	db.want(info, 0, "repo1: ok", "repo2: error (other)")
}

// TestRemoteStopForce asks who holds a lock for another host to end. The server that runs for all goes on.
func TestRemoteStopForce(t *testing.T) {
	t.Parallel()
	s := newTLSSite(t)
	s.base()
	db, store := s.db, s.store
	db.set("global", "compress-type", "bz2")
	b := db.start("backup", "--type=full", "--process-max=1")
	label := store.lastLabel("repo")
	store.until("the backup has begun", func() bool { return store.lastLabel("repo") != label })
	store.gives(0, []string{"sent term signal to process"}, "stop", "--force")
	if r := b.wait(); r.code == 0 {
		t.Errorf("%s", r)
	}
	store.ok("start")
	db.backup("full")
	store.verified()
}

// TestRemoteStanzas makes and removes stanzas from either host. Both have two.
func TestRemoteStanzas(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.base()
	db, store := s.db, s.store
	for _, line := range append([]confLine(nil), db.conf...) {
		if line.section == "s" {
			db.set("t", line.key, line.value)
		}
	}
	other := *db
	other.stanza = "t"
	other.ok("stanza-create")
	other.ok("stanza-upgrade")
	other.ok("backup", "--no-online", "--force")
	db.stanza, store.stanza = "", ""
	ours, theirs := db.ok("info"), store.ok("info")
	if ours.stdout != theirs.stdout || !strings.Contains(ours.stdout, "stanza: s\n") || !strings.Contains(ours.stdout, "stanza: t\n") {
		t.Errorf("%s\n%s", ours, theirs)
	}
	db.stanza, store.stanza = "s", "s"
	// Stanzas are stopped where their server and their repository are.
	other.gives(55, nil, "stanza-delete", "--force")
	other.ok("stop")
	other.ok("stanza-delete", "--force")
	if store.exists(store.path("repo/backup/t")) || !store.exists(store.path("repo/backup/s")) {
		t.Error("the wrong stanza is gone, or none")
	}
	db.ok("check")
}
