package archive

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

const dir16 = "0000000100000000/"

// fails checks code and whole text of an error.
func fails(t *testing.T, err error, code errs.Code, text string) {
	t.Helper()
	got := ""
	if err != nil {
		got = errs.Text(err)
	}
	if errs.CodeOf(err) != code || got != text {
		t.Errorf("got  [%d] %s\nwant [%d] %s", errs.CodeOf(err), got, code, text)
	}
}

// TestPush stores a segment as the other programs would: checksum and compression in its name.
func TestPush(t *testing.T) {
	for _, c := range []filter.Compression{filter.None, filter.Gz, filter.Bz2, filter.Lz4, filter.Zst} {
		for _, cipher := range []string{"", "secret"} {
			f := newEncrypted(t, cipher, 1, 3)
			err := f.push(segment, func(o *PushOptions) { o.Compression, o.Level = c, 1 })
			f.must(err)
			name := dir16 + storedName(segment, wal(1), c)
			for _, key := range f.keys {
				f.listed(key, "15-1", name)
				if f.decode(key, "15-1/"+name) != string(wal(1)) {
					t.Errorf("%s: wrong content", c)
				}
			}
			f.logged("INFO: pushed WAL file '000000010000000000000002' to the archive\n")
		}
	}
}

// TestPushNames: what is kept under which name (SN-305, SN-329).
func TestPushNames(t *testing.T) {
	f := newEncrypted(t, "secret", 1)
	f.write(walDir+"/"+segment+".partial", string(wal(1)))
	f.write(walDir+"/"+segment+".00000028.backup", "label")
	f.write(walDir+"/00000002.history", "old")
	f.write(walDir+"/odd name", "odd")
	for _, name := range []string{segment + ".partial", segment + ".00000028.backup", "00000002.history", "odd name"} {
		f.must(f.push(name))
	}
	partial := dir16 + storedName(segment+".partial", wal(1), filter.Gz)
	f.listed(1, "15-1", dir16+segment+".00000028.backup", partial, "00000002.history", "odd name")
	if f.decode(1, "15-1/"+partial) != string(wal(1)) || f.decode(1, "15-1/00000002.history") != "old" {
		t.Error("wrong content")
	}
	f.write(walDir+"/00000002.history", "new")
	f.must(f.push("00000002.history"))
	f.logged("INFO: pushed WAL file '00000002.history' to the archive\n")
	if f.decode(1, "15-1/00000002.history") != "new" {
		t.Error("not replaced")
	}
}

// TestPushAgain: the same segment is success, another content under its name is not (SN-301, SN-302, SN-310).
func TestPushAgain(t *testing.T) {
	f := newFixture(t, 1, 2)
	f.must(f.push(segment))
	f.must(f.push(segment, func(o *PushOptions) { o.Compression = filter.Zst }))
	const same = "WARN: WAL file '000000010000000000000002' already exists in the repo%d archive with the same checksum\n" +
		"HINT: this is valid in some recovery scenarios but may also indicate a problem.\n"
	const pushed = "INFO: pushed WAL file '000000010000000000000002' to the archive\n"
	f.logged(fmt.Sprintf(same, 1) + fmt.Sprintf(same, 2) + pushed)
	name := dir16 + storedName(segment, wal(1), filter.Gz)
	f.listed(1, "15-1", name)
	f.must(f.push(segment, func(o *PushOptions) { o.WarnSame = false }))
	f.logged(pushed)

	f.remove("/repo1/archive/demo/15-1/" + name)
	f.must(f.push(segment))
	f.logged(fmt.Sprintf(same, 2) + pushed)
	f.listed(1, "15-1", name)

	f.write(walDir+"/"+segment, string(wal(2)))
	f.remove("/repo1/archive/demo/15-1/" + name)
	fails(t, f.push(segment), errs.ArchiveDuplicate,
		"WAL file '000000010000000000000002' already exists in the repo2 archive with a different checksum")
	f.listed(1, "15-1") // nothing is pushed anywhere
	f.logged("")

	other := f.put(2, "15-1", segment, wal(3), filter.None)
	fails(t, f.push(segment), errs.Command, "archive-push command encountered error(s):\n"+
		"repo2: [ArchiveDuplicateError] duplicates found in archive for WAL segment 000000010000000000000002: "+
		strings.TrimPrefix(other, "/repo2/archive/demo/15-1/"+dir16)+", "+name[len(dir16):]+"\n"+
		"HINT: are multiple primaries archiving to this stanza?")
	f.listed(1, "15-1", dir16+storedName(segment, wal(2), filter.Gz))
}

