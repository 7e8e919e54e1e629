package db

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// restoring puts a session back to what open made of it, but for its prepared statements: settings, temporary tables, locks,
// cursors, channels. It is DISCARD ALL without DEALLOCATE ALL; and as path and jit are parameters of the connection, resetting all
// settings changes neither, so that plans stay valid.
var restoring = [...]string{
	"close all", "reset role", "reset session authorization", "reset all", "unlisten *", "select pg_catalog.pg_advisory_unlock_all()",
	"discard sequences", "discard temp",
}

// release gives a connection back, restored first where code of the user's may have left something in the session that call did not
// restore already: nobody waits for that but whoever needs the connection. Behind a pooler, where nothing is prepared, sessions are
// the pooler's. conn is nil where one was lost and no other came.
func (p *Pool) release(conn *pgxpool.Conn, dirty bool) {
	if conn == nil {
		return
	}
	pg := pgOf(conn)
	if !dirty || pg.IsClosed() || sessionOf(pg).pooled {
		conn.Release()
		return
	}
	p.restores.Add(1)
	go func() {
		defer conn.Release()
		ctx, cancel := context.WithTimeout(context.Background(), cancelGrace)
		defer cancel()
		if err := pg.Exec(ctx, strings.Join(restoring[:], "; ")).Close(); err != nil {
			_ = pg.Close(ctx) // the pool then makes another
		}
	}()
}
