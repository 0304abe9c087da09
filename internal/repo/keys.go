package repo

import (
	"context"
	"io"
	"path"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/storage"
)

// PassOf returns the pass of a file by its place, a clean path below the repository: "" when the repository is not encrypted. Each
// pass lies in a file that another one protects:
//
//	configuration   archive.info, backup.info
//	archive.info    everything else in the archive
//	backup.info     manifests and their history
//	backup.manifest the files of the backup
//
// A stanza that is given must be the one of the path.
func (r *Repo) PassOf(ctx context.Context, rel string) (string, error) {
	if !r.Encrypted() {
		return "", nil
	}
	part := strings.Split(rel, "/")
	if len(part) < 3 || part[0] != "archive" && part[0] != "backup" {
		return "", errs.New(errs.OptionInvalidValue, "unable to determine cipher passphrase for '%s'", rel)
	}
	if r.Stanza() != "" && r.Stanza() != part[1] {
		return "", errs.New(errs.OptionInvalidValue, "stanza name '%s' given in option doesn't match the given path", r.Stanza())
	}
	s := r.ForStanza(part[1])
	if part[0] == "archive" {
		return s.archivePass(ctx, part[2:])
	}
	return s.backupPass(ctx, part[2:])
}

func (r *Repo) archivePass(ctx context.Context, part []string) (string, error) {
	if isPair(part, ArchiveInfoFile) {
		return r.pass(), nil
	}
	info, err := r.LoadArchiveInfo(ctx)
	if err != nil {
		return "", err
	}
	return info.CipherPass, nil
}

func (r *Repo) backupPass(ctx context.Context, part []string) (string, error) {
	if isPair(part, BackupInfoFile) {
		return r.pass(), nil
	}
	info, err := r.LoadBackupInfo(ctx)
	if err != nil {
		return "", err
	}
	if part[0] == HistoryDir || isPair(part[1:], ManifestFile) {
		return info.CipherPass, nil
	}
	m, err := r.LoadManifest(ctx, part[0], info.CipherPass)
	if err != nil {
		return "", err
	}
	return m.CipherPass, nil
}

// isPair reports whether a path is a file that exists twice, or its copy.
func isPair(part []string, name string) bool {
	return len(part) == 1 && (part[0] == name || part[0] == name+CopyExt)
}

// OpenPath reads a file by its place, a clean path below the repository, as compressed as it is stored. The pass is that of PassOf, or ""
// to leave the file encrypted.
func (r *Repo) OpenPath(ctx context.Context, rel, pass string) (io.ReadCloser, error) {
	return r.open(ctx, path.Join(r.Path(), rel), storage.Range{}, filter.Spec{Pass: pass})
}
