package db

import (
	"context"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"postern/shell/apierror"
)

// sharedWait is the context in which requests of about the same moment wait for a connection. They share it because a
// context with a deadline for each request costs more than all else that acquiring a connection does.
type sharedWait struct {
	context.Context
	made time.Time
}

// wait returns a context that ends after the acquisition timeout, or up to a tenth later.
func (p *Pool) wait() context.Context {
	now := time.Now()
	slack := p.options.AcquireTimeout / 10
	current := p.waitContext.Load()
	if current != nil && now.Sub(current.made) < slack {
		return current
	}
	ctx, cancel := context.WithDeadline(context.Background(), now.Add(p.options.AcquireTimeout+slack))
	context.AfterFunc(ctx, cancel) // nothing to cancel earlier: others may be waiting in it
	fresh := &sharedWait{ctx, now}
	p.waitContext.Store(fresh)
	return fresh
}

// acquire takes a connection. A client that goes away keeps its place: it then gives the connection back at once.
func (p *Pool) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	p.debug("Trying to borrow a connection from pool")
	wait := p.wait()
	p.waiting.Add(1)
	conn, err := p.pool.Acquire(wait)
	// Where code of the user's has changed it; a new connection is as it was checked to be.
	for err == nil && checkText(pgOf(conn)) != nil {
		_ = pgOf(conn).Close(wait)
		conn.Release()
		conn, err = p.pool.Acquire(wait)
	}
	p.waiting.Add(-1)
	switch {
	case err == nil:
		if p.debugging.Load() {
			p.debug("Connection %d is used", identityOf(pgOf(conn)).number)
			p.debug("Borrowed a connection from the pool")
		}
		p.noteUse(conn)
		return conn, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case wait.Err() != nil:
		p.timeouts.Add(1)
		return nil, &apierror.Error{
			Status: http.StatusGatewayTimeout, Code: "PGRST003",
			Message: "No database connection became free in time", Cause: err,
		}
	}
	if f := p.PooledFault(err); f != nil {
		return nil, f
	}
	return nil, &apierror.Error{
		Status: http.StatusServiceUnavailable, Code: "PGRST000",
		Message: "Cannot connect to the database", Cause: err,
	}
}

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
	if s := sessionOf(pg); !dirty && !s.dirty || s.pooled || pg.IsClosed() {
		conn.Release()
		return
	}
	p.restores.Add(1)
	p.background.Go(func() {
		defer conn.Release()
		ctx, cancel := context.WithTimeout(context.Background(), cancelGrace)
		defer cancel()
		e := newExchange(ctx, p, pg)
		e.restore()
		if e.close(e.pipeline.Sync()) != nil {
			_ = pg.Close(ctx) // the pool then makes another
		}
		e.session.dirty = false
	})
}