// TestPushHeader refuses WAL of other clusters and what is no WAL (SN-303).
func TestPushHeader(t *testing.T) {
	build := func(o pgtest.WALOptions) string {
		o.SegmentSize = segSize
		return string(pgtest.BuildWAL(postgres.Version15, o))
	}
	odd := []byte(build(pgtest.WALOptions{}))
	odd[32] = 1
	for _, test := range []struct {
		content string
		force   postgres.Version
		code    errs.Code
		text    string
	}{
		{build(pgtest.WALOptions{SystemID: 5}), 0, errs.ArchiveMismatch, "WAL file '/pg/pg_wal/000000010000000000000002' version 15," +
			" system-id 5 do not match stanza version 15, system-id 7000000000000000001"},
		{string(pgtest.BuildWAL(postgres.Version14, pgtest.WALOptions{SegmentSize: segSize})), 0, errs.ArchiveMismatch,
			"WAL file '/pg/pg_wal/000000010000000000000002' version 14," +
				" system-id 7000000000000000001 do not match stanza version 15, system-id 7000000000000000001"},
		{build(pgtest.WALOptions{})[:511], 0, errs.FileRead, "unable to read 512 byte(s) from '/pg/pg_wal/000000010000000000000002'"},
		{"", 0, errs.FileRead, "unable to read 512 byte(s) from '/pg/pg_wal/000000010000000000000002'"},
		{build(pgtest.WALOptions{Short: true}), 0, errs.Format, "first page header in WAL file is expected to be in long format"},
		{string(make([]byte, segSize)), 0, errs.Format, "first page header in WAL file is expected to be in long format"},
		{build(pgtest.WALOptions{Magic: 7}), 0, errs.VersionNotSupported, "unexpected WAL magic 7\n" +
			"HINT: is this version of PostgreSQL supported?\nHINT: is Holdfast up to date on all hosts?"},
		{build(pgtest.WALOptions{Magic: 7}), postgres.Version15, errs.OK, ""},
		{string(odd), 0, errs.Format,
			"wal segment size is 1048577 but must be a power of two between 1048576 and 1073741824 inclusive"},
	} {
		for _, name := range []string{segment, segment + ".partial"} {
			f := newFixture(t, 1)
			f.write(walDir+"/"+name, test.content)
			fails(t, f.push(name, func(o *PushOptions) { o.Force = test.force }), test.code,
				strings.Replace(test.text, segment, name, 1))
			if test.code != errs.OK {
				f.listed(1, "15-1")
			}
			f.must(f.push(name, func(o *PushOptions) { o.CheckHeader = false }))
		}
	}
	f := newFixture(t, 1)
	for _, name := range []string{"000000010000000000000003", "00000003.history"} {
		fails(t, f.push(name), errs.FileMissing, "unable to open missing file '/pg/pg_wal/"+name+"' for read")
	}
	f.listed(1, "15-1")
}

const missingInfo = "[FileMissingError] unable to load info file '/repoN/archive/demo/archive.info'" +
	" or '/repoN/archive/demo/archive.info.copy':\n" +
	"FileMissingError: unable to open missing file '/repoN/archive/demo/archive.info' for read\n" +
	"FileMissingError: unable to open missing file '/repoN/archive/demo/archive.info.copy' for read\n" +
	"HINT: archive.info cannot be opened but is required to push/get WAL segments.\n" +
	"HINT: is archive_command configured correctly in postgresql.conf?\n" +
	"HINT: has a stanza-create been performed?\n" +
	"HINT: use --no-archive-check to disable archive checks during backup if you have an alternate archiving scheme."

