package archive

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/log"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/storage"
)

// watchMove tells of every move.
type watchMove struct {
	storage.Tree
	moves func(from, to string)
}

func (w watchMove) Move(ctx context.Context, from, to string) error {
	w.moves(from, to)
	return w.Tree.Move(ctx, from, to)
}

// runs plays background runs: each does what the test wants, at once, and has ended then.
type runs struct {
	busy    bool // another process has the lock
	err     error
	locked  bool
	started [][]string
	run     func(params []string)
	running bool // still, as it seems
}

func (r *runs) TryLock() (func() error, bool, error) {
	if r.busy || r.err != nil {
		return nil, false, r.err
	}
	r.locked = true
	return func() error { r.locked = false; return nil }, true, nil
}

func (r *runs) Start(_ context.Context, params []string) error {
	if r.locked {
		return errors.New("the run cannot have the lock")
	}
	r.started = append(r.started, params)
	if r.run != nil {
		r.run(params)
	}
	return nil
}

func (r *runs) Running() bool { return r.running }

func (f *fixture) wait(r *runs) Wait {
	w := Wait{Spool: Spool{f.tree, spoolPath}, Background: r, Timeout: 100 * time.Millisecond, TimeoutAs: "100ms", LogFile: "/log"}
	w.Log, f.lines = log.Memory()
	return w
}

func (f *fixture) awaitPush(name string, r *runs) error {
	return AwaitPush(f.t.Context(), f.wait(r), walDir, name)
}

const pushedAsync = "INFO: pushed WAL file '" + segment + "' to the archive asynchronously\n"

