package db

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// restoreSQL puts a session back to what prepare made of it, but for its prepared statements: settings, temporary tables,
// locks, cursors, channels. It is DISCARD ALL without DEALLOCATE ALL.
const restoreSQL = "close all; set session authorization default; reset all; unlisten *; select pg_catalog.pg_advisory_unlock_all(); discard sequences; discard temp; "

// release gives a connection back, restored first where user code may have left something in the session: nobody waits
// for that but whoever needs the connection. Behind a pooler, where nothing is prepared, sessions are the pooler's. conn is
// nil where one was lost and no other came.
func (p *Pool) release(conn *pgxpool.Conn, leaves bool) {
	if conn == nil {
		return
	}
	pg := conn.Conn().PgConn()
	s := sessionOf(pg)
	if !leaves || s == nil || s.assume == nil || pg.IsClosed() {
		conn.Release()
		return
	}
	go func() {
		defer conn.Release()
		ctx, cancel := context.WithTimeout(context.Background(), cancelGrace)
		defer cancel()
		if err := pg.Exec(ctx, restoreSQL+s.restore).Close(); err != nil {
			_ = pg.Close(ctx) // the pool then makes another
		}
	}()
}

// sessionSQL sets what a session has beside PostgreSQL's own settings. The path counts for the session as well, so that
// a transaction does not change it and plans stay valid. Method and cookies are those that postern.run is for. The
// statements of an API are short: compiling deep embeds to machine code takes seconds, running them does not.
func sessionSQL(searchPath string) string {
	quoted := "'" + strings.ReplaceAll(searchPath, "'", "''") + "'"
	if strings.Contains(searchPath, `\`) {
		quoted = " E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return "select pg_catalog.concat(pg_catalog.set_config('search_path', " + quoted + ", false), pg_catalog.set_config('jit', 'off', false)," +
		" pg_catalog.set_config('request.method', 'GET', false), pg_catalog.set_config('request.cookies', '{}', false))"
}
