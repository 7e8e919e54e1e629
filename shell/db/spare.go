package db

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// noteUse opens another connection in the background when a connection gets its first request and no other is idle, so
// that the next request of a burst finds one: a new one costs many times what a request does.
func (p *Pool) noteUse(conn *pgxpool.Conn) {
	s := sessionOf(pgOf(conn))
	if s.used {
		return
	}
	s.used = true
	if !p.sparing.CompareAndSwap(false, true) {
		return
	}
	p.background.Go(func() {
		defer p.sparing.Store(false)
		if stat := p.pool.Stat(); stat.IdleConns() > 0 || stat.TotalConns() >= stat.MaxConns() {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), p.options.AcquireTimeout)
		defer cancel()
		if spare, err := p.pool.Acquire(ctx); err == nil { // if not, requests will say so
			spare.Release()
		}
	})
}
