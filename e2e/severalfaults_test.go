package e2e

import (
	"strings"
	"testing"
	"time"
)

// What may happen between two hosts. Every failure must be told within bounded time, nothing that was acknowledged may be lost, and the
// next run must succeed.

const (
	// cut drops whatever comes, as a network does that is gone: nobody is told.
	cut = `nft 'add table inet cut; add chain inet cut in { type filter hook input priority 0; }; add rule inet cut in iifname eth0 drop'`
	// heal undoes cut.
	heal = `nft delete table inet cut`
	// narrow makes the way out of a host slow.
	narrow = `tc qdisc add dev eth0 root tbf rate 6mbit burst 16kb latency 400ms`
	widen  = `tc qdisc del dev eth0 root`
)

// soon is the time a failure may take: some times the timeouts that pair sets.
const soon = 40 * time.Second

// pair is a host with a cluster, pg1, and one with a repository, repo, that work with each other.
type pair struct {
	*fleet
	t        *testing.T
	way      string
	ca       *authority
	pg, repo *machine
}

func newPair(t *testing.T, way string) *pair {
	t.Helper()
	f := newFleet(t, "pg1", "repo")
	if f == nil {
		return nil
	}
	p := &pair{fleet: f, t: t, way: way, pg: f.machine("pg1"), repo: f.machine("repo")}
	p.repo.ok("root", `useradd --create-home --shell /bin/bash pgbackrest &&
install -d -o pgbackrest -g pgbackrest /etc/pgbackrest /var/lib/pgbackrest /var/log/pgbackrest`)
	p.pg.ok("root", "install -d -o postgres -g postgres /etc/pgbackrest /var/log/pgbackrest /var/spool/pgbackrest")
	const common = "process-max=2\nstart-fast=y\nprotocol-timeout=4\ndb-timeout=3\nio-timeout=4\narchive-timeout=20\njob-retry=0\n" +
		"log-level-console=info\ntls-server-address=*\ntls-server-ca-file=/etc/pgbackrest/ca.crt\n" +
		"tls-server-cert-file=/etc/pgbackrest/host.crt\n" +
		"tls-server-key-file=/etc/pgbackrest/host.key\n"
	p.repo.write("root", "/etc/pgbackrest/pgbackrest.conf", "[global]\n"+common+
		"tls-server-auth=pg1=main\nrepo1-path=/var/lib/pgbackrest\nrepo1-retention-full=9\n"+
		"[main]\npg1-path=/var/lib/postgresql/15/main\n"+p.reach("pg1"))
	p.pg.write("root", "/etc/pgbackrest/pgbackrest.conf", "[global]\n"+common+p.reach("repo1")+
		"tls-server-auth=repo=main\n[main]\npg1-path=/var/lib/postgresql/15/main\n")
	if way == "TLS" {
		p.ca = newAuthority(t)
		p.certify(p.pg, "postgres", "pg1", time.Time{})
		p.certify(p.repo, "pgbackrest", "repo", time.Time{})
	} else {
		p.exchangeKeys()
	}
	p.pg.cluster("archive_mode = on", "archive_command = 'holdfast --stanza=main archive-push %p'")
	p.repo.ok("pgbackrest", "holdfast --stanza=main stanza-create")
	p.pg.sql("create table t as select i as id, md5(i::text) as v from generate_series(1, 40000) i")
	return p
}

// reach are the options that say how to reach a host: that of pg1 or of repo1.
func (p *pair) reach(what string) string {
	text := what + "-host=" + strings.TrimSuffix(what, "1")
	if what == "pg1" {
		text = "pg1-host=pg1"
	}
	text += "\n"
	if p.way == "TLS" {
		text += what + "-host-type=tls\n"
		for _, f := range []string{"ca-file=/etc/pgbackrest/ca.crt", "cert-file=/etc/pgbackrest/host.crt", "key-file=/etc/pgbackrest/host.key"} {
			text += what + "-host-" + f + "\n"
		}
	}
	return text
}

