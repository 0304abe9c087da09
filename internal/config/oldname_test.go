package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/errs"
)

// oldNames are the names of the manuals before 2.00, and some later ones, that still mean an option.
var oldNames = []struct{ name, option, value string }{
	{"archive-queue-max", "archive-push-queue-max", "1GB"},
	{"backup-cmd", "repo1-host-cmd", "/usr/bin/pgbackrest"},
	{"backup-config", "repo1-host-config", "/etc/pgbackrest.conf"},
	{"backup-host", "repo1-host", "backup"},
	{"backup-ssh-port", "repo1-host-port", "2222"},
	{"backup-user", "repo1-host-user", "backrest"},
	{"db-cmd", "pg1-host-cmd", "/usr/bin/pgbackrest"},
	{"db-config", "pg1-host-config", "/etc/pgbackrest.conf"},
	{"db-host", "pg1-host", "db"},
	{"db-path", "pg1-path", "/data"},
	{"db-port", "pg1-port", "5433"},
	{"db-socket-path", "pg1-socket-path", "/run/postgresql"},
	{"db-ssh-port", "pg1-host-port", "2222"},
	{"db-user", "pg1-host-user", "postgres"},
	{"db1-path", "pg1-path", "/data"},
	{"db2-cmd", "pg2-host-cmd", "/usr/bin/pgbackrest"},
	{"db2-config", "pg2-host-config", "/etc/pgbackrest.conf"},
	{"db2-host", "pg2-host", "db2"},
	{"db2-path", "pg2-path", "/data2"},
	{"db2-port", "pg2-port", "5434"},
	{"db2-socket-path", "pg2-socket-path", "/tmp"},
	{"db2-ssh-port", "pg2-host-port", "2222"},
	{"db2-user", "pg2-host-user", "postgres"},
	{"hardlink", "repo1-hardlink", "y"},
	{"repo-cipher-pass", "repo1-cipher-pass", "pass"},
	{"repo-cipher-type", "repo1-cipher-type", "none"},
	{"repo-path", "repo1-path", "/repo"},
	{"repo-type", "repo1-type", "posix"},
	{"retention-archive", "repo1-retention-archive", "2"},
	{"retention-archive-type", "repo1-retention-archive-type", "diff"},
	{"retention-diff", "repo1-retention-diff", "3"},
	{"retention-full", "repo1-retention-full", "2"},
	{"repo-s3-bucket", "repo1-s3-bucket", "bucket"},
	{"repo-s3-ca-file", "repo1-storage-ca-file", "/ca"},
	{"repo1-s3-ca-file", "repo1-storage-ca-file", "/ca"},
	{"repo-s3-ca-path", "repo1-storage-ca-path", "/ca"},
	{"repo1-s3-ca-path", "repo1-storage-ca-path", "/ca"},
	{"repo-s3-endpoint", "repo1-s3-endpoint", "s3.example.com"},
	{"repo-s3-host", "repo1-storage-host", "127.0.0.1"},
	{"repo1-s3-host", "repo1-storage-host", "127.0.0.1"},
	{"repo-s3-key", "repo1-s3-key", "key"},
	{"repo-s3-key-secret", "repo1-s3-key-secret", "secret"},
	{"repo1-s3-port", "repo1-storage-port", "9000"},
	{"repo-s3-region", "repo1-s3-region", "region"},
	{"repo-s3-verify-ssl", "repo1-storage-verify-tls", "n"},
	{"repo1-s3-verify-ssl", "repo1-storage-verify-tls", "n"},
	{"repo1-s3-verify-tls", "repo1-storage-verify-tls", "n"},
	{"repo1-azure-ca-file", "repo1-storage-ca-file", "/ca"},
	{"repo1-azure-ca-path", "repo1-storage-ca-path", "/ca"},
	{"repo1-azure-host", "repo1-storage-host", "127.0.0.1"},
	{"repo1-azure-port", "repo1-storage-port", "10000"},
	{"repo1-azure-verify-tls", "repo1-storage-verify-tls", "n"},
}

