package command

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/internal/postgres/pgtest"
)

// verifyCases damage a recorded repository. The outcome is in testdata/verify, and the peer must agree where there is one, but for
// what other says.
var verifyCases = []struct {
	name   string
	repo   string
	damage func(*sample)
	args   []string
	other  string // why the peer says something else
}{
	{name: "sound", repo: "chain"},
	{name: "sound set of blocks", repo: "chain", args: []string{"--set={B2}"}},
	{name: "sound set of a full", repo: "chain", args: []string{"--set={B3}"}},
	{name: "sound set with two archives", repo: "zst", args: []string{"--set={B1}"}},
	{name: "sound set taken offline", repo: "bz2", args: []string{"--set={B2}"}},
	{name: "sound set whose last backup has no bundles", repo: "bundle-block-gz", args: []string{"--set={B2}"}},
	{name: "files", repo: "plain-none", damage: func(r *sample) {
		r.flip("B0/pg_data/PG_VERSION")
		r.remove("B0/pg_data/global/pg_filenode.map")
		r.change("B0/pg_data/postgresql.conf", func(b []byte) []byte { return append(b, 'x') })
		r.change("B1/pg_data/global/pg_control", func([]byte) []byte { return nil })
	}},
	{name: "files of a set", repo: "plain-none", args: []string{"--set={B1}"}, damage: func(r *sample) {
		r.flip("B0/pg_data/PG_VERSION", "B2/pg_data/global/pg_control")
		r.remove("B0/pg_data/global/pg_filenode.map")
	}},
	{name: "compressed files", repo: "zst", damage: func(r *sample) {
		r.flip("B0/pg_data/PG_VERSION.zst")
		r.remove("B0/pg_data/global/pg_filenode.map.zst")
		r.change("B1/pg_data/global/pg_control.zst", func([]byte) []byte { return nil })
	}},
	{name: "size in the manifest", repo: "plain-none", damage: func(r *sample) {
		r.sign("B0/backup.manifest", `^(pg_data/PG_VERSION=.*"size":)3`, "${1}4")
	}},
	{name: "wal", repo: "plain-none", damage: func(r *sample) {
		r.flip("W1B")
		r.change("W1C", func(b []byte) []byte { return append(b, 'x') })
		r.remove("W1E")
		content, _ := os.ReadFile(r.path("W1D"))
		r.replace(filepath.Dir(r.path("W1D"))+"/00000001000000000000001D-"+strings.Repeat("0", 40)+".gz", content)
	}},
	{name: "wal there twice in a set", repo: "plain-none", args: []string{"--set={B1}"}, damage: func(r *sample) {
		content, _ := os.ReadFile(r.path("W1D"))
		r.replace(filepath.Dir(r.path("W1D"))+"/00000001000000000000001D-"+strings.Repeat("0", 40), content)
	}},
	{name: "wal of another segment size", repo: "plain-none", damage: func(r *sample) {
		r.change("W19", func(b []byte) []byte { copy(b[32:], []byte{0, 0, 0x20, 0}); return b })
	}},
	{name: "wal that cannot be decoded", repo: "gz", damage: func(r *sample) {
		r.replace(r.path("W1B"), []byte("garbage"))
	}},
	{name: "wal of an unknown version", repo: "plain-none", damage: func(r *sample) {
		dir, _ := os.ReadDir(r.path("A/15-1/0000000100000000"))
		for _, e := range dir {
			if strings.HasSuffix(e.Name(), ".backup") {
				continue
			}
			r.change("A/15-1/0000000100000000/"+e.Name(), func(b []byte) []byte { b[0], b[1] = 1, 1; return b })
		}
	}},
	{
		name: "first wal", repo: "gz", other: "it gives up when the first segment is damaged",
		damage: func(r *sample) { r.replace(r.path("W19"), []byte("garbage")) },
	},
	{name: "odd archives", repo: "plain-none", damage: func(r *sample) {
		r.mkdir("A/15-1/0000000100000001", "A/14-9", "A/9.6-3/0000000100000000", "A/13-10", "A/bogus")
		r.replace(r.path("A/15-1/xyz"), nil)
		r.replace(r.path("A/9.6-3/0000000100000000/00000001000000000000000A.00000028.backup"), nil)
	}},
	{name: "no archives", repo: "chain", damage: func(r *sample) { r.remove("A/15-1") }},
	{name: "manifest and copy gone", repo: "plain-none", damage: func(r *sample) {
		r.remove("B0/backup.manifest", "B0/backup.manifest.copy")
		r.flip("B0/pg_data/PG_VERSION")
	}},
	{name: "directory gone", repo: "chain", damage: func(r *sample) { r.remove("B2") }},
	{name: "all directories gone", repo: "chain", damage: func(r *sample) { r.remove("B0", "B1", "B2", "B3", "B4", "A/15-1") }},
	{name: "set that is gone", repo: "chain", args: []string{"--set={B2}"}, damage: func(r *sample) { r.remove("B2") }},
	{name: "manifest", repo: "chain", damage: func(r *sample) { r.spoil("B1/backup.manifest") }},
	{name: "copy of a manifest", repo: "chain", damage: func(r *sample) { r.spoil("B1/backup.manifest.copy") }},
	{name: "manifest and copy", repo: "chain", damage: func(r *sample) { r.spoil("B1/backup.manifest", "B1/backup.manifest.copy") }},
	{name: "manifest and copy of a set", repo: "chain", args: []string{"--set={B1}"}, damage: func(r *sample) {
		r.spoil("B1/backup.manifest", "B1/backup.manifest.copy")
	}},
	{name: "manifest gone", repo: "chain", damage: func(r *sample) { r.remove("B1/backup.manifest") }},
	{name: "manifest gone and copy", repo: "chain", damage: func(r *sample) {
		r.remove("B1/backup.manifest")
		r.spoil("B1/backup.manifest.copy")
	}},
	{name: "copy of a manifest gone", repo: "chain", damage: func(r *sample) { r.remove("B1/backup.manifest.copy") }},
	{name: "manifest is garbage", repo: "plain-none", damage: func(r *sample) {
		r.replace(r.path("B1/backup.manifest"), []byte("garbage\n"))
		r.remove("B1/backup.manifest.copy")
	}},
	{name: "cluster of nobody", repo: "plain-none", damage: func(r *sample) {
		r.sign("B1/backup.manifest", `^db-system-id=.*`, "db-system-id=771038281415730777")
	}},
	{
		name: "manifest of another backup", repo: "plain-none", other: "it reads the files and is content",
		damage: func(r *sample) {
			r.sign("B1/backup.manifest", `^backup-label=.*`, `backup-label="20261120-222316F_20261120-222317D"`)
		},
	},
	{name: "no files", repo: "plain-none", damage: func(r *sample) { r.sign("B1/backup.manifest", `^pg_(data|tblspc)/.*"size".*\n`, "") }},
	{name: "unlisted backups", repo: "incomplete", damage: func(r *sample) {
		r.mkdir("B/20250101-000000F", "B/20270101-000000F", "B0_20261120-222645D", "A/13-9")
	}},
	{name: "set in progress", repo: "incomplete", args: []string{"--set=20261120-222646F"}},
	{name: "set that never was", repo: "incomplete", args: []string{"--set=20200101-000000F"}},
	{name: "set that is no label", repo: "incomplete", args: []string{"--set=bogus"}},
	{name: "no backup.info", repo: "incomplete", damage: func(r *sample) { r.remove("B/backup.info", "B/backup.info.copy") }},
	{name: "no main info files", repo: "incomplete", damage: func(r *sample) { r.remove("B/backup.info", "A/archive.info") }},
	{name: "no copies of info files", repo: "incomplete", damage: func(r *sample) { r.remove("B/backup.info.copy", "A/archive.info.copy") }},
	{name: "nothing there", repo: "incomplete", args: []string{"--set=bogus"}, damage: func(r *sample) { r.remove("B", "A") }},
	{name: "copies of info files", repo: "incomplete", damage: func(r *sample) {
		r.change("A/archive.info.copy", func(b []byte) []byte { return append(b, '\n') })
		r.change("B/backup.info.copy", func(b []byte) []byte { return append(b, '\n') })
	}},
	{name: "archive.info", repo: "plain-none", damage: func(r *sample) { r.spoil("A/archive.info", "A/archive.info.copy") }},
	{name: "info files of two clusters", repo: "incomplete", damage: func(r *sample) {
		r.sign("A/archive.info", `77103\d+`, "7711382814157307616")
	}},
	{name: "histories", repo: "incomplete", damage: func(r *sample) {
		r.sign("A/archive.info", `^(1={"db-id".*)$`, "$1\n2={\"db-id\":771038281415730777,\"db-version\":\"15\"}")
	}},
	{name: "one file in a bundle", repo: "bundle-zst", other: "it does not find files of bundles that later backups refer to", damage: func(r *sample) {
		r.flip("B0/bundle/1")
	}},
	{name: "bundle that only one backup needs", repo: "bundle-zst", damage: func(r *sample) {
		r.change("B2/bundle/1", func(b []byte) []byte { return b[:len(b)-10] })
	}},
	{name: "bundle of an older writer", repo: "2.45-bundle-gz-2.60", damage: func(r *sample) { r.remove("B2/bundle/1") }},
	{name: "blocks", repo: "bundle-block-zst", other: "it does not look where the blocks of a file are", damage: func(r *sample) {
		r.flip("B0/pg_data/base/16771/16772.pgbi")
	}},
	{name: "encrypted", repo: "aes256-zst", damage: func(r *sample) {
		r.flip("W1B")
		r.flip("B0/pg_data/PG_VERSION.zst", "B1/backup.manifest.copy")
	}},
}

