package backup

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/internal/db"
	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/storage"
)

func TestOfflineChain(t *testing.T) {
	f := newFixture(t, map[string]string{"empty/": "", "odd/a = \"b\" [c].txt": "odd"}).createStanza()
	full := f.backUp(format.Full)
	m := f.check(full.Label)
	if m.Type != format.Full || m.Prior != "" || len(m.References) != 1 || m.ArchiveStart != "" || len(m.Databases) != 0 {
		t.Errorf("manifest %+v", m)
	}
	for _, name := range []string{"pg_data/empty", "pg_data/pg_wal/archive_status", "pg_data/pg_replslot"} {
		if !slices.ContainsFunc(m.Paths, func(p format.Path) bool { return p.Name == name }) {
			t.Errorf("no path %s", name)
		}
	}

	f.write("base/5/16384", pgtest.BuildRelation(8192, 12, 0, 99)) // other content of the same size
	f.write("new", []byte("new"))
	f.must(os.Remove(filepath.Join(f.data, "base/1/1259_fsm")))
	incr := f.backUp(format.Incr)
	m = f.check(incr.Label)
	if m.Prior != full.Label || !slices.Equal(m.References, []string{full.Label, incr.Label}) {
		t.Errorf("prior %s, references %v", m.Prior, m.References)
	}
	var own []string
	for _, file := range m.Files.All() {
		if file.Reference == "" {
			own = append(own, file.Name)
		} else if file.Reference != full.Label {
			t.Errorf("%s refers to %s", file.Name, file.Reference)
		}
	}
	if want := []string{"pg_data/base/5/16384", "pg_data/new"}; !slices.Equal(own, want) {
		t.Errorf("stored %v, want %v", own, want)
	}
	f.wantLine("INFO: last backup label = " + full.Label + ", version = 2.60.0")
	f.wantLine("INFO: new backup label = " + incr.Label)

	f.write("new", []byte("newer"))
	second := f.backUp(format.Incr)
	m = f.check(second.Label)
	if got := m.File("pg_data/base/5/16384").Reference; got != incr.Label {
		t.Errorf("file of the first incremental refers to %s", got)
	}
	if got := m.File("pg_data/PG_VERSION").Reference; got != full.Label {
		t.Errorf("file of the full refers to %s", got)
	}
	f.write("new", []byte("newest"))
	diff := f.backUp(format.Diff)
	m = f.check(diff.Label)
	if m.Prior != full.Label || !slices.Equal(m.References, []string{full.Label, diff.Label}) {
		t.Errorf("prior %s, references %v", m.Prior, m.References)
	}
	info, err := f.repo().LoadBackupInfo(t.Context())
	f.must(err)
	if len(info.Backups) != 4 {
		t.Errorf("%d backups listed", len(info.Backups))
	}
	if at, err := f.mem.Stat(t.Context(), "/repo/backup/demo/latest"); err != nil || at.Target != diff.Label {
		t.Errorf("latest is %v, %v", at, err)
	}

	if _, err := f.try(format.Incr); !errs.Is(err, errs.FileMissing) || err.Error() !=
		"no files have changed since the last backup - this seems unlikely" {
		t.Errorf("nothing changed: %v", err)
	}
}

func TestWithoutPriorBecomesFull(t *testing.T) {
	f := newFixture(t, nil).createStanza()
	res := f.backUp(format.Incr)
	if res.Type != format.Full || format.LabelType(res.Label) != format.Full {
		t.Errorf("%+v", res)
	}
	f.wantLine("WARN: no prior backup exists, incr backup has been changed to full")
}

