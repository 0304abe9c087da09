package command

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/repo/repotest"
)

// recorded is a repository made by real programs.
type recorded struct {
	root    string
	stanza  string
	environ []string // its cipher
	labels  []string
}

// eachGolden runs a test with every recorded repository, if there are any and there is a peer to compare with.
func eachGolden(t *testing.T, test func(t *testing.T, g recorded)) {
	dir, ok := pgtest.Golden(t)
	if !ok || findPeer(t) == "" {
		return
	}
	sets, err := filepath.Glob(filepath.Join(dir, "*", "expected.json"))
	if err != nil || len(sets) == 0 {
		t.Fatalf("no golden sets in %s (%v)", dir, err)
	}
	for _, set := range sets {
		t.Run(filepath.Base(filepath.Dir(set)), func(t *testing.T) { test(t, unpackGolden(t, filepath.Dir(set))) })
	}
}

func unpackGolden(t *testing.T, set string) recorded {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(set, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected struct {
		Stanza  string
		Cipher  struct{ Type, Pass string }
		Backups []struct{ Label string }
	}
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	g := recorded{root: t.TempDir(), stanza: expected.Stanza}
	for _, b := range expected.Backups {
		g.labels = append(g.labels, b.Label)
	}
	if expected.Cipher.Pass != "" {
		g.environ = []string{"PGBACKREST_REPO1_CIPHER_TYPE=aes-256-cbc", "PGBACKREST_REPO1_CIPHER_PASS=" + expected.Cipher.Pass}
	}
	repotest.Unpack(t, filepath.Join(set, "repo.tar.zst"), g.root)
	for _, pattern := range []string{"pg_*", "bundle"} { // nobody here looks at the files of backups
		paths, err := filepath.Glob(filepath.Join(g.root, "repo/backup", g.stanza, "*F*", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	return g
}

// TestExpireGolden lets us and the peer expire copies of the recorded repositories.
func TestExpireGolden(t *testing.T) {
	eachGolden(t, func(t *testing.T, g recorded) {
		runs := []string{
			"--repo1-retention-full=1", "--repo1-retention-full=1 --repo1-retention-diff=1 --dry-run",
			"--repo1-retention-full=9 --repo1-retention-diff=1 --repo1-retention-history=0",
			"--repo1-retention-full=9 --repo1-retention-archive-type=incr --repo1-retention-archive=1",
			"--repo1-retention-full-type=time --repo1-retention-full=1", "--oldest", "--repo1-retention-full=9",
			"--repo1-retention-full=9 --repo1-retention-archive=1 --archive-expire-before=000000010000000000000005",
			"--repo1-retention-full=1 --no-checksum-page-error",
		}
		for _, label := range g.labels {
			runs = append(runs, "--repo1-retention-full=2 --set="+label)
		}
		for _, args := range runs {
			ours, ourTree := expireGolden(t, g, args, runOurs)
			theirs, theirTree := expireGolden(t, g, args, runPeer)
			if ours != theirs {
				t.Errorf("expire %s\n%s", args, difference(ours, theirs))
			}
			if ourTree != theirTree {
				t.Errorf("expire %s, what is left:\n%s", args, difference(ourTree, theirTree))
			}
		}
	})
}

// expireGolden runs expire on a copy and returns its log and what is left: names, and the content of backup.info if that is plain.
func expireGolden(t *testing.T, g recorded, args string, run runner) (output, left string) {
	t.Helper()
	root, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	repotest.Clone(t, g.root, root)
	all := append(strings.Fields(args), "--no-config", "--stanza="+g.stanza, "--lock-path="+root+"/lock", "--log-level-file=off",
		"--log-level-console=detail", "--no-log-timestamp", "--allow-root", "--repo1-path="+root+"/repo", "expire")
	exit, text := run(t, all, g.environ)
	text = regexp.MustCompile(`exec-id=\S+`).ReplaceAllString(strings.ReplaceAll(text, root, "ROOT"), "X")
	var names []string
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "backup.info" && g.environ == nil {
			var content []byte
			content, err = os.ReadFile(path)
			path += "\n" + string(content)
		}
		names = append(names, strings.TrimPrefix(path, root))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return fmt.Sprintf("%s%d", text, exit), strings.Join(names, "\n")
}

// TestInfoGolden lets us and the peer describe the recorded repositories.
func TestInfoGolden(t *testing.T) {
	eachGolden(t, func(t *testing.T, g recorded) {
		runs := []string{
			"", "--stanza=" + g.stanza, "--stanza=nope", "--detail-level=progress", "--type=incr", "--stanza=nope --set=20200101-000000F",
		}
		for _, label := range append(g.labels, "20200101-000000F") {
			runs = append(runs, "--stanza="+g.stanza+" --set="+label)
		}
		for _, args := range runs {
			for _, output := range []string{"text", "json"} {
				all := append(strings.Fields(args), "--no-config", "--allow-root", "--lock-path="+g.root+"/lock", "--repo1-path="+g.root+"/repo",
					"--output="+output, "info")
				exit, ours := runOurs(t, all, g.environ)
				peerExit, theirs := runPeer(t, all, g.environ)
				if exit != peerExit || ours != theirs {
					t.Errorf("info %v: exit %d, the peer %d\n%s", args, exit, peerExit, difference(ours, theirs))
				}
			}
		}
	})
}
