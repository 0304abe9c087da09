package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fleet is several machines on a network of their own. A machine is a set of namespaces: mounts, of which the root is a copy in memory of
// what is installed here, processes, a name and a network. Nothing of it can be seen outside, and all of it goes away with the first
// process of each machine, which ends when the test does, however that ends.
type fleet struct {
	t        testing.TB
	lan      *exec.Cmd // has the network that connects them
	machines []*machine
}

type machine struct {
	fleet   *fleet
	name    string
	address string
	init    *exec.Cmd
}

// lanScript makes a network and waits for the end of the test.
const lanScript = `ip link add lan type bridge && ip link set lan up || exit 1
echo ready
while read -r _; do :; done`

// initScript makes a machine of this one and then waits for the end of the test, which is also the end of all other processes there.
const initScript = `set -eu
dir=$1 name=$2 program=$3 kit=$4 names=$5
umask 022
mount --make-rprivate /
mount -t tmpfs -o mode=755 machine "$dir"
mkdir "$dir/new" "$dir/work" "$dir/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/new,workdir=$dir/work" "$dir/root"
cd "$dir/root"
hostname "$name"
printf '127.0.0.1 localhost\n%s' "$names" >etc/hosts
rm -rf etc/update-motd.d etc/pgbackrest* etc/ssh/ssh_host_* etc/ssh/sshd_config* etc/ssh/ssh_known_hosts etc/ssh/ssh_config* home root \
    var/lib/pgbackrest var/lib/postgresql var/log/pgbackrest var/spool/pgbackrest
install -d -m 755 home etc/ssh
install -d -m 700 root
install -d -o postgres -g postgres -m 755 var/lib/postgresql var/lib/postgresql/15
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=755 run run
install -d run/sshd
install -d -o postgres -g postgres -m 2775 run/postgresql
touch usr/bin/holdfast
mount --bind "$program" usr/bin/holdfast
mkdir -p ".$kit"
mount --rbind "$kit" ".$kit"
cat >usr/local/bin/systemctl
chmod 755 usr/local/bin/systemctl
mkdir -p mnt
pivot_root . mnt
cd /
umount -l /mnt
ip link set lo up
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
printf 'HostKey /etc/ssh/ssh_host_ed25519_key\nUsePAM yes\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n' >/etc/ssh/sshd_config
/usr/sbin/sshd
echo ready
exec <&3
while read -r _; do :; done`

// systemctlScript is the part of an init system the tests need: the server, and services of the program that a unit file describes.
const systemctlScript = `#!/bin/bash
set -eu
cd /
as() { exec setpriv --reuid "$1" --regid "$1" --init-groups env -i PATH=/usr/bin:/bin HOME="$(getent passwd "$1" | cut -d: -f6)" "${@:2}"; }
case $1 in
daemon-reload) exit 0 ;;
enable) set -- start "$3" ;;
esac
if [[ $2 == postgresql ]]; then
    as postgres PGBIN/pg_ctl -D /var/lib/postgresql/15/main -l /var/lib/postgresql/15/main.log -s -w "$1"
fi
unit=/etc/systemd/system/$2.service
value() { sed -n "s/^$1=//p" "$unit"; }
case $1 in
start) as "$(value User)" setsid $(value ExecStart) >>"/var/log/$2.log" 2>&1 </dev/null & echo $! >"/run/$2.pid" ;;
stop) kill "$(cat "/run/$2.pid")" ;;
reload) kill -HUP "$(cat "/run/$2.pid")" ;;
esac`

// newFleet makes machines that know each other by name. It gives nil where that is not possible.
func newFleet(t testing.TB, names ...string) *fleet {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Log("only root can make a network of machines")
		return nil
	}
	f := &fleet{t: t}
	f.lan = f.hold(lanScript, nil, syscall.CLONE_NEWNET)
	var hosts strings.Builder
	for i, name := range names {
		m := &machine{fleet: f, name: name, address: fmt.Sprintf("10.1.1.%d", 11+i)}
		fmt.Fprintf(&hosts, "%s %s\n", m.address, name)
		f.machines = append(f.machines, m)
	}
	var wait sync.WaitGroup
	for _, m := range f.machines {
		wait.Go(func() { m.boot(hosts.String()) })
	}
	wait.Wait()
	if t.Failed() {
		t.FailNow()
	}
	t.Cleanup(func() {
		for _, m := range f.machines {
			if log := m.serverLog(); t.Failed() && log != "" {
				t.Logf("%s:\n%s", m.name, log)
			}
		}
	})
	f.manage()
	return f
}

