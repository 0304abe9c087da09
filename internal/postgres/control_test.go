package postgres_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
)

func TestControlOfEveryVersion(t *testing.T) {
	for _, v := range postgres.Versions() {
		want := postgres.Control{
			Version: v, SystemID: 0xFEDCBA9876543210, Checkpoint: 0x1_0000_00A8, Timeline: 7, PageSize: 16384,
			WALSegmentSize: 64 << 20, PageChecksums: true, CatalogVersion: pgtest.CatalogVersion(v),
		}
		b := pgtest.BuildControl(v, pgtest.ControlOptions{
			SystemID: want.SystemID, Checkpoint: want.Checkpoint, Timeline: 7, PageSize: 16384, WALSegmentSize: 64 << 20, ChecksumVersion: 1,
		})
		want.ControlVersion = binary.LittleEndian.Uint32(b[8:])
		got, err := postgres.ParseControl(b[:postgres.ControlDataSize], 0)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", v, got, err, want)
		}
	}
}

func TestControlErrors(t *testing.T) {
	build := func(o pgtest.ControlOptions) []byte { return pgtest.BuildControl(postgres.Version15, o) }
	flip := func(b []byte, at int) []byte { b[at] ^= 1; return b }
	for _, c := range []struct {
		name  string
		bytes []byte
		code  errs.Code
		text  string
	}{
		{"short", make([]byte, 511), errs.FileRead, "unable to read 512 byte(s)"},
		{"empty", nil, errs.FileRead, "unable to read 512 byte(s)"},
		{"unknown", build(pgtest.ControlOptions{ControlVersion: 501, CatalogVersion: 19780101}), errs.VersionNotSupported,
			"unexpected control version = 501 and catalog version = 19780101\nHINT: is this version of PostgreSQL supported?"},
		{"catalog", build(pgtest.ControlOptions{CatalogVersion: 202209062}), errs.VersionNotSupported, "unexpected control version = 1300"},
		{"crc", flip(build(pgtest.ControlOptions{}), 290), errs.Checksum, "calculated pg_control checksum does not match expected value"},
		{"field", flip(build(pgtest.ControlOptions{}), 100), errs.Checksum, "calculated pg_control checksum does not match expected value"},
		{"moved crc", build(pgtest.ControlOptions{CRCDelta: 8}), errs.Checksum, "calculated pg_control checksum does not match"},
		{"segment size", build(pgtest.ControlOptions{WALSegmentSize: 3 << 20}), errs.Format, "wal segment size is 3145728 but must be"},
		{"segment size", build(pgtest.ControlOptions{WALSegmentSize: 1 << 19}), errs.Format, "wal segment size is 524288 but must be"},
		{"page size", build(pgtest.ControlOptions{PageSize: 12345}), errs.Format, "page size is 12345 but"},
		{"page size", build(pgtest.ControlOptions{PageSize: 512}), errs.Format, "page size is 512 but"},
		{"page size", build(pgtest.ControlOptions{PageSize: 65536}), errs.Format, "page size is 65536 but"},
		{"checksums", build(pgtest.ControlOptions{ChecksumVersion: 2}), errs.Format, "page checksum version is 2 but must be <= 1"},
	} {
		_, err := postgres.ParseControl(c.bytes, 0)
		if !errs.Is(err, c.code) || !strings.HasPrefix(errs.Text(err), c.text) {
			t.Errorf("%s: got [%03d] %v", c.name, errs.CodeOf(err), err)
		}
	}
}

