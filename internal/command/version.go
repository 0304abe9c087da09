package command

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// Version is the release of Holdfast.
	Version = "0.1.0"
	// Compatible is the release of pgBackRest whose behaviour and formats Holdfast has. Begin lines and info files carry it, because
	// that is what other programs look at.
	Compatible = "2.60.0"
)

// build is the commit the program was made from, set by the linker; errors for those who mend the program show it.
var build = "unknown"

// title is what the program calls itself: under the name of the original it does so as the original would.
func title(program string) string {
	if filepath.Base(program) == "pgbackrest" {
		return "pgBackRest " + Compatible
	}
	return "Holdfast " + Version
}

// versionLine is the answer to --version.
func versionLine(program string) string {
	line := title(program)
	if strings.HasPrefix(line, "Holdfast") {
		line += fmt.Sprintf(" (pgBackRest %s compatible)", Compatible)
	}
	return line + "\n"
}

// versionNumber is the compatible version as a number that scripts can compare.
func versionNumber() string {
	number := 0
	for part := range strings.SplitSeq(Compatible, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			panic(err) // the constant is wrong
		}
		number = number*1000 + n
	}
	return strconv.Itoa(number)
}

func runVersion(_ context.Context, s *session) error {
	text := versionLine(s.env.Program)
	if s.cfg.Valid("output") && s.cfg.String("output") == "num" {
		text = versionNumber()
	}
	_, err := s.env.Stdout.Write([]byte(text))
	return err
}
