package archive

import (
	"slices"
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/log"
	"holdfast/internal/storage"
)

func (f *fixture) getAhead(names []string, changes ...func(*GetAheadOptions)) error {
	f.t.Helper()
	o := GetAheadOptions{
		GetOptions: GetOptions{PGPath: "/pg", Local: f.tree, Repos: f.repos()},
		Segments:   names, Spool: Spool{f.tree, spoolPath}, Effort: Effort{Workers: 2},
	}
	for _, change := range changes {
		change(&o)
	}
	o.Log, f.lines = log.Memory()
	f.must(f.mem.MakeDir(f.t.Context(), spoolPath+"/in", 0, true))
	return GetAhead(f.t.Context(), o)
}

// archived puts segments into the archive.
func (f *fixture) archived(numbers ...int) {
	for _, n := range numbers {
		for _, key := range f.keys {
			f.put(key, "15-1", walName(n), wal(uint64(n)), filter.Gz)
		}
	}
}

func names(numbers ...int) []string {
	var all []string
	for _, n := range numbers {
		all = append(all, walName(n))
	}
	return all
}

// TestGetAhead: segments up to the first gap, and a note about that (SN-327).
func TestGetAhead(t *testing.T) {
	f := newFixture(t, 1)
	f.archived(2, 3, 4, 6)
	f.must(f.getAhead(names(2, 3, 4, 5, 6)))
	f.noted("in", walName(2)+": "+string(wal(2)), walName(3)+": "+string(wal(3)), walName(4)+": "+string(wal(4)), walName(5)+".ok: ")
	got := strings.Split(strings.TrimSpace(f.lines.Text()), "\n")
	slices.Sort(got[1:4])
	if want := []string{
		"INFO: get 5 WAL file(s) from archive: " + walName(2) + "..." + walName(6),
		"DETAIL: found " + walName(2) + " in the repo1: 15-1 archive", "DETAIL: found " + walName(3) + " in the repo1: 15-1 archive",
		"DETAIL: found " + walName(4) + " in the repo1: 15-1 archive", "DETAIL: unable to find " + walName(5) + " in the archive",
	}; !slices.Equal(got, want) {
		t.Errorf("logged %q", got)
	}

	f = newFixture(t, 1)
	f.archived(2)
	f.must(f.getAhead(names(2)))
	f.noted("in", walName(2)+": "+string(wal(2)))
	f.logged("INFO: get 1 WAL file(s) from archive: " + walName(2) + "\nDETAIL: found " + walName(2) + " in the repo1: 15-1 archive\n")

	fails(t, f.getAhead(nil), errs.ParamInvalid, "at least one wal segment is required")
}

// TestGetAheadTrouble: what goes wrong with one segment is noted for that one, and the others still come.
func TestGetAheadTrouble(t *testing.T) {
	t.Run("damaged", func(t *testing.T) {
		f := newFixture(t, 1)
		f.archived(2, 3, 4)
		at := f.put(1, "15-1", walName(3), wal(3), filter.Gz)
		f.write(at, "not compressed")
		f.must(f.getAhead(names(2, 3, 4), func(o *GetAheadOptions) { o.Retries = 1 }))
		if got := f.spooled("in"); !slices.Equal(got, []string{walName(2), walName(3) + ".error", walName(4)}) {
			t.Errorf("in the spool: %q", got)
		}
		text := f.read(spoolPath + "/in/" + walName(3) + ".error")
		if !strings.HasPrefix(text, "42\nraised from local-") || !strings.Contains(text, "protocol: unable to get "+walName(3)+":\nrepo1: 15-1/") {
			t.Errorf("noted %q", text)
		}
	})
	t.Run("healed", func(t *testing.T) {
		f := newFixture(t, 1, 2)
		f.archived(2)
		f.write(f.put(1, "15-1", walName(2), wal(2), filter.Gz), "not compressed")
		f.must(f.getAhead(names(2)))
		note := f.read(spoolPath + "/in/" + walName(2) + ".ok")
		if !strings.HasPrefix(note, "0\nrepo1: 15-1/") || f.read(spoolPath+"/in/"+walName(2)) != string(wal(2)) {
			t.Errorf("noted %q", note)
		}
	})
	t.Run("duplicates", func(t *testing.T) {
		f := newFixture(t, 1)
		f.archived(2, 3, 4)
		f.put(1, "15-1", walName(3), wal(33), filter.Gz)
		f.must(f.getAhead(names(2, 3, 4)))
		if got := f.spooled("in"); !slices.Equal(got, []string{walName(2), walName(3) + ".error"}) {
			t.Errorf("in the spool: %q", got)
		}
		if text := f.read(spoolPath + "/in/" + walName(3) + ".error"); !strings.HasPrefix(text, "45\nduplicates found for WAL segment") {
			t.Errorf("noted %q", text)
		}
	})
	t.Run("no repository", func(t *testing.T) {
		f := newFixture(t, 1)
		f.must(f.mem.RemoveAll(t.Context(), "/repo1"))
		f.must(f.getAhead(names(2)))
		if text := f.read(spoolPath + "/in/global.error"); !strings.HasPrefix(text, "103\nunable to find a valid repository\nrepo1: [FileMissingError]") {
			t.Errorf("noted %q", text)
		}
	})
	t.Run("one repository", func(t *testing.T) {
		f := newFixture(t, 1, 2)
		f.archived(2)
		f.must(f.mem.RemoveAll(t.Context(), "/repo1"))
		f.must(f.getAhead(names(2, 3)))
		for _, name := range names(2, 3) {
			if note := f.read(spoolPath + "/in/" + name + ".ok"); !strings.HasPrefix(note, "0\nrepo1: [FileMissingError]") {
				t.Errorf("noted %q", note)
			}
		}
		if n := strings.Count(f.lines.Text(), "WARN: "); n != 1 {
			t.Errorf("%d warnings:\n%s", n, f.lines.Text())
		}
	})
	t.Run("no control file", func(t *testing.T) {
		f := newFixture(t, 1)
		f.remove("/pg/global/pg_control")
		fails(t, f.getAhead(names(2)), errs.FileMissing, "unable to open missing file '/pg/global/pg_control' for read")
		f.noted("in", "global.error: 55\nunable to open missing file '/pg/global/pg_control' for read")
	})
}

// TestGetAheadOrder: the note about a segment and its whole content are there before its name is.
func TestGetAheadOrder(t *testing.T) {
	f := newFixture(t, 1, 2)
	f.archived(2)
	f.write(f.put(1, "15-1", walName(2), wal(2), filter.Gz), "not compressed")
	in := spoolPath + "/in/"
	f.tree = watchMove{f.mem, func(from, to string) {
		if from != in+walName(2)+storage.TempSuffix || to != in+walName(2) {
			t.Errorf("moves %s to %s", from, to)
		}
		if f.read(from) != string(wal(2)) || !strings.Contains(f.read(in+walName(2)+".ok"), "repo1: ") {
			t.Error("named too early")
		}
		waiting := awaitGet{in: Spool{Tree: f.mem, Path: spoolPath}.in()}
		waiting.Name = walName(2)
		if found, ended, err := waiting.look(t.Context(), false); found || ended || err != nil || f.read(in+walName(2)+".ok") == "" {
			t.Errorf("who waits for it is told %t, %t, %v", found, ended, err)
		}
	}}
	f.must(f.getAhead(names(2)))
}
