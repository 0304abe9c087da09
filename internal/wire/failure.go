package wire

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"syscall"

	"holdfast/internal/errs"
)

// failure is an error on its way.
type failure struct {
	Code    int      `json:"code"`
	Message []byte   `json:"message"` // bytes, as it may name a file whose name is not text
	Hints   []string `json:"hints,omitempty"`
	Errno   int      `json:"errno,omitempty"` // what the system said, as callers may ask for it
}

// longestFailure keeps an error small enough for a trailer.
const longestFailure = 32 << 10

// encode returns the error as JSON.
func encodeFailure(err error) []byte {
	message := err.Error()
	if len(message) > longestFailure {
		message = message[:longestFailure] + "..."
	}
	f := failure{Code: int(errs.CodeOf(err)), Message: []byte(message), Hints: errs.Hints(err)}
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		f.Errno = int(errno)
	case errors.Is(err, fs.ErrNotExist):
		f.Errno = int(syscall.ENOENT)
	}
	b, marshalErr := json.Marshal(f)
	if marshalErr != nil {
		return []byte(`{"code":25}`) // hints that are not text
	}
	return b
}

// decodeFailure returns the error that a client has been sent.
func decodeFailure(b []byte) error {
	var f failure
	if err := json.Unmarshal(b, &f); err != nil {
		return errs.New(errs.Protocol, "error expected but got '%s'", printable(string(b)))
	}
	if f.Code <= 0 || f.Code > int(errs.Unknown) {
		f.Code = int(errs.Unknown)
	}
	e := errs.New(errs.Code(f.Code), "%s", f.Message)
	if f.Errno > 0 {
		e = errs.Because(errs.Code(f.Code), syscall.Errno(f.Errno), "%s", f.Message)
	}
	e.Hints = f.Hints
	return e
}

// Trailers are lines of text.
func trailerOf(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func fromTrailer(s string) ([]byte, error) { return base64.StdEncoding.DecodeString(s) }
