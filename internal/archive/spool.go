package archive

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
)

// Spool is where the commands that the server calls and the background runs they start leave each other notes, and segments that
// were fetched ahead. There is one for each stanza, shared with pgBackRest. Nothing in it is needed: what is lost is pushed or fetched
// again, so nothing is synced.
type Spool struct {
	Tree storage.Tree
	Path string
}

// tray is the part of the spool for one direction.
type tray struct {
	tree storage.Tree
	path string
}

func (s Spool) out() tray { return tray{s.Tree, path.Join(s.Path, "out")} }
func (s Spool) in() tray  { return tray{s.Tree, path.Join(s.Path, "in")} }

// What ends the names of notes. The global one is about a whole run.
const (
	okSuffix    = ".ok"
	errorSuffix = ".error"
	globalError = "global" + errorSuffix
)

// noteLimit is more than any message takes.
const noteLimit = 1 << 20

// note is what is said of a file: a number and a message. Nothing at all is plain success.
type note struct {
	code    errs.Code
	message string
}

func (n note) encode() []byte {
	if n == (note{}) {
		return nil
	}
	return []byte(strconv.Itoa(int(n.code)) + "\n" + n.message)
}

// decodeNote reads a note; name is that of its file, for messages.
func decodeNote(name string, content []byte) (note, error) {
	if len(content) == 0 {
		return note{}, nil
	}
	line, message, found := strings.Cut(string(content), "\n")
	if !found {
		return note{}, errs.New(errs.Format, "%s content must have at least two lines", name)
	}
	if message == "" {
		return note{}, errs.New(errs.Format, "%s message must be > 0", name)
	}
	code, err := strconv.Atoi(line)
	if err != nil {
		return note{}, errs.New(errs.Format, "unable to convert base 10 string '%s' to int", line)
	}
	if code != 0 && errs.Code(code) < errs.Assert || errs.Code(code) > errs.Unknown {
		return note{}, errs.New(errs.Format, "%s has invalid code '%s'", name, line)
	}
	return note{errs.Code(code), strings.TrimSpace(message)}, nil
}

// answer is what the spool says of a file.
type answer struct {
	name string // of the note, "" if there is none
	note
}

func (a answer) ok() bool { return strings.HasSuffix(a.name, okSuffix) }

// failure returns the error the answer is, if it is one.
func (a answer) failure() error {
	switch {
	case a.name == "" || a.ok():
		return nil
	case a.note == (note{}):
		return errs.New(errs.Assert, "status file '%s' has no content", a.name)
	case a.code == errs.OK:
		// It must never pass for success.
		return errs.New(errs.Format, "%s has invalid code '0'", a.name)
	}
	return errs.New(a.code, "%s", a.message)
}

// warning returns what is to be told about a success, "" if nothing. An administrator may give up a file by making a success of its
// error.
func (a answer) warning(file string) string {
	if a.code != errs.OK {
		return "WAL segment '" + file + "' was not pushed due to error [" + strconv.Itoa(int(a.code)) +
			"] and was manually skipped: " + a.message
	}
	return a.message
}

// look returns the first there is: the success of a file, its error, the error of the whole run. An error nobody can read is still an
// error of that file, which the next run may mend.
func (t tray) look(ctx context.Context, file string) (answer, error) {
	for _, name := range []string{file + okSuffix, file + errorSuffix, globalError} {
		content, err := storage.ReadAll(ctx, t.tree, t.at(name), noteLimit)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return answer{}, err
		}
		n, err := decodeNote(name, content)
		if err != nil && strings.HasSuffix(name, errorSuffix) {
			n, err = note{errs.CodeOf(err), err.Error()}, nil
		}
		return answer{name, n}, err
	}
	return answer{}, nil
}

func (t tray) at(name string) string { return path.Join(t.path, name) }

// ok notes that a file is done. It does not come before that is so.
func (t tray) ok(ctx context.Context, file string, warnings ...string) error {
	return t.write(ctx, file+okSuffix, note{message: strings.Join(warnings, "\n")})
}

// failed notes that a file has failed; "" stands for the whole run.
func (t tray) failed(ctx context.Context, file string, err error) error {
	name := globalError
	if file != "" {
		name = file + errorSuffix
	}
	return t.write(ctx, name, note{errs.CodeOf(err), errs.Text(err)})
}

func (t tray) write(ctx context.Context, name string, n note) error {
	return storage.WriteAll(ctx, t.tree, t.at(name), n.encode(), storage.CreateOptions{Atomic: true, NoSync: true})
}

// forget removes what earlier runs had against a file.
func (t tray) forget(ctx context.Context, file string) error {
	for _, name := range []string{file + errorSuffix, globalError} {
		if err := t.tree.Remove(ctx, t.at(name)); err != nil {
			return err
		}
	}
	return nil
}

// global runs fn and notes its failure as that of the whole run, unless the run was told to end.
func (t tray) global(ctx context.Context, fn func() error) error {
	err := fn()
	if err != nil && ctx.Err() == nil {
		err = errors.Join(err, t.failed(ctx, "", err))
	}
	return err
}
