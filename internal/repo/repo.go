// Package repo is one repository: where everything lies in it, how its info files and manifests are read and written, which
// backups and WAL segments it holds, and how a stored file is turned back into plain content.
//
// It knows the layout and the keys, and nothing about PostgreSQL: what goes into a repository and what leaves it is decided by the
// jobs. Bytes are turned into values by package format, compression and encryption belong to package filter.
//
// Two rules hold everywhere. An info file or manifest exists twice, and a reader takes the copy when the first one is missing or
// damaged in any way. A backup exists when its backup.manifest does; a directory with only the copy is unfinished.
package repo

import (
	"path"
	"strconv"
	"sync"

	"holdfast/internal/filter"
	"holdfast/internal/storage"
)

// Names of files in a repository.
const (
	ArchiveInfoFile = "archive.info"
	BackupInfoFile  = "backup.info"
	ManifestFile    = "backup.manifest"
	CopyExt         = ".copy" // appended to each of the three above
	BundleDir       = "bundle"
	BlockExt        = ".pgbi"
	HistoryDir      = "backup.history"
	HistoryExt      = ".manifest.gz"
	LatestLink      = "latest"
)

// The cipher types of a repository.
const (
	CipherNone = "none"
	CipherAES  = "aes-256-cbc"
)

// Config says which repository to open and how.
type Config struct {
	Key        int          // number in option names: repo1, repo2
	Path       string       // repo-path
	Storage    storage.Tree // where the path lies
	Stanza     string       // may be empty for commands over all stanzas
	CipherType string       // CipherNone (or "") or CipherAES
	CipherPass string       // pass of the info files
	Symlink    bool         // make links for tablespaces and the latest backup
	Hardlink   bool         // make referenced files complete in later backups by hard links
	Program    string       // version written to info files
}

// Repo is an open repository as seen by one stanza. It is safe for concurrent use.
type Repo struct {
	cfg Config

	// The WAL directory looked at last, so that waiting for a range of segments does not list it once per segment.
	mu    sync.Mutex
	walIn string
	wal   []string
}

// New returns the repository. Nothing is read until something is asked for.
func New(cfg Config) *Repo {
	cfg.Path = path.Clean(cfg.Path)
	if cfg.CipherType == "" {
		cfg.CipherType = CipherNone
	}
	return &Repo{cfg: cfg}
}

// Key returns the number of the repository in option names.
func (r *Repo) Key() int { return r.cfg.Key }

// Name returns what messages call the repository: repo1.
func (r *Repo) Name() string { return "repo" + strconv.Itoa(r.cfg.Key) }

// Path returns the root of the repository.
func (r *Repo) Path() string { return r.cfg.Path }

// Stanza returns the stanza the repository was opened for.
func (r *Repo) Stanza() string { return r.cfg.Stanza }

// Storage returns where the repository lies.
func (r *Repo) Storage() storage.Tree { return r.cfg.Storage }

// Encrypted reports whether files are encrypted.
func (r *Repo) Encrypted() bool { return r.cfg.CipherType != CipherNone }

// CipherType returns CipherNone or CipherAES.
func (r *Repo) CipherType() string { return r.cfg.CipherType }

// Symlink reports whether links are made for tablespaces and the latest backup.
func (r *Repo) Symlink() bool { return r.cfg.Symlink }

// Hardlink reports whether referenced files are hard linked into later backups.
func (r *Repo) Hardlink() bool { return r.cfg.Hardlink }

// Program returns the version written to info files.
func (r *Repo) Program() string { return r.cfg.Program }

// ForStanza returns the same repository as seen by another stanza.
func (r *Repo) ForStanza(stanza string) *Repo {
	cfg := r.cfg
	cfg.Stanza = stanza
	return New(cfg)
}

// ArchivePath returns a path below the stanza's WAL archive.
func (r *Repo) ArchivePath(elem ...string) string { return r.stanzaPath("archive", elem) }

// BackupPath returns a path below the stanza's backups.
func (r *Repo) BackupPath(elem ...string) string { return r.stanzaPath("backup", elem) }

func (r *Repo) stanzaPath(kind string, elem []string) string {
	return path.Join(append([]string{r.cfg.Path, kind, r.cfg.Stanza}, elem...)...)
}

// NewPass returns a new pass for what an info file or manifest protects, or "" when the repository is not encrypted.
func (r *Repo) NewPass() (string, error) {
	if !r.Encrypted() {
		return "", nil
	}
	return filter.NewPass()
}

// pass returns the pass of the info files, "" when they are plain.
func (r *Repo) pass() string {
	if !r.Encrypted() {
		return ""
	}
	return r.cfg.CipherPass
}