func TestVerifyFindsDamage(t *testing.T) {
	var names []string
	for _, c := range verifyCases {
		names = append(names, c.repo)
	}
	slices.Sort(names)
	repos := unpackSamples(t, slices.Compact(names)...)
	if repos == nil {
		return
	}
	peer := findPeer(t)
	for _, c := range verifyCases {
		t.Run(c.name, func(t *testing.T) {
			r := repos[c.repo].clone(t)
			if c.damage != nil {
				c.damage(r)
			}
			var story strings.Builder
			for n, args := range [][]string{{"--log-level-console=detail", "--verbose"}, {"--output=text"}} {
				args = slices.Concat([]string{"--stanza=demo", "--job-retry=0"}, args, c.args, []string{"verify"})
				ours, status := r.run(args...)
				fmt.Fprintf(&story, "%s\nexit %d\n", ours, status)
				if peer == "" || c.other != "" || n > 0 { // what it prints is what it logs
					continue
				}
				theirs, theirStatus := r.peer(peer, args...)
				if status != theirStatus || inOrder(ours) != inOrder(theirs) {
					t.Errorf("%v\nexit %d, the peer %d\n%s", args, status, theirStatus, difference(inOrder(ours), inOrder(theirs)))
				}
			}
			compareStory(t, "testdata/verify/"+strings.ReplaceAll(c.name, " ", "-")+".txt", story.String())
		})
	}
}

