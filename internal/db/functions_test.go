package db

import (
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/postgres"
)

func TestFunctionsByVersion(t *testing.T) {
	for v, want := range map[postgres.Version]functions{
		postgres.Version96: {"pg_xlogfile_name", "pg_current_xlog_insert_location()", "pg_switch_xlog()", "pg_start_backup(", ", false)",
			"pg_stop_backup(false)", "pg_catalog.pg_last_xlog_replay_location()", "checkpoint_location"},
		postgres.Version10: {"pg_walfile_name", "pg_current_wal_insert_lsn()", "pg_switch_wal()", "pg_start_backup(", ", false)",
			"pg_stop_backup(false, false)", "pg_catalog.pg_last_wal_replay_lsn()", "checkpoint_lsn"},
		postgres.Version14: {"pg_walfile_name", "pg_current_wal_insert_lsn()", "pg_switch_wal()", "pg_start_backup(", ", false)",
			"pg_stop_backup(false, false)", "pg_catalog.pg_last_wal_replay_lsn()", "checkpoint_lsn"},
		postgres.Version15: {"pg_walfile_name", "pg_current_wal_insert_lsn()", "pg_switch_wal()", "pg_backup_start(", ")",
			"pg_backup_stop(false)", "pg_catalog.pg_last_wal_replay_lsn()", "checkpoint_lsn"},
	} {
		if got := functionsOf(v); got != want {
			t.Errorf("%s: got %+v", v, got)
		}
	}
}

func TestLiteral(t *testing.T) {
	for s, want := range map[string]string{"": "''", "it's": "'it''s'", `a\'b`: ` E'a\\''b'`} {
		if got := literal(s); got != want {
			t.Errorf("%s: got %s", s, got)
		}
	}
}

func TestArchiveCommandWithoutValue(t *testing.T) {
	err := Server{ArchiveMode: "on", ArchiveCommandNull: true}.checkArchive(true)
	if !errs.Is(err, errs.ArchiveCommandInvalid) || err.Error() != "archive_command '[null]' must contain pgbackrest" {
		t.Error(err)
	}
}

func TestRowRefusesWhatItDoesNotExpect(t *testing.T) {
	for name, read := range map[string]func(*row){
		"null":    func(r *row) { r.textOrNull(); r.text() },
		"number":  func(r *row) { r.number() },
		"oid":     func(r *row) { r.oid() },
		"boolean": func(r *row) { r.boolean() },
		"lsn":     func(r *row) { r.lsn() },
		"too few": func(r *row) { r.text(); r.textOrNull(); r.textOrNull() },
	} {
		r := &row{sql: "select", values: [][]byte{[]byte("x"), nil}}
		read(r)
		if !errs.Is(r.err, errs.DbQuery) {
			t.Errorf("%s: %v", name, r.err)
		}
	}
}
