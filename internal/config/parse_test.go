package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/internal/errs"
)

const confPath = "/etc/pgbackrest/pgbackrest.conf"

// parse runs a command line given as one string, with a configuration file.
func parse(t testing.TB, program, args, conf string, env ...string) (*Config, error) {
	t.Helper()
	files := map[string]string{}
	if conf != "" {
		files[confPath] = conf
	}
	return Parse(Input{Program: program, Title: "Holdfast 1.0.0", Args: strings.Fields(args), Env: env, FS: memory(files)})
}

func mustParse(t testing.TB, args, conf string, env ...string) *Config {
	t.Helper()
	c, err := parse(t, "/usr/bin/holdfast", args, conf, env...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestValues(t *testing.T) {
	c := mustParse(t, "--stanza=demo backup --process-max=07 --exclude=a",
		"[demo]\npg1-path=/data/\npg1-user=bob\n[global]\nrepo1-cipher-type=aes-256-cbc\nrepo2-path=/b\nexclude=no\n"+
			"annotation=k=v=w\nannotation=a=b\narchive-timeout=90s\nmanifest-save-threshold=2MiB\nstart-fast=y\n",
		"PGBACKREST_REPO1_CIPHER_PASS=geheim")
	for _, test := range []struct {
		what      string
		got, want any
	}{
		{"command", c.Command, "backup"},
		{"int", c.Int("process-max"), int64(7)},
		{"original", c.Original("process-max"), "07"},
		{"path without slash", c.String("pg-path"), "/data"},
		{"path as written", c.Original("pg-path", 1), "/data/"},
		{"list", c.List("exclude"), []string{"a"}},
		{"hash", c.Hash("annotation"), map[string]string{"k": "v=w", "a": "b"}},
		{"pairs", c.HashPairs("annotation"), []Pair{{"k", "v=w"}, {"a", "b"}}},
		{"duration", c.Duration("archive-timeout"), 90 * time.Second},
		{"size", c.Size("manifest-save-threshold"), int64(2 << 20)},
		{"bool", c.Bool("start-fast"), true},
		{"default", c.String("compress-type"), "gz"},
		{"default by another option", c.Int("compress-level"), int64(6)},
		{"keys", c.Keys("repo"), []int{1, 2}},
		{"default key", c.DefaultKey("repo"), 1},
		{"secret", c.Secret("repo-cipher-pass", 1).Reveal(), "geheim"},
		{"has not", c.Has("repo-cipher-pass", 2), false},
		{"foreign option", c.Has("oldest"), false},
		{"source of file", c.Source("pg-user"), ConfigFile},
		{"source of environment", c.Source("repo-cipher-pass", 1), Environment},
		{"source of arguments", c.Source("stanza"), CommandLine},
		{"source of default", c.Source("delta"), Default},
		{"default program", c.String("cmd"), "/usr/bin/holdfast"},
	} {
		equal(t, test.what, test.got, test.want)
	}
}

// TestSecretsDoNotPrint prints everything that holds a secret in every way.
func TestSecretsDoNotPrint(t *testing.T) {
	c := mustParse(t, "info", "[global]\nrepo1-cipher-type=aes-256-cbc\n", "PGBACKREST_REPO1_CIPHER_PASS=geheim")
	secret := c.Secret("repo-cipher-pass")
	text, _ := secret.MarshalText()
	var all strings.Builder
	for _, v := range c.values {
		fmt.Fprintf(&all, "%v %+v %#v %s %q", v, *v, *v, v.raw, v.text)
	}
	nested := struct{ s Secret }{secret}
	fmt.Fprintf(&all, "%v %+v %#v %v %+v", nested, nested, nested, c, *c)
	fmt.Fprintf(&all, "%v %+v %#v %s %q %s %v", secret, secret, secret, secret, secret, text, secret.LogValue())
	all.WriteString(c.CommandLine() + c.Original("repo-cipher-pass"))
	if strings.Contains(all.String(), "geheim") || strings.Contains(all.String(), "67656865696d") {
		t.Errorf("the secret is in %s", all.String())
	}
	_, err := parse(t, "holdfast", "info", "[global]\nrepo1-type=azure\nrepo1-azure-container=c\n", "PGBACKREST_REPO1_AZURE_ACCOUNT=geheim",
		"PGBACKREST_REPO1_AZURE_KEY=geheim", "PGBACKREST_IO_TIMEOUT=x")
	if err == nil || strings.Contains(errs.Text(err), "geheim") {
		t.Errorf("error is %v", err)
	}
}

func TestMisuseOfAccessorsPanics(t *testing.T) {
	c := mustParse(t, "info", "")
	for name, use := range map[string]func(){
		"unknown":  func() { c.String("bogus") },
		"foreign":  func() { c.Bool("delta") },
		"mistyped": func() { c.Bool("io-timeout") },
		"secret":   func() { _ = c.String("repo-cipher-pass") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			use()
		}()
	}
}

// TestExtensions shows that Holdfast's own commands and options are found by their full names only, and not as pgbackrest.
func TestExtensions(t *testing.T) {
	for _, test := range []struct{ program, args, want string }{
		{"holdfast", "demo --keep --user=me --pg-bin=/opt", ""},
		{"holdfast", "help demo keep", ""},
		{"holdfast", "dem", "invalid command 'dem'"},
		{"holdfast", "demo --ke", "invalid option '--ke'"},
		{"holdfast", "demo --stanza=x", "option 'stanza' not valid for command 'demo'"},
		{"holdfast", "demo --pg-bin=opt", "'opt' must begin with / for 'pg-bin' option"},
		{"holdfast", "info --keep", "option 'keep' not valid for command 'info'"},
		{"/usr/bin/pgbackrest", "demo", "invalid command 'demo'"},
		{"pgbackrest", "repo-put", "invalid command 'repo-put'"},
		{"pgbackrest", "info --keep", "invalid option '--keep'"},
	} {
		_, err := parse(t, test.program, test.args, "")
		if got := fmt.Sprint(err); test.want == "" && err != nil || test.want != "" && got != test.want {
			t.Errorf("%s %s: %v, want %s", test.program, test.args, err, test.want)
		}
	}
	c := mustParse(t, "info", "[global]\nkeep=y\n", "PGBACKREST_USER=x")
	equal(t, "warnings", c.Warnings, []string{
		"environment contains invalid option 'user'", "configuration file contains invalid option 'keep'",
	})
	equal(t, "user", mustParse(t, "demo", "").String("user"), "postgres")
}

func TestHelpAndVersionModes(t *testing.T) {
	for args, want := range map[string]string{
		"":                  "help",
		"--help":            "help",
		"--version":         "version",
		"--version --help":  "help",
		"help --version":    "version",
		"help":              "help",
		"h":                 "help",
		"help help":         "help help",
		"help back":         "help backup",
		"help backup delta": "help backup [delta]",
		"version":           "run version",
	} {
		c := mustParse(t, args, "")
		got := "run " + c.Command
		switch {
		case c.Version:
			got = "version"
		case c.general:
			got = "help"
		case c.Help:
			got = "help " + c.Command
		}
		if len(c.Params) > 0 {
			got += fmt.Sprint(" ", c.Params)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", args, got, want)
		}
	}
}

// TestUnusedIndexes covers indexes of which nothing remains once dependencies are applied.
func TestUnusedIndexes(t *testing.T) {
	for _, test := range []struct {
		conf string
		want []int
	}{
		{"", []int{1}},
		{"repo7-path=/z\n", []int{7}},
		{"repo1-s3-bucket=b\n", []int{1}},
		{"repo3-s3-bucket=b\n", []int{1}},
		{"repo3-s3-bucket=b\nrepo4-s3-bucket=b\n", []int{1}},
		{"repo1-path=/a\nrepo2-s3-bucket=b\n", []int{1}},
		{"repo5-path=/e\nrepo6-s3-bucket=b\n", []int{5}},
		{"repo1-s3-bucket=b\nrepo5-path=/e\n", []int{1}},
		{"repo2-s3-bucket=b\nrepo5-path=/e\nrepo6-s3-bucket=b\n", []int{1}},
		{"repo2-s3-bucket=b\nrepo5-path=/e\nrepo7-path=/f\n", []int{5, 7}},
	} {
		c := mustParse(t, "info", "[global]\n"+test.conf)
		if got := c.Keys("repo"); !slices.Equal(got, test.want) {
			t.Errorf("%q: %v, want %v", test.conf, got, test.want)
		}
		for _, key := range c.Keys("repo") {
			if !c.Has("repo-path", key) {
				t.Errorf("%q: repo%d has no path", test.conf, key)
			}
		}
	}
	c := mustParse(t, "info", "[global]\nrepo2-s3-bucket=b\nrepo5-path=/e\n")
	equal(t, "renumbered path", c.String("repo-path"), "/e")
}

func TestResetsAndNegations(t *testing.T) {
	for _, test := range []struct{ args, conf, want string }{
		{"check --stanza=s --pg1-path=/p --reset-repo1-storage-read-over", "", ": --pg1-path=/p --reset-repo1-storage-read-over --stanza=s"},
		{"info --reset-repo-type", "repo5-path=/e\n", ": --repo5-path=/e"},
		{"info", "repo1-storage-verify-tls=n\nrepo1-path=/a\n", ": --repo1-path=/a --no-repo1-storage-verify-tls"},
		{"info", "repo5-s3-requester-pays=n\nrepo1-path=/a\n", ": --repo1-path=/a"},
		{"info --no-config", "junk", ": --no-config"},
		{"backup --stanza=s --pg1-path=/p --no-backup-standby", "", ": --backup-standby=n --pg1-path=/p --stanza=s"},
	} {
		conf := test.conf
		if conf != "junk" {
			conf = "[global]\n" + conf
		}
		c, err := parse(t, "holdfast", test.args, conf)
		if err != nil {
			t.Errorf("%s: %v", test.args, err)
		} else if got := c.CommandLine(); got != test.want {
			t.Errorf("%s: %s, want %s", test.args, got, test.want)
		}
	}
}

// TestFor goes from backup to expire.
func TestFor(t *testing.T) {
	c := mustParse(t, "backup --stanza=s --delta", "[s]\npg1-path=/p\n[global]\nrepo2-path=/b\nrepo2-retention-full=3\nrepo1-path=/a\n")
	if _, err := c.CrossCheck(); err != nil {
		t.Fatal(err)
	}
	c.SetExecID("1-a")
	e := c.For("expire")
	equal(t, "begin line", e.CommandLine(), ": --exec-id=1-a --repo1-path=/a --repo2-path=/b --repo2-retention-full=3 --stanza=s")
	equal(t, "command", e.CommandInfo().Name, "expire")
	equal(t, "derived", e.Int("repo-retention-archive", 2), int64(3))
	equal(t, "default of its own", e.Bool("dry-run"), false)
	equal(t, "no value", e.Has("set"), false)
	equal(t, "keys", e.Keys("repo"), []int{1, 2})
	equal(t, "no clusters", len(e.Keys("pg")), 0)
}

func TestStanzas(t *testing.T) {
	c := mustParse(t, "check", "[b]\npg1-path=/b\n[global]\n[global:backup]\n[a:backup]\nx=y\n[a]\npg1-path=/a\n")
	equal(t, "stanzas", c.Stanzas(), []string{"a", "b"})
}

func TestOptions(t *testing.T) {
	c := mustParse(t, "restore --stanza=s --pg1-path=/p --delta", "[global]\nrepo1-path=/a\n")
	var got []string
	for s := range c.Options() {
		got = append(got, fmt.Sprint(s.Name, s.Key, s.Source, s.Values, s.Args()))
	}
	equal(t, "options", got, []string{
		"delta0 3 [y] [--delta]", "pg1-path1 3 [/p] [--pg1-path=/p]", "repo1-path1 1 [/a] [--repo1-path=/a]",
		"stanza0 3 [s] [--stanza=s]",
	})
	c.Override("log-level-file", "off")
	if got := c.CommandLine(); !strings.Contains(got, " --log-level-file=off ") {
		t.Errorf("begin line %s", got)
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	_, err := Parse(Input{Args: []string{"info", "--config=" + dir}})
	want := "unable to read '" + dir + "': [21] Is a directory"
	if err == nil || err.Error() != want || errs.CodeOf(err) != errs.FileRead {
		t.Errorf("directory: %v, want %s", err, want)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.conf"), []byte("[global]\nbogus=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Parse(Input{Args: []string{"info", "--no-config", "--config-include-path=" + dir}})
	if err != nil || len(c.Warnings) != 1 {
		t.Errorf("include: %v, %v", c.Warnings, err)
	}
	denied := FS{
		ReadFile: func(string) ([]byte, error) { return nil, &fs.PathError{Op: "open", Err: syscall.EACCES} },
		ReadDir:  func(string) ([]fs.DirEntry, error) { return nil, &fs.PathError{Op: "open", Err: syscall.EACCES} },
	}
	_, err = Parse(Input{Args: []string{"info"}, FS: denied})
	want = "unable to open file '/etc/pgbackrest/pgbackrest.conf' for read: [13] Permission denied"
	if err == nil || err.Error() != want || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("file: %v, want %s", err, want)
	}
	_, err = Parse(Input{Args: []string{"info", "--no-config", "--config-include-path=/x"}, FS: denied})
	want = "unable to list file info for path '/x': [13] Permission denied"
	if err == nil || err.Error() != want || errs.CodeOf(err) != errs.PathOpen {
		t.Errorf("path: %v, want %s", err, want)
	}
}

func TestUnits(t *testing.T) {
	for _, test := range []struct {
		t    Type
		text string
		want int64
		ok   bool
	}{
		{Size, "1", 1, true}, {Size, "1b", 1, true}, {Size, "2K", 2048, true}, {Size, "2kB", 2048, true}, {Size, "2KiB", 2048, true},
		{Size, "4PiB", 4 << 50, true}, {Size, "1kk", 0, false}, {Size, "-1", 0, false}, {Size, "+1", 0, false}, {Size, "k", 0, false},
		{Size, "9000P", 0, false}, {Size, "1 k", 0, false}, {Size, "", 0, false}, {Size, "1ib", 0, false},
		{Time, "1", 1000, true}, {Time, "1MS", 1, true}, {Time, "-5s", -5000, true}, {Time, "2w", 1209600000, true},
		{Time, "1.5", 0, false}, {Time, "", 0, false}, {Time, "m", 0, false}, {Time, "99999999999999999999", 0, false},
		{Integer, "+4", 4, true}, {Integer, "007", 7, true}, {Integer, "0x1", 0, false}, {Integer, "1_000", 0, false},
	} {
		got, ok := number(test.t, test.text)
		if got != test.want || ok != test.ok {
			t.Errorf("%d %q: %d %v, want %d %v", test.t, test.text, got, ok, test.want, test.ok)
		}
	}
}

// BenchmarkParse is what every archive-push pays before it does anything.
func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := parse(b, "holdfast", "--stanza=demo archive-push x", "[demo]\npg1-path=/p\n[global]\nrepo1-path=/a\n"); err != nil {
			b.Fatal(err)
		}
	}
}