// TestVerifyRecorded expects every recorded repository to be sound, and the peer to say so in the same words. Then it changes a bit
// somewhere in each of some files, or cuts a byte off, and expects exactly these to be found.
func TestVerifyRecorded(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	peer := findPeer(t)
	for name, r := range unpackSamples(t, recordedNames(t)...) {
		r.t = t
		args := []string{"--stanza=demo", "--log-level-console=detail", "--verbose", "verify"}
		out, status := r.run(append([]string{"--process-max=3"}, args...)...)
		if status != 0 || !strings.Contains(out, "status: ok") {
			t.Errorf("%s: exit %d\n%s", name, status, out)
		}
		r.agree(peer, out, status, args...) // with several processes it says now and then that a file of a bundle is missing

		want := r.damageSome(random)
		out, _ = r.run("--stanza=demo", "--process-max=2", "--log-level-console=info", "verify")
		found := map[string]bool{}
		for _, m := range regexp.MustCompile(`(?m)^P0[12]   INFO: invalid (?:checksum '([^']+)'|result (\S+):)`).FindAllStringSubmatch(out, -1) {
			found[m[1]+m[2]] = true
		}
		if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, want) {
			t.Errorf("%s: found\n%s\nwant\n%s\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"), out)
		}
	}
}

// damageSome damages eight files and returns what messages call them, sorted.
func (r *sample) damageSome(random *rand.Rand) (damaged []string) {
	r.t.Helper()
	var files []string
	for _, pattern := range []string{"backup/demo/*F*/pg_data/*/*", "backup/demo/*F*/bundle/*", "archive/demo/*/*/*-*"} {
		found, err := filepath.Glob(filepath.Join(r.root, pattern))
		if err != nil {
			r.t.Fatal(err)
		}
		files = append(files, found...)
	}
	random.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	for _, file := range files {
		content, err := os.ReadFile(file)
		if len(damaged) == 8 {
			break
		}
		if err != nil || len(content) == 0 || strings.Contains(file, ".partial-") || r.unfinished(file) || linked(r.t, file) {
			continue
		}
		if strings.Contains(file, "/archive/") { // it is judged by its content, which may be the same after another bit
			content = content[:len(content)-1]
		} else {
			content[random.IntN(len(content))] ^= 1 << random.IntN(8)
		}
		r.replace(file, content)
		_, short, _ := strings.Cut(file, "/demo/")
		damaged = append(damaged, r.short(short))
	}
	slices.Sort(damaged)
	return damaged
}

// linked reports whether a file may only be there to make a backup directory complete, and is read in another one.
func linked(t *testing.T, file string) bool {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Nlink > 1
}

// unfinished reports whether a file is of a backup nobody finished.
func (r *sample) unfinished(file string) bool {
	_, rest, backup := strings.Cut(file, "/backup/demo/")
	label, _, _ := strings.Cut(rest, "/")
	return backup && !slices.Contains(r.labels, label)
}

// recordedNames lists the golden set.
func recordedNames(t *testing.T) []string {
	t.Helper()
	dir, ok := pgtest.Golden(t)
	if !ok {
		return nil
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", "expected.json"))
	if err != nil || len(found) == 0 {
		t.Fatalf("nothing in %s (%v)", dir, err)
	}
	for i, file := range found {
		found[i] = filepath.Base(filepath.Dir(file))
	}
	return found
}

// compareStory compares a text with a golden file.
func compareStory(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

// inOrder makes logs comparable: files of bundles are read in another order, and decoders word their complaints in their own way.
func inOrder(text string) string {
	text = regexp.MustCompile(`(?m)^(P0\d   INFO: invalid result \S+: \[\d+\]).*(\n {12}    .*)*`).ReplaceAllString(text, "$1")
	text = regexp.MustCompile(`HINT: is \S+ up to date`).ReplaceAllString(text, "HINT: is PROGRAM up to date")
	lines := strings.Split(text, "\n")
	for from := 0; from < len(lines); {
		to := from
		for to < len(lines) && regexp.MustCompile(`^P0[1-9] `).MatchString(lines[to]) {
			to++
		}
		slices.Sort(lines[from:to])
		from = to + 1
	}
	return strings.Join(lines, "\n")
}
