package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
)

func TestWALHeader(t *testing.T) {
	for _, v := range postgres.Versions() {
		b := pgtest.BuildWAL(v, pgtest.WALOptions{SystemID: 0xFEDCBA9876543210, SegmentSize: 1 << 20})
		got, err := postgres.ParseWALHeader(b[:postgres.WALHeaderSize], 0)
		if want := (postgres.WALHeader{Version: v, SystemID: 0xFEDCBA9876543210, SegmentSize: 1 << 20}); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", v, got, err)
		}
	}
	odd := pgtest.BuildWAL(postgres.Version15, pgtest.WALOptions{Magic: 777})
	if got, err := postgres.ParseWALHeader(odd, postgres.Version12); err != nil || got.Version != postgres.Version12 {
		t.Errorf("forced: got %+v, %v", got, err)
	}
}

func TestWALHeaderErrors(t *testing.T) {
	build := func(o pgtest.WALOptions) []byte { return pgtest.BuildWAL(postgres.Version15, o) }
	size := build(pgtest.WALOptions{})
	size[32] = 1
	for _, c := range []struct {
		name  string
		bytes []byte
		code  errs.Code
		text  string
	}{
		{"short", build(pgtest.WALOptions{})[:511], errs.FileRead, "unable to read 512 byte(s)"},
		{"not first", build(pgtest.WALOptions{Short: true}), errs.Format, "first page header in WAL file is expected to be in long format"},
		{"magic", build(pgtest.WALOptions{Magic: 777}), errs.VersionNotSupported,
			"unexpected WAL magic 777\nHINT: is this version of PostgreSQL supported?"},
		{"size", size, errs.Format, "wal segment size is 16777217 but"},
	} {
		_, err := postgres.ParseWALHeader(c.bytes, 0)
		if !errs.Is(err, c.code) || !strings.HasPrefix(errs.Text(err), c.text) {
			t.Errorf("%s: got [%03d] %v", c.name, errs.CodeOf(err), err)
		}
	}
}

func FuzzParseWALHeader(f *testing.F) {
	for _, v := range postgres.Versions() {
		f.Add(pgtest.BuildWAL(v, pgtest.WALOptions{SegmentSize: 1 << 20})[:512], 0)
	}
	f.Add(pgtest.BuildWAL(postgres.Version15, pgtest.WALOptions{Magic: 1})[:512], 150000)
	f.Fuzz(func(t *testing.T, b []byte, force int) {
		h, err := postgres.ParseWALHeader(b, postgres.Version(force))
		if err == nil && (!h.Version.Supported() || h.SegmentSize < 1<<20) {
			t.Errorf("accepted %+v", h)
		}
		if err != nil && errs.CodeOf(err) == errs.Unhandled {
			t.Errorf("error without a code: %v", err)
		}
	})
}

