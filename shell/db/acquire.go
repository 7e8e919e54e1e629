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
