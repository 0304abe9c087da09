package backup

import (
	"fmt"
	"strconv"
	"strings"
)

// sizeText returns a size for people: 562B, 8.4KB, 111MB.
func sizeText(size int64) string {
	const kilo = 1024
	if size < kilo {
		return strconv.FormatInt(size, 10) + "B"
	}
	unit, name := int64(kilo), "KB"
	for _, next := range []string{"MB", "GB"} {
		if size < unit*kilo {
			break
		}
		unit, name = unit*kilo, next
	}
	hundredths := size/unit*100 + size%unit*100/unit
	tenths := (hundredths + 5) / 10
	return strings.TrimSuffix(fmt.Sprintf("%d.%d", tenths/10, tenths%10), ".0") + name
}

// percentText returns how much of the total is done, with two decimals.
func percentText(done, total int64) string {
	hundredths := int64(10000)
	if done != total && total > 0 {
		hundredths = (int64(float64(done)/float64(total)*100000) + 5) / 10
	}
	return fmt.Sprintf("%d.%02d%%", hundredths/100, hundredths%100)
}
