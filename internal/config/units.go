package config

import (
	"math"
	"strconv"
	"strings"
)

// units and their factors; the longest spelling first.
var (
	sizeUnits = []unit{
		{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40}, {"pib", 1 << 50},
		{"kb", 1 << 10}, {"mb", 1 << 20}, {"gb", 1 << 30}, {"tb", 1 << 40}, {"pb", 1 << 50},
		{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40}, {"p", 1 << 50},
		{"b", 1}, {"", 1},
	}
	timeUnits = []unit{
		{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}, {"d", 24 * 60 * 60 * 1000},
		{"w", 7 * 24 * 60 * 60 * 1000}, {"", 1000},
	}
)

type unit struct {
	suffix string
	factor int64
}

// number parses the text of an integer, a size (to bytes) or a time (to milliseconds).
func number(t Type, text string) (int64, bool) {
	switch t {
	case Size:
		if text == "" || text[0] < '0' || text[0] > '9' {
			return 0, false
		}
		return withUnit(text, sizeUnits)
	case Time:
		return withUnit(text, timeUnits)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// ParseSize reads a number of bytes, with a unit or without.
func ParseSize(text string) (int64, bool) { return number(Size, text) }

func withUnit(text string, units []unit) (int64, bool) {
	text = strings.ToLower(text)
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n > math.MaxInt64/u.factor || n < math.MinInt64/u.factor {
			return 0, false
		}
		return n * u.factor, true
	}
	return 0, false
}