func TestControlChecksumsBeingEnabled(t *testing.T) {
	got, err := postgres.ParseControl(pgtest.BuildControl(postgres.Version19, pgtest.ControlOptions{ChecksumVersion: 2}), 0)
	if err != nil || got.PageChecksums {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestControlUnreleasedVersion(t *testing.T) {
	for catalog, ok := range map[uint32]bool{202605130: false, 202605131: true, 202612345: true, 202700000: false} {
		_, err := postgres.ParseControl(pgtest.BuildControl(postgres.Version19, pgtest.ControlOptions{CatalogVersion: catalog}), 0)
		if (err == nil) != ok {
			t.Errorf("catalog version %d: %v", catalog, err)
		}
	}
	beta := pgtest.BuildControl(postgres.Version19, pgtest.ControlOptions{ControlVersion: 1902, CRCDelta: -4})
	for _, force := range []postgres.Version{0, postgres.Version19} {
		if got, err := postgres.ParseControl(beta, force); err != nil || got.ControlVersion != 1902 {
			t.Errorf("beta, forced %d: %+v, %v", force, got, err)
		}
	}
}

func TestControlForcedVersion(t *testing.T) {
	for _, delta := range []int{0, 4, 40, 512 - 4 - 288} {
		b := pgtest.BuildControl(postgres.Version15, pgtest.ControlOptions{ControlVersion: 9999, CatalogVersion: 1, CRCDelta: delta, Timeline: 3})
		if _, err := postgres.ParseControl(b, 0); !errs.Is(err, errs.VersionNotSupported) {
			t.Errorf("delta %d: not forced: %v", delta, err)
		}
		got, err := postgres.ParseControl(b, postgres.Version15)
		if err != nil || got.Version != postgres.Version15 || got.Timeline != 3 || got.ControlVersion != 9999 || got.CatalogVersion != 1 {
			t.Errorf("delta %d: got %+v, %v", delta, got, err)
		}
	}
	b := pgtest.BuildControl(postgres.Version15, pgtest.ControlOptions{})
	b[100] ^= 1
	if _, err := postgres.ParseControl(b, postgres.Version15); !errs.Is(err, errs.Checksum) {
		t.Errorf("damaged: %v", err)
	}
}

func TestInvalidateCheckpoint(t *testing.T) {
	for _, v := range postgres.Versions() {
		for _, delta := range []int{0, 16} {
			force := postgres.Version(0)
			if delta != 0 {
				force = v
			}
			before := pgtest.BuildControl(v, pgtest.ControlOptions{Checkpoint: 0x2000028, CRCDelta: delta})
			b := bytes.Clone(before)
			if err := postgres.InvalidateCheckpoint(b, force); err != nil {
				t.Fatal(v, err)
			}
			c, err := postgres.ParseControl(b, force)
			if err != nil || !postgres.CheckpointInvalidated(c) {
				t.Errorf("%s: %+v, %v", v, c, err)
			}
			if !bytes.Equal(b[32:40], []byte{0xAD, 0xDE, 0, 0, 0, 0, 0, 0}) || !bytes.Equal(b[40:256], before[40:256]) {
				t.Errorf("%s: other bytes have changed", v)
			}
		}
	}
	if err := postgres.InvalidateCheckpoint(make([]byte, 8192), 0); !errs.Is(err, errs.VersionNotSupported) {
		t.Errorf("invalid file: %v", err)
	}
}

// TestRealControl compares with what pg_controldata thinks of the file.
func TestRealControl(t *testing.T) {
	c := pgtest.Start(t, pgtest.Options{SegmentMB: 1})
	c.Stop()
	path := filepath.Join(c.DataDir, postgres.ControlName)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := postgres.ParseControl(b, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != c.Version || got.WALSegmentSize != 1<<20 || got.PageSize != 8192 || !got.PageChecksums || got.Timeline != 1 {
		t.Errorf("got %+v", got)
	}
	if err := postgres.InvalidateCheckpoint(b, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(c.Bin, "pg_controldata"), c.DataDir)
	cmd.Env = []string{"LC_ALL=C"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "0/DEAD") || strings.Contains(string(out), "WARNING") {
		t.Errorf("pg_controldata:\n%s", out)
	}
	if err := c.TryStart(); err == nil {
		t.Error("server starts with an invalid checkpoint")
	}
}

func TestReadControl(t *testing.T) {
	good := pgtest.BuildControl(postgres.Version15, pgtest.ControlOptions{})
	torn := bytes.Clone(good)
	torn[50] ^= 1
	other := bytes.Clone(good)
	other[60] ^= 1
	failure := errors.New("gone")
	for _, c := range []struct {
		name   string
		reads  []any
		sleeps int
		code   errs.Code
	}{
		{"good", []any{good}, 0, errs.OK},
		{"torn once", []any{torn, good}, 1, errs.OK},
		{"torn differently", []any{torn, other, torn, good}, 3, errs.OK},
		{"torn for good", []any{torn, other, other}, 2, errs.Checksum},
		{"short, then good", []any{good[:100], good}, 1, errs.OK},
		{"empty", []any{good[:0], good[:0]}, 1, errs.FileRead},
		{"fails", []any{failure}, 0, errs.Unhandled},
		{"fails later", []any{torn, failure}, 1, errs.Unhandled},
	} {
		sleeps, reads := 0, 0
		b, control, err := postgres.ReadControl(func() ([]byte, error) {
			r := c.reads[reads]
			reads++
			if err, ok := r.(error); ok {
				return nil, err
			}
			return r.([]byte), nil
		}, 0, func(d time.Duration) {
			sleeps++
			if d != 50*time.Millisecond {
				t.Errorf("%s: slept %s", c.name, d)
			}
		})
		if errs.CodeOf(err) != c.code || sleeps != c.sleeps || reads != len(c.reads) {
			t.Errorf("%s: %v after %d reads, %d sleeps", c.name, err, reads, sleeps)
		}
		if c.code == errs.OK && (!bytes.Equal(b, good) || control.Version != postgres.Version15) {
			t.Errorf("%s: wrong result", c.name)
		}
	}
}

func TestReadControlDropsTheRest(t *testing.T) {
	b := pgtest.BuildControl(postgres.Version15, pgtest.ControlOptions{})
	want := bytes.Clone(b)
	b[600] = 1
	got, _, err := postgres.ReadControl(func() ([]byte, error) { return b, nil }, 0, nil)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("bytes after the first 512 were kept, %v", err)
	}
}

func FuzzParseControl(f *testing.F) {
	for _, v := range postgres.Versions() {
		f.Add(pgtest.BuildControl(v, pgtest.ControlOptions{})[:512], 0)
		f.Add(pgtest.BuildControl(v, pgtest.ControlOptions{CRCDelta: 20})[:512], int(v))
	}
	f.Fuzz(func(t *testing.T, b []byte, force int) {
		c, err := postgres.ParseControl(b, postgres.Version(force))
		if err != nil {
			if errs.CodeOf(err) == errs.Unhandled {
				t.Errorf("error without a code: %v", err)
			}
			return
		}
		if err := postgres.InvalidateCheckpoint(b, postgres.Version(force)); err != nil {
			t.Fatal(err)
		}
		again, err := postgres.ParseControl(b, postgres.Version(force))
		c.Checkpoint = 0xDEAD
		if err != nil || again != c {
			t.Errorf("%+v became %+v, %v", c, again, err)
		}
	})
}
