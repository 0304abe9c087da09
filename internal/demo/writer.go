package demo

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"holdfast/internal/db"
	"holdfast/internal/errs"
)

const (
	table     = "public.orders"
	firstRows = 200_000
	batch     = 100
)

// createTable makes the table and fills it in some transactions, telling how far it is.
func createTable(ctx context.Context, conn *db.Conn, progress func(rows int64)) error {
	_, err := conn.Query(ctx, "create table "+table+
		" (id int8 primary key, placed timestamptz not null, customer text not null, cents int4 not null)")
	const portion = firstRows / 20
	for rows := int64(0); err == nil && rows < firstRows; rows += portion {
		err = insert(ctx, conn, rows, portion)
		progress(rows + portion)
	}
	return err
}

// insert adds rows after the first so many.
func insert(ctx context.Context, conn *db.Conn, after, rows int64) error {
	_, err := conn.Query(ctx, fmt.Sprintf("insert into "+table+
		" select i, clock_timestamp(), md5(i::text), i::int8 * 7919 %% 100000 from generate_series(%d, %d) i", after+1, after+rows))
	return err
}

// writer adds and changes rows until it is told to stop. It never gives up a transaction half-way, so what it has counted is what
// the server has acknowledged, and nothing else is in the table.
type writer struct {
	rows    atomic.Int64 // acknowledged
	quit    chan struct{}
	done    chan error
	stopped bool
}

func startWriter(ctx context.Context, conn *db.Conn, rows int64) *writer {
	w := &writer{quit: make(chan struct{}), done: make(chan error, 1)}
	w.rows.Store(rows)
	go func() { w.done <- w.write(ctx, conn) }()
	return w
}

func (w *writer) write(ctx context.Context, conn *db.Conn) error {
	for turn := int64(1); ; turn++ {
		rows := w.rows.Load()
		if err := insert(ctx, conn, rows, batch); err != nil {
			return err
		}
		w.rows.Add(batch)
		// Old rows change too, so that the backups meet pages that move under them.
		_, err := conn.Query(ctx, fmt.Sprintf("update "+table+" set cents = cents + 1 where id %% 5003 = %d and id <= %d",
			turn%5003, int64(firstRows)))
		if err != nil {
			return err
		}
		select {
		case <-w.quit:
			return nil
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// stop waits for the last transaction and returns the number of rows the server has acknowledged.
func (w *writer) stop() (rows int64, err error) {
	if !w.stopped {
		w.stopped = true
		close(w.quit)
		err = <-w.done
	}
	return w.rows.Load(), err
}

// running tells whether the writer still writes; if not, why.
func (w *writer) running() error {
	select {
	case err := <-w.done:
		w.stopped = true
		if err == nil {
			err = errs.New(errs.Assert, "the writer has stopped by itself")
		}
		return err
	default:
		return nil
	}
}

// content is what a table held at a moment.
type content struct {
	rows int64
	hash string
}

// look reads the whole table, and so every page and its checksum.
func look(ctx context.Context, conn *db.Conn) (content, error) {
	rows, err := conn.Query(ctx, "select count(*), md5(string_agg(o::text, ',' order by id)) from "+table+" o")
	if err != nil {
		return content{}, err
	}
	count, err := strconv.ParseInt(rows[0][0], 10, 64)
	return content{rows: count, hash: rows[0][1]}, err
}

// compare says what is wrong with what came back.
func (before content) compare(after content) error {
	switch {
	case after.rows < before.rows:
		return errs.New(errs.Checksum, "the restored table has %s rows, %s fewer than it should", number(after.rows),
			number(before.rows-after.rows))
	case after.rows > before.rows:
		return errs.New(errs.Checksum, "the restored table has %s rows, %s more than it should", number(after.rows),
			number(after.rows-before.rows))
	case after.hash != before.hash:
		return errs.New(errs.Checksum, "the restored table has the right number of rows, but their content has hash %s, not %s",
			after.hash, before.hash)
	}
	return nil
}
