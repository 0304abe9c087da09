package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// remoteRows measure work between two hosts, both of which are this one: over ssh, and over TLS. What they use is what the whole
// machine uses, and what they store is told by the other rows, so the last columns are the bytes that went over the network.
func remoteRows() []row {
	var rows []row
	for _, way := range []string{"ssh", "tls"} {
		for _, what := range []struct {
			name string
			run  func(l *lab, ctx context.Context, r row, who int, link []string) (cost, error)
		}{
			{"backup", (*lab).remoteBackup}, {"restore", (*lab).remoteRestore}, {"archive-push", (*lab).remotePush},
		} {
			for _, kind := range []string{"zst", "lz4", "none"} {
				rows = append(rows, row{name: "remote-" + way + "-" + what.name + "-" + kind, kind: kind, asked: true, run: remotely(way, what.run)})
			}
		}
	}
	return rows
}

// remotely lets a row run with a way to the other host.
func remotely(way string, run func(l *lab, ctx context.Context, r row, who int, link []string) (cost, error),
) func(l *lab, ctx context.Context, r row, who int) (cost, error) {
	return func(l *lab, ctx context.Context, r row, who int) (cost, error) {
		if way == "ssh" {
			link, err := l.ssh(who)
			if err != nil {
				return cost{}, err
			}
			return run(l, ctx, r, who, link)
		}
		link, stop, err := l.serve(ctx, r, who)
		if err != nil {
			return cost{}, err
		}
		defer stop()
		return run(l, ctx, r, who, link)
	}
}

// machine measures a command by what the machine does meanwhile.
func (l *lab) machine(run func() (cost, error)) (cost, error) {
	cpu, sent := machineCPU(), loopbackBytes()
	c, err := run()
	c.cpu, c.stored = machineCPU()-cpu, loopbackBytes()-sent
	return c, err
}

func machineCPU() time.Duration {
	text, _ := os.ReadFile("/proc/stat")
	var sum time.Duration
	for i, field := range strings.Fields(strings.SplitN(string(text), "\n", 2)[0]) {
		if ticks, err := strconv.ParseInt(field, 10, 64); err == nil && i != 4 && i != 5 && i < 9 { // not idle, not waiting
			sum += time.Duration(ticks) * time.Second / ticksPerSecond
		}
	}
	return sum
}

func loopbackBytes() int64 {
	text, _ := os.ReadFile("/sys/class/net/lo/statistics/rx_bytes")
	n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n
}

// prefixed puts the name of a group of options in front of what says how to reach the host.
func prefixed(group string, link []string) []string {
	var args []string
	for _, option := range link {
		if strings.HasPrefix(option, "cmd-") {
			args = append(args, "--"+option)
		} else {
			args = append(args, "--"+group+"-"+option)
		}
	}
	return args
}

func (l *lab) remoteBackup(ctx context.Context, r row, who int, link []string) (cost, error) {
	if err := l.create(ctx, "repo"); err != nil {
		return cost{}, err
	}
	return l.machine(func() (cost, error) {
		return l.call(ctx, who, l.options("repo", r.kind), append(prefixed("pg1", link), l.backupArgs()...)...)
	})
}

func (l *lab) remoteRestore(ctx context.Context, r row, who int, link []string) (cost, error) {
	repo, err := l.source(ctx, r.kind)
	if err != nil {
		return cost{}, err
	}
	if _, err := l.freshDir("restored"); err != nil {
		return cost{}, err
	}
	return l.machine(func() (cost, error) { return l.restoreInto(ctx, repo, who, prefixed("repo1", link)...) })
}

func (l *lab) remotePush(ctx context.Context, r row, who int, link []string) (cost, error) {
	if err := l.create(ctx, "repo"); err != nil {
		return cost{}, err
	}
	return l.machine(func() (cost, error) {
		var sum cost
		for _, segment := range l.wal {
			c, err := l.call(ctx, who, l.options("repo", r.kind), append(prefixed("repo1", link), "archive-push", segment)...)
			if err != nil {
				return cost{}, err
			}
			sum.add(c)
		}
		return sum, nil
	})
}

