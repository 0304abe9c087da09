package postgres

import "strings"

// Action is what a backup does with a directory.
type Action uint8

// What a backup does with a directory.
const (
	Keep  Action = iota // back it up and look into it
	Empty               // back up the directory itself, nothing below
	Skip                // leave it out
)

// Rules decide which parts of a data directory a backup leaves out, because a server makes them anew or must not find them after a
// restore. Names are in manifest form. Unlogged relations are not decided here, see Unlogged.
type Rules struct {
	version    Version
	online     bool
	tablespace string // name of the directory in tablespaces
	wal        string // name of the directory with the log, in manifest form
}

// NewRules makes the rules for a cluster. An online backup has no use for the log in the data directory, it comes from the archive.
func NewRules(v Version, catalog uint32, online bool) Rules {
	return Rules{version: v, online: online, tablespace: TablespaceDir(v, catalog), wal: dataPrefix + v.WALDir()}
}

// Dir decides about a directory, or a link to one.
func (r Rules) Dir(name string) Action {
	if temporaryName(name) || r.foreignTablespace(name) {
		return Skip
	}
	below, inData := strings.CutPrefix(name, dataPrefix)
	if !inData {
		return Keep
	}
	switch below {
	case "pg_dynshmem", "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans":
		return Empty
	}
	if r.online && name == r.wal+"/archive_status" {
		return Empty
	}
	return Keep
}

// File reports whether a file, or a link to one, is backed up.
func (r Rules) File(name string) bool {
	if temporaryName(name) || r.foreignTablespace(name) {
		return false
	}
	if _, base, ok := database(name); ok {
		return !temporary(base) && !relationCache(base)
	}
	if r.online && strings.HasPrefix(name, r.wal+"/") && strings.Count(name, "/") == 2 {
		return false
	}
	below, inData := strings.CutPrefix(name, dataPrefix)
	return !inData || !r.leftover(below)
}

// leftover recognizes files at the top of the data directory that belong to a running server, to another backup or to a recovery.
func (r Rules) leftover(name string) bool {
	switch name {
	case "postmaster.pid", "postmaster.opts", "backup_label", "backup_label.old", "postgresql.auto.conf.tmp":
		return true
	case "recovery.signal", "standby.signal":
		return !r.version.RecoveryConf()
	case "recovery.conf", "recovery.done":
		return r.version.RecoveryConf()
	case "backup_manifest", "backup_manifest.tmp":
		return r.version >= Version13
	}
	return false
}

// foreignTablespace recognizes what lies in a tablespace but not in this cluster's directory there: several clusters may share one.
func (r Rules) foreignTablespace(name string) bool {
	below, found := strings.CutPrefix(name, tablespacePrefix)
	if !found {
		return false
	}
	_, below, nested := strings.Cut(below, "/")
	if !nested {
		return false
	}
	top, _, _ := strings.Cut(below, "/")
	return top != r.tablespace
}

func temporaryName(name string) bool {
	return strings.HasPrefix(name[strings.LastIndexByte(name, '/')+1:], "pgsql_tmp")
}

// relationCache recognizes pg_internal.init, and what a crash leaves of writing it: pg_internal.init.PID.
func relationCache(base string) bool {
	rest, found := strings.CutPrefix(base, "pg_internal.init")
	if !found || rest == "" {
		return found
	}
	return rest[0] == '.' && allDigits(rest[1:])
}
