package restore

import (
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/postgres"
	"holdfast/internal/storage"
)

func TestParseTimeline(t *testing.T) {
	for text, want := range map[string]uint32{
		"1": 1, "16": 16, "0x10": 16, "0xFF": 255, "0xff": 255, "010": 10, "4294967295": 4294967295,
		"": 0, "x": 0, "0x": 0, "-1": 0, "+1": 0, "4294967296": 0, "1_0": 0, "0b1": 0, "1 ": 0,
	} {
		got, err := parseTimeline(text)
		if want == 0 && (!errs.Is(err, errs.DbMismatch) || err.Error() != "invalid target timeline '"+text+"'") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
		if want != 0 && (err != nil || got != want) {
			t.Errorf("%q: got %v, want %v (%v)", text, got, want, err)
		}
	}
}

func TestTimelineDefault(t *testing.T) {
	for _, test := range []struct {
		version postgres.Version
		typ     Type
		given   string
		want    string
	}{
		{postgres.Version11, Default, "", "current"},
		{postgres.Version11, Default, "latest", "latest"},
		{postgres.Version12, Default, "", "latest"},
		{postgres.Version12, None, "", "latest"},
		{postgres.Version12, Immediate, "", "current"},
		{postgres.Version12, Time, "3", "3"},
	} {
		r := &run{Options: Options{Type: test.typ, TargetTimeline: test.given}, version: test.version}
		if got := r.timeline(); got != test.want {
			t.Errorf("%+v: got %s", test, got)
		}
	}
}

func TestPasses(t *testing.T) {
	history := []postgres.TimelineEntry{{Timeline: 1, Switch: 0x1A00000}, {Timeline: 3, Switch: 0x2000000}}
	for _, test := range []struct {
		backup uint32
		start  postgres.LSN
		want   string
	}{
		{1, 0x19FFFFF, ""},
		{1, 0x1A00000, "target timeline 1A forked from backup timeline 1 at 0/1a00000 which is before backup lsn of 0/1a00000\n" +
			"HINT: was the target timeline created by accidentally promoting a standby?\n" +
			"HINT: was the target timeline created by testing a restore without --archive-mode=off?\n" +
			"HINT: was the backup made after the target timeline was created?"},
		{3, 0x1FFFFFF, ""},
		{2, 0x1F, "backup timeline 2, lsn 0/1f is not in the history of target timeline 1A\n" +
			"HINT: was the target timeline created by promoting from a timeline < latest?"},
	} {
		err := passes(history, 0x1A, test.backup, test.start)
		got := ""
		if err != nil {
			got = errs.Text(err)
		}
		if got != test.want || err != nil && !errs.Is(err, errs.DbMismatch) {
			t.Errorf("%+v: got %q", test, got)
		}
	}
}

// TestTimeline looks at history files in the archive before anything is touched (SN-409, SN-410).
func TestTimeline(t *testing.T) {
	const forked = "1\t0/1000000\tno recovery target specified\n"
	const follows = "# comment\n\n1\t0/3000000\tno recovery target specified\n"
	tests := []struct {
		name      string
		histories map[string]string
		timeline  string
		typ       Type
		version   postgres.Version
		offline   bool
		code      errs.Code
		text      string
	}{
		{name: "no history"},
		{name: "later", histories: map[string]string{"00000002": follows}},
		{name: "SN-410 forked before", histories: map[string]string{"00000002": forked}, code: errs.DbMismatch,
			text: "target timeline 2 forked from backup timeline 1 at 0/1000000 which is before backup lsn of 0/2000028"},
		{name: "only the newest counts", histories: map[string]string{"00000002": forked, "0000000A": follows}},
		{name: "current", histories: map[string]string{"00000002": forked}, timeline: "current"},
		{name: "immediate", histories: map[string]string{"00000002": forked}, typ: Immediate},
		{name: "before 12", histories: map[string]string{"00000002": forked}, version: postgres.Version11},
		{name: "before 12, latest", histories: map[string]string{"00000002": forked}, version: postgres.Version11, timeline: "latest",
			code: errs.DbMismatch, text: "target timeline 2 forked from backup timeline 1 at 0/1000000 which is before backup lsn of 0/2000028"},
		{name: "type none is checked too", histories: map[string]string{"00000002": forked}, typ: None, code: errs.DbMismatch,
			text: "target timeline 2 forked from backup timeline 1 at 0/1000000 which is before backup lsn of 0/2000028"},
		{name: "offline", histories: map[string]string{"00000002": forked}, offline: true},
		{name: "own", timeline: "1"},
		{name: "SN-409 missing", timeline: "99", code: errs.FileMissing,
			text: "unable to open missing file 'DIR/repo/archive/demo/15-1/00000063.history' for read"},
		{name: "SN-409 no number", timeline: "xx", code: errs.DbMismatch, text: "invalid target timeline 'xx'"},
		{name: "not an ancestor", timeline: "0x10", histories: map[string]string{"00000010": "7\t0/1000000\tx\n"}, code: errs.DbMismatch,
			text: "backup timeline 1, lsn 0/2000028 is not in the history of target timeline 10"},
		{name: "damaged", timeline: "2", histories: map[string]string{"00000002": "what\n"}, code: errs.Format,
			text: "invalid timeline '2' at 'DIR/repo/archive/demo/15-1/00000002.history': invalid timeline history line 'what'"},
	}
	for _, test := range tests {
		for _, cipher := range []string{"", "secret"} {
			t.Run(test.name+" "+cipher, func(t *testing.T) {
				f := newFixture(t, shape{cipher: cipher, version: test.version, edit: func(f *fixture) {
					f.manifest.Options.Online = !test.offline
				}})
				archiveID := format.ArchiveDB{ID: 1, Version: f.version.String()}.ArchiveID()
				for name, content := range test.histories {
					spec := f.repo().FileSpec(&format.Manifest{Options: format.Options{CompressType: "none"}})
					if cipher != "" {
						spec.Pass = "archive pass"
					}
					f.must(storage.WriteAll(t.Context(), f.stored, f.repo().ArchivePath(archiveID, name+".history"),
						f.encode([]byte(content), spec), storage.CreateOptions{}))
				}
				_, err := f.run(typ(test.typ), func(o *Options) {
					o.TargetTimeline = test.timeline
					if test.typ == "" {
						o.Type, o.TypeGiven = Default, false
					}
				})
				if err == nil && test.code == errs.OK {
					return
				}
				if errs.CodeOf(err) != test.code || strings.ReplaceAll(err.Error(), f.dir, "DIR") != test.text {
					t.Errorf("[%d] %v", errs.CodeOf(err), err)
				}
				if there, _ := storage.Exists(t.Context(), f.tree, f.pg()); there {
					t.Error("the data directory was touched")
				}
			})
		}
	}
}
