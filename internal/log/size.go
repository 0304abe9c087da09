package log

import (
	"fmt"
	"strconv"
)

// Size renders a number of bytes for people: "562B", "8.4KB", "111MB". Units are powers of 1024 up to GB. The value is cut to
// hundredths and then rounded half up to tenths, as the original program does, so that texts compare equal.
func Size(n int64) string {
	const kb, mb, gb = 1 << 10, 1 << 20, 1 << 30
	switch {
	case n < kb:
		return strconv.FormatInt(n, 10) + "B"
	case n < mb:
		return tenths(n, kb) + "KB"
	case n < gb:
		return tenths(n, mb) + "MB"
	}
	return tenths(n, gb) + "GB"
}

func tenths(n, unit int64) string {
	// n*100 must not overflow for sizes near the end of int64.
	hundredths := n/unit*100 + n%unit*100/unit
	t := (hundredths + 5) / 10
	if t%10 == 0 {
		return strconv.FormatInt(t/10, 10)
	}
	return fmt.Sprintf("%d.%d", t/10, t%10)
}

// Percent renders done/total with two decimals, "27.36%". Nothing to do counts as all done.
func Percent(done, total int64) string {
	if total <= 0 || done == total {
		return "100.00%"
	}
	thousandths := int64(float64(done) / float64(total) * 100000)
	h := (thousandths + 5) / 10
	return fmt.Sprintf("%d.%02d%%", h/100, h%100)
}
