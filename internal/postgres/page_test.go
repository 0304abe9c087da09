package postgres_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
)

func TestPageChecksum(t *testing.T) {
	for size := 1024; size <= 32768; size *= 2 {
		for block := range uint32(20) {
			page := pgtest.BuildPage(size, block*131_077, uint64(block))
			if got, want := postgres.PageChecksum(page, block*131_077), binary.LittleEndian.Uint16(page[8:]); got != want {
				t.Fatalf("%d bytes, block %d: got %d, want %d", size, block, got, want)
			}
		}
	}
}

// check writes data in chunks and returns what was found.
func check(t *testing.T, cfg postgres.PageCheckConfig, data []byte, chunk int) (bool, []postgres.PageRange, bool) {
	t.Helper()
	c := postgres.NewPageCheck(cfg)
	for part := range slices.Chunk(data, chunk) {
		if n, err := c.Write(part); n != len(part) || err != nil {
			t.Fatalf("wrote %d of %d: %v", n, len(part), err)
		}
	}
	return c.Result()
}

func TestPageCheck(t *testing.T) {
	const size = 8192
	damage := func(data []byte, pages ...int) []byte {
		for _, p := range pages {
			data[p*size+3000] ^= 0x10
		}
		return data
	}
	relation := func(pages int, segment uint32) []byte { return pgtest.BuildRelation(size, pages, segment, 9) }
	zeroed := relation(4, 0)
	clear(zeroed[size : 2*size])
	nearlyZero := bytes.Clone(zeroed)
	nearlyZero[2*size-1] = 1
	noUpper := relation(4, 0)
	binary.LittleEndian.PutUint16(noUpper[14:], 0)
	for _, c := range []struct {
		name       string
		segment    uint32
		data       []byte
		valid      bool
		blocks     []postgres.PageRange
		misaligned bool
	}{
		{"empty", 0, nil, true, nil, false},
		{"good", 0, relation(9, 0), true, nil, false},
		{"good second segment", 1, relation(3, 1), true, nil, false},
		{"segment of another place", 0, relation(3, 1), false, []postgres.PageRange{{First: 0, Last: 2}}, false},
		{"damaged", 0, damage(relation(9, 0), 2, 5, 6, 7), false, []postgres.PageRange{{First: 2, Last: 2}, {First: 5, Last: 7}}, false},
		{"damaged second segment", 1, damage(relation(9, 1), 8), false, []postgres.PageRange{{First: 131080, Last: 131080}}, false},
		{"zero page", 0, zeroed, true, nil, false},
		{"nearly zero page", 0, nearlyZero, false, []postgres.PageRange{{First: 1, Last: 1}}, false},
		{"no upper", 0, noUpper, false, []postgres.PageRange{{First: 0, Last: 0}}, false},
		{"misaligned", 0, relation(9, 0)[:8*size+600], false, nil, true},
		{"misaligned by little", 0, damage(relation(9, 0), 3)[:8*size+1], false, nil, true},
		{"less than a page", 0, []byte("text\n"), false, nil, true},
	} {
		for _, chunk := range []int{1 << 20, size, 3 * size, 1000, 8191, 8193} {
			cfg := postgres.PageCheckConfig{PageSize: size, SegmentNo: c.segment, HeaderCheck: true}
			valid, blocks, misaligned := check(t, cfg, c.data, chunk)
			if valid != c.valid || misaligned != c.misaligned || !slices.Equal(blocks, c.blocks) {
				t.Errorf("%s by %d: got %v %v %v", c.name, chunk, valid, blocks, misaligned)
			}
		}
	}
}

func TestPageCheckWithoutHeader(t *testing.T) {
	const size = 8192
	data := pgtest.BuildRelation(size, 2, 0, 1)
	// The header is not looked at: upper is zero, the checksum is right.
	binary.LittleEndian.PutUint16(data[14:], 0)
	binary.LittleEndian.PutUint16(data[8:], 0)
	binary.LittleEndian.PutUint16(data[8:], postgres.PageChecksum(data[:size], 0))
	cfg := postgres.PageCheckConfig{PageSize: size}
	if valid, blocks, _ := check(t, cfg, data, size); !valid {
		t.Errorf("upper is looked at: %v", blocks)
	}
	binary.LittleEndian.PutUint16(data[8:], 0)
	if valid, _, _ := check(t, cfg, data, size); valid {
		t.Error("a page without checksum that is not zero is accepted")
	}
	clear(data[:size])
	if valid, _, _ := check(t, cfg, data, size); !valid {
		t.Error("a zero page is not accepted")
	}
}

