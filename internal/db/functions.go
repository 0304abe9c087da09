package db

import "holdfast/internal/postgres"

// functions are the names a server version has for what a backup needs.
type functions struct {
	segmentName string // of a position
	insertLSN   string
	switchWAL   string
	startBackup string // begins the call; label and fast are its first arguments
	startRest   string // ends it
	stopBackup  string // does not wait for the archive
	replayLSN   string // how far a standby is
	checkpoint  string // column of pg_control_checkpoint()
}

func functionsOf(v postgres.Version) functions {
	f := functions{
		segmentName: "pg_walfile_name",
		insertLSN:   "pg_current_wal_insert_lsn()",
		switchWAL:   "pg_switch_wal()",
		startBackup: "pg_backup_start(",
		startRest:   ")",
		stopBackup:  "pg_backup_stop(false)",
		replayLSN:   "pg_catalog.pg_last_wal_replay_lsn()",
		checkpoint:  "checkpoint_lsn",
	}
	if v < postgres.Version15 {
		f.startBackup, f.startRest, f.stopBackup = "pg_start_backup(", ", false)", "pg_stop_backup(false, false)"
	}
	if v < postgres.Version10 {
		f.segmentName, f.insertLSN = "pg_xlogfile_name", "pg_current_xlog_insert_location()"
		f.switchWAL, f.stopBackup = "pg_switch_xlog()", "pg_stop_backup(false)"
		f.replayLSN, f.checkpoint = "pg_catalog.pg_last_xlog_replay_location()", "checkpoint_location"
	}
	return f
}