// keptNames are those of the same manuals that have never changed.
var keptNames = []struct{ name, command, value string }{
	{"archive-async", "archive-push", "y"}, {"archive-check", "backup", "y"}, {"archive-copy", "backup", "y"},
	{"archive-timeout", "backup", "60"}, {"backup-standby", "backup", "y"}, {"buffer-size", "backup", "16384"},
	{"checksum-page", "backup", "y"}, {"cmd-ssh", "backup", "/usr/bin/ssh"}, {"compress", "backup", "y"},
	{"compress-level", "backup", "3"}, {"compress-level-network", "backup", "3"}, {"db-include", "restore", "app"},
	{"db-timeout", "backup", "600"}, {"delta", "restore", "y"}, {"link-all", "restore", "y"}, {"link-map", "restore", "pg_wal=/wal"},
	{"lock-path", "backup", "/tmp/lock"}, {"log-level-console", "backup", "info"}, {"log-level-file", "backup", "info"},
	{"log-level-stderr", "backup", "warn"}, {"log-path", "backup", "/tmp/log"}, {"log-timestamp", "backup", "y"},
	{"manifest-save-threshold", "backup", "1073741824"}, {"neutral-umask", "backup", "y"}, {"process-max", "backup", "4"},
	{"protocol-timeout", "backup", "630"}, {"recovery-option", "restore", "primary_conninfo=host=x"}, {"resume", "backup", "y"},
	{"spool-path", "archive-push", "/spool"}, {"start-fast", "backup", "y"}, {"stop-auto", "backup", "y"},
	{"tablespace-map", "restore", "ts=/ts"}, {"tablespace-map-all", "restore", "/ts"},
}

// needed are the settings under which an option of the past has any effect, without the option itself.
func needed(option string) (global, stanza string) {
	var lines []string
	switch {
	case strings.HasPrefix(option, "pg2"):
		lines = []string{"pg1-path=/1", "pg2-path=/2", "pg2-host=db2"}
	case strings.HasPrefix(option, "pg"):
		lines = []string{"pg1-path=/1", "pg1-host=db"}
	case strings.HasPrefix(option, "repo1-host"):
		lines = []string{"pg1-path=/1", "repo1-host=backup"}
	case strings.HasPrefix(option, "repo1-s3"), strings.HasPrefix(option, "repo1-storage"):
		lines = []string{"pg1-path=/1", "repo1-type=s3", "repo1-s3-bucket=b", "repo1-s3-endpoint=e", "repo1-s3-region=r", "repo1-s3-key=k",
			"repo1-s3-key-secret=s"}
	case option == "repo1-cipher-pass":
		lines = []string{"pg1-path=/1", "repo1-cipher-type=aes-256-cbc"}
	default:
		lines = []string{"pg1-path=/1"}
	}
	global, stanza = "[global]\n", "[s]\n"
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, option+"="):
		case strings.HasPrefix(line, "pg"):
			stanza += line + "\n"
		default:
			global += line + "\n"
		}
	}
	return global, stanza
}

// TestOldNames gives every option by its name of the past in every place it may stand.
func TestOldNames(t *testing.T) {
	for _, old := range oldNames {
		command := "backup"
		if old.name == "archive-queue-max" {
			command = "archive-push"
		}
		global, stanza := needed(old.option)
		line := old.name + "=" + old.value + "\n"
		secure := strings.HasSuffix(old.option, "-pass") || strings.Contains(old.option, "-s3-key")
		if secure {
			_, err := parse(t, "holdfast", "--stanza=s --"+strings.TrimSpace(line)+" "+command, global+stanza)
			want := "option '" + old.option + "' is not allowed on the command-line"
			if err == nil || err.Error() != want {
				t.Errorf("--%s: %v, want %s", old.name, err, want)
			}
		} else {
			oldName{old.option, old.value, CommandLine}.given(t, old.name, command+" --"+strings.TrimSpace(line), global+stanza)
		}
		variable := "PGBACKREST_" + strings.ToUpper(strings.ReplaceAll(old.name, "-", "_")) + "=" + old.value
		oldName{old.option, old.value, Environment}.given(t, old.name, command, global+stanza, variable)
		if strings.HasPrefix(old.option, "pg") {
			stanza += line
		} else {
			global += line
		}
		oldName{old.option, old.value, ConfigFile}.given(t, old.name, command, global+stanza)
	}
}

// oldName is what a name of the past must come to.
type oldName struct {
	option, value string
	source        Source
}

