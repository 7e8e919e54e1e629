package db

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Reader reads what the server has to know from the catalog, on its own connection: it waits for none of the pool's,
// and has the newest settings of the connection's role. Where there may be no more connections it takes a pooled one.
type Reader struct {
	conn  *pgconn.PgConn
	close func()
}

// Reader connects. Close the Reader after its use.
func (p *Pool) Reader(ctx context.Context) (*Reader, error) {
	conn, err := pgconn.ConnectConfig(ctx, impatient(p.config))
	if IsFull(err) {
		pooled, err := p.pool.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		return &Reader{pgOf(pooled), pooled.Release}, nil
	}
	if err != nil {
		return nil, err
	}
	return &Reader{conn, func() { _ = conn.Close(context.Background()) }}, nil
}

// Close ends the connection, or gives it back.
func (r *Reader) Close() { r.close() }

// IsFull reports whether an error is that the server refuses another connection because there are too many.
func IsFull(err error) bool { return SQLState(err) == "53300" }

// impatient returns the configuration of a connection that is given up, with its query, as soon as the context ends.
func impatient(pool *pgxpool.Config) *pgconn.Config {
	config := pool.ConnConfig.Config.Copy()
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: conn.Conn()}
	}
	return config
}

// missingSQL reads those of the schemas $1 that do not exist, in their order.
const missingSQL = `
select s.name
from pg_catalog.unnest($1::pg_catalog.text[]) with ordinality as s(name, place)
where not exists (
  select from pg_catalog.pg_namespace as n where n.nspname operator(pg_catalog.=) s.name)
order by s.place`

// Missing returns those of the schemas that do not exist.
func (r *Reader) Missing(ctx context.Context, schemas []string) ([]string, error) {
	rows := queryTexts(ctx, r.conn, missingSQL, schemas)
	if rows.Err != nil {
		return nil, fmt.Errorf("looking for the schemas: %w", rows.Err)
	}
	var missing []string
	for _, row := range rows.Rows {
		missing = append(missing, string(row[0]))
	}
	return missing, nil
}
