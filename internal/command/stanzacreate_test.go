package command

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"holdfast/internal/postgres/pgtest"
)

// stanzaWorld is a world with a data directory that no server runs on. The function runs a command for its stanza and compares exit
// status and what was printed.
func stanzaWorld(t *testing.T) (w *world, data string, try func(want string, args ...string)) {
	w = newWorld(t)
	data = pgtest.BuildDataDir(t, "", pgtest.DataDirOptions{})
	common := []string{"--stanza=demo", "--no-log-timestamp", "--log-level-console=info", "--log-level-file=off"}
	return w, data, func(want string, args ...string) {
		t.Helper()
		if args[len(args)-1] != "stop" {
			args = append([]string{"--pg1-path=" + data}, args...)
		}
		status := Main(context.Background(), w.env("holdfast", append(common[:len(common):len(common)], args...)...))
		var lines []string
		for line := range strings.Lines(w.stdout.String()) {
			if !strings.Contains(line, " command begin ") && !strings.Contains(line, " command end: ") {
				lines = append(lines, strings.TrimSpace(strings.TrimPrefix(line, "P00")))
			}
		}
		if got := strings.TrimSpace(fmt.Sprintf("%d %s", status, strings.Join(lines, "\n"))); got != want {
			t.Errorf("%v:\n%s\nwant\n%s", args, got, want)
		}
	}
}

// SN-001, SN-007, SN-010 to SN-013 as far as they concern stanzas.
func TestStanzaCommands(t *testing.T) {
	w, data, try := stanzaWorld(t)
	try("0 INFO: stanza-create for stanza 'demo' on repo1", "--no-online", "stanza-create")
	try("0 WARN: option --force is no longer supported\nINFO: stanza-create for stanza 'demo' on repo1\n"+
		"INFO: stanza 'demo' already exists on repo1 and is valid", "--no-online", "--force", "stanza-create")
	try("0 INFO: stanza-upgrade for stanza 'demo' on repo1\nINFO: stanza 'demo' on repo1 is already up to date",
		"--no-online", "stanza-upgrade")

	first, second := "--repo1-path="+w.path("var/lib/pgbackrest"), "--repo2-path="+w.path("repo2")
	try("0 INFO: stanza-create for stanza 'demo' on repo1\nINFO: stanza 'demo' already exists on repo1 and is valid\n"+
		"INFO: stanza-create for stanza 'demo' on repo2", first, second, "--no-online", "stanza-create")
	try("37 ERROR: [037]: stanza-delete command requires option: repo\nHINT: this command requires a specific repository to operate on",
		first, second, "stanza-delete")

	notStopped := "55 ERROR: [055]: stop file does not exist for stanza 'demo'\n" +
		"HINT: has the pgbackrest stop command been run on this server for this stanza?"
	try(notStopped, "stanza-delete")
	try(notStopped, "--force", "stanza-delete")
	try("0", "stop")
	try("62 ERROR: [062]: stop file exists for stanza demo", "--no-online", "stanza-create")
	if err := os.WriteFile(data+"/postmaster.pid", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	try("38 ERROR: [038]: postmaster.pid exists - looks like PostgreSQL is running. To delete stanza 'demo' on repo1, shut down"+
		" PostgreSQL for stanza 'demo' and try again, or use --force.", "stanza-delete")
	try("0", "--force", "stanza-delete")
	for _, gone := range []string{"var/lib/pgbackrest/archive/demo", "var/lib/pgbackrest/backup/demo", "tmp/pgbackrest/demo.stop"} {
		if w.exists(gone) {
			t.Errorf("%s is left", gone)
		}
	}
	try("0", "stanza-delete")
}

func TestCheckWithoutStanza(t *testing.T) {
	w := newWorld(t)
	args := []string{"--no-log-timestamp", "--log-level-console=warn", "check"}
	if status := Main(context.Background(), w.env("holdfast", args...)); status != 0 {
		t.Errorf("exit %d", status)
	}
	want := "P00   WARN: no stanzas found to check\n            HINT: are there non-empty stanza sections in the configuration?\n"
	if got := w.stdout.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
