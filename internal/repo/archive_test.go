package repo_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/repo"
)

const (
	segment = "00000001000000000000001A"
	sumA    = "-6580cf345633715ec4f112a1bd5327c0ce38b4c4"
	sumB    = "-56c2c990d70ca75e2dbc6da338cc3afa0c68cb2d"
)

func TestFindSegment(t *testing.T) {
	r := newRepo(t, repo.CipherNone)
	for _, name := range []string{segment + sumA + ".zst", segment + sumB, segment + ".partial" + sumB + ".gz",
		segment + ".00000028.backup", segment + sumA + ".zst.pgbackrest.tmp"} {
		writeFile(t, r.ArchiveFile("15-1", name), "")
	}
	tests := map[string][]string{
		segment:                    {segment + sumB, segment + sumA + ".zst"},
		segment + ".partial":       {segment + ".partial" + sumB + ".gz"},
		"00000001000000000000001B": nil,
		"00000009000000000000001A": nil,
	}
	for name, want := range tests {
		found, err := r.FindSegment(t.Context(), "15-1", name)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range found {
			got = append(got, s.Name)
			if s.ArchiveID != "15-1" || s.WAL() != name || s.Path() != r.ArchiveFile("15-1", s.Name) {
				t.Errorf("%+v", s)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	found, _ := r.FindSegment(t.Context(), "15-1", segment+".partial")
	if found[0].Compression != filter.Gz || found[0].Sum.String() != sumB[1:] {
		t.Errorf("%+v", found[0])
	}
}

func TestArchiveIDs(t *testing.T) {
	r := newRepo(t, repo.CipherNone)
	if ids, err := r.ArchiveIDs(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("none: %v, %v", ids, err)
	}
	for _, id := range []string{"15-10", "9.6-1", "15-2", "other"} {
		writeFile(t, r.ArchivePath(id, "x"), "")
	}
	writeFile(t, r.ArchivePath("16-3"), "a file")
	ids, err := r.ArchiveIDs(t.Context())
	if want := []string{"9.6-1", "15-2", "15-10"}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("%v, %v", ids, err)
	}
}

func TestWaitSegmentFinds(t *testing.T) {
	r := newRepo(t, repo.CipherNone)
	writeFile(t, r.ArchiveFile("15-1", segment+sumA), "")
	writeFile(t, r.ArchiveFile("15-1", "00000001000000000000001B"+sumA+".gz"), "")
	for _, name := range []string{segment, "00000001000000000000001B"} {
		if s, err := r.WaitSegment(t.Context(), "15-1", name, time.Second); err != nil || s.WAL() != name {
			t.Errorf("%+v, %v", s, err)
		}
	}
	// Not in the listing that was kept, so it is read again.
	writeFile(t, r.ArchiveFile("15-1", "00000001000000000000001C"+sumB), "")
	if _, err := r.WaitSegment(t.Context(), "15-1", "00000001000000000000001C", time.Second); err != nil {
		t.Error(err)
	}
}

func TestWaitSegmentComesLater(t *testing.T) {
	r := newRepo(t, repo.CipherNone)
	synctest.Test(t, func(t *testing.T) {
		go func() {
			time.Sleep(9 * time.Second)
			writeFile(t, r.ArchiveFile("15-1", segment+sumA), "")
		}()
		start := time.Now()
		if _, err := r.WaitSegment(t.Context(), "15-1", segment, time.Minute); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took < 9*time.Second || took > 20*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestWaitSegmentTimeout(t *testing.T) {
	r := newRepo(t, repo.CipherNone)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := r.WaitSegment(t.Context(), "15-1", segment, 3*time.Second)
		want := "WAL segment " + segment + " was not archived before the 3000ms timeout\n" +
			"HINT: check the archive_command to ensure that all options are correct (especially --stanza).\n" +
			"HINT: check the PostgreSQL server log for errors.\n" +
			"HINT: run the 'start' command if the stanza was previously stopped."
		if !errs.Is(err, errs.ArchiveTimeout) || errs.Text(err) != want {
			t.Errorf("code %d %q", errs.CodeOf(err), errs.Text(err))
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestWaitSegmentCancelled(t *testing.T) {
	r := newRepo(t, repo.CipherNone)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.WaitSegment(ctx, "15-1", segment, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestWaitSegmentDuplicate(t *testing.T) {
	r := newRepo(t, repo.CipherNone)
	writeFile(t, r.ArchiveFile("15-1", segment+sumA+".gz"), "")
	writeFile(t, r.ArchiveFile("15-1", segment+sumA+".zst"), "")
	if _, err := r.WaitSegment(t.Context(), "15-1", segment, time.Second); err != nil {
		t.Errorf("the same content twice: %v", err)
	}
	other := r.ForStanza("other")
	writeFile(t, other.ArchiveFile("15-1", segment+sumA), "")
	writeFile(t, other.ArchiveFile("15-1", segment+sumB), "")
	_, err := other.WaitSegment(t.Context(), "15-1", segment, time.Second)
	if !errs.Is(err, errs.ArchiveDuplicate) || !strings.HasPrefix(err.Error(),
		"duplicates found in archive for WAL segment "+segment+": "+segment+sumB+", "+segment+sumA) {
		t.Errorf("%v", err)
	}
}
