package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/repo"
	"holdfast/internal/repo/repotest"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

const megabyte = 1 << 20

// world is a repository in memory. Segments are real.
type world struct {
	t    *testing.T
	mem  *storagetest.Mem
	repo *repotest.World
}

func newWorld(t *testing.T, history string) *world {
	mem := storagetest.NewMem()
	return &world{t: t, mem: mem, repo: repotest.Build(t, mem, "/r", time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), history)}
}

func (w *world) archivePath(elem ...string) string { return w.repo.Repos[0].ArchivePath(elem...) }

// segment archives a segment under the way its extension says, and returns its path.
func (w *world) segment(id, short, ext string) string {
	w.t.Helper()
	name := repotest.WAL(short)
	content := pgtest.BuildWAL(150000, pgtest.WALOptions{SegmentSize: megabyte, Seed: uint64(len(name) + len(short)*7), Fill: 100})
	copy(content[60:], short)
	h := filter.NewHash()
	_, _ = h.Write(content)
	at := w.archivePath(id, name[:16], name+"-"+format.Sum(h.Sum()).String()+ext)
	var stored bytes.Buffer
	out, err := filter.NewWriter(&stored, filter.Spec{Compression: filter.CompressionOf(at), Level: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err = out.Write(content); err == nil {
		err = out.Close()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(at, stored.Bytes())
	return at
}

func (w *world) write(at string, content []byte) {
	w.t.Helper()
	if err := storage.WriteAll(w.t.Context(), w.mem, at, content, storage.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) flip(at string) {
	w.t.Helper()
	content, err := storage.ReadAll(w.t.Context(), w.mem, at, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	content = slices.Clone(content)
	content[len(content)/2] ^= 1
	w.write(at, content)
}

// verify returns the log, names instead of labels, and the verbose text.
func (w *world) verify(o Options) (lines, text string, result *Result) {
	w.t.Helper()
	lines, result, err := w.run(w.t.Context(), w.mem, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return lines, w.repo.Name(result.Text(true)), result
}

func (w *world) run(ctx context.Context, tree storage.Tree, o Options) (string, *Result, error) {
	logger, lines := log.Memory()
	o.Log = logger
	o.Repo = repo.New(repo.Config{Key: 1, Path: w.repo.Repos[0].Path(), Storage: tree, Stanza: repotest.Stanza})
	result, err := Run(ctx, o)
	return w.repo.Name(lines.Text()), result, err
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s is\n%s\nwant\n%s", what, got, want)
	}
}

const history = `
db 1 15
F1 9d wal=1.0.1
F1D1 8d wal=1.0.3
F2 7d wal=1.0.4`

func TestSound(t *testing.T) {
	w := newWorld(t, history)
	for i, short := range []string{"1.0.1", "1.0.2", "1.0.3", "1.0.4", "1.0.6", "2.0.6", "2.0.FFF", "2.1.0"} {
		w.segment("15-1", short, []string{"", ".gz", ".lz4", ".zst"}[i%4])
	}
	w.write(w.archivePath("15-1/0000000100000000", repotest.WAL("1.0.7")+".partial-"+strings.Repeat("0", 40)), nil)
	w.write(w.archivePath("15-1/00000002.history"), nil)
	for workers := range 4 {
		lines, text, result := w.verify(Options{Workers: workers})
		expect(t, "the log", lines, `DETAIL: archiveId: 15-1, wal start: 000000010000000000000001, wal stop: 000000010000000000000004
DETAIL: archiveId: 15-1, wal start: 000000010000000000000006, wal stop: 000000010000000000000006
DETAIL: archiveId: 15-1, wal start: 000000020000000000000006, wal stop: 000000020000000000000006
DETAIL: archiveId: 15-1, wal start: 000000020000000000000FFF, wal stop: 000000020000000100000000
`)
		const none = "    missing: 0, checksum invalid: 0, size invalid: 0, other: 0\n"
		expect(t, "the result", text+"\n", "stanza: demo\nstatus: ok\n  archiveId: 15-1, total WAL checked: 8, total valid WAL: 8\n"+none+
			"  backup: F1, status: valid, total files checked: 1, total valid files: 1\n"+none+
			"  backup: F1D1, status: valid, total files checked: 1, total valid files: 1\n"+none+
			"  backup: F2, status: valid, total files checked: 1, total valid files: 1\n"+none)
		if quiet := result.Text(false); quiet != "" {
			t.Errorf("a sound repository is worth no word, but got %s", quiet)
		}
	}
}

func TestDamage(t *testing.T) {
	w := newWorld(t, history)
	first := w.segment("15-1", "1.0.1", "")
	w.segment("15-1", "1.0.2", ".gz")
	w.flip(first) // its header is still good, though nobody should depend on that
	w.flip(w.segment("15-1", "1.0.3", ""))
	w.write(w.segment("15-1", "1.0.4", ".zst"), nil)
	w.write(w.repo.Repos[0].BackupPath(w.repo.Label("F1D1"), "pg_data/PG_VERSION"), []byte("16\n"))
	lines, _, result := w.verify(Options{})
	var worker []string
	for line := range strings.Lines(lines) {
		if strings.HasPrefix(line, "INFO: ") {
			worker = append(worker, strings.TrimSpace(strings.TrimPrefix(line, "INFO: ")))
		}
	}
	below := func(at string) string { return strings.TrimPrefix(at, w.archivePath()+"/") }
	expect(t, "the log", strings.Join(worker, "\n"), fmt.Sprintf(`invalid checksum '%s'
invalid checksum '%s'
invalid result %s: [29] raised from local-1 protocol: unable to decompress zst: unexpected end of data
invalid checksum 'F1D1/pg_data/PG_VERSION'`, below(first), below(w.segment("15-1", "1.0.3", "")), below(w.segment("15-1", "1.0.4", ".zst"))))
	expect(t, "the result", w.repo.Name(result.Text(false)), `stanza: demo
status: error
  archiveId: 15-1, total WAL checked: 4, total valid WAL: 1
    checksum invalid: 2, other: 1
  backup: F1D1, status: invalid, total files checked: 1, total valid files: 0
    checksum invalid: 1`)
}

// TestVanishing is about WAL that expire removes after it was listed.
func TestVanishing(t *testing.T) {
	w := newWorld(t, history)
	w.segment("15-1", "1.0.1", "")
	gone := w.segment("15-1", "1.0.2", "")
	faulty := storagetest.NewFaulty(w.mem, 1)
	faulty.Only = func(op storagetest.Op) bool { return op.Verb == "open" && op.Path == gone }
	faulty.Err = errs.New(errs.FileMissing, "unable to open missing file '%s' for read", gone)
	lines, result, err := w.run(t.Context(), faulty, Options{})
	if err != nil || !faulty.Fired() {
		t.Fatal(err)
	}
	if want := "WARN: file missing '15-1/0000000100000000/" + path.Base(gone) + "'\n"; !strings.HasPrefix(lines, want) || result.Failed {
		t.Errorf("failed %v, log\n%s", result.Failed, lines)
	}
	if a := result.Archives[0]; a.Total != 2 || a.Valid != 1 || a.Missing != 1 {
		t.Errorf("counted %+v", a.Tally)
	}
}

// bundled makes a backup whose files lie in one bundle, raw and compressed.
func (w *world) bundled(label string, contents ...string) string {
	w.t.Helper()
	at := w.repo.Repos[0].BackupPath(label, repo.BundleDir, "1")
	info, err := w.repo.Repos[0].LoadBackupInfo(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	m := &format.Manifest{
		Program: repotest.Program, Label: label, Type: format.Full, References: []string{label}, TimestampStart: 1, TimestampStop: 2,
		TimestampCopyStart: 1, Bundle: true, BundleRaw: true, DB: info.DB,
		Targets: []format.Target{{Name: "pg_data", Path: "/pg"}},
		Paths:   []format.Path{{Name: "pg_data", Mode: 0o700, User: "postgres", Group: "postgres"}},
	}
	m.Options.CompressType = "zst"
	var bundle bytes.Buffer
	for i, content := range contents {
		plain, stored := filter.NewHash(), filter.NewHash()
		_, _ = plain.Write([]byte(content))
		begin := bundle.Len()
		out, err := filter.NewWriter(&bundle, filter.Spec{Compression: filter.Zst, Level: 1, Raw: true})
		if err == nil {
			_, err = out.Write([]byte(content))
		}
		if err == nil {
			err = out.Close()
		}
		if err != nil {
			w.t.Fatal(err)
		}
		_, _ = stored.Write(bundle.Bytes()[begin:])
		f := format.File{
			Name: fmt.Sprintf("pg_data/f%d", i), Size: int64(len(content)), OriginalSize: int64(len(content)), Timestamp: 1, Mode: 0o600,
			User: "postgres", Group: "postgres", HasChecksum: true, Checksum: plain.Sum(),
			BundleID: 1, BundleOffset: int64(begin), RepoSize: int64(bundle.Len() - begin),
		}
		if i%2 == 0 { // older writers did not note it
			f.HasRepoChecksum, f.RepoChecksum = true, stored.Sum()
		}
		m.Files.Append(f)
	}
	m.SetDefaults()
	if err := w.repo.Repos[0].CommitManifest(w.t.Context(), m, ""); err != nil {
		w.t.Fatal(err)
	}
	w.write(at, bundle.Bytes())
	return at
}

const bundleLabel = "20261120-130000F"

// TestNeighbours makes sure that what lies together is read together, and that trouble with one file is none of its neighbours'.
func TestNeighbours(t *testing.T) {
	w := newWorld(t, "db 1 15")
	bundle := w.bundled(bundleLabel, "eins", "zwei", "drei", "vier", "fuenf")
	trace := storagetest.NewTrace(w.mem)
	_, result, err := w.run(t.Context(), trace, Options{})
	if err != nil || result.Failed || result.Backups[0].Valid != 5 {
		t.Fatalf("%+v, %v", result, err)
	}
	opened := 0
	for _, op := range trace.Ops() {
		if op.Verb == "open" && op.Path == bundle {
			opened++
		}
	}
	if opened != 1 {
		t.Errorf("opened the bundle %d times", opened)
	}

	content, _ := storage.ReadAll(t.Context(), w.mem, bundle, 0)
	harmless := 0
	for at := range content {
		spoiled := slices.Clone(content)
		spoiled[at] ^= 0x40
		w.write(bundle, spoiled)
		_, _, result := w.verify(Options{Workers: 2})
		b := result.Backups[0]
		if b.Valid == 5 {
			harmless++
		} else if b.Valid != 4 || b.Checksum+b.Other != 1 || b.Status != Invalid {
			t.Fatalf("byte %d changed: %+v", at, b)
		}
	}
	if harmless > 2*2 { // bits of a frame's header that mean nothing, in files without a checksum of their stored bytes
		t.Errorf("%d bytes of %d may be changed", harmless, len(content))
	}
	for size := range len(content) {
		w.write(bundle, content[:size])
		if _, _, result := w.verify(Options{}); !result.Failed {
			t.Fatalf("%d bytes of the bundle are good enough", size)
		}
	}
}

// TestTrouble makes every operation fail once. Reading is tried again; what cannot be listed ends the work.
func TestTrouble(t *testing.T) {
	w := newWorld(t, history)
	w.segment("15-1", "1.0.1", "")
	w.segment("15-1", "1.0.2", ".gz")
	w.bundled(bundleLabel, "eins", "zwei", "drei")
	for n := 1; ; n++ {
		faulty := storagetest.NewFaulty(w.mem, n)
		_, result, err := w.run(t.Context(), faulty, Options{Retries: 1, Workers: 2})
		if !faulty.Fired() {
			if n < 20 {
				t.Errorf("only %d operations", n)
			}
			break
		}
		op := faulty.Failed()
		name := path.Base(op.Path)
		info := strings.HasPrefix(name, "backup.") || strings.HasPrefix(name, "archive.")
		switch {
		case (op.Verb == "open" || op.Verb == "read") && err != nil:
			t.Errorf("%s: %v", op, err)
		case (op.Verb == "open" || op.Verb == "read") && !info && result.Failed:
			t.Errorf("%s was not tried again", op)
		case op.Verb != "open" && op.Verb != "read" && err == nil:
			t.Errorf("%s is of no consequence: %+v", op, result)
		}
	}

	faulty := storagetest.NewFaulty(w.mem, 1)
	faulty.Stay = true
	faulty.Only = func(op storagetest.Op) bool { return op.Verb == "open" && path.Base(op.Path) == "1" }
	lines, result, err := w.run(t.Context(), faulty, Options{Retries: 2, RetryGap: time.Millisecond})
	if err != nil || !result.Failed || result.Backups[3].Other != 3 {
		t.Errorf("%+v, %v", result, err)
	}
	if want := "[FileWriteError] on 2 retries from "; !strings.Contains(lines, want) {
		t.Errorf("no %q in\n%s", want, lines)
	}
}

func TestSegmentSize(t *testing.T) {
	w := newWorld(t, history)
	w.write(w.segment("15-1", "1.0.1", ""), []byte("short"))
	w.segment("15-1", "1.0.2", "")
	_, _, result := w.verify(Options{})
	if a := result.Archives[0]; a.Checksum != 1 || a.Valid != 1 {
		t.Errorf("the first segment is damaged, the second not: %+v", a.Tally)
	}

	w = newWorld(t, history)
	content := pgtest.BuildWAL(150000, pgtest.WALOptions{SegmentSize: megabyte, Magic: 0x1234})
	w.write(w.segment("15-1", "1.0.1", ""), content)
	_, _, err := w.run(t.Context(), w.mem, Options{})
	if !errs.Is(err, errs.VersionNotSupported) {
		t.Errorf("unknown magic: %v", err)
	}
	if _, result, err := w.run(t.Context(), w.mem, Options{Assume: postgres.Version(150000)}); err != nil || result.Archives[0].Checksum != 1 {
		t.Errorf("with a version that is forced: %+v, %v", result, err)
	}
}

func TestCancel(t *testing.T) {
	w := newWorld(t, history)
	for i := range 20 {
		w.segment("15-1", fmt.Sprintf("1.0.%X", i), "")
	}
	ctx, cancel := context.WithCancel(t.Context())
	faulty := storagetest.NewFaulty(w.mem, 12)
	faulty.Only = func(op storagetest.Op) bool {
		if op.Verb == "open" && strings.Contains(op.Path, "/0000000100000000/") && strings.Contains(op.Path, repotest.WAL("1.0.7")) {
			cancel()
		}
		return false
	}
	if _, result, err := w.run(ctx, faulty, Options{Workers: 3}); !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestPermissionIsNotTriedAgain(t *testing.T) {
	w := newWorld(t, history)
	at := w.segment("15-1", "1.0.2", "")
	w.segment("15-1", "1.0.1", "")
	faulty := storagetest.NewFaulty(w.mem, 1)
	faulty.Stay = true
	faulty.Only = func(op storagetest.Op) bool { return op.Verb == "open" && op.Path == at }
	faulty.Err = errs.Because(errs.FileOpen, fs.ErrPermission, "unable to open file '%s' for read: [13] Permission denied", at)
	lines, _, err := w.run(t.Context(), faulty, Options{Retries: 5, RetryGap: time.Hour})
	if want := "[41] raised from local-1 protocol: unable to open file '"; err != nil || !strings.Contains(lines, want) {
		t.Errorf("%v\n%s", err, lines)
	}
}