// hold starts a process in namespaces of its own and returns when it is ready. It ends when its input does.
func (f *fleet) hold(script string, input []byte, flags uintptr, args ...string) *exec.Cmd {
	cmd := exec.Command("/bin/bash", append([]string{"-c", script, "bash"}, args...)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Setpgid: true}
	var said bytes.Buffer
	cmd.Stderr = &said
	life, end, err := os.Pipe()
	if err != nil {
		f.t.Error(err)
		return nil
	}
	defer life.Close()
	cmd.Stdin = life
	if input != nil {
		cmd.Stdin = bytes.NewReader(input)
		cmd.ExtraFiles = []*os.File{life}
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		end.Close()
		f.t.Error(err)
		return nil
	}
	f.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		end.Close()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		cmd.Process.Kill()
		cmd.Wait()
		f.t.Errorf("%q, %v: %s", line, err, &said)
		return nil
	}
	go io.Copy(io.Discard, out)
	return cmd
}

// boot starts a machine and connects it.
func (m *machine) boot(names string) {
	t := m.fleet.t
	dir, err := os.MkdirTemp(lab.root, m.name)
	if err != nil {
		t.Error(err)
		return
	}
	const own = syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET
	m.init = m.fleet.hold(initScript, []byte(strings.ReplaceAll(systemctlScript, "PGBIN", lab.pgBin)), own,
		dir, m.name, lab.named.path, kit(), names)
	if m.init == nil || m.fleet.lan == nil {
		return
	}
	line := fmt.Sprintf("ip link add %[1]s type veth peer name eth0 netns %[2]d && ip link set %[1]s master lan up", m.name,
		m.init.Process.Pid)
	if out, err := exec.Command("nsenter", "-t", fmt.Sprint(m.fleet.lan.Process.Pid), "-n", "sh", "-c", line).CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", line, err, out)
		return
	}
	if out, err := m.run("root", "ip addr add "+m.address+"/24 dev eth0 && ip link set eth0 up"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// manage lets root of the last machine log in to all, as somebody must who sets machines up.
func (f *fleet) manage() {
	f.t.Helper()
	last := f.machines[len(f.machines)-1]
	key := last.ok("root", "mkdir -m 700 .ssh && ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519 && cat .ssh/id_ed25519.pub")
	for _, m := range f.machines {
		m.ok("root", "mkdir -p -m 700 .ssh && echo '"+key+"' >>.ssh/authorized_keys")
		last.ok("root", "echo '"+m.name+" "+m.ok("root", "cat /etc/ssh/ssh_host_ed25519_key.pub")+"' >>.ssh/known_hosts")
	}
}

// machine returns a machine by its name.
func (f *fleet) machine(name string) *machine {
	f.t.Helper()
	i := slices.IndexFunc(f.machines, func(m *machine) bool { return m.name == name })
	if i < 0 {
		f.t.Fatalf("no machine %s", name)
	}
	return f.machines[i]
}

// command prepares a line of shell that a user of the machine types in the home directory.
func (m *machine) command(ctx context.Context, user, line string) *exec.Cmd {
	script := `home=$(getent passwd "$1" | cut -d: -f6) && cd "$home" && exec setpriv --reuid "$1" --regid "$1" --init-groups ` +
		`env -i HOME="$home" USER="$1" LOGNAME="$1" LC_ALL=C.UTF-8 TZ=UTC PATH="$2" bash -c "$3"`
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:" + lab.pgBin
	cmd := exec.CommandContext(ctx, "nsenter", "-t", fmt.Sprint(m.init.Process.Pid), "-m", "-u", "-i", "-n", "-p",
		"bash", "-c", script, "bash", user, path, line)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// run runs a line and gives what it prints.
func (m *machine) run(user, line string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	f, err := os.CreateTemp(lab.root, "out") // a server that is started would keep a pipe open
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	cmd := m.command(ctx, user, line)
	cmd.Stdout, cmd.Stderr = f, f
	err = cmd.Run()
	out, readErr := os.ReadFile(f.Name())
	return strings.TrimRight(string(out), "\n"), errors.Join(err, readErr, ctx.Err())
}

// ok is run for a line that must succeed.
func (m *machine) ok(user, line string) string {
	m.fleet.t.Helper()
	out, err := m.run(user, line)
	if err != nil {
		m.fleet.t.Fatalf("%s@%s: %s: %v\n%s", user, m.name, line, err, out)
	}
	return out
}

// fails is run for a line that must end with an exit status within some time, and print all of the texts.
func (m *machine) fails(user, line string, status int, within time.Duration, texts ...string) {
	m.fleet.t.Helper()
	began := time.Now()
	out, err := m.run(user, line)
	m.judge(user, line, out, err, status, texts)
	if took := time.Since(began); took > within {
		m.fleet.t.Errorf("%s@%s: %s: took %v\n%s", user, m.name, line, took, out)
	}
}

func (m *machine) judge(user, line, out string, err error, status int, texts []string) {
	m.fleet.t.Helper()
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		got = -1
	}
	bad := got != status
	for _, text := range texts {
		bad = bad || !strings.Contains(out, text)
	}
	if bad {
		m.fleet.t.Errorf("%s@%s: %s: exit %d, want %d and %q:\n%s", user, m.name, line, got, status, texts, out)
	}
}

// start runs a line in the background. The function it returns waits for the end, and judges it as fails does.
func (m *machine) start(user, line string) (ended func(status int, texts ...string) string) {
	m.fleet.t.Helper()
	type result struct {
		out string
		err error
	}
	done := make(chan result, 1)
	go func() {
		out, err := m.run(user, line)
		done <- result{out, err}
	}()
	return func(status int, texts ...string) string {
		m.fleet.t.Helper()
		r := <-done
		m.judge(user, line, r.out, r.err, status, texts)
		return r.out
	}
}

// sql asks the server of a machine.
func (m *machine) sql(query string) string {
	m.fleet.t.Helper()
	return m.ok("postgres", "PGOPTIONS='-c client_min_messages=warning' psql -XAtq -v ON_ERROR_STOP=1 -c \""+query+"\"")
}

// until waits until something is so.
func (m *machine) until(what string, ok func() bool) {
	m.fleet.t.Helper()
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	m.fleet.t.Fatalf("%s: not so after a minute: %s", m.name, what)
}

// untilSQL waits until the server answers so.
func (m *machine) untilSQL(query, want string) {
	m.fleet.t.Helper()
	m.until(query+" is "+want, func() bool {
		out, err := m.run("postgres", "psql -XAtq -c \""+query+"\"")
		return err == nil && out == want
	})
}

func (m *machine) serverLog() string {
	out, _ := m.run("root", "tail -n 50 /var/lib/postgresql/15/main.log 2>/dev/null")
	return out
}

// cluster makes and starts a server of the smallest kind. What happens to the host in a test does not include power failures.
func (m *machine) cluster(settings ...string) {
	m.fleet.t.Helper()
	settings = append(texts("fsync = off", "shared_buffers = 16MB", "max_wal_size = 64MB", "min_wal_size = 4MB", "autovacuum = off",
		"log_line_prefix = '%m '"), settings...)
	m.ok("postgres", `initdb -D 15/main -U postgres --auth-local=peer --auth-host=scram-sha-256 -E UTF8 --locale=C.UTF-8 --no-sync \
    --wal-segsize=1 --data-checksums >/dev/null && cat >>15/main/postgresql.conf <<'END'
`+strings.Join(settings, "\n")+"\nEND")
	m.ok("root", "systemctl start postgresql")
}

// write makes a file of a user.
func (m *machine) write(user, path, text string) {
	m.fleet.t.Helper()
	dir := filepath.Dir(path)
	m.ok("root", "mkdir -p "+dir+" && cat >"+path+" <<'END-OF-FILE' && chown "+user+": "+path+"\n"+text+"\nEND-OF-FILE")
}