// exchangeKeys lets both users log in to the other host.
func (p *pair) exchangeKeys() {
	p.t.Helper()
	users := map[*machine]string{p.pg: "postgres", p.repo: "pgbackrest"}
	for m, user := range users {
		m.ok("root", "ssh-keyscan -t ed25519 pg1 repo 2>/dev/null >/etc/ssh/ssh_known_hosts")
		key := m.ok(user, `mkdir -p -m 700 .ssh && ssh-keygen -q -t ed25519 -N "" -f .ssh/id_ed25519 && cat .ssh/id_ed25519.pub`)
		for other, name := range users {
			if other != m {
				other.ok(name, "mkdir -p -m 700 .ssh && echo '"+key+"' >>.ssh/authorized_keys")
			}
		}
	}
}

// certify gives a host a certificate, and has a server run there that uses it.
func (p *pair) certify(m *machine, user, name string, end time.Time) {
	p.t.Helper()
	m.write(user, "/etc/pgbackrest/ca.crt", p.ca.text())
	cert, key := p.ca.issue(name, end)
	m.write(user, "/etc/pgbackrest/host.crt", cert)
	m.write(user, "/etc/pgbackrest/host.key", key)
	m.write("root", "/etc/systemd/system/holdfast.service", "User="+user+"\nExecStart=/usr/bin/holdfast server")
	m.ok("root", `chmod 600 /etc/pgbackrest/host.key
if test -e /run/holdfast.pid; then systemctl reload holdfast; else systemctl start holdfast; fi`)
	m.ok(user, "holdfast server-ping localhost")
}

// copying starts a backup and returns when files have come to the repository.
func (p *pair) copying() (ended func(int, ...string) string) {
	p.t.Helper()
	ended = p.repo.start("pgbackrest", "holdfast --stanza=main --type=full backup")
	p.repo.until("files are copied", func() bool {
		out, _ := p.repo.run("pgbackrest", `d=$(ls -d /var/lib/pgbackrest/backup/main/2*F 2>/dev/null | tail -n 1)
test -e $d/backup.manifest || find $d/pg_data/base -name '*.gz' 2>/dev/null | head -n 1`)
		return out != ""
	})
	return ended
}

// told measures how long an end takes that something has caused.
func (p *pair) told(ended func(int, ...string) string, status int, texts ...string) {
	p.t.Helper()
	begun := time.Now()
	out := ended(status, texts...)
	took := time.Since(begun)
	p.t.Logf("ended after %v", took)
	if took > soon || strings.Contains(out, "on signal") {
		p.t.Errorf("took %v: %s", took, out)
	}
}

// until waits until something is so, which must not take long.
func (p *pair) until(what string, ok func() bool) {
	p.t.Helper()
	begun := time.Now()
	p.pg.until(what, ok)
	if took := time.Since(begun); took > soon {
		p.t.Errorf("it took %v until %s", took, what)
	} else {
		p.t.Logf("%s: after %v", what, took)
	}
}

// whole looks into the repository, and restores everything there is.
func (p *pair) whole() {
	p.t.Helper()
	out := p.repo.ok("pgbackrest", "holdfast --stanza=main --output=text --verbose verify")
	if !strings.Contains(out, "status: ok") {
		p.t.Errorf("%s", out)
	}
	const rows = "select count(*) || ' ' || (select count(*) from w) from t"
	want := p.pg.sql(rows)
	last := p.pg.sql("select pg_walfile_name(pg_switch_wal())")
	p.pg.untilSQL("select last_archived_wal >= '"+last+"' from pg_stat_archiver", "t")
	p.pg.ok("postgres", `holdfast --stanza=main --pg1-path=/var/lib/postgresql/15/copy --archive-mode=off --delta restore
pg_ctl -D 15/copy -o "-p 5433" -l copy.log -s -w start`)
	p.pg.until("all rows are there", func() bool {
		out, _ := p.pg.run("postgres", `psql -p 5433 -Atc "`+rows+`"`)
		return out == want
	})
	p.pg.ok("postgres", "pg_ctl -D 15/copy -s -w -m immediate stop")
}

