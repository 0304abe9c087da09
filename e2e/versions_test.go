package e2e

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// versionBin is where the programs of a major version are.
func versionBin(t testing.TB, version int) string {
	t.Helper()
	for _, bin := range []string{
		fmt.Sprintf("/usr/lib/postgresql/%d/bin", version), filepath.Join(kit(), "postgres", strconv.Itoa(version), "bin"),
	} {
		if (&host{}).exists(filepath.Join(bin, "postgres")) {
			return bin
		}
	}
	t.Fatalf("no PostgreSQL %d: e2e/tools/install-versions", version)
	return ""
}

// ofVersion makes and starts a cluster of a version with WAL segments of some MB as the host's, under pg1.
func (h *host) ofVersion(name string, version, segment int, checksums bool) *cluster {
	h.t.Helper()
	c := &cluster{h: h, data: h.path(name), sock: h.path("sock"), bin: versionBin(h.t, version)}
	var args []string
	if checksums {
		args = append(args, "--data-checksums")
	} else if version >= 18 {
		args = append(args, "--no-data-checksums")
	}
	if version >= 11 {
		args = append(args, fmt.Sprintf("--wal-segsize=%d", segment))
	}
	c.init(args...)
	c.configure(fmt.Sprintf("min_wal_size = %dMB", 2*segment), fmt.Sprintf("max_wal_size = %dMB", 8*segment))
	h.cluster = c
	h.setPg("1", c)
	c.start()
	return c
}

// back restores with these options and starts what comes back, which is then no longer in recovery.
func (c *cluster) back(p program, args ...string) *cluster {
	c.h.t.Helper()
	dir := c.h.freshDir("restored")
	c.h.okAs(p, append(texts("restore", "--pg1-path="+dir), args...)...)
	r := c.h.restored(dir)
	r.bin = c.bin
	r.start()
	c.h.until("recovery ends", func() bool { return !r.inRecovery() })
	return r
}

// Every version of PostgreSQL, with segments of every kind of size: archive, back up, come back at a time, at a name, at the end.
func TestEveryPostgres(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version, segment int
		checksums        bool
		compress         string
	}{
		{10, 16, true, "none"},
		{11, 1, true, "lz4"},
		{12, 64, false, "zst"},
		{13, 16, true, "lz4"},
		{14, 4, false, "none"},
		{15, 64, true, "zst"},
		{16, 16, false, "bz2"},
		{17, 1, true, "zst"},
		{18, 16, false, "gz"},
		{19, 8, true, "lz4"},
	} {
		t.Run(fmt.Sprintf("%d with %d MB", test.version, test.segment), func(t *testing.T) {
			t.Parallel()
			h := newHost(t, lab.ours)
			h.set("global", "compress-type", test.compress)
			h.set("global", "compress-level", "1")
			c := h.ofVersion("pg", test.version, test.segment, test.checksums)
			c.table(1000)
			h.ok("stanza-create")
			h.ok("check")
			full := h.backup("full")
			c.change(1)
			incr := h.backup("incr")
			time.Sleep(1100 * time.Millisecond) // the target must be later than the second in which the backup ended
			c.change(2)
			atTime := c.rows()
			moment := c.sql("select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00')")
			c.change(3)
			atName := c.rows()
			c.sql("select pg_create_restore_point('here')")
			c.change(4)
			atEnd := c.rows()
			c.archived()
			if size := c.sql("show wal_segment_size"); size != fmt.Sprintf("%dMB", test.segment) {
				t.Errorf("segments have %s", size)
			}
			if m := h.read(h.path("repo/backup/s", incr, "backup.manifest")); !strings.Contains(m, fmt.Sprintf("option-checksum-page=%t", test.checksums)) ||
				!strings.Contains(m, fmt.Sprintf("db-version=\"%d\"", test.version)) {
				t.Errorf("%s", m[:2000])
			}

			r := c.back(lab.ours, "--type=time", "--target="+moment, "--target-action=promote")
			r.has(atTime)
			for name, want := range map[string]bool{"recovery.conf": false, "recovery.done": test.version < 12} {
				if h.exists(filepath.Join(r.data, name)) != want {
					t.Errorf("%s: not %t", name, want)
				}
			}
			r.stopWith("immediate")
			r = c.back(lab.ours, "--set="+full, "--type=name", "--target=here", "--target-action=promote")
			r.has(atName)
			r.change(5)
			r.stopWith("immediate")
			r = c.back(lab.peer)
			r.has(atEnd)
			r.stopWith("immediate")
			h.backupAs(lab.peer, "incr")
			h.verified()
		})
	}
}