func TestAwaitPush(t *testing.T) {
	out := spoolPath + "/out/"
	t.Run("answered", func(t *testing.T) {
		f := newFixture(t)
		f.write(out+segment+".ok", "")
		f.remove("/pg/global/pg_control") // not needed
		r := &runs{err: errors.New("not needed")}
		f.must(f.awaitPush(segment, r))
		f.logged(pushedAsync)
	})
	t.Run("warning", func(t *testing.T) { // SN-322, SN-323
		f := newFixture(t)
		f.write(out+segment+".ok", "0\ndropped")
		f.must(f.awaitPush(segment, &runs{}))
		f.logged("WARN: dropped\n" + pushedAsync)
		f.write(out+segment+".ok", "45\ndiffers")
		f.must(f.awaitPush(segment, &runs{}))
		f.logged("WARN: WAL segment '" + segment + "' was not pushed due to error [45] and was manually skipped: differs\n" + pushedAsync)
	})
	t.Run("run", func(t *testing.T) { // SN-321
		f := newFixture(t)
		f.write(out+segment+".error", "45\nold")
		f.write(out+"global.error", "50\nold")
		f.write(out+walName(3)+".error", "45\nof another")
		r := &runs{run: func([]string) {
			f.noted("out", walName(3)+".error: 45\nof another")
			f.write(out+segment+".ok", "")
		}}
		f.must(f.awaitPush(segment, r))
		f.logged(pushedAsync)
		if len(r.started) != 1 || !slices.Equal(r.started[0], []string{walDir}) {
			t.Errorf("started %q", r.started)
		}
	})
	t.Run("error", func(t *testing.T) { // SN-319, SN-320
		for _, name := range []string{segment + ".error", "global.error"} {
			f := newFixture(t)
			err := f.awaitPush(segment, &runs{run: func([]string) { f.write(out+name, "45\nnew\nHINT: x") }})
			fails(t, err, errs.ArchiveDuplicate, "new\nHINT: x")
			f.logged("")
		}
	})
	t.Run("busy", func(t *testing.T) {
		f := newFixture(t)
		f.write(out+segment+".error", "45\nof the run that is busy")
		fails(t, f.awaitPush(segment, &runs{busy: true}), errs.ArchiveDuplicate, "of the run that is busy")
	})
	t.Run("later", func(t *testing.T) {
		f := newFixture(t)
		timer := time.AfterFunc(20*time.Millisecond, func() { f.write(out+segment+".ok", "") })
		defer timer.Stop()
		f.must(f.awaitPush(segment, &runs{busy: true}))
	})
	t.Run("never", func(t *testing.T) { // SN-320
		f := newFixture(t)
		r := &runs{}
		fails(t, f.awaitPush(segment, r), errs.ArchiveTimeout, "unable to push WAL file '"+segment+
			"' to the archive asynchronously after 100ms second(s)\nHINT: check '/log' for errors.")
		if len(r.started) != 2 {
			t.Errorf("started %q", r.started)
		}
	})
	t.Run("busy for long", func(t *testing.T) {
		f := newFixture(t)
		r := &runs{running: true}
		fails(t, f.awaitPush(segment, r), errs.ArchiveTimeout, "unable to push WAL file '"+segment+
			"' to the archive asynchronously after 100ms second(s)\nHINT: check '/log' for errors.")
		if len(r.started) != 1 {
			t.Errorf("started %q", r.started)
		}
	})
	t.Run("killed", func(t *testing.T) {
		f := newFixture(t)
		r := &runs{}
		r.run = func([]string) {
			if len(r.started) == 2 {
				f.write(out+segment+".ok", "")
			}
		}
		f.must(f.awaitPush(segment, r))
		if len(r.started) != 2 {
			t.Errorf("started %q", r.started)
		}
	})
	t.Run("no lock", func(t *testing.T) {
		f := newFixture(t)
		fails(t, f.awaitPush(segment, &runs{err: errs.New(errs.LockAcquire, "denied")}), errs.LockAcquire, "denied")
	})
	t.Run("no spool", func(t *testing.T) { // SN-324
		f := newFixture(t)
		f.write("/spool", "a file")
		r := &runs{}
		if err := f.awaitPush(segment, r); err == nil || r.locked || len(r.started) > 0 {
			t.Errorf("got %v, locked %v, started %q", err, r.locked, r.started)
		}
	})
	t.Run("signal", func(t *testing.T) {
		f := newFixture(t)
		ctx, cancel := context.WithCancel(t.Context())
		w := f.wait(&runs{run: func([]string) { cancel() }})
		if err := AwaitPush(ctx, w, walDir, segment); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func (f *fixture) awaitGet(r *runs, changes ...func(*AwaitGetOptions)) (bool, error) {
	o := AwaitGetOptions{
		GetOptions: GetOptions{Name: segment, Dest: received, PGPath: "/pg", Local: f.tree, Repos: f.repos()},
		Wait:       f.wait(r), QueueMax: 4 << 20, MissingRetry: true,
	}
	o.GetOptions.Log = o.Wait.Log
	for _, change := range changes {
		change(&o)
	}
	return AwaitGet(f.t.Context(), o)
}

func (f *fixture) found(ok bool, err error) {
	f.t.Helper()
	if !ok || err != nil {
		f.t.Fatalf("found %v, %v", ok, err)
	}
}

const (
	foundAsync   = "INFO: found " + segment + " in the archive asynchronously\n"
	missingAsync = "INFO: unable to find " + segment + " in the archive asynchronously\n"
)

func TestAwaitGet(t *testing.T) {
	in := spoolPath + "/in/"
	t.Run("answered", func(t *testing.T) {
		f := newFixture(t)
		f.write(in+segment, string(wal(2)))
		f.write(in+walName(3), string(wal(3)))
		f.write(in+walName(4), string(wal(4)))
		f.write(in+walName(5), string(wal(5)))
		f.remove("/pg/global/pg_control") // not needed
		r := &runs{err: errors.New("not needed")}
		f.found(f.awaitGet(r))
		f.logged(foundAsync)
		if f.read(received) != string(wal(2)) || !slices.Equal(f.spooled("in"), names(3, 4, 5)) {
			t.Errorf("in the spool: %q", f.spooled("in"))
		}
		// One less is not more than half.
		f.write(in+segment, string(wal(2)))
		f.remove(in + walName(5))
		f.control(controlOf(segSize))
		r = &runs{}
		f.found(f.awaitGet(r))
		if len(r.started) != 1 || !slices.Equal(r.started[0], names(5, 6)) {
			t.Errorf("started %q", r.started)
		}
	})
	t.Run("run", func(t *testing.T) {
		f := newFixture(t)
		f.control(controlOf(segSize))
		f.write(in+segment+".error", "45\nold")
		f.write(in+"global.error", "50\nold")
		f.write(in+"000000020000000000000002", "of another timeline") // SN-328
		r := &runs{run: func([]string) {
			f.noted("in")
			f.write(in+segment, string(wal(2)))
		}}
		f.found(f.awaitGet(r))
		f.logged(foundAsync)
		if len(r.started) != 1 || !slices.Equal(r.started[0], names(2, 3, 4, 5)) {
			t.Errorf("started %q", r.started)
		}
	})
	t.Run("missing", func(t *testing.T) { // SN-327
		f := newFixture(t)
		f.control(controlOf(segSize))
		f.write(in+segment+".ok", "")
		r := &runs{run: func([]string) { f.noted("in"); f.write(in+segment+".ok", "0\nrepo2 is gone") }}
		if ok, err := f.awaitGet(r); ok || err != nil {
			t.Errorf("got %v, %v", ok, err)
		}
		f.logged("WARN: repo2 is gone\n" + missingAsync)
		f.noted("in")
		if len(r.started) != 1 {
			t.Errorf("started %q", r.started)
		}
	})
	t.Run("missing, believed", func(t *testing.T) {
		f := newFixture(t)
		f.write(in+segment+".ok", "")
		r := &runs{}
		if ok, err := f.awaitGet(r, func(o *AwaitGetOptions) { o.MissingRetry = false }); ok || err != nil || len(r.started) > 0 {
			t.Errorf("got %v, %v, started %q", ok, err, r.started)
		}
		f.logged(missingAsync)
		f.noted("in")
	})
	t.Run("warning", func(t *testing.T) {
		f := newFixture(t)
		f.control(controlOf(segSize))
		f.write(in+segment, string(wal(2)))
		f.write(in+segment+".ok", "0\nrepo2 is gone")
		f.found(f.awaitGet(&runs{}))
		f.logged("WARN: repo2 is gone\n" + foundAsync)
		f.noted("in")
	})
	t.Run("error", func(t *testing.T) {
		for _, name := range []string{segment + ".error", "global.error"} {
			f := newFixture(t)
			f.control(controlOf(segSize))
			ok, err := f.awaitGet(&runs{run: func([]string) { f.write(in+name, "42\nnew") }})
			fails(t, err, errs.FileRead, "new")
			if ok {
				t.Error("found")
			}
		}
	})
	t.Run("another run", func(t *testing.T) {
		f := newFixture(t, 1)
		f.put(1, "15-1", segment, wal(2), filter.Gz)
		f.found(f.awaitGet(&runs{busy: true}))
		f.logged("INFO: found " + segment + " in the repo1: 15-1 archive\n")
		if ok, err := f.awaitGet(&runs{busy: true}, func(o *AwaitGetOptions) { o.Name = walName(9) }); ok || err != nil {
			t.Errorf("got %v, %v", ok, err)
		}
		f.logged("INFO: unable to find " + walName(9) + " in the archive\n")
	})
	t.Run("our run dies", func(t *testing.T) { // SN-325
		f := newFixture(t, 1)
		f.control(controlOf(segSize))
		f.put(1, "15-1", segment, wal(2), filter.Gz)
		r := &runs{}
		f.found(f.awaitGet(r))
		f.logged("INFO: found " + segment + " in the repo1: 15-1 archive\n")
	})
	t.Run("our run takes long", func(t *testing.T) {
		f := newFixture(t, 1)
		f.control(controlOf(segSize))
		f.put(1, "15-1", segment, wal(2), filter.Gz)
		ok, err := f.awaitGet(&runs{running: true})
		fails(t, err, errs.ArchiveTimeout, "unable to get WAL file '"+segment+
			"' from the archive asynchronously after 100ms second(s)\nHINT: check '/log' for errors.")
		if ok {
			t.Error("found")
		}
	})
	t.Run("other file system", func(t *testing.T) {
		f := newFixture(t)
		f.write(in+segment, string(wal(2)))
		f.tree = crossing{f.mem}
		f.found(f.awaitGet(&runs{busy: true}))
		if f.read(received) != string(wal(2)) {
			t.Error("wrong content")
		}
		f.noted("in")
	})
	t.Run("delivered all the same", func(t *testing.T) {
		f := newFixture(t)
		f.write(in+segment, string(wal(2)))
		f.found(f.awaitGet(&runs{err: errs.New(errs.LockAcquire, "denied")}))
		f.logged(foundAsync + "WARN: [LockAcquireError] denied\n")
	})
	t.Run("no label", func(t *testing.T) { // SN-326
		f := newFixture(t)
		c := controlOf(segSize)
		c.Checkpoint = 0xDEAD
		f.control(c)
		r := &runs{}
		_, err := f.awaitGet(r)
		if !errs.Is(err, errs.Format) || !strings.Contains(err.Error(), "backup_label") || len(r.started) > 0 {
			t.Errorf("got %v, started %q", err, r.started)
		}
	})
}

func controlOf(segSize uint32) pgtest.ControlOptions {
	return pgtest.ControlOptions{Checkpoint: 0x2000028, WALSegmentSize: segSize}
}

// crossing is a tree whose directories all lie on file systems of their own.
type crossing struct{ storage.Tree }

func (crossing) Move(context.Context, string, string) error {
	return errs.Because(errs.FileMove, syscall.EXDEV, "unable to move")
}
