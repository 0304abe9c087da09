package expire_test

import (
	"fmt"
	"strings"
	"testing"

	"holdfast/internal/expire"
	"holdfast/internal/format"
	"holdfast/internal/repo/repotest"
	"holdfast/internal/storage/storagetest"
)

// long tells the history of years: sets of a full backup with incrementals, and WAL between all of them.
func long(sets, parts, walPerBackup int) string {
	var b strings.Builder
	b.WriteString("db 1 15\n")
	hours, wal := 2*sets*parts, 1
	name := func() string { return fmt.Sprintf("1.%X.%X", wal/16, wal%16) }
	for set := range sets {
		for part := range parts {
			label := fmt.Sprintf("F%d", set)
			if part > 0 {
				label += fmt.Sprintf("I%d", part)
			}
			hours--
			first := name()
			fmt.Fprintf(&b, "%s %dh wal=%s\n", label, hours, first)
			wal += walPerBackup - 1
			fmt.Fprintf(&b, "wal 15-1 %s-%s .gz\n", first, name())
			wal++
		}
	}
	return b.String()
}

func benchmark(b *testing.B, history string, keep expire.Retention) {
	for b.Loop() {
		b.StopTimer()
		mem := storagetest.NewMem()
		w := repotest.Build(b, mem, root, now, history)
		b.StartTimer()
		if _, err := run(b.Context(), w, expire.Options{Repos: over(w, mem, keep)}); err != nil {
			b.Fatal(err)
		}
	}
}

// Two thousand backups and twenty thousand segments, of which nothing or nearly all goes.
func BenchmarkKeepMany(b *testing.B) {
	benchmark(b, long(100, 20, 10), expire.Retention{Full: 100, Archive: 1, ArchiveType: format.Full, KeepHistory: true})
}

func BenchmarkDropMany(b *testing.B) {
	benchmark(b, long(100, 20, 10), expire.Retention{Full: 1, Archive: 1, ArchiveType: format.Full})
}

// One endless set: each incremental needs all before it.
func BenchmarkEndlessSet(b *testing.B) {
	benchmark(b, long(1, 1000, 10)+"F1 1h wal=1.2FF.0\n", expire.Retention{Full: 1, Archive: 1, ArchiveType: format.Full})
}

// TestLooksAtLittle counts what is looked at, which is what makes expire slow on a far storage.
func TestLooksAtLittle(t *testing.T) {
	const sets, parts = 20, 10
	mem := storagetest.NewMem()
	w := repotest.Build(t, mem, root, now, long(sets, parts, 8))
	trace := storagetest.NewTrace(mem)
	keep := expire.Retention{Full: sets, Archive: 1, ArchiveType: format.Full, KeepHistory: true}
	if _, err := run(t.Context(), w, expire.Options{Repos: over(w, trace, keep)}); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, op := range trace.Ops() {
		count[op.Verb]++
	}
	// Backups twice, archive ids, WAL directories, timeline history, and each directory up to the reference, all with kept WAL.
	reference := (sets-1)*parts*8/16 + 1
	if count["stat"] > sets*parts || count["list"] > 5+reference || count["open"] > 2 {
		t.Errorf("%d backups: %v", sets*parts, count)
	}
}