func TestOnline(t *testing.T) {
	f := newFixture(t, map[string]string{"pg_wal/000000010000000000000002": "wal", "backup_label": "old"}).createStanza().online()
	res := f.backUp(format.Full, func(o *Options) { o.Annotations = map[string]string{"why": "test", "empty": ""} })
	m := f.check(res.Label)
	if m.ArchiveStart != firstSegment || m.ArchiveStop != firstSegment || m.LSNStart != "0/2000028" || m.LSNStop != "0/2000100" {
		t.Errorf("%s..%s %s..%s", m.ArchiveStart, m.ArchiveStop, m.LSNStart, m.LSNStop)
	}
	if got := string(f.content(m, m.File(labelFile))); got != "label\n" {
		t.Errorf("backup_label is %q", got)
	}
	if m.File(tablespaceFile) != nil || m.File("pg_data/pg_wal/000000010000000000000002") != nil {
		t.Error("tablespace_map or WAL was stored")
	}
	if want := (format.Database{Name: "app", ID: 16400, LastSystemID: 4}); len(m.Databases) != 2 || m.Databases[0] != want {
		t.Errorf("databases %v", m.Databases)
	}
	if len(m.Annotations) != 1 || m.Annotations["why"] != "test" {
		t.Errorf("annotations %v", m.Annotations)
	}
	if m.File("pg_data/base/5/16384").PageChecksum != format.PageOK || m.File("pg_data/PG_VERSION").PageChecksum != format.PageNone {
		t.Error("wrong files had their pages checked")
	}
	if m.TimestampCopyStart <= m.TimestampStart || m.TimestampStop < m.TimestampCopyStart {
		t.Errorf("times %d %d %d", m.TimestampStart, m.TimestampCopyStart, m.TimestampStop)
	}
	for _, line := range []string{
		"INFO: execute backup start: backup begins after the next regular checkpoint completes",
		"INFO: backup start archive = " + firstSegment + ", lsn = 0/2000028",
		"INFO: check archive for prior segment 000000010000000000000001",
		"INFO: execute backup stop and wait for all WAL segments to archive",
		"INFO: backup stop archive = " + firstSegment + ", lsn = 0/2000100",
		"DETAIL: wrote 'backup_label' file returned from backup stop function",
		"INFO: check archive for segment(s) " + firstSegment + ":" + firstSegment,
	} {
		f.wantLine(line)
	}
	if want := []string{"insert segment", "start", "stop", "close"}; !slices.Equal(f.server.calls, want) {
		t.Errorf("calls %v, want %v", f.server.calls, want)
	}
}

func TestArchiveCopy(t *testing.T) {
	for _, cipher := range []string{"", "secret"} {
		f := newFixture(t, nil)
		f.cipher = cipher
		f.createStanza().online()
		if cipher != "" { // the archive is encrypted then, with its own pass
			f.archiveEncrypted(firstSegment, "archive pass")
		}
		res := f.backUp(format.Full, func(o *Options) { o.ArchiveCopy = true })
		m := f.manifest(res.Label)
		file := m.File("pg_data/pg_wal/" + firstSegment)
		if file == nil || file.Size != 16<<20 || file.Checksum.String() != segmentSum || file.HasRepoChecksum {
			t.Fatalf("entry %+v", file)
		}
		if got := string(f.content(m, file)); got != "WAL of "+firstSegment {
			t.Errorf("copied segment holds %q", got)
		}
		f.wantLine("DETAIL: copy segment " + firstSegment + " to backup")
	}
}

func (f *fixture) archiveEncrypted(segment, pass string) {
	f.t.Helper()
	var stored strings.Builder
	w, err := filter.NewWriter(&stored, filter.Spec{Pass: pass})
	f.must(err)
	_, err = w.Write([]byte("WAL of " + segment))
	f.must(err)
	f.must(w.Close())
	name := f.repo().ArchiveFile("15-1", segment+"-"+segmentSum)
	f.must(storage.WriteAll(f.t.Context(), f.mem, name, []byte(stored.String()), storage.CreateOptions{}))
}

func TestIdleServerGetsASwitch(t *testing.T) {
	f := newFixture(t, nil).createStanza().online()
	f.server.segment = "000000010000000000000001"
	f.backUp(format.Full)
	f.wantLine("INFO: check archive for segment 000000010000000000000001")
	want := []string{"insert segment", "start", "restore point pgBackRest Archive Check", "switch", "stop", "close"}
	if !slices.Equal(f.server.calls, want) {
		t.Errorf("calls %v, want %v", f.server.calls, want)
	}
}

func TestArchivingBroken(t *testing.T) {
	f := newFixture(t, nil).createStanza().online()
	f.must(f.mem.RemoveAll(t.Context(), "/repo/archive/demo/15-1"))
	_, err := f.try(format.Full, func(o *Options) { o.ArchiveTimeout = 10 * time.Millisecond })
	if !errs.Is(err, errs.ArchiveTimeout) {
		t.Errorf("error %v", err)
	}
	if left := f.stored("", "2"); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	if !slices.Contains(f.server.calls, "close") {
		t.Error("the connection was left open")
	}
}

func TestServerTrouble(t *testing.T) {
	for _, call := range []string{"insert segment", "start", "stop"} {
		f := newFixture(t, nil).createStanza().online()
		f.server.fail = call
		if _, err := f.try(format.Full); err == nil || err.Error() != call+" failed" {
			t.Errorf("%s: error %v", call, err)
		}
		f.server.fail = ""
		f.check(f.backUp(format.Full).Label)
	}
}

