package command

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"holdfast/internal/errs"
	"holdfast/internal/lock"
)

func runStop(_ context.Context, s *session) error {
	existed, err := lock.Stop(s.lockPath(), s.stanza())
	if err != nil {
		return err
	}
	if existed {
		s.log.Warn("stop file already exists%s", forStanzaText(s.stanza(), " for all stanzas"))
		return nil
	}
	if s.cfg.Bool("force") {
		return s.terminateHolders()
	}
	return nil
}

// terminateHolders asks every process that holds a lock to end, once, and removes the lock files.
func (s *session) terminateHolders() error {
	paths, err := lock.Files(s.lockPath(), s.stanza())
	if err != nil {
		return err
	}
	asked := map[int]bool{}
	for _, path := range paths {
		state, err := lock.Read(path)
		switch {
		case err != nil || !state.Held || state.PID <= 0:
			s.log.Warn("unable to read lock file %s", path)
		case asked[state.PID]:
		default:
			asked[state.PID] = true
			if err := syscall.Kill(state.PID, syscall.SIGTERM); err != nil {
				s.log.Warn("unable to send term signal to process %d", state.PID)
			} else {
				s.log.Info("sent term signal to process %d", state.PID)
			}
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return errs.Because(errs.FileRemove, err, "unable to remove '%s': %s", path, errs.System(err))
		}
	}
	return nil
}
