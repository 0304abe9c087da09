package backup

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/internal/db"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
	"holdfast/internal/storage/posix"
	"holdfast/internal/storage/storagetest"
)

const (
	firstSegment = "000000010000000000000002"
	segmentSum   = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
)

// fixture is a small data directory, a repository in memory with a stanza for it, and a clock that only moves when told.
type fixture struct {
	t      testing.TB
	data   string
	mem    *storagetest.Mem
	tree   storage.Tree // through which the repository is used, mem unless a test puts something before it
	now    time.Time
	cipher string
	server *fakeServer // nil: offline
	lines  *log.Lines  // of the last run
}

func newFixture(t testing.TB, files map[string]string) *fixture {
	t.Helper()
	control := pgtest.ControlOptions{ChecksumVersion: 1, Checkpoint: 0x2000060}
	f := &fixture{
		t: t, mem: storagetest.NewMem(), now: time.Now().Add(time.Minute),
		data: pgtest.BuildDataDir(t, "", pgtest.DataDirOptions{Control: control, Files: files}),
	}
	f.tree = f.mem
	return f
}

// createStanza writes the info files.
func (f *fixture) createStanza() *fixture {
	f.t.Helper()
	archive, manifests := "", ""
	if f.cipher != "" {
		archive, manifests = "archive pass", "manifest pass"
	}
	aDB := format.ArchiveDB{ID: 1, SystemID: pgtest.DefaultSystemID, Version: "15"}
	bDB := format.BackupDB{ID: 1, SystemID: pgtest.DefaultSystemID, Version: "15", CatalogVersion: 202209061, ControlVersion: 1300}
	r := f.repo()
	f.must(r.SaveArchiveInfo(f.t.Context(), &format.ArchiveInfo{CipherPass: archive, DB: aDB, History: []format.ArchiveDB{aDB}}))
	f.must(r.SaveBackupInfo(f.t.Context(), &format.BackupInfo{CipherPass: manifests, DB: bDB, History: []format.BackupDB{bDB}}))
	return f
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) repo() *repo.Repo {
	c := repo.Config{Key: 1, Path: "/repo", Storage: f.tree, Stanza: "demo", Symlink: true, Program: "2.60.0"}
	if f.cipher != "" {
		c.CipherType, c.CipherPass = repo.CipherAES, f.cipher
	}
	return repo.New(c)
}

// options are those of an offline backup, or of an online one if the fixture has a server.
func (f *fixture) options(t format.BackupType) Options {
	logger, lines := log.Memory()
	f.lines = lines
	check := f.server != nil
	return Options{
		Repo: f.repo(), Log: logger, Type: t, Resume: true, Online: f.server != nil, ArchiveCheck: f.server != nil, ChecksumPage: &check,
		Compression: filter.Gz, CompressLevel: 6, BufferSize: 1 << 20, ProcessMax: 2, PageHeaderCheck: true,
		Now: func() time.Time { return f.now },
		Sleep: func(ctx context.Context, d time.Duration) error {
			f.now = f.now.Add(d)
			return ctx.Err()
		},
		Cluster: func(context.Context) (*Cluster, error) {
			control, err := postgres.ParseControl(f.read(postgres.ControlName), 0)
			c := &Cluster{Path: f.data, Tree: posix.New(posix.Config{}), Control: control}
			if f.server != nil {
				c.Server = f.server
			}
			return c, err
		},
	}
}

// backUp makes a backup a little later than the last one.
func (f *fixture) backUp(t format.BackupType, change ...func(*Options)) Result {
	f.t.Helper()
	res, err := f.try(t, change...)
	if err != nil {
		f.t.Fatalf("%v\n%s", err, f.lines.Text())
	}
	return res
}

func (f *fixture) try(t format.BackupType, change ...func(*Options)) (Result, error) {
	f.now = f.now.Add(10 * time.Second)
	o := f.options(t)
	for _, c := range change {
		c(&o)
	}
	return Run(f.t.Context(), o)
}

func (f *fixture) read(name string) []byte {
	f.t.Helper()
	content, err := os.ReadFile(filepath.Join(f.data, name))
	f.must(err)
	return content
}

// write changes a file of the cluster, whose time becomes that of the fixture's clock.
func (f *fixture) write(name string, content []byte) {
	f.t.Helper()
	at := filepath.Join(f.data, name)
	f.must(os.MkdirAll(filepath.Dir(at), 0o700))
	f.must(os.WriteFile(at, content, 0o600))
	f.touch(name, f.now)
}

func (f *fixture) touch(name string, at time.Time) {
	f.t.Helper()
	f.must(os.Chtimes(filepath.Join(f.data, name), at, at))
}

func (f *fixture) manifest(label string) *format.Manifest {
	f.t.Helper()
	info, err := f.repo().LoadBackupInfo(f.t.Context())
	f.must(err)
	m, err := f.repo().LoadManifest(f.t.Context(), label, info.CipherPass)
	f.must(err)
	return m
}

