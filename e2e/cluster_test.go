package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// cluster is a PostgreSQL with its data directory. It listens on a socket in the host's directory
// only, so any number of them may use the same port.
type cluster struct {
	h    *host
	data string
	sock string
	opts []string // settings given at start
	bin  string   // programs of another version, "": the usual one
}

const port = "5432"

// addCluster makes and starts the cluster of a host and puts it into the configuration. Settings
// are lines for postgresql.conf.
func (h *host) addCluster(settings ...string) *cluster {
	h.t.Helper()
	c := h.newCluster("pg", settings...)
	h.cluster = c
	h.set(h.stanza, "pg1-path", c.data)
	h.set(h.stanza, "pg1-socket-path", c.sock)
	h.set(h.stanza, "pg1-port", port)
	h.set(h.stanza, "pg1-user", "postgres")
	c.start()
	return c
}

// newCluster runs initdb: 1 MiB segments and page checksums, WAL archived by the host's program.
func (h *host) newCluster(name string, settings ...string) *cluster {
	h.t.Helper()
	c := &cluster{h: h, data: h.path(name), sock: h.path("sock")}
	c.init("--wal-segsize=1", "--data-checksums")
	c.configure(settings...)
	return c
}

// init runs initdb and writes the settings that all clusters have.
func (c *cluster) init(args ...string) {
	h := c.h
	h.t.Helper()
	h.t.Cleanup(func() { c.stopWith("immediate") })
	c.tool("initdb", append(texts("-D", c.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"), args...)...)
	c.configure("port = "+port, "listen_addresses = ''", "unix_socket_directories = '"+c.sock+"'", "fsync = off",
		"shared_buffers = 16MB", "max_wal_size = 64MB", "min_wal_size = 4MB", "autovacuum = off", "archive_mode = on",
		"archive_command = '"+h.archiveCommand(h.prog)+"'", "log_line_prefix = '%m '")
}

func (h *host) archiveCommand(p program) string {
	return fmt.Sprintf("%s --config=%s --stanza=%s --log-level-console=info archive-push %%p", p.path, h.confPath(), h.stanza)
}

// base is the setup most scenarios start from: a running cluster with a table, the stanza, and one
// full backup, whose label is returned.
func (h *host) base(settings ...string) string {
	h.t.Helper()
	h.addCluster(settings...)
	h.cluster.table(1000)
	h.ok("stanza-create")
	return h.backup("full")
}

// tool runs a program of PostgreSQL and gives its output.
func (c *cluster) tool(name string, args ...string) string {
	c.h.t.Helper()
	out, err := c.try(name, args...)
	if err != nil {
		c.h.t.Fatalf("%s %v: %v\n%s\n%s", name, args, err, out, c.serverLog())
	}
	return out
}

func (c *cluster) try(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	// The output of pg_ctl must be a file: the server inherits it and would keep a pipe open.
	f, err := os.CreateTemp(c.h.path("tmp"), "out")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	cmd := c.h.command(ctx, c.program(name), args...)
	cmd.Env = append(cmd.Env, "PGOPTIONS=-c client_min_messages=warning")
	cmd.Stdout, cmd.Stderr = f, f
	err = cmd.Run()
	out, _ := os.ReadFile(f.Name())
	return strings.TrimRight(string(out), "\n"), err
}

// program is where a program of PostgreSQL is. A version without one of its own for what any may do, such as psql, takes the usual.
func (c *cluster) program(name string) string {
	if own := filepath.Join(c.bin, name); c.bin != "" && c.h.exists(own) {
		return own
	}
	return filepath.Join(lab.pgBin, name)
}

func (c *cluster) serverLog() string {
	log, _ := os.ReadFile(c.data + ".log")
	if len(log) > 2000 {
		log = log[len(log)-2000:]
	}
	return string(log)
}

// configure adds lines to postgresql.conf; the last one counts.
func (c *cluster) configure(lines ...string) {
	c.h.t.Helper()
	path := filepath.Join(c.data, "postgresql.conf")
	c.h.write(path, c.h.read(path)+strings.Join(lines, "\n")+"\n")
}

// alter changes settings of a running server.
func (c *cluster) alter(lines ...string) {
	c.h.t.Helper()
	c.configure(lines...)
	c.tool("pg_ctl", "-D", c.data, "-s", "reload")
	for range 500 { // the reload is asynchronous
		name, value, _ := strings.Cut(lines[len(lines)-1], " = ")
		if c.sql("show "+name) == strings.Trim(value, "'") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	c.h.t.Fatalf("%v is not in force", lines)
}

func (c *cluster) start() {
	c.h.t.Helper()
	if err := c.tryStart(); err != nil {
		c.h.t.Fatalf("start %s: %v\n%s", c.data, err, c.serverLog())
	}
}

func (c *cluster) tryStart() error {
	args := []string{"-D", c.data, "-s", "-w", "-t", "60", "-l", c.data + ".log"}
	if len(c.opts) > 0 {
		args = append(args, "-o", "-c "+strings.Join(c.opts, " -c "))
	}
	_, err := c.try("pg_ctl", append(args, "start")...)
	return err
}

func (c *cluster) stop() {
	c.h.t.Helper()
	c.tool("pg_ctl", "-D", c.data, "-s", "-w", "-m", "fast", "stop")
}

func (c *cluster) stopWith(mode string) {
	if _, err := os.Stat(filepath.Join(c.data, "postmaster.pid")); err == nil {
		c.try("pg_ctl", "-D", c.data, "-s", "-w", "-m", mode, "stop")
	}
}

// sql runs a statement and gives its rows, unaligned.
func (c *cluster) sql(query string) string {
	c.h.t.Helper()
	return c.sqlIn("postgres", query)
}

func (c *cluster) sqlIn(database, query string) string {
	c.h.t.Helper()
	return c.tool("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", c.sock, "-p", port, "-U", "postgres", "-d", database, "-c", query)
}

// table makes the table t with some rows, of which change alters a part.
func (c *cluster) table(rows int) {
	c.h.t.Helper()
	c.sql(fmt.Sprintf("create table t as select i as id, md5(i::text) || repeat('x', i %% 50) as v from generate_series(1, %d) i", rows))
}

// change alters and adds rows, so that every step of a history has other content.
func (c *cluster) change(step int) {
	c.h.t.Helper()
	c.sql(fmt.Sprintf("update t set v = md5(v || '%d') where id %% 7 = %d;"+
		"insert into t select i, 'step %d' from generate_series(%d, %d) i", step, step%7, step, 100000*step+1, 100000*step+200))
}

// rows is a checksum of the content of t.
func (c *cluster) rows() string {
	c.h.t.Helper()
	return c.sql("select count(*) || ' ' || md5(string_agg(t::text, ',' order by id)) from t")
}

// archived switches to a new segment and waits until the old one, and whatever waited with it, is in the archive.
func (c *cluster) archived() (segment string) {
	c.h.t.Helper()
	segment = c.sql("create table if not exists force_wal(i int); insert into force_wal values (1); " +
		"select pg_walfile_name(pg_switch_wal())")
	for range 1200 {
		ready, _ := filepath.Glob(filepath.Join(c.data, "pg_wal", "archive_status", "*.ready"))
		if last := c.sql("select last_archived_wal from pg_stat_archiver"); last >= segment && len(ready) == 0 {
			return segment
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.h.t.Fatalf("%s is not archived: %s\n%s", segment, c.sql("select * from pg_stat_archiver"), c.serverLog())
	return ""
}

// restored is a cluster in a directory that a restore has filled. It is started without archiving,
// with a socket directory of its own.
func (h *host) restored(data string) *cluster {
	h.t.Helper()
	sock, err := os.MkdirTemp(h.dir, "s")
	if err != nil {
		h.t.Fatal(err)
	}
	h.chown(sock)
	c := &cluster{h: h, data: data, sock: sock,
		opts: []string{"archive_mode=off", "unix_socket_directories=" + sock, "logging_collector=off"}}
	h.t.Cleanup(func() { c.stopWith("immediate") })
	return c
}

// recovered waits until recovery has ended or has paused at its target.
func (c *cluster) recovered() {
	c.h.t.Helper()
	for range 2400 {
		switch c.sql("select case when not pg_is_in_recovery() then 'end' when pg_get_wal_replay_pause_state() = 'paused' then 'end' else '' end") {
		case "end":
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.h.t.Fatalf("recovery goes on\n%s", c.serverLog())
}

// freshDir makes an empty directory a restore may use, removing what was there.
func (h *host) freshDir(name string) string {
	h.t.Helper()
	path := h.path(name)
	os.RemoveAll(path)
	return h.mkdir(name, 0o700)
}
