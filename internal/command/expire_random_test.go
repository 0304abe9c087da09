package command

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var rounds = flag.Int("rounds", 8, "random histories expired by us and by the peer")

// TestExpireRandomHistories lets us and the peer expire the same random repository with the same random options.
func TestExpireRandomHistories(t *testing.T) {
	if findPeer(t) == "" {
		return
	}
	for seed := range uint64(*rounds) {
		r := rand.New(rand.NewPCG(seed, 60))
		history := randomHistory(r)
		for range 3 {
			args := randomArgs(r, history)
			compareExpire(t, history, args)
		}
		if t.Failed() {
			t.Fatalf("seed %d, history\n%s", seed, history)
		}
	}
}

// randomHistory lives through a stanza: backups of all kinds, upgrades, timeline switches, damage and leftovers.
func randomHistory(r *rand.Rand) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	db, version, timeline, wal := 1, 13+r.IntN(2), 1, 1+r.IntN(8)
	name := func(n int) string { return fmt.Sprintf("%X.%X.%X", timeline, n/16, n%16) }
	archived := func(to int) {
		if r.IntN(12) > 0 {
			line("wal %d-%d %s-%s .gz", version, db, name(wal), name(to))
		}
		wal = to + 1
	}
	line("db %d %d", db, version)
	hours, full, part, based := 24*60, 0, 0, false
	for events := 3 + r.IntN(14); events > 0; events-- {
		hours -= 5 + r.IntN(60)
		switch kind := r.IntN(20); {
		case kind == 0:
			archived(wal + r.IntN(4))
			db, version, timeline, wal = db+1, version+r.IntN(3), 1, 1+r.IntN(4)
			line("db %d %d", db, version)
		case kind == 1:
			archived(wal + r.IntN(4))
			if r.IntN(2) == 0 {
				line("wal %d-%d %s .partial.gz", version, db, name(wal))
			}
			timeline++
			line("file archive/demo/%d-%d/%08X.history", version, db, timeline)
			wal = max(1, wal-r.IntN(3))
		case kind == 2:
			archived(wal + r.IntN(40))
		default:
			label := ""
			switch {
			case !based || kind < 8:
				based, full, part = true, full+1, 0
				label = fmt.Sprintf("F%d", full)
			case kind < 13:
				part++
				label = fmt.Sprintf("F%dD%d", full, part)
			default:
				part++
				label = fmt.Sprintf("F%dI%d", full, part)
			}
			start := wal + r.IntN(4)
			stop := start + max(0, r.IntN(4)-2)
			archived(stop)
			flags := ""
			if r.IntN(10) > 0 {
				flags += fmt.Sprintf(" wal=%s-%s", name(start), name(stop))
				if r.IntN(3) == 0 {
					line("wal %d-%d %s .00000028.backup", version, db, name(start))
				}
			}
			if r.IntN(4) == 0 {
				flag := []string{"error", "error", "stop=30h", "gone", "unlisted", "copy", "bare", "past"}[r.IntN(8)]
				flags += " " + flag
				if part == 0 && slices.Contains([]string{"unlisted", "copy", "bare", "past"}, flag) {
					based = false
				}
			}
			line("%s %dh%s", label, max(hours, 1), flags)
		}
	}
	archived(wal + r.IntN(20))
	return b.String()
}

// randomArgs picks options and sometimes a backup to expire.
func randomArgs(r *rand.Rand, history string) []string {
	var args []string
	add := func(chance int, format string, values ...any) {
		if r.IntN(chance) == 0 {
			args = append(args, fmt.Sprintf(format, values...))
		}
	}
	if r.IntN(4) == 0 {
		args = append(args, "--repo1-retention-full-type=time")
		add(1, "--repo1-retention-full=%d", 1+r.IntN(50))
	} else if r.IntN(8) > 0 {
		args = append(args, fmt.Sprintf("--repo1-retention-full=%d", 1+r.IntN(4)))
	}
	add(2, "--repo1-retention-diff=%d", 1+r.IntN(4))
	add(2, "--repo1-retention-archive=%d", 1+r.IntN(4))
	add(2, "--repo1-retention-archive-type=%s", []string{"full", "diff", "incr"}[r.IntN(3)])
	add(5, "--archive-expire-before=%08X00000000%08X", 1+r.IntN(2), r.IntN(16))
	add(4, "--no-checksum-page-error")
	add(5, "--dry-run")
	if now := time.Now(); now.AddDate(0, 0, -61).Year() == now.Year() { // the peer removes a past year with all that is in it
		add(4, "--repo1-retention-history=%d", r.IntN(60))
	}
	switch r.IntN(5) {
	case 0:
		args = append(args, "--oldest")
	case 1:
		var names []string
		for line := range strings.Lines(history) {
			if line[0] == 'F' {
				names = append(names, strings.Fields(line)[0])
			}
		}
		if len(names) > 0 {
			args = append(args, "--set={"+names[r.IntN(len(names))]+"}")
		}
	}
	return args
}
