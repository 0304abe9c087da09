package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Monitors and cluster managers call a program named pgbackrest and read what it prints. These are
// their command lines, word for word, with what they take from the answers.

// called runs a line of shell in which pgbackrest is the program.
func (h *host) called(p program, line string) result {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := h.command(ctx, "/bin/sh", "-c", line)
	cmd.Env = append(cmd.Env, "PATH="+filepath.Dir(p.path)+":/usr/bin:/bin") // the last one counts
	return h.finish(ctx, p, cmd)
}

// calls runs a line with both programs, which must give the same to the last byte and nothing on
// standard error, and gives what they printed.
func (h *host) calls(code int, line string) string {
	h.t.Helper()
	ours, peer := h.called(lab.ours, line), h.called(lab.peer, line)
	if ours.code != code || peer.code != code || ours.stderr != "" || peer.stderr != "" || ours.stdout != peer.stdout {
		h.t.Errorf("%s: exit %d, the peer %d, want %d; - the peer, + ours:\n%s\n%s%s", line, ours.code, peer.code, code,
			lineDiff(ours.stdout, peer.stdout), ours.stderr, peer.stderr)
	}
	return ours.stdout
}

// shape adds the path of every value in a JSON text, with its type, to those already seen. Numbers
// must be integers, as some of the readers take nothing else.
func (h *host) shape(seen map[string]bool, text string) {
	h.t.Helper()
	if strings.ContainsAny(text, "\n\r") {
		h.t.Errorf("more than one line:\n%s", text)
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var all any
	if err := decoder.Decode(&all); err != nil || decoder.More() {
		h.t.Fatalf("%v in %s", err, text)
	}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		kind := "null"
		switch v := v.(type) {
		case map[string]any:
			kind = "object"
			for name, member := range v {
				walk(at+"."+name, member)
			}
		case []any:
			kind = "array"
			for _, element := range v {
				walk(at+"[]", element)
			}
		case string:
			kind = "string"
		case bool:
			kind = "boolean"
		case json.Number:
			if kind = "integer"; strings.ContainsAny(v.String(), ".eE") {
				kind = "fraction"
			}
		}
		seen[at+" "+kind] = true
	}
	walk("", all)
}

// hasShape compares what has been seen with a list of "path type".
func (h *host) hasShape(seen map[string]bool, want string) {
	h.t.Helper()
	got := strings.Join(slices.Sorted(maps.Keys(seen)), "\n") + "\n"
	if diff := lineDiff(got, strings.TrimLeft(want, "\n")); diff != "" {
		h.t.Errorf("JSON is not as expected:\n%s", diff)
	}
}

// watchedHost has two repositories, one plain and one with bundles and blocks, a full, differential
// and incremental backup, notes, a tablespace, a link and a page that is broken.
func watchedHost(t *testing.T) (h *host, labels []string) {
	h = newHost(t, lab.ours)
	h.secondRepo()
	h.set("global", "repo1-cipher-type", "aes-256-cbc")
	h.set("global", "repo1-cipher-pass", "pass")
	h.set("global", "repo2-bundle", "y")
	h.set("global", "repo2-block", "y")
	h.set("global", "compress-type", "lz4")
	h.addCluster()
	c := h.cluster
	h.mkdir("ts1", 0o700)
	c.sql("create tablespace ts1 location '" + h.path("ts1") + "'")
	c.table(20000)
	c.sql("create table damaged as select i, repeat(md5(i::text), 20) v from generate_series(1, 200) i")
	h.write(h.path("hba.conf"), h.read(h.path("pg/pg_hba.conf")))
	h.remove(h.path("pg/pg_hba.conf"))
	if err := os.Symlink("../hba.conf", h.path("pg/pg_hba.conf")); err != nil {
		t.Fatal(err)
	}
	h.ok("stanza-create")
	labels = append(labels, h.backup("full", "--annotation=source=demo backup", "--annotation=key=value"))
	c.change(1)
	labels = append(labels, h.backup("diff"), h.backup("full", "--repo=2"))
	c.change(2)
	file := c.sql("select pg_relation_filepath('damaged')")
	c.stop()
	damage(t, h.path("pg", file), 3, 4, 9)
	c.start()
	labels = append(labels, h.backup("incr"), h.backup("incr", "--repo=2"))
	return h, labels
}

