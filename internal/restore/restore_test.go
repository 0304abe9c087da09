package restore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/postgres"
	"holdfast/internal/storage"
)

// TestFresh restores into nothing: with compression, encryption, and as one or many workers.
func TestFresh(t *testing.T) {
	for _, s := range []shape{
		{},
		{cipher: "secret"},
		{version: postgres.Version19, edit: func(f *fixture) { f.manifest.Options.CompressType = "zst" }},
		{edit: func(f *fixture) { f.manifest.Options.CompressType = "none" }},
	} {
		for _, workers := range []int{1, 4} {
			f := newFixture(t, s)
			result := f.restore(func(o *Options) { o.Workers = workers })
			f.check(autoConf, recoverySignal)
			if result.Label != label || result.Files != f.manifest.Files.Len()-1 || result.Size == 0 {
				t.Errorf("%+v", result)
			}
		}
	}
}

// TestLog compares what a restore tells, files and directories left out.
func TestLog(t *testing.T) {
	f := newFixture(t, shape{})
	f.restore(func(o *Options) { o.Workers = 1 })
	var got []string
	for line := range strings.Lines(f.lines.Text()) {
		if !strings.Contains(line, "restore file") && !strings.Contains(line, "sync path") && !strings.Contains(line, "create path") {
			got = append(got, strings.ReplaceAll(line, f.dir, "DIR"))
		}
	}
	want := `INFO: repo1: restore backup set 20260102-030405F, recovery will start at ` +
		time.Unix(copyStart-10, 0).Format(time.DateTime) + `
INFO: remap data directory to 'DIR/pg'
INFO: map tablespace 'pg_tblspc/16400' to 'DIR/ts'
WARN: contents of directory link 'extra' will be restored in a directory at the same location
WARN: file link 'pg_hba.conf' will be restored as a file at the same location
DETAIL: check 'DIR/pg' exists
DETAIL: check 'DIR/ts/PG_15_202209061' exists
DETAIL: skip 'tablespace_map' -- tablespace links will be created based on mappings
DETAIL: create symlink 'DIR/pg/pg_tblspc/16400' to 'DIR/ts'
INFO: write updated DIR/pg/postgresql.auto.conf
INFO: restore global/pg_control (performed last to ensure aborted restores cannot be started)
INFO: restore size = 72.1KB, file total = 14
`
	if joined := strings.Join(got, ""); joined != want {
		t.Errorf("got:\n%swant:\n%s", joined, want)
	}
	f.logged(
		"DETAIL: restore file DIR/pg/global/pg_control.pgbackrest.tmp (8KB, 99.83%) checksum "+
			f.manifest.File(controlName).Checksum.String(),
		"DETAIL: restore file DIR/pg/postgresql.conf (0B, 100.00%)")
}

// spoil changes a restored cluster in every way that matters.
func spoil(f *fixture) {
	f.write(f.pg("recovery.signal"), "")
	f.write(f.pg("junk"), "junk")
	f.write(f.pg("base/16401/99999"), "junk")
	f.write(f.pg("more/deep/junk"), "junk")
	f.write(filepath.Join(f.space(), "16401/1"), "junk")
	f.write(filepath.Join(f.ts(), "PG_14_202107181/16401/1"), "another version's")
	f.must(os.Symlink("/nowhere", f.pg("link")))
	f.must(os.Remove(f.pg("base/1/1259")))
	f.must(os.RemoveAll(f.pg("base/16402")))
	f.write(f.pg("base/16401/2600"), f.read(f.pg("base/16401/2600"))+"longer")
	f.write(f.pg("PG_VERSION"), "14\n") // same size
	f.must(os.Chmod(f.pg("postgresql.conf"), 0o644))
	f.must(os.Chmod(f.pg("base/1"), 0o755))
	f.write(f.pg("global/pg_control.pgbackrest.tmp"), "of an aborted restore")
}

