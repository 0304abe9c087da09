package archive

import (
	"fmt"
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

// TestGet fetches what was pushed, in every compression.
func TestGet(t *testing.T) {
	for _, c := range []filter.Compression{filter.None, filter.Gz, filter.Bz2, filter.Lz4, filter.Zst} {
		for _, cipher := range []string{"", "secret"} {
			f := newEncrypted(t, cipher, 2)
			f.put(2, "15-1", segment, wal(1), c)
			found, err := f.get(segment)
			f.must(err)
			if !found || f.read(received) != string(wal(1)) {
				t.Errorf("%s: found %t", c, found)
			}
			f.logged("INFO: found 000000010000000000000002 in the repo2: 15-1 archive\n")
		}
	}
}

// TestGetNames fetches what is not a whole segment, and does not find what is not there (SN-308).
func TestGetNames(t *testing.T) {
	f := newEncrypted(t, "secret", 1)
	f.put(1, "15-1", segment+".partial", wal(1), filter.Lz4)
	f.put(1, "15-1", segment+".00000028.backup", []byte("label"), filter.None)
	f.put(1, "15-1", "00000002.history", []byte("history"), filter.None)
	for name, want := range map[string]string{
		segment + ".partial":         string(wal(1)),
		segment + ".00000028.backup": "label",
		"00000002.history":           "history",
		segment:                      "",
		"00000003.history":           "",
		"000000020000000000000002":   "",
		"archive.info":               "",
	} {
		found, err := f.get(name)
		f.must(err)
		if found != (want != "") || found && f.read(received) != want {
			t.Errorf("%s: found %t", name, found)
		}
		if !found {
			f.logged("INFO: unable to find " + name + " in the archive\n")
		}
	}
}

// TestGetIDs looks under every id the cluster ever had.
func TestGetIDs(t *testing.T) {
	f := newFixture(t, 1)
	mine := format.ArchiveDB{SystemID: pgtest.DefaultSystemID, Version: "15"}
	first, third, other := mine, mine, format.ArchiveDB{ID: 2, SystemID: 5, Version: "15"}
	first.ID, third.ID = 1, 3
	f.info(1, first, other, third)
	f.put(1, "15-1", segment, wal(1), filter.Gz)
	f.put(1, "15-2", segment, wal(2), filter.Gz) // of another cluster
	found, err := f.get(segment)
	f.must(err)
	if !found || f.read(received) != string(wal(1)) {
		t.Errorf("found %t", found)
	}
	f.logged("INFO: found 000000010000000000000002 in the repo1: 15-1 archive\n")
	f.put(1, "15-3", segment, wal(1), filter.Zst)
	if found, err = f.get(segment); err != nil || !found {
		t.Errorf("%t, %v", found, err)
	}
	f.logged("INFO: found 000000010000000000000002 in the repo1: 15-3 archive\n")
	f.put(1, "15-3", segment, wal(3), filter.None)
	_, err = f.get(segment)
	if !errs.Is(err, errs.ArchiveDuplicate) {
		t.Errorf("%v", err)
	}
}

// TestGetDuplicates refuses to choose between contents (SN-310).
func TestGetDuplicates(t *testing.T) {
	f := newFixture(t, 1, 2)
	f.put(1, "15-1", segment, wal(1), filter.Gz)
	f.put(1, "15-1", segment, wal(1), filter.None)
	f.put(2, "15-1", segment, wal(1), filter.Zst)
	if found, err := f.get(segment); err != nil || !found {
		t.Errorf("the same content three times: %t, %v", found, err)
	}
	f.put(2, "15-1", segment, wal(2), filter.Gz)
	_, err := f.get(segment)
	one := "15-1/" + dir16 + storedName(segment, wal(1), filter.None)
	var two []string
	for _, name := range f.stored(2, "15-1") {
		two = append(two, "15-1/"+name)
	}
	fails(t, err, errs.ArchiveDuplicate, "duplicates found for WAL segment 000000010000000000000002:\n"+
		"repo1: "+one+", "+one+".gz\nrepo2: "+strings.Join(two, ", ")+"\n"+
		"HINT: are multiple primaries archiving to this stanza?")
}

// TestGetDamaged takes the next copy when one is damaged (SN-315). What the decompressor cannot see is found by the checksum in the
// name, which is compared where there is a next copy.
func TestGetDamaged(t *testing.T) {
	cut := func(b []byte) []byte { return b[:len(b)/2] }
	flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
	other := func(f *fixture, c filter.Compression) []byte { return f.encode(wal(2), c) }
	for _, c := range []filter.Compression{filter.None, filter.Gz, filter.Bz2, filter.Lz4, filter.Zst} {
		for name, damage := range map[string]func(*fixture, []byte) []byte{
			"cut off": func(_ *fixture, b []byte) []byte { return cut(b) },
			"changed": func(_ *fixture, b []byte) []byte { return flip(b) },
			"empty":   func(*fixture, []byte) []byte { return nil },
			"swapped": func(f *fixture, _ []byte) []byte { return other(f, c) },
			"longer":  func(_ *fixture, b []byte) []byte { return append(b, 0) },
		} {
			t.Run(c.String()+" "+name, func(t *testing.T) {
				f := newFixture(t, 1, 2)
				at := f.put(1, "15-1", segment, wal(1), c)
				f.write(at, string(damage(f, f.encode(wal(1), c))))
				shown := "repo1: " + strings.TrimPrefix(at, "/repo1/archive/demo/") + " ["
				hidden := c == filter.None || name == "swapped" || c == filter.Zst && name == "changed"
				_, err := f.get(segment)
				if hidden {
					f.must(err)
					f.logged("INFO: found " + segment + " in the repo1: 15-1 archive\n")
				} else {
					if !errs.Is(err, errs.FileRead) || !strings.HasPrefix(err.Error(), "unable to get "+segment+":\n"+shown) {
						t.Errorf("[%d] %v", errs.CodeOf(err), err)
					}
					f.logged("")
				}
				f.put(2, "15-1", segment, wal(1), filter.Lz4)
				found, err := f.get(segment)
				f.must(err)
				if !found || f.read(received) != string(wal(1)) {
					t.Error("not healed from the second repository")
				}
				if log := f.lines.Text(); !strings.HasPrefix(log, "WARN: "+shown) ||
					!strings.HasSuffix(log, "\nINFO: found 000000010000000000000002 in the repo2: 15-1 archive\n") {
					t.Error(log)
				}
			})
		}
	}
}

// TestGetSources: repositories that cannot be used are warned about, and only an error when none is left (SN-313, SN-314).
func TestGetSources(t *testing.T) {
	denied := errs.New(errs.PathOpen, "unable to list: [13] Permission denied")
	const warned = "WARN: repo%d: [PathOpenError] unable to list: [13] Permission denied\n"
	const none = "unable to find a valid repository"
	missing := "WARN: repo2: " + strings.ReplaceAll(missingInfo, "repoN", "repo2") + "\n"
	t.Run("no info", func(t *testing.T) {
		f := newFixture(t, 1)
		f.keys = []int{1, 2}
		f.put(1, "15-1", segment, wal(1), filter.Gz)
		found, err := f.get(segment)
		if err != nil || !found {
			t.Errorf("%t, %v", found, err)
		}
		f.logged(missing + "INFO: found 000000010000000000000002 in the repo1: 15-1 archive\n")
		found, err = f.get("000000010000000000000003")
		if err != nil || found {
			t.Errorf("%t, %v", found, err)
		}
		f.logged(missing + "INFO: unable to find 000000010000000000000003 in the archive\n")
		f.keys = []int{2}
		_, err = f.get(segment)
		fails(t, err, errs.RepoInvalid, none)
		f.logged(missing)
	})
	t.Run("another cluster", func(t *testing.T) {
		f := newFixture(t, 1)
		f.control(pgtest.ControlOptions{SystemID: 5})
		_, err := f.get(segment)
		fails(t, err, errs.RepoInvalid, none)
		f.logged("WARN: repo1: [ArchiveMismatchError] unable to retrieve the archive id for database version '15' and system-id '5'\n")
	})
	t.Run("unlisted", func(t *testing.T) {
		f := newFixture(t, 1, 2)
		f.put(2, "15-1", segment, wal(1), filter.Gz)
		f.tree = broken{f.mem, "/repo1/archive/demo/15-1", denied}
		found, err := f.get(segment)
		if err != nil || !found {
			t.Errorf("%t, %v", found, err)
		}
		f.logged(fmt.Sprintf(warned, 1) + "INFO: found 000000010000000000000002 in the repo2: 15-1 archive\n")
		for _, name := range []string{"000000010000000000000003", "00000002.history"} {
			if found, err = f.get(name); err != nil || found {
				t.Errorf("%s: %t, %v", name, found, err)
			}
			f.logged(fmt.Sprintf(warned, 1) + "INFO: unable to find " + name + " in the archive\n")
		}
		f.tree = broken{f.tree, "/repo2/archive/demo/15-1", denied}
		_, err = f.get(segment)
		fails(t, err, errs.RepoInvalid, none)
		f.logged(fmt.Sprintf(warned, 1) + fmt.Sprintf(warned, 2))
	})
}

// TestGetControl: the control file says who asks, and whether recovery began where it should (SN-326).
func TestGetControl(t *testing.T) {
	f := newFixture(t, 1)
	f.put(1, "15-1", segment, wal(1), filter.Gz)
	f.control(pgtest.ControlOptions{Checkpoint: 0xDEAD})
	_, err := f.get(segment)
	fails(t, err, errs.Format, "pg_control from backup is not valid without backup_label\nHINT: was the backup_label file removed?")
	f.write("/pg/backup_label", "label")
	if found, err := f.get(segment); err != nil || !found {
		t.Errorf("%t, %v", found, err)
	}
	f.remove("/pg/global/pg_control")
	_, err = f.get(segment)
	fails(t, err, errs.FileMissing, "unable to open missing file '/pg/global/pg_control' for read")
}

// TestGetDestination: a directory that is missing is a mistake (SN-309).
func TestGetDestination(t *testing.T) {
	f := newFixture(t, 1)
	at := f.put(1, "15-1", segment, wal(1), filter.Gz)
	_, err := f.get(segment, func(o *GetOptions) { o.Dest = "/nowhere/file" })
	fails(t, err, errs.FileRead, "unable to get 000000010000000000000002:\n"+
		"repo1: "+strings.TrimPrefix(at, "/repo1/archive/demo/")+
		" [FileMissingError] unable to open file '/nowhere/file' for write in missing path")
	if there, _ := storage.Exists(t.Context(), f.mem, "/nowhere"); there {
		t.Error("the directory was made")
	}
}

// TestGetFaults fails every operation of a fetch from two repositories. Success is only told with the right content, and "not there"
// never for what is there in a repository that could be read.
func TestGetFaults(t *testing.T) {
	for n := 1; ; n++ {
		f := newEncrypted(t, "secret", 1, 2)
		f.put(1, "15-1", segment, wal(1), filter.Gz)
		f.put(2, "15-1", segment, wal(1), filter.Zst)
		faulty := storagetest.NewFaulty(f.mem, n)
		f.tree = faulty
		found, err := f.get(segment)
		switch {
		case err == nil && !found:
			t.Errorf("%s: not found", faulty.Failed())
		case err == nil && f.read(received) != string(wal(1)):
			t.Errorf("%s: wrong content", faulty.Failed())
		case err != nil && faulty.Failed().Path != "/pg/global/pg_control":
			t.Errorf("%s: not healed: %v", faulty.Failed(), err)
		}
		if !faulty.Fired() {
			return
		}
	}
}
