package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// host is one machine in small: a configuration file, a repository, the directories the program
// keeps its own files in, and perhaps a cluster.
type host struct {
	t       testing.TB
	dir     string
	stanza  string
	prog    program // what run, ok and fails start, and what archive_command names
	cluster *cluster
	conf    []confLine
	cred    *syscall.Credential
	env     []string // added to the environment of every program
	unlock  func()   // see lockArchive
}

type confLine struct{ section, key, value string }

// newHost makes the directories and a configuration without a cluster.
func newHost(t testing.TB, prog program) *host {
	t.Helper()
	dir, err := os.MkdirTemp(lab.root, "h")
	if err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, dir: dir, stanza: "s", prog: prog, cred: lab.cred}
	t.Cleanup(func() {
		if t.Failed() && os.Getenv("HOLDFAST_TEST_KEEP") != "" {
			t.Logf("kept %s", dir)
			return
		}
		os.RemoveAll(dir)
	})
	h.chown(dir)
	for _, name := range []string{"repo", "repo2", "lock", "log", "spool", "tmp", "sock"} {
		h.mkdir(name, 0o750)
	}
	h.set("global", "repo1-path", h.path("repo"))
	h.set("global", "lock-path", h.path("lock"))
	h.set("global", "log-path", h.path("log"))
	h.set("global", "spool-path", h.path("spool"))
	h.set("global", "log-level-console", "info")
	h.set("global", "log-level-file", "off")
	h.set("global", "log-timestamp", "n")
	h.set("global", "compress-type", "none")
	h.set("global", "start-fast", "y")
	h.set("global", "process-max", "2")
	h.set("global", "archive-timeout", "60")
	h.set("global", "repo1-retention-full", "99")
	h.set("global", "job-retry", "0") // or every damaged file takes 15 seconds more
	return h
}

// path is below the directory of the host.
func (h *host) path(elem ...string) string {
	return filepath.Join(append([]string{h.dir}, elem...)...)
}

func (h *host) chown(path string) {
	h.t.Helper()
	if lab.cred != nil {
		if err := os.Lchown(path, lab.uid, lab.gid); err != nil {
			h.t.Fatal(err)
		}
	}
}

// mkdir makes a directory below the host's, owned by the unprivileged user.
func (h *host) mkdir(name string, mode os.FileMode) string {
	h.t.Helper()
	path := h.path(name)
	if err := os.Mkdir(path, mode); err != nil {
		h.t.Fatal(err)
	}
	h.chown(path)
	return path
}

// write makes a file owned by the unprivileged user.
func (h *host) write(path, content string) {
	h.t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
		h.t.Fatal(err)
	}
	h.chown(path)
}

func (h *host) read(path string) string {
	h.t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}

func (h *host) remove(path string) {
	h.t.Helper()
	if _, err := os.Lstat(path); err != nil {
		h.t.Fatal(err)
	}
	if err := os.RemoveAll(path); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// glob gives the one path that matches below the host's directory.
func (h *host) glob(pattern string) string {
	h.t.Helper()
	found, err := filepath.Glob(h.path(pattern))
	if err != nil || len(found) != 1 {
		h.t.Fatalf("%s: %d matches %v, want 1 (%v)", pattern, len(found), found, err)
	}
	return found[0]
}

// deny takes all permissions from a path until the returned function (or the end of the test) gives
// them back.
func (h *host) deny(path string, mode os.FileMode) (restore func()) {
	h.t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		h.t.Fatal(err)
	}
	restore = func() { os.Chmod(path, info.Mode().Perm()) }
	h.t.Cleanup(restore)
	return restore
}

func (h *host) confPath() string { return h.path("pgbackrest.conf") }

// set writes an option into the configuration file, replacing an earlier value.
func (h *host) set(section, key, value string) {
	h.t.Helper()
	line := confLine{section, key, value}
	i := slices.IndexFunc(h.conf, func(l confLine) bool { return l.section == section && l.key == key })
	if i < 0 {
		h.conf = append(h.conf, line)
	} else {
		h.conf[i] = line
	}
	h.saveConf()
}

