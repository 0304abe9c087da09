package restore

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
	"holdfast/internal/storage/posix"
)

const (
	label = "20260102-030405F"
	// copyStart is when the backup began to copy; all its files but one are older.
	copyStart = 1_700_000_000
	fileTime  = copyStart - 1000
	stamp     = "2026-01-02 03:04:05"
)

// fixture is a repository with one backup, and a place to restore it to.
type fixture struct {
	t        testing.TB
	dir      string       // of everything
	tree     storage.Tree // to restore to
	stored   storage.Tree // the repository lies here
	cipher   string
	version  postgres.Version
	manifest *format.Manifest
	content  map[string][]byte // of all files, by their names in the manifest
	lines    *log.Lines        // of the last run
}

// shape says how a fixture differs from the usual one: PostgreSQL 15, not encrypted.
type shape struct {
	version postgres.Version
	cipher  string
	edit    func(*fixture) // the manifest and the contents, before they are saved
}

// hasty is a file system that leaves durability to chance, to make tests fast.
type hasty struct{ storage.Tree }

func (h hasty) Create(ctx context.Context, name string, o storage.CreateOptions) (storage.Writer, error) {
	o.NoSync = true
	return h.Tree.Create(ctx, name, o)
}

func (h hasty) SyncDir(context.Context, string) error { return nil }

func (h hasty) Rename(_ context.Context, from, to string) error { return os.Rename(from, to) }

// newFixture stores a backup of a small cluster.
func newFixture(t testing.TB, s shape) *fixture {
	t.Helper()
	tree := hasty{posix.New(posix.Config{})}
	f := &fixture{
		t: t, dir: memoryDir(t), tree: tree, stored: tree, cipher: s.cipher,
		version: cmp.Or(s.version, postgres.Version15), content: map[string][]byte{},
	}
	f.describe()
	if s.edit != nil {
		s.edit(f)
	}
	f.save()
	return f
}

// memoryDir makes a directory that lies in memory where the system has such a place: thousands of small files take long on a busy disk.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "holdfast-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// describe makes the manifest of a cluster with two databases, a tablespace, a linked directory and a linked file.
func (f *fixture) describe() {
	catalog := int(pgtest.CatalogVersion(f.version))
	yes := true
	f.manifest = &format.Manifest{
		Label: label, Type: format.Full, TimestampStart: copyStart - 10, TimestampCopyStart: copyStart, TimestampStop: copyStart + 10,
		ArchiveStart: "000000010000000000000002", ArchiveStop: "000000010000000000000002", LSNStart: "0/2000028", LSNStop: "0/2000100",
		DB: format.BackupDB{ID: 1, SystemID: pgtest.DefaultSystemID, Version: f.version.String(), CatalogVersion: catalog,
			ControlVersion: 1300},
		Options: format.Options{Online: true, CompressType: "gz", ChecksumPage: &yes},
		Targets: []format.Target{
			{Name: "pg_data", Path: "/old/pg"},
			{Name: "pg_data/extra", Path: "/old/extra", Link: true},
			{Name: "pg_data/pg_hba.conf", Path: "/old/conf", File: "hba", Link: true},
			{Name: "pg_tblspc/16400", Path: "/old/ts", Link: true, TablespaceID: "16400", TablespaceName: "space"},
		},
		Links: []format.Link{
			{Name: "pg_data/extra", Destination: "/old/extra"},
			{Name: "pg_data/pg_hba.conf", Destination: "/old/conf/hba"},
			{Name: "pg_data/pg_tblspc/16400", Destination: "/old/ts"},
		},
		Databases: []format.Database{
			{Name: "app", ID: 16401, LastSystemID: 4}, {Name: "other", ID: 16402, LastSystemID: 4},
			{Name: "postgres", ID: 5, LastSystemID: 4}, {Name: "template1", ID: 1, LastSystemID: 4},
		},
	}
	space := "pg_tblspc/16400/" + postgres.TablespaceDir(f.version, uint32(catalog))
	wal := "pg_data/" + f.version.WALDir()
	for _, name := range []string{
		"pg_data", "pg_data/base", "pg_data/base/1", "pg_data/base/16401", "pg_data/base/16402", "pg_data/extra", "pg_data/global",
		"pg_data/pg_tblspc", wal, wal + "/archive_status", "pg_tblspc", "pg_tblspc/16400", space, space + "/16401",
	} {
		f.manifest.Paths = append(f.manifest.Paths, format.Path{Name: name, Mode: 0o700})
	}
	version := f.version.String() + "\n"
	files := map[string]string{
		"pg_data/PG_VERSION":            version,
		"pg_data/backup_label":          "START WAL LOCATION: 0/2000028\n",
		"pg_data/base/1/PG_VERSION":     version,
		"pg_data/base/1/1259":           string(pgtest.BuildRelation(8192, 2, 0, 1)),
		"pg_data/base/16401/PG_VERSION": version,
		"pg_data/base/16401/2600":       string(pgtest.BuildRelation(8192, 3, 0, 2)),
		"pg_data/base/16402/PG_VERSION": version,
		"pg_data/base/16402/2600":       string(pgtest.BuildRelation(8192, 1, 0, 3)),
		"pg_data/extra/notes.txt":       "notes\n",
		"pg_data/global/pg_control":     string(pgtest.BuildControl(f.version, pgtest.ControlOptions{Checkpoint: 0x2000060})),
		"pg_data/pg_hba.conf":           "local all all trust\n",
		"pg_data/postgresql.conf":       "",
		"pg_data/tablespace_map":        "16400 /old/ts\n",
		space + "/16401/2700":           string(pgtest.BuildRelation(8192, 2, 0, 4)),
	}
	if !f.version.RecoveryConf() {
		files["pg_data/postgresql.auto.conf"] = "# Do not edit\nwork_mem = '4MB'\nrecovery_target_xid = '7'\n"
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f.add(name, files[name])
	}
	slices.SortFunc(f.manifest.Paths, func(a, b format.Path) int { return strings.Compare(a.Name, b.Name) })
	me := identity()
	for i := range f.manifest.Paths {
		f.manifest.Paths[i].User, f.manifest.Paths[i].Group = me.User, me.Group
	}
	for i := range f.manifest.Links {
		f.manifest.Links[i].User, f.manifest.Links[i].Group = me.User, me.Group
	}
	f.manifest.SetDefaults()
}

