package errs

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// System returns the failure of a system call as messages show it: number and text, such as "[13] Permission denied". Errors that
// came from elsewhere are shown as they are.
func System(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return fmt.Sprint(err)
	}
	return fmt.Sprintf("[%d] %s", int(errno), SystemText(errno))
}

// SystemText returns the text of a system error with a capital letter in front, as the C library has it.
func SystemText(errno syscall.Errno) string {
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}