func (o oldName) given(t *testing.T, name, args, conf string, env ...string) {
	t.Helper()
	c, err := parse(t, "holdfast", "--stanza=s "+args, conf, env...)
	if err != nil || len(c.Warnings) > 0 {
		t.Errorf("%s from source %v: %v, warnings %v", name, o.source, err, c.Warnings)
		return
	}
	for s := range c.Options() {
		if s.Name != o.option {
			continue
		}
		if value := strings.Join(s.Values, " "); s.Source != o.source || !s.Option.Secure && value != o.value && s.Negate != (o.value == "n") {
			t.Errorf("%s: %+v, want %+v", name, s, o)
		}
		return
	}
	t.Errorf("%s from source %v does not mean %s", name, o.source, o.option)
}

// TestOldNamesAreAll compares the list with the table.
func TestOldNamesAreAll(t *testing.T) {
	listed := map[string]bool{}
	for _, old := range oldNames {
		name, key, err := cutIndex(old.name, old.name)
		if err != nil {
			t.Fatal(err)
		}
		listed[fmt.Sprint(name, key > 0)] = true
	}
	table := newTable(true)
	for _, o := range table.options {
		for _, old := range o.Deprecated {
			if old.Plain && !listed[fmt.Sprint(old.Name, false)] || old.Indexed && !listed[fmt.Sprint(old.Name, true)] {
				t.Errorf("%s of %s is not tested", old.Name, o.Name)
			}
		}
	}
	for name, now := range gone {
		if _, ok, _ := table.find(name, abbreviated); ok {
			t.Errorf("%s is not gone", name)
		}
		for i, option := range strings.Split(now, "'") {
			option, _, _ = strings.Cut(option, "=")
			if _, ok, err := table.find(option, exactly); i%2 == 1 && !ok {
				t.Errorf("%s: %s does not exist (%v)", name, option, err)
			}
		}
	}
}

// TestKeptNames gives the options whose names are as they were.
func TestKeptNames(t *testing.T) {
	for _, kept := range keptNames {
		conf := "[global]\n" + kept.name + "=" + kept.value + "\n[s]\npg1-path=/1\n"
		if kept.name == "spool-path" {
			conf += "archive-async=y\n"
		}
		oldName{kept.name, kept.value, ConfigFile}.given(t, kept.name, kept.command, conf)
	}
}

// TestGoneNames gives the options that no longer exist. Nothing is taken from them, and who uses them learns what to do.
func TestGoneNames(t *testing.T) {
	hints := map[string]string{
		"thread-max":       "option 'thread-max' has been replaced by 'process-max'.",
		"archive-max-mb":   "option 'archive-max-mb' has been replaced by 'archive-push-queue-max'.",
		"no-start-stop":    "option 'start-stop' has been replaced by 'online'.",
		"reset-thread-max": "option 'thread-max' has been replaced by 'process-max'.",
		"repo-sync":        "option 'repo-sync' is not needed any more.",
	}
	for name := range gone {
		if hints[name] == "" {
			hints[name] = advice(name)
		}
	}
	for name, hint := range hints {
		_, err := parse(t, "holdfast", "--stanza=s backup --"+name+"=4", "")
		want := "invalid option '--" + name + "=4'\nHINT: " + hint
		if err == nil || errs.CodeOf(err) != errs.OptionInvalid || errs.Text(err) != want {
			t.Errorf("--%s: %v, want %s", name, err, want)
		}
		variable := "PGBACKREST_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "=4"
		for _, command := range []string{"backup", "archive-push", "restore", "expire", "check", "info", "repo-ls", "repo-get"} {
			conf := "[global]\n" + name + "=4\n[s]\npg1-path=/1\n"
			c, err := parse(t, "holdfast", "--stanza=s "+command, conf, variable)
			want := []string{"environment contains invalid option '" + name + "'", "configuration file contains invalid option '" + name + "'"}
			if command != "info" && !strings.HasPrefix(command, "repo-") { // which others read line by line
				want[0] += "\nHINT: " + hint
				want[1] += "\nHINT: " + hint
			}
			if err != nil || !slices.Equal(c.Warnings, want) {
				t.Errorf("%s in %s: %v, warnings %q, want %q", name, command, err, c.Warnings, want)
			}
		}
	}
}
