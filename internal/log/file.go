package log

import (
	"errors"
	"os"
	"sync"
	"syscall"

	"holdfast/internal/errs"
)

const banner = "-------------------PROCESS START-------------------\n"

// File is a log file. It is opened for append and begins what this process writes with a banner, so that the runs of many
// processes in one file can be told apart.
type File struct {
	mu    sync.Mutex
	f     *os.File
	begun bool
}

// OpenFile opens or creates a log file.
func OpenFile(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NOCTTY, 0o640)
	if err != nil {
		text := err.Error()
		var errno syscall.Errno
		if errors.As(err, &errno) {
			text = errs.SystemText(errno)
		}
		return nil, errs.Because(errs.FileOpen, err, "unable to open log file '%s': %s", path, text)
	}
	return &File{f: f}, nil
}

// Write appends p, after the banner if this is the first time.
func (f *File) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.begun {
		f.begun = true
		text := banner
		if info, err := f.f.Stat(); err == nil && info.Size() > 0 {
			text = "\n" + banner
		}
		if _, err := f.f.WriteString(text); err != nil {
			return 0, err
		}
	}
	return f.f.Write(p)
}

// Close closes the file.
func (f *File) Close() error { return f.f.Close() }