func TestDropInExporter(t *testing.T) {
	t.Parallel()
	h, labels := watchedHost(t)
	conf := h.confPath()

	h.scenario(t, "info", func() {
		seen := map[string]bool{}
		all := h.calls(0, "pgbackrest info --output json --config "+conf)
		h.shape(seen, all)
		if again := h.calls(0, "pgbackrest info --output json --config "+conf+" --stanza s"); again != all {
			h.t.Errorf("of the one stanza:\n%s\nof all\n%s", again, all)
		}
		for _, kind := range []string{"full", "diff", "incr"} {
			h.shape(seen, h.calls(0, "pgbackrest info --output json --config "+conf+" --stanza s --type "+kind))
		}
		for _, label := range labels {
			h.shape(seen, h.calls(0, "pgbackrest info --output json --config "+conf+" --stanza s --set "+label))
		}
		h.hasShape(seen, infoShape)
	})
	h.scenario(t, "include path", func() {
		h.mkdir("conf.d", 0o750)
		h.write(h.path("conf.d/all.conf"), h.read(conf))
		empty := h.path("empty.conf")
		h.write(empty, "")
		for _, args := range []string{" --config-include-path " + h.path("conf.d"), " --config " + empty + " --config-include-path " + h.path("conf.d")} {
			out := h.calls(0, "pgbackrest info --output json"+args+" --stanza s")
			if !strings.Contains(out, labels[0]) {
				h.t.Errorf("%s: %s", args, out)
			}
		}
		out := h.calls(0, "PGBACKREST_CONFIG="+conf+" pgbackrest info --output json")
		if !strings.Contains(out, labels[0]) {
			h.t.Errorf("environment: %s", out)
		}
	})
	h.scenario(t, "nothing", func() {
		none := h.path("none.conf")
		h.write(none, "[global]\nrepo1-path="+h.path("spool")+"\n")
		if out := h.calls(0, "pgbackrest info --output json --config "+none); out != "[]" {
			h.t.Errorf("%q", out)
		}
		seen := map[string]bool{}
		h.shape(seen, h.calls(0, "pgbackrest info --output json --config "+none+" --stanza other"))
		h.hasShape(seen, missingShape)
		out := h.calls(0, "pgbackrest info --output json --config "+none+" --stanza other")
		if !strings.Contains(out, `"code":1,`) || !strings.Contains(out, `"missing stanza path"`) {
			h.t.Error(out)
		}
	})
	h.scenario(t, "failures", func() {
		h.calls(55, "pgbackrest info --output json --config "+h.path("no.conf"))
		h.calls(73, "pgbackrest info --output json --config-include-path "+h.path("no.d"))
		h.calls(32, "pgbackrest info --output json --config "+conf+" --type bogus")
		h.calls(31, "pgbackrest info --output json --config "+conf+" --set "+labels[0])
		for line, code := range map[string]int{
			"pgbackrest info --output json --bogus":                           31,
			"pgbackrest info --output json --type full --type diff":           31,
			"pgbackrest info --output json --config " + conf + " --stanza":    31,
			"pgbackrest bogus --output json":                                  48,
			"pgbackrest info --output json --config " + conf + " superfluous": 96,
		} {
			ours, peer := h.called(lab.ours, line), h.called(lab.peer, line)
			if ours.code != code || ours.stdout != "" {
				h.t.Errorf("want %d: %s", code, ours)
			}
			h.same(peer, ours)
		}
	})
	h.scenario(t, "progress", func() {
		seen := map[string]bool{}
		for _, content := range []string{`{"execId":"1-00000000","pid":1}`,
			`{"execId":"1-00000000","pctCplt":2736,"pid":1,"sz":184809557,"szCplt":50569216}`} {
			release1, release2 := h.hold("s-backup-1.lock", content), h.hold("s-restore-1.lock", content)
			out := h.calls(0, "pgbackrest info --output json --config "+conf)
			h.shape(seen, out[:strings.Index(out, `[{"archive"`)+1]+"{"+out[strings.LastIndex(out, `"status":{"code"`):])
			h.calls(0, "pgbackrest info --output json --detail-level progress --config "+conf)
			release1()
			release2()
		}
		h.hasShape(seen, progressShape)
	})
	h.scenario(t, "a backup that runs", func() {
		h.cluster.alter("archive_command = 'false pgbackrest'")
		for _, p := range []program{lab.ours, lab.peer} {
			b := h.startBackupAs(p, "--repo=1")
			out := h.calls(0, "pgbackrest info --output json --config "+conf)
			if !strings.Contains(out, `"lock":{"backup":{"held":true`) {
				h.t.Errorf("%s runs: %s", p.name, out)
			}
			b.kill()
			h.until("the lock is free", func() bool {
				return strings.Contains(h.calls(0, "pgbackrest info --output json --config "+conf), `"lock":{"backup":{"held":false}`)
			})
		}
	})
}

