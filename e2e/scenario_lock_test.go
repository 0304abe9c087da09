package e2e

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestLockScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	segment := h.segment("kept")
	held := `{"execId":"1-00000000","pid":1}`

	h.scenario(t, "SN-101", func() {
		release := h.hold("s-backup-1.lock", held)
		defer release()
		for _, command := range []string{"backup", "expire", "stanza-create", "stanza-upgrade"} {
			h.both(50, texts("unable to acquire lock on file '"+h.path("lock/s-backup-1.lock")+"': Resource temporarily unavailable",
				"HINT: is another pgBackRest process running?"), command)
		}
	})
	h.scenario(t, "SN-102", func() {
		release := h.hold("s-backup-1.lock", held)
		defer release()
		h.gives(0, nil, "check")
		h.both(0, texts("backup/expire running"), "info")
		h.gives(0, nil, "archive-push", segment)
		h.gives(0, nil, "archive-get", filepath.Base(segment), h.path("tmp/got"))
		h.gives(0, nil, "restore", "--pg1-path="+h.freshDir("restored"))
	})
	h.scenario(t, "SN-609", func() {
		release := h.hold("s-backup-1.lock", `{"execId":"1-00000000","pctCplt":2736,"pid":1,"sz":1000,"szCplt":274}`)
		defer release()
		h.both(0, texts("backup/expire running - 27.40% complete"), "info")
		h.both(0, texts(`"size":1000,"size-cplt":274`), "info", "--output=json")
		h.both(0, texts("27.40%"), "info", "--detail-level=progress")
		h.both(0, texts(`"held":true`), "info", "--detail-level=progress", "--output=json")
	})
	h.scenario(t, "SN-103", func() {
		h.write(h.path("lock/s-backup-1.lock"), held)
		h.both(0, texts("!running"), "info")
		h.backup("incr")
	})
	h.scenario(t, "SN-104", func() {
		restore := h.deny(h.path("lock"), 0o500)
		defer restore()
		h.both(50, texts("Permission denied", "HINT: does '"+lab.user), "backup")
		h.gives(0, nil, "archive-get", filepath.Base(segment), h.path("tmp/got"))
	})
	h.scenario(t, "SN-105", func() {
		h.secondRepo()
		h.ok("stanza-create")
		one, two := h.start("backup", "--type=full", "--repo=1"), h.start("backup", "--type=full", "--repo=2")
		h.want(one.wait(), 0)
		h.want(two.wait(), 0)
		h.unset("global", "repo2-path")
		h.unset("global", "repo2-retention-full")
	})
}

func TestStopScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.base()
	segment := h.segment("kept")

	h.scenario(t, "SN-108", func() {
		h.gives(0, nil, "stop")
		for _, args := range [][]string{{"backup"}, {"expire"}, {"archive-push", segment}, {"stanza-create"}} {
			h.both(62, texts("stop file exists for stanza s"), args...)
		}
	})
	h.scenario(t, "SN-109", func() {
		h.both(0, nil, "archive-get", filepath.Base(segment), h.path("tmp/got"))
		h.gives(0, nil, "restore", "--pg1-path="+h.freshDir("restored"))
		h.both(0, nil, "info")
	})
	h.scenario(t, "SN-110", func() {
		h.gives(82, texts("was not archived before the"), "check", "--archive-timeout=1")
	})
	h.scenario(t, "SN-111", func() {
		h.both(0, texts("WARN: stop file already exists for stanza s"), "stop")
		h.gives(0, texts("!WARN"), "start")
		h.both(0, texts("WARN: stop file does not exist for stanza s"), "start")
	})
	h.scenario(t, "SN-112", func() {
		h.ok("stop")
		h.stanza = ""
		h.both(0, texts("WARN: stop file does not exist"), "start")
		h.stanza = "s"
		h.both(62, texts("stop file exists for stanza s"), "backup")
		h.ok("start")
		h.stanza = ""
		h.ok("stop")
		h.stanza = "s"
		h.both(62, texts("stop file exists for all stanzas"), "backup")
		h.stanza = ""
		h.ok("start")
		h.stanza = "s"
	})
	// From here on nothing is archived, so a backup waits for its first segment.
	h.cluster.alter("archive_command = 'false pgbackrest'")
	h.scenario(t, "SN-113", func() {
		b := h.startBackup()
		h.gives(0, texts("sent term signal to process"), "stop", "--force")
		h.wantTerminated(b.wait())
		h.ok("start")
	})
	h.scenario(t, "SN-114", func() {
		b := h.startBackup()
		h.write(h.path("lock/s.stop"), "")
		h.gives(0, texts("WARN: stop file already exists for stanza s", "!sent term signal"), "stop", "--force")
		time.Sleep(300 * time.Millisecond)
		select {
		case r := <-b.done:
			t.Errorf("the backup ended: %s", r)
		default:
			syscall.Kill(b.cmd.Process.Pid, syscall.SIGTERM)
			h.wantTerminated(b.wait())
		}
		h.ok("start")
	})
	h.scenario(t, "SN-106", func() {
		h.secondRepo()
		b := h.startBackup("--repo=1")
		h.gives(50, texts("unable to acquire lock on file '"+h.path("lock/s-backup-1.lock")+"'"), "backup")
		syscall.Kill(b.cmd.Process.Pid, syscall.SIGINT)
		r := b.wait()
		if r.code != 63 || !strings.Contains(r.all(), "terminated on signal SIGINT") {
			t.Errorf("%s", r)
		}
	})
}

// startBackup starts a backup that will not end by itself soon, and waits until it has its lock.
func (h *host) startBackup(args ...string) *background {
	h.t.Helper()
	return h.startBackupAs(h.prog, args...)
}

func (h *host) startBackupAs(p program, args ...string) *background {
	h.t.Helper()
	b := h.startAs(p, append([]string{"backup", "--type=full", "--archive-timeout=60"}, args...)...)
	h.until("backup has its lock", func() bool { return h.exists(h.path("lock/s-backup-1.lock")) })
	h.until("backup is under way", func() bool {
		return h.cluster.sql("select count(*) from pg_stat_activity where application_name like '%backup]'") != "0"
	})
	return b
}

// wantTerminated checks how a program ends that was told to.
func (h *host) wantTerminated(r result) {
	h.t.Helper()
	if r.code != 63 || !strings.Contains(r.all(), "terminated on signal SIGTERM") || strings.Contains(r.all(), "command end") {
		h.t.Errorf("%s", r)
	}
}
