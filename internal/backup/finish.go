package backup

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"holdfast/internal/db"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// Files that the server hands over at the end of a backup.
const (
	labelFile      = dataName + "/backup_label"
	tablespaceFile = dataName + "/tablespace_map"
)

// end tells the server that the backup is over and completes the manifest. When it returns the WAL of the backup is in the archive,
// if that is checked.
func (r *run) end(ctx context.Context) error {
	var stop db.Stop
	if r.Online {
		var err error
		if stop, err = r.stop(ctx); err != nil {
			return err
		}
	}
	now, err := r.time(ctx)
	if err != nil {
		return err
	}
	r.m.TimestampStop = now.Unix()
	if r.Online {
		r.Log.Info("backup stop archive = %s, lsn = %s", stop.Segment, stop.LSN)
		if err := r.storeText(ctx, labelFile, stop.BackupLabel); err != nil {
			return err
		}
		if strings.TrimSpace(stop.TablespaceMap) != "" {
			if err := r.storeText(ctx, tablespaceFile, stop.TablespaceMap); err != nil {
				return err
			}
		}
	}
	r.complete(stop)
	// The server is not needed any more; it may still end the session with an error that no longer matters.
	_ = r.close(ctx)
	if !r.ArchiveCheck {
		return nil
	}
	if r.Resume {
		if err := r.saveCopy(ctx); err != nil {
			return err
		}
	}
	return r.checkWAL(ctx, stop)
}

func (r *run) stop(ctx context.Context) (db.Stop, error) {
	r.Log.Info("execute backup stop and wait for all WAL segments to archive")
	return r.cluster.Server.StopBackup(ctx)
}

// complete fills in what is only known at the end.
func (r *run) complete(stop db.Stop) {
	m := r.m
	current := r.info.DB
	m.DB.ID, m.DB.SystemID = current.ID, current.SystemID
	if r.Online {
		m.ArchiveStart, m.LSNStart = r.begun.segment, r.begun.lsn.String()
		m.ArchiveStop, m.LSNStop = stop.Segment, stop.LSN.String()
	}
	standby := r.cluster.Standby != nil
	m.Options.BackupStandby = &standby
	m.Options.BufferSize = number(int64(r.BufferSize))
	// A negative level is recorded as an unsigned number.
	m.Options.CompressLevel = number(int64(uint32(int32(r.CompressLevel))))
	m.Options.CompressLevelNetwork = number(int64(uint32(int32(r.CompressLevelNetwork))))
	m.Options.ProcessMax = number(int64(r.ProcessMax))
	m.Databases = databases(r.begun.databases)
	for key, value := range r.Annotations {
		if value == "" {
			continue
		}
		if m.Annotations == nil {
			m.Annotations = make(map[string]string)
		}
		m.Annotations[key] = value
	}
}

func number(n int64) *int64 { return &n }

