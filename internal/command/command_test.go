package command

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/lock"
)

// stubs is the table with some commands replaced.
func stubs(replaced map[string]func(context.Context, *session) error) map[string]entry {
	commands := table()
	for name, fn := range replaced {
		e := commands[name]
		e.run = fn
		commands[name] = e
	}
	return commands
}

type stub = func(context.Context, *session) error

func done(context.Context, *session) error { return nil }

// logged replaces what differs from run to run in log lines.
func logged(text string) string {
	for pattern, to := range map[string]string{
		`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}`: "TIME",
		`exec-id=\d+-[0-9a-f]{8}`:               "exec-id=ID",
		`\(\d+ms\)`:                             "(Nms)",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, to)
	}
	return text
}

var backupArgs = []string{"--stanza=demo", "--pg1-path=/pg", "--repo1-retention-full=2", "--log-level-console=info", "backup"}

const backupOptions = "--exec-id=ID --log-level-console=info --pg1-path=/pg --repo1-retention-full=2 --stanza=demo"

func TestBackupGoesOnToExpire(t *testing.T) {
	w := newWorld(t)
	var during []string
	look := func(_ context.Context, s *session) error {
		state, err := lock.Read(w.path("tmp/pgbackrest/demo-backup-1.lock"))
		if err != nil {
			return err
		}
		during = append(during, s.cfg.Command)
		if !state.Held || state.ExecID != s.execID || state.PID != os.Getpid() {
			t.Errorf("%s: lock %+v", s.cfg.Command, state)
		}
		if state.Size != nil {
			t.Errorf("%s: progress %d", s.cfg.Command, *state.Size)
		}
		if s.cfg.Command == "backup" {
			s.progress(1)(100, 50)
			s.log.Info("copied")
			if state, _ = lock.Read(w.path("tmp/pgbackrest/demo-backup-1.lock")); state.Percent == nil || *state.Percent != 5000 {
				t.Errorf("lock %+v while copying", state)
			}
		} else {
			s.log.Info("expired")
		}
		return nil
	}
	commands := stubs(map[string]stub{"backup": look, "expire": look})

	status := run(context.Background(), w.env("holdfast", backupArgs...), commands)
	if status != 0 || strings.Join(during, " ") != "backup expire" {
		t.Errorf("exit %d after %v", status, during)
	}
	backup := "TIME P00   INFO: backup command begin 2.60.0: " + backupOptions + "\nTIME P00   INFO: copied\n" +
		"TIME P00   INFO: backup command end: completed successfully (Nms)\n"
	expire := "TIME P00   INFO: expire command begin 2.60.0: --exec-id=ID --log-level-console=info --repo1-retention-full=2 " +
		"--stanza=demo\nTIME P00   INFO: expired\nTIME P00   INFO: expire command end: completed successfully (Nms)\n"
	if got := logged(w.stdout.String()); got != backup+expire {
		t.Errorf("got\n%s\nwant\n%s", got, backup+expire)
	}
	banner := "-------------------PROCESS START-------------------\n"
	if got := logged(w.read(t, "var/log/pgbackrest/demo-backup.log")); got != banner+backup {
		t.Errorf("backup log\n%s", got)
	}
	if got := logged(w.read(t, "var/log/pgbackrest/demo-expire.log")); got != banner+expire {
		t.Errorf("expire log\n%s", got)
	}
	if w.exists("tmp/pgbackrest/demo-backup-1.lock") {
		t.Error("the lock file stays")
	}

	during = nil
	run(context.Background(), w.env("holdfast", append(backupArgs, "--no-expire-auto")...), commands)
	if strings.Join(during, " ") != "backup" {
		t.Errorf("ran %v with --no-expire-auto", during)
	}
}

func TestFailingExpireFailsTheRun(t *testing.T) {
	w := newWorld(t)
	fail := func(context.Context, *session) error { return errs.New(errs.Command, "no") }
	status := run(context.Background(), w.env("holdfast", backupArgs...), stubs(map[string]stub{"backup": done, "expire": fail}))
	if status != 104 || !strings.HasSuffix(w.stdout.String(), "expire command end: aborted with exception [104]\n") {
		t.Errorf("exit %d\n%s", status, w.stdout.String())
	}
}

