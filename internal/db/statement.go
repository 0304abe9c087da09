package db

import "context"

// Query runs one statement of the caller's and returns its rows as text, null as "". Backups and restores get by without it; it is
// there for the demonstration, which has a table of its own. The search path of the session is pg_catalog, so names need a schema.
func (c *Conn) Query(ctx context.Context, sql string) ([][]string, error) {
	raw, err := c.query(ctx, sql)
	if err != nil {
		return nil, err
	}
	rows := make([][]string, len(raw))
	for i, values := range raw {
		rows[i] = make([]string, len(values))
		for j, value := range values {
			rows[i][j] = string(value)
		}
	}
	return rows, nil
}
