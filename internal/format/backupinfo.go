package format

// BackupDB is one PostgreSQL cluster in the history of backup.info.
type BackupDB struct {
	ID             int    // history id: 1, 2, ...
	SystemID       uint64 // PostgreSQL's system identifier
	Version        string // "15", "9.6"
	CatalogVersion int
	ControlVersion int
}

// BackupInfo is the content of backup.info: the clusters that were backed up and all complete backups.
type BackupInfo struct {
	Program    string // version of the program that wrote the file
	CipherPass string // pass of the manifests, "" if not encrypted
	DB         BackupDB
	History    []BackupDB // in order of creation
	Backups    []Backup   // sorted by label
}

// Backup is the entry of one backup in backup.info.
type Backup struct {
	Label                         string
	Format                        int
	Program                       string // version of the program that made the backup
	Type                          BackupType
	Prior                         string   // "" for a full backup
	References                    []string // sorted, without the own label; nil for a full backup
	ArchiveStart, ArchiveStop     string   // first and last WAL segment needed, "" when offline
	LSNStart, LSNStop             string   // "" when offline
	TimestampStart, TimestampStop int64    // Unix seconds
	DBID                          int      // history id
	Error                         *bool    // page checksum errors were found; nil if not recorded
	Annotations                   map[string]string

	Size, SizeDelta                 int64  // of all files, of the files not in earlier backups
	RepoSize, RepoSizeDelta         int64  // the same as stored
	RepoSizeMap, RepoSizeMapDelta   *int64 // of the block maps; nil unless the backup is block incremental
	OptArchiveCheck, OptArchiveCopy bool
	OptBackupStandby                bool
	OptChecksumPage                 bool
	OptCompress                     bool
	OptHardlink                     bool
	OptOnline                       bool
}