// TestPushTargets: one bad repository does not keep the file from the good ones, and is reported (SN-311, SN-312).
func TestPushTargets(t *testing.T) {
	name := dir16 + storedName(segment, wal(1), filter.Gz)
	denied := errs.New(errs.FileOpen, "unable to open: [13] Permission denied")
	const heading = "archive-push command encountered error(s):\n"
	t.Run("missing", func(t *testing.T) {
		f := newFixture(t, 1)
		f.keys = []int{1, 2}
		fails(t, f.push(segment), errs.Command, heading+"repo2: "+strings.ReplaceAll(missingInfo, "repoN", "repo2"))
		f.listed(1, "15-1", name)
		f.info(2, format.ArchiveDB{ID: 4, SystemID: pgtest.DefaultSystemID, Version: "15"})
		f.must(f.push(segment))
		f.listed(2, "15-4", name)
	})
	t.Run("none", func(t *testing.T) {
		f := newFixture(t)
		f.keys = []int{1, 2}
		fails(t, f.push(segment), errs.RepoInvalid, "unable to find a valid repository:\n"+
			"repo1: "+strings.ReplaceAll(missingInfo, "repoN", "repo1")+"\nrepo2: "+strings.ReplaceAll(missingInfo, "repoN", "repo2"))
	})
	t.Run("unwritable", func(t *testing.T) {
		f := newFixture(t, 1, 2)
		f.tree = broken{f.mem, "/repo2/archive/demo/15-1/" + name, denied}
		fails(t, f.push(segment), errs.Command, heading+"repo2: [FileOpenError] unable to open: [13] Permission denied")
		f.listed(1, "15-1", name)
		f.listed(2, "15-1")
	})
	t.Run("unlisted", func(t *testing.T) {
		f := newFixture(t, 1, 2)
		f.tree = broken{f.mem, "/repo1/archive/demo/15-1", denied}
		fails(t, f.push(segment), errs.Command, heading+"repo1: [FileOpenError] unable to open: [13] Permission denied")
		f.listed(2, "15-1", name)
	})
	t.Run("all unwritable", func(t *testing.T) {
		f := newFixture(t, 1, 2)
		f.tree = broken{f.mem, "/repo1/archive/demo/15-1/" + name, denied}
		f.tree = broken{f.tree, "/repo2/archive/demo/15-1/" + name, denied}
		fails(t, f.push(segment), errs.Command, heading+"repo1: [FileOpenError] unable to open: [13] Permission denied\n"+
			"repo2: [FileOpenError] unable to open: [13] Permission denied")
	})
	t.Run("another cluster", func(t *testing.T) {
		f := newFixture(t, 1, 2)
		f.info(2, format.ArchiveDB{ID: 1, SystemID: 5, Version: "14"})
		fails(t, f.push(segment), errs.Command, heading+"repo2: [ArchiveMismatchError] PostgreSQL version 15, system-id 7000000000000000001"+
			" do not match repo2 stanza version 14, system-id 5\nHINT: are you archiving to the correct stanza?")
		fails(t, f.push(segment, func(o *PushOptions) { o.PGPath = "" }), errs.Command, heading+
			"repo2: [ArchiveMismatchError] repo1 stanza version 15, system-id 7000000000000000001"+
			" do not match repo2 stanza version 14, system-id 5\nHINT: are you archiving to the correct stanza?")
		f.info(1, format.ArchiveDB{ID: 1, SystemID: pgtest.DefaultSystemID, Version: "15"}, format.ArchiveDB{ID: 2, SystemID: 6, Version: "15"})
		f.keys = []int{1}
		fails(t, f.push(segment), errs.RepoInvalid, "unable to find a valid repository:\n"+
			"repo1: [ArchiveMismatchError] PostgreSQL version 15, system-id 7000000000000000001"+
			" do not match repo1 stanza version 15, system-id 6\nHINT: are you archiving to the correct stanza?")
	})
	t.Run("no control file", func(t *testing.T) {
		f := newFixture(t, 1)
		f.remove("/pg/global/pg_control")
		fails(t, f.push(segment), errs.FileMissing, "unable to open missing file '/pg/global/pg_control' for read")
		f.must(f.push(segment, func(o *PushOptions) { o.PGPath = "" }))
	})
}

// TestQueue drops files when too many wait, and needs neither repository nor cluster for that (SN-316, SN-317).
func TestQueue(t *testing.T) {
	for _, test := range []struct {
		max  int64
		drop bool
	}{{-1, false}, {3*segSize - 1, true}, {3 * segSize, false}, {0, true}} {
		f := newFixture(t, 1)
		f.remove("/pg/global/pg_control")
		f.write(walDir+"/archive_status/000000010000000000000003.ready", "")
		f.write(walDir+"/archive_status/00000002.history.ready", "")
		f.write(walDir+"/archive_status/000000010000000000000001.done", "")
		err := f.push("000000010000000000000003", func(o *PushOptions) { o.QueueMax = test.max })
		if test.drop {
			f.must(err)
			f.listed(1, "15-1")
			if !strings.HasPrefix(f.lines.Text(), "WARN: dropped WAL file '000000010000000000000003' because archive queue exceeded ") {
				t.Error(f.lines.Text())
			}
			continue
		}
		fails(t, err, errs.FileMissing, "unable to open missing file '/pg/global/pg_control' for read")
	}
	limit := func(o *PushOptions) { o.QueueMax = 16 << 20 }
	f := newFixture(t, 1)
	f.remove(walDir + "/archive_status/" + segment + ".ready")
	f.must(f.push(segment, limit))
	f.write(walDir+"/archive_status/000000010000000000000001.ready", "")
	fails(t, f.push(segment, limit), errs.FileOpen, "unable to get info for missing path/file '/pg/pg_wal/000000010000000000000001'")
	f.must(f.mem.RemoveAll(t.Context(), walDir+"/archive_status"))
	fails(t, f.push(segment, limit), errs.PathMissing, "unable to list file info for missing path '/pg/pg_wal/archive_status'")
}