func (l *lab) account() string {
	if l.cred != nil {
		return "postgres"
	}
	return os.Getenv("USER")
}

// ssh starts an ssh server, once, and returns how to reach it.
func (l *lab) ssh(who int) ([]string, error) {
	link := []string{"host=127.0.0.1", "host-user=" + l.account(), "host-cmd=" + l.programs[who], "cmd-ssh=" + l.path("sshd/ssh")}
	if l.sshd != nil {
		return link, nil
	}
	dir, err := l.freshDir("sshd")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"host", "client"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key)).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
	}
	for name, text := range map[string]string{
		"config": fmt.Sprintf("ListenAddress 127.0.0.1\nPort %d\nPidFile none\nHostKey %s/host\nAuthorizedKeysFile %[2]s/client.pub\n"+
			"StrictModes no\nUsePAM no\nMaxStartups 100\nLogLevel ERROR\n", port, dir),
		"ssh": fmt.Sprintf("#!/bin/sh\nexec ssh -F /dev/null -i %s/client -o Port=%d -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"+
			" -o BatchMode=yes \"$@\"\n", dir, port),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			return nil, err
		}
	}
	if l.cred != nil {
		if out, err := exec.Command("chown", "-R", l.account(), dir).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("chown: %w: %s", err, out)
		}
	}
	l.sshd = l.command(context.Background(), "/usr/sbin/sshd", "-D", "-e", "-f", filepath.Join(dir, "config"))
	if err := l.sshd.Start(); err != nil {
		return nil, err
	}
	return link, listens(port)
}

// serve starts the TLS server of a program, and returns how to reach and to stop it.
func (l *lab) serve(ctx context.Context, r row, who int) (link []string, stop func(), err error) {
	dir, err := l.freshDir("tls")
	if err != nil {
		return nil, nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, nil, err
	}
	out, err := exec.Command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
		"-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", dir+"/key", "-out", dir+"/crt").CombinedOutput()
	if err != nil {
		return nil, nil, fmt.Errorf("openssl: %w: %s", err, out)
	}
	repo := "repo"
	if strings.Contains(r.name, "restore") {
		repo = "source-" + r.kind
	}
	text := fmt.Sprintf("[global]\ntls-server-port=%d\ntls-server-ca-file=%[2]s/crt\ntls-server-cert-file=%[2]s/crt\ntls-server-key-file=%[2]s/key\n"+
		"tls-server-auth=localhost=bench\nrepo1-path=%s\nlock-path=%s\n[bench]\npg1-path=%s\n", port, dir, l.path(repo), l.path("tls"), l.path("pg"))
	if err := os.WriteFile(dir+"/conf", []byte(text), 0o644); err != nil {
		return nil, nil, err
	}
	if l.cred != nil {
		if out, err := exec.Command("chown", "-R", l.account(), dir).CombinedOutput(); err != nil {
			return nil, nil, fmt.Errorf("chown: %w: %s", err, out)
		}
	}
	server := l.command(ctx, l.programs[who], "--config="+dir+"/conf", "--log-level-file=off", "--log-level-console=off", "server")
	if err := server.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		_ = server.Wait()
	}
	if err := listens(port); err != nil {
		stop()
		return nil, nil, err
	}
	return []string{"host=localhost", "host-type=tls", "host-port=" + strconv.Itoa(port), "host-config=" + dir + "/conf",
		"host-ca-file=" + dir + "/crt", "host-cert-file=" + dir + "/crt", "host-key-file=" + dir + "/key"}, stop, nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// listens waits until somebody listens on a port.
func listens(port int) error {
	for range 250 {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return conn.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}
	return errors.New("nobody listens on port " + strconv.Itoa(port))
}