// add puts a file into the manifest, or changes its content.
func (f *fixture) add(name, content string) {
	me := identity()
	f.content[name] = []byte(content)
	h := filter.NewHash()
	_, _ = h.Write([]byte(content))
	file := format.File{
		Name: name, Size: int64(len(content)), OriginalSize: int64(len(content)), Timestamp: fileTime, Mode: 0o600,
		User: me.User, Group: me.Group, HasChecksum: true, Checksum: h.Sum(),
	}
	f.manifest.Files.Put(file)
}

// change changes what the manifest says about a file.
func (f *fixture) change(name string, change func(*format.File)) {
	file := f.manifest.File(name)
	change(file)
	f.manifest.Files.Put(*file)
}

// drop takes files out of the manifest.
func (f *fixture) drop(unwanted func(name string) bool) {
	f.manifest.Files.DeleteFunc(func(_ int, file *format.File) bool { return unwanted(file.Name) })
}

// save stores the backup.
func (f *fixture) save() {
	f.t.Helper()
	ctx, r := f.t.Context(), f.repo()
	infoPass := ""
	if f.cipher != "" {
		infoPass, f.manifest.CipherPass = "manifest pass", "backup pass"
	}
	for i, file := range f.manifest.Files.All() {
		if file.Size == 0 || file.BundleID != 0 {
			continue
		}
		at, _ := r.FilePath(f.manifest, &file)
		stored := f.encode(f.content[file.Name], r.FileSpec(f.manifest))
		f.must(storage.WriteAll(ctx, f.stored, at, stored, storage.CreateOptions{}))
		file.RepoSize = int64(len(stored))
		f.manifest.Files.Set(i, file)
	}
	info := &format.BackupInfo{CipherPass: infoPass, DB: f.manifest.DB, History: []format.BackupDB{f.manifest.DB}}
	info.Add(f.manifest.Summary())
	archiveDB := format.ArchiveDB{ID: 1, SystemID: f.manifest.DB.SystemID, Version: f.manifest.DB.Version}
	archivePass := ""
	if f.cipher != "" {
		archivePass = "archive pass"
	}
	f.must(r.CommitManifest(ctx, f.manifest, infoPass))
	f.must(r.SaveBackupInfo(ctx, info))
	f.must(r.SaveArchiveInfo(ctx,
		&format.ArchiveInfo{CipherPass: archivePass, DB: archiveDB, History: []format.ArchiveDB{archiveDB}}))
}