func (h *host) unset(section, key string) {
	h.t.Helper()
	h.conf = slices.DeleteFunc(h.conf, func(l confLine) bool { return l.section == section && l.key == key })
	h.saveConf()
}

func (h *host) saveConf() {
	h.t.Helper()
	var sections []string
	body := map[string]string{}
	for _, l := range h.conf {
		if _, ok := body[l.section]; !ok {
			sections = append(sections, l.section)
		}
		body[l.section] += l.key + "=" + l.value + "\n"
	}
	var text strings.Builder
	for _, s := range sections {
		fmt.Fprintf(&text, "[%s]\n%s\n", s, body[s])
	}
	h.write(h.confPath(), text.String())
}

// secondRepo adds repo2 to the configuration.
func (h *host) secondRepo() {
	h.set("global", "repo2-path", h.path("repo2"))
	h.set("global", "repo2-retention-full", "99")
}

// result is what one run of a program gave.
type result struct {
	prog   program
	args   []string
	stdout string
	stderr string
	code   int
}

func (r result) all() string { return r.stdout + r.stderr }

func (r result) String() string {
	out := beginLine.ReplaceAllString(r.all(), "$1 ...")
	return fmt.Sprintf("%s %s\nexit %d\n%s", r.prog.name, strings.Join(r.args, " "), r.code, out)
}

var beginLine = regexp.MustCompile(`(?m)^(.* command begin [^:]*:).*`)

// command prepares a program with exactly these arguments, as the unprivileged user.
func (h *host) command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = h.dir
	cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=" + h.dir, "TMPDIR=" + h.path("tmp"), "TZ=UTC",
		"LC_ALL=C.UTF-8", "USER=" + lab.user,
		"GORACE=atexit_sleep_ms=0"}, h.env...) // else every command takes a second longer under the race detector
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: h.cred, Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// withConfig puts the options that say where we are in front of the arguments.
func (h *host) withConfig(args []string) []string {
	pre := []string{"--config=" + h.confPath()}
	if h.stanza != "" && !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--stanza=") }) {
		pre = append(pre, "--stanza="+h.stanza)
	}
	return append(pre, args...)
}

// exec runs a program of the kind under test with exactly these arguments.
func (h *host) exec(p program, args ...string) result {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	return h.finish(ctx, p, h.command(ctx, p.path, args...))
}

func (h *host) finish(ctx context.Context, p program, cmd *exec.Cmd) result {
	h.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		h.t.Fatalf("%s %v: %v\n%s%s", p.name, cmd.Args[1:], err, &stdout, &stderr)
	}
	r := result{prog: p, args: cmd.Args[1:], stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
	if strings.Contains(r.stderr, "WARNING: DATA RACE") {
		h.t.Errorf("%s", r)
	}
	return r
}

// runAs runs a program with the host's configuration and stanza.
func (h *host) runAs(p program, args ...string) result {
	h.t.Helper()
	return h.exec(p, h.withConfig(args)...)
}

// run is runAs with the program of the host.
func (h *host) run(args ...string) result {
	h.t.Helper()
	return h.runAs(h.prog, args...)
}

// ok runs a command that must succeed.
func (h *host) ok(args ...string) result {
	h.t.Helper()
	return h.okAs(h.prog, args...)
}

func (h *host) okAs(p program, args ...string) result {
	h.t.Helper()
	r := h.runAs(p, args...)
	if r.code != 0 {
		h.t.Fatalf("%s", r)
	}
	return r
}

// want checks the exit code of a result and that its output contains the texts. A code above 1 must
// also be in the error line.
func (h *host) want(r result, code int, texts ...string) result {
	h.t.Helper()
	out := r.all()
	if r.code != code {
		h.t.Errorf("exit code %d, want %d: %s", r.code, code, r)
		return r
	}
	if line := fmt.Sprintf(": [%03d]: ", code); code > 1 && !strings.Contains(out, line) {
		h.t.Errorf("no %q: %s", line, r)
	}
	for _, text := range texts {
		if not, ok := strings.CutPrefix(text, "!"); ok {
			if strings.Contains(out, not) {
				h.t.Errorf("unexpected %q: %s", not, r)
			}
		} else if !strings.Contains(out, text) {
			h.t.Errorf("no %q: %s", text, r)
		}
	}
	return r
}

