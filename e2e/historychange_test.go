package e2e

import (
	"fmt"
	"slices"
	"strings"
)

// change does one random thing to the cluster.
func (v *history) change() {
	if len(v.tables) == 0 {
		v.createTable()
		return
	}
	table := pick(v, v.tables)
	changes := []func(string){
		v.insert, v.insert, v.update, v.update, v.update, v.remove, v.truncate, v.drop, v.vacuumFull, v.grow, v.shrink, v.index, v.move,
		func(string) { v.createTable() }, func(string) { v.createTable() }, func(string) { v.createSpace() }, func(string) { v.dropSpace() },
		func(string) { v.database() }, func(string) { v.c.sql("checkpoint") }, func(string) { v.restart() },
		func(string) { v.archiver() }, func(string) { v.c.archived() },
	}
	pick(v, changes)(table)
}

// do runs a statement with a table and writes it down.
func (v *history) do(format string, args ...any) {
	statement := fmt.Sprintf(format, args...)
	v.say("%s", statement)
	v.c.sql(statement)
}

func (v *history) name(kind string) string {
	v.n++
	return fmt.Sprintf("%s%d", kind, v.n)
}

func (v *history) createTable() {
	table := v.name("t")
	space := pick(v, append(slices.Clone(v.spaces), "pg_default", "pg_default"))
	persistence := ""
	if v.chance(10) {
		persistence = "unlogged "
	}
	v.do("create %stable %s (id int, v text) with (fillfactor = %d) tablespace %s", persistence, table, 50+v.r.IntN(50), space)
	v.tables = append(v.tables, table)
	if !v.chance(4) {
		v.insert(table)
	}
}

func (v *history) insert(table string) {
	if v.chance(4) { // wide rows
		v.do("insert into %s select i, (select string_agg(md5((i * k)::text), '') from generate_series(1, 150) k) from generate_series(1, %d) i",
			table, 1+v.r.IntN(60))
		return
	}
	v.do("insert into %s select i, md5((i * %d)::text) from generate_series(1, %d) i", table, v.r.IntN(1000), 1+v.r.IntN(4000))
}

func (v *history) grow(table string) {
	v.do("insert into %s select i, repeat(md5((i + %d)::text), 1 + i %% 5) from generate_series(1, %d) i", table, v.r.IntN(1000),
		10000+v.r.IntN(20000))
}

func (v *history) update(table string) {
	k := 1 + v.r.IntN(400)
	v.do("update %s set v = md5(v || '%d') where id %% %d = %d", table, v.r.IntN(1000), k, v.r.IntN(k))
}

func (v *history) remove(table string) {
	k := 2 + v.r.IntN(20)
	v.do("delete from %s where id %% %d = %d", table, k, v.r.IntN(k))
}

func (v *history) truncate(table string) { v.do("truncate %s", table) }

func (v *history) drop(table string) {
	v.do("drop table %s", table)
	v.tables = slices.DeleteFunc(v.tables, func(t string) bool { return t == table })
}

func (v *history) vacuumFull(table string) { v.do("vacuum full %s", table) }

func (v *history) shrink(table string) {
	v.do("delete from %s where ctid >= '(%d,0)'", table, v.r.IntN(40))
	v.do("vacuum (freeze, truncate) %s", table)
}

func (v *history) index(table string) {
	v.do("create index on %s (id); reindex table %s", table, table)
}

func (v *history) move(table string) {
	v.do("alter table %s set tablespace %s", table, pick(v, append(slices.Clone(v.spaces), "pg_default")))
}

func (v *history) createSpace() {
	if len(v.spaces) == 3 {
		return
	}
	space := v.name("s")
	v.do("create tablespace %s location '%s'", space, v.h.mkdir(space, 0o700))
	v.spaces = append(v.spaces, space)
}

func (v *history) dropSpace() {
	if len(v.spaces) == 0 {
		return
	}
	space := pick(v, v.spaces)
	v.do("alter table all in tablespace %s set tablespace pg_default", space)
	v.do("alter index all in tablespace %s set tablespace pg_default", space)
	v.do("checkpoint") // or files that are gone already would be in the way
	v.do("drop tablespace %s", space)
	v.spaces = slices.DeleteFunc(v.spaces, func(s string) bool { return s == space })
}

func (v *history) database() {
	if v.second {
		v.do("drop database second")
	} else {
		v.do("create database second strategy %s", pick(v, []string{"wal_log", "file_copy"}))
		v.c.sqlIn("second", "create table there as select i, md5(i::text) v from generate_series(1, 2000) i")
	}
	v.second = !v.second
}

func (v *history) restart() {
	v.say("restart")
	v.c.stop()
	v.c.start()
}

// archiver lets a random program archive from now on.
func (v *history) archiver() {
	p := v.program()
	command := v.h.archiveCommand(p)
	if v.chance(2) {
		command = strings.Replace(command, " archive-push ", " --archive-async archive-push ", 1)
	}
	v.say("%s", command)
	v.c.alter("archive_command = '" + command + "'")
}
