package wire

import (
	"encoding/json"
	"io"
	"strings"

	"holdfast/internal/errs"
)

// Greeting is what a server says first.
type Greeting struct {
	Name    string `json:"name"`    // of the program
	Service string `json:"service"` // always "remote"
	Version string `json:"version"` // of the program
}

// longestGreeting is more than any program of this kind says in its first line.
const longestGreeting = 4096

// write sends the greeting.
func (g Greeting) write(w io.Writer) error {
	line, err := json.Marshal(g)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// readGreeting reads the first line, byte by byte, for what follows is for somebody else to read.
func readGreeting(r io.Reader) (string, error) {
	var line []byte
	var b [1]byte
	for len(line) < longestGreeting {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return string(line), err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
	}
	return string(line), nil
}

// check compares a line with the greeting that is expected.
func (g Greeting) check(line string) error {
	var got map[string]any
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		return errs.New(errs.JsonFormat, "greeting expected but got '%s'", printable(line)).
			Hint("does the login shell of the other host print something when there is no terminal?")
	}
	for _, want := range [][2]string{{"name", g.Name}, {"service", g.Service}, {"version", g.Version}} {
		text, ok := got[want[0]].(string)
		if !ok {
			return errs.New(errs.Protocol, "unable to find greeting key '%s'", want[0])
		}
		if text != want[1] {
			return errs.New(errs.Protocol, "expected value '%s' for greeting key '%s' but got '%s'", want[1], want[0], printable(text)).
				Hint("is the same version of %s installed on the local and remote host?", g.Name)
		}
	}
	return nil
}

// printable is the beginning of what somebody unknown has sent, without what could play tricks on a terminal.
func printable(s string) string {
	const most = 200
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(clean) > most {
		return strings.ToValidUTF8(clean[:most], "") + "..."
	}
	return clean
}