// gives runs the program and checks the result as want does.
func (h *host) gives(code int, texts []string, args ...string) result {
	h.t.Helper()
	return h.want(h.run(args...), code, texts...)
}

// both runs the peer and the host's program on the same state, checks both results as want does,
// and that they are the same but for what must differ. For commands that change nothing.
func (h *host) both(code int, texts []string, args ...string) {
	h.t.Helper()
	peer := h.want(h.runAs(lab.peer, args...), code, texts...)
	ours := h.want(h.run(args...), code, texts...)
	h.same(peer, ours)
}

// same compares two results but for what differs between any two runs.
func (h *host) same(peer, ours result) {
	h.t.Helper()
	if peer.code != ours.code || h.normal(peer.stdout) != h.normal(ours.stdout) || h.normal(peer.stderr) != h.normal(ours.stderr) {
		h.t.Errorf("%s %s: exit %d, the peer %d; - the peer, + ours:\n%s", ours.prog.name, strings.Join(ours.args, " "), ours.code, peer.code,
			lineDiff(h.normal(ours.all()), h.normal(peer.all())))
	}
}

var variable = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`exec-id=\d+-[0-9a-f]{8}`), "exec-id=X"},
	{regexp.MustCompile(`\(\d+ms\)`), "(Xms)"},
	{regexp.MustCompile(`^(?:P\d\d +DEBUG: .*\n)+`), ""},
	{regexp.MustCompile(`process \d+`), "process X"},
	{regexp.MustCompile(`backup start archive = \S+, lsn = \S+`), "backup start archive = X, lsn = X"},
	{regexp.MustCompile(`check archive for (prior )?segment \S+`), "check archive for segment X"},
}

// normal replaces what differs between two runs of the same command.
func (h *host) normal(out string) string {
	for _, p := range []program{lab.peer, lab.ours, lab.raced} {
		out = strings.ReplaceAll(out, p.path, "PROGRAM")
		out = strings.ReplaceAll(out, "begin "+p.release+":", "begin X:")
	}
	for _, v := range variable {
		out = v.pattern.ReplaceAllString(out, v.with)
	}
	return out
}

// lastLabel is the newest backup in the repository directory.
func (h *host) lastLabel(repo string) string {
	h.t.Helper()
	labels := h.labels(repo)
	if len(labels) == 0 {
		h.t.Fatal("no backup")
	}
	return labels[len(labels)-1]
}

var labelPattern = regexp.MustCompile(`^\d{8}-\d{6}F(_\d{8}-\d{6}[DI])?$`)

// labels are the backup directories in a repository, sorted.
func (h *host) labels(repo string) []string {
	h.t.Helper()
	entries, err := os.ReadDir(h.path(repo, "backup", h.stanza))
	if err != nil {
		h.t.Fatal(err)
	}
	var labels []string
	for _, e := range entries {
		if e.IsDir() && labelPattern.MatchString(e.Name()) {
			labels = append(labels, e.Name())
		}
	}
	return labels
}

// backup makes a backup of a type and gives its label.
func (h *host) backup(kind string, args ...string) string {
	h.t.Helper()
	return h.backupAs(h.prog, kind, args...)
}

func (h *host) backupAs(p program, kind string, args ...string) string {
	h.t.Helper()
	r := h.okAs(p, append([]string{"backup", "--type=" + kind}, args...)...)
	return newLabel(h.t, r)
}

var newLabelPattern = regexp.MustCompile(`new backup label = (\S+)`)

func newLabel(t testing.TB, r result) string {
	t.Helper()
	m := newLabelPattern.FindStringSubmatch(r.stdout)
	if m == nil {
		t.Fatalf("no label: %s", r)
	}
	return m[1]
}