func TestSegmentNames(t *testing.T) {
	for name, want := range map[string][3]bool{ // segment, partial, prefix
		"000000010000000000000001":                 {true, false, true},
		"0000000A00000FFF000000FE":                 {true, false, true},
		"000000010000000000000001.partial":         {false, true, true},
		"000000010000000000000001.00000028.backup": {false, false, true},
		"00000001000000000000000g":                 {},
		"00000001000000000000000a":                 {},
		"00000001000000000000000":                  {},
		"00000002.history":                         {},
		"":                                         {},
		".partial":                                 {},
		"0000000100000000000000010":                {false, false, true},
	} {
		got := [3]bool{postgres.IsSegment(name), postgres.IsPartial(name), postgres.HasSegmentPrefix(name)}
		if got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}

func TestSegmentName(t *testing.T) {
	for _, c := range []struct {
		timeline uint32
		lsn      postgres.LSN
		size     int64
		want     string
		next     string
	}{
		{1, 0x1A00028, 16 << 20, "000000010000000000000001", "000000010000000000000002"},
		{255, 0x1_FF00_0000, 16 << 20, "000000FF00000001000000FF", "000000FF0000000200000000"},
		{1, 0x1_FFF0_0000, 1 << 20, "000000010000000100000FFF", "000000010000000200000000"},
		{1, 0xC000_0000, 1 << 30, "000000010000000000000003", "000000010000000100000000"},
		{0xFFFFFFFF, 0xFFFFFFFF_00000000, 16 << 20, "FFFFFFFFFFFFFFFF00000000", "FFFFFFFFFFFFFFFF00000001"},
	} {
		if got := postgres.SegmentName(c.timeline, c.lsn, c.size); got != c.want {
			t.Errorf("%s: got %s, want %s", c.lsn, got, c.want)
		}
		if got := postgres.NextSegment(c.want, c.size); got != c.next {
			t.Errorf("after %s: got %s, want %s", c.want, got, c.next)
		}
		if got, err := postgres.SegmentTimeline(c.want); err != nil || got != c.timeline {
			t.Errorf("timeline of %s: %d, %v", c.want, got, err)
		}
	}
	if _, err := postgres.SegmentTimeline("0000000100000000"); !errs.Is(err, errs.Format) {
		t.Errorf("timeline of a short name: %v", err)
	}
}

func TestSegmentsBetween(t *testing.T) {
	const mb16 = 16 << 20
	for _, c := range []struct {
		start, stop postgres.LSN
		want        string
	}{
		{0x1000028, 0x1000100, "1"},
		{0x1000028, 0x3000100, "1 2 3"},
		{0x1000028, 0x2000000, "1"},
		{0x1000028, 0x2000001, "1 2"},
		{0x1000028, 0x1000028, "1"},
		{0x3000028, 0x1000028, "3"},
	} {
		var got []string
		for _, name := range postgres.SegmentsBetween(1, c.start, c.stop, mb16) {
			got = append(got, strings.TrimLeft(name[8:], "0"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s to %s: got %v, want %s", c.start, c.stop, got, c.want)
		}
	}
	crossing := postgres.SegmentsBetween(2, 0xFE00_0000, 0x1_0100_0000, mb16)
	want := []string{"0000000200000000000000FE", "0000000200000000000000FF", "000000020000000100000000"}
	if !slices.Equal(crossing, want) {
		t.Errorf("got %v, want %v", crossing, want)
	}
}

func TestLSN(t *testing.T) {
	for s, want := range map[string]postgres.LSN{
		"0/0": 0, "0/1A00028": 0x1A00028, "1/0": 1 << 32, "FFFFFFFF/FFFFFFFF": 1<<64 - 1, "a/bC": 0xA_0000_00BC, "0/00000001": 1,
	} {
		got, err := postgres.ParseLSN(s)
		if err != nil || got != want {
			t.Errorf("%s: got %s, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "/", "0", "0/", "/0", "0/0/0", "0/123456789", "-1/0", "0/+1", "0x1/0", "0/ 1", "G/0"} {
		if _, err := postgres.ParseLSN(s); !errs.Is(err, errs.Format) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzParseLSN(f *testing.F) {
	for _, s := range []string{"0/0", "0/1A00028", "FFFFFFFF/FFFFFFFF", "a/bC", "0/", "-1/0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		lsn, err := postgres.ParseLSN(s)
		if err != nil {
			return
		}
		if want := fmt.Sprintf("%X/%X", uint64(lsn)>>32, uint32(lsn)); lsn.String() != want {
			t.Errorf("%q: %s is not %s", s, lsn, want)
		}
		if again, err := postgres.ParseLSN(lsn.String()); err != nil || again != lsn {
			t.Errorf("%q: %s is read as %s, %v", s, lsn, again, err)
		}
	})
}

func TestHistory(t *testing.T) {
	got, err := postgres.ParseHistory(strings.NewReader(
		"# comment\n1\t0/3000000\tno recovery target specified\n\n  2\t0/5000060\tbefore 2026-01-01 00:00:00+00\r\n\n3 1/0"))
	want := []postgres.TimelineEntry{{1, 0x3000000}, {2, 0x5000060}, {3, 1 << 32}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := postgres.ParseHistory(strings.NewReader("")); err != nil || len(got) != 0 {
		t.Errorf("empty: got %v, %v", got, err)
	}
	for _, bad := range []string{"1\n", "x\t0/1\n", "1\t01\n", "1\t0/G\n", "-1\t0/1\n", "0\t0/1\n", "4294967296\t0/1\n", "1\t0/1\n2"} {
		if _, err := postgres.ParseHistory(strings.NewReader(bad)); !errs.Is(err, errs.Format) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseHistory(f *testing.F) {
	f.Add("1\t0/3000000\tno recovery target specified\n\n2\t0/5000060\treason\n")
	f.Add("# c\n\n1 0/0")
	f.Add("1\t\n")
	f.Fuzz(func(t *testing.T, s string) {
		entries, err := postgres.ParseHistory(strings.NewReader(s))
		if err != nil {
			return
		}
		var b strings.Builder
		for _, e := range entries {
			fmt.Fprintf(&b, "%d\t%s\tx\n\n", e.Timeline, e.Switch)
		}
		if again, err := postgres.ParseHistory(strings.NewReader(b.String())); err != nil || !slices.Equal(again, entries) {
			t.Errorf("%v became %v, %v", entries, again, err)
		}
	})
}
