package posix

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"holdfast/internal/errs"
)

// failed makes an error that ends as C programs print them: "message: [13] Permission denied". The system's error remains the cause.
func failed(code errs.Code, cause error, format string, args ...any) error {
	return errs.Because(code, cause, "%s: %s", fmt.Sprintf(format, args...), systemText(cause))
}

// systemText gives the number and the text of strerror, which Go has with a small first letter.
func systemText(err error) string {
	var no unix.Errno
	if !errors.As(err, &no) {
		return err.Error()
	}
	text := no.Error()
	return fmt.Sprintf("[%d] %s", int(no), strings.ToUpper(text[:1])+text[1:])
}

// retry repeats a system call that a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