const infoShape = `
 array
[] object
[].archive array
[].archive[] object
[].archive[].database object
[].archive[].database.id integer
[].archive[].database.repo-key integer
[].archive[].id string
[].archive[].max string
[].archive[].min string
[].backup array
[].backup[] object
[].backup[].annotation object
[].backup[].annotation.key string
[].backup[].annotation.source string
[].backup[].archive object
[].backup[].archive.start string
[].backup[].archive.stop string
[].backup[].backrest object
[].backup[].backrest.format integer
[].backup[].backrest.version string
[].backup[].database object
[].backup[].database-ref array
[].backup[].database-ref[] object
[].backup[].database-ref[].name string
[].backup[].database-ref[].oid integer
[].backup[].database.id integer
[].backup[].database.repo-key integer
[].backup[].error boolean
[].backup[].error-list array
[].backup[].error-list[] string
[].backup[].info object
[].backup[].info.delta integer
[].backup[].info.repository object
[].backup[].info.repository.delta integer
[].backup[].info.repository.delta-map integer
[].backup[].info.repository.size integer
[].backup[].info.repository.size-map integer
[].backup[].info.size integer
[].backup[].label string
[].backup[].link array
[].backup[].link[] object
[].backup[].link[].destination string
[].backup[].link[].name string
[].backup[].lsn object
[].backup[].lsn.start string
[].backup[].lsn.stop string
[].backup[].prior null
[].backup[].prior string
[].backup[].reference array
[].backup[].reference null
[].backup[].reference[] string
[].backup[].tablespace array
[].backup[].tablespace[] object
[].backup[].tablespace[].destination string
[].backup[].tablespace[].name string
[].backup[].tablespace[].oid integer
[].backup[].timestamp object
[].backup[].timestamp.start integer
[].backup[].timestamp.stop integer
[].backup[].type string
[].cipher string
[].db array
[].db[] object
[].db[].id integer
[].db[].repo-key integer
[].db[].system-id integer
[].db[].version string
[].name string
[].repo array
[].repo[] object
[].repo[].cipher string
[].repo[].key integer
[].repo[].status object
[].repo[].status.code integer
[].repo[].status.message string
[].status object
[].status.code integer
[].status.lock object
[].status.lock.backup object
[].status.lock.backup.held boolean
[].status.lock.restore object
[].status.lock.restore.held boolean
[].status.message string
`

const progressShape = `
 array
[] object
[].status object
[].status.code integer
[].status.lock object
[].status.lock.backup object
[].status.lock.backup.held boolean
[].status.lock.backup.repo array
[].status.lock.backup.repo[] object
[].status.lock.backup.repo[].key integer
[].status.lock.backup.repo[].size integer
[].status.lock.backup.repo[].size-cplt integer
[].status.lock.backup.size integer
[].status.lock.backup.size-cplt integer
[].status.lock.restore object
[].status.lock.restore.held boolean
[].status.lock.restore.size integer
[].status.lock.restore.size-cplt integer
[].status.message string
`

const missingShape = `
 array
[] object
[].archive array
[].backup array
[].cipher string
[].db array
[].name string
[].repo array
[].repo[] object
[].repo[].cipher string
[].repo[].key integer
[].repo[].status object
[].repo[].status.code integer
[].repo[].status.message string
[].status object
[].status.code integer
[].status.lock object
[].status.lock.backup object
[].status.lock.backup.held boolean
[].status.lock.restore object
[].status.lock.restore.held boolean
[].status.message string
`

