package lock

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"syscall"

	"holdfast/internal/errs"
)

// content is what a lock file holds; the members stand in the order in which they are written.
type content struct {
	ExecID       string `json:"execId"`
	Percent      *int   `json:"pctCplt,omitempty"` // percent times 100
	PID          int    `json:"pid"`
	Size         *int64 `json:"sz,omitempty"`
	SizeComplete *int64 `json:"szCplt,omitempty"`
}

func (c content) encode() []byte {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // numbers and strings can always be written
	}
	return text
}

// contentLimit is far more than any lock file holds.
const contentLimit = 4096

func read(file *os.File) (content, error) {
	var c content
	text, err := io.ReadAll(io.NewSectionReader(file, 0, contentLimit))
	if err != nil {
		return c, err
	}
	// A writer may be about to cut the file, so what follows the object is not looked at.
	return c, json.NewDecoder(strings.NewReader(string(text))).Decode(&c)
}

// State is what can be seen of a lock from outside.
type State struct {
	Held   bool
	ExecID string // "" with PID 0 when the content cannot be understood
	PID    int
	// Bytes to copy, bytes copied, and percent times 100, while data is copied.
	Size, SizeComplete *int64
	Percent            *int
}

// Read looks at a lock file without taking it. A missing file is a lock that is not held.
func Read(path string) (State, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, errs.Because(errs.FileOpen, err, "unable to open file '%s' for read: %s", path, errs.System(err))
	}
	defer file.Close()

	// A shared lock conflicts with a holder but not with other readers.
	err = retryInterrupted(func() error { return syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) })
	switch {
	case err == nil:
		return State{}, nil
	case err != syscall.EWOULDBLOCK:
		return State{}, errs.Because(errs.FileRead, err, "unable to read '%s': %s", path, errs.System(err))
	}
	c, err := read(file)
	if err != nil {
		return State{Held: true}, nil
	}
	return State{Held: true, ExecID: c.ExecID, PID: c.PID, Size: c.Size, SizeComplete: c.SizeComplete, Percent: c.Percent}, nil
}

// Files lists the lock files of a stanza, or all if the stanza is empty, sorted. A missing directory has none.
func Files(dir, stanza string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, errs.Because(errs.PathOpen, err, "unable to list file info for path '%s': %s", dir, errs.System(err))
	}
	fileName := regexp.MustCompile(`^(.+)-(?:archive|backup|restore)-[0-9]+\.lock$`)
	var paths []string
	for _, e := range entries {
		// The stanza may hold dashes, so the name is read from its end.
		m := fileName.FindStringSubmatch(e.Name())
		if stanza == "" && strings.HasSuffix(e.Name(), ".lock") || m != nil && m[1] == stanza {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	sort.Strings(paths)
	return paths, nil
}
