package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestClusterSSH(t *testing.T) {
	t.Parallel()
	if v := newTour(t, "SSH"); v != nil {
		v.guided()
	}
}

func TestClusterTLS(t *testing.T) {
	t.Parallel()
	if v := newTour(t, "TLS"); v != nil {
		v.guided()
	}
}

// guided follows the page and looks behind it on the way.
func (v *tour) guided() {
	pg1, pg2, pg3, repo := v.machine("pg1"), v.machine("pg2"), v.machine("pg3"), v.machine("repo")
	pg1.cluster()
	const rows = "select count(*) || ' ' || md5(string_agg(t::text, ',' order by id)) from orders t"
	alike := func() {
		want := pg2.sql(rows)
		pg1.untilSQL(rows, want)
		pg3.untilSQL(rows, want)
	}
	v.follow(readChapter(v.t, severalHosts), map[string]func(){
		"Build the standbys": func() {
			alike()
			// Without a standby that is known there is none to take.
			out := repo.ok("pgbackrest", "holdfast --stanza=main --type=incr --backup-standby=prefer backup")
			if !strings.Contains(out, "WARN: unable to find a standby to perform the backup, using primary instead") {
				v.t.Errorf("%s", out)
			}
		},
		"Back up from a standby": func() { v.readFrom("pg2") },
		"When the primary is lost": func() {
			repo.fails("pgbackrest", "holdfast --stanza=main backup", 56, soon, "unable to check pg1: [DbConnectError]",
				"unable to find primary cluster - cannot proceed")
		},
		"The old primary comes back as a standby": func() {
			alike()
			v.readFrom("pg1") // the first standby now
		},
		"A moment in the past": func() {
			v.sound()
			v.promotedMeanwhile(pg1)
		},
	})
}

// readFrom looks where the last backup has read its files.
func (v *tour) readFrom(name string) {
	v.t.Helper()
	log := v.machine("repo").ok("pgbackrest", "cat /var/log/pgbackrest/main-backup.log")
	if i := strings.LastIndex(log, "PROCESS START"); i > 0 {
		log = log[i:]
	}
	from := map[string][]string{}
	for _, m := range readOn.FindAllStringSubmatch(log, -1) {
		from[m[1]] = append(from[m[1]], m[2])
	}
	const data = "/var/lib/postgresql/15/main/"
	for host, files := range from {
		standby := slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(f, data+"base/") })
		primary := slices.ContainsFunc(files, func(f string) bool { return f == data+"global/pg_control" })
		if standby != (host == name) || primary == (host == name) {
			v.t.Errorf("%s was to read: %s read %d files, of base/: %t, pg_control: %t", name, host, len(files), standby, primary)
		}
	}
	if len(from) != 2 {
		v.t.Errorf("read on %d hosts", len(from))
	}
}

var readOn = regexp.MustCompile(`(?m)DETAIL: backup file (\w+):(/\S+) \(`)

// promotedMeanwhile promotes the standby that a backup is taken from.
func (v *tour) promotedMeanwhile(standby *machine) {
	v.t.Helper()
	repo := v.machine("repo")
	standby.ok("root", "tc qdisc add dev eth0 root tbf rate 1mbit burst 16kb latency 400ms")
	ended := repo.start("pgbackrest",
		"holdfast --stanza=main --type=full --log-level-console=detail backup >backup.log 2>&1; s=$?; cat backup.log; exit $s")
	repo.until("files are copied", func() bool {
		out, _ := repo.run("pgbackrest", "grep 'backup file "+standby.name+":' backup.log 2>/dev/null")
		return out != ""
	})
	standby.ok("postgres", "pg_ctl -D /var/lib/postgresql/15/main -s -w promote")
	standby.ok("root", "tc qdisc del dev eth0 root")
	ended(58, "standby is no longer in recovery", "HINT: was the standby promoted during the backup?")
	repo.fails("pgbackrest", "holdfast --stanza=main backup", 56, soon, "more than one primary cluster found")
}

// sound asks ours and the peer what is in the repository, and has everything read.
func (v *tour) sound() {
	v.t.Helper()
	repo := v.machine("repo")
	out := repo.ok("pgbackrest", "holdfast --stanza=main --output=text --verbose verify")
	if !strings.Contains(out, "status: ok") || strings.Contains(out, "invalid: 1") {
		v.t.Errorf("%s", out)
	}
	ours := repo.ok("pgbackrest", "holdfast --stanza=main info")
	if theirs := repo.ok("pgbackrest", lab.peer.path+" --stanza=main info"); ours != theirs {
		v.t.Errorf("- the peer, + ours:\n%s", lineDiff(ours, theirs))
	}
	for _, name := range []string{"pg1", "pg2", "pg3"} {
		if out := v.machine(name).ok("postgres", "holdfast --stanza=main info"); out != ours {
			v.t.Errorf("%s: %s\nnot %s", name, out, ours)
		}
	}
}
