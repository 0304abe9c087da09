package backup

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/format"
	"holdfast/internal/postgres"
)

const (
	fullOne = "20260101-000000F"
	incrOne = "20260101-000000F_20260102-000000I"
)

// file is an entry that was copied.
func file(name string, size, timestamp int64, change ...func(*format.File)) format.File {
	f := format.File{Name: "pg_data/" + name, Size: size, OriginalSize: size, RepoSize: size, Timestamp: timestamp, HasChecksum: size > 0}
	if size > 0 {
		f.Checksum[0] = byte(size)
	}
	for _, c := range change {
		c(&f)
	}
	return f
}

func TestDeltaReasons(t *testing.T) {
	prior := &format.Manifest{
		Label: fullOne, ArchiveStop: "0000000A00000000000000FF", Options: format.Options{Online: true},
		Files: format.NewFiles(file("a", 10, 100), file("b", 20, 100, func(f *format.File) { f.OriginalSize = 15 }), file("c", 0, 100)),
	}
	online := func(files ...format.File) *format.Manifest {
		return &format.Manifest{TimestampCopyStart: 200, Options: format.Options{Online: true}, Files: format.NewFiles(files...)}
	}
	offline := &format.Manifest{}
	for _, test := range []struct{ name, got, want string }{
		{"now", future(online(file("a", 10, 200))), ""},
		{"future", future(online(file("a", 10, 200), file("b", 1, 201))),
			"file 'b' has timestamp (201) in the future (relative to copy start 200), enabling delta checksum"},
		{"same timeline", historyChanged(online(), prior, "0000000A0000000100000000"), ""},
		{"timeline", historyChanged(online(), prior, "0000000B0000000100000000"),
			"a timeline switch has occurred since the " + fullOne + " backup, enabling delta checksum\n" +
				"HINT: this is normal after restoring from backup or promoting a standby."},
		{"offline now", historyChanged(offline, prior, ""),
			"the online option has changed since the " + fullOne + " backup, enabling delta checksum"},
		{"same", filesChanged(online(file("a", 10, 100), file("b", 15, 100), file("new", 1, 1)), prior), ""},
		{"changed", filesChanged(online(file("a", 11, 101)), prior), ""},
		{"earlier", filesChanged(online(file("a", 10, 99)), prior),
			"file 'a' has timestamp earlier than prior backup (prior 100, current 99), enabling delta checksum"},
		{"other size", filesChanged(online(file("b", 20, 100)), prior),
			"file 'b' has same timestamp (100) as prior but different size (prior 15, current 20), enabling delta checksum"},
	} {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", test.name, test.got, test.want)
		}
	}
}

func TestMergeAndPlan(t *testing.T) {
	bundled := func(f *format.File) {
		f.Reference, f.BundleID, f.BundleOffset, f.RepoSize = fullOne, 3, 77, 5
		f.PageChecksum, f.PageErrors = format.PageError, []format.PageRange{{First: 1, Last: 1}}
	}
	prior := &format.Manifest{Label: incrOne, References: []string{fullOne, incrOne}, CipherPass: "pass", BundleRaw: true}
	prior.Files = format.NewFiles([]format.File{
		file("a same", 10, 100), file("b other time", 10, 100), file("c other size", 10, 100), file("d empty", 0, 100),
		file("e empty now", 10, 100), file("f older", 10, 100, bundled), file("z gone", 1, 1),
	}...)
	files := []format.File{
		file("a same", 10, 100), file("b other time", 10, 101), file("c other size", 11, 101), file("d empty", 0, 101),
		file("e empty now", 0, 101), file("f older", 10, 100), file("g new", 10, 100),
	}
	for i := range files {
		files[i].HasChecksum = false
	}
	for _, test := range []struct {
		delta bool
		jobs  string
	}{
		{false, "b other time? c other size e empty now g new"},
		{true, "a same? b other time? c other size e empty now f older? g new"},
	} {
		m := &format.Manifest{Files: format.NewFiles(files...)}
		merge(m, prior)
		var jobs []string
		todo := planJobs(m, prior, test.delta)
		for _, i := range todo.files {
			j := todo.job(i)
			name := pgName(j.name)
			if j.reference {
				name += "?"
			}
			jobs = append(jobs, name)
		}
		if got := strings.Join(jobs, " "); got != test.jobs {
			t.Errorf("delta %t: jobs %q, want %q", test.delta, got, test.jobs)
		}
		if m.Prior != incrOne || m.CipherPass != "pass" || !m.BundleRaw {
			t.Errorf("not inherited: %+v", m)
		}
		var refs []string
		for _, f := range m.Files.All() {
			refs = append(refs, f.Reference)
		}
		if want := []string{incrOne, incrOne, "", incrOne, "", fullOne, ""}; !slices.Equal(refs, want) {
			t.Errorf("references %v, want %v", refs, want)
		}
		f := m.File("pg_data/f older")
		if f.BundleID != 3 || f.BundleOffset != 77 || f.RepoSize != 5 || len(f.PageErrors) != 1 || !f.HasChecksum {
			t.Errorf("attributes not taken over: %+v", f)
		}
	}
}

