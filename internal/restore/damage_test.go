package restore

import (
	"os"
	"strings"
	"testing"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/format"
)

// TestPageErrors: a damaged file is refused before anything is lost, or restored with warnings.
func TestPageErrors(t *testing.T) {
	const name = "base/16401/2600"
	damaged := shape{edit: func(f *fixture) {
		f.change("pg_data/"+name, func(file *format.File) {
			file.PageChecksum, file.PageErrors = format.PageError, []format.PageRange{{First: 1, Last: 1}}
		})
	}}
	f := newFixture(t, damaged)
	_, err := f.run()
	if !errs.Is(err, errs.Checksum) || err.Error() != "invalid page checksum(s) found in file "+f.pg(name) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(f.pg()); err == nil {
		t.Error("something was restored")
	}
	accept := func(o *Options) { o.PageErrors = false }
	f.restore(accept)
	f.check(autoConf, recoverySignal)
	f.logged("WARN: invalid page checksum(s) found in file DIR/pg/"+name,
		"WARN: restore command encountered page checksum error(s) in 1 file(s), check the log file for details")
	f.restore(delta) // the file is there: no reason to complain
	f.must(os.Remove(f.pg(name)))
	if _, err = f.run(delta); !errs.Is(err, errs.Checksum) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(f.pg("global/pg_control")); err == nil {
		t.Error("can be started")
	}
	f.restore(delta, accept)
	f.check(autoConf, recoverySignal)
	f.restore(delta, func(o *Options) { o.DBExclude = []string{"app"} })
}

// TestDamaged: a stored file that is missing or changed ends the restore in a state that cannot start (SN-420).
func TestDamaged(t *testing.T) {
	stored := func(f *fixture) string { return f.repo().BackupPath(label, "pg_data/base/16401/2600.gz") }
	tests := []struct {
		name   string
		damage func(*fixture)
		code   errs.Code
		text   string
	}{
		{"missing", func(f *fixture) { f.must(os.Remove(stored(f))) }, errs.FileMissing,
			"raised from local-1 protocol: unable to open missing file 'DIR/repo/backup/demo/20260102-030405F/pg_data/base/16401/2600.gz'" +
				" for read"},
		{"other content", func(f *fixture) {
			f.must(os.WriteFile(stored(f), f.encode([]byte("x"), f.repo().FileSpec(f.manifest)), 0o600))
		}, errs.Checksum, "raised from local-1 protocol: error restoring 'DIR/pg/base/16401/2600': actual checksum" +
			" '11f6ad8ec52a2984abaafd7c3b516503785c2072' does not match expected checksum 'SUM'"},
		{"cut off", func(f *fixture) { f.must(os.Truncate(stored(f), 100)) }, errs.Format, ""},
		{"empty", func(f *fixture) { f.must(os.Truncate(stored(f), 0)) }, errs.Format, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, shape{})
			good := f.read(stored(f))
			test.damage(f)
			_, err := f.run(func(o *Options) { o.Workers = 1 })
			if errs.CodeOf(err) != test.code {
				t.Fatalf("[%d] %v", errs.CodeOf(err), err)
			}
			text := strings.NewReplacer(f.dir, "DIR", f.manifest.File("pg_data/base/16401/2600").Checksum.String(), "SUM").Replace(err.Error())
			if test.text != "" && text != test.text {
				t.Errorf("%s", text)
			}
			for name, there := range map[string]bool{"global/pg_control": false, "backup.manifest": true, "base/16401/2600": false} {
				if _, err := os.Stat(f.pg(name)); (err == nil) != there {
					t.Errorf("%s: %v", name, err)
				}
			}
			if _, err := f.run(); !errs.Is(err, errs.PathNotEmpty) { // SN-411
				t.Errorf("without delta: %v", err)
			}
			f.write(stored(f), good)
			f.restore(delta)
			f.check(autoConf, recoverySignal)
		})
	}
}

// TestRetry: a file that fails once is tried again.
func TestRetry(t *testing.T) {
	f := newFixture(t, shape{})
	f.must(os.Remove(f.repo().BackupPath(label, "pg_data/PG_VERSION.gz")))
	_, err := f.run(func(o *Options) { o.Retries, o.RetryGap = 2, time.Millisecond })
	if !errs.Is(err, errs.FileMissing) || !strings.Contains(err.Error(), "[FileMissingError] on 2 retries from 0-") {
		t.Errorf("%v", err)
	}
}

// TestManifest refuses backups whose manifest makes no sense.
func TestManifest(t *testing.T) {
	tests := []struct {
		edit func(*format.Manifest)
		code errs.Code
		text string
	}{
		{func(m *format.Manifest) { m.Files.Update(0, func(f *format.File) { f.HasChecksum = false }) }, errs.Format,
			"manifest validation failed:\nmissing checksum for file 'pg_data/PG_VERSION'"},
		{func(m *format.Manifest) { m.BlockIncr, m.Program = true, "2.45" }, errs.FeatureNotSupported,
			"block incremental backup '20260102-030405F' was made by version 2.45, whose layout no later version can read"},
		{func(m *format.Manifest) { m.Files = format.Files{} }, errs.Format,
			"manifest of backup '20260102-030405F' does not contain any files"},
		{func(m *format.Manifest) { m.Label = "20260102-030406F" }, errs.Format,
			"requested backup '20260102-030405F' and manifest label '20260102-030406F' do not match\n" +
				"HINT: this indicates some sort of corruption (at the very least paths have been renamed)."},
	}
	for _, test := range tests {
		f := newFixture(t, shape{})
		test.edit(f.manifest)
		o := f.options()
		r := &run{Options: o, repo: f.repo(), label: label, manifest: f.manifest, version: f.version}
		err := r.settle(t.Context())
		if errs.CodeOf(err) != test.code || errs.Text(err) != test.text {
			t.Errorf("[%d] %v", errs.CodeOf(err), err)
		}
	}
}
