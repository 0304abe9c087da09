package archive

import (
	"bytes"
	"context"
	"crypto/sha1"
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

const (
	segment  = "000000010000000000000002"
	segSize  = 1 << 20
	walDir   = "/pg/pg_wal"
	received = "/pg/pg_wal/RECOVERYXLOG"
)

// fixture is a cluster and repositories in memory.
type fixture struct {
	t      testing.TB
	mem    *storagetest.Mem
	tree   storage.Tree // through which everything is done, mem unless a test puts something before it
	keys   []int        // of the repositories
	cipher string
	lines  *log.Lines // of the last run
}

func newFixture(t testing.TB, keys ...int) *fixture { return newEncrypted(t, "", keys...) }

func newEncrypted(t testing.TB, cipher string, keys ...int) *fixture {
	t.Helper()
	f := &fixture{t: t, mem: storagetest.NewMem(), keys: keys, cipher: cipher}
	f.tree = f.mem
	f.control(pgtest.ControlOptions{Checkpoint: 0x2000028})
	f.write(walDir+"/"+segment, string(wal(1)))
	f.write(walDir+"/archive_status/"+segment+".ready", "")
	for _, key := range keys {
		f.info(key, format.ArchiveDB{ID: 1, SystemID: pgtest.DefaultSystemID, Version: "15"})
	}
	return f
}

// wal makes a segment. Those of different seeds differ.
func wal(seed uint64) []byte {
	return pgtest.BuildWAL(postgres.Version15, pgtest.WALOptions{SegmentSize: segSize, Seed: seed, Fill: 10000})
}

func (f *fixture) control(o pgtest.ControlOptions) {
	f.write("/pg/global/pg_control", string(pgtest.BuildControl(postgres.Version15, o)))
}

// info writes the archive.info of a repository. The last of the clusters is the current one.
func (f *fixture) info(key int, history ...format.ArchiveDB) {
	f.t.Helper()
	info := &format.ArchiveInfo{DB: history[len(history)-1], History: history}
	if f.cipher != "" {
		info.CipherPass = "archive pass"
	}
	f.must(f.repo(key).SaveArchiveInfo(f.t.Context(), info))
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) repo(key int) *repo.Repo {
	c := repo.Config{Key: key, Path: fmt.Sprintf("/repo%d", key), Storage: f.tree, Stanza: "demo", Program: "2.60.0"}
	if f.cipher != "" {
		c.CipherType, c.CipherPass = repo.CipherAES, f.cipher
	}
	return repo.New(c)
}

func (f *fixture) repos() []*repo.Repo {
	var repos []*repo.Repo
	for _, key := range f.keys {
		repos = append(repos, f.repo(key))
	}
	return repos
}

func (f *fixture) write(name, content string) {
	f.t.Helper()
	f.must(storage.WriteAll(f.t.Context(), f.mem, name, []byte(content), storage.CreateOptions{Atomic: true}))
}

func (f *fixture) remove(name string) {
	f.t.Helper()
	f.must(f.mem.Remove(f.t.Context(), name))
}

func (f *fixture) read(name string) string {
	f.t.Helper()
	b, err := storage.ReadAll(f.t.Context(), f.mem, name, 0)
	f.must(err)
	return string(b)
}

func (f *fixture) push(name string, changes ...func(*PushOptions)) error {
	f.t.Helper()
	o := PushOptions{
		File: walDir + "/" + name, Local: f.tree, PGPath: "/pg", Repos: f.repos(), Compression: filter.Gz, Level: 6,
		CheckHeader: true, WarnSame: true, QueueMax: -1,
	}
	for _, change := range changes {
		change(&o)
	}
	o.Log, f.lines = log.Memory()
	return Push(f.t.Context(), o)
}

func (f *fixture) get(name string, changes ...func(*GetOptions)) (bool, error) {
	f.t.Helper()
	o := GetOptions{Name: name, Dest: received, PGPath: "/pg", Local: f.tree, Repos: f.repos()}
	for _, change := range changes {
		change(&o)
	}
	o.Log, f.lines = log.Memory()
	return Get(f.t.Context(), o)
}

// stored lists the files of an archive id by name.
func (f *fixture) stored(key int, archiveID string) []string {
	prefix := fmt.Sprintf("/repo%d/archive/demo/%s/", key, archiveID)
	var names []string
	for _, name := range f.mem.Paths() {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" && !strings.HasSuffix(rest, "/") {
			names = append(names, rest)
		}
	}
	return names
}

// put stores a file in the archive as it is told: a segment under its checksum, or what claims to be one.
func (f *fixture) put(key int, archiveID, name string, content []byte, c filter.Compression) string {
	f.t.Helper()
	if isSegment(name) {
		name = storedName(name, content, c)
	}
	at := f.repo(key).ArchiveFile(archiveID, name)
	f.write(at, string(f.encode(content, c)))
	return at
}

func storedName(name string, content []byte, c filter.Compression) string {
	return fmt.Sprintf("%s-%x%s", name, sha1.Sum(content), c.Ext())
}

func (f *fixture) encode(content []byte, c filter.Compression) []byte {
	f.t.Helper()
	spec := filter.Spec{Compression: c, Level: 3}
	if f.cipher != "" {
		spec.Pass = "archive pass"
	}
	var b bytes.Buffer
	w, err := filter.NewWriter(&b, spec)
	f.must(err)
	_, err = w.Write(content)
	f.must(err)
	f.must(w.Close())
	return b.Bytes()
}

// decode returns the plain content of a file in the archive.
func (f *fixture) decode(key int, name string) string {
	f.t.Helper()
	pass := ""
	if f.cipher != "" {
		pass = "archive pass"
	}
	at := f.repo(key).ArchivePath(name)
	r, err := f.repo(key).OpenArchive(f.t.Context(), at, filter.CompressionOf(name), pass)
	f.must(err)
	defer r.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(r)
	f.must(err)
	return b.String()
}

// listed fails the test unless an archive id holds exactly these files.
func (f *fixture) listed(key int, archiveID string, want ...string) {
	f.t.Helper()
	if got := f.stored(key, archiveID); !slices.Equal(got, want) {
		f.t.Errorf("repo%d: got %q, want %q", key, got, want)
	}
}

// logged fails the test unless these lines are all the last run told.
func (f *fixture) logged(want string) {
	f.t.Helper()
	if got := f.lines.Text(); got != want {
		f.t.Errorf("logged:\n%swant:\n%s", got, want)
	}
}

// broken is a tree in which some paths cannot be reached.
type broken struct {
	storage.Tree
	path string
	err  error
}

func (b broken) hit(path string) bool { return strings.HasPrefix(path, b.path) }

func (b broken) Stat(ctx context.Context, path string) (storage.Info, error) {
	if b.hit(path) {
		return storage.Info{}, b.err
	}
	return b.Tree.Stat(ctx, path)
}

func (b broken) List(ctx context.Context, path string, fn func(storage.Info) error) error {
	if b.hit(path) {
		return b.err
	}
	return b.Tree.List(ctx, path, fn)
}

func (b broken) Create(ctx context.Context, path string, o storage.CreateOptions) (storage.Writer, error) {
	if b.hit(path) {
		return nil, b.err
	}
	return b.Tree.Create(ctx, path, o)
}