// planOf is the plan of a full backup.
func planOf(files ...format.File) *plan {
	m := &format.Manifest{Files: format.NewFiles(files...)}
	m.Files.Sort()
	p := planJobs(m, nil, false)
	p.bundleLimit = -1
	return p
}

func TestCheckJobs(t *testing.T) {
	if err := checkJobs(planOf(), false); err == nil {
		t.Error("no jobs accepted")
	}
	if err := checkJobs(planOf(file("PG_VERSION", 3, 1)), false); err != nil {
		t.Error(err)
	}
	if err := checkJobs(planOf(file("PG_VERSION", 3, 1)), true); err == nil || err.Error() !=
		"pg_control must be present in all online backups" {
		t.Errorf("error %v", err)
	}
	if err := checkJobs(planOf(file("global/pg_control", 8192, 1)), true); err != nil {
		t.Error(err)
	}
}

func TestPriorLabel(t *testing.T) {
	info := &format.BackupInfo{DB: format.BackupDB{ID: 2}, Backups: []format.Backup{
		{Label: "20260101-000000F", Type: format.Full, DBID: 1},
		{Label: "20260102-000000F", Type: format.Full, DBID: 2},
		{Label: "20260102-000000F_20260103-000000I", Type: format.Incr, DBID: 2},
	}}
	if got := priorLabel(info, format.Incr); got != "20260102-000000F_20260103-000000I" {
		t.Errorf("incr: %s", got)
	}
	if got := priorLabel(info, format.Diff); got != "20260102-000000F" {
		t.Errorf("diff: %s", got)
	}
	info.DB.ID = 3
	if got := priorLabel(info, format.Incr); got != "" {
		t.Errorf("after an upgrade: %s", got)
	}
}

func TestLatestLabel(t *testing.T) {
	labels := []string{"20260101-000000F", "20260101-000000F_20260105-000000I", "20260103-000000F", "20390101-000000F"}
	for _, test := range []struct {
		t           format.BackupType
		prior, want string
	}{
		{format.Full, "", "20390101-000000F"},
		{format.Incr, "20260101-000000F", "20260101-000000F_20260105-000000I"},
		{format.Diff, "20260103-000000F", "20260103-000000F"},
		{format.Diff, "20260104-000000F", ""},
	} {
		if got := latestLabel(slices.Clone(labels), test.t, test.prior); got != test.want {
			t.Errorf("%s after %q: %q, want %q", test.t, test.prior, got, test.want)
		}
	}
}

func (q *queues) names(todo task) (names []string) {
	for _, i := range todo.files {
		names = append(names, q.plan.job(i).name)
	}
	return names
}

func TestQueues(t *testing.T) {
	var files []format.File
	for i, size := range []int64{1, 30, 20, 20} {
		files = append(files, file(fmt.Sprint(9-i), size, 1))
	}
	files = append(files, format.File{Name: "pg_tblspc/1/PG/x", Size: 5}, format.File{Name: "pg_tblspc/2/PG/x", Size: 6})
	for _, test := range []struct {
		worker int
		want   string
	}{
		{0, "pg_data/8 pg_data/6 pg_data/7 pg_data/9 pg_tblspc/1/PG/x pg_tblspc/2/PG/x"},
		{1, "pg_tblspc/1/PG/x pg_data/8 pg_data/6 pg_data/7 pg_data/9 pg_tblspc/2/PG/x"},
		{2, "pg_tblspc/2/PG/x pg_data/8 pg_data/6 pg_data/7 pg_data/9 pg_tblspc/1/PG/x"},
		{4, "pg_tblspc/1/PG/x pg_tblspc/2/PG/x pg_data/8 pg_data/6 pg_data/7 pg_data/9"},
	} {
		q := newQueues(planOf(files...), 0, false)
		var got []string
		for todo := q.next(test.worker); len(todo.files) > 0; todo = q.next(test.worker) {
			got = append(got, q.names(todo)...)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("worker %d: %v, want %s", test.worker, got, test.want)
		}
	}
	for _, standby := range []bool{false, true} {
		for worker := range 2 {
			if len(newQueues(planOf(), 0, standby).next(worker).files) > 0 {
				t.Error("a job of none")
			}
		}
	}
}

