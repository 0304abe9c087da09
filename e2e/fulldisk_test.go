package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// disk is a small file system of its own, as full as a test wants.
type disk struct {
	h    *host
	path string
}

// ownMounts lets a test mount file systems that nobody else sees and that end with it. The test must
// not start subtests: they run in threads of their own.
func ownMounts(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Log("only root can mount a small file system")
		return false
	}
	runtime.LockOSThread() // and never unlocked, so that the thread ends with the test
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	return true
}

// mount puts a disk over a directory of the host.
func (h *host) mount(name, size string) *disk {
	h.t.Helper()
	d := &disk{h: h, path: h.path(name)}
	options := fmt.Sprintf("size=%s,uid=%d,gid=%d,mode=0750", size, lab.uid, lab.gid)
	if err := unix.Mount("none", d.path, "tmpfs", 0, options); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { unix.Unmount(d.path, unix.MNT_DETACH) })
	return d
}

// grow gives the disk another size.
func (d *disk) grow(size string) {
	d.h.t.Helper()
	if err := unix.Mount("none", d.path, "", unix.MS_REMOUNT, "size="+size); err != nil {
		d.h.t.Fatal(err)
	}
}

// fill leaves this many bytes free until the returned function is called.
func (d *disk) fill(leave int64) (free func()) {
	d.h.t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(d.path, &st); err != nil {
		d.h.t.Fatal(err)
	}
	filler := filepath.Join(d.path, "filler")
	// What fallocate reserves is taken, and nobody has to write it.
	f, err := os.Create(filler)
	if err == nil {
		err = unix.Fallocate(int(f.Fd()), 0, 0, max(int64(st.Bavail)*st.Bsize-leave, 1))
		f.Close()
	}
	if err != nil {
		d.h.t.Fatal(err)
	}
	return func() { os.Remove(filler) }
}

// backups are the labels a repository lists.
func (h *host) backups() string {
	h.t.Helper()
	var labels []string
	for line := range strings.Lines(h.ok("info").stdout) {
		if _, label, ok := strings.Cut(line, " backup: "); ok {
			labels = append(labels, strings.TrimSpace(label))
		}
	}
	return strings.Join(labels, " ")
}

// temporary names files that an interrupted write has left.
func (h *host) temporary(repo string) []string {
	h.t.Helper()
	var found []string
	for name := range readTree(h.t, h.path(repo)) {
		if strings.HasSuffix(name, ".tmp") {
			found = append(found, name)
		}
	}
	return found
}

const diskBlock = 4096 // what a file of the disk takes at least

func TestFullDiskStanza(t *testing.T) {
	t.Parallel()
	if !ownMounts(t) {
		return
	}
	h := newHost(t, lab.ours)
	h.addCluster("archive_mode = off")
	d := h.mount("repo", "64k")
	// Four files are written; each time another one is the first without room.
	for files := range 5 {
		free := d.fill(int64(files) * diskBlock)
		r := h.run("stanza-create", "--no-online")
		if files < 4 {
			h.want(r, 64, "[28] No space left on device")
			if found := h.temporary("repo"); len(found) != 0 {
				t.Errorf("%d files fit: left %v", files, found)
			}
		} else {
			h.want(r, 0)
		}
		h.gives(0, nil, "info")
		free()
		h.gives(0, nil, "stanza-create", "--no-online")
		h.okAs(lab.peer, "stanza-create", "--no-online")
		for _, name := range []string{"archive/s/archive.info", "backup/s/backup.info"} {
			if h.read(h.path("repo", name)) != h.read(h.path("repo", name+".copy")) {
				t.Errorf("%d files fit: %s and its copy differ", files, name)
			}
		}
		h.remove(h.path("repo/archive"))
		h.remove(h.path("repo/backup"))
	}
}

func TestFullDiskArchive(t *testing.T) {
	t.Parallel()
	if !ownMounts(t) {
		return
	}
	h := newHost(t, lab.ours)
	d := h.mount("repo", "60m")
	h.base()
	c := h.cluster
	c.archived()

	// The server goes on while the disk is full and archives what it has kept once there is room.
	free := d.fill(600 << 10)
	done := c.sql("select last_archived_wal from pg_stat_archiver")
	var switched string
	for step := range 4 {
		c.change(step)
		switched = c.sql("select pg_walfile_name(pg_switch_wal())")
	}
	h.until("archiving fails", func() bool { return c.sql("select failed_count > 1 from pg_stat_archiver") == "t" })
	if got := c.sql("select last_archived_wal from pg_stat_archiver"); got != done {
		t.Errorf("%s is acknowledged with a full disk", got)
	}
	rows := c.rows()
	free()
	h.until("the queue is archived", func() bool { return c.sql("select last_archived_wal from pg_stat_archiver") >= switched })
	h.startsWith(rows)
	c.alter("archive_command = 'false pgbackrest'")

	for i, segment := range h.segments("tmp", 0, 6) {
		leave := []int64{0, diskBlock, 64 << 10, 512 << 10, 1<<20 - diskBlock, 1 << 20}[i]
		free := d.fill(leave)
		r := h.run("archive-push", segment)
		if leave < 1<<20 {
			h.want(r, 104, "archive-push command encountered error(s):", "repo1: [FileWriteError]", "[28] No space left on device")
			if got := h.gives(1, nil, "archive-get", filepath.Base(segment), h.path("tmp/got")); got.code != 1 {
				t.Errorf("%d bytes left: %s", leave, got)
			}
		} else {
			h.want(r, 0)
			h.gets(segment, h.sum(segment))
		}
		if found := h.temporary("repo"); len(found) != 0 {
			t.Errorf("%d bytes left: left %v", leave, found)
		}
		h.gives(0, nil, "archive-get", filepath.Base(done), h.path("tmp/got")) // reading needs no room
		free()
		h.gives(0, nil, "archive-push", segment)
		h.gets(segment, h.sum(segment))
	}
	h.verified()
}