// The plugin of Nagios and its like takes away lines with words it knows and decodes what is left.
func TestDropInNagios(t *testing.T) {
	t.Parallel()
	h, labels := watchedHost(t)
	history := h.path("00000002.history")
	h.write(history, "1\t0/5000000\tno recovery target specified\n")
	h.ok("archive-push", history)
	h.cluster.archived()
	conf := " --config=" + h.confPath()
	type listed map[string]struct {
		Type        string
		Size, Time  int64
		Destination string
	}
	list := func(line string) (l listed) {
		h.t.Helper()
		seen := map[string]bool{}
		out := h.calls(0, line)
		h.shape(seen, out[:len(out)-1]) // which ends with a line feed
		if err := json.Unmarshal([]byte(out), &l); err != nil {
			h.t.Fatal(err)
		}
		return l
	}

	h.scenario(t, "info", func() {
		for _, line := range []string{
			"pgbackrest info --stanza=s --output=json" + conf + " 2>&1 |grep -v WARN |grep -v ERROR",
			"pgbackrest info --stanza=s --output=json --log-level-console=error" + conf + " 2>&1 |grep -v ERROR",
			"pgbackrest info --stanza=s --output=json --log-level-console=error --repo=2" + conf + " 2>&1 |grep -v ERROR",
		} {
			h.shape(map[string]bool{}, strings.TrimSuffix(h.calls(0, line), "\n")) // grep ends the line
		}
		h.set("global", "thread-max", "4") // once told with a warning of one line
		defer h.unset("global", "thread-max")
		h.shape(map[string]bool{}, strings.TrimSuffix(
			h.calls(0, "pgbackrest info --stanza=s --output=json"+conf+" 2>&1 |grep -v WARN |grep -v ERROR"), "\n"))
		if out := h.calls(0, "pgbackrest info --stanza=s --output=json"+conf); !strings.HasPrefix(out, "P00   WARN: ") {
			h.t.Error(out)
		}
	})
	h.scenario(t, "backups", func() {
		l := list("pgbackrest repo-ls --stanza=s backup/s --output=json --log-level-console=error" + conf + " 2>&1 |grep -v ERROR")
		for _, label := range []string{labels[0], labels[1], labels[3]} {
			if l[label].Type != "path" {
				h.t.Errorf("%s: %v", label, l[label])
			}
		}
		if l["."].Type != "path" || l["backup.info"].Type != "file" || l["backup.info"].Size == 0 || l["latest"].Type != "link" ||
			l["latest"].Destination != labels[3] {
			h.t.Errorf("%v", l)
		}
	})
	h.scenario(t, "segments", func() {
		l := list("pgbackrest repo-ls --stanza=s archive/s/15-1 --output=json --log-level-console=error --recurse" + conf + " 2>&1 |grep -v ERROR")
		n := 0
		for name, e := range l {
			if strings.HasSuffix(name, ".lz4") && e.Type == "file" && e.Size > 0 && time.Since(time.Unix(e.Time, 0)) < time.Hour {
				n++
			}
		}
		if n < 3 || l["00000002.history"].Type != "file" {
			h.t.Errorf("%d segments in %v", n, l)
		}
		out := h.calls(0, "pgbackrest repo-get --stanza=s archive/s/15-1/00000002.history --log-level-console=error"+conf+" 2>&1 |grep -v ERROR")
		if out != h.read(history) {
			h.t.Errorf("history is %q", out)
		}
		h.calls(55, "pgbackrest repo-get --stanza=s archive/s/15-1/00000003.history --log-level-console=error"+conf+" 2>&1")
		h.calls(0, "pgbackrest repo-ls --stanza=s archive/s/15-9 --output=json --log-level-console=error --recurse"+conf)
	})
	h.scenario(t, "version", func() {
		for _, args := range []string{"", conf} {
			out := h.calls(0, "pgbackrest version"+args+` | sed -e s/pgBackRest\ // | sed -e s/dev//`)
			var major, minor int
			if _, err := fmt.Sscanf(out, "%d.%d", &major, &minor); args == "" && (err != nil || major*100+minor < 232) {
				h.t.Errorf("version %q", out)
			}
		}
	})
}

