// Package postgres knows what the bytes and names of a PostgreSQL data directory mean.
//
// It is pure: bytes and names go in, facts come out. It opens no files and no sockets; whoever calls it does. Sizes of pages and WAL
// segments are never assumed, they travel in the values read from the control file. What differs between major versions lies in one
// table (layout.go), so that a new version is a new row.
//
// SQL is left to package db, made-up data directories for tests to package pgtest.
package postgres
