package backup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

// interrupt makes a full backup that is cancelled when about half is done, and returns its label.
func (f *fixture) interrupt() string {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	defer cancel()
	o := f.options(format.Full)
	o.ProcessMax = 1
	o.Progress = func(total, done int64) {
		if done > total*3/5 {
			cancel()
		}
	}
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		f.t.Fatalf("error %v", err)
	}
	labels, err := f.repo().BackupLabels(f.t.Context())
	f.must(err)
	return labels[len(labels)-1]
}

func TestResume(t *testing.T) {
	for _, cipher := range []string{"", "secret"} {
		f := newFixture(t, nil)
		f.cipher = cipher
		f.createStanza()
		label := f.interrupt()
		kept := f.stored(label, "pg_data/base")
		if len(kept) == 0 || len(kept) > 11 {
			t.Fatalf("interrupted backup has %v", kept)
		}
		at := f.repo().BackupPath(label)
		for name, content := range map[string]string{
			"pg_data/foo/x": "", "bundle/1": "", "pg_data/PG_VERSION.zst": "", "pg_data/extra.gz": "", "pg_data/global/1260.gz": "unrecorded",
		} {
			f.must(storage.WriteAll(t.Context(), f.mem, at+"/"+name, []byte(content), storage.CreateOptions{}))
		}
		f.must(f.mem.Symlink(t.Context(), "foo", at+"/pg_data/link"))
		// One stored file is damaged, of another the cluster's file has changed.
		f.must(storage.WriteAll(t.Context(), f.mem, at+"/pg_data/base/1/16384.gz", []byte("damaged"), storage.CreateOptions{}))
		f.write("base/5/16384", pgtest.BuildRelation(8192, 12, 0, 99))

		res := f.backUp(format.Full)
		if res.Label != label {
			t.Errorf("label %s, want %s", res.Label, label)
		}
		m := f.check(label)
		f.wantLine("WARN: resumable backup " + label + " of same type exists -- invalid files will be removed then the backup will resume")
		f.wantLine("DETAIL: remove path '" + at + "/bundle' from resumed backup")
		f.wantLine("DETAIL: remove path '" + at + "/pg_data/foo' from resumed backup")
		f.wantLine("DETAIL: remove file '" + at + "/pg_data/PG_VERSION.zst' from resumed backup (mismatched compression type)")
		f.wantLine("DETAIL: remove file '" + at + "/pg_data/extra.gz' from resumed backup (missing in manifest)")
		f.wantLine("DETAIL: remove file '" + at + "/pg_data/base/5/16384.gz' from resumed backup (mismatched timestamp)")
		for _, part := range []string{
			"WARN: resumed backup file pg_data/base/1/16384 did not have expected checksum " + m.File("pg_data/base/1/16384").Checksum.String(),
			"DETAIL: checksum resumed file " + f.data + "/base/1/1259 (32KB, ",
		} {
			if !strings.Contains(f.lines.Text(), part) {
				t.Errorf("no %q in\n%s", part, f.lines.Text())
			}
		}
		if left := f.stored(label, "pg_data/link"); len(left) > 0 {
			t.Error("the link is still there")
		}
		want := m.Files.Len() + 2 // and two manifests
		if got := f.files(label); got != want {
			t.Errorf("%d files stored, want %d", got, want)
		}
	}
}

// files counts the files of a backup.
func (f *fixture) files(label string) int {
	n := 0
	for _, p := range f.mem.Paths() {
		info, err := f.mem.Stat(f.t.Context(), p)
		if strings.HasPrefix(p, f.repo().BackupPath(label)+"/") && err == nil && info.Type == storage.File {
			n++
		}
	}
	return n
}

func TestResumeDelta(t *testing.T) {
	f := newFixture(t, nil).createStanza()
	label := f.interrupt()
	before, err := os.Stat(filepath.Join(f.data, "base/5/16384"))
	f.must(err)
	f.write("base/5/16384", pgtest.BuildRelation(8192, 12, 0, 99))
	f.touch("base/5/16384", before.ModTime())
	f.touch("base/1/16384", before.ModTime().Add(1e9))
	res := f.backUp(format.Full, func(o *Options) { o.Delta = true })
	if res.Label != label {
		t.Errorf("label %s, want %s", res.Label, label)
	}
	f.check(label)
	if !strings.Contains(f.lines.Text(), "DETAIL: checksum resumed file "+f.data+"/base/1/16384 ") {
		t.Error("a file with another time was not kept although its content is the same")
	}
	f.noLine("did not have expected checksum")
}

func TestNotResumed(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Options)
		spoil  func(f *fixture, dir string)
		want   string
	}{
		{"disabled", func(o *Options) { o.Resume = false }, nil, "INFO: backup 'L' cannot be resumed: resume is disabled"},
		{"compression", func(o *Options) { o.Compression = filter.None }, nil,
			"WARN: backup 'L' cannot be resumed: new compression 'none' does not match resumable compression 'gz'"},
		{"no copy", nil, func(f *fixture, dir string) { f.must(f.mem.Remove(f.t.Context(), dir+"/backup.manifest.copy")) },
			"WARN: backup 'L' cannot be resumed: partially deleted by prior resume or invalid"},
		{"damaged copy", nil, func(f *fixture, dir string) {
			f.must(storage.WriteAll(f.t.Context(), f.mem, dir+"/backup.manifest.copy", []byte("x"), storage.CreateOptions{}))
		}, "WARN: backup 'L' cannot be resumed: unable to read DIR/backup.manifest.copy"},
	} {
		f := newFixture(t, nil).createStanza()
		label := f.interrupt()
		dir := f.repo().BackupPath(label)
		if test.spoil != nil {
			test.spoil(f, dir)
		}
		res := f.backUp(format.Full, func(o *Options) {
			if test.change != nil {
				test.change(o)
			}
		})
		f.wantLine(strings.NewReplacer("'L'", "'"+label+"'", "DIR", dir).Replace(test.want))
		if res.Label == label || len(f.stored(label, "")) != 0 {
			t.Errorf("%s: %s is still there", test.name, label)
		}
		f.check(res.Label)
	}
}