// TestOver restores over a cluster that was changed (SN-403, SN-404, SN-428).
func TestOver(t *testing.T) {
	for _, test := range []struct {
		name    string
		options []func(*Options)
	}{
		{"delta", []func(*Options){delta}},
		{"force", []func(*Options){force}},
		{"both", []func(*Options){delta, force}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, shape{})
			f.restore()
			spoil(f)
			f.restore(test.options...)
			f.check(autoConf, recoverySignal)
			f.logged("INFO: remove invalid files/links/paths from 'DIR/pg'",
				"DETAIL: remove 'global/pg_control' so cluster will not start if restore does not complete",
				"DETAIL: remove invalid file 'DIR/pg/junk'", "DETAIL: remove invalid link 'DIR/pg/link'",
				"DETAIL: remove invalid path 'DIR/pg/more'", "DETAIL: update mode for 'DIR/pg/base/1' to 0700",
				"DETAIL: update mode for 'DIR/pg/postgresql.conf' to 0600",
				"DETAIL: remove invalid file 'DIR/pg/global/pg_control.pgbackrest.tmp'")
			if f.read(f.ts()+"/PG_14_202107181/16401/1") != "another version's" {
				t.Error("the directory of another version was touched")
			}
		})
	}
}

// TestKeep: what delta and force keep of a file (SN-404). Any change of content is found by delta alone; both together trust size and
// time, unless the file is so young that it may have changed after the backup looked at it.
func TestKeep(t *testing.T) {
	const name = "pg_data/base/1/1259"
	old, same := time.Unix(fileTime, 0), func(f *fixture) string { return string(f.content[name]) }
	other := func(f *fixture) string { return strings.Repeat("x", len(f.content[name])) }
	longer := func(f *fixture) string { return string(f.content[name]) + "x" }
	shorter := func(f *fixture) string { return string(f.content[name])[1:] }
	const matches, trusted = " - exists and matches backup", " - exists and matches size 16384 and modification time 1699999000"
	for i, test := range []struct {
		content func(*fixture) string
		time    time.Time
		delta   string // what the log says is kept, "" if the file is copied
		both    string
	}{
		{same, old, matches, trusted},
		{other, old, "", trusted},
		{longer, old, matches, ""},
		{shorter, old, "", ""},
		{same, old.Add(time.Second), matches, ""},
	} {
		for _, both := range []bool{false, true} {
			f := newFixture(t, shape{})
			f.restore()
			f.write(f.pg("base/1/1259"), test.content(f))
			f.must(os.Chtimes(f.pg("base/1/1259"), test.time, test.time))
			f.restore(delta, func(o *Options) { o.Force = both })
			want, content := test.delta, string(f.content[name])
			if both {
				if want = test.both; want != "" {
					content = test.content(f)
				}
			}
			f.mentioned("restore file DIR/pg/base/1/1259" + want + " (")
			info, err := os.Stat(f.pg("base/1/1259"))
			if err != nil || info.ModTime().Unix() != fileTime || f.read(f.pg("base/1/1259")) != content {
				t.Errorf("%d: force %t: wrong content or time (%v)", i, both, err)
			}
		}
	}
	t.Run("young", func(t *testing.T) {
		f := newFixture(t, shape{edit: func(f *fixture) { f.change(name, func(file *format.File) { file.Timestamp = copyStart }) }})
		f.restore()
		f.write(f.pg("base/1/1259"), other(f))
		f.must(os.Chtimes(f.pg("base/1/1259"), time.Unix(copyStart, 0), time.Unix(copyStart, 0)))
		f.restore(delta, force)
		f.check(autoConf, recoverySignal)
	})
	t.Run("empty", func(t *testing.T) {
		f := newFixture(t, shape{})
		f.restore()
		f.write(f.pg("postgresql.conf"), "no longer empty")
		f.restore(delta)
		f.check(autoConf, recoverySignal)
		f.mentioned("restore file DIR/pg/postgresql.conf - exists and is zero size (0B, ")
	})
}

