package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// namesOfThePast are options of the manuals before 2.00, with a value and the settings they depend on.
const namesOfThePast = `
archive-queue-max=1GB archive-push
backup-cmd=/usr/bin/pgbackrest backup repo1-host=b
backup-config=/etc/pgbackrest.conf backup repo1-host=b
backup-host=b backup
backup-ssh-port=2222 backup repo1-host=b
backup-user=backrest backup repo1-host=b
db-cmd=/usr/bin/pgbackrest backup pg1-host=d
db-config=/etc/pgbackrest.conf backup pg1-host=d
db-host=d backup
db-path=/data backup
db-port=5433 backup
db-socket-path=/tmp backup
db-ssh-port=2222 backup pg1-host=d
db-user=postgres backup pg1-host=d
db2-host=d backup pg2-path=/2
db2-path=/data2 backup
db2-port=5434 backup pg2-path=/2
hardlink=y backup
hardlink=n backup
repo-cipher-pass=pass backup repo1-cipher-type=aes-256-cbc
repo-cipher-type=none backup
repo-path=/repo expire
repo-type=posix expire
retention-archive=2 expire
retention-archive-type=diff expire
retention-diff=3 expire
retention-full=2 expire
repo-s3-bucket=b expire repo1-type=s3 repo1-s3-endpoint=e repo1-s3-region=r repo1-s3-key=k repo1-s3-key-secret=s
repo-s3-host=127.0.0.1 expire repo1-type=s3 repo1-s3-bucket=b repo1-s3-endpoint=e repo1-s3-region=r repo1-s3-key=k repo1-s3-key-secret=s
repo-s3-verify-ssl=n expire repo1-type=s3 repo1-s3-bucket=b repo1-s3-endpoint=e repo1-s3-region=r repo1-s3-key=k repo1-s3-key-secret=s
archive-async=y archive-push
archive-check=n backup
archive-copy=y backup
archive-timeout=60 backup
backup-standby=y backup
buffer-size=16384 backup
checksum-page=y backup
cmd-ssh=/usr/bin/ssh backup
compress=y backup
compress-level=3 backup
compress-level-network=3 backup
db-include=app restore
db-timeout=600 backup
link-all=y restore
log-level-stderr=off backup
neutral-umask=y backup
process-max=4 backup
protocol-timeout=1830 backup
recovery-option=primary_conninfo=x restore
resume=y backup
start-fast=y backup
stop-auto=y backup
tablespace-map-all=/ts restore
archive-max-mb=1024 archive-push
cmd-psql=/usr/bin/psql backup
cmd-psql-option=--port=5433 backup
cmd-remote=/usr/bin/pgbackrest backup
config-remote=/etc/pgbackrest.conf backup
recovery-setting=standby_mode=on restore
repo-link=n backup
repo-remote-path=/repo backup
repo-sync=n backup
standby-mode=on restore
no-start-stop=y backup
tablespace=n restore
target-resume=n restore
thread-max=4 backup
thread-timeout=60 backup
thread-max=4 info
`

var oldHint = regexp.MustCompile(`(?m)^ *HINT: option '[a-z-]+' (has been replaced by|is not needed).*\n`)

// TestNamesOfThePast gives them on the command line, in the environment and in the configuration file. Both programs
// understand the same of it: they begin with the same options or refuse with the same words, but for advice.
func TestNamesOfThePast(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	conf := h.path("old.conf")
	// Whoever has begun finds that somebody else is at work.
	for _, name := range []string{"s-backup-1.lock", "s-restore-1.lock"} {
		defer h.hold(name, `{"execId":"1-00000000","pid":1}`)()
	}
	for line := range strings.Lines(strings.TrimSpace(namesOfThePast)) {
		fields := strings.Fields(line)
		setting, command := fields[0], fields[1]
		name, value, _ := strings.Cut(setting, "=")
		text := "[s]\n"
		if name != "db-path" {
			text += "pg1-path=" + h.path("pg") + "\n"
		}
		text += strings.Join(fields[2:], "\n") + "\n"
		run := func(p program, where string) string {
			h.t.Helper()
			args := []string{"--stanza=s", "--config=" + conf, "--log-level-console=info", "--log-level-file=off", "--no-log-timestamp",
				"--lock-path=" + h.path("lock"), command}
			h.env = nil
			content := text
			switch where {
			case "command line":
				args = append(args, "--"+setting)
			case "environment":
				h.env = []string{"PGBACKREST_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "=" + value}
			default:
				content += setting + "\n"
			}
			h.write(conf, content)
			return h.normal(h.exec(p, args...).begun())
		}
		for _, where := range []string{"command line", "environment", "file"} {
			ours, peer := run(lab.ours, where), run(lab.peer, where)
			if got := oldHint.ReplaceAllString(ours, ""); got != peer {
				t.Errorf("%s %s in the %s:\n%s\nof the peer:\n%s", command, setting, where, ours, peer)
			}
		}
	}
	h.env = nil
}

// begun is what a program says until it begins its work, with the exit status if it does not come to that.
func (r result) begun() string {
	var said strings.Builder
	for line := range strings.Lines(r.all()) {
		said.WriteString(line)
		if strings.Contains(line, " command begin ") {
			return said.String()
		}
	}
	return fmt.Sprintf("%sexit %d", said.String(), r.code)
}