func databases(list []db.Database) []format.Database {
	var all []format.Database
	for _, d := range list {
		all = append(all, format.Database{Name: d.Name, ID: d.OID, LastSystemID: d.LastSystemOID})
	}
	slices.SortFunc(all, func(a, b format.Database) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// storeText stores a file that exists only in what the server said.
func (r *run) storeText(ctx context.Context, name, text string) error {
	f := r.newFile(name, 0o644)
	content := filter.NewHash()
	content.Write([]byte(text))
	f.Size, f.Checksum, f.HasChecksum = content.Size(), content.Sum(), true
	spec := filter.Spec{Compression: r.Compression, Level: r.CompressLevel, Pass: r.m.CipherPass}
	stored, err := r.storeFile(ctx, name, spec, strings.NewReader(text))
	if err != nil {
		return err
	}
	f.RepoSize = stored.Size()
	if spec.Compression != filter.None || spec.Pass != "" {
		f.RepoChecksum, f.HasRepoChecksum = stored.Sum(), true
	}
	r.addFile(f)
	r.Log.Detail("wrote '%s' file returned from backup stop function", pgName(name))
	return nil
}

// newFile returns an entry for a file that is not in the data directory, with the owner and, as far as allowed, mode of the latter.
func (r *run) newFile(name string, allowed uint16) format.File {
	f := format.File{Name: name, Timestamp: r.m.TimestampStop, Mode: r.m.FileDefault.Mode & allowed}
	if i := slices.IndexFunc(r.m.Paths, func(p format.Path) bool { return p.Name == dataName }); i >= 0 {
		f.User, f.Group, f.Mode = r.m.Paths[i].User, r.m.Paths[i].Group, r.m.Paths[i].Mode&allowed
	}
	return f
}

// addFile adds a file to the manifest, or replaces it.
func (r *run) addFile(f format.File) {
	f.OriginalSize = f.Size
	r.m.Files.Put(f)
}

// storeFile writes a file of the backup, which appears whole or not at all, and returns hash and size of what is stored.
func (r *run) storeFile(ctx context.Context, name string, spec filter.Spec, content io.Reader) (*filter.Hash, error) {
	at := r.Repo.BackupPath(r.m.Label, name) + r.Compression.Ext()
	w, err := r.Repo.Storage().Create(ctx, at, storage.CreateOptions{Atomic: true})
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	stored := filter.NewHash()
	filtered, err := filter.NewWriter(io.MultiWriter(stored, w), spec)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(filtered, content)
	if closeErr := filtered.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	return stored, w.Close()
}

// checkWAL waits for the WAL of the backup to arrive in the archive, and copies it if asked to.
func (r *run) checkWAL(ctx context.Context, stop db.Stop) error {
	control := r.cluster.Control
	segments := postgres.SegmentsBetween(control.Timeline, r.begun.lsn, stop.LSN, control.WALSegmentSize)
	r.Log.Info("check archive for segment(s) %s:%s", segments[0], segments[len(segments)-1])
	pass := ""
	if r.ArchiveCopy && r.Repo.Encrypted() {
		archive, err := r.Repo.LoadArchiveInfo(ctx)
		if err != nil {
			return err
		}
		pass = archive.CipherPass
	}
	for _, name := range segments {
		segment, err := r.Repo.WaitSegment(ctx, r.archiveID, name, r.ArchiveTimeout)
		if err != nil {
			return err
		}
		if !r.ArchiveCopy {
			continue
		}
		if err := r.copySegment(ctx, name, segment, pass); err != nil {
			return err
		}
	}
	return nil
}

// copySegment copies a segment from the archive to where the server looks for WAL after a restore. It is compressed anew only if the
// backup is compressed in another way.
func (r *run) copySegment(ctx context.Context, name string, segment repo.Segment, pass string) error {
	spec := filter.Spec{Compression: r.Compression, Level: r.CompressLevel, Pass: r.m.CipherPass}
	compression := segment.Compression
	if compression == r.Compression {
		spec.Compression, compression = filter.None, filter.None
	}
	src, err := r.Repo.OpenArchive(ctx, segment.Path(), compression, pass)
	if err != nil {
		return err
	}
	defer src.Close()
	f := r.newFile(dataName+"/"+r.cluster.Control.Version.WALDir()+"/"+name, 0o644)
	stored, err := r.storeFile(ctx, f.Name, spec, src)
	if err != nil {
		return err
	}
	f.Size, f.Checksum, f.HasChecksum = r.cluster.Control.WALSegmentSize, segment.Sum, true
	f.RepoSize = stored.Size()
	r.addFile(f)
	r.Log.Detail("copy segment %s to backup", name)
	return nil
}

// finish makes the backup exist: first in its own directory, then in the list of backups.
func (r *run) finish(ctx context.Context) error {
	r.Log.Info("new backup label = %s", r.m.Label)
	if err := r.m.Validate(true); err != nil {
		return err
	}
	if err := r.Repo.CommitManifest(ctx, r.m, r.info.CipherPass); err != nil {
		return err
	}
	if err := r.Repo.UpdateLatest(ctx, r.m.Label); err != nil {
		return err
	}
	r.info.Add(r.m.Summary())
	if err := r.Repo.SaveBackupInfo(ctx, r.info); err != nil {
		return err
	}
	if err := r.refreshArchiveInfo(ctx); err != nil {
		return err
	}
	r.result.Label, r.result.Type = r.m.Label, r.m.Type
	r.Log.Info("%s backup size = %s, file total = %d", r.m.Type, log.Size(ownSize(r.m)), r.m.Files.Len())
	return nil
}

// refreshArchiveInfo writes archive.info as it is, so that rules which delete what is old never see it as such.
func (r *run) refreshArchiveInfo(ctx context.Context) error {
	archive, err := r.Repo.LoadArchiveInfo(ctx)
	if err != nil {
		return err
	}
	return r.Repo.SaveArchiveInfo(ctx, archive)
}

// ownSize is the size of the files that are not in earlier backups.
func ownSize(m *format.Manifest) int64 {
	var size int64
	for _, f := range m.Files.All() {
		if f.Reference == "" {
			size += f.Size
		}
	}
	return size
}