// TestRefused lists what stands in the way before anything is touched.
func TestRefused(t *testing.T) {
	const useDelta = "\nHINT: try using --delta if this is what you intended."
	tests := []struct {
		name    string
		prepare func(*fixture)
		options []func(*Options)
		code    errs.Code
		text    string
	}{
		{"SN-401 server", func(f *fixture) { f.write(f.pg("postmaster.pid"), "1") }, []func(*Options){delta, force}, errs.PgRunning,
			"unable to restore while PostgreSQL is running\n" +
				"HINT: presence of 'postmaster.pid' in 'DIR/pg' indicates PostgreSQL is running.\n" +
				"HINT: remove 'postmaster.pid' only if PostgreSQL is not running."},
		{"SN-402 foreign file", func(f *fixture) { f.write(f.pg("mine"), "") }, nil, errs.PathNotEmpty,
			"unable to restore to path 'DIR/pg' because it contains files" + useDelta},
		{"SN-402 delta", func(f *fixture) { f.write(f.pg("mine"), "") }, []func(*Options){delta}, errs.PathNotEmpty,
			"unable to restore to path 'DIR/pg' because it contains files" + useDelta},
		{"tablespace", func(f *fixture) { f.write(f.space()+"/1", "") }, nil, errs.PathNotEmpty,
			"unable to restore to path 'DIR/ts/PG_15_202209061' because it contains files" + useDelta},
		{"file link", func(f *fixture) { f.write(f.dir+"/conf/hba", "") },
			[]func(*Options){linkMap("pg_hba.conf", "DIR/conf/hba")}, errs.FileExists,
			"unable to restore file 'DIR/conf/hba' because it already exists" + useDelta},
		{"mode", func(f *fixture) { f.must(os.Mkdir(f.pg(), 0o500)) }, nil, errs.PathOpen,
			"unable to restore to path 'DIR/pg' without rwx permissions"},
		{"directory in place of the saved manifest", func(f *fixture) { f.write(f.pg("backup.manifest/x"), "") }, nil, errs.PathNotEmpty,
			"unable to restore to path 'DIR/pg' because it contains files" + useDelta},
		{"circle of links", func(f *fixture) { f.must(os.Symlink("ts", f.ts())) }, nil, errs.FileOpen, ""},
		{"SN-405 set", nil, []func(*Options){func(o *Options) { o.Set = "20200101-010101F" }}, errs.BackupSetInvalid,
			"backup set 20200101-010101F is not valid"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, shape{})
			if test.prepare != nil {
				test.prepare(f)
			}
			before := snapshot(t, f.dir)
			_, err := f.run(append(test.options, func(o *Options) {
				for from, to := range o.LinkMap {
					o.LinkMap[from] = strings.ReplaceAll(to, "DIR", f.dir)
				}
			})...)
			text := ""
			if err != nil {
				text = strings.ReplaceAll(errs.Text(err), f.dir, "DIR")
			}
			if errs.CodeOf(err) != test.code || text != test.text && test.text != "" {
				t.Errorf("got [%d] %s", errs.CodeOf(err), text)
			}
			compare(t, snapshot(t, f.dir), before)
		})
	}
}

// TestDisabled: delta and force are not for directories that nobody said are data directories.
func TestDisabled(t *testing.T) {
	f := newFixture(t, shape{})
	f.restore(delta, force)
	f.check(autoConf, recoverySignal)
	f.logged("WARN: --delta or --force specified but unable to find 'PG_VERSION' or 'backup.manifest' in 'DIR/pg' to confirm that this" +
		" is a valid $PGDATA directory. --delta and --force have been disabled and if any files exist in the destination directories" +
		" the restore will be aborted.")
}

// TestThrough restores where links stand in place of directories, and where directories above are missing.
func TestThrough(t *testing.T) {
	f := newFixture(t, shape{})
	f.must(os.Mkdir(f.dir+"/real", 0o750))
	f.must(os.Symlink("real", f.pg()))
	f.restore(func(o *Options) { o.TablespaceMap["space"] = f.dir + "/a/b/ts" })
	if f.read(f.dir+"/real/PG_VERSION") != "15\n" {
		t.Error("not restored through the link")
	}
	for _, dir := range []string{"/real", "/a", "/a/b", "/a/b/ts", "/a/b/ts/PG_15_202209061"} {
		if info, err := os.Stat(f.dir + dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info, err)
		}
	}
	f.restore(delta, func(o *Options) { o.TablespaceMap["space"] = f.dir + "/a/b/ts" })
}