// check compares every file of a backup with the data directory, and with what the manifest says about it.
func (f *fixture) check(label string) *format.Manifest {
	f.t.Helper()
	m := f.manifest(label)
	for _, file := range m.Files.All() {
		got := f.content(m, &file)
		h := filter.NewHash()
		h.Write(got)
		if int64(len(got)) != file.Size || file.Size > 0 && format.Sum(h.Sum()) != file.Checksum {
			f.t.Errorf("%s: stored content does not fit the manifest", file.Name)
		}
		if file.Name == labelFile || file.Name == tablespaceFile || strings.Contains(file.Name, "/pg_wal/") {
			continue
		}
		if want := f.read(pgName(file.Name)); string(got) != string(want) {
			f.t.Errorf("%s: stored content is not that of the cluster", file.Name)
		}
		if file.Size == 0 && m.Bundle {
			continue // nothing is stored
		}
		stored, part := f.repo().FilePath(m, &file)
		raw, err := storage.ReadAll(f.t.Context(), f.mem, stored, 0)
		f.must(err)
		if file.BundleID > 0 {
			raw = raw[part.Offset : part.Offset+part.Length]
		}
		if int64(len(raw)) != file.RepoSize {
			f.t.Errorf("%s: stored size %d, manifest says %d", file.Name, len(raw), file.RepoSize)
		}
		h.Reset()
		h.Write(raw)
		if file.HasRepoChecksum && format.Sum(h.Sum()) != file.RepoChecksum {
			f.t.Errorf("%s: stored bytes do not have the checksum of the manifest", file.Name)
		}
	}
	return m
}

func (f *fixture) content(m *format.Manifest, file *format.File) []byte {
	f.t.Helper()
	if file.BlockMapSize > 0 {
		return f.blocks(m, file)
	}
	src, err := f.repo().OpenFile(f.t.Context(), m, file)
	f.must(err)
	defer src.Close()
	content, err := io.ReadAll(src)
	f.must(err)
	return content
}

// blocks puts a file together from its blocks.
func (f *fixture) blocks(m *format.Manifest, file *format.File) []byte {
	f.t.Helper()
	bm, err := f.repo().LoadMap(f.t.Context(), m, file)
	f.must(err)
	content := make([]byte, bm.Size())
	f.must(f.repo().ReadBlocks(f.t.Context(), m, file, bm, nil, func(at int64, plain []byte) error {
		copy(content[at:], plain)
		return nil
	}))
	return content
}

// stored returns the files in a backup's directory that match a prefix.
func (f *fixture) stored(label, prefix string) []string {
	var names []string
	for _, p := range f.mem.Paths() {
		if below, found := strings.CutPrefix(p, f.repo().BackupPath(label)+"/"); found && strings.HasPrefix(below, prefix) {
			names = append(names, below)
		}
	}
	slices.Sort(names)
	return names
}

func (f *fixture) wantLine(line string) {
	f.t.Helper()
	if !strings.Contains(f.lines.Text(), line+"\n") {
		f.t.Errorf("no line %q in\n%s", line, f.lines.Text())
	}
}

func (f *fixture) noLine(part string) {
	f.t.Helper()
	if strings.Contains(f.lines.Text(), part) {
		f.t.Errorf("there is %q in\n%s", part, f.lines.Text())
	}
}

// archive puts a segment into the archive.
func (f *fixture) archive(segment string) {
	f.t.Helper()
	name := f.repo().ArchiveFile("15-1", segment+"-"+segmentSum)
	f.must(storage.WriteAll(f.t.Context(), f.mem, name, []byte("WAL of "+segment), storage.CreateOptions{}))
}

// fakeServer answers like a server at the start of its second segment.
type fakeServer struct {
	f           *fixture
	segment     string // of the next backup
	tablespaces []db.Tablespace
	mapText     string
	calls       []string
	fail        string // call that fails
}

func (f *fixture) online() *fixture {
	f.server = &fakeServer{f: f, segment: firstSegment}
	f.archive(firstSegment)
	f.archive("000000010000000000000001")
	return f
}

func (s *fakeServer) call(name string) error {
	s.calls = append(s.calls, name)
	if name == s.fail {
		return errors.New(name + " failed")
	}
	return nil
}

func (s *fakeServer) Server() db.Server {
	return db.Server{Version: postgres.Version15, DataDirectory: s.f.data, CheckpointTimeout: 5 * time.Minute}
}

func (s *fakeServer) Time(context.Context) (time.Time, error) { return s.f.now, nil }

func (s *fakeServer) InsertSegment(context.Context) (string, error) {
	return "000000010000000000000001", s.call("insert segment")
}

func (s *fakeServer) StartBackup(context.Context, bool) (db.Start, error) {
	// A checkpoint changes the control file.
	s.f.touch(postgres.ControlName, s.f.now)
	return db.Start{LSN: 0x2000028, Segment: s.segment}, s.call("start")
}

func (s *fakeServer) StopBackup(context.Context) (db.Stop, error) {
	return db.Stop{LSN: 0x2000100, Segment: firstSegment, BackupLabel: "label\n", TablespaceMap: s.mapText}, s.call("stop")
}

func (s *fakeServer) RestorePoint(_ context.Context, name string) error {
	return s.call("restore point " + name)
}

func (s *fakeServer) SwitchWAL(context.Context) (string, error) {
	return firstSegment, s.call("switch")
}

func (s *fakeServer) Databases(context.Context) ([]db.Database, error) {
	return []db.Database{{Name: "postgres", OID: 5, LastSystemOID: 4}, {Name: "app", OID: 16400, LastSystemOID: 4}}, nil
}

func (s *fakeServer) Tablespaces(context.Context) ([]db.Tablespace, error) { return s.tablespaces, nil }

func (s *fakeServer) Close(context.Context) error { return s.call("close") }

// hardlinking is the repository with the option to link referenced files.
func hardlinking(f *fixture) *repo.Repo {
	return repo.New(repo.Config{Key: 1, Path: "/repo", Storage: f.tree, Stanza: "demo", Symlink: true, Hardlink: true, Program: "2.60.0"})
}
