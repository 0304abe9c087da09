package format

import (
	"strconv"
)

// ArchiveDB is one PostgreSQL cluster in the history of archive.info.
type ArchiveDB struct {
	ID       int    // history id: 1, 2, ...
	SystemID uint64 // PostgreSQL's system identifier
	Version  string // "15", "9.6"
}

// ArchiveID returns the name of the archive directory of the cluster, such as "15-1".
func (d ArchiveDB) ArchiveID() string { return d.Version + "-" + strconv.Itoa(d.ID) }

// ArchiveInfo is the content of archive.info: which clusters have archived their WAL here.
type ArchiveInfo struct {
	Program    string // version of the program that wrote the file
	CipherPass string // pass of everything archived, "" if not encrypted
	DB         ArchiveDB
	History    []ArchiveDB // in order of creation
}
