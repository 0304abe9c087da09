package command

import (
	"os"
	"strconv"
	"syscall"

	"holdfast/internal/errs"
)

// refuseRoot keeps root from leaving files behind that the usual user cannot read.
func (s *session) refuseRoot() error {
	if s.env.UID != 0 || !s.cfg.Valid("allow-root") || s.cfg.Bool("allow-root") {
		return nil
	}
	return errs.New(errs.OptionInvalid, "the '%s' command must not be run as the root user", s.cfg.Command).
		Hint("running as root can create files that the regular user cannot access, causing later commands to fail.").
		Hint("set the 'allow-root' option to allow running this command as root.")
}

// setUmask changes the umask and returns what changes it back.
func setUmask(mask int) (restore func()) {
	old := syscall.Umask(mask)
	return func() { syscall.Umask(old) }
}

// setPriority sets the nice value of the process. Linux knows it per thread: all threads are set, again and again until none
// is new, as one that is not set yet may start another. Later ones inherit it.
func setPriority(nice int) error {
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, nice); err != nil {
		return errs.Because(errs.Kernel, err, "unable to set process priority: %s", errs.System(err))
	}
	set := map[string]bool{}
	for more := true; more; {
		more = false
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return nil // no such list here: the one thread that matters most is set
		}
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil || set[t.Name()] {
				continue
			}
			set[t.Name()], more = true, true
			if err := syscall.Setpriority(syscall.PRIO_PROCESS, id, nice); err != nil && err != syscall.ESRCH {
				return errs.Because(errs.Kernel, err, "unable to set process priority: %s", errs.System(err))
			}
		}
	}
	return nil
}