func TestQueuesWithStandby(t *testing.T) {
	p := planOf(file("base/1/1", 9, 1), file("global/pg_control", 8, 1), file("pg_ident.conf", 7, 1), format.File{Name: "pg_tblspc/1/PG/x", Size: 5})
	p.standby = func(name string) bool { return onStandby(postgres.Version15, name) }
	q := newQueues(p, 0, true)
	for _, test := range []struct {
		worker int
		want   string
	}{
		{2, "pg_data/base/1/1"}, {0, "pg_data/global/pg_control"}, {1, "pg_tblspc/1/PG/x"}, {1, ""}, {2, ""},
		{0, "pg_data/pg_ident.conf"}, {0, ""},
	} {
		if got := strings.Join(q.names(q.next(test.worker)), " "); got != test.want {
			t.Errorf("worker %d got %q, want %q", test.worker, got, test.want)
		}
	}
}

func TestUselessFile(t *testing.T) {
	was := func(change func(*format.File)) *format.File {
		f := file("a", 10, 100, change)
		return &f
	}
	f := file("a", 10, 100)
	empty := file("a", 0, 100)
	for _, test := range []struct {
		f, was *format.File
		delta  bool
		want   string
	}{
		{&f, was(func(*format.File) {}), false, ""},
		{nil, was(func(*format.File) {}), false, "missing in manifest"},
		{&f, nil, false, "missing in resumed manifest"},
		{&f, was(func(f *format.File) { f.HasChecksum = false }), false, "no checksum in resumed manifest"},
		{&f, was(func(f *format.File) { f.Size = 11 }), false, "mismatched size"},
		{&f, was(func(f *format.File) { f.Timestamp = 101 }), false, "mismatched timestamp"},
		{&f, was(func(f *format.File) { f.Timestamp = 101 }), true, ""},
		{&empty, was(func(f *format.File) { f.Size, f.HasChecksum = 0, true }), false, "zero size"},
	} {
		if got := uselessFile(test.f, test.was, test.delta); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestMismatch(t *testing.T) {
	m := func(change func(*format.Manifest)) *format.Manifest {
		m := &format.Manifest{Program: "2.60.0", Type: format.Full, Options: format.Options{CompressType: "gz"}}
		change(m)
		return m
	}
	for _, test := range []struct {
		old  func(*format.Manifest)
		want string
	}{
		{func(*format.Manifest) {}, ""},
		{func(m *format.Manifest) { m.Program = "2.45" },
			"new pgBackRest version '2.60.0' does not match resumable pgBackRest version '2.45'"},
		{func(m *format.Manifest) { m.Type = format.Incr }, "new backup type 'full' does not match resumable backup type 'incr'"},
		{func(m *format.Manifest) { m.Prior = fullOne },
			"new prior backup label '<undef>' does not match resumable prior backup label '" + fullOne + "'"},
		{func(m *format.Manifest) { m.Options.CompressType = "zst" },
			"new compression 'gz' does not match resumable compression 'zst'"},
	} {
		if got := mismatch(m(func(*format.Manifest) {}), m(test.old)); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestPageWarning(t *testing.T) {
	for _, test := range []struct {
		pages []format.PageRange
		want  string
	}{
		{[]format.PageRange{{First: 5, Last: 5}}, "invalid page checksum found in file /f at page 5"},
		{[]format.PageRange{{First: 5, Last: 6}}, "invalid page checksums found in file /f at pages 5-6"},
		{[]format.PageRange{{First: 3, Last: 5}, {First: 9, Last: 9}}, "invalid page checksums found in file /f at pages 3-5, 9"},
	} {
		if got := pageWarning("/f", test.pages); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