func TestPageCheckReadsAgain(t *testing.T) {
	const size = 4096
	good := pgtest.BuildRelation(size, 6, 0, 1)
	bad := bytes.Clone(good)
	for page := range 6 {
		bad[page*size+100] ^= 1
	}
	failure := errors.New("input/output error")
	for _, c := range []struct {
		name   string
		reread func(page uint32, buf []byte) (int, error)
		blocks []postgres.PageRange
		err    error
	}{
		{"same again", func(p uint32, buf []byte) (int, error) { return copy(buf, bad[p*size:]), nil },
			[]postgres.PageRange{{First: 0, Last: 5}}, nil},
		{"mended", func(p uint32, buf []byte) (int, error) { return copy(buf, good[p*size:]), nil }, nil, nil},
		{"one mended", func(p uint32, buf []byte) (int, error) {
			if p == 2 {
				return copy(buf, good[p*size:]), nil
			}
			return copy(buf, bad[p*size:]), nil
		}, []postgres.PageRange{{First: 0, Last: 1}, {First: 3, Last: 5}}, nil},
		{"still wrong but different", func(p uint32, buf []byte) (int, error) { return copy(buf, good[:size]) + 0*int(p), nil }, nil, nil},
		{"truncated", func(uint32, []byte) (int, error) { return 0, nil }, nil, nil},
		{"removed", func(uint32, []byte) (int, error) { return 0, fs.ErrNotExist }, nil, nil},
		{"fails", func(uint32, []byte) (int, error) { return 0, failure }, nil, failure},
	} {
		for _, chunk := range []int{len(bad), 1000} {
			check := postgres.NewPageCheck(postgres.PageCheckConfig{PageSize: size, HeaderCheck: true, Reread: c.reread})
			var err error
			for part := range slices.Chunk(bad, chunk) {
				if _, err = check.Write(part); err != nil {
					break
				}
			}
			valid, blocks, _ := check.Result()
			if !errors.Is(err, c.err) || c.err == nil && (valid != (c.blocks == nil) || !slices.Equal(blocks, c.blocks)) {
				t.Errorf("%s by %d: got %v %v %v", c.name, chunk, valid, blocks, err)
			}
		}
	}
}

// TestPageCheckOfServer checks every file that a real server says has checksums.
func TestPageCheckOfServer(t *testing.T) {
	c := pgtest.Start(t, pgtest.Options{})
	c.Exec("create table t as select i, repeat('x', i % 500) as pad from generate_series(1, 20000) i; create index on t (i)")
	c.Exec("vacuum t")
	c.Exec("create unlogged table u (i int primary key)")
	c.Stop()
	files := 0
	err := filepath.WalkDir(c.DataDir, func(path string, d fs.DirEntry, err error) error {
		name := "pg_data" + strings.TrimPrefix(path, c.DataDir)
		if err != nil || d.IsDir() || !postgres.PageChecked(name) || strings.HasSuffix(name, "pg_internal.init") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		cfg := postgres.PageCheckConfig{PageSize: 8192, SegmentNo: postgres.SegmentNumber(name), HeaderCheck: true}
		if valid, blocks, misaligned := check(t, cfg, data, 1<<16); !valid {
			t.Errorf("%s: %v %v", name, blocks, misaligned)
		}
		return nil
	})
	if err != nil || files < 200 {
		t.Errorf("checked %d files, %v", files, err)
	}
}

func FuzzPageCheck(f *testing.F) {
	f.Add(pgtest.BuildRelation(1024, 3, 0, 1), 700)
	f.Add(make([]byte, 5000), 1)
	f.Fuzz(func(t *testing.T, data []byte, chunk int) {
		if chunk <= 0 {
			return
		}
		cfg := postgres.PageCheckConfig{PageSize: 1024, HeaderCheck: true}
		valid, blocks, misaligned := check(t, cfg, data, chunk)
		valid2, blocks2, misaligned2 := check(t, cfg, data, max(1, len(data)))
		if valid != valid2 || misaligned != misaligned2 || !slices.Equal(blocks, blocks2) {
			t.Errorf("depends on the chunks: %v %v %v, %v %v %v", valid, blocks, misaligned, valid2, blocks2, misaligned2)
		}
	})
}

func BenchmarkPageCheck(b *testing.B) {
	data := pgtest.BuildRelation(8192, 128, 0, 1)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		c := postgres.NewPageCheck(postgres.PageCheckConfig{PageSize: 8192, HeaderCheck: true})
		if _, err := c.Write(data); err != nil {
			b.Fatal(err)
		}
		if valid, _, _ := c.Result(); !valid {
			b.Fatal("invalid")
		}
	}
}
