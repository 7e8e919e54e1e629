package db

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// release gives a connection back, restored first where code of the user's may have left something in the session that
// call did not restore already: nobody waits for that but whoever needs the connection. Behind a pooler, where nothing
// is prepared, sessions are the pooler's. conn is nil where one was lost and no other came.
func (p *Pool) release(conn *pgxpool.Conn, dirty bool) {
	if conn == nil {
		return
	}
	pg := pgOf(conn)
	if p.debugging.Load() && !pg.IsClosed() {
		p.debug("Connection %d is available due to session success", identityOf(pg).number)
	}
	if !dirty || pg.IsClosed() || sessionOf(pg).pooled {
		conn.Release()
		return
	}
	p.background.Go(func() {
		defer conn.Release()
		ctx, cancel := context.WithTimeout(context.Background(), cancelGrace)
		defer cancel()
		e := newExchange(ctx, p, pg)
		e.restore()
		if e.close(e.pipeline.Sync()) != nil {
			_ = pg.Close(ctx) // the pool then makes another
		}
	})
}
