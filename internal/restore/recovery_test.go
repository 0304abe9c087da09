package restore

import (
	"os"
	"testing"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/postgres"
	"holdfast/internal/postgres/pgtest"
)

func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		``:                        ``,
		`plain %f "%p"`:           `plain %f "%p"`,
		`it's`:                    `it''s`,
		`it''s`:                   `it''s`,
		`it\'s`:                   `it\'s`,
		`a'b''c`:                  `a''b''''c`,
		`C:\wal`:                  `C:\wal`, // the original leaves it alone, so people have doubled it where they meant it
		`C:\wal\`:                 `C:\\wal\\`,
		`'`:                       `''`,
		"two\nlines":              `two\nlines`,
		`host=x password='y z'`:   `host=x password=''y z''`,
		`host=x password=''y z''`: `host=x password=''y z''`,
	} {
		if got := quote(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestDisableTargets comments what an earlier recovery left (SN-423).
func TestDisableTargets(t *testing.T) {
	const in = "# comment\n" +
		"work_mem = '4MB'\n" +
		"recovery_target = 'immediate'\n" +
		"  \trecovery_target_time='2026-01-01'\n" +
		"recovery_target_action\t= 'promote'\n" +
		"recovery_target_inclusive = 'false'\n" +
		"recovery_target_lsn = '0/1'\n" +
		"recovery_target_name = 'x'\n" +
		"recovery_target_timeline = '2'\n" +
		"recovery_target_xid = '7'\r\n" +
		"recovery_target_other = '7'\n" +
		"#recovery_target = 'immediate'\n" +
		"restore_command = 'old'\n" +
		"last_without_line_feed = '1'"
	const gone = "# Removed by pgBackRest restore on STAMP # "
	const want = "# comment\n" +
		"work_mem = '4MB'\n" +
		gone + "recovery_target = 'immediate'\n" +
		gone + "  \trecovery_target_time='2026-01-01'\n" +
		gone + "recovery_target_action\t= 'promote'\n" +
		gone + "recovery_target_inclusive = 'false'\n" +
		gone + "recovery_target_lsn = '0/1'\n" +
		gone + "recovery_target_name = 'x'\n" +
		gone + "recovery_target_timeline = '2'\n" +
		gone + "recovery_target_xid = '7'\r\n" +
		"recovery_target_other = '7'\n" +
		"#recovery_target = 'immediate'\n" +
		"restore_command = 'old'\n" +
		"last_without_line_feed = '1'\n"
	if got := string(disableTargets([]byte(in), "STAMP")); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	if got := disableTargets(nil, "STAMP"); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

// TestSettings renders the recovery settings of every type for both ways to give them (SN-422, SN-424).
func TestSettings(t *testing.T) {
	const command = "restore_command = 'fetch %f %p'\n"
	tests := []struct {
		name        string
		o           Options
		before, now string // PostgreSQL 11 and 12
	}{
		{"default", Options{Type: Default}, command, command},
		{"immediate", Options{Type: Immediate}, command + "recovery_target = 'immediate'\n",
			command + "recovery_target = 'immediate'\nrecovery_target_timeline = 'current'\n"},
		{"standby", Options{Type: Standby}, command + "standby_mode = 'on'\n", command},
		{"standby timeline", Options{Type: Standby, TargetTimeline: "latest"},
			command + "standby_mode = 'on'\nrecovery_target_timeline = 'latest'\n", command + "recovery_target_timeline = 'latest'\n"},
		{"current", Options{Type: Default, TargetTimeline: "current"}, command, command + "recovery_target_timeline = 'current'\n"},
		{"time", Options{Type: Time, Target: "2026-01-01 00:00:00+00", TargetExclusive: true, TargetAction: "promote", TargetTimeline: "0x2"},
			command + "recovery_target_time = '2026-01-01 00:00:00+00'\nrecovery_target_inclusive = 'false'\n" +
				"recovery_target_action = 'promote'\nrecovery_target_timeline = '0x2'\n",
			command + "recovery_target_time = '2026-01-01 00:00:00+00'\nrecovery_target_inclusive = 'false'\n" +
				"recovery_target_action = 'promote'\nrecovery_target_timeline = '0x2'\n"},
		{"xid", Options{Type: XID, Target: "7", TargetAction: "pause"}, command + "recovery_target_xid = '7'\n",
			command + "recovery_target_xid = '7'\n"},
		{"lsn", Options{Type: LSN, Target: "0/1"}, command + "recovery_target_lsn = '0/1'\n", command + "recovery_target_lsn = '0/1'\n"},
		{"name", Options{Type: Name, Target: "the day's end"}, command + "recovery_target_name = 'the day''s end'\n",
			command + "recovery_target_name = 'the day''s end'\n"},
		{"user's", Options{Type: Default, ArchiveOff: true, Settings: []Setting{
			{"recovery-end-command", "true"}, {"archive_cleanup_command", "it's"}}},
			"archive_cleanup_command = 'it''s'\nrecovery_end_command = 'true'\narchive_mode = 'off'\n" + command,
			"archive_cleanup_command = 'it''s'\nrecovery_end_command = 'true'\narchive_mode = 'off'\n" + command},
		{"user's command", Options{Type: Default, Settings: []Setting{{"restore-command", "mine"}}},
			"restore_command = 'mine'\n", "restore_command = 'mine'\n"},
		{"generated replaces user's", Options{Type: Time, Target: "t", TargetTimeline: "1",
			Settings: []Setting{{"recovery-target-timeline", "5"}, {"a", "b"}}},
			"a = 'b'\nrecovery_target_timeline = '1'\n" + command + "recovery_target_time = 't'\n",
			"a = 'b'\nrecovery_target_timeline = '1'\n" + command + "recovery_target_time = 't'\n"},
	}
	for _, test := range tests {
		for version, want := range map[postgres.Version]string{postgres.Version11: test.before, postgres.Version12: test.now} {
			test.o.RestoreCommand = "fetch %f %p"
			test.o.Now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
			r := &run{Options: test.o, version: version}
			want = "# Recovery settings generated by pgBackRest restore on " + stamp + "\n" + want
			if got := r.recoverySettings(); got != want {
				t.Errorf("%s, %s: got:\n%swant:\n%s", test.name, version, got, want)
			}
		}
	}
}

// TestCheckSettings refuses before anything is touched what a version does not have (SN-419).
func TestCheckSettings(t *testing.T) {
	for _, test := range []struct {
		version postgres.Version
		o       Options
		text    string
	}{
		{postgres.Version11, Options{ArchiveOff: true}, "option 'archive-mode' is not supported on PostgreSQL < 12\n" +
			"HINT: 'archive_mode' should be manually set to 'off' in postgresql.conf."},
		{postgres.Version11, Options{Settings: []Setting{{"standby-mode", "on"}}}, ""},
		{postgres.Version12, Options{ArchiveOff: true}, ""},
		{postgres.Version12, Options{Settings: []Setting{{"standby-mode", "on"}}}, "'standby_mode' setting is not valid for PostgreSQL >= 12\n" +
			"HINT: use --type=standby instead of --recovery-option=standby_mode=on."},
	} {
		f := newFixture(t, shape{version: test.version})
		_, err := f.run(func(o *Options) { o.ArchiveOff, o.Settings = test.o.ArchiveOff, test.o.Settings })
		got := ""
		if err != nil {
			got = errs.Text(err)
		}
		if got != test.text || err != nil && !errs.Is(err, errs.OptionInvalid) {
			t.Errorf("%s %+v: %s", test.version, test.o, got)
		}
		if _, statErr := os.Stat(f.pg()); err != nil && statErr == nil {
			t.Error("the data directory was touched")
		}
	}
}

// TestRecovery compares the settings files after a whole restore of each kind (SN-421, SN-422, SN-423).
func TestRecovery(t *testing.T) {
	const kept = "# Do not edit\nwork_mem = '4MB'\n# Removed by pgBackRest restore on " + stamp + " # recovery_target_xid = '7'\n"
	const header = "# Recovery settings generated by pgBackRest restore on " + stamp + "\nrestore_command = 'fetch %f %p'\n"
	tests := []struct {
		name    string
		version postgres.Version
		typ     Type // "" leaves the default
		edit    func(*fixture)
		files   []string
		auto    string
		conf    string
		log     string
	}{
		{name: "default", files: []string{autoConf, recoverySignal}, auto: kept + "\n" + header,
			log: "INFO: write updated DIR/pg/postgresql.auto.conf"},
		{name: "standby", typ: Standby, files: []string{autoConf, standbySignal}, auto: kept + "\n" + header},
		{name: "none", typ: None, files: []string{autoConf}, auto: kept},
		{name: "offline", edit: func(f *fixture) { f.manifest.Options.Online = false }, files: []string{autoConf}, auto: kept},
		{name: "offline, asked for", typ: Default, edit: func(f *fixture) { f.manifest.Options.Online = false },
			files: []string{autoConf, recoverySignal}, auto: kept + "\n" + header},
		{name: "no settings file", edit: func(f *fixture) {
			f.drop(func(name string) bool { return name == "pg_data/"+autoConf })
		}, files: []string{autoConf, recoverySignal}, auto: header,
			log: "WARN: postgresql.auto.conf does not exist -- creating to contain recovery settings"},
		{name: "empty settings file", edit: func(f *fixture) { f.add("pg_data/"+autoConf, "") },
			files: []string{autoConf, recoverySignal}, auto: header},
		{name: "11", version: postgres.Version11, files: []string{recoveryConf}, conf: header, log: "INFO: write DIR/pg/recovery.conf"},
		{name: "9.6 standby", version: postgres.Version96, typ: Standby, files: []string{recoveryConf},
			conf: header + "standby_mode = 'on'\n"},
		{name: "11 none", version: postgres.Version11, typ: None},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, shape{version: test.version, edit: test.edit})
			options := []func(*Options){}
			if test.typ != "" {
				options = append(options, typ(test.typ))
			}
			for range 2 { // the second time over what the first has left
				f.restore(options...)
				f.check(test.files...)
				for name, want := range map[string]string{autoConf: test.auto, recoveryConf: test.conf} {
					if want != "" && f.read(f.pg(name)) != want {
						t.Errorf("%s:\n%swant:\n%s", name, f.read(f.pg(name)), want)
					}
				}
				if test.log != "" {
					f.logged(test.log)
				}
				options = append(options, delta)
			}
			info, err := os.Stat(f.pg("global/pg_control"))
			if err != nil || info.ModTime().Unix() != fileTime {
				t.Errorf("control file: %v, %v", info, err)
			}
		})
	}
}

