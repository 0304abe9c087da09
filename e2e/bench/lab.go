package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lab is the machine in small on which both programs work: one cluster, a repository for each
// program and kind, and the WAL the cluster wrote while it was filled.
type lab struct {
	settings
	root     string
	cred     *syscall.Credential
	uid, gid int
	programs [2]string // ours, the peer
	clusterB int64
	pgOn     bool
	wal      []string
	sshd     *exec.Cmd
}

const (
	ours = iota
	peer
)

func newLab(s settings) (*lab, error) {
	l := &lab{settings: s}
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return nil, fmt.Errorf("root cannot run PostgreSQL: %w", err)
		}
		l.uid, _ = strconv.Atoi(u.Uid)
		l.gid, _ = strconv.Atoi(u.Gid)
		l.cred = &syscall.Credential{Uid: uint32(l.uid), Gid: uint32(l.gid)}
	}
	var err error
	if l.root, err = os.MkdirTemp(s.dir, "hf-bench-"); err != nil {
		return nil, err
	}
	if err := os.Chmod(l.root, 0o755); err != nil {
		return nil, err
	}
	if l.cred != nil {
		if err := os.Chown(l.root, l.uid, l.gid); err != nil {
			return nil, err
		}
	}
	// Both are called by the same name from a place the unprivileged user can reach.
	for i, from := range []string{s.holdfast, s.peer} {
		dir := filepath.Join(l.root, "bin"+strconv.Itoa(i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
		if from, err = filepath.Abs(from); err != nil {
			return nil, err
		}
		l.programs[i] = filepath.Join(dir, "pgbackrest")
		if i == peer { // it finds its libraries by its own path
			err = os.Symlink(from, l.programs[i])
		} else {
			err = copyFile(from, l.programs[i])
		}
		if err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"tmp", "wal", "sock", "lock"} {
		if _, err := l.freshDir(name); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o755)
}

func (l *lab) path(elem ...string) string { return filepath.Join(append([]string{l.root}, elem...)...) }

// freshDir makes an empty directory for the unprivileged user.
func (l *lab) freshDir(name string) (string, error) {
	path := l.path(name)
	if err := os.RemoveAll(path); err != nil {
		return "", err
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", err
	}
	if l.cred != nil {
		return path, os.Chown(path, l.uid, l.gid)
	}
	return path, nil
}

func (l *lab) close() error {
	var err error
	if l.sshd != nil {
		_ = l.sshd.Process.Signal(syscall.SIGTERM)
		_ = l.sshd.Wait()
	}
	if l.pgOn {
		_, err = l.pg(context.Background(), "pg_ctl", "-D", l.path("pg"), "-s", "-m", "immediate", "stop")
	}
	if l.keep {
		fmt.Fprintln(os.Stderr, "kept", l.root)
		return err
	}
	return errors.Join(err, os.RemoveAll(l.root))
}

func (l *lab) command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = l.root
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + l.path("tmp"), "TMPDIR=" + l.path("tmp"), "TZ=UTC", "LC_ALL=C.UTF-8",
		"PGOPTIONS=-c client_min_messages=warning"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: l.cred, Setpgid: true}
	return cmd
}

// pg runs a program of PostgreSQL.
func (l *lab) pg(ctx context.Context, name string, args ...string) (string, error) {
	cmd := l.command(ctx, filepath.Join(l.pgBin, name), args...)
	out, err := os.CreateTemp(l.root, "out")
	if err != nil {
		return "", err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out // a file, as the server keeps it open
	err = cmd.Run()
	text, _ := os.ReadFile(out.Name())
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", name, err, text)
	}
	return strings.TrimSpace(string(text)), nil
}

