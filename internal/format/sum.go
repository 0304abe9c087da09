package format

import (
	"crypto/sha1"
	"encoding/hex"

	"holdfast/internal/errs"
)

// Sum is a SHA-1.
type Sum [sha1.Size]byte

// EmptySum is the sum of nothing. Files of size zero have it.
var EmptySum = Sum(sha1.Sum(nil))

// ParseSum reads a sum of 40 lower case hex digits.
func ParseSum(text string) (Sum, error) {
	sum, ok := parseSum(text)
	if !ok {
		return Sum{}, errs.New(errs.Format, "'%s' is not a SHA-1 checksum", text)
	}
	return sum, nil
}

// String returns 40 lower case hex digits.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

func parseSum[T string | []byte](text T) (sum Sum, ok bool) {
	if len(text) != 2*len(sum) {
		return Sum{}, false
	}
	for i := range sum {
		high, low := hexDigit(text[2*i]), hexDigit(text[2*i+1])
		if high < 0 || low < 0 {
			return Sum{}, false
		}
		sum[i] = byte(high<<4 | low)
	}
	return sum, true
}

// hexDigit returns the value of a lower case hex digit, -1 for anything else.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
