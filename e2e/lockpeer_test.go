package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Ours and the real peer on one host must keep out of each other's way, whoever comes first: both
// use the same lock and stop files.

// with is the same host with another program.
func (h *host) with(p program) *host {
	other := *h
	other.prog = p
	return &other
}

// stuck puts a pipe nobody writes to in the place of a file: a command that reads it waits there
// with its locks until it is told to end.
func (h *host) stuck(path string) (repair func()) {
	h.t.Helper()
	kept := path + ".kept"
	err := os.Rename(path, kept)
	if err == nil {
		err = syscall.Mkfifo(path, 0o640)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.chown(path)
	return func() {
		// Who waits gets an empty file.
		if f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			f.Close()
		}
		if err := os.Rename(kept, path); err != nil {
			h.t.Fatal(err)
		}
	}
}

// kill ends a program with everything it has started.
func (b *background) kill() result {
	b.h.t.Helper()
	syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
	return b.wait()
}

func TestLocksWithPeer(t *testing.T) {
	for _, test := range []struct {
		name          string
		first, second program
	}{{"peer first", lab.peer, lab.ours}, {"ours first", lab.ours, lab.peer}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, lab.ours)
			h.base()
			c := h.cluster
			c.change(1)
			segment := h.segment("kept")
			c.archived()
			rows := c.rows()
			// Nothing is archived from now on, so a backup waits for its first segment.
			c.alter("archive_command = 'false pgbackrest'")
			first, second := h.with(test.first), h.with(test.second)
			locksOfBackup(first, second, segment)
			locksOfRestore(first, second)
			locksOfStanza(first, second)
			stopsByForce(first, second)
			stopFiles(first, second, segment)
			c.alter("archive_command = '" + h.archiveCommand(test.second) + "'")
			second.backup("incr")
			second.verified()
			second.startsWith(rows)
		})
	}
}

// refused checks that commands meet a lock.
func (h *host) refused(lock string, commands ...[]string) {
	h.t.Helper()
	for _, args := range commands {
		h.untouched("repo", func() {
			h.gives(50, texts("unable to acquire lock on file '"+h.path("lock", lock)+"': Resource temporarily unavailable",
				"HINT: is another pgBackRest process running?"), args...)
		})
	}
}

var locked = [][]string{{"backup"}, {"expire"}, {"stanza-create"}, {"stanza-upgrade"}}

func locksOfBackup(first, second *host, segment string) {
	b := first.startBackup()
	second.refused("s-backup-1.lock", locked...)
	second.refused("s-backup-1.lock", texts("annotate", "--set="+first.lastLabel("repo"), "--annotation=a=b"))
	second.gives(0, nil, "verify")
	second.both(0, texts("backup/expire running"), "info")
	second.both(0, texts(`"held":true`), "info", "--output=json")
	second.gives(0, nil, "archive-get", filepath.Base(segment), first.path("tmp/got"))
	second.gives(0, nil, "archive-push", segment)
	second.gives(0, nil, "restore", "--pg1-path="+first.freshDir("restored"))
	// Killed, it no longer holds what is in the file.
	b.kill()
	first.until("the lock is free", func() bool { return second.run("expire").code == 0 })
	second.both(0, texts("!running"), "info")
}

func locksOfRestore(first, second *host) {
	label := first.lastLabel("repo")
	repair := first.stuck(first.path("repo/backup/s", label, "pg_data/PG_VERSION"))
	dir := first.freshDir("restored")
	b := first.start("restore", "--pg1-path="+dir)
	held := first.path("lock/s-restore-1.lock")
	// Other workers go on until only the file that is stuck is left.
	before, same := "", 0
	first.until("the restore is stuck", func() bool {
		if !first.exists(held) {
			return false
		}
		now := first.read(held)
		if same++; now != before {
			before, same = now, 0
		}
		return same > 20 && strings.Contains(now, "szCplt")
	})
	second.refused("s-restore-1.lock", texts("restore", "--pg1-path="+first.path("other")), texts("stanza-create"))
	second.both(0, texts("restore running"), "info")
	b.kill()
	repair()
	first.until("the lock is free", func() bool { return second.run("restore", "--pg1-path="+dir, "--delta").code == 0 })
}

func locksOfStanza(first, second *host) {
	repair := first.stuck(first.path("repo/archive/s/archive.info"))
	b := first.start("stanza-create", "--no-online")
	for _, kind := range []string{"archive", "backup", "restore"} {
		first.until(kind+" is locked", func() bool { return first.exists(first.path("lock", "s-"+kind+"-1.lock")) })
	}
	second.refused("s-backup-1.lock", texts("backup"), texts("expire"))
	second.refused("s-archive-1.lock", texts("stanza-create"), texts("stanza-upgrade"))
	second.refused("s-restore-1.lock", texts("restore", "--pg1-path="+first.path("other")))
	b.kill()
	repair()
	first.until("the locks are free", func() bool { return second.run("stanza-create").code == 0 })
}

func stopsByForce(first, second *host) {
	b := first.startBackup()
	second.gives(0, texts(fmt.Sprintf("INFO: sent term signal to process %d", b.cmd.Process.Pid)), "stop", "--force")
	first.wantTerminated(b.wait())
	second.gives(0, texts("!WARN"), "start")

	repair := first.stuck(first.path("repo/backup/s/backup.info"))
	b = first.start("expire")
	first.until("expire has its lock", func() bool { return first.exists(first.path("lock/s-backup-1.lock")) })
	second.gives(0, texts(fmt.Sprintf("INFO: sent term signal to process %d", b.cmd.Process.Pid)), "stop", "--force")
	time.Sleep(300 * time.Millisecond) // ours cannot be interrupted while it opens the file
	repair()
	first.wantTerminated(b.wait())
	second.gives(62, nil, "expire")
	second.gives(0, texts("!WARN"), "start")
	second.gives(0, nil, "expire")
}

func stopFiles(first, second *host, segment string) {
	commands := append(locked, texts("archive-push", segment))
	first.gives(0, nil, "stop")
	for _, args := range commands {
		second.both(62, texts("stop file exists for stanza s"), args...)
	}
	second.gives(0, nil, "archive-get", filepath.Base(segment), first.path("tmp/got"))
	second.gives(0, texts("!WARN"), "start")
	first.gives(0, texts("WARN: stop file does not exist for stanza s"), "start")

	first.stanza, second.stanza = "", ""
	first.gives(0, nil, "stop")
	first.stanza, second.stanza = "s", "s"
	for _, args := range commands {
		second.both(62, texts("stop file exists for all stanzas"), args...)
	}
	first.stanza, second.stanza = "", ""
	second.gives(0, texts("!WARN"), "start")
	first.stanza, second.stanza = "s", "s"
	first.gives(0, nil, "archive-push", segment)
	first.gives(0, nil, "expire")
}
