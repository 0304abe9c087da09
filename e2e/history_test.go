package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	soakTime = flag.Duration("soak", 0, "make histories with new seeds for so long")
	soakSeed = flag.Uint64("seed", 0, "make the history of this seed alone")
)

// Seeds up to shortSeeds make short histories.
const shortSeeds = 100

// TestHistory lets a cluster live through changes that a seed chooses, while our program and the peer
// take turns in archiving and backing it up with whatever options, into two repositories. At the end
// both must find the repositories whole, restore every backup that is left to the same files, and
// the server must find in them the rows of that moment.
//
// What fails is repeated with -seed, and looked for with -soak.
func TestHistory(t *testing.T) {
	t.Parallel()
	if *soakSeed != 0 {
		newHistory(t, *soakSeed).live()
		return
	}
	t.Run("fixed", func(t *testing.T) {
		for _, seed := range []uint64{1, 2} {
			runHistory(t, seed)
		}
	})
	start := time.Now()
	for time.Since(start) < *soakTime {
		t.Run("soak", func(t *testing.T) {
			runHistory(t, rand.Uint64())
			runHistory(t, rand.Uint64())
		})
	}
}

func runHistory(t *testing.T, seed uint64) {
	t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
		t.Parallel()
		newHistory(t, seed).live()
	})
}

// history is what happens to one cluster.
type history struct {
	h       *host
	c       *cluster
	r       *rand.Rand
	backups int      // to make
	n       int      // makes names
	tables  []string // in the database postgres
	spaces  []string // tablespaces
	second  bool     // there is a second database
	chains  [3]chain // by number of the repository
	past    []snapshot
	steps   []string // what has happened, for who reads of a failure
}

// chain is what has to stay as it is from a full backup to the next.
type chain struct{ bundle bool }

// snapshot is a backup and what the cluster held then.
type snapshot struct {
	repo  int
	label string
	rows  string
}

func newHistory(t *testing.T, seed uint64) *history {
	h := newHost(t, lab.ours)
	v := &history{h: h, r: rand.New(rand.NewPCG(seed, 0)), backups: 3}
	if seed > shortSeeds {
		v.backups += v.r.IntN(10)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again: go test ./e2e -run TestHistory -seed=%d\n%s", seed, strings.Join(v.steps, "\n"))
		}
	})
	h.secondRepo()
	for _, repo := range []string{"repo1", "repo2"} {
		if v.chance(2) {
			h.set("global", repo+"-cipher-type", "aes-256-cbc")
			h.set("global", repo+"-cipher-pass", "pass of "+repo)
		}
	}
	h.set("global", "compress-type", v.compression())
	h.addCluster()
	v.c = h.cluster
	return v
}

func (v *history) say(format string, args ...any) {
	v.steps = append(v.steps, fmt.Sprintf(format, args...))
}

// chance is true once in n times.
func (v *history) chance(n int) bool { return v.r.IntN(n) == 0 }

func (v *history) program() program { return pick(v, []program{lab.ours, lab.peer}) }

func (v *history) compression() string {
	return pick(v, []string{"none", "gz", "lz4", "zst", "bz2", "zst", "lz4"})
}

func pick[T any](v *history, from []T) T { return from[v.r.IntN(len(from))] }

// live goes through the history and proves every backup.
func (v *history) live() {
	h := v.h
	h.okAs(v.program(), "stanza-create")
	for range 2 {
		v.createTable()
	}
	for range v.backups {
		for range 2 + v.r.IntN(5) {
			v.change()
		}
		switch {
		case v.chance(6):
			v.killed()
		case v.chance(8):
			v.expire()
		case v.chance(6) && len(v.past) > 0:
			v.lost()
		}
		v.backup()
	}
	v.c.archived()
	for _, p := range []program{lab.peer, lab.ours} {
		for _, repo := range []string{"1", "2"} {
			r := h.okAs(p, "verify", "--repo="+repo, "--output=text", "--log-level-console=warn")
			if r.all() != "" {
				h.t.Errorf("%s finds in repository %s:\n%s", p.name, repo, r)
			}
		}
	}
	h.sameInfo()
	for _, s := range v.past {
		v.proved(s)
	}
}

// backup makes one of a random kind by a random program.
func (v *history) backup() {
	p, repo := v.program(), 1+v.r.IntN(2)
	kind := pick(v, []string{"full", "diff", "incr", "incr", "incr"})
	args := v.options(repo, kind)
	rows := v.rows(v.c)
	var label string
	switch {
	case v.chance(8):
		v.c.stop()
		args = append(slices.DeleteFunc(args, func(a string) bool { return strings.Contains(a, "-archive-") }), "--no-online")
		label = v.h.backupAs(p, kind, args...)
		v.c.start()
	case v.chance(3):
		quiet := v.noise()
		label = v.h.backupAs(p, kind, args...)
		quiet()
	default:
		label = v.h.backupAs(p, kind, args...)
	}
	v.say("%s makes %s %v", p.name, label, args)
	v.past = append(v.past, snapshot{repo, label, rows})
}

