package postgres

// layout is what a major version decided about its files: the numbers it signs them with, and where in pg_control a field lies (64-bit
// little-endian builds). A version can have several rows while it is not released.
type layout struct {
	version    Version
	control    uint32 // pg_control version
	catalog    uint32 // catalog version
	catalogMax uint32 // last one accepted, differs from catalog only before the release
	walMagic   uint16

	timeline, pageSize, walSegmentSize, checksums, crc int
}

// Fields that have been in the same place in every supported version.
const (
	systemIDAt       = 0
	controlVersionAt = 8
	catalogVersionAt = 12
	checkpointAt     = 32
)

var layouts = [...]layout{
	{Version96, 960, 201608131, 201608131, 0xD093, 56, 216, 228, 252, 256},
	{Version10, 1002, 201707211, 201707211, 0xD097, 56, 216, 228, 252, 288},
	{Version11, 1100, 201809051, 201809051, 0xD098, 48, 208, 220, 244, 280},
	{Version12, 1201, 201909212, 201909212, 0xD101, 48, 216, 228, 252, 288},
	{Version13, 1300, 202007201, 202007201, 0xD106, 48, 216, 228, 252, 288},
	{Version14, 1300, 202107181, 202107181, 0xD10D, 48, 216, 228, 252, 288},
	{Version15, 1300, 202209061, 202209061, 0xD110, 48, 216, 228, 252, 288},
	{Version16, 1300, 202307071, 202307071, 0xD113, 48, 216, 228, 252, 288},
	{Version17, 1700, 202406281, 202406281, 0xD116, 48, 216, 228, 252, 288},
	{Version18, 1800, 202506291, 202506291, 0xD118, 48, 216, 228, 252, 292},
	{Version19, 1902, 202605131, 202699999, 0xD121, 48, 224, 240, 264, 304},
	{Version19, 1905, 202605131, 202699999, 0xD122, 48, 224, 240, 264, 308},
}

// layoutOf returns the newest layout of a version.
func layoutOf(v Version) (layout, bool) {
	for i := len(layouts) - 1; i >= 0; i-- {
		if layouts[i].version == v {
			return layouts[i], true
		}
	}
	return layout{}, false
}

func layoutOfControl(control, catalog uint32) (layout, bool) {
	for _, l := range layouts {
		if l.control == control && l.catalog <= catalog && catalog <= l.catalogMax {
			return l, true
		}
	}
	return layout{}, false
}

func layoutOfMagic(magic uint16) (layout, bool) {
	for _, l := range layouts {
		if l.walMagic == magic {
			return l, true
		}
	}
	return layout{}, false
}
