package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/log"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/storage/storagetest"
)

// walName is segment number n.
func walName(n int) string { return fmt.Sprintf("0000000100000000000000%02X", n) }

// queue makes segments wait.
func (f *fixture) queue(numbers ...int) {
	f.t.Helper()
	for _, n := range numbers {
		f.write(walDir+"/"+walName(n), string(wal(uint64(n))))
		f.write(walDir+"/archive_status/"+walName(n)+".ready", "")
	}
}

func (f *fixture) pushWaiting(changes ...func(*PushWaitingOptions)) error {
	f.t.Helper()
	o := PushWaitingOptions{
		PushOptions: PushOptions{
			Local: f.tree, PGPath: "/pg", Repos: f.repos(), Compression: filter.None, CheckHeader: true, WarnSame: true, QueueMax: -1,
		},
		Dir: walDir, Spool: Spool{f.tree, spoolPath}, BatchSize: 1 << 30, Allowed: func() error { return nil }, Effort: Effort{Workers: 1},
	}
	for _, change := range changes {
		change(&o)
	}
	o.Log, f.lines = log.Memory()
	return PushWaiting(f.t.Context(), o)
}

// notes are the files in a part of the spool with their content.
func (f *fixture) notes(part string) string {
	var all []string
	for _, name := range f.spooled(part) {
		all = append(all, name+": "+f.read(spoolPath+"/"+part+"/"+name))
	}
	return strings.Join(all, "\n")
}