func TestStanzaMismatch(t *testing.T) {
	f := newFixture(t, nil).createStanza()
	f.write("global/pg_control", pgtest.BuildControl(150000, pgtest.ControlOptions{SystemID: 5}))
	_, err := f.try(format.Full)
	want := "PostgreSQL version 15, system-id 5 do not match stanza version 15, system-id 7000000000000000001"
	if !errs.Is(err, errs.BackupMismatch) || err.Error() != want {
		t.Errorf("error %v", err)
	}
}

func TestRunningServerOffline(t *testing.T) {
	f := newFixture(t, map[string]string{"postmaster.pid": "1\n"}).createStanza()
	if _, err := f.try(format.Full); !errs.Is(err, errs.PgRunning) {
		t.Errorf("error %v", err)
	}
	f.backUp(format.Full, func(o *Options) { o.Force = true })
	f.wantLine("WARN: --no-online passed and postmaster.pid exists but --force was passed so backup will continue though it looks like" +
		" PostgreSQL is running and the backup will probably not be consistent")
}

func TestDelta(t *testing.T) {
	f := newFixture(t, nil).createStanza()
	full := f.backUp(format.Full)
	// Same size, same time, other content: only a comparison of contents finds it.
	before, err := os.Stat(filepath.Join(f.data, "base/5/16384"))
	f.must(err)
	f.write("base/5/16384", pgtest.BuildRelation(8192, 12, 0, 99))
	f.touch("base/5/16384", before.ModTime())
	// Same content, other time.
	f.touch("base/1/16384", f.now)
	incr := f.backUp(format.Incr, func(o *Options) { o.Delta = true })
	m := f.check(incr.Label)
	if got := m.File("pg_data/base/5/16384").Reference; got != "" {
		t.Errorf("changed file refers to %s", got)
	}
	if got := m.File("pg_data/base/1/16384").Reference; got != full.Label {
		t.Errorf("unchanged file refers to %q", got)
	}
	if got := m.File("pg_data/base/1/16384").Timestamp; got != f.now.Add(-10*time.Second).Unix() {
		t.Errorf("time of unchanged file is %d", got)
	}
	if m.Options.Delta == nil || !*m.Options.Delta {
		t.Error("delta not recorded")
	}
}

func TestSameContentOtherTime(t *testing.T) {
	f := newFixture(t, nil).createStanza()
	full := f.backUp(format.Full)
	f.touch("base/5/16384", f.now)
	f.write("new", []byte("new"))
	incr := f.backUp(format.Incr, func(o *Options) { o.Compression = filter.None }) // compression is kept within a set
	m := f.check(incr.Label)
	if got := m.File("pg_data/base/5/16384").Reference; got != full.Label {
		t.Errorf("reference %q", got)
	}
	if !strings.Contains(f.lines.Text(), "DETAIL: match file from prior backup "+f.data+"/base/5/16384 (96KB, ") {
		t.Error("not told:\n" + f.lines.Text())
	}
	f.wantLine("WARN: incr backup cannot alter compress-type option to 'none', reset to value in " + full.Label)
	if got := f.stored(incr.Label, "pg_data/base"); slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "16384") }) {
		t.Errorf("stored %v", got)
	}
}

func TestPageErrors(t *testing.T) {
	f := newFixture(t, nil)
	damaged := pgtest.BuildRelation(8192, 12, 0, 7)
	for _, page := range []int{3, 4, 9} {
		damaged[page*8192+4000]++
	}
	f.write("base/5/16384", damaged)
	f.write("base/5/16390", damaged[:8192+100])
	f.createStanza().online()
	res := f.backUp(format.Full)
	m := f.check(res.Label)
	file := m.File("pg_data/base/5/16384")
	want := []format.PageRange{{First: 3, Last: 4}, {First: 9, Last: 9}}
	if file.PageChecksum != format.PageError || !slices.Equal(file.PageErrors, want) {
		t.Errorf("%v %v", file.PageChecksum, file.PageErrors)
	}
	f.wantLine("WARN: invalid page checksums found in file " + f.data + "/base/5/16384 at pages 3-4, 9")
	f.wantLine("WARN: page misalignment in file " + f.data + "/base/5/16390: file size 8292 is not divisible by page size 8192")
	if res.ChecksumWarnings != 2 {
		t.Errorf("%d warnings", res.ChecksumWarnings)
	}
	info, err := f.repo().LoadBackupInfo(t.Context())
	f.must(err)
	if e := info.Backups[0].Error; e == nil || !*e {
		t.Error("the error is not in backup.info")
	}
	_, err = f.try(format.Full, func(o *Options) { o.PageErrors = true })
	if !errs.Is(err, errs.Checksum) || !strings.Contains(err.Error(), " in file "+f.data+"/base/5/163") {
		t.Errorf("errors put up with: %v", err)
	}
}

