package command

import (
	"context"
	"os"
	"strings"
	"testing"
)

// TestUnbuilt makes sure that what is not there yet is refused before anything is touched, and only where it would be used.
func TestUnbuilt(t *testing.T) {
	pg := "--stanza=demo --pg1-path=/pg "
	s3 := "--repo2-type=s3 --repo2-s3-bucket=b --repo2-s3-endpoint=e --repo2-s3-region=r --repo2-s3-key-type=auto "
	for _, test := range []struct {
		args string
		want string // "" if it runs
	}{
		{"--stanza=demo verify", ""},
		{"repo-ls", ""},
		{"repo-get x", ""},
		{"server-ping", ""},
		{"--stanza=demo --set=20200101-000000F --annotation=a=b annotate", ""},
		{pg + "--pg1-host=h backup", ""},
		{pg + "--pg1-host=h restore", "restore command must be run on the PostgreSQL host"},
		{pg + "--pg1-host=h archive-push x", "archive-push command must be run on the PostgreSQL host"},
		{pg + "--repo1-host=h backup", ""},
		{"--repo1-host=h info", ""},
		{s3 + "--repo1-path=/r info", "option 'repo2-type' = 's3' is not part of this version of Holdfast"},
		{s3 + "--repo1-path=/r --repo=1 info", ""},
		{pg + "--archive-async archive-push x", ""},
		{pg + "--archive-async archive-get x y", ""},
		{pg + "--repo1-bundle --repo1-block backup", ""},
		{pg + "--backup-standby backup", ""},
		{pg + "--backup-standby --no-online backup", ""},
		{"--repo=1 --repo-target-time=2020-01-01 info", "option 'repo-target-time' is not part of this version of Holdfast"},
		{"--report check", "option 'report' is not part of this version of Holdfast"},
		{pg + "backup", ""},
	} {
		t.Run(test.args, func(t *testing.T) {
			w := newWorld(t)
			ran := false
			commands := table()
			for name, e := range commands {
				if e.run != nil {
					commands[name] = entry{run: func(context.Context, *session) error { ran = true; return nil }}
				}
			}
			env := w.env("holdfast", append([]string{"--no-log-timestamp", "--log-level-console=error"}, strings.Fields(test.args)...)...)
			status := run(context.Background(), env, commands)
			out, _, _ := strings.Cut(w.stdout.String(), "\n")
			_, got, _ := strings.Cut(out, "]: ")
			if got != test.want || ran != (test.want == "") {
				t.Errorf("exit %d, ran %v: %s", status, ran, out)
			}
			if want := 67; test.want != "" && status != want && status != 72 || test.want == "" && status != 0 {
				t.Errorf("exit %d", status)
			}
			for _, dir := range []string{"tmp/pgbackrest", "var/lib/pgbackrest"} {
				if entries, _ := os.ReadDir(w.path(dir)); len(entries) > 0 {
					t.Errorf("left %s in %s", entries[0].Name(), dir)
				}
			}
		})
	}
}

// TestBundlesInTheConfigurationDoNotMatterElsewhere is for people who set bundles for their backups and read with us.
func TestBundlesInTheConfigurationDoNotMatterElsewhere(t *testing.T) {
	for _, args := range []string{
		"--stanza=demo info", "--stanza=demo --repo1-retention-full=1 expire", "--stanza=demo --pg1-path=/pg restore",
		"--stanza=demo --pg1-path=/pg archive-get x y", "--stanza=demo --pg1-path=/pg archive-push x",
		"--stanza=demo --pg1-path=/pg check", "--stanza=demo --pg1-path=/pg stanza-create",
	} {
		w := newWorld(t)
		w.write(t, "etc/pgbackrest/pgbackrest.conf", "[global]\nrepo1-bundle=y\nrepo1-block=y\n")
		commands := table()
		for name, e := range commands {
			commands[name] = entry{run: done, stops: e.stops}
		}
		if status := run(context.Background(), w.env("holdfast", strings.Fields(args)...), commands); status != 0 {
			t.Errorf("%s: exit %d\n%s", args, status, w.stdout.String())
		}
	}
}
