package format

import "math"

// Options are the options a backup was made with. Pointers are nil where the value is not recorded, as in the manifest of an
// unfinished backup.
type Options struct {
	ArchiveCheck, ArchiveCopy, Compress, Hardlink, Online       bool
	CompressType                                                string // none gz lz4 zst bz2
	BackupStandby, ChecksumPage, Delta                          *bool
	BufferSize, CompressLevel, CompressLevelNetwork, ProcessMax *int64 // levels may be negative
}

// Levels are stored as if they were unsigned.
const (
	lowestLevel  = math.MinInt32
	highestLevel = math.MaxUint32
)

func (o *Options) fields() fields {
	return fields{
		"option-archive-check":          boolInto(&o.ArchiveCheck),
		"option-archive-copy":           boolInto(&o.ArchiveCopy),
		"option-backup-standby":         boolPointerInto(&o.BackupStandby),
		"option-buffer-size":            intPointerInto(&o.BufferSize, 0, math.MaxInt64),
		"option-checksum-page":          boolPointerInto(&o.ChecksumPage),
		"option-compress":               boolInto(&o.Compress),
		"option-compress-level":         intPointerInto(&o.CompressLevel, lowestLevel, highestLevel),
		"option-compress-level-network": intPointerInto(&o.CompressLevelNetwork, lowestLevel, highestLevel),
		"option-compress-type":          textInto(&o.CompressType),
		"option-delta":                  boolPointerInto(&o.Delta),
		"option-hardlink":               boolInto(&o.Hardlink),
		"option-online":                 boolInto(&o.Online),
		"option-process-max":            intPointerInto(&o.ProcessMax, 0, math.MaxInt32),
	}
}

// finish is called after all keys were read.
func (o *Options) finish() {
	if o.CompressType == "" {
		o.CompressType = "none"
		if o.Compress {
			o.CompressType = "gz"
		}
	}
	for _, level := range []*int64{o.CompressLevel, o.CompressLevelNetwork} {
		if level != nil {
			*level = int64(int32(uint32(*level)))
		}
	}
}

func (o *Options) encode(w *writer) {
	w.bool("option-archive-check", o.ArchiveCheck)
	w.bool("option-archive-copy", o.ArchiveCopy)
	w.boolIf("option-backup-standby", o.BackupStandby)
	w.intIf("option-buffer-size", o.BufferSize)
	w.boolIf("option-checksum-page", o.ChecksumPage)
	w.bool("option-compress", o.Compress)
	w.level("option-compress-level", o.CompressLevel)
	w.level("option-compress-level-network", o.CompressLevelNetwork)
	w.text("option-compress-type", o.CompressType)
	w.boolIf("option-delta", o.Delta)
	w.bool("option-hardlink", o.Hardlink)
	w.bool("option-online", o.Online)
	w.intIf("option-process-max", o.ProcessMax)
}

func (w *writer) level(key string, level *int64) {
	if level != nil {
		w.int(key, int64(uint32(*level)))
	}
}
