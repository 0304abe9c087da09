package config

import (
	"os"
	"strings"
	"testing"
)

// helpText returns what Help prints.
func helpText(t *testing.T, program, args, conf string, env ...string) string {
	t.Helper()
	c, err := parse(t, program, args, conf, env...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CrossCheck(); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Help(c, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestHelpGolden compares three kinds of help with testdata/help-*.txt; UPDATE=1 rewrites them.
func TestHelpGolden(t *testing.T) {
	conf := "[global]\nrepo1-path=/a\nrepo2-path=/b\nrepo2-retention-full=2\nrepo1-cipher-type=aes-256-cbc\ncompress-type=zst\n" +
		"[demo]\npg1-path=/data\n"
	secret := "PGBACKREST_REPO1_CIPHER_PASS=geheim"
	for file, args := range map[string]string{
		"help-general.txt": "help",
		"help-expire.txt":  "help expire --stanza=demo",
		"help-option.txt":  "help backup repo-retention-full",
		"help-demo.txt":    "help demo",
	} {
		got := helpText(t, "/usr/bin/holdfast", args, conf, secret)
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile("testdata/"+file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s:\n%s", args, got)
		}
	}
}

// TestHelpOfEverything explains every command and every option of it.
func TestHelpOfEverything(t *testing.T) {
	table := newTable(true)
	for i := range commands {
		name := commands[i].Name
		checkPage(t, name, helpText(t, "holdfast", "help "+name, ""))
		for _, o := range table.options {
			if _, ok := o.validFor(name, Main); !ok {
				continue
			}
			text := helpText(t, "holdfast", "help "+name+" "+o.Name, "")
			checkPage(t, name+" "+o.Name, text)
			if !strings.HasPrefix(text, "Holdfast 1.0.0 - '"+name+"' command - '"+o.Name+"' option help\n\n") {
				t.Errorf("%s %s begins with %.80s", name, o.Name, text)
			}
		}
	}
}

func checkPage(t *testing.T, what, text string) {
	t.Helper()
	for i, line := range strings.Split(text, "\n") {
		if i > 0 && len(line) > helpWidth && strings.Contains(strings.TrimSpace(line), " ") || strings.TrimRight(line, " ") != line {
			t.Errorf("help %s: line %q", what, line)
		}
	}
	if !strings.HasSuffix(text, "\n") || strings.Contains(text, "\n\n\n") {
		t.Errorf("help %s: wrong empty lines", what)
	}
}

func TestHelpValues(t *testing.T) {
	for _, test := range []struct{ args, conf, want string }{
		{"help backup repo-path", "repo1-path=/a\n", "current: /a\ndefault: /var/lib/pgbackrest\n"},
		{"help backup repo2-path", "repo1-path=/a\nrepo2-path=/b\n", "current:\n  repo1: /a\n  repo2: /b\ndefault: /var/lib/pgbackrest\n"},
		{"help backup pg-path", "", "under one path."},
		{"help backup no-delta", "delta=n\n", "current: n\ndefault: n\n"},
		{"help backup repo-hardlink", "", "default: n\n\ndeprecated name: hardlink\n"},
		{"help info repo-storage-verify-tls", "", "deprecated names: repo-azure-verify-tls, repo-s3-verify-ssl, repo-s3-verify-tls\n"},
		{"help info repo-cipher-pass", "", "\ndefault"},
		{"help backup exclude", "exclude=a\nexclude=b\n", "current: a, b\n"},
		{"help backup db-path", "", "'pg-path' option help"},
		{"help backup stop-auto", "", "internal use"},
		{"help manifest", "", "internal use"},
		{"help backup compress-level", "compress-type=zst\n", "default: 3\n"},
		{"help backup repo-retention-archive", "repo1-retention-full=4\n", "default: 4\n"},
		{"help backup pg-version-force", "", "\n"},
	} {
		got := helpText(t, "holdfast", test.args, "[global]\n"+test.conf)
		switch test.args {
		case "help backup pg-path", "help info repo-cipher-pass": // nothing set, no default
			if strings.Contains(got, "default:") || strings.Contains(got, "current:") {
				t.Errorf("%s:\n%s", test.args, got)
			}
		default:
			if !strings.Contains(got, test.want) {
				t.Errorf("%s:\n%s\nwant\n%s", test.args, got, test.want)
			}
		}
	}
}

func TestHelpNeverShowsSecrets(t *testing.T) {
	for _, args := range []string{"help info", "help info repo-cipher-pass"} {
		got := helpText(t, "holdfast", args, "[global]\nrepo1-cipher-type=aes-256-cbc\n", "PGBACKREST_REPO1_CIPHER_PASS=geheim")
		if strings.Contains(got, "geheim") || !strings.Contains(got, "<redacted>") {
			t.Errorf("%s:\n%s", args, got)
		}
	}
}

func TestHelpErrors(t *testing.T) {
	for args, want := range map[string]string{
		"help backup bogus":   "option 'bogus' is not valid for command 'backup'",
		"help backup recurse": "option 'recurse' is not valid for command 'backup'",
		"help backup delt":    "option 'delt' is not valid for command 'backup'",
		"help backup a b":     "only one option allowed for option help",
		"help backup keep":    "option 'keep' is not valid for command 'backup'",
	} {
		c := mustParse(t, args, "")
		var b strings.Builder
		if err := Help(c, &b); err == nil || err.Error() != want || b.Len() > 0 {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

func TestPhrase(t *testing.T) {
	for in, want := range map[string]string{
		"Back up a cluster.": "back up a cluster",
		"WAL to keep.":       "WAL to keep",
		"TLS Port":           "TLS Port",
		"PostgreSQL port.":   "PostgreSQL port",
		"I am.":              "I am",
	} {
		if got := phrase(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
