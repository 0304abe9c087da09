package restore

import (
	"strings"
	"testing"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/repo/repotest"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

func TestParseTarget(t *testing.T) {
	at := func(zone *time.Location) int64 { return time.Date(2026, 2, 20, 3, 4, 5, 0, zone).Unix() }
	utc := at(time.UTC)
	for text, want := range map[string]int64{
		"2026-02-20 03:04:05":               at(time.Local),
		"2026-02-20 03:04:05.9":             at(time.Local),
		"2026-02-20 03:04:05.123456789":     at(time.Local),
		"2026-02-20 03:04:05+00":            utc,
		"2026-02-20 03:04:05.5+02":          utc - 2*3600,
		"2026-02-20 03:04:05-0230":          utc + 5*1800,
		"2026-02-20 03:04:05+05:45":         utc - 5*3600 - 45*60,
		"2026-02-20 03:04:05-12:00":         utc + 12*3600,
		"2026-02-20 03:04:05+14":            utc - 14*3600,
		"2026-02-20 03:04:05-00:30":         utc + 1800,
		"2026-02-20":                        0,
		"2026-02-20 03:04":                  0,
		"2026-02-20T03:04:05":               0,
		" 2026-02-20 03:04:05":              0,
		"2026-02-20 03:04:05 ":              0,
		"2026-02-20 03:04:05.":              0,
		"2026-02-20 03:04:05 UTC":           0,
		"2026-02-20 03:04:05Z":              0,
		"2026-02-20 03:04:05+2":             0,
		"2026-02-20 03:04:05+02:20":         0,
		"2026-02-20 03:04:05+14:15":         0,
		"2026-02-20 03:04:05-12:15":         0,
		"2026-02-20 03:04:05+99":            0,
		"2026-02-30 03:04:05":               0,
		"2026-13-01 03:04:05":               0,
		"2026-02-20 25:04:05":               0,
		"2026-02-20 03:04:60":               0,
		"yesterday":                         0,
		"":                                  0,
		"2026-02-20 03:04:05+00\n":          0,
		"12026-02-20 03:04:05":              0,
		"2026-02-20 03:04:05.123 +00":       0,
		"2026-02-20 03:04:05+00:00:00":      0,
		"2026-02-20 03:04:05America/Bogota": 0,
	} {
		got, err := parseTarget(text)
		switch {
		case want == 0 && (!errs.Is(err, errs.Format) ||
			err.Error() != "automatic backup set selection cannot be performed with provided time '"+text+"'" || len(errs.Hints(err)) != 1):
			t.Errorf("%q: %v, %v", text, got, err)
		case want != 0 && (err != nil || got.Unix() != want):
			t.Errorf("%q: got %v, want %v (%v)", text, got.Unix(), want, err)
		}
	}
}

// TestNewestBefore: stop times are whole seconds, so a backup that stopped in the second of the target does not count (SN-406).
func TestNewestBefore(t *testing.T) {
	backups := []format.Backup{{Label: "one", TimestampStop: 100}, {Label: "two", TimestampStop: 200}}
	for target, want := range map[time.Time]string{
		time.Unix(100, 0):           "",
		time.Unix(101, 0):           "one",
		time.Unix(200, 999_000_000): "one",
		time.Unix(201, 0):           "two",
	} {
		if got := newestBefore(backups, target); got != want {
			t.Errorf("%v: got %q, want %q", target.Unix(), got, want)
		}
	}
}

// TestChoose runs the choice over repositories (SN-405, SN-407, SN-425). Times are ages of the target.
func TestChoose(t *testing.T) {
	now := time.Date(2026, 6, 15, 12, 0, 0, 0, time.Local)
	const two = `
		db 1 15
		F1 10d wal=1.0.2 stop=1h
		repo 2
		db 1 15
		F2 8d wal=1.0.4 stop=1h
		F2I1 7d wal=1.0.6 stop=1h
		F3 5d wal=1.0.8 stop=1h`
	const upgraded = `
		db 1 14
		F1 10d wal=1.0.2 stop=1h
		db 2 15`
	const prior = "the latest backup set found '{F1}' is from a prior version of PostgreSQL\n" +
		"HINT: was a backup created after the stanza-upgrade?\n" +
		"HINT: specify --set or --type=time/lsn to restore from a prior version of PostgreSQL."
	tests := []struct {
		name, world string
		spoil       string // a file to remove, and its copy
		set         string
		typ         Type
		age         string // of the time target
		target      string
		want        string // repository and backup, or the error
		log         string
	}{
		{name: "latest", world: two, want: "repo1 F1"},
		{name: "name", world: two, typ: Name, target: "x", want: "repo1 F1"},
		{name: "xid", world: two, typ: XID, target: "x", want: "repo1 F1"},
		{name: "immediate", world: two, typ: Immediate, want: "repo1 F1"},
		{name: "set", world: two, set: "{F2I1}", want: "repo2 F2I1"},
		{name: "set with a target that is no time", world: two, set: "{F2I1}", typ: Time, target: "tomorrow", want: "repo2 F2I1"},
		{name: "no such set", world: two, set: "20200101-000000F", want: "backup set 20200101-000000F is not valid"},
		{name: "time after all", world: two, typ: Time, age: "1h", want: "repo1 F1"},
		{name: "time between", world: two, typ: Time, age: "166h59m59s", want: "repo1 F1"},
		{name: "time before all", world: two, typ: Time, age: "241h",
			want: "unable to find backup set with stop time less than 'TARGET'"},
		{name: "bad time", world: two, typ: Time, target: "tomorrow",
			want: "automatic backup set selection cannot be performed with provided time 'tomorrow'"},
		{name: "lsn", world: two, typ: LSN, target: "0/128", want: "repo1 F1"},
		{name: "lsn before all", world: two, typ: LSN, target: "0/127",
			want: "unable to find backup set with lsn less than or equal to '0/127'"},
		{name: "bad lsn", world: two, typ: LSN, target: "zz", want: "invalid LSN 'zz'"},
		{name: "first repository is empty", world: "db 1 15\nrepo 2\ndb 1 15\nF1 10d wal=1.0.2", want: "repo2 F1",
			log: "WARN: repo1: [BackupSetInvalidError] no backup sets to restore\n"},
		{name: "first repository is broken", world: two, spoil: "repo1/backup/demo/backup.info", want: "repo2 F3",
			log: "WARN: repo1: [FileMissingError] unable to load info file 'repo1/backup/demo/backup.info'" +
				" or 'repo1/backup/demo/backup.info.copy':\n" +
				"FileMissingError: unable to open missing file 'repo1/backup/demo/backup.info' for read\n" +
				"FileMissingError: unable to open missing file 'repo1/backup/demo/backup.info.copy' for read\n" +
				"HINT: backup.info cannot be opened and is required to perform a backup.\n" +
				"HINT: has a stanza-create been performed?\n"},
		{name: "only the second fits", world: "db 1 15\nF1 1d wal=1.0.2\nrepo 2\ndb 1 15\nF2 10d wal=1.0.2 stop=1h", typ: Time, age: "48h",
			want: "repo2 F2"},
		{name: "nothing at all", world: "db 1 15", want: "no backup set found to restore",
			log: "WARN: repo1: [BackupSetInvalidError] no backup sets to restore\n"},
		{name: "upgraded", world: upgraded, want: prior},
		{name: "upgraded, with a second repository", world: upgraded + "\nrepo 2\ndb 2 15\nF2 1d wal=1.0.2", want: prior},
		{name: "upgraded, by set", world: upgraded, set: "{F1}", want: "repo1 F1"},
		{name: "upgraded, by time", world: upgraded, typ: Time, age: "1h", want: "repo1 F1"},
		{name: "offline backup in the way of an lsn", world: "db 1 15\nF1 2d wal=1.0.2\nF2 1d", typ: LSN, target: "0/128",
			want: "unable to find backup set with lsn less than or equal to '0/128'",
			log: "WARN: repo1 reached backup from prior version missing required LSN info before finding a match" +
				" -- backup auto-select has been disabled for this repo\n" +
				"HINT: you may specify a backup to restore using the --set option.\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mem := storagetest.NewMem()
			w := repotest.Build(t, mem, "/srv", now, test.world)
			if test.spoil != "" {
				for _, ext := range []string{"", ".copy"} {
					if err := mem.Remove(t.Context(), "/srv/"+test.spoil+ext); err != nil {
						t.Fatal(err)
					}
				}
			}
			if test.age != "" {
				age, err := time.ParseDuration(test.age)
				if err != nil {
					t.Fatal(err)
				}
				test.target = now.Add(-age).Format(time.DateTime)
			}
			logger, lines := log.Memory()
			r := &run{Options: Options{Repos: w.Repos, Set: w.Expand(test.set), Type: test.typ, Target: test.target, Log: logger}}
			got := ""
			if err := r.choose(t.Context()); err != nil {
				got = w.Name(errs.Text(err))
				got, _, _ = strings.Cut(got, "\nHINT: time format")
			} else {
				got = r.repo.Name() + " " + w.Name(r.label)
			}
			want := strings.NewReplacer("{F1}", "F1", "TARGET", test.target).Replace(test.want)
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if log := w.Name(lines.Text()); log != test.log {
				t.Errorf("logged %q, want %q", log, test.log)
			}
		})
	}
}

// TestUnreadable: a repository that cannot be read is no reason to take a backup from another cluster's list.
func TestUnreadable(t *testing.T) {
	mem := storagetest.NewMem()
	w := repotest.Build(t, mem, "/srv", time.Now(), "db 1 15\nF1 10d wal=1.0.2")
	for _, ext := range []string{"", ".copy"} {
		err := storage.WriteAll(t.Context(), mem, "/srv/repo1/backup/demo/backup.info"+ext, []byte("[x]\n"), storage.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	logger, lines := log.Memory()
	r := &run{Options: Options{Repos: w.Repos, Set: w.Label("F1"), Log: logger}}
	if err := r.choose(t.Context()); !errs.Is(err, errs.BackupSetInvalid) {
		t.Errorf("%v", err)
	}
	if !strings.HasPrefix(lines.Text(), "WARN: repo1: [") {
		t.Error(lines.Text())
	}
}
