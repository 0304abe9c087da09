package expire

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"holdfast/internal/format"
)

var update = flag.Bool("update", false, "write the golden file anew")

// backupsOf makes entries of backup.info from names such as "F1 F1D2 F1I3 F2". Backups are a day apart and the last one is two days
// old. A name may carry its cluster: "F1@2".
func backupsOf(names string, now time.Time) []format.Backup {
	words := strings.Fields(names)
	list := make([]format.Backup, 0, len(words))
	for i, word := range words {
		name, cluster, _ := strings.Cut(word, "@")
		b := format.Backup{Label: name, Type: format.Full, DBID: 1, TimestampStop: now.AddDate(0, 0, i-len(words)-1).Unix()}
		if cluster != "" {
			b.DBID = int(cluster[0] - '0')
		}
		switch {
		case strings.Contains(name, "D"):
			b.Type = format.Diff
		case strings.Contains(name, "I"):
			b.Type = format.Incr
		}
		list = append(list, b)
	}
	return list
}

var histories = []string{
	"",
	"F1",
	"F1 F2 F3",
	"F1 F1D1 F1I1",
	"F1 F1D1 F1I1 F1D2 F1I2 F2 F2D1 F2I1 F3",
	"F1 F1D1 F2 F3 F4 F4D1 F4D2 F4D3",
	"F1@1 F1I1@1 F2@2 F3@2",
}

// TestRetention writes down what each setting does to each history. Read the golden file as the specification.
func TestRetention(t *testing.T) {
	const golden = "testdata/retention.txt"
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	var got strings.Builder
	for _, history := range histories {
		fmt.Fprintf(&got, "%s\n", history)
		backups := backupsOf(history, now)
		for keep := 0; keep <= 4; keep++ {
			if expired, oldest := expiredFulls(backups, keep); oldest != "" {
				fmt.Fprintf(&got, "  full=%d drops %v, oldest %s\n", keep, expired, oldest)
			}
		}
		for days := 0; days <= 8; days += 2 {
			if expired, oldest := expiredByTime(backups, days, now); oldest != "" {
				fmt.Fprintf(&got, "  full=%d days drops %v, oldest %s\n", days, expired, oldest)
			}
		}
		for keep := 0; keep <= 5; keep++ {
			if expired := expiredDiffs(backups, keep); len(expired) > 0 {
				fmt.Fprintf(&got, "  diff=%d drops %v\n", keep, expired)
			}
		}
		for _, kind := range []format.BackupType{format.Full, format.Diff, format.Incr} {
			counted := ofType(backups, kind)
			fmt.Fprintf(&got, "  archive %s counts %v; WAL of cluster 1 starts at", kind, labels(counted))
			for keep := 1; keep <= 4; keep++ {
				reference, _ := referenceBackup(counted, keep, 1)
				fmt.Fprintf(&got, " %d:%s", keep, reference.Label)
			}
			fmt.Fprintln(&got)
		}
		for _, b := range backups {
			if !removable(backups, b.Label) {
				fmt.Fprintf(&got, "  %s cannot be removed by name\n", b.Label)
			}
		}
	}
	compareGolden(t, golden, got.String())
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s", file, got)
	}
}