func TestEnds(t *testing.T) {
	args := func(more ...string) []string {
		return append([]string{"--stanza=demo", "--log-level-console=info", "--no-log-timestamp"}, more...)
	}
	pg := "--pg1-path=/pg"
	tests := []struct {
		name   string
		args   []string
		run    stub
		status int
		want   string // end of stdout
	}{
		{
			name: "success", args: args(pg, "restore"), run: done,
			want: "P00   INFO: restore command end: completed successfully\n",
		},
		{
			name: "error with hint", args: args(pg, "restore"), status: 75,
			run:  func(context.Context, *session) error { return errs.New(errs.BackupSetInvalid, "none").Hint("make one") },
			want: "P00  ERROR: [075]: none\n            HINT: make one\nP00   INFO: restore command end: aborted with exception [075]\n",
		},
		{
			name: "a success that is not quite one", args: args(pg, "archive-get", "a", "b"), status: 1,
			run:  func(_ context.Context, s *session) error { s.status = 1; return nil },
			want: "P00   INFO: archive-get command end: completed successfully\n",
		},
		{
			name: "dry run", args: args("--dry-run", "--repo1-retention-full=1", "expire"),
			run:  func(_ context.Context, s *session) error { s.log.Info("would"); return nil },
			want: "P00   INFO: [DRY-RUN] would\nP00   INFO: [DRY-RUN] expire command end: completed successfully\n",
		},
		{
			name: "a slip of ours", args: args(pg, "restore"), status: 25,
			run:  func(context.Context, *session) error { panic("slip") },
			want: "P00   INFO: restore command end: aborted with exception [025]\n",
		},
		{
			name: "parameters", args: args(pg, "archive-get", "a b", "c"), run: done,
			want: "P00   INFO: archive-get command begin 2.60.0: [\"a b\", c] --exec-id=ID --log-level-console=info " +
				"--no-log-timestamp --pg1-path=/pg --stanza=demo\nP00   INFO: archive-get command end: completed successfully\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			commands := table()
			for name, e := range commands {
				if e.run != nil {
					e.run = test.run
					commands[name] = e
				}
			}
			status := run(context.Background(), w.env("holdfast", test.args...), commands)
			if got := logged(w.stdout.String()); status != test.status || !strings.HasSuffix(got, test.want) {
				t.Errorf("exit %d, want %d\n%s\nwant end\n%s", status, test.status, got, test.want)
			}
		})
	}
}

func TestPanicShowsWhere(t *testing.T) {
	w := newWorld(t)
	env := w.env("holdfast", "--stanza=demo", "--pg1-path=/pg", "restore")
	run(context.Background(), env, stubs(map[string]stub{"restore": func(context.Context, *session) error { panic("slip") }}))
	for _, want := range []string{"P00 ASSERT: [025]: slip\n", "version: Holdfast " + Version, "command: restore: ", "command_test.go"} {
		if !strings.Contains(w.stdout.String(), want) {
			t.Errorf("%q is missing in\n%s", want, w.stdout.String())
		}
	}
}

func TestRoot(t *testing.T) {
	w := newWorld(t)
	commands := stubs(map[string]stub{"backup": done, "restore": done, "expire": done})
	refused := "TIME P00  ERROR: [031]: the 'backup' command must not be run as the root user\n" +
		"                                    HINT: running as root can create files that the regular user cannot access, causing later " +
		"commands to fail.\n" +
		"                                    HINT: set the 'allow-root' option to allow running this command as root.\n" +
		"TIME P00   INFO: backup command end: aborted with exception [031]\n"
	for _, test := range []struct {
		args   []string
		status int
		want   string
	}{
		{backupArgs, 31, refused},
		{[]string{"--allow-root", "--stanza=demo", "--pg1-path=/pg", "--repo1-retention-full=2", "backup"}, 0, ""},
		{[]string{"--stanza=demo", "--pg1-path=/pg", "restore"}, 0, ""},
		{[]string{"version"}, 0, "Holdfast " + Version + " (pgBackRest 2.60.0 compatible)\n"},
	} {
		env := w.env("holdfast", test.args...)
		env.UID = 0
		status := run(context.Background(), env, commands)
		if status != test.status || logged(w.stdout.String()) != test.want {
			t.Errorf("%v: exit %d\n%s", test.args, status, w.stdout.String())
		}
	}
}

func TestVersion(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		program string
		args    []string
		want    string
	}{
		{"/usr/bin/holdfast", []string{"version"}, "Holdfast 0.1.0 (pgBackRest 2.60.0 compatible)\n"},
		{"holdfast", []string{"--version"}, "Holdfast 0.1.0 (pgBackRest 2.60.0 compatible)\n"},
		{"/usr/bin/pgbackrest", []string{"version"}, "pgBackRest 2.60.0\n"},
		{"holdfast", []string{"version", "--output=num"}, "2060000"},
	} {
		status := Main(context.Background(), w.env(test.program, test.args...))
		if status != 0 || w.stdout.String() != test.want || w.stderr.String() != "" {
			t.Errorf("%s %v: exit %d, %q, %q", test.program, test.args, status, w.stdout.String(), w.stderr.String())
		}
	}
}

func TestHelp(t *testing.T) {
	w := newWorld(t)
	for args, want := range map[string]string{
		"":                 "Holdfast 0.1.0 - General help\n",
		"--help --version": "Holdfast 0.1.0 - General help\n",
		"help version":     "Holdfast 0.1.0 - 'version' command help\n",
		"help demo":        "Holdfast 0.1.0 - 'demo' command help\n",
		"help backup type": "Holdfast 0.1.0 - 'backup' command - 'type' option help\n",
	} {
		status := Main(context.Background(), w.env("holdfast", strings.Fields(args)...))
		if status != 0 || !strings.HasPrefix(w.stdout.String(), want) || w.stderr.String() != "" {
			t.Errorf("%s: exit %d, %s%s", args, status, w.stdout.String(), w.stderr.String())
		}
	}
}

