package db

import (
	"context"
	"net/http"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"postern/shell/statement"
)

// Do sends a request to the database in one round trip and reads the answer: where st is nil by postern.handle, which
// compiles it first and says in the answer to what; else by executing st. A read is sent to a standby first, if there
// is one for it. An error of PostgreSQL becomes an answer as well, by postern.error_response, in a second round trip.
// Errors are of type *apierror.Error: PGRST000 and PGRST001 (503) without a connection, PGRST003 (504) when none became
// free in time; or the context's own error.
func (p *Pool) Do(ctx context.Context, request *Request, st *statement.Statement, answer *Answer) error {
	if p.replicas != nil {
		return p.replicas.do(ctx, request, st, answer)
	}
	return p.do(ctx, request, st, answer)
}

// do does what Do does, on a server that can be written to.
func (p *Pool) do(ctx context.Context, request *Request, st *statement.Statement, answer *Answer) error {
	conn, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { p.release(conn, dirty(st, answer)) }()
	request.noteAcquired()
	err = p.call(ctx, conn, request, st, answer)
	if pgconn.SafeToRetry(err) && ctx.Err() == nil && request.Cut == nil {
		if conn, err = p.replace(ctx, conn); err != nil {
			return err
		}
		err = p.call(ctx, conn, request, st, answer)
	}
	if isUnprepared(err) && request.Cut == nil && !pgOf(conn).IsClosed() { // nothing has been done
		if err = p.prepareFixed(ctx, pgOf(conn)); err == nil {
			err = p.call(ctx, conn, request, st, answer)
		}
	}
	if err == nil {
		return nil
	}
	if request.Cut != nil && ctx.Err() == nil {
		return request.Cut
	}
	pgErr, err := p.refusal(ctx, err, writes(request, st))
	if err != nil {
		return err
	}
	return p.explain(ctx, &conn, pgErr, request, st, answer)
}

func pgOf(conn *pgxpool.Conn) *pgconn.PgConn { return conn.Conn().PgConn() }

// replace gives a lost connection back and takes another, which is nil on errors.
func (p *Pool) replace(ctx context.Context, conn *pgxpool.Conn) (*pgxpool.Conn, error) {
	conn.Release()
	return p.acquire(ctx)
}

// dirty reports whether code of the user's that postern.handle ran may have left something in the session, whether the
// request failed or not. What was compiled is not known where it failed.
func dirty(st *statement.Statement, answer *Answer) bool {
	return st == nil && (answer.Statement == nil || answer.Statement.Dirty)
}

// writes reports whether a request may change something.
func writes(request *Request, st *statement.Statement) bool {
	return !request.readsOnly(st) && string(request.Method) != http.MethodOptions
}

// call makes one round trip.
func (p *Pool) call(
	ctx context.Context, conn *pgxpool.Conn, request *Request, st *statement.Statement, answer *Answer,
) error {
	if err := request.checkRole(); err != nil {
		return err
	}
	pg := pgOf(conn)
	p.trips.Add(1)
	e := newExchange(ctx, p, pg)
	e.sink = request.Sink
	restores := st != nil && st.Dirty && !e.session.pooled
	e.request(request, st, restores)
	if restores {
		e.session.dirty = true
		e.restore()
	}
	err := e.finish(answer)
	if restores && (err == nil || e.ended) {
		p.restores.Add(1)
		e.session.dirty = false
	}
	switch {
	case err == nil:
	case e.ended: // the answer is good: what failed is to restore the session
		_ = pg.Close(ctx) // the pool then makes another
		err = nil
	default:
		p.rollBack(pg)
	}
	if err != nil && request.isSent() {
		request.Cut = cutBy(err)
	}
	return err
}

// request queues everything that a request takes. Its transaction begins and ends by statements where it has a level of
// its own, or where something comes behind it in the same trip.
func (e *exchange) request(request *Request, st *statement.Statement, followed bool) {
	settings := request.Settings
	if st != nil {
		settings = settings.With(st.Isolation, st.Settings)
	}
	explicit := followed || settings.level() != ""
	if explicit {
		e.begin(settings.level())
	}
	e.setUp(request, settings, st)
	e.looks(request, st)
	e.execute(request, st)
	if explicit {
		e.end = e.results
		e.query("commit") // by no name: code of the user's may have deallocated all statements
	}
}
