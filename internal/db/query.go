package db

import (
	"context"
	"strconv"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/postgres"
)

// query runs one statement within the limit of time and returns its rows as text.
func (c *Conn) query(ctx context.Context, sql string) ([][][]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session.Exec(ctx, sql)
}

// row runs a query that has exactly one row.
func (c *Conn) row(ctx context.Context, sql string) (*row, error) {
	rows, err := c.query(ctx, sql)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, errs.New(errs.DbQuery, "expected one row from '%s' but got %d", sql, len(rows))
	}
	return &row{sql: sql, values: rows[0]}, nil
}

// row hands out the values of a row from left to right. The first that is not what it should be is kept as err; the values after it
// mean nothing.
type row struct {
	sql    string
	values [][]byte
	next   int
	err    error
}

func (r *row) value() ([]byte, bool) {
	if r.next >= len(r.values) {
		r.fail("another column")
		return nil, false
	}
	v := r.values[r.next]
	r.next++
	return v, v != nil
}

func (r *row) fail(wanted string) {
	if r.err == nil {
		r.err = errs.New(errs.DbQuery, "expected %s in column %d of '%s'", wanted, r.next, r.sql)
	}
}

// textOrNull takes null for nothing.
func (r *row) textOrNull() string {
	v, _ := r.value()
	return string(v)
}

func (r *row) text() string {
	v, ok := r.value()
	if !ok {
		r.fail("a value")
	}
	return string(v)
}

func (r *row) number() int64 {
	n, err := strconv.ParseInt(r.text(), 10, 64)
	if err != nil {
		r.fail("a number")
	}
	return n
}

func (r *row) oid() uint32 {
	n, err := strconv.ParseUint(r.text(), 10, 32)
	if err != nil {
		r.fail("an oid")
	}
	return uint32(n)
}

func (r *row) boolean() bool {
	t := r.text()
	if t != "t" && t != "f" {
		r.fail("a boolean")
	}
	return t == "t"
}

func (r *row) lsn() postgres.LSN {
	lsn, err := postgres.ParseLSN(r.text())
	if err != nil {
		r.fail("an LSN")
	}
	return lsn
}

// literal makes a string constant of SQL, whatever standard_conforming_strings is.
func literal(s string) string {
	s = strings.ReplaceAll(s, "'", "''")
	if strings.Contains(s, `\`) {
		return " E'" + strings.ReplaceAll(s, `\`, `\\`) + "'"
	}
	return "'" + s + "'"
}
