package command

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/lock"
)

// TestBackground: how a run in the background is started, and what the command that starts it does besides.
func TestBackground(t *testing.T) {
	w := newWorld(t)
	w.write(t, "pg/pg_wal/archive_status/000000010000000000000001.ready", "")
	base := []string{"--stanza=demo", "--pg1-path=" + w.path("pg"), "--spool-path=" + w.path("spool dir"), "--archive-async",
		"--log-level-console=info", "--no-log-timestamp", "--archive-timeout=100ms", "--process-max=3", "--no-archive-mode-check"}
	var started []string
	env := w.env("holdfast", append(base, "archive-push", w.path("pg/pg_wal/000000010000000000000001"))...)
	env.Environ = append(env.Environ, "PGBACKREST_REPO1_CIPHER_PASS=secret", "PGBACKREST_REPO1_CIPHER_TYPE=aes-256-cbc", "PGBACKREST_COMPRESS_TYPE=lz4")
	env.Start = func(args []string) (func() bool, error) {
		started = args
		if w.exists("tmp/pgbackrest/demo-archive-1.lock") {
			t.Error("the run cannot have the lock")
		}
		w.write(t, "spool dir/archive/demo/out/000000010000000000000001.ok", "")
		return func() bool { return false }, nil
	}
	if status := Main(context.Background(), env); status != 0 || !strings.Contains(w.stdout.String(), "to the archive asynchronously\n") {
		t.Fatalf("exit %d\n%s", status, w.stdout.String())
	}
	exec := slices.IndexFunc(started, func(arg string) bool { return strings.HasPrefix(arg, "--exec-id=") })
	if exec < 0 || !strings.Contains(w.stdout.String(), started[exec]) {
		t.Fatalf("no exec-id in %q", started)
	}
	if got, want := slices.Delete(slices.Clone(started), exec, exec+1), []string{"--archive-async", "--no-archive-mode-check", "--no-log-timestamp",
		"--pg1-path=" + w.path("pg"), "--process-max=3", "--spool-path=" + w.path("spool dir"), "--stanza=demo",
		"--log-level-console=off", "--log-level-stderr=off", "archive-push:async", w.path("pg/pg_wal")}; !slices.Equal(got, want) {
		t.Errorf("started\n%q, want\n%q", got, want)
	}

	// The run that was asked for: its lock, its log file and its name.
	ran := false
	child := w.env("holdfast", started...)
	status := run(context.Background(), child, stubs(map[string]stub{"archive-push:async": func(_ context.Context, s *session) error {
		ran = true
		state, err := lock.Read(w.path("tmp/pgbackrest/demo-archive-1.lock"))
		if err != nil || !state.Held || "--exec-id="+state.ExecID != started[exec] {
			t.Errorf("lock %+v, %v", state, err)
		}
		// As good as our own for who has the same name, and not for others.
		if _, ok, err := lock.TryAll(s.lockFiles(lock.Archive), "1-00000000", 1); ok || err != nil {
			t.Errorf("lock is free: %v, %v", ok, err)
		}
		return errors.New("no")
	}}))
	if status == 0 || !ran || w.stdout.String()+w.stderr.String() != "" {
		t.Errorf("exit %d, ran %v: %s%s", status, ran, w.stdout.String(), w.stderr.String())
	}
	log := w.read(t, "var/log/pgbackrest/demo-archive-push-async.log")
	for _, want := range []string{"INFO: archive-push:async command begin 2.60.0: [" + w.path("pg/pg_wal") + "] --archive-async ",
		"INFO: archive-push:async command end: aborted with exception [124]\n"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in\n%s", want, log)
		}
	}
	if w.exists("tmp/pgbackrest/demo-archive-1.lock") {
		t.Error("the lock file stays")
	}
}

// TestBackgroundNeedsNothing: the answer in the spool is enough, whatever the state of everything else.
func TestBackgroundNeedsNothing(t *testing.T) {
	w := newWorld(t)
	w.write(t, "pg/x", "")
	w.write(t, "spool/archive/demo/out/000000010000000000000001.ok", "")
	w.write(t, "spool/archive/demo/in/000000010000000000000002", "content")
	w.write(t, "spool/archive/demo/in/000000010000000000000003", "content")
	base := []string{"--stanza=demo", "--pg1-path=" + w.path("pg"), "--spool-path=" + w.path("spool"), "--archive-async"}
	for _, args := range [][]string{
		{"archive-push", w.path("pg/000000010000000000000001")},
		{"--archive-get-queue-max=1B", "archive-get", "000000010000000000000002", w.path("pg/got")},
	} {
		env := w.env("holdfast", append(base, args...)...)
		env.Start = func(args []string) (func() bool, error) {
			t.Errorf("starts %q", args)
			return nil, errors.New("no")
		}
		if status := Main(context.Background(), env); status != 0 || w.stdout.String() != "" {
			t.Errorf("exit %d\n%s", status, w.stdout.String())
		}
	}
	if w.read(t, "pg/got") != "content" {
		t.Error("wrong content")
	}
}