func (f *fixture) noted(part string, want ...string) {
	f.t.Helper()
	if got := f.notes(part); got != strings.Join(want, "\n") {
		f.t.Errorf("in the spool:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

// TestPushWaiting: everything that waits is stored in all repositories, and noted (SN-318).
func TestPushWaiting(t *testing.T) {
	for _, workers := range []int{1, 3, 99} {
		f := newFixture(t, 1, 2)
		f.queue(3, 4, 5)
		f.write(walDir+"/00000002.history", "history")
		f.write(walDir+"/archive_status/00000002.history.ready", "")
		f.must(f.pushWaiting(func(o *PushWaitingOptions) { o.Workers = workers }))
		for _, key := range f.keys {
			f.listed(key, "15-1", dir16+storedName(segment, wal(1), filter.None), dir16+storedName(walName(3), wal(3), filter.None),
				dir16+storedName(walName(4), wal(4), filter.None), dir16+storedName(walName(5), wal(5), filter.None), "00000002.history")
		}
		f.noted("out", segment+".ok: ", walName(3)+".ok: ", walName(4)+".ok: ", walName(5)+".ok: ", "00000002.history.ok: ")
		if workers == 1 {
			f.logged("INFO: push 5 WAL file(s) to archive: " + segment + "...00000002.history\n" +
				"DETAIL: pushed WAL file '" + segment + "' to the archive\nDETAIL: pushed WAL file '" + walName(3) + "' to the archive\n" +
				"DETAIL: pushed WAL file '" + walName(4) + "' to the archive\nDETAIL: pushed WAL file '" + walName(5) + "' to the archive\n" +
				"DETAIL: pushed WAL file '00000002.history' to the archive\n")
		}
		// Nothing is left to do.
		fails(t, f.pushWaiting(), errs.Assert, "no WAL files to process")
		if got := f.read(spoolPath + "/out/global.error"); got != "25\nno WAL files to process" {
			t.Errorf("noted %q", got)
		}
	}
}

// TestPushWaitingTidies: what an earlier run said is kept only if it is a success that is still asked for.
func TestPushWaitingTidies(t *testing.T) {
	f := newFixture(t, 1)
	f.queue(3)
	for name, content := range map[string]string{
		segment + ".ok": "0\nhello", walName(1) + ".ok": "", walName(3) + ".error": "45\nx", "global.error": "50\nx", "stranger": "",
		walName(3) + ".ok.pgbackrest.tmp": "",
	} {
		f.write(spoolPath+"/out/"+name, content)
	}
	f.must(f.pushWaiting())
	f.noted("out", segment+".ok: 0\nhello", walName(3)+".ok: ")
	f.listed(1, "15-1", dir16+storedName(walName(3), wal(3), filter.None))
}

// TestPushWaitingStops: after an error nothing new is begun (SN-320), and the next run begins with what failed (SN-321).
func TestPushWaitingStops(t *testing.T) {
	f := newFixture(t, 1)
	f.queue(3, 4)
	bad := pgtest.BuildWAL(150000, pgtest.WALOptions{SegmentSize: segSize, SystemID: 77})
	f.write(walDir+"/"+walName(3), string(bad))
	f.must(f.pushWaiting(func(o *PushWaitingOptions) { o.Retries = 1 }))
	text := fmt.Sprintf("raised from local-1 protocol: WAL file '%s/%s' version 15, system-id 77 do not match stanza version 15, system-id %d",
		walDir, walName(3), uint64(pgtest.DefaultSystemID))
	notes := f.notes("out")
	if !strings.HasPrefix(notes, segment+".ok: \n"+walName(3)+".error: 44\n"+text+"\n    [ArchiveMismatchError] on retry at ") ||
		strings.Contains(notes, walName(4)) {
		t.Errorf("in the spool:\n%s", notes)
	}
	got := f.lines.Text()
	if !strings.Contains(got, "WARN: could not push WAL file '"+walName(3)+"' to the archive (will be retried): [44] "+text) ||
		!strings.HasSuffix(got, "\nWARN: stopped archive-push after an error, remaining WAL will be processed on the next run\n") {
		t.Errorf("logged:\n%s", got)
	}
	f.queue(3)
	f.must(f.pushWaiting())
	f.noted("out", segment+".ok: ", walName(3)+".ok: ", walName(4)+".ok: ")
}

// TestPushWaitingLimits: the queue (SN-322) and the size of one run.
func TestPushWaitingLimits(t *testing.T) {
	dropped := func(name string) string { return "dropped WAL file '" + name + "' because archive queue exceeded 2MB" }
	for _, test := range []struct {
		queue, batch int64
		want         []string
	}{
		{2 << 20, 1 << 30, []string{
			segment + ".ok: ", walName(3) + ".ok: 0\n" + dropped(walName(3)), walName(4) + ".ok: 0\n" + dropped(walName(4))}},
		{3 << 20, 1 << 30, []string{segment + ".ok: ", walName(3) + ".ok: ", walName(4) + ".ok: "}},
		{-1, 1 << 20, []string{segment + ".ok: ", walName(3) + ".ok: "}},
		{-1, 1, []string{segment + ".ok: ", walName(3) + ".ok: "}},
	} {
		f := newFixture(t, 1)
		f.queue(3, 4)
		f.write(spoolPath+"/out/"+segment+".ok", "")
		if test.queue == 2<<20 {
			f.remove("/repo1/archive/demo/archive.info") // not needed
		}
		f.must(f.pushWaiting(func(o *PushWaitingOptions) { o.QueueMax, o.BatchSize = test.queue, test.batch }))
		f.noted("out", test.want...)
	}
}

// TestPushWaitingRefuses: what fails the whole run is noted for whoever waits.
func TestPushWaitingRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(f *fixture, o *PushWaitingOptions)
		want   string
	}{
		{"stopped", func(_ *fixture, o *PushWaitingOptions) {
			o.Allowed = func() error { return errs.New(errs.Stop, "stop file exists") }
		}, "62\nstop file exists"},
		{"empty segment", func(f *fixture, _ *PushWaitingOptions) { f.write(walDir+"/"+segment, "") },
			"29\nsize of WAL segment '" + segment + "' is 0"},
		{"no control file", func(f *fixture, _ *PushWaitingOptions) { f.remove("/pg/global/pg_control") },
			"55\nunable to open missing file '/pg/global/pg_control' for read"},
		{"another cluster", func(f *fixture, _ *PushWaitingOptions) { f.control(pgtest.ControlOptions{SystemID: 5}) },
			"103\nunable to find a valid repository:\nrepo1: [ArchiveMismatchError] PostgreSQL version 15, system-id 5 do not match"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, 1)
			err := f.pushWaiting(func(o *PushWaitingOptions) { test.change(f, o) })
			if err == nil || !strings.HasPrefix(f.read(spoolPath+"/out/global.error"), test.want) {
				t.Errorf("got %v, note %q", err, f.read(spoolPath+"/out/global.error"))
			}
			f.listed(1, "15-1")
		})
	}
}

