package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/internal/postgres"
)

// startLimit is how long a server may take to accept connections, recovery included.
const startLimit = 90 * time.Second

// Options describes a cluster. The zero value is one of PostgreSQL 15 that does not archive.
type Options struct {
	Version        postgres.Version // 0: that of Bin
	Bin            string           // directory of the server programs, "": see FindBin
	NoChecksums    bool
	SegmentMB      int    // size of WAL segments, 0: 16
	ArchiveCommand string // "" leaves archive_mode off
	Conf           map[string]string
	DataDir        string // "": one of its own
}

// Cluster is a real PostgreSQL cluster that is stopped and, unless it was there before, removed after the test.
type Cluster struct {
	Bin       string
	Version   postgres.Version
	DataDir   string
	SocketDir string
	Port      int
	User      string // a superuser who needs no password
	LogFile   string

	t       testing.TB
	extra   []string // settings on the command line
	cmd     *exec.Cmd
	exited  chan struct{}
	exitErr error
}

// FindBin returns the directory with the server programs: of a given major version, or with 0 what HOLDFAST_PG_BIN names, else
// PostgreSQL 15, else the newest that is installed.
func FindBin(t testing.TB, v postgres.Version) string {
	t.Helper()
	var candidates []string
	if v == 0 {
		candidates = append(candidates, os.Getenv("HOLDFAST_PG_BIN"))
		v = postgres.Version15
		candidates = append(candidates, versionBin(v))
		all := postgres.Versions()
		slices.Reverse(all)
		for _, v := range all {
			candidates = append(candidates, versionBin(v))
		}
	} else {
		candidates = append(candidates, versionBin(v))
	}
	for _, dir := range candidates {
		if dir == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir
		}
	}
	t.Fatalf("no PostgreSQL server programs found (looked for PostgreSQL %s); \"make test\" installs them", v)
	return ""
}

// Installed returns the directories of all server programs that can be found, one for each version: what HOLDFAST_PG_BINS lists
// (separated by colons), then what the system has or the tests have installed.
func Installed(t testing.TB) map[postgres.Version]string {
	t.Helper()
	found := make(map[postgres.Version]string)
	for dir := range strings.SplitSeq(os.Getenv("HOLDFAST_PG_BINS"), ":") {
		if dir != "" {
			found[programVersion(t, dir)] = dir
		}
	}
	for _, v := range postgres.Versions() {
		if _, err := os.Stat(filepath.Join(versionBin(v), "initdb")); err == nil && found[v] == "" {
			found[v] = versionBin(v)
		}
	}
	if len(found) == 0 {
		found[0] = FindBin(t, 0)
	}
	return found
}

// versionBin is where the programs of a version are, if they are there: the system's own, or what e2e/tools/install-versions has
// installed.
func versionBin(v postgres.Version) string {
	system := "/usr/lib/postgresql/" + v.String() + "/bin"
	if _, err := os.Stat(system); err == nil {
		return system
	}
	kit := os.Getenv("HOLDFAST_KIT")
	if cache, err := os.UserCacheDir(); kit == "" && err == nil && os.Geteuid() != 0 {
		kit = filepath.Join(cache, "holdfast-kit")
	}
	return filepath.Join(or(kit, "/opt/holdfast-kit"), "postgres", v.String(), "bin")
}

// Start makes a cluster and starts it.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c := newCluster(t, o)
	c.initdb(o)
	settings := map[string]string{"fsync": "off", "max_wal_senders": "5", "wal_level": "replica", "log_line_prefix": "%m [%p] "}
	if o.ArchiveCommand != "" {
		settings["archive_mode"], settings["archive_command"] = "on", o.ArchiveCommand
	}
	for name, value := range o.Conf {
		settings[name] = value
	}
	c.Configure(settings)
	c.Start()
	return c
}