func TestFullDiskBackup(t *testing.T) {
	t.Parallel()
	if !ownMounts(t) {
		return
	}
	h := newHost(t, lab.ours)
	h.set("global", "compress-type", "lz4")
	h.set("global", "job-retry", "0")
	d := h.mount("repo", "100m")
	f1 := h.base()
	c := h.cluster
	c.archived()
	var size int64
	for _, e := range readTree(t, h.path("repo/backup/s", f1)) {
		size += (e.size + diskBlock - 1) / diskBlock * diskBlock
	}

	for i, leave := range []int64{0, size / 2, size - 8*diskBlock, size + 20*diskBlock, size + 38*diskBlock,
		size + 44*diskBlock} {
		c.change(i)
		rows := c.rows()
		before := h.backups()
		free := d.fill(leave)
		r := h.run("backup", "--type=full", "--no-archive-check")
		after := h.backups()
		if r.code == 0 {
			if after == before {
				t.Errorf("%d bytes left: nothing is listed: %s", leave, r)
			}
		} else {
			h.want(r, r.code, "[28] No space left on device")
			if r.code != 64 && r.code != 47 && r.code != 41 {
				t.Errorf("%d bytes left: %s", leave, r)
			}
			// What is written after the list may still fail; the backup is in it then.
			if after != before && !strings.Contains(r.all(), "backup.info.copy") && !strings.Contains(r.all(), "archive.info") {
				t.Errorf("%d bytes left: listed %s, before %s: %s", leave, after, before, r)
			}
		}
		free()
		h.backup("incr")
		// A backup whose manifest was in its place before the disk was full is whole, and is listed now.
		for _, label := range strings.Fields(h.backups()) {
			if strings.Contains(before, label) || label == h.lastLabel("repo") || r.code == 0 {
				continue
			}
			if !slices.ContainsFunc([]string{"backup.history", "backup.info", "archive.info", "latest"}, func(name string) bool {
				return strings.Contains(h.complaint(r), name)
			}) {
				t.Errorf("%d bytes left: then listed %s: %s", leave, label, r)
			}
			h.freshDir("restored")
			h.ok("restore", "--pg1-path="+h.path("restored"), "--type=none", "--set="+label)
		}
		if i%3 == 0 {
			h.startsWith(rows)
		}
		h.gives(0, nil, "expire", "--repo1-retention-full=1")
	}
	h.verified()
}

func TestFullDiskExpire(t *testing.T) {
	t.Parallel()
	if !ownMounts(t) {
		return
	}
	h := newHost(t, lab.ours)
	d := h.mount("repo", "150m")
	h.base()
	c := h.cluster
	h.backup("full")
	h.backup("incr")
	c.archived()
	rows := c.rows()
	kept := strings.Fields(h.backups())[1:]
	// To expire is what one does then: the manifests that go first make room for the new backup.info.
	free := d.fill(0)
	h.gives(0, nil, "expire", "--repo1-retention-full=1")
	free()
	if got := strings.Fields(h.backups()); !slices.Equal(got, kept) {
		t.Errorf("listed %v, want %v", got, kept)
	}
	if found := h.temporary("repo"); len(found) != 0 {
		t.Errorf("left %v", found)
	}
	h.verified()
	h.startsWith(rows)
}

func TestFullDiskRestore(t *testing.T) {
	t.Parallel()
	if !ownMounts(t) {
		return
	}
	h := newHost(t, lab.ours)
	h.set("global", "job-retry", "0")
	h.base()
	c := h.cluster
	c.archived()
	rows := c.rows()
	dir := h.mkdir("small", 0o700)
	d := h.mount("small", "1m")
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, size := range []string{"1m", "8m", "20m"} {
		d.grow(size)
		h.untouched("repo", func() {
			r := h.run("restore", "--pg1-path="+dir, "--delta")
			if r.code == 0 {
				t.Errorf("%s is enough", size)
			}
			h.want(r, r.code, "[28] No space left on device")
			if r.code != 64 {
				t.Errorf("%s: %s", size, r)
			}
		})
		h.unstartable(dir)
	}
	d.grow("200m")
	h.ok("restore", "--pg1-path="+dir, "--delta")
	r := h.restored(dir)
	r.start()
	r.recovered()
	if got := r.rows(); got != rows {
		t.Errorf("rows %s, want %s", got, rows)
	}
	r.stopWith("immediate")
}
