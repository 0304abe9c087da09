// Package info says what repositories hold: as values, as text for people and as JSON for programs.
//
// Collect goes through all stanzas of all repositories and never fails for what it finds there: a stanza or repository that cannot
// be read is reported with a status of its own, beside those that can. Text and JSON are renderings of the same values and know
// nothing of repositories.
package info

// Codes of a status. See messages for their texts.
const (
	OK               = 0
	MissingPath      = 1
	NoBackups        = 2
	MissingData      = 3
	Mixed            = 4 // repositories differ; for a stanza only
	DatabaseMismatch = 5 // repositories belong to different clusters; for a stanza only
	BackupMissing    = 6
	Other            = 99
)

var messages = map[int]string{
	OK:               "ok",
	MissingPath:      "missing stanza path",
	NoBackups:        "no valid backups",
	MissingData:      "missing stanza data",
	Mixed:            "different across repos",
	DatabaseMismatch: "database mismatch across repos",
	BackupMissing:    "requested backup not found",
	Other:            "other",
}

// Stanza is what the repositories hold of one stanza.
type Stanza struct {
	Name     string
	Code     int
	Cipher   string // "mixed" if repositories differ
	Lock     Locks
	Repos    []Repo
	DBs      []DB      // by repository, oldest first; the last of a repository is its current one
	Archives []Archive // in the order of DBs
	Backups  []Backup  // by the time they ended
	Brief    bool      // only status and locks were asked for
}

// Repo is the state of a stanza in one repository.
type Repo struct {
	Key     int
	Cipher  string
	Code    int
	Message string // several lines for Other
}

// Locks says which jobs are running.
type Locks struct {
	Backup       Progress
	BackupByRepo []Progress // repositories whose backup has told its size
	Restore      Progress
}

// Progress is a running job. Sizes are bytes.
type Progress struct {
	Key   int // of the repository, for BackupByRepo
	Held  bool
	Sized bool // Total and Done are known
	Total int64
	Done  int64
}

// DB is a cluster in the history of a stanza.
type DB struct {
	ID       int
	RepoKey  int
	SystemID uint64
	Version  string
}

// Archive is the WAL of one cluster in one repository.
type Archive struct {
	DBID     int
	RepoKey  int
	ID       string // 15-1
	Min, Max string // segments, "" if there are none
}

// Backup is one backup.
type Backup struct {
	Label       string
	Type        string
	Prior       string // "" for a full backup
	References  []string
	ArchiveFrom string // "" if offline
	ArchiveTo   string
	LSNFrom     string // "" if not known
	LSNTo       string
	Format      int
	Program     string
	DBID        int
	RepoKey     int
	Size        int64
	Delta       int64
	RepoDelta   int64
	RepoSize    int64
	Maps        *Maps // set if block incremental; RepoSize is then not told
	Start, Stop int64 // Unix seconds
	Error       *bool // nil if not recorded
	Annotations map[string]string
	Detail      *Detail // only for a backup asked for by name
}

// Maps are the sizes of block maps.
type Maps struct{ Size, Delta int64 }

// Detail is what only the manifest knows.
type Detail struct {
	Databases   []Database
	Links       []Link
	Tablespaces []Tablespace
	Damaged     []string // files with page checksum errors
}

// Database is a database in a backup.
type Database struct {
	Name string
	OID  uint32
}

// Link is a linked file or directory in a backup.
type Link struct{ Name, Destination string }

// Tablespace is a tablespace in a backup.
type Tablespace struct {
	Name        string
	OID         uint32
	Destination string
}
