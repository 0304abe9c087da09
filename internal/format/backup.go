package format

import (
	"math"
	"slices"

	"holdfast/internal/errs"
)

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

func decodeBackup(label string, v value) (Backup, error) {
	if !ValidLabel(label) {
		return Backup{}, errs.New(errs.Format, "'%s' is not a backup label", cut([]byte(label)))
	}
	o := openObject(v)
	b := Backup{Label: label}
	b.Format = int(o.int("backrest-format", 0, math.MaxInt32))
	b.Program = o.text("backrest-version")
	if o.find("backup-annotation") {
		annotations, err := o.val.textMap()
		o.fail("backup-annotation", err)
		b.Annotations = annotations
	}
	b.ArchiveStart = o.textOrNull("backup-archive-start")
	b.ArchiveStop = o.textOrNull("backup-archive-stop")
	b.Error = o.boolIf("backup-error")
	b.RepoSize = o.size("backup-info-repo-size")
	b.RepoSizeDelta = o.size("backup-info-repo-size-delta")
	b.RepoSizeMap = o.sizeIf("backup-info-repo-size-map")
	b.RepoSizeMapDelta = o.sizeIf("backup-info-repo-size-map-delta")
	b.Size = o.size("backup-info-size")
	b.SizeDelta = o.size("backup-info-size-delta")
	b.LSNStart = o.textIf("backup-lsn-start")
	b.LSNStop = o.textIf("backup-lsn-stop")
	b.Prior = o.textIf("backup-prior")
	if o.find("backup-reference") {
		references, err := o.val.texts()
		o.fail("backup-reference", err)
		b.References = references
	}
	b.TimestampStart = o.size("backup-timestamp-start")
	b.TimestampStop = o.size("backup-timestamp-stop")
	b.Type = BackupType(o.text("backup-type"))
	b.DBID = int(o.int("db-id", 0, math.MaxInt32))
	b.OptArchiveCheck = o.bool("option-archive-check")
	b.OptArchiveCopy = o.bool("option-archive-copy")
	b.OptBackupStandby = o.bool("option-backup-standby")
	b.OptChecksumPage = o.bool("option-checksum-page")
	b.OptCompress = o.bool("option-compress")
	b.OptHardlink = o.bool("option-hardlink")
	b.OptOnline = o.bool("option-online")
	if o.err != nil {
		return b, o.err
	}
	return b, b.validate()
}

func (b *Backup) validate() error {
	switch {
	case b.Type != Full && b.Type != Diff && b.Type != Incr:
		return errs.New(errs.Format, "invalid backup type '%s'", b.Type)
	case b.Prior != "" && !ValidLabel(b.Prior):
		return errs.New(errs.Format, "'%s' is not a backup label", b.Prior)
	}
	for _, reference := range b.References {
		if !ValidLabel(reference) {
			return errs.New(errs.Format, "'%s' is not a backup label", reference)
		}
	}
	return nil
}

func (b *Backup) encode(w *writer) {
	o := w.begin()
	o.int("backrest-format", int64(b.Format))
	o.text("backrest-version", b.Program)
	if len(b.Annotations) > 0 {
		o.member("backup-annotation")
		*o = append(*o, '{')
		w.annotations(o, b.Annotations)
		*o = append(*o, '}')
	}
	o.textOrNull("backup-archive-start", b.ArchiveStart)
	o.textOrNull("backup-archive-stop", b.ArchiveStop)
	o.boolIf("backup-error", b.Error)
	o.int("backup-info-repo-size", b.RepoSize)
	o.int("backup-info-repo-size-delta", b.RepoSizeDelta)
	o.intIf("backup-info-repo-size-map", b.RepoSizeMap)
	o.intIf("backup-info-repo-size-map-delta", b.RepoSizeMapDelta)
	o.int("backup-info-size", b.Size)
	o.int("backup-info-size-delta", b.SizeDelta)
	o.textIf("backup-lsn-start", b.LSNStart)
	o.textIf("backup-lsn-stop", b.LSNStop)
	o.textIf("backup-prior", b.Prior)
	if len(b.References) > 0 {
		o.texts("backup-reference", b.References)
	}
	o.int("backup-timestamp-start", b.TimestampStart)
	o.int("backup-timestamp-stop", b.TimestampStop)
	o.text("backup-type", string(b.Type))
	o.int("db-id", int64(b.DBID))
	o.bool("option-archive-check", b.OptArchiveCheck)
	o.bool("option-archive-copy", b.OptArchiveCopy)
	o.bool("option-backup-standby", b.OptBackupStandby)
	o.bool("option-checksum-page", b.OptChecksumPage)
	o.bool("option-compress", b.OptCompress)
	o.bool("option-hardlink", b.OptHardlink)
	o.bool("option-online", b.OptOnline)
	w.end(b.Label)
}

// Summary returns the entry for backup.info of a finished backup.
func (m *Manifest) Summary() Backup {
	b := Backup{
		Label: m.Label, Format: Number, Program: m.Program, Type: m.Type, Prior: m.Prior, DBID: m.DB.ID,
		ArchiveStart: m.ArchiveStart, ArchiveStop: m.ArchiveStop, LSNStart: m.LSNStart, LSNStop: m.LSNStop,
		TimestampStart: m.TimestampStart, TimestampStop: m.TimestampStop,
		Error: new(bool), Annotations: m.Annotations,
		OptArchiveCheck: m.Options.ArchiveCheck, OptArchiveCopy: m.Options.ArchiveCopy,
		OptBackupStandby: isSet(m.Options.BackupStandby), OptChecksumPage: isSet(m.Options.ChecksumPage),
		OptCompress: m.Options.Compress, OptHardlink: m.Options.Hardlink, OptOnline: m.Options.Online,
	}
	if m.Type != Full {
		b.References = slices.DeleteFunc(slices.Clone(m.References), func(label string) bool { return label == m.Label })
		slices.Sort(b.References)
	}
	if m.BlockIncr {
		b.RepoSizeMap, b.RepoSizeMapDelta = new(int64), new(int64)
	}
	for _, f := range m.Files.All() {
		b.add(&f)
	}
	return b
}

func isSet(flag *bool) bool { return flag != nil && *flag }

// add counts a file. What was found empty has no stored size; then the sum is that of the content.
func (b *Backup) add(f *File) {
	stored := f.RepoSize
	if stored == 0 {
		stored = f.Size
	}
	b.Size += f.Size
	b.RepoSize += stored
	if f.PageChecksum == PageError {
		*b.Error = true
	}
	if b.RepoSizeMap != nil {
		*b.RepoSizeMap += f.BlockMapSize
	}
	if f.Reference != "" {
		return
	}
	b.SizeDelta += f.Size
	b.RepoSizeDelta += stored
	if b.RepoSizeMap != nil {
		*b.RepoSizeMapDelta += f.BlockMapSize
	}
}
