package command

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/repo"
	"holdfast/internal/repo/repotest"
	"holdfast/internal/storage/posix"
)

// TestExpireAfterBackup compares what a backup expires by itself: its options apply, and the oldest backup that would be kept has
// page checksum errors.
func TestExpireAfterBackup(t *testing.T) {
	if findPeer(t) == "" {
		return
	}
	root, data := t.TempDir(), pgtest.BuildDataDir(t, "", pgtest.DataDirOptions{})
	common := []string{"--no-config", "--allow-root", "--stanza=demo", "--lock-path=" + root + "/lock", "--log-level-file=off",
		"--pg1-path=" + data, "--repo1-path=" + root + "/repo1", "--no-online", "--no-log-timestamp"}
	must := func(args ...string) {
		t.Helper()
		if exit, text := runOurs(t, append(args, common...), nil); exit != 0 {
			t.Fatalf("%v: exit %d\n%s", args, exit, text)
		}
	}
	must("stanza-create")
	for range 2 {
		must("backup", "--type=full", "--repo1-retention-full=9")
	}
	r := repo.New(repo.Config{Key: 1, Path: root + "/repo1", Storage: posix.New(posix.Config{}), Stanza: "demo", Program: Compatible})
	info, err := r.LoadBackupInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	info.Backups[1].Error = new(bool)
	*info.Backups[1].Error = true
	if err := r.SaveBackupInfo(t.Context(), info); err != nil {
		t.Fatal(err)
	}
	saved := t.TempDir()
	repotest.Clone(t, root, saved+"/it")
	for _, args := range []string{"", "--no-checksum-page-error", "--checksum-page-error", "--no-expire-auto"} {
		var outputs []string
		for _, run := range []runner{runPeer, runOurs} {
			if err := os.RemoveAll(root + "/repo1"); err != nil {
				t.Fatal(err)
			}
			repotest.Clone(t, saved+"/it/repo1", root+"/repo1")
			all := append(strings.Fields(args), "backup", "--type=full", "--repo1-retention-full=2", "--log-level-console=info")
			exit, text := run(t, append(all, common...), nil)
			_, text, _ = strings.Cut(text, "backup command end")
			for pattern, to := range map[string]string{`exec-id=\S+`: "X", `\d{8}-\d{6}F`: "LABEL"} {
				text = regexp.MustCompile(pattern).ReplaceAllString(text, to)
			}
			outputs = append(outputs, text+string(rune('0'+exit%10)))
		}
		if outputs[0] != outputs[1] {
			t.Errorf("backup %s\n%s", args, difference(outputs[1], outputs[0]))
		}
		if args == "--checksum-page-error" != strings.Contains(outputs[0], "[104]") {
			t.Errorf("backup %s\n%s", args, outputs[0])
		}
	}
}