// StartAt starts a server on a data directory that exists, such as a restored one. Settings in o override those in the directory. It
// returns when the server accepts connections, which may be before recovery has ended; see WaitRecovered.
func StartAt(t testing.TB, dataDir string, o Options) *Cluster {
	t.Helper()
	c, err := TryStartAt(t, dataDir, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TryStartAt is StartAt for a server that may be unable to start. The error has the end of its log.
func TryStartAt(t testing.TB, dataDir string, o Options) (*Cluster, error) {
	t.Helper()
	o.DataDir = dataDir
	c := newCluster(t, o)
	if o.ArchiveCommand != "" {
		c.extra = append(c.extra, "-c", "archive_mode=on", "-c", "archive_command="+o.ArchiveCommand)
	}
	for name, value := range o.Conf {
		c.extra = append(c.extra, "-c", name+"="+value)
	}
	return c, c.TryStart()
}

func newCluster(t testing.TB, o Options) *Cluster {
	t.Helper()
	dir := Dir(t)
	c := &Cluster{
		t: t, Bin: or(o.Bin, ""), DataDir: or(o.DataDir, filepath.Join(dir, "data")), SocketDir: dir,
		User: "postgres", LogFile: filepath.Join(dir, "log"),
	}
	if c.Bin == "" {
		c.Bin = FindBin(t, o.Version)
	}
	c.Version = programVersion(t, c.Bin)
	t.Cleanup(func() {
		c.Stop()
		if t.Failed() {
			t.Logf("server log of %s:\n%s", c.DataDir, c.logTail())
		}
	})
	return c
}

func programVersion(t testing.TB, bin string) postgres.Version {
	t.Helper()
	out, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(out)) // postgres (PostgreSQL) 15.18 (Debian ...)
	if len(fields) < 3 {
		t.Fatalf("cannot tell the version from %q", out)
	}
	for i, c := range fields[2] {
		if (c < '0' || c > '9') && (c != '.' || !strings.HasPrefix(fields[2], "9.") || i > 1) {
			fields[2] = fields[2][:i]
			break
		}
	}
	v, err := postgres.ParseVersion(fields[2])
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (c *Cluster) initdb(o Options) {
	c.t.Helper()
	args := []string{"-D", c.DataDir, "-U", c.User, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"}
	if !o.NoChecksums {
		args = append(args, "--data-checksums")
	} else if c.Version >= postgres.Version18 {
		args = append(args, "--no-data-checksums")
	}
	if o.SegmentMB != 0 {
		args = append(args, "--wal-segsize="+strconv.Itoa(o.SegmentMB))
	}
	out, err := Command(context.Background(), c.t, filepath.Join(c.Bin, "initdb"), args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("initdb: %s\n%s", err, out)
	}
}

// Configure adds settings to postgresql.conf, in the order of their names. A running server needs a Restart or Reload.
func (c *Cluster) Configure(settings map[string]string) {
	c.t.Helper()
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	slices.Sort(names)
	var b bytes.Buffer
	for _, name := range names {
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.ReplaceAll(settings[name], "'", "''"))
	}
	f, err := os.OpenFile(filepath.Join(c.DataDir, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(b.Bytes()); err != nil {
		c.t.Fatal(err)
	}
}

// Start starts the server and waits until it accepts connections.
func (c *Cluster) Start() {
	c.t.Helper()
	if err := c.TryStart(); err != nil {
		c.t.Fatal(err)
	}
}

// TryStart is Start for a server that may be unable to start. The error has the end of its log.
func (c *Cluster) TryStart() error {
	c.t.Helper()
	// Somebody may take the free port before the server does.
	for attempt := 1; ; attempt++ {
		if c.Port == 0 || attempt > 1 {
			c.Port = freePort(c.t)
		}
		err := c.launch()
		if err == nil || attempt == 3 || !strings.Contains(err.Error(), "Address already in use") {
			return err
		}
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (c *Cluster) launch() error {
	c.t.Helper()
	logFile, err := os.OpenFile(c.LogFile, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer logFile.Close()
	args := append([]string{
		"-D", c.DataDir, "-p", strconv.Itoa(c.Port), "-k", c.SocketDir, "-c", "listen_addresses=127.0.0.1", "-c", "logging_collector=off",
	}, c.extra...)
	// The server ends with the test's cleanup, not with a context: it must be asked politely.
	c.cmd = Command(context.Background(), c.t, filepath.Join(c.Bin, "postgres"), args...)
	c.cmd.Stdout, c.cmd.Stderr = logFile, logFile
	if err := c.cmd.Start(); err != nil {
		return err
	}
	c.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		c.exitErr = cmd.Wait()
		close(exited)
	}(c.cmd, c.exited)
	return c.waitReady()
}

func (c *Cluster) waitReady() error {
	deadline := time.Now().Add(startLimit)
	for {
		err := c.TryExec("select 1")
		if err == nil {
			return nil
		}
		select {
		case <-c.exited:
			c.cmd = nil
			return fmt.Errorf("server did not start: %v\n%s", c.exitErr, c.logTail())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("server is not ready: %w\n%s", err, c.logTail())
		}
	}
}

// Running reports whether the server has been started and has not ended.
func (c *Cluster) Running() bool {
	if c.cmd == nil {
		return false
	}
	select {
	case <-c.exited:
		return false
	default:
		return true
	}
}

// Stop stops the server as "fast" does: sessions end, a checkpoint is made, the archiver finishes. It does nothing if there is none.
func (c *Cluster) Stop() { c.stop(syscall.SIGINT) }

// Crash ends the server without a checkpoint.
func (c *Cluster) Crash() { c.stop(syscall.SIGQUIT) }

func (c *Cluster) stop(signal syscall.Signal) {
	c.t.Helper()
	if c.cmd == nil {
		return
	}
	for _, s := range []syscall.Signal{signal, syscall.SIGQUIT, syscall.SIGKILL} {
		if err := c.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
			c.t.Errorf("stop server: %s", err)
		}
		select {
		case <-c.exited:
			c.cmd = nil
			return
		case <-time.After(20 * time.Second):
		}
	}
	c.t.Errorf("server %d does not end", c.cmd.Process.Pid)
}

// Restart stops and starts the server.
func (c *Cluster) Restart() {
	c.t.Helper()
	c.Stop()
	c.Start()
}

// Reload makes the server read its settings again.
func (c *Cluster) Reload() {
	c.t.Helper()
	c.Exec("select pg_reload_conf()")
	time.Sleep(50 * time.Millisecond) // sessions see the signal at their next command; new ones need a moment
}

func (c *Cluster) logTail() string {
	b, err := os.ReadFile(c.LogFile)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-6000):])
}

// Log returns what the server has written to its log since it was started.
func (c *Cluster) Log() string {
	c.t.Helper()
	b, err := os.ReadFile(c.LogFile)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}