// Patroni makes a replica with the command of create_replica_methods, in a data directory it keeps,
// and starts it with settings of its own.
func TestDropInPatroni(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.set("global", "compress-type", "zst")
	h.base()
	c := h.cluster
	c.change(1)
	h.backup("incr")
	c.change(2)
	c.archived()
	dir := h.path("replica")
	replica := h.path("replica.conf") // of another machine
	// restore_command names the program as it was called, and finds the configuration where it usually is.
	h.env = []string{"PATH=" + filepath.Dir(lab.ours.path) + ":/usr/bin:/bin", "PGBACKREST_CONFIG=" + replica}
	h.write(replica, strings.ReplaceAll(h.read(h.confPath()), "="+c.data+"\n", "="+dir+"\n"))
	run := func(p program, line string) result {
		h.t.Helper()
		return h.called(p, line)
	}
	follows := func() {
		h.t.Helper()
		s := h.restored(dir)
		h.write(dir+"/standby.signal", "")
		s.configure(fmt.Sprintf("primary_conninfo = 'host=%s port=%s user=postgres application_name=replica'", c.sock, port),
			"recovery_target_timeline = 'latest'", "hot_standby = 'on'")
		s.start()
		h.until("the replica streams", func() bool { return s.sql("select status from pg_stat_wal_receiver") == "streaming" })
		c.change(3)
		want := c.rows()
		h.until("the replica has caught up", func() bool { return s.rows() == want })
		if !s.inRecovery() {
			h.t.Error("the replica is no standby")
		}
		if got := s.sql("show restore_command"); !strings.Contains(got, `archive-get %f "%p"`) {
			h.t.Errorf("restore_command is %s", got)
		}
		s.tool("pg_ctl", "-D", s.data, "-s", "-w", "-m", "fast", "stop")
	}

	h.scenario(t, "first", func() {
		h.freshDir("replica")
		r := run(lab.ours, "pgbackrest --stanza=s --delta restore")
		h.want(r, 0, "WARN: --delta or --force specified but unable to find")
		if r.stderr != "" {
			h.t.Errorf("on standard error: %s", r.stderr)
		}
		follows()
	})
	h.scenario(t, "again", func() {
		// The replica has been promoted by mistake, has gone its own way and lost files.
		s := h.restored(dir)
		s.start()
		s.tool("pg_ctl", "-D", s.data, "-s", "-w", "promote")
		s.change(7)
		h.calledBoth(38, "pgbackrest --stanza=s --delta restore")
		s.stop()
		h.remove(dir + "/base/5/1259")
		h.write(dir+"/base/5/99999", "not of the cluster")
		c.sql("truncate t; insert into t select i, 'anew' from generate_series(1, 500) i")
		h.backup("diff")
		c.archived()
		r := run(lab.ours, "pgbackrest --stanza=s --delta restore")
		h.want(r, 0, "!WARN")
		if h.exists(dir + "/base/5/99999") {
			h.t.Error("a foreign file is still there")
		}
		ours := readTree(h.t, dir)
		auto := ours.leaveOut(h, dir)
		h.want(run(lab.peer, "pgbackrest --stanza=s --delta restore"), 0)
		theirs := readTree(h.t, dir)
		if theirAuto := theirs.leaveOut(h, dir); auto != theirAuto {
			h.t.Errorf("postgresql.auto.conf:\n%s\nof the peer:\n%s", auto, theirAuto)
		}
		if diff := ours.diff(theirs); diff != "" {
			h.t.Errorf("the peer finds more to restore:\n%s", diff)
		}
		h.want(run(lab.ours, "pgbackrest --stanza=s --delta restore"), 0, "!WARN")
		follows()
	})
	h.scenario(t, "clone", func() {
		r := run(lab.ours, "pgbackrest --stanza=s --delta --type=immediate --target-action=promote restore")
		h.want(r, 0, "!WARN")
		s := h.restored(dir)
		s.start()
		s.recovered()
		s.change(9)
		s.stop()
	})
	h.scenario(t, "failures", func() {
		// Without no_params the manager adds what only scripts understand.
		line := "pgbackrest --stanza=s --delta restore --scope=batman --datadir=" + dir + " --role=replica --connstring=x"
		h.calledBoth(31, line)
		h.calledBoth(75, "pgbackrest --stanza=s --delta restore --set=20200101-000000F")
		h.remove(dir)
		h.want(run(lab.ours, "pgbackrest --stanza=s --delta restore"), 0)
		follows()
	})
}

// calledBoth runs a line that fails with both programs and compares.
func (h *host) calledBoth(code int, line string) {
	h.t.Helper()
	peer, ours := h.called(lab.peer, line), h.called(lab.ours, line)
	if ours.code != code {
		h.t.Errorf("want %d: %s", code, ours)
	}
	h.same(peer, ours)
}