// options are some for a backup.
func (v *history) options(repo int, kind string) []string {
	name := fmt.Sprintf("--repo%d-", repo)
	args := texts(fmt.Sprintf("--repo=%d", repo), fmt.Sprintf("--process-max=%d", 1+v.r.IntN(3)))
	bundle := v.chance(2)
	if kind != "full" {
		// The peer misses empty files that a backup without bundles refers to in one with them.
		bundle = bundle || v.chains[repo].bundle
	}
	v.chains[repo].bundle = bundle
	switch {
	case bundle:
		args = append(args, name+"bundle")
		if v.chance(3) {
			args = append(args, name+"bundle-limit=64KiB", name+"bundle-size=1MiB")
		}
		if !v.chance(3) {
			args = append(args, name+"block")
			if v.chance(2) {
				args = append(args, name+"block-size-map=8KiB=8KiB", name+"block-size-map=128KiB=32KiB",
					name+"block-checksum-size-map=8KiB="+pick(v, []string{"6", "8", "16"}), name+"block-size-super=64KiB")
			}
		}
	case v.chance(4):
		args = append(args, name+"hardlink")
	}
	for _, option := range []string{"--delta", "--archive-copy", "--no-resume", "--no-archive-check", "--no-checksum-page"} {
		if v.chance(5) && (option != "--archive-copy" || !slices.Contains(args, "--no-archive-check")) &&
			(option != "--no-archive-check" || !slices.Contains(args, "--archive-copy")) {
			args = append(args, option)
		}
	}
	if v.chance(3) {
		args = append(args, "--compress-type="+v.compression())
	}
	return args
}

// killed is a backup that does not come to its end, so that the next may resume it.
func (v *history) killed() {
	p, repo := v.program(), 1+v.r.IntN(2)
	kind := pick(v, []string{"full", "diff", "incr"})
	args := append(texts("backup", "--type="+kind), v.options(repo, kind)...)
	b := v.h.startAs(p, args...)
	wait := time.Duration(v.r.IntN(900)) * time.Millisecond
	time.Sleep(wait)
	r := b.kill()
	v.say("%s is killed after %v: %v", p.name, wait, args)
	v.h.until("the lock is free", func() bool { return v.h.runAs(lab.peer, "expire", "--dry-run").code == 0 })
	label := ""
	if m := newLabelPattern.FindStringSubmatch(r.all()); m != nil {
		label = m[1]
	}
	v.say("it had made %q", label)
	full := v.h.backupAs(v.program(), "full", append(v.options(repo, "full"), fmt.Sprintf("--repo=%d", repo))[1:]...)
	v.past = append(v.past, snapshot{repo, full, v.rows(v.c)})
	v.say("and then %s", full)
}

// lost is what backups are for: the cluster goes and comes back as it was at a backup, to go on from there on a timeline of its own.
func (v *history) lost() {
	v.c.archived() // or two timelines would have the same number
	v.c.stopWith("immediate")
	p, s := v.program(), pick(v, v.past)
	args := texts("restore", fmt.Sprintf("--repo=%d", s.repo), "--set="+s.label, "--type=immediate", "--target-action=promote")
	if !v.chance(3) {
		args = append(args, "--delta")
	} else {
		v.h.freshDir("pg")
		for _, space := range v.spaces {
			v.h.freshDir(space)
		}
	}
	v.say("%s brings back %s %v", p.name, s.label, args)
	v.h.okAs(p, args...)
	v.c.start()
	v.h.until("recovery ends", func() bool { return !v.c.inRecovery() })
	if got := v.rows(v.c); got != s.rows {
		v.h.t.Errorf("%s in repository %d brings back\n%s\nwant\n%s", s.label, s.repo, got, s.rows)
	}
	v.tables = strings.Fields(v.c.sql("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and " +
		"relname like 't%' order by 1"))
	v.spaces = strings.Fields(v.c.sql("select spcname from pg_tablespace where spcname not like 'pg_%' order by 1"))
	v.second = v.c.sql("select count(*) from pg_database where datname = 'second'") == "1"
}