func (l *lab) sql(ctx context.Context, query string) (string, error) {
	return l.pg(ctx, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", l.path("sock"), "-U", "postgres", "-c", query)
}

// makeCluster fills a cluster with tables that compress three to four times with gzip, keeps some of
// the WAL that updating them makes, and leaves the server running.
func (l *lab) makeCluster(ctx context.Context) error {
	fmt.Fprintf(os.Stderr, "making a cluster of %d MiB\n", l.megabytes)
	data := l.path("pg")
	if _, err := l.pg(ctx, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "--data-checksums"); err != nil {
		return err
	}
	conf, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(conf, "listen_addresses = ''\nunix_socket_directories = '%s'\nfsync = off\nautovacuum = off\n"+
		"max_wal_size = 2GB\nshared_buffers = 256MB\narchive_mode = on\narchive_command = 'true pgbackrest'\n", l.path("sock"))
	if err := errors.Join(err, conf.Close()); err != nil {
		return err
	}
	if _, err := l.pg(ctx, "pg_ctl", "-D", data, "-s", "-w", "-l", l.path("tmp/log"), "start"); err != nil {
		return err
	}
	l.pgOn = true
	if err := l.fill(ctx); err != nil {
		return err
	}
	if err := l.keepWAL(ctx); err != nil {
		return err
	}
	l.clusterB, err = treeSize(data, "pg_wal")
	return err
}

// tables is how many tables there are, t0 and so on.
const tables = 10

// fill makes them; about 9,400 rows and their index are one MiB.
func (l *lab) fill(ctx context.Context) error {
	const rowsPerMiB = 7200
	rows := l.megabytes * rowsPerMiB / tables
	for i := range tables {
		query := fmt.Sprintf(`create table t%[1]d as select i as id, (random() * 100000)::int as amount,
			timestamp '2024-01-01' + i * interval '7 s' as at, md5((i * 31 + %[1]d)::text) as ref,
			'customer ' || (random() * 5000)::int || ', ' || (array['delivered', 'returned', 'on its way', 'waiting for payment'])[1 + i %% 4] as note
			from generate_series(1, %[2]d) i; alter table t%[1]d add primary key (id)`, i, rows)
		if _, err := l.sql(ctx, query); err != nil {
			return err
		}
	}
	_, err := l.sql(ctx, "checkpoint")
	return err
}

// keepWAL lets updates write as many segments as the rows need.
func (l *lab) keepWAL(ctx context.Context) error {
	copyTo := "cp %p " + l.path("wal") + "/%f"
	if _, err := l.sql(ctx, "alter system set archive_command = '"+copyTo+"'"); err != nil {
		return err
	}
	if _, err := l.sql(ctx, "select pg_reload_conf()"); err != nil {
		return err
	}
	for step := 0; len(l.wal) <= l.segments && step < 100; step++ {
		if _, err := l.sql(ctx, fmt.Sprintf("update t%d set amount = amount + 1 where id %% 9 = 0", step%tables)); err != nil {
			return err
		}
		if _, err := l.sql(ctx, "select pg_switch_wal(), pg_sleep(0.5)"); err != nil {
			return err
		}
		var err error
		if l.wal, err = filepath.Glob(l.path("wal/????????????????????????")); err != nil {
			return err
		}
	}
	if len(l.wal) <= l.segments {
		return fmt.Errorf("only %d segments of WAL", len(l.wal))
	}
	l.wal = l.wal[:l.segments]
	if _, err := l.sql(ctx, "alter system set archive_command = 'true pgbackrest'"); err != nil {
		return err
	}
	_, err := l.sql(ctx, "select pg_reload_conf(); checkpoint")
	return err
}

func (l *lab) describe() string {
	return fmt.Sprintf("cluster of %.0f MiB, %d segments of 16 MiB", float64(l.clusterB)/(1<<20), len(l.wal))
}

func (l *lab) versions() string {
	var all []string
	for _, path := range []string{l.holdfast, l.peer} {
		out, _ := exec.Command(path, "version").Output()
		all = append(all, string(bytes.TrimSpace(out)))
	}
	return strings.Join(all, " beside ")
}

// treeSize adds up the files below a directory, leaving out directories of a name.
func treeSize(root, without string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		if d.IsDir() && d.Name() == without {
			return fs.SkipDir
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
		return nil
	})
	return sum, err
}