func TestBetweenHostsSSH(t *testing.T) {
	t.Parallel()
	if p := newPair(t, "SSH"); p != nil {
		p.faults()
	}
}

func TestBetweenHostsTLS(t *testing.T) {
	t.Parallel()
	if p := newPair(t, "TLS"); p != nil {
		p.faults()
	}
}

func (p *pair) faults() {
	steps := []struct {
		name string
		run  func()
	}{
		{"backup", p.backupCut}, {"restore", p.restoreCut}, {"archive-push", p.pushCut}, {"archive-get", p.getCut},
		{"killed", p.killed},
	}
	if p.way == "TLS" {
		steps = append(steps, struct {
			name string
			run  func()
		}{"certificates", p.certificates})
	}
	for _, s := range steps {
		begun := time.Now()
		s.run()
		p.t.Logf("%s: %v", s.name, time.Since(begun))
		if p.t.Failed() {
			return
		}
	}
	p.whole()
}

// backupCut cuts the network in the middle of a backup, and takes one through a slow network: slower than a timeout is long.
func (p *pair) backupCut() {
	p.pg.ok("root", narrow)
	ended := p.copying()
	p.pg.ok("root", cut)
	p.told(ended, 42, "timeout after 4000ms waiting for read from '", "pg1")
	p.repo.ok("pgbackrest", "holdfast --stanza=main info")
	p.pg.ok("root", heal)
	// The process over there notices a little later that nobody is left, and lets go of its lock.
	p.until("no lock is held", func() bool {
		_, err := p.pg.run("postgres", "flock -n /tmp/pgbackrest/main-backup-1.lock true")
		return err == nil
	})
	begun := time.Now()
	p.repo.ok("pgbackrest", "holdfast --stanza=main --type=full backup")
	if took := time.Since(begun); took < 4*time.Second {
		p.t.Errorf("a backup through a slow network takes %v", took)
	}
	p.pg.ok("root", widen)
}

// restoreCut takes the interface down in the middle of a restore.
func (p *pair) restoreCut() {
	const restore = "holdfast --stanza=main --pg1-path=/var/lib/postgresql/15/copy --archive-mode=off --type=immediate " +
		"--target-action=promote --delta restore"
	p.repo.ok("root", narrow)
	ended := p.pg.start("postgres", restore)
	p.pg.until("files are restored", func() bool {
		out, _ := p.pg.run("postgres", "ls 15/copy/base/5 2>/dev/null | head -n 5")
		return strings.Count(out, "\n") == 4
	})
	p.repo.ok("root", "ip link set eth0 down")
	p.told(ended, 42, "timeout after 4000ms waiting for read from '", "repo")
	p.repo.ok("root", "ip link set eth0 up && "+widen)
	p.pg.ok("postgres", "! test -e 15/copy/global/pg_control")
	p.pg.ok("postgres", restore)
	p.pg.ok("postgres", `pg_ctl -D 15/copy -o "-p 5433" -l copy.log -s -w start &&
test $(psql -p 5433 -Atc "select count(*) from t") = 40000 &&
pg_ctl -D 15/copy -s -w -m immediate stop`)
}

