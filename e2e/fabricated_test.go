package e2e

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
)

// fabricated makes a data directory that no server has run on the host's, under pg1.
func (h *host) fabricated(v postgres.Version, o pgtest.ControlOptions) string {
	h.t.Helper()
	o.ChecksumVersion = 1
	dir := pgtest.BuildDataDir(h.t, h.path("pg"), pgtest.DataDirOptions{Version: v, Control: o})
	h.owned(dir)
	h.set(h.stanza, "pg1-path", dir)
	return dir
}

// owned gives a tree to the unprivileged user.
func (h *host) owned(dir string) {
	h.t.Helper()
	if err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		h.chown(path)
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
}

// Clusters for which there are no programs: versions of the past, forks with control files of their own, pages of other sizes.
func TestFabricatedClusters(t *testing.T) {
	t.Parallel()
	const fork96, forkCatalog = 9600, 209912319
	for _, test := range []struct {
		name    string
		version postgres.Version
		control pgtest.ControlOptions
		force   string
	}{
		{"9.6", postgres.Version96, pgtest.ControlOptions{}, ""},
		{"9.6 with 1 KB pages", postgres.Version96, pgtest.ControlOptions{PageSize: 1024}, ""},
		{"fork of 9.6", postgres.Version96, pgtest.ControlOptions{ControlVersion: fork96, CatalogVersion: forkCatalog, CRCDelta: 8}, "9.6"},
		{"fork of 14 with 4 MB segments", postgres.Version14,
			pgtest.ControlOptions{CatalogVersion: forkCatalog, CRCDelta: 32, WALSegmentSize: 4 << 20}, "14"},
		{"16 KB pages, forced to what it is", postgres.Version12, pgtest.ControlOptions{PageSize: 16384}, "12"},
		{"32 KB pages, 64 MB segments", postgres.Version17, pgtest.ControlOptions{PageSize: 32768, WALSegmentSize: 64 << 20}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t, lab.ours)
			pg := h.fabricated(test.version, test.control)
			if test.force != "" {
				for _, p := range []program{lab.peer, lab.ours} {
					if test.control.CatalogVersion != 0 {
						h.want(h.runAs(p, "stanza-create", "--no-online"), 46, "unexpected control version = ")
					}
				}
				h.set(h.stanza, "pg-version-force", test.force)
			}
			h.ok("stanza-create", "--no-online")
			h.both(0, texts("already exists on repo1 and is valid"), "stanza-create", "--no-online")
			backUp := func(kind, text string) {
				h.t.Helper()
				for _, p := range []program{lab.ours, lab.peer} {
					h.want(h.runAs(p, "backup", "--no-online", "--checksum-page", "--type="+kind, "--delta"), 0, text)
				}
			}
			backUp("full", "!WARN")
			size := 8192
			if test.control.PageSize != 0 {
				size = int(test.control.PageSize)
			}
			relation := pgtest.BuildRelation(size, 12, 0, 99)
			h.write(filepath.Join(pg, "base/1/16384"), string(relation))
			backUp("diff", "!WARN")
			for _, label := range h.labels("repo") {
				h.sameRestore(pairing{maker: lab.ours, reader: lab.peer}, label)
			}
			if test.version == postgres.Version96 {
				h.recoversOld()
			}
			h.archives(test.version, pg, test.control.WALSegmentSize)
			relation[5*size+size/2] ^= 1
			h.write(filepath.Join(pg, "base/1/16384"), string(relation))
			backUp("diff", "WARN: invalid page checksum found in file "+pg+"/base/1/16384 at page 5")
			h.verified()
		})
	}
}

// archives stores a fabricated segment and gets it back.
func (h *host) archives(v postgres.Version, pg string, size uint32) {
	h.t.Helper()
	segment := filepath.Join(pg, v.WALDir(), "000000010000000000000001")
	wal := string(pgtest.BuildWAL(v, pgtest.WALOptions{SegmentSize: size, Fill: 1000}))
	h.write(segment, wal)
	h.ok("archive-push", segment)
	for _, p := range []program{lab.ours, lab.peer} {
		h.okAs(p, "archive-get", filepath.Base(segment), h.path("tmp/got"))
		if h.read(h.path("tmp/got")) != wal {
			h.t.Errorf("%s gets another segment", p.name)
		}
	}
}

// recoversOld compares what both programs tell a server about recovery that knows recovery.conf only.
func (h *host) recoversOld() {
	h.t.Helper()
	var confs []string
	for _, p := range []program{lab.ours, lab.peer} {
		dir := h.freshDir("restored")
		h.okAs(p, "restore", "--pg1-path="+dir, "--type=name", "--target=here", "--target-action=promote", "--recovery-option=standby-mode=on")
		_, conf, _ := strings.Cut(h.read(filepath.Join(dir, "recovery.conf")), "\n") // the first line tells the time
		confs = append(confs, strings.ReplaceAll(conf, p.path, "PROGRAM"))
	}
	if confs[0] != confs[1] || !strings.Contains(confs[0], "recovery_target_name = 'here'") {
		h.t.Errorf("- the peer, + ours:\n%s", lineDiff(confs[0], confs[1]))
	}
}

// Control files that no server can have.
func TestImpossibleClusters(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		control pgtest.ControlOptions
		code    int
		text    string
	}{
		{"pages", pgtest.ControlOptions{PageSize: 65536}, 29, "page size is 65536 but only 1024, 2048, 4096, 8192, 16384, and 32768 are supported"},
		{"small segments", pgtest.ControlOptions{WALSegmentSize: 512 << 10}, 29,
			"wal segment size is 524288 but must be a power of two between 1048576 and 1073741824 inclusive"},
		{"odd segments", pgtest.ControlOptions{WALSegmentSize: 3 << 20}, 29, "wal segment size is 3145728 but must be a power of two between"},
		{"checksum", pgtest.ControlOptions{CRCDelta: 8}, 26, "calculated pg_control checksum does not match expected value"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t, lab.ours)
			h.fabricated(postgres.Version15, test.control)
			for _, p := range []program{lab.peer, lab.ours} {
				h.want(h.runAs(p, "stanza-create", "--no-online"), test.code, test.text)
			}
		})
	}
}
