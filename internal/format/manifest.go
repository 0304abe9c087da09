package format

// Manifest is the content of backup.manifest: everything about one backup, above all its files.
type Manifest struct {
	Program    string // version of the program that wrote the file
	Label      string
	Prior      string // "" for a full backup
	Type       BackupType
	References []string // labels in the order of their making, the own label last; block maps hold indexes into it

	TimestampStart, TimestampCopyStart, TimestampStop int64  // Unix seconds
	ArchiveStart, ArchiveStop                         string // first and last WAL segment needed, "" when offline
	LSNStart, LSNStop                                 string // "" when offline

	Bundle     bool   // bundling was on
	BundleRaw  bool   // whole files in bundles have raw framing
	BlockIncr  bool   // block incremental was on
	CipherPass string // pass of the files of the backup, "" if not encrypted

	DB          BackupDB
	Options     Options
	Targets     []Target
	Databases   []Database
	Annotations map[string]string

	// Sorted by the bytes of the name, as are Targets and Databases.
	Files []File
	Links []Link
	Paths []Path

	// What is not written with an entry when it is equal. See SetDefaults.
	FileDefault, LinkDefault, PathDefault Defaults
}

// Options are the options a backup was made with. Pointers are nil where the value is not recorded, as in the manifest of an
// unfinished backup.
type Options struct {
	ArchiveCheck, ArchiveCopy, Compress, Hardlink, Online       bool
	CompressType                                                string // none gz lz4 zst bz2
	BackupStandby, ChecksumPage, Delta                          *bool
	BufferSize, CompressLevel, CompressLevelNetwork, ProcessMax *int64
}

// Defaults are the owner and mode that most entries of a kind have.
type Defaults struct {
	User, Group string // "" = the id has no name
	Mode        uint16 // not used for links
}

// Target is the data directory or a link out of it.
type Target struct {
	Name           string // "pg_data", "pg_data/NAME", "pg_tblspc/OID"
	Path           string // directory of the target; for a link to a file the directory part of the link text
	File           string // last part of the link text for a link to a file
	Link           bool   // false for the data directory
	TablespaceID   string // "" unless a tablespace
	TablespaceName string
}

// Destination returns where the target is: the path, or path and file of a link to a file.
func (t Target) Destination() string {
	switch {
	case t.File == "":
		return t.Path
	case t.Path == "/":
		return "/" + t.File
	case t.Path == "":
		return t.File
	}
	return t.Path + "/" + t.File
}

// Database is a database of the cluster.
type Database struct {
	Name         string
	ID           uint32
	LastSystemID uint32 // oid of template0, or 0
}

// Link is a symbolic link of the data directory.
type Link struct {
	Name, Destination, User, Group string
}

// Path is a directory of the cluster.
type Path struct {
	Name        string
	Mode        uint16
	User, Group string // "" = the id has no name
}

// PageState is the outcome of the page checks of a file.
type PageState uint8

// The outcomes of page checks.
const (
	PageNone  PageState = iota // not checked
	PageOK                     // no error found
	PageError                  // errors found; without PageErrors the file is not a whole number of pages
)

// PageRange is a run of pages, First to Last included.
type PageRange struct{ First, Last uint32 }

// File is a file of a backup. In a new entry OriginalSize and RepoSize are equal to Size until something else is known.
type File struct {
	Name         string // "pg_data/...", "pg_tblspc/OID/PG_VER_CATALOG/..."
	User, Group  string // "" = the id has no name
	Reference    string // label of the backup that holds the content, "" = this one
	Size         int64  // of the content
	OriginalSize int64  // as seen when the manifest was built
	RepoSize     int64  // as stored
	Timestamp    int64  // modification time, Unix seconds

	BundleID          int64 // 0 = not bundled
	BundleOffset      int64
	BlockSize         int64 // 0 = not eligible for block incremental
	BlockChecksumSize int   // of each block
	BlockMapSize      int64 // stored size of the block map, 0 = not stored in blocks

	PageErrors  []PageRange // ascending
	Checksum    Sum         // of the content
	HasChecksum bool        // false for a file that was not copied yet

	HasRepoChecksum bool
	RepoChecksum    Sum // of the stored bytes

	Mode         uint16
	PageChecksum PageState
}