// pushCut has the server archive without a network, at once and in the background.
func (p *pair) pushCut() {
	const switched = "create table if not exists w (i int); insert into w values (1); select pg_walfile_name(pg_switch_wal())"
	for _, async := range []string{"", "--archive-async "} {
		p.pg.sql("alter system set archive_command = 'holdfast --stanza=main " + async + "archive-push %p'")
		p.pg.sql("select pg_reload_conf()")
		p.pg.sql(switched)
		p.pg.untilSQL("select count(*) from pg_ls_archive_statusdir() where name like '%.ready'", "0")
		p.pg.ok("root", cut)
		failed, done := p.pg.sql("select failed_count from pg_stat_archiver"), p.pg.sql("select last_archived_wal from pg_stat_archiver")
		var last string
		for range 3 {
			last = p.pg.sql(switched)
		}
		p.pg.untilSQL("select failed_count > "+failed+" from pg_stat_archiver", "t")
		if got := p.pg.sql("select last_archived_wal from pg_stat_archiver"); got != done {
			p.t.Errorf("%s was acknowledged without a network", got)
		}
		p.pg.ok("root", heal)
		p.pg.untilSQL("select last_archived_wal >= '"+last+"' from pg_stat_archiver", "t")
		p.repo.ok("pgbackrest", "holdfast --stanza=main repo-ls --recurse archive/main | grep -q "+last+"-")
	}
}

// getCut asks for WAL without a network. That must be no answer that says there is none: a server would take it for the end.
func (p *pair) getCut() {
	last := p.pg.sql("select last_archived_wal from pg_stat_archiver")
	get := func(async string) string {
		return "holdfast --stanza=main " + async + " archive-get " + last + " /var/lib/postgresql/got"
	}
	p.pg.ok("root", cut)
	code := 42
	if p.way == "TLS" {
		code = 49
	}
	p.pg.fails("postgres", get(""), code, soon, "ERROR: ")
	p.pg.fails("postgres", get("--archive-async"), code, soon, "ERROR: ")
	p.pg.ok("root", heal)
	for _, async := range []string{"", "--archive-async"} {
		p.pg.ok("postgres", get(async)+" && test $(stat -c %s got) = 1048576 && rm got")
	}
}

// killed kills the process on the other host, and with ssh that which connects it, in the middle of a backup.
func (p *pair) killed() {
	victim, code := "sshd: postgres", 125
	if p.way == "TLS" {
		victim, code = "holdfast server", 42
	}
	p.pg.ok("root", narrow)
	ended := p.copying()
	p.pg.ok("root", "pkill -KILL -f '"+victim+"'")
	p.told(ended, code, "pg1")
	p.pg.ok("root", widen)
	if p.way == "TLS" {
		p.repo.fails("pgbackrest", "holdfast --stanza=main --type=full backup", 56, soon,
			"unable to check pg1: [HostConnectError] unable to connect to 'pg1:8432 (")
		p.pg.ok("root", "systemctl start holdfast")
		p.pg.ok("postgres", "holdfast server-ping localhost")
	}
	p.repo.ok("pgbackrest", "holdfast --stanza=main --type=full backup")
}

// certificates uses some that are not good enough.
func (p *pair) certificates() {
	check := func(code int, texts ...string) {
		p.t.Helper()
		p.pg.fails("postgres", "holdfast --stanza=main --archive-timeout=5 check", code, soon, texts...)
	}
	check(0)
	// The server's has expired, or is for another host.
	p.certify(p.repo, "pgbackrest", "repo", time.Now().Add(-time.Minute))
	check(95, "expired")
	p.certify(p.repo, "pgbackrest", "elsewhere", time.Time{})
	check(95, "repo")
	p.certify(p.repo, "pgbackrest", "repo", time.Time{})
	// The client's has expired, or is of somebody nobody knows here.
	p.certify(p.pg, "postgres", "pg1", time.Now().Add(-time.Minute))
	check(101, "'repo:8432 (10.1.1.12)' refused the connection: expired certificate")
	p.certify(p.pg, "postgres", "pg2", time.Time{})
	check(105, "raised from remote-0 tls protocol on 'repo': access denied")
	// Another authority.
	ours := p.ca
	p.ca = newAuthority(p.t)
	p.certify(p.pg, "postgres", "pg1", time.Time{})
	check(95, "repo")
	p.ca = ours
	p.certify(p.pg, "postgres", "pg1", time.Time{})
	check(0)
}
