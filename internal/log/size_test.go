package log

import (
	"math"
	"testing"
)

func TestSize(t *testing.T) {
	for _, c := range []struct {
		n    int64
		want string
	}{
		{0, "0B"}, {562, "562B"}, {1023, "1023B"}, {1024, "1KB"}, {8613, "8.4KB"}, {24590164, "23.5MB"}, {116391936, "111MB"},
		{3625108, "3.5MB"}, {1 << 30, "1GB"}, {5 << 40, "5120GB"}, {math.MaxInt64, "8589934592GB"},
	} {
		if got := Size(c.n); got != c.want {
			t.Errorf("Size(%d) = %q, want %q", c.n, got, c.want)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		done, total int64
		want        string
	}{
		{0, 100, "0.00%"}, {50569216, 184809557, "27.36%"}, {1, 3, "33.33%"}, {7, 7, "100.00%"}, {0, 0, "100.00%"}, {2, 3, "66.67%"},
	} {
		if got := Percent(c.done, c.total); got != c.want {
			t.Errorf("Percent(%d, %d) = %q, want %q", c.done, c.total, got, c.want)
		}
	}
}