// TestPreserve keeps recovery settings that are there.
func TestPreserve(t *testing.T) {
	for _, test := range []struct {
		version postgres.Version
		files   []string
		log     string
	}{
		{postgres.Version15, []string{autoConf, standbySignal}, ""},
		{postgres.Version15, []string{autoConf, recoverySignal, standbySignal}, ""},
		{postgres.Version15, nil, "WARN: recovery type is preserve but recovery file does not exist at 'DIR/pg/postgresql.auto.conf'"},
		{postgres.Version11, []string{recoveryConf}, ""},
		{postgres.Version11, nil, "WARN: recovery type is preserve but recovery file does not exist at 'DIR/pg/recovery.conf'"},
	} {
		f := newFixture(t, shape{version: test.version})
		f.must(os.Mkdir(f.pg(), 0o700))
		for _, name := range test.files {
			f.write(f.pg(name), "mine\n")
		}
		for range 2 {
			f.restore(typ(Preserve), func(o *Options) { _, err := os.Stat(f.pg("PG_VERSION")); o.Delta = err == nil })
			f.check(test.files...)
			for _, name := range test.files {
				if f.read(f.pg(name)) != "mine\n" {
					t.Errorf("%s was changed", name)
				}
			}
			if test.log != "" {
				f.logged(test.log)
			}
			if test.version == postgres.Version15 {
				f.logged("DETAIL: skip 'postgresql.auto.conf' -- recovery type is preserve")
			}
		}
		// Files of another version's way to recover are not settings to keep.
		other := recoveryConf
		if test.version == postgres.Version11 {
			other = recoverySignal
		}
		f.write(f.pg(other), "")
		f.restore(typ(Preserve), delta)
		f.logged("DETAIL: remove invalid file 'DIR/pg/" + other + "'")
	}
}

// TestForcedControl: the control file of a fork, whose checksum lies elsewhere, is changed as well.
func TestForcedControl(t *testing.T) {
	f := newFixture(t, shape{edit: func(f *fixture) {
		f.add(controlName, string(pgtest.BuildControl(f.version, pgtest.ControlOptions{CRCDelta: 16})))
	}})
	if _, err := f.run(); !errs.Is(err, errs.Checksum) {
		t.Errorf("%v", err)
	}
	f.restore(delta, func(o *Options) { o.Assume = postgres.Version15 })
	c, err := postgres.ParseControl([]byte(f.read(f.pg("global/pg_control"))), postgres.Version15)
	if err != nil || !postgres.CheckpointInvalidated(c) {
		t.Errorf("%+v, %v", c, err)
	}
}
