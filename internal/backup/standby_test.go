package backup

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/storage/posix"
)

// standby makes a copy of the data directory the standby of the next backup.
func (f *fixture) standby(waited error) (dir string, change func(*Options), calls *[]string) {
	f.t.Helper()
	dir = filepath.Join(f.t.TempDir(), "standby")
	f.must(os.CopyFS(dir, os.DirFS(f.data)))
	calls = new([]string)
	return dir, func(o *Options) {
		find := o.Cluster
		o.Cluster = func(ctx context.Context) (*Cluster, error) {
			c, err := find(ctx)
			c.Standby = &Standby{
				Path: dir, Tree: posix.New(posix.Config{}),
				Replay: func(_ context.Context, start postgres.LSN, timeline uint32, _ time.Duration) error {
					*calls = append(*calls, "replay "+start.String())
					if timeline != 1 {
						f.t.Errorf("timeline %d", timeline)
					}
					return waited
				},
				Close: func(context.Context) { *calls = append(*calls, "close") },
			}
			return c, err
		}
	}, calls
}

// SN-237 and the rest of what differs between a standby and its primary.
func TestStandby(t *testing.T) {
	for _, bundle := range []bool{false, true} {
		f := newFixture(t, map[string]string{"postgresql.auto.conf": "# primary", "base/5/777": "dropped there"}).createStanza().online()
		dir, standby, calls := f.standby(nil)
		at := func(name string) string { return filepath.Join(dir, name) }
		longer := append(pgtest.BuildRelation(8192, 12, 0, 99), 1, 2, 3)
		f.write("base/5/16384", pgtest.BuildRelation(8192, 12, 0, 1))
		f.must(os.WriteFile(at("base/5/16384"), longer, 0o600))
		f.must(os.Remove(at("base/5/777")))
		f.must(os.WriteFile(at("postgresql.auto.conf"), []byte("# standby"), 0o600))
		f.must(os.WriteFile(at(postgres.ControlName), []byte("other"), 0o600))
		f.must(os.WriteFile(at("standby.only"), []byte("other"), 0o600))

		res := f.backUp(format.Full, standby, func(o *Options) { o.Bundle, o.BundleLimit, o.BundleSize = bundle, 1<<20, 1<<20 })
		m := f.manifest(res.Label)
		for name, want := range map[string]string{
			"base/5/16384":         string(longer[:len(longer)-3]),
			"postgresql.auto.conf": "# primary",
			postgres.ControlName:   string(f.read(postgres.ControlName)),
		} {
			file := m.File(dataName + "/" + name)
			if got := string(f.content(m, file)); got != want || file.Size != int64(len(want)) {
				t.Errorf("bundle %t: %s has %d bytes and other content", bundle, name, file.Size)
			}
		}
		for _, name := range []string{"base/5/777", "standby.only"} {
			if m.File(dataName+"/"+name) != nil {
				t.Errorf("bundle %t: %s is in the backup", bundle, name)
			}
		}
		f.wantLine("INFO: wait for replay on the standby to reach 0/2000028")
		f.wantLine("INFO: replay on the standby reached 0/2000028")
		if !*m.Options.BackupStandby || len(*calls) != 2 || (*calls)[0] != "replay 0/2000028" || (*calls)[1] != "close" {
			t.Errorf("option %t, calls %v", *m.Options.BackupStandby, *calls)
		}
	}
}

func TestStandbyBehind(t *testing.T) {
	f := newFixture(t, nil).createStanza().online()
	_, standby, calls := f.standby(errs.New(errs.ArchiveTimeout, "behind"))
	_, err := f.try(format.Full, standby)
	if !errs.Is(err, errs.ArchiveTimeout) || len(*calls) != 2 {
		t.Errorf("%v, calls %v", err, *calls)
	}
	f.noLine("replay on the standby reached")
}
