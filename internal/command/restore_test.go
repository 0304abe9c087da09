package command

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/internal/config"
	"holdfast/internal/restore"
)

// parsed returns a session of a command line, not begun.
func parsed(t *testing.T, w *world, program string, args ...string) *session {
	t.Helper()
	env := w.env(program, args...)
	cfg, err := config.Parse(env.input())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.CrossCheck(); err != nil {
		t.Fatal(err)
	}
	return &session{env: env, cfg: cfg}
}

// TestRestoreCommand: what was given on the command line is handed on, but neither settings from files nor what concerns only this
// run (SN-424).
func TestRestoreCommand(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.write(t, "etc/pgbackrest/pgbackrest.conf", "[global]\nio-timeout=99\nrepo1-path=/file\n[demo]\npg1-path=/pg\n")
	for _, test := range []struct{ program, args, want string }{
		{"pgbackrest", "", `pgbackrest --stanza=demo archive-get %f "%p"`},
		{"/usr/bin/holdfast", "", `/usr/bin/holdfast --stanza=demo archive-get %f "%p"`},
		{"bin/holdfast", "", filepath.Join(here, "bin/holdfast") + ` --stanza=demo archive-get %f "%p"`},
		{"holdfast", "--cmd=./mine", `./mine --stanza=demo archive-get %f "%p"`},
		{"pgbackrest", "--config=/c.conf|--pg1-path=/my pg|--repo1-path=/r|--repo=1",
			`pgbackrest --config=/c.conf --pg1-path="/my pg" --repo=1 --repo1-path=/r --stanza=demo archive-get %f "%p"`},
		{"pgbackrest", "--process-max=2|--log-level-console=detail|--log-level-file=off|--log-timestamp|--log-subprocess|--job-retry=1|" +
			"--exec-id=1-a|--delta|--type=immediate|--log-path=/l|--no-neutral-umask|--io-timeout=70",
			`pgbackrest --io-timeout=70 --log-path=/l --no-neutral-umask --stanza=demo archive-get %f "%p"`},
	} {
		args := []string{"restore", "--stanza=demo"}
		if test.args != "" {
			args = append(args, strings.Split(test.args, "|")...)
		}
		if strings.Contains(test.args, "--config=") {
			w.write(t, "c.conf", "[demo]\npg1-path=/pg\n")
		}
		if got := parsed(t, w, test.program, args...).restoreCommand(); got != test.want {
			t.Errorf("%s %s:\ngot  %s\nwant %s", test.program, test.args, got, test.want)
		}
	}
}

// TestRestoreOptions turns a command line into the values of the job.
func TestRestoreOptions(t *testing.T) {
	w := newWorld(t)
	o, err := parsed(t, w, "pgbackrest", "restore", "--stanza=demo", "--pg1-path=/pg").restoreOptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if o.PGPath != "/pg" || o.Set != "" || o.Type != restore.Default || o.TypeGiven || o.Target != "" || o.Delta || o.Force || !o.PageErrors ||
		o.Workers != 1 || o.Retries != 2 || o.RetryGap != 15*time.Second || o.TargetAction != "" || o.Assume != 0 ||
		!strings.HasSuffix(o.Spool, "/archive/demo") || len(o.Repos) != 1 || o.LinkMap != nil || o.Settings != nil || o.ArchiveOff {
		t.Errorf("%+v", o)
	}
	o, err = parsed(t, w, "pgbackrest", "restore", "--stanza=demo", "--pg1-path=/pg", "--set=20260102-030405F", "--delta", "--force",
		"--type=time", "--target=then", "--target-exclusive", "--target-action=promote", "--target-timeline=3",
		"--tablespace-map=a=/a", "--tablespace-map=1=/b", "--tablespace-map-all=/all", "--link-map=l=/l", "--link-all",
		"--db-include=x", "--db-exclude=y", "--recovery-option=b=1", "--recovery-option=a=2", "--archive-mode=off", "--process-max=4",
		"--no-checksum-page-error", "--pg-version-force=15", "--repo1-path=/r1", "--repo2-path=/r2").restoreOptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if o.Set != "20260102-030405F" || !o.Delta || !o.Force || o.PageErrors || o.Type != restore.Time || !o.TypeGiven || o.Target != "then" ||
		!o.TargetExclusive || o.TargetAction != "promote" || o.TargetTimeline != "3" || o.TablespaceMap["a"] != "/a" ||
		o.TablespaceMap["1"] != "/b" || o.TablespaceMapAll != "/all" || o.LinkMap["l"] != "/l" || !o.LinkAll || o.DBInclude[0] != "x" ||
		o.DBExclude[0] != "y" || len(o.Settings) != 2 || !o.ArchiveOff || o.Workers != 4 || o.Assume != 150000 || len(o.Repos) != 2 {
		t.Errorf("%+v", o)
	}
}

// TestRestorer knows the users of this host.
func TestRestorer(t *testing.T) {
	id := restorer(os.Geteuid())
	if id.Root != (os.Geteuid() == 0) || id.UID != os.Geteuid() || id.GID != os.Getegid() {
		t.Errorf("%+v", id)
	}
	if uid, ok := id.FindUser(id.User); id.User != "" && (!ok || uid != id.UID) {
		t.Errorf("%s is %d, %t", id.User, uid, ok)
	}
	if gid, ok := id.FindGroup("root"); ok && gid != 0 {
		t.Errorf("group root is %d", gid)
	}
	if _, ok := id.FindUser("no such user " + strconv.Itoa(os.Getpid())); ok {
		t.Error("found a user who does not exist")
	}
}
