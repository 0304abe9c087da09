package postgres

import "strings"

// The names of files in a manifest begin with the directory they belong to: the data directory or, as pg_tblspc/OID, a tablespace.
const (
	dataPrefix       = "pg_data/"
	tablespacePrefix = "pg_tblspc/"
)

// database splits the name of a file that lies in a directory of relations: the shared ones in pg_data/global, those of a database in
// pg_data/base/OID or in pg_tblspc/OID/PG_VERSION_CATALOG/OID.
func database(name string) (dir, base string, ok bool) {
	slash := strings.LastIndexByte(name, '/')
	if slash < 0 {
		return "", "", false
	}
	dir, base = name[:slash], name[slash+1:]
	if below, found := strings.CutPrefix(dir, dataPrefix); found {
		if below == "global" {
			return dir, base, true
		}
		oid, inBase := strings.CutPrefix(below, "base/")
		return dir, base, inBase && allDigits(oid)
	}
	below, found := strings.CutPrefix(dir, tablespacePrefix)
	if !found {
		return "", "", false
	}
	tablespace, below, _ := strings.Cut(below, "/")
	version, oid, _ := strings.Cut(below, "/")
	return dir, base, allDigits(tablespace) && strings.HasPrefix(version, "PG_") && allDigits(oid)
}

// Replayed reports whether changes of a file (name in manifest form) after the start of a backup are replayed from the write-ahead
// log. Such a file need not be read beyond the size it had when the manifest was built, all others are read to their end.
func Replayed(v Version, name string) bool {
	if strings.HasPrefix(name, tablespacePrefix) {
		return true
	}
	below, found := strings.CutPrefix(name, dataPrefix)
	if !found {
		return false
	}
	top, _, nested := strings.Cut(below, "/")
	return nested && (top == "base" || top == "global" || top == "pg_multixact" || top == v.XactDir())
}

// PageChecked reports whether a file (name in manifest form) consists of pages with checksums.
func PageChecked(name string) bool {
	dir, base, ok := database(name)
	if !ok || base == "pg_filenode.map" || base == "PG_VERSION" {
		return false
	}
	return base != "pg_control" || dir != dataPrefix+"global"
}

// SegmentNumber is the number of the part of a relation that a file holds, 2 for "16384.2", 0 for the first.
func SegmentNumber(name string) uint32 {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 || len(name)-dot > 10 || !allDigits(name[dot+1:]) {
		return 0
	}
	var n uint32
	for _, c := range []byte(name[dot+1:]) {
		n = n*10 + uint32(c-'0')
	}
	return n
}

// relation takes the file name of a relation apart: "16384_fsm.1" is the fork "fsm" of 16384.
func relation(base string) (node, fork string, ok bool) {
	node, segment, dotted := strings.Cut(base, ".")
	if dotted && !allDigits(segment) {
		return "", "", false
	}
	node, fork, forked := strings.Cut(node, "_")
	if forked && fork != "fsm" && fork != "vm" && fork != "init" {
		return "", "", false
	}
	return node, fork, allDigits(node)
}

// temporary recognizes the files of temporary relations: "t3_16384", with forks and segments like any other.
func temporary(base string) bool {
	session, rest, found := strings.Cut(base, "_")
	if !found || !strings.HasPrefix(session, "t") || !allDigits(session[1:]) {
		return false
	}
	_, fork, ok := relation(rest)
	return ok && fork != "init"
}

// Unlogged finds the files of unlogged relations, which a server empties after a crash: all forks of a relation that has an init fork,
// except that one. The init fork can come after the others in a directory, so first all names go through Note, then each is asked for
// with Skip.
type Unlogged struct{ relations map[string]struct{} }

// Note remembers the relation if the file (name in manifest form) is an init fork.
func (u *Unlogged) Note(name string) {
	if !strings.HasSuffix(name, "_init") {
		return
	}
	dir, base, ok := database(name)
	if !ok {
		return
	}
	if node, fork, ok := relation(base); ok && fork == "init" {
		if u.relations == nil {
			u.relations = make(map[string]struct{})
		}
		u.relations[dir+"/"+node] = struct{}{}
	}
}

// Any reports whether there is an unlogged relation.
func (u *Unlogged) Any() bool { return len(u.relations) > 0 }

// Skip reports whether the file belongs to an unlogged relation and is of no use in a backup.
func (u *Unlogged) Skip(name string) bool {
	if len(u.relations) == 0 {
		return false
	}
	dir, base, ok := database(name)
	if !ok {
		return false
	}
	node, fork, ok := relation(base)
	if !ok || fork == "init" {
		return false
	}
	_, unlogged := u.relations[dir+"/"+node]
	return unlogged
}
