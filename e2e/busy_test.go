package e2e

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What a busy server does to its files while they are copied: rows move, tables and databases come,
// shrink, are rewritten and go.
const busyRows = `do $$ begin
for i in 1 .. 1000000 loop
  insert into log values (i);
  update account set amount = amount - i % 17 where id = i % 1000;
  update account set amount = amount + i % 17 where id = (i * 7) % 1000;
  if i % 20 = 0 then
    execute format('create table made_%s as select g, repeat(md5(g::text), 3) v from generate_series(1, %s) g', i, i % 3000);
    execute format('drop table if exists made_%s', greatest(i - 60, 0));
    truncate emptied;
    insert into emptied select generate_series(1, i % 500);
  end if;
  commit;
end loop; end $$;
`

const busyFiles = `vacuum full account; reindex table log; create database coming; vacuum; checkpoint; drop database coming;
create index on emptied (i); cluster log using log_pkey; drop index emptied_i_idx; truncate shrinking;
insert into shrinking select i, repeat('x', 500) from generate_series(1, 5000) i; vacuum shrinking;
delete from shrinking where i > 100; vacuum shrinking;
`

// Backups of a busy server are whole: whatever is restored has valid pages, indexes that agree with
// their tables, and no half of a transaction.
func TestBusyServer(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.set("global", "compress-type", "lz4")
	h.addCluster()
	c := h.cluster
	c.sql("create table log (n int primary key); create table account (id int primary key, amount int);" +
		"insert into account select i, 0 from generate_series(0, 999) i;" +
		"create table emptied (i int); create table shrinking (i int, v text)")
	h.ok("stanza-create")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var writers []*exec.Cmd
	for _, input := range []string{busyRows, strings.Repeat(busyFiles, 2000)} {
		psql := filepath.Join(lab.pgBin, "psql")
		cmd := h.command(ctx, psql, "-Xq", "-h", c.sock, "-p", port, "-U", "postgres", "-d", "postgres", "-f", "-")
		cmd.Stdin = strings.NewReader(input)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		writers = append(writers, cmd)
	}
	h.until("the server is busy", func() bool { return c.sql("select count(*) > 100 from log") == "t" })

	dir := h.freshDir("restored")
	whole := func(args ...string) {
		h.t.Helper()
		h.ok(append(texts("restore", "--delta", "--pg1-path="+dir, "--target-action=promote"), args...)...)
		r := h.restored(dir)
		r.start()
		h.until("recovery ends", func() bool { return !r.inRecovery() })
		for _, check := range []string{
			"select sum(amount) = 0 and count(*) = 1000 from account",
			"select count(*) = max(n) and count(*) > 100 from log",
			"select (select count(*) from log where n >= 0) = (select count(*) from log)",
			"set enable_seqscan = off; select count(n) = (select max(n) from log) from log where n > 0",
			"set enable_seqscan = off; select sum(amount) = 0 from account where id >= 0",
			"select count(v) >= 0 and coalesce(max(length(v)), 500) = 500 from shrinking",
			"select count(*) <= 500 from emptied",
		} {
			if got := r.sql(check); got != "t" {
				h.t.Errorf("%v: %s: %s", args, check, got)
			}
		}
		r.tool("vacuumdb", "-h", r.sock, "-p", port, "-U", "postgres", "-a", "-q", "--disable-page-skipping") // which reads every page
		r.stop()
		if out := r.tool("pg_checksums", "--check", "-D", dir); !strings.Contains(out, "Bad checksums:  0") {
			h.t.Errorf("%v: %s", args, out)
		}
	}
	for _, kind := range []string{"full", "diff", "incr"} {
		r := h.ok("backup", "--type="+kind)
		h.want(r, 0, "!invalid page checksum", "!ERROR")
		whole("--type=immediate", "--set="+newLabel(t, r))
		c.sql("select pg_create_restore_point('" + newLabel(t, r) + "')")
	}
	label := h.lastLabel("repo")
	c.sql("select pg_terminate_backend(pid, 10000) from pg_stat_activity " +
		"where pid <> pg_backend_pid() and backend_type = 'client backend'")
	for _, w := range writers {
		w.Wait()
	}
	c.archived()
	whole("--type=name", "--target="+label)
	h.verified()
}
