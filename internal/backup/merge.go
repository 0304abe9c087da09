package backup

import (
	"fmt"

	"holdfast/internal/format"
)

// future returns the reason to compare contents if a file claims to have been changed after the copy began: its time proves nothing.
func future(m *format.Manifest) string {
	for _, f := range m.Files.All() {
		if f.Timestamp > m.TimestampCopyStart {
			return fmt.Sprintf("file '%s' has timestamp (%d) in the future (relative to copy start %d), enabling delta checksum",
				pgName(f.Name), f.Timestamp, m.TimestampCopyStart)
		}
	}
	return ""
}

// historyChanged returns the reason to compare contents that lies in what happened to the cluster since the prior backup.
func historyChanged(m, prior *format.Manifest, startSegment string) string {
	const timeline = 8 // hexadecimal digits at the start of a segment's name
	switch {
	case len(startSegment) >= timeline && len(prior.ArchiveStop) >= timeline && startSegment[:timeline] != prior.ArchiveStop[:timeline]:
		return fmt.Sprintf("a timeline switch has occurred since the %s backup, enabling delta checksum\n"+
			"HINT: this is normal after restoring from backup or promoting a standby.", prior.Label)
	case m.Options.Online != prior.Options.Online:
		return fmt.Sprintf("the online option has changed since the %s backup, enabling delta checksum", prior.Label)
	}
	return ""
}

// filesChanged returns the reason to compare contents that lies in the files: a time that went backwards, or one that stayed while
// the size did not. The size at the time of the manifest counts, not what was copied a little later.
func filesChanged(m, prior *format.Manifest) string {
	before := prior.Files.Finder()
	for _, f := range m.Files.All() {
		p, found := before.Find(f.Name)
		switch {
		case !found:
		case f.Timestamp < p.Timestamp:
			return fmt.Sprintf("file '%s' has timestamp earlier than prior backup (prior %d, current %d), enabling delta checksum",
				pgName(f.Name), p.Timestamp, f.Timestamp)
		case f.Timestamp == p.Timestamp && f.Size != p.OriginalSize:
			return fmt.Sprintf("file '%s' has same timestamp (%d) as prior but different size (prior %d, current %d), enabling delta"+
				" checksum", pgName(f.Name), f.Timestamp, p.OriginalSize, f.Size)
		}
	}
	return ""
}

// merge compares a new manifest with the prior one. A file that is the same, or may turn out to be, gets the attributes that say
// where the prior backup has its content.
func merge(m, prior *format.Manifest) {
	m.Prior = prior.Label
	m.BundleRaw = prior.BundleRaw
	m.CipherPass = prior.CipherPass
	before := prior.Files.Finder()
	for i, f := range m.Files.All() {
		p, found := before.Find(f.Name)
		switch {
		case !found || !p.HasChecksum && p.Size > 0 || m.Bundle && f.Size == 0:
			continue
		case p.Size == f.Size:
			refer(&f, &p, prior.Label)
		case keepsCut(m, &f, &p):
			f.BlockSize, f.BlockChecksumSize = p.BlockSize, p.BlockChecksumSize
		}
		m.Files.Set(i, f)
	}
}

// refer gives a file the content of a prior one. A reference names the backup that holds the bytes, never one on the way.
func refer(f, p *format.File, priorLabel string) {
	f.Reference = p.Reference
	if f.Reference == "" {
		f.Reference = priorLabel
	}
	f.Checksum, f.HasChecksum = p.Checksum, p.HasChecksum
	if f.Size == 0 {
		f.Checksum, f.HasChecksum = format.EmptySum, true
	}
	f.RepoSize, f.RepoChecksum, f.HasRepoChecksum = p.RepoSize, p.RepoChecksum, p.HasRepoChecksum
	f.BundleID, f.BundleOffset = p.BundleID, p.BundleOffset
	f.BlockSize, f.BlockChecksumSize, f.BlockMapSize = p.BlockSize, p.BlockChecksumSize, p.BlockMapSize
	f.PageChecksum, f.PageErrors = p.PageChecksum, p.PageErrors
}
