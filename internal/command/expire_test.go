package command

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/internal/repo/repotest"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The files of testdata/expire tell a history (see package repotest) and what expire makes of it:
//
//	F1 9d wal=1.0.1
//	wal 15-1 1.0.1-1.0.3
//
//	expire --repo1-retention-full=1
//	exit 0
//	INFO: ...              the log at detail, without begin and end
//	- repo1/backup/...     what is gone, ~ what is changed, + what is new
//
// Each run has a fresh copy. Where the peer is installed it must say and do the same, to the byte.
func TestExpireHistories(t *testing.T) {
	files, err := filepath.Glob("testdata/expire/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			history, runs := readHistory(string(text))
			var got strings.Builder
			got.WriteString(history)
			for _, args := range runs {
				fmt.Fprintf(&got, "%s\n%s\n", strings.Join(append([]string{"expire"}, args...), " "), compareExpire(t, history, args))
			}
			if *update {
				if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got.String() != string(text) {
				t.Errorf("got\n%s\nwant\n%s", got.String(), text)
			}
		})
	}
}

func readHistory(text string) (history string, runs [][]string) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) > 0 && words[0] == "expire" {
			runs = append(runs, words[1:])
		} else if len(runs) == 0 {
			history += line
		}
	}
	return history, runs
}

// compareExpire runs expire on a fresh repository and returns what was logged and changed. The peer must agree if there is one.
func compareExpire(t *testing.T, history string, args []string) string {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	ours := expireOnce(t, history, now, args, runOurs)
	if findPeer(t) != "" {
		theirs := expireOnce(t, history, now, args, runPeer)
		if ours.output != theirs.output || ours.exit != theirs.exit {
			t.Errorf("expire %v\nexit %d, the peer: exit %d\n%s", args, ours.exit, theirs.exit, difference(ours.output, theirs.output))
		}
		if !maps.Equal(ours.after, theirs.after) {
			t.Errorf("expire %v\n%s", args,
				difference(changes(ours.before, ours.after), changes(theirs.before, theirs.after))+infoDifference(ours, theirs))
		}
	}
	return fmt.Sprintf("exit %d\n%s%s", ours.exit, withoutFrame(ours.output), changes(ours.before, ours.after))
}

// infoDifference shows where the content of files differs.
func infoDifference(ours, theirs expired) string {
	text := ""
	for name, content := range ours.after {
		if other, ok := theirs.after[name]; ok && content != other && !strings.HasSuffix(name, ".copy") {
			text += name + " " + difference(content, other)
		}
	}
	return text
}

// expired is what a run of expire did.
type expired struct {
	exit          int
	output        string
	before, after map[string]string
}

func expireOnce(t *testing.T, history string, now time.Time, args []string, run runner) expired {
	t.Helper()
	root, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	mem := storagetest.NewMem() // making it on the disk would sync every file
	world := repotest.Build(t, mem, root, now, history)
	dump(t, mem, root)
	e := expired{before: tree(t, root, world)}
	all := []string{
		"--no-config", "--stanza=demo", "--lock-path=" + t.TempDir(), "--log-level-file=off",
		"--log-level-console=detail", "--no-log-timestamp", "--allow-root",
	}
	for _, r := range world.Repos {
		all = append(all, fmt.Sprintf("--%s-path=%s", r.Name(), r.Path()))
	}
	for _, arg := range args {
		all = append(all, world.Expand(arg))
	}
	var output string
	e.exit, output = run(t, append(all, "expire"), nil)
	e.output = regexp.MustCompile(`exec-id=\S+|lock-path=\S+`).ReplaceAllString(world.Name(output), "X")
	e.after = tree(t, root, world)
	return e
}

// dump writes what is in memory below root to the disk.
func dump(t *testing.T, mem *storagetest.Mem, root string) {
	t.Helper()
	for _, path := range mem.Paths() {
		if !strings.HasPrefix(path, root+"/") {
			continue
		}
		info, err := mem.Stat(t.Context(), strings.TrimSuffix(path, "/"))
		if err != nil {
			t.Fatal(err)
		}
		switch info.Type {
		case storage.Dir:
			err = os.MkdirAll(path, 0o750)
		case storage.Link:
			err = os.Symlink(info.Target, path)
		default:
			var content []byte
			if content, err = storage.ReadAll(t.Context(), mem, path, 0); err == nil {
				err = os.WriteFile(path, content, 0o640)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// tree returns the content of all files, links and directories.
func tree(t *testing.T, root string, world *repotest.World) map[string]string {
	t.Helper()
	entries := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		text := ""
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			text, err = os.Readlink(path)
			text = "-> " + world.Name(text)
		case d.Type().IsRegular():
			var content []byte
			content, err = os.ReadFile(path)
			text = string(content)
		default:
			path += "/"
		}
		entries[world.Name(path)] = text
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// changes lists what is gone, changed or new. Of a directory that is gone nothing inside is told, nor of copies of info files.
func changes(before, after map[string]string) string {
	var list strings.Builder
	gone := "//"
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		old, was := before[name]
		text, is := after[name]
		switch {
		case strings.HasPrefix(name, gone), is && was && old == text, strings.HasSuffix(name, ".info.copy"):
		case !is:
			fmt.Fprintf(&list, "- %s\n", name)
			if strings.HasSuffix(name, "/") {
				gone = name
			}
		case !was:
			fmt.Fprintf(&list, "+ %s %s\n", name, text)
		default:
			fmt.Fprintf(&list, "~ %s\n", name)
		}
	}
	return list.String()
}

// withoutFrame drops the begin and end lines and the process number.
func withoutFrame(output string) string {
	output = regexp.MustCompile(`(?m)^P00 +INFO: expire command (begin|end).*\n`).ReplaceAllString(output, "")
	return regexp.MustCompile(`(?m)^P00 +`).ReplaceAllString(output, "")
}
