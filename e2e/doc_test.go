package e2e

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the commands of the documentation print into it")

// stories are pages that are read, and run, one after the other on one machine.
var stories = []struct {
	name  string
	pages []string
	begin func(*reader)
}{
	{"readme", []string{"../README.md"}, (*reader).configured},
	{"guide", []string{"../doc/guide/install.md", "../doc/guide/first-backup.md", "../doc/guide/restore.md",
		"../doc/guide/retention.md", "../doc/guide/reference.md"}, (*reader).unpacked},
	{"switch", []string{"../doc/guide/switch.md"}, (*reader).established},
}

// Every example of the documentation does what the documentation says.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	told := []string{"../doc/guide/README.md", // has no examples
		severalHosts} // TestCluster follows it
	for _, story := range stories {
		told = append(told, story.pages...)
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			r := newReader(t)
			story.begin(r)
			for _, name := range story.pages {
				r.read(readChapter(t, name))
			}
		})
	}
	pages, err := filepath.Glob("../doc/guide/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range pages {
		if !slices.Contains(told, name) {
			t.Errorf("%s is in no story", name)
		}
	}
}

var makefileTarget = regexp.MustCompile(`(?m)^([a-z]+):`)

// reader follows the documentation on a machine in small: the directories the pages speak of lie below the directory of the host.
type reader struct {
	*host
	t     *testing.T
	makes []string // targets of the Makefile
	// seen maps what differs from run to run, such as labels and times, from what a page shows to what was printed here.
	seen map[string]string
	// away runs the commands of a page that speaks of several hosts.
	away func(order) (string, error)
}

// places are the directories the pages speak of. The program under test must not use those of the machine.
var places = []string{"/etc/pgbackrest", "/var/lib/postgresql", "/var/lib/pgbackrest", "/var/log/pgbackrest",
	"/usr/bin/holdfast", "/usr/bin/pgbackrest"}

const pageData = "/var/lib/postgresql/15/main"

func newReader(t *testing.T) *reader {
	t.Helper()
	h := newHost(t, lab.named)
	makefile := h.read("../Makefile")
	r := &reader{host: h, t: t, seen: map[string]string{}}
	for _, m := range makefileTarget.FindAllStringSubmatch(makefile, -1) {
		r.makes = append(r.makes, m[1])
	}
	for _, name := range []string{"bin", "etc", "etc/pgbackrest", "shim", "usr", "usr/bin", "var", "var/lib", "var/lib/postgresql",
		"var/lib/postgresql/15", "var/log"} {
		r.mkdir(name, 0o755)
	}
	r.env = []string{
		"PATH=" + strings.Join([]string{r.path("shim"), r.path("usr/bin"), lab.pgBin, "/usr/bin", "/bin"}, ":"),
		"PGHOST=" + r.path("sock"), "PGUSER=postgres",
		"PGBACKREST_CONFIG=" + r.path("etc/pgbackrest/pgbackrest.conf"),
		"PGBACKREST_REPO1_PATH=" + r.path("var/lib/pgbackrest"),
		"PGBACKREST_LOG_PATH=" + r.path("var/log/pgbackrest"),
		"PGBACKREST_LOCK_PATH=" + r.path("lock"),
	}
	r.cluster = &cluster{h: h, data: r.path(pageData), sock: r.path("sock")}
	r.cluster.tool("initdb", "-D", r.cluster.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
		"--wal-segsize=1", "--data-checksums")
	r.cluster.configure("port = "+port, "listen_addresses = ''", "unix_socket_directories = '"+r.cluster.sock+"'", "fsync = off",
		"shared_buffers = 16MB", "max_wal_size = 64MB", "min_wal_size = 4MB", "autovacuum = off",
		"log_line_prefix = '%m '")
	t.Cleanup(func() { r.cluster.stopWith("immediate") })
	// What an init system would do, and the patience of a person who waits for the end of a recovery.
	r.program("shim/systemctl", `[ "$2" = postgresql ] && pg_ctl -D `+r.cluster.data+" -l "+r.cluster.data+`.log -s -w "$1" || exit 1
[ "$1" = stop ] || for i in $(seq 300); do [ "$(psql -Atc 'select pg_is_in_recovery()')" = f ] && exit; sleep 0.1; done`)
	r.cluster.start()
	return r
}

