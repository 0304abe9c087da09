package lock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"holdfast/internal/errs"
)

// stopDirMode is wider than that of lock directories: whoever stops a stanza need not be who runs its commands.
const stopDirMode = 0o770

// StopFile names the stop file of a stanza, or that of all stanzas if the stanza is empty.
func StopFile(dir, stanza string) string {
	if stanza == "" {
		stanza = "all"
	}
	return filepath.Join(dir, stanza+".stop")
}

// Stopped reports whether the stop file of a stanza, or that of all stanzas, exists.
func Stopped(dir, stanza string) (bool, error) {
	path := StopFile(dir, stanza)
	_, err := os.Stat(path)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	}
	return false, errs.Because(errs.FileOpen, err, "unable to get info for path/file '%s': %s", path, errs.System(err))
}

// CheckStop fails where the stanza or all stanzas are stopped.
func CheckStop(dir, stanza string) error {
	if stanza != "" {
		if stopped, err := Stopped(dir, stanza); err != nil {
			return err
		} else if stopped {
			return errs.New(errs.Stop, "stop file exists for stanza %s", stanza)
		}
	}
	stopped, err := Stopped(dir, "")
	if err == nil && stopped {
		return errs.New(errs.Stop, "stop file exists for all stanzas")
	}
	return err
}

// Stop creates a stop file and reports whether it was there already.
func Stop(dir, stanza string) (existed bool, err error) {
	if existed, err = Stopped(dir, stanza); existed || err != nil {
		return existed, err
	}
	if err := makeDir(dir, stopDirMode); err != nil {
		return false, err
	}
	path := StopFile(dir, stanza)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, fileMode)
	if err != nil {
		return false, errs.Because(errs.FileOpen, err, "unable to open file '%s' for write: %s", path, errs.System(err))
	}
	return false, file.Close()
}

// Start removes a stop file and reports whether there was one.
func Start(dir, stanza string) (existed bool, err error) {
	if existed, err = Stopped(dir, stanza); !existed || err != nil {
		return existed, err
	}
	path := StopFile(dir, stanza)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return true, errs.Because(errs.FileRemove, err, "unable to remove '%s': %s", path, errs.System(err))
	}
	return true, nil
}
