package command

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"holdfast/internal/errs"
)

// demoAs runs the demonstration as another user, in a directory that goes away afterwards.
func (s *session) demoAs(ctx context.Context, name, program string) (err error) {
	account, err := findAccount(name)
	if err != nil {
		return err
	}
	home, program, err := demoHome(ctx, s.env.tempDirs(), account, program)
	if err != nil {
		return err
	}
	if !s.cfg.Bool("keep") {
		defer func() {
			if removeErr := os.RemoveAll(home); removeErr != nil && err == nil {
				err = errs.Because(errs.PathRemove, removeErr, "unable to remove '%s': %s", home, errs.System(removeErr))
			}
		}()
	}
	cmd := exec.Command(program, demoArgs(s)...)
	cmd.Args[0] = s.env.Program
	cmd.Dir = home
	cmd.Env = demoEnviron(s.env, home)
	cmd.Stdout, cmd.Stderr = s.env.Stdout, s.env.Stderr
	// In a session of its own it gets no signals from the terminal, only the one that is passed on.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account, Setsid: true}
	return s.attend(ctx, cmd)
}

// attend waits for a program that is this command under another account. Its exit status becomes ours; it has said the rest.
func (s *session) attend(ctx context.Context, cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return errs.Wrap(errs.Execute, err, "unable to run '%s'", cmd.Path)
	}
	ended := make(chan struct{})
	passed := make(chan struct{})
	go func() {
		defer close(passed)
		select {
		case <-ctx.Done():
			_ = cmd.Process.Signal(syscall.SIGTERM)
		case <-ended:
		}
	}()
	err := cmd.Wait()
	close(ended)
	<-passed
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return errs.Wrap(errs.Execute, err, "unable to run '%s'", cmd.Path)
	}
	if s.status = cmd.ProcessState.ExitCode(); s.status < 0 {
		return errs.New(errs.Execute, "the demonstration was ended: %s", cmd.ProcessState)
	}
	return nil
}

// demoArgs are the arguments once more, without the account.
func demoArgs(s *session) []string {
	args := []string{"demo"}
	if dir := s.demoPgBin(); dir != "" {
		args = append(args, "--pg-bin="+dir)
	}
	if s.cfg.Bool("keep") {
		args = append(args, "--keep")
	}
	return args
}

// demoEnviron is what the other account needs to know: where programs are, and what the terminal is.
func demoEnviron(env Env, home string) []string {
	environ := append([]string{"HOME=" + home, "TMPDIR=" + home}, env.pick([]string{"PATH", "TERM", "LANG", "LC_ALL", "LC_CTYPE"})...)
	return append(environ, env.pick(harmless)...)
}

// findAccount is an account PostgreSQL would run under.
func findAccount(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, errs.Because(errs.UserMissing, err, "unable to run the demonstration as user '%s', who does not exist", name).
			Hint("PostgreSQL does not run as root: name an unprivileged user with --user.")
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return nil, errs.Wrap(errs.UserMissing, err, "unable to run the demonstration as user '%s'", name)
	}
	if uid == 0 {
		return nil, errs.New(errs.OptionInvalidValue, "unable to run the demonstration as user '%s', who is root", name).
			Hint("PostgreSQL does not run as root: name an unprivileged user with --user.")
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// demoHome makes a directory that belongs to the account. If the program lies where the account cannot get at it, such as in the
// home directory of root, a copy is put there.
func demoHome(ctx context.Context, places []string, account *syscall.Credential, program string) (home, reachable string, err error) {
	for _, place := range places {
		if home, err = os.MkdirTemp(place, "holdfast-"); err != nil {
			continue
		}
		if err = os.Chown(home, int(account.Uid), int(account.Gid)); err == nil {
			if reachable, err = reach(ctx, account, home, program); err == nil {
				return home, reachable, nil
			}
		}
		_ = os.RemoveAll(home)
	}
	return "", "", errs.Wrap(errs.PathCreate, err, "unable to make a directory for the demonstration").
		Hint("TMPDIR can name a place for it.")
}

// reach returns a path under which the account can start the program in the directory.
func reach(ctx context.Context, account *syscall.Credential, home, program string) (string, error) {
	if startable(ctx, account, home, program) == nil {
		return program, nil
	}
	copied := filepath.Join(home, filepath.Base(program))
	if err := copyProgram(copied, program); err != nil {
		return "", err
	}
	return copied, startable(ctx, account, home, copied)
}

// startable tries it, which counts for more than looking at modes.
func startable(ctx context.Context, account *syscall.Credential, dir, program string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "version")
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account}
	return cmd.Run()
}

func copyProgram(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chmod(to, 0o755) // whatever the umask is
	}
	return err
}