// TestPushFaults fails every operation of a push to two repositories, once or for good, and takes the power away behind it. Success is
// only ever told when both repositories keep the segment, and the next push makes it good.
func TestPushFaults(t *testing.T) {
	name := dir16 + storedName(segment, wal(1), filter.Gz)
	for _, stay := range []bool{false, true} {
		for n := 1; ; n++ {
			f := newEncrypted(t, "secret", 1, 2)
			faulty := storagetest.NewFaulty(f.mem, n)
			faulty.Stay = stay
			f.tree = faulty
			err := f.push(segment)
			found := f.mem.Crash()
			for _, key := range f.keys {
				at := fmt.Sprintf("/repo%d/archive/demo/15-1/%s", key, name)
				there, existsErr := storage.Exists(t.Context(), found, at)
				f.must(existsErr)
				if err == nil && !there {
					t.Fatalf("%s: success but not in repo%d", faulty.Failed(), key)
				}
				f.mem, f.tree = found, found
				if there && f.decode(key, "15-1/"+name) != string(wal(1)) {
					t.Fatalf("%s: repo%d has a damaged segment", faulty.Failed(), key)
				}
			}
			if !faulty.Fired() {
				f.must(err)
				break
			}
			f.must(f.push(segment))
			for _, key := range f.keys {
				f.listed(key, "15-1", name)
				if f.decode(key, "15-1/"+name) != string(wal(1)) {
					t.Errorf("repo%d: wrong content", key)
				}
			}
			if t.Failed() {
				t.Fatalf("after a fault at %s: %v", faulty.Failed(), err)
			}
		}
	}
}

// TestPushOrder shows the order of changes of a push.
func TestPushOrder(t *testing.T) {
	f := newFixture(t, 1, 2)
	trace := storagetest.NewTrace(f.mem)
	f.tree = trace
	f.must(f.push(segment))
	const want = `syncdir /repo1/archive/demo/15-1
syncdir /repo1/archive/demo
create /repo1/archive/demo/15-1/NAME atomic
syncdir /repo2/archive/demo/15-1
syncdir /repo2/archive/demo
create /repo2/archive/demo/15-1/NAME atomic
write /repo1/archive/demo/15-1/NAME
write /repo2/archive/demo/15-1/NAME
close /repo1/archive/demo/15-1/NAME
close /repo2/archive/demo/15-1/NAME
`
	if got := strings.ReplaceAll(trace.Text(), dir16+storedName(segment, wal(1), filter.Gz), "NAME"); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

// TestPushIntoNewDirectory: a directory that somebody made who was killed then is as durable as the first file in it.
func TestPushIntoNewDirectory(t *testing.T) {
	for _, made := range []string{"15-1", "15-1/" + segment[:16]} {
		f := newFixture(t, 1)
		for _, dir := range []string{"/", "/repo1", "/repo1/archive", "/repo1/archive/demo"} {
			f.must(f.mem.SyncDir(t.Context(), dir))
		}
		f.must(f.mem.MakeDir(t.Context(), "/repo1/archive/demo/"+made, 0, true))
		f.must(f.push(segment))
		file := "/repo1/archive/demo/15-1/" + dir16 + storedName(segment, wal(1), filter.Gz)
		if there, err := storage.Exists(t.Context(), f.mem.Crash(), file); !there || err != nil {
			t.Errorf("%s: lost: %v", made, err)
		}
	}
}

// TestPushCancelled: a push that is told to end stores nothing.
func TestPushCancelled(t *testing.T) {
	f := newFixture(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Push(ctx, PushOptions{File: walDir + "/" + segment, Local: f.mem, PGPath: "/pg", Repos: f.repos(), QueueMax: -1})
	if !errs.Is(err, errs.Term) {
		t.Errorf("%v", err)
	}
	f.listed(1, "15-1")
}