// expire lets one full backup of a repository stay.
func (v *history) expire() {
	p, repo := v.program(), 1+v.r.IntN(2)
	v.h.okAs(p, "expire", fmt.Sprintf("--repo=%d", repo), fmt.Sprintf("--repo%d-retention-full=1", repo))
	left := v.h.labels(map[int]string{1: "repo", 2: "repo2"}[repo])
	before := len(v.past)
	v.past = slices.DeleteFunc(v.past, func(s snapshot) bool { return s.repo == repo && !slices.Contains(left, s.label) })
	v.say("%s expires %d backups of repository %d", p.name, before-len(v.past), repo)
}

// noise writes into tables nobody counts until it is told to stop.
func (v *history) noise() (stop func()) {
	v.c.sql("create schema if not exists noise; create table if not exists noise.a (i int, v text); create table if not exists noise.b (i int)")
	ctx, cancel := context.WithCancel(context.Background())
	cmd := v.h.command(ctx, filepath.Join(lab.pgBin, "psql"), "-Xqo", "/dev/null", "-h", v.c.sock, "-p", port, "-U", "postgres", "-d", "postgres",
		"-f", "-")
	cmd.Stdin = strings.NewReader(strings.Repeat("insert into noise.a select i, md5(i::text) from generate_series(1, 500) i; "+
		"update noise.a set v = md5(v) where i % 9 = 1; select pg_sleep(0.02);\n", 20) +
		strings.Repeat("truncate noise.a; drop table noise.b; create table noise.b as select generate_series(1, 1000) i; checkpoint; "+
			"vacuum full noise.a; select pg_sleep(0.02);\n", 3))
	if err := cmd.Start(); err != nil {
		v.h.t.Fatal(err)
	}
	return sync.OnceFunc(func() { ended(cmd, cancel) })
}

func ended(cmd *exec.Cmd, cancel context.CancelFunc) {
	time.Sleep(10 * time.Millisecond)
	cancel()
	cmd.Wait()
}

// rows sums up every table of every database.
func (v *history) rows(c *cluster) string {
	var all []string
	for _, database := range strings.Fields(c.sql("select datname from pg_database where not datistemplate order by 1")) {
		all = append(all, database+": "+c.sqlIn(database, rowsQuery))
	}
	return strings.Join(all, "\n")
}

const rowsQuery = `select string_agg(line, '; ' order by line) from (
  select relname || ' in ' || coalesce(spcname, 'pg_default') || ' ' || (xpath('/row/sum/text()', query_to_xml(format(
    'select count(*) || '' '' || coalesce(md5(string_agg(r::text, '','' order by r::text)), '''') as sum from %I r', relname),
    false, true, '')))[1]::text as line
  from pg_class left join pg_tablespace s on s.oid = reltablespace
  where relkind = 'r' and relpersistence = 'p' and relnamespace = 'public'::regnamespace) lines`

// proved restores a backup with both programs, each over what another backup or nothing has left,
// compares what they have written and starts it.
func (v *history) proved(s snapshot) {
	v.h.t.Helper()
	programs := []program{lab.ours, lab.peer}
	var trees []tree
	var autos []string
	for _, p := range programs {
		data, space := "restored-"+p.name, "spaces-"+p.name
		args := texts("restore", fmt.Sprintf("--repo=%d", s.repo), "--set="+s.label, "--type=immediate", "--pg1-path="+v.h.path(data),
			"--tablespace-map-all="+v.h.path(space), fmt.Sprintf("--process-max=%d", 1+v.r.IntN(3)))
		if v.h.exists(v.h.path(data)) && !v.chance(3) {
			args = append(args, "--delta")
		} else {
			v.h.freshDir(data)
			v.h.freshDir(space)
		}
		v.h.okAs(p, args...)
		got := readTree(v.h.t, v.h.path(data))
		if e, ok := got["recovery.signal"]; ok {
			e.mtime = 0
			got["recovery.signal"] = e
		}
		auto := strings.ReplaceAll(got.leaveOut(v.h, v.h.path(data)), data, "DATA")
		for name, e := range got {
			e.dest = strings.ReplaceAll(e.dest, space, "SPACES")
			got[name] = e
		}
		trees, autos = append(trees, got), append(autos, auto)
	}
	if diff := trees[0].diff(trees[1]); diff != "" {
		v.h.t.Errorf("%s in repository %d: ours and the peer restore differently:\n%s", s.label, s.repo, diff)
	}
	if autos[0] != autos[1] {
		v.h.t.Errorf("%s: postgresql.auto.conf:\n%s\nof the peer:\n%s", s.label, autos[0], autos[1])
	}
	c := v.h.restored(v.h.path("restored-" + v.program().name))
	c.start()
	c.recovered()
	if got := v.rows(c); got != s.rows {
		v.h.t.Errorf("%s in repository %d holds\n%s\nwant\n%s", s.label, s.repo, got, s.rows)
	}
	c.stopWith("immediate")
}
