package postgres

import (
	"strconv"
	"strings"

	"holdfast/internal/errs"
)

// LSN is a position in the write-ahead log.
type LSN uint64

// ParseLSN reads the form "0/1A00028".
func ParseLSN(s string) (LSN, error) {
	high, low, found := strings.Cut(s, "/")
	h, okHigh := parseHex32(high)
	l, okLow := parseHex32(low)
	if !found || !okHigh || !okLow {
		return 0, errs.New(errs.Format, "invalid LSN '%s'", s)
	}
	return LSN(h)<<32 | LSN(l), nil
}

// String returns the form "0/1A00028".
func (l LSN) String() string {
	b := make([]byte, 0, 17)
	b = strconv.AppendUint(b, uint64(l>>32), 16)
	b = append(b, '/')
	b = strconv.AppendUint(b, uint64(l&0xFFFFFFFF), 16)
	return strings.ToUpper(string(b))
}

// parseHex32 reads one to eight hexadecimal digits of either case, without the signs and prefixes that package strconv allows.
func parseHex32(s string) (uint32, bool) {
	if len(s) == 0 || len(s) > 8 {
		return 0, false
	}
	var n uint32
	for i := range len(s) {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		n = n<<4 | uint32(c)
	}
	return n, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
