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

// setPriority sets the nice value of the process. Linux knows it per thread, so all present threads are set; later ones inherit it.
func setPriority(nice int) error {
	threads := []int{0}
	if entries, err := os.ReadDir("/proc/self/task"); err == nil {
		for _, e := range entries {
			if id, err := strconv.Atoi(e.Name()); err == nil {
				threads = append(threads, id)
			}
		}
	}
	for i, id := range threads {
		err := syscall.Setpriority(syscall.PRIO_PROCESS, id, nice)
		if err != nil && (i == 0 || err != syscall.ESRCH) {
			return errs.Because(errs.Kernel, err, "unable to set process priority: %s", errs.System(err))
		}
	}
	return nil
}
