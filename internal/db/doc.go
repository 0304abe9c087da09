// Package db talks to running PostgreSQL servers. It is the only package that speaks SQL.
//
// A Conn is one connection with what a backup asks of a server: settings, start and stop of a backup, WAL switch, catalog lists. The
// names of server functions differ between versions (functions.go), callers never see that. Every query is given the same limit of
// time; when it runs out the server is told to cancel the query.
//
// Find connects to all clusters of a stanza and tells which is the primary. What the control file says is read through the storage of
// the data directory, not by SQL, so that a connection to the wrong server is noticed.
//
// It builds on the lowest layer of the pgx driver and reads all results as text: the queries are few and small. Passwords come from
// where PostgreSQL's own programs take them: PGPASSWORD or a password file.
package db