func TestLogFile(t *testing.T) {
	commands := stubs(map[string]stub{"restore": done, "check": done, "info": done})
	common := []string{"--stanza=demo", "--log-level-console=off"}
	for _, test := range []struct {
		args []string
		file string // "" for none
	}{
		{[]string{"--pg1-path=/pg", "restore"}, "demo-restore.log"},
		{[]string{"--pg1-path=/pg", "--log-level-file=off", "restore"}, ""},
		{[]string{"--pg1-path=/pg", "check"}, ""},
		{[]string{"--pg1-path=/pg", "--log-level-file=info", "check"}, "demo-check.log"},
		{[]string{"info"}, ""},
		{[]string{"--log-level-file=debug", "info"}, "demo-info.log"},
	} {
		w := newWorld(t)
		if status := run(context.Background(), w.env("holdfast", append(common, test.args...)...), commands); status != 0 {
			t.Errorf("%v: exit %d", test.args, status)
		}
		entries, err := os.ReadDir(w.path("var/log/pgbackrest"))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case test.file == "" && len(entries) > 0:
			t.Errorf("%v: wrote %s", test.args, entries[0].Name())
		case test.file != "" && (len(entries) != 1 || entries[0].Name() != test.file):
			t.Errorf("%v: wrote %v, want %s", test.args, entries, test.file)
		}
	}
}

func TestLogFileThatCannotBeOpened(t *testing.T) {
	w := newWorld(t)
	env := w.env("holdfast", "--stanza=demo", "--pg1-path=/pg", "--log-path=/dev/null", "restore")
	status := run(context.Background(), env, stubs(map[string]stub{"restore": done}))
	want := "TIME P00   WARN: unable to open log file '/dev/null/demo-restore.log': Not a directory\n" +
		"                                    NOTE: process will continue without log file.\n"
	if got := logged(w.stdout.String()); status != 0 || got != want {
		t.Errorf("exit %d\n%s", status, got)
	}
}

func TestBusyLock(t *testing.T) {
	w := newWorld(t)
	path := w.path("tmp/pgbackrest/demo-backup-1.lock")
	other, err := lock.Acquire(path, "1-00000000", 1)
	if err != nil {
		t.Fatal(err)
	}
	never := func(_ context.Context, s *session) error {
		t.Errorf("%s runs although the stanza is locked", s.cfg.Command)
		return nil
	}
	commands := stubs(map[string]stub{"backup": never, "expire": never, "stanza-create": never, "restore": done})
	want := "P00  ERROR: [050]: unable to acquire lock on file '" + path + "': Resource temporarily unavailable\n"
	for _, name := range []string{"backup", "expire", "stanza-create"} {
		args := []string{"--stanza=demo", "--no-log-timestamp", name}
		if name != "expire" {
			args = append(args, "--pg1-path=/pg")
		}
		status := run(context.Background(), w.env("holdfast", args...), commands)
		if status != 50 || !strings.HasPrefix(w.stdout.String(), want) {
			t.Errorf("%s: exit %d\n%s", name, status, w.stdout.String())
		}
	}
	if status := run(context.Background(), w.env("holdfast", "--stanza=demo", "--pg1-path=/pg", "restore"), commands); status != 0 {
		t.Errorf("restore: exit %d", status)
	}
	if w.exists("tmp/pgbackrest/demo-archive-1.lock") {
		t.Error("stanza-create left a lock file behind")
	}
	if err := other.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsLocked(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"--pg1-path=/pg stanza-create", "demo-archive-1 demo-archive-3 demo-backup-1 demo-backup-3 demo-restore-1 demo-restore-3"},
		{"--pg1-path=/pg --repo=3 backup", "demo-backup-3"},
		{"--pg1-path=/pg restore", "demo-restore-1 demo-restore-3"},
		{"--pg1-path=/pg archive-push x", ""},
		{"--pg1-path=/pg check", ""},
		{"info", ""},
	} {
		w := newWorld(t)
		look := func(_ context.Context, s *session) error {
			paths, err := lock.Files(w.path("tmp/pgbackrest"), "")
			got := strings.Join(paths, " ")
			got = strings.ReplaceAll(strings.ReplaceAll(got, w.path("tmp/pgbackrest")+"/", ""), ".lock", "")
			if got != test.want {
				t.Errorf("%s: holds %s, want %s", test.args, got, test.want)
			}
			return err
		}
		commands := table()
		for name, e := range commands {
			commands[name] = entry{run: look, stops: e.stops}
		}
		args := append([]string{"--stanza=demo", "--repo1-path=/a", "--repo3-path=/b"}, strings.Fields(test.args)...)
		if status := run(context.Background(), w.env("holdfast", args...), commands); status != 0 {
			t.Errorf("%s: exit %d\n%s", test.args, status, w.stdout.String())
		}
	}
}
