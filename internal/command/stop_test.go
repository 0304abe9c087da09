package command

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func TestStopAndStart(t *testing.T) {
	w := newWorld(t)
	try := func(want string, args ...string) {
		t.Helper()
		env := w.env("holdfast", append([]string{"--no-log-timestamp"}, args...)...)
		commands := stubs(map[string]stub{"backup": done, "expire": done, "archive-push": done, "archive-get": done, "restore": done,
			"info": done, "check": done, "stanza-create": done, "stanza-upgrade": done, "stanza-delete": done})
		status := run(context.Background(), env, commands)
		got := strings.TrimSpace(w.stdout.String())
		if got = fmt.Sprintf("%d %s", status, got); got != want {
			t.Errorf("%v: got %q, want %q", args, got, want)
		}
	}
	pg := []string{"--stanza=demo", "--pg1-path=/pg", "--log-level-console=error"}
	stopped := "62 P00  ERROR: [062]: stop file exists for stanza demo"
	all := "62 P00  ERROR: [062]: stop file exists for all stanzas"
	testing := func(want string) {
		t.Helper()
		for _, name := range []string{"backup", "archive-push", "stanza-create", "stanza-upgrade"} {
			try(want, append(pg, name)...)
		}
		try(want, "--stanza=demo", "--log-level-console=error", "expire")
		for _, name := range []string{"archive-get", "restore", "check", "stanza-delete"} {
			try("0 ", append(pg, name)...)
		}
		try("0 ", "--stanza=demo", "info")
	}

	testing("0 ")
	try("0 ", "--stanza=demo", "stop")
	testing(stopped)
	try("0 P00   WARN: stop file already exists for stanza demo", "--stanza=demo", "stop")
	try("0 P00   WARN: stop file does not exist", "start")
	testing(stopped)
	try("0 ", "stop")
	try("0 P00   WARN: stop file already exists for all stanzas", "stop", "--force")
	try("0 ", "--stanza=demo", "start")
	try("0 P00   WARN: stop file does not exist for stanza demo", "--stanza=demo", "start")
	testing(all)
	try("0 ", "start")
	testing("0 ")
}

func TestStopForce(t *testing.T) {
	w := newWorld(t)
	child := startChild(t, w, "wait", "--log-level-console=info")
	w.write(t, "tmp/pgbackrest/demo-archive-1.lock", "")
	w.write(t, "tmp/pgbackrest/other-archive-1.lock", "")
	env := w.env("holdfast", "--no-log-timestamp", "--log-level-console=info", "--stanza=demo", "--force", "stop")
	if status := Main(context.Background(), env); status != 0 {
		t.Errorf("exit %d", status)
	}
	want := fmt.Sprintf("P00   WARN: unable to read lock file %s\nP00   INFO: sent term signal to process %d\n",
		w.path("tmp/pgbackrest/demo-archive-1.lock"), child.cmd.Process.Pid)
	if !strings.Contains(w.stdout.String(), want) {
		t.Errorf("got\n%s\nwant\n%s", w.stdout.String(), want)
	}
	if status := child.wait(); status != 63 {
		t.Errorf("the backup ends with %d", status)
	}
	if w.exists("tmp/pgbackrest/demo-archive-1.lock") || w.exists("tmp/pgbackrest/demo-backup-1.lock") {
		t.Error("lock files of the stanza stay")
	}
	if !w.exists("tmp/pgbackrest/other-archive-1.lock") {
		t.Error("a lock file of another stanza is gone")
	}
}