func (f *fixture) encode(content []byte, spec filter.Spec) []byte {
	f.t.Helper()
	var stored bytes.Buffer
	w, err := filter.NewWriter(&stored, spec)
	f.must(err)
	_, err = w.Write(content)
	f.must(err)
	f.must(w.Close())
	return stored.Bytes()
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) repo() *repo.Repo {
	c := repo.Config{Key: 1, Path: f.dir + "/repo", Storage: f.stored, Stanza: "demo", Program: "2.60.0"}
	if f.cipher != "" {
		c.CipherType, c.CipherPass = repo.CipherAES, f.cipher
	}
	return repo.New(c)
}

func (f *fixture) pg(elem ...string) string {
	return path.Join(append([]string{f.dir, "pg"}, elem...)...)
}

func (f *fixture) ts() string { return f.dir + "/ts" }

// space is the directory of the version in the tablespace.
func (f *fixture) space() string {
	return path.Join(f.ts(), postgres.TablespaceDir(f.version, uint32(f.manifest.DB.CatalogVersion)))
}

// identity is the user of the test. Tests as root restore what they own like everybody else.
var identity = sync.OnceValue(func() Identity {
	uid, gid := os.Geteuid(), os.Getegid()
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		panic(err)
	}
	g, err := user.LookupGroupId(strconv.Itoa(gid))
	if err != nil {
		panic(err)
	}
	return Identity{
		Root: uid == 0, UID: uid, GID: gid, User: u.Username, Group: g.Name,
		FindUser:  func(name string) (int, bool) { return uid, name == u.Username },
		FindGroup: func(name string) (int, bool) { return gid, name == g.Name },
	}
})

// options are those of a restore with nothing special but the place of the tablespace.
func (f *fixture) options(changes ...func(*Options)) Options {
	o := Options{
		Repos: []*repo.Repo{f.repo()}, Tree: f.tree, PGPath: f.pg(), Type: Default,
		TablespaceMap: map[string]string{"space": f.ts()}, PageErrors: true, RestoreCommand: "fetch %f %p",
		User: identity(), Workers: 2, Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}
	for _, change := range changes {
		change(&o)
	}
	return o
}

func (f *fixture) run(changes ...func(*Options)) (Result, error) {
	f.t.Helper()
	o := f.options(changes...)
	o.Log, f.lines = log.Memory()
	return Run(f.t.Context(), o)
}

func (f *fixture) restore(changes ...func(*Options)) Result {
	f.t.Helper()
	result, err := f.run(changes...)
	if err != nil {
		f.t.Fatalf("%v\n%s", err, f.lines.Text())
	}
	return result
}

// Changes of options.
func delta(o *Options)          { o.Delta = true }
func force(o *Options)          { o.Force = true }
func typ(t Type) func(*Options) { return func(o *Options) { o.Type, o.TypeGiven = t, true } }
func linkMap(from, to string) func(*Options) {
	return func(o *Options) {
		o.LinkMap = maps.Clone(o.LinkMap)
		if o.LinkMap == nil {
			o.LinkMap = map[string]string{}
		}
		o.LinkMap[from] = to
	}
}

// logged fails the test unless the log of the last run has all of the lines.
func (f *fixture) logged(lines ...string) {
	f.t.Helper()
	for _, line := range lines {
		f.mentioned(line + "\n")
	}
}

// mentioned fails the test unless the log of the last run contains a text.
func (f *fixture) mentioned(text string) {
	f.t.Helper()
	if !strings.Contains(f.lines.Text(), strings.ReplaceAll(text, "DIR", f.dir)) {
		f.t.Errorf("not logged: %s\nbut:\n%s", text, f.lines.Text())
	}
}

func (f *fixture) write(name, content string) {
	f.t.Helper()
	f.must(os.MkdirAll(filepath.Dir(name), 0o700))
	f.must(os.WriteFile(name, []byte(content), 0o600))
}

func (f *fixture) read(name string) string {
	f.t.Helper()
	b, err := os.ReadFile(name)
	f.must(err)
	return string(b)
}