func TestTablespace(t *testing.T) {
	f := newFixture(t, nil)
	space := filepath.Join(t.TempDir(), "ts1")
	own := "PG_15_202209061"
	f.must(os.MkdirAll(filepath.Join(space, own, "5"), 0o700))
	f.must(os.MkdirAll(filepath.Join(space, "PG_14_202107181", "5"), 0o700))
	f.must(os.WriteFile(filepath.Join(space, own, "5", "16500"), pgtest.BuildRelation(8192, 2, 0, 1), 0o600))
	f.must(os.WriteFile(filepath.Join(space, "PG_14_202107181", "5", "16500"), []byte("other"), 0o600))
	f.must(os.Symlink(space, filepath.Join(f.data, "pg_tblspc/16499")))
	f.createStanza().online()

	_, err := f.try(format.Full)
	if !errs.Is(err, errs.Assert) || err.Error() != "tablespace with oid 16499 not found in tablespace map" {
		t.Errorf("error %v", err)
	}
	f.server.tablespaces = []db.Tablespace{{OID: 16499, Name: "ts1"}}
	f.server.mapText = "16499 " + space + "\n"
	res := f.backUp(format.Full)
	m := f.check(res.Label)
	if m.File("pg_tblspc/16499/"+own+"/5/16500") == nil || m.File("pg_tblspc/16499/PG_14_202107181/5/16500") != nil {
		t.Error("wrong files of the tablespace")
	}
	if m.File(tablespaceFile) == nil {
		t.Error("no tablespace_map")
	}
	want := format.Target{Name: "pg_tblspc/16499", Path: space, Link: true, TablespaceID: "16499", TablespaceName: "ts1"}
	if !slices.Contains(m.Targets, want) {
		t.Errorf("targets %+v", m.Targets)
	}
	link, err := f.mem.Stat(t.Context(), f.repo().BackupPath(res.Label, "pg_data/pg_tblspc/16499"))
	if err != nil || link.Target != "../../pg_tblspc/16499" {
		t.Errorf("link %+v, %v", link, err)
	}
	if incr := f.backUp(format.Incr); len(f.stored(incr.Label, "pg_tblspc")) != 0 {
		t.Errorf("incremental stored %v", f.stored(incr.Label, "pg_tblspc"))
	}
}

func TestHardlink(t *testing.T) {
	f := newFixture(t, nil).createStanza()
	full := f.backUp(format.Full)
	f.write("new", []byte("new"))
	hard := func(o *Options) { o.Repo = hardlinking(f) }
	incr := f.backUp(format.Incr, hard)
	m := f.check(incr.Label)
	if !m.Options.Hardlink || len(f.stored(incr.Label, "pg_data/base/5/")) != len(f.stored(full.Label, "pg_data/base/5/")) {
		t.Errorf("stored %v", f.stored(incr.Label, "pg_data/base/5"))
	}
	f.wantLine("DETAIL: hardlink pg_data/PG_VERSION to " + full.Label)
}

func TestRemovedDuringCopy(t *testing.T) {
	f := newFixture(t, map[string]string{"gone": "gone", "grown": "small", "base/5/20000": "12345678"}).createStanza()
	res := f.backUp(format.Full, func(o *Options) {
		o.Progress = func(_, done int64) {
			if done == 0 {
				f.must(os.Remove(filepath.Join(f.data, "gone")))
				f.write("grown", []byte("much larger"))
				f.write("base/5/20000", []byte("1234567890"))
			}
		}
	})
	m := f.manifest(res.Label)
	if m.File("pg_data/gone") != nil {
		t.Error("a removed file is still in the manifest")
	}
	f.wantLine("DETAIL: skip file removed by database " + f.data + "/gone")
	if grown := m.File("pg_data/grown"); grown.Size != 11 || grown.OriginalSize != 5 {
		t.Errorf("%+v", grown)
	}
	if relation := m.File("pg_data/base/5/20000"); relation.Size != 8 {
		t.Errorf("a relation was read beyond the size in the manifest: %d", relation.Size)
	}
	if !strings.Contains(f.lines.Text(), "/grown (5B->11B, ") {
		t.Error("growth is not told")
	}
}