// TestModes: modes and times come from the manifest, also where those of the data directory are more generous.
func TestModes(t *testing.T) {
	edit := func(f *fixture) {
		for i := range f.manifest.Paths {
			f.manifest.Paths[i].Mode = 0o750
		}
		f.change("pg_data/postgresql.conf", func(file *format.File) { file.Mode, file.Timestamp = 0o644, 1_000_000_000 })
		f.manifest.SetDefaults()
	}
	f := newFixture(t, shape{edit: edit})
	f.restore()
	f.check(autoConf, recoverySignal)
	for _, name := range []string{autoConf, recoverySignal} {
		if info, err := os.Stat(f.pg(name)); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
}

// TestZeroed restores one database and leaves the other empty (SN-414).
func TestZeroed(t *testing.T) {
	for _, over := range []bool{false, true} {
		f := newFixture(t, shape{})
		if over {
			f.restore()
		}
		f.restore(func(o *Options) { o.DBInclude, o.Delta = []string{"other"}, over })
		for name, content := range f.content {
			if file := f.manifest.File(name); strings.Contains(name, "/16401/") && !strings.HasSuffix(name, "PG_VERSION") {
				f.content[name] = make([]byte, file.Size)
			} else {
				f.content[name] = content
			}
		}
		f.check(autoConf, recoverySignal)
		f.logged("DETAIL: databases found for selective restore (1, 16401, 16402, 5)",
			"DETAIL: databases excluded (zeroed) from selective restore (16401)")
		f.mentioned("restore zeroed file DIR/pg/base/16401/2600 (24KB, ")
	}
}

// TestBundled restores files that share one stored file.
func TestBundled(t *testing.T) {
	f := newFixture(t, shape{edit: func(f *fixture) {
		f.manifest.Bundle = true
		r := f.repo()
		var bundle []byte
		for i, file := range f.manifest.Files.All() {
			if file.Size > 0 && file.Size < 10000 {
				stored := f.encode(f.content[file.Name], r.FileSpec(f.manifest))
				file.BundleID, file.BundleOffset, file.RepoSize = 1, int64(len(bundle)), int64(len(stored))
				bundle = append(bundle, stored...)
				f.manifest.Files.Set(i, file)
			}
		}
		f.must(storage.WriteAll(f.t.Context(), f.stored, r.BackupPath(label, "bundle/1"), bundle, storage.CreateOptions{}))
	}})
	f.restore()
	f.check(autoConf, recoverySignal)
	f.mentioned("restore file DIR/pg/PG_VERSION (bundle 1/0, 3B, ")
}

// TestSpool: WAL that was fetched for the cluster that was must not reach the one that will be (SN-330).
func TestSpool(t *testing.T) {
	f := newFixture(t, shape{})
	f.write(f.dir+"/spool/demo/in/000000010000000000000001", "old")
	f.write(f.dir+"/spool/other/in/000000010000000000000001", "other")
	_, err := f.run(func(o *Options) { o.Spool, o.Set = f.dir+"/spool/demo", "none" })
	if !errs.Is(err, errs.BackupSetInvalid) {
		t.Error(err)
	}
	got := snapshot(t, f.dir+"/spool")
	if len(got) != 4 || got["other/in/000000010000000000000001"] == "" {
		t.Errorf("%v", got)
	}
}

// TestNoControl: a backup without control file is restored, and said to be of little use.
func TestNoControl(t *testing.T) {
	f := newFixture(t, shape{edit: func(f *fixture) {
		f.drop(func(name string) bool { return name == controlName })
	}})
	f.restore()
	f.check(autoConf, recoverySignal)
	f.logged("WARN: backup does not contain 'global/pg_control' -- cluster will not start")
}

// TestProgress: the numbers grow up to the total.
func TestProgress(t *testing.T) {
	f := newFixture(t, shape{})
	var seen []int64
	result := f.restore(func(o *Options) {
		o.Workers = 1
		o.Progress = func(total, done int64) { seen = append(seen, total, done) }
	})
	// The last tenth of a percent is not worth telling.
	if len(seen) < 4 || seen[1] != 0 || seen[len(seen)-1] < result.Size*999/1000 || seen[len(seen)-2] != result.Size {
		t.Errorf("%v of %d", seen, result.Size)
	}
}
