package archive

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
	"holdfast/internal/storage/posix"
)

// benchSegment makes 16 MiB that compress about as well as WAL does: records of repeated structure with numbers in them.
func benchSegment() []byte {
	const size = 16 << 20
	random := rand.New(rand.NewPCG(1, 1))
	words := make([][]byte, 3000)
	for i := range words {
		words[i] = make([]byte, 4+random.IntN(36))
		for j := range words[i] {
			words[i][j] = byte(random.Uint32())
		}
	}
	b := pgtest.BuildWAL(postgres.Version15, pgtest.WALOptions{})[:48]
	for len(b) < size {
		b = append(b, words[random.IntN(len(words))]...)
		b = binary.LittleEndian.AppendUint64(b, random.Uint64N(1<<20))
	}
	return b[:size]
}

// bench is a cluster and a repository on disk.
type bench struct {
	dir  string
	tree storage.Tree
	repo *repo.Repo
}

func newBench(b *testing.B, content []byte) bench {
	b.Helper()
	x := bench{dir: b.TempDir(), tree: posix.New(posix.Config{})}
	x.repo = repo.New(repo.Config{Key: 1, Path: x.dir + "/repo", Storage: x.tree, Stanza: "demo"})
	db := format.ArchiveDB{ID: 1, SystemID: pgtest.DefaultSystemID, Version: "15"}
	err := x.repo.SaveArchiveInfo(b.Context(), &format.ArchiveInfo{DB: db, History: []format.ArchiveDB{db}})
	for name, content := range map[string][]byte{
		"/pg/global/pg_control": pgtest.BuildControl(postgres.Version15, pgtest.ControlOptions{}),
		"/pg/pg_wal/" + segment: content,
	} {
		err = errors.Join(err, storage.WriteAll(b.Context(), x.tree, x.dir+name, content, storage.CreateOptions{}))
	}
	if err != nil {
		b.Fatal(err)
	}
	return x
}

func (x bench) push(b *testing.B, c filter.Compression) {
	b.Helper()
	levels := map[filter.Compression]int{filter.Gz: 6, filter.Lz4: 1, filter.Zst: 3}
	err := Push(b.Context(), PushOptions{
		File: x.dir + "/pg/pg_wal/" + segment, Local: x.tree, PGPath: x.dir + "/pg", Repos: []*repo.Repo{x.repo}, Compression: c,
		Level: levels[c], CheckHeader: true, QueueMax: -1,
	})
	if err != nil {
		b.Fatal(err)
	}
}

var compressions = []filter.Compression{filter.None, filter.Gz, filter.Lz4, filter.Zst}

func BenchmarkPush(b *testing.B) {
	content := benchSegment()
	for _, c := range compressions {
		b.Run(c.String(), func(b *testing.B) {
			x := newBench(b, content)
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				x.push(b, c)
				if err := x.tree.RemoveAll(b.Context(), x.repo.ArchivePath("15-1")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	content := benchSegment()
	for _, c := range compressions {
		b.Run(c.String(), func(b *testing.B) {
			x := newBench(b, content)
			x.push(b, c)
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				found, err := Get(b.Context(), GetOptions{
					Name: segment, Dest: x.dir + "/pg/pg_wal/X", PGPath: x.dir + "/pg", Local: x.tree, Repos: []*repo.Repo{x.repo},
				})
				if err != nil || !found {
					b.Fatal(found, err)
				}
			}
		})
	}
}