// program puts a script where the commands of the pages find it.
func (r *reader) program(name, line string) {
	r.t.Helper()
	r.write(r.path(name), "#!/bin/sh\n"+line+"\n")
	if err := os.Chmod(r.path(name), 0o755); err != nil {
		r.t.Fatal(err)
	}
}

// unpacked has the program where `make build` puts it.
func (r *reader) unpacked() {
	r.t.Helper()
	r.link("bin/holdfast", lab.named.path)
}

// configured has everything the first screen takes for granted: the program, its configuration, archiving, and a table.
func (r *reader) configured() {
	r.t.Helper()
	r.link("usr/bin/holdfast", lab.named.path)
	r.archiving("holdfast")
}

// established has worked with the peer for a while.
func (r *reader) established() {
	r.t.Helper()
	r.link("usr/bin/pgbackrest", lab.peer.path)
	r.link("bin/holdfast", lab.named.path)
	r.archiving("pgbackrest")
	for _, command := range []string{"pgbackrest --stanza=main stanza-create", "pgbackrest --stanza=main --type=full backup"} {
		if out, err := r.shell(order{command: command}); err != nil {
			r.t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
}

func (r *reader) archiving(program string) {
	r.t.Helper()
	r.mkdir("var/lib/pgbackrest", 0o750)
	r.mkdir("var/log/pgbackrest", 0o750)
	r.write(r.path("etc/pgbackrest/pgbackrest.conf"), "[global]\nrepo1-retention-full=2\nstart-fast=y\nprocess-max=2\n\n[main]\npg1-path="+
		r.cluster.data+"\n")
	r.cluster.stop()
	r.cluster.configure("archive_mode = on", "archive_command = '"+program+" --stanza=main archive-push %p'")
	r.cluster.start()
	r.cluster.sql("create table orders (id int primary key, note text);" +
		"insert into orders select i, md5(i::text) from generate_series(1, 120000) i")
}

func (r *reader) link(name, target string) {
	r.t.Helper()
	if err := os.Symlink(target, r.path(name)); err != nil {
		r.t.Fatal(err)
	}
}

// read runs a page from top to bottom.
func (r *reader) read(p *chapter) {
	r.t.Helper()
	grown := 0 // by how much, before the block at hand
	for _, b := range p.blocks {
		where := p.where(b.first)
		switch b.kind {
		case "console":
			for _, o := range b.orders {
				grown += r.follow(p, o, grown)
			}
		case "ini":
			path, ok := strings.CutPrefix(b.lines[0], "# /")
			if !ok {
				r.t.Fatalf("%s: the path is missing", where)
			}
			r.write(r.path(path), r.here(strings.Join(b.lines[1:], "\n"))+"\n")
		case "cron":
			for _, line := range b.lines {
				if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "PATH=") {
					continue
				}
				r.follow(p, order{command: strings.Join(strings.Fields(line)[6:], " ")}, 0)
			}
		case "sh":
			for _, line := range b.lines {
				target, ok := strings.CutPrefix(strings.TrimSpace(strings.SplitN(line, "#", 2)[0]), "make ")
				if !ok || !slices.Contains(r.makes, target) {
					r.t.Errorf("%s: %q is not a target of the Makefile", where, line)
				}
			}
		default:
			r.t.Errorf("%s: %q is no kind of block", where, b.kind)
		}
	}
	if *update {
		p.lines = strings.Split(r.actual(strings.Join(p.lines, "\n")), "\n")
		p.save(r.t)
	}
}

// follow runs a command of a page and compares what it prints with the page.
func (r *reader) follow(p *chapter, o order, grown int) int {
	r.t.Helper()
	out, err := r.shell(o)
	where := p.where(o.first - 1)
	if err != nil && !strings.Contains(strings.Join(o.output, "\n"), "ERROR: ") {
		r.t.Fatalf("%s: %s: %v\n%s\n%s", where, o.command, err, out, r.cluster.serverLog())
	}
	got := r.there(out)
	if same(o.output, got) {
		r.remember(o.output, got)
		if *update {
			p.replace(o.first+grown, len(o.output), renewed(o.output, got))
		}
		return 0
	}
	if *update {
		return p.replace(o.first+grown, len(o.output), got)
	}
	r.t.Errorf("%s: %s prints\n%s\nnot\n%s", where, o.command, strings.Join(got, "\n"), strings.Join(o.output, "\n"))
	return 0
}

// shell runs a command as the reader would.
func (r *reader) shell(o order) (string, error) {
	if r.away != nil {
		return r.away(o)
	}
	ctx, cancel := context.WithTimeout(context.Background(), demoPatience)
	defer cancel()
	command := r.here(r.actual(o.command))
	if lab.user != "postgres" {
		command = strings.NewReplacer("-o postgres", "-o "+lab.user, "-g postgres", "").Replace(command)
	}
	cmd := r.command(ctx, "/bin/bash", "-c", command)
	if o.root && !strings.HasPrefix(command, "systemctl ") { // servers do not run as root
		cmd.SysProcAttr.Credential = nil
	}
	var out bytes.Buffer
	f, err := os.CreateTemp(r.path("tmp"), "out") // a server that is started would keep a pipe open
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	cmd.Stdout, cmd.Stderr = f, f
	err = cmd.Run()
	if _, seekErr := f.Seek(0, 0); seekErr != nil {
		return "", seekErr
	}
	if _, readErr := out.ReadFrom(f); readErr != nil {
		return "", readErr
	}
	return out.String(), err
}

// actual puts the labels and times of this run in the place of those the page shows.
func (r *reader) actual(command string) string {
	var pairs []string
	for _, shown := range slices.SortedFunc(maps.Keys(r.seen), func(a, b string) int { return cmp.Compare(len(b), len(a)) }) {
		pairs = append(pairs, shown, r.seen[shown])
	}
	return strings.NewReplacer(pairs...).Replace(command)
}

// here moves the directories of the pages below the directory of the host.
func (r *reader) here(text string) string {
	for _, place := range places {
		text = regexp.MustCompile(`(^|[\s='":])`+regexp.QuoteMeta(place)+`\b`).ReplaceAllString(text, "${1}"+r.dir+place)
	}
	return text
}

// hidden are options that come from the environment of the tests.
var hidden = regexp.MustCompile(` --(?:config|lock-path|log-path|repo1-path)=\S+`)

// there is what would be printed on a machine where everything has its usual place, in lines.
func (r *reader) there(out string) []string {
	out = strings.ReplaceAll(hidden.ReplaceAllString(out, ""), r.dir, "")
	out = strings.TrimRight(out, "\n")
	if out == "" {
		return nil
	}
	lines := strings.Split(out, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// passing matches what may differ between two runs of the same commands.
var passing = regexp.MustCompile(strings.Join([]string{
	`\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?`,                               // label
	`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d(?::\d\d)?)?`, // time
	`\b[0-9A-F]{24}\b`,              // segment
	`\b[0-9A-F]+/[0-9A-F]+\b`,       // location in the WAL
	`\b\d+-[0-9a-f]{8}\b`,           // run
	`\b[0-9a-f]{32,40}\b`,           // hash
	`\b\d+(?:\.\d+)?(?:[KMGT]?B)\b`, // size
	`\(\d+ms\)`,
	`\b\d{1,3}(?:,\d{3})+\b`,
	`\b\d+(?:\.\d+)?%?`,
}, "|"))

// plain is a line without what may differ and without alignment.
func plain(line string) string {
	return strings.Join(strings.Fields(passing.ReplaceAllString(line, "~")), " ")
}

// same compares lines of a page with lines of a run. Three dots stand for any number of lines.
func same(shown, got []string) bool {
	if len(shown) == 0 {
		return len(got) == 0
	}
	if strings.TrimSpace(shown[0]) == "..." {
		for i := range len(got) + 1 {
			if same(shown[1:], got[i:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && plain(shown[0]) == plain(got[0]) && same(shown[1:], got[1:])
}

// renewed has the lines of the run in the place of those of the page, and the dots where they were.
func renewed(shown, got []string) []string {
	var lines []string
	for _, line := range shown {
		if i := slices.IndexFunc(got, func(g string) bool { return plain(g) == plain(line) }); i >= 0 {
			line, got = got[i], got[i+1:]
		}
		lines = append(lines, line)
	}
	return lines
}

// remember notes what stands here for the labels, times and locations of a page, so that a later command can name them.
func (r *reader) remember(shown, got []string) {
	for _, line := range shown {
		i := slices.IndexFunc(got, func(g string) bool { return plain(g) == plain(line) })
		if i < 0 {
			continue // three dots
		}
		before, after := passing.FindAllString(line, -1), passing.FindAllString(got[i], -1)
		for k := range min(len(before), len(after)) {
			if len(before[k]) > 8 {
				r.seen[before[k]] = after[k]
			}
		}
		got = got[i+1:]
	}
}