// TestPushWaitingRepositories: success is success everywhere.
func TestPushWaitingRepositories(t *testing.T) {
	f := newFixture(t, 1, 2)
	f.must(f.mem.RemoveAll(t.Context(), "/repo2"))
	f.must(f.pushWaiting())
	notes := f.notes("out")
	if !strings.HasPrefix(notes, segment+".error: 104\nraised from local-1 protocol: archive-push command encountered error(s):\nrepo2: [") {
		t.Errorf("in the spool:\n%s", notes)
	}
	f.listed(1, "15-1", dir16+storedName(segment, wal(1), filter.None))
}

// TestPushWaitingNotesLast fails every operation in turn, with the machine losing power right after: whatever is noted as done must be
// in every repository then.
func TestPushWaitingNotesLast(t *testing.T) {
	n := 1
	for ; ; n++ {
		f := newFixture(t, 1, 2)
		f.queue(3, 4)
		faulty := storagetest.NewFaulty(f.mem, n)
		f.tree = faulty
		err := f.pushWaiting(func(o *PushWaitingOptions) { o.Workers = 2 })
		if !faulty.Fired() {
			f.must(err)
			break
		}
		crashed := f.mem.Crash()
		for _, note := range f.spooled("out") {
			name, ok := strings.CutSuffix(note, ".ok")
			if !ok {
				continue
			}
			for _, key := range f.keys {
				found := func(path string) bool {
					return strings.HasPrefix(path, fmt.Sprintf("/repo%d/archive/demo/15-1/%s%s-", key, dir16, name)) && !strings.HasSuffix(path, ".tmp")
				}
				if !slices.ContainsFunc(crashed.Paths(), found) {
					t.Errorf("%s fails: %s is noted as done but not in repo%d", faulty.Failed(), name, key)
				}
			}
		}
		f.tree = f.mem
		if err := f.pushWaiting(); err != nil && !errs.Is(err, errs.Assert) {
			t.Errorf("%s fails, then the next run: %v", faulty.Failed(), err)
		}
		// If the fault did no harm, the next run finds nothing to do.
		got := slices.DeleteFunc(f.spooled("out"), func(name string) bool { return name == globalError })
		if want := []string{segment + ".ok", walName(3) + ".ok", walName(4) + ".ok"}; !slices.Equal(got, want) {
			t.Errorf("%s fails, then the next run notes %q", faulty.Failed(), got)
		}
	}
	if n < 30 {
		t.Errorf("only %d operations", n)
	}
}

// TestEffort: numbers are handed out in order, none twice, none after the end.
func TestEffort(t *testing.T) {
	var got []int
	err := Effort{Workers: 1}.each(t.Context(), 9, func(_ context.Context, worker, i int) (bool, error) {
		got = append(got, i)
		return i < 4, nil
	})
	if err != nil || !slices.Equal(got, []int{0, 1, 2, 3, 4}) {
		t.Errorf("got %v, %v", got, err)
	}
	sum := make([]int, 1000)
	err = Effort{Workers: 7}.each(t.Context(), len(sum), func(_ context.Context, worker, i int) (bool, error) {
		sum[i] += worker
		return true, nil
	})
	if err != nil || slices.Min(sum) < 1 || slices.Max(sum) > 7 || slices.Contains(sum, 0) {
		t.Errorf("got %v, %v", sum, err)
	}
	stop := errors.New("stop")
	if err := (Effort{Workers: 7}).each(t.Context(), 100, func(context.Context, int, int) (bool, error) { return true, stop }); err != stop {
		t.Errorf("got %v", err)
	}
}
