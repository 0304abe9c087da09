package pgtest

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// ConnString is how to reach the cluster through its socket.
func (c *Cluster) ConnString() string {
	return fmt.Sprintf("host=%s port=%d user=%s dbname=postgres sslmode=disable", c.SocketDir, c.Port, c.User)
}

// Connect opens a session that ends with the test at the latest.
func (c *Cluster) Connect() *pgconn.PgConn {
	c.t.Helper()
	conn, err := pgconn.Connect(context.Background(), c.ConnString())
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// Exec runs SQL, several statements if need be, and returns the rows of the last as text; null is "".
func (c *Cluster) Exec(sql string) [][]string {
	c.t.Helper()
	rows, err := c.exec("postgres", sql)
	if err != nil {
		c.t.Fatalf("%s: %s", sql, err)
	}
	return rows
}

// ExecIn is Exec in another database.
func (c *Cluster) ExecIn(database, sql string) [][]string {
	c.t.Helper()
	rows, err := c.exec(database, sql)
	if err != nil {
		c.t.Fatalf("%s: %s", sql, err)
	}
	return rows
}

// Value runs SQL and returns the only value.
func (c *Cluster) Value(sql string) string {
	c.t.Helper()
	rows := c.Exec(sql)
	if len(rows) != 1 || len(rows[0]) != 1 {
		c.t.Fatalf("%s: not one value but %v", sql, rows)
	}
	return rows[0][0]
}

// TryExec runs SQL that may fail.
func (c *Cluster) TryExec(sql string) error {
	_, err := c.exec("postgres", sql)
	return err
}

func (c *Cluster) exec(database, sql string) ([][]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	conn, err := pgconn.Connect(ctx, c.ConnString()+" dbname="+database)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil || len(results) == 0 {
		return nil, err
	}
	var rows [][]string
	for _, values := range results[len(results)-1].Rows {
		row := make([]string, len(values))
		for i, v := range values {
			row[i] = string(v)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// WaitRecovered waits until recovery has ended and the server takes writes.
func (c *Cluster) WaitRecovered() {
	c.t.Helper()
	c.WaitFor("select not pg_is_in_recovery()", "t")
}

// WaitFor waits until a query has that one value.
func (c *Cluster) WaitFor(sql, value string) {
	c.t.Helper()
	var rows [][]string
	var err error
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		rows, err = c.exec("postgres", sql)
		if err == nil && len(rows) == 1 && rows[0][0] == value {
			return
		}
		if !c.Running() {
			c.t.Fatalf("server has ended while waiting for %s\n%s", sql, c.logTail())
		}
	}
	c.t.Fatalf("waited in vain for %s to be %s, last %v %v", sql, value, rows, err)
}

// Promote ends the recovery of a standby.
func (c *Cluster) Promote() {
	c.t.Helper()
	out, err := Command(context.Background(), c.t, filepath.Join(c.Bin, "pg_ctl"), "-D", c.DataDir, "-w", "-s", "promote").CombinedOutput()
	if err != nil {
		c.t.Fatalf("promote: %s\n%s", err, out)
	}
	c.WaitRecovered()
}

// Standby makes and starts a standby that streams from the cluster, which is restarted on the way.
func (c *Cluster) Standby() *Cluster {
	c.t.Helper()
	s := newCluster(c.t, Options{Bin: c.Bin})
	c.Stop()
	if out, err := exec.Command("cp", "-a", c.DataDir, s.DataDir).CombinedOutput(); err != nil {
		c.t.Fatalf("copy data directory: %s\n%s", err, out)
	}
	c.Start()
	conninfo := fmt.Sprintf("host=%s port=%d user=%s", c.SocketDir, c.Port, c.User)
	s.extra = append(s.extra, "-c", "primary_conninfo="+conninfo)
	out, err := Command(context.Background(), c.t, "touch", filepath.Join(s.DataDir, "standby.signal")).CombinedOutput()
	if err != nil {
		c.t.Fatalf("touch: %s\n%s", err, out)
	}
	s.Start()
	return s
}