func TestIncrementalIsNotResumed(t *testing.T) {
	f := newFixture(t, nil).createStanza()
	full := f.backUp(format.Full)
	f.now = f.now.Add(1e10)
	label := f.interrupt()
	f.write("new", []byte("new"))
	incr := f.backUp(format.Incr)
	f.wantLine("INFO: backup '" + label + "' cannot be resumed: resume only valid for full backup")
	if m := f.check(incr.Label); m.Prior != full.Label {
		t.Errorf("prior %s", m.Prior)
	}
}

// TestFaults lets operation n on the repository fail, for every n. Whatever happens the repository stays usable, and the next run
// succeeds.
func TestFaults(t *testing.T) {
	full := newFixture(t, nil).createStanza()
	few := func(o *Options) { o.ManifestSaveThreshold = 200 << 10 }
	first := full.backUp(format.Full)
	for _, kind := range []format.BackupType{format.Full, format.Incr} {
		for n := 1; ; n++ {
			f := *full
			f.mem = storagetest.NewMem()
			copyTree(t, full.mem, f.mem)
			faulty := storagetest.NewFaulty(f.mem, n)
			f.tree = faulty
			f.write("new", []byte("new"))
			res, err := f.try(kind, few)
			if !faulty.Fired() {
				if err != nil {
					t.Fatalf("%s, no operation failed: %v", kind, err)
				}
				break
			}
			failed := faulty.Failed()
			f.tree = f.mem
			info, loadErr := f.repo().LoadBackupInfo(t.Context())
			if loadErr != nil {
				t.Fatalf("%s, failed %s: %v", kind, failed, loadErr)
			}
			for _, b := range info.Backups {
				m := f.manifest(b.Label)
				for _, file := range m.Files.All() {
					if _, openErr := f.repo().OpenFile(t.Context(), m, &file); openErr != nil {
						t.Errorf("%s, failed %s: %v", kind, failed, openErr)
					}
				}
			}
			if err == nil && !slices.ContainsFunc(info.Backups, func(b format.Backup) bool { return b.Label == res.Label }) {
				t.Errorf("%s, failed %s: %s succeeded but is not listed", kind, failed, res.Label)
			}
			f.write("new", []byte("newer"))
			again, err := f.try(kind, few)
			if err != nil {
				t.Errorf("%s, failed %s: second run: %v", kind, failed, err)
				continue
			}
			f.check(again.Label)
		}
	}
	full.tree = full.mem
	if first.Label == "" {
		t.Error("no first backup")
	}
}

// copyTree copies what lies in one memory to another.
func copyTree(t *testing.T, from, to *storagetest.Mem) {
	t.Helper()
	for _, p := range from.Paths() {
		info, err := from.Stat(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		switch info.Type {
		case storage.File:
			content, err := storage.ReadAll(t.Context(), from, p, 0)
			if err == nil {
				err = storage.WriteAll(t.Context(), to, p, content, storage.CreateOptions{})
			}
			if err != nil {
				t.Fatal(err)
			}
		case storage.Dir:
			if err := to.MakeDir(t.Context(), p, 0, true); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestRetry(t *testing.T) {
	f := newFixture(t, nil).createStanza()
	f.must(os.Remove(filepath.Join(f.data, "postgresql.conf")))
	f.must(os.Mkdir(filepath.Join(f.data, "postgresql.conf"), 0o700)) // no file any more when it is to be read
	_, err := f.try(format.Full, func(o *Options) {
		o.JobRetry = 2
		cluster := o.Cluster
		o.Cluster = func(ctx context.Context) (*Cluster, error) {
			c, err := cluster(ctx)
			c.Tree = fileAt{Storage: c.Tree, name: "postgresql.conf"}
			return c, err
		}
	})
	want := "raised from local-1 protocol: unable to read '" + f.data + "/postgresql.conf': [21] Is a directory\n" +
		"    [FileReadError] on 2 retries from 0-0ms: unable to read '" + f.data + "/postgresql.conf': [21] Is a directory"
	text := strings.ReplaceAll(err.Error(), "local-2", "local-1")
	text = regexp.MustCompile(`[0-9]+-[0-9]+ms`).ReplaceAllString(text, "0-0ms")
	if !errs.Is(err, errs.FileRead) || text != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// fileAt shows something as a file.
type fileAt struct {
	storage.Storage
	name string
}

func (s fileAt) List(ctx context.Context, dir string, fn func(storage.Info) error) error {
	return s.Storage.List(ctx, dir, func(i storage.Info) error {
		if i.Name == s.name {
			i.Type = storage.File
		}
		return fn(i)
	})
}
