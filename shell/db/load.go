package db

import (
	"context"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"postern/shell/statement"
)

// A Load is the transaction of a request whose body comes in pieces: for each, the request's statement is executed.
// Between Send and Receive the database is at work on one.
type Load struct {
	pool    *Pool
	conn    *pgxpool.Conn
	ctx     context.Context // of the request, until Close
	cancel  context.CancelFunc
	request *Request
	trip    *exchange // that Send has begun
	known   bool      // a statement is known, and with it
	limited bool      // Request.Timeout is in force
	looked  bool      // at the cost of the statement
	dirty   bool      // whether code of the user's may have left something in the session
}

// Begin begins a transaction for a request: role, settings and db-pre-request are as Do has them. st is the statement,
// nil where that is to be compiled. Where it returns a Load, Close must be called in the end, and an error is one for
// Failed and Explain; other errors are as of Do.
func (p *Pool) Begin(ctx context.Context, request *Request, st *statement.Statement) (*Load, error) {
	conn, err := p.acquire(ctx)
	if err != nil {
		return nil, err
	}
	request.noteAcquired()
	l := &Load{pool: p, conn: conn, request: request, known: st != nil, dirty: st == nil || st.Dirty}
	l.ctx, l.cancel = context.WithCancel(ctx)
	err = l.begin(st)
	if pgconn.SafeToRetry(err) && ctx.Err() == nil {
		if l.conn, err = p.replace(ctx, conn); err != nil {
			l.cancel()
			return nil, err
		}
		err = l.begin(st)
	}
	if isUnprepared(err) && !pgOf(l.conn).IsClosed() {
		if err = l.exec("rollback"); err == nil {
			err = p.prepareFixed(ctx, pgOf(l.conn))
		}
		if err == nil {
			err = l.begin(st)
		}
	}
	return l, err
}

func (l *Load) begin(st *statement.Statement) error {
	if err := l.request.checkRole(); err != nil {
		return err
	}
	e := l.start()
	e.begin(l.request.Settings.level())
	e.setUp(l.request, l.request.Settings, st)
	err := e.finish(nil)
	l.limited = e.limited
	return err
}

// start begins a round trip.
func (l *Load) start() *exchange {
	l.pool.trips.Add(1)
	e := newExchange(l.ctx, l.pool, pgOf(l.conn))
	return &e
}

// exec executes SQL without parameters.
func (l *Load) exec(sql string) error {
	l.pool.trips.Add(1)
	return pgOf(l.conn).Exec(l.ctx, sql).Close()
}

// Compile has the database compile the request to a statement, which answer then has; request.JSON asks for no more.
func (l *Load) Compile(answer *Answer) error {
	e := l.start()
	l.request.Payload = nil
	e.execute(l.request, nil)
	err := e.finish(answer)
	l.dirty = l.known && l.dirty || answer.Statement == nil || answer.Statement.Dirty
	l.known = true
	return err
}

// The savepoints: of what is executed for a piece, and of a search.
const (
	pieceSavepoint  = "postern_piece"
	searchSavepoint = "postern_search"
)

// Send begins to execute a statement for a piece of the body, under a savepoint, which is released if that is kept.
func (l *Load) Send(st *statement.Statement, piece []byte, kept bool) error {
	e := l.start()
	l.trip = e
	e.query("savepoint " + pieceSavepoint)
	l.request.Payload = piece
	if !l.looked {
		e.looks(l.request, st)
	}
	l.looked = true
	e.execute(l.request, st)
	if kept {
		e.query("release savepoint " + pieceSavepoint)
	}
	return e.pipeline.Sync()
}

// Receive waits for the answer to what Send has sent. What has failed with an error of PostgreSQL is for Undo.
func (l *Load) Receive(answer *Answer) error {
	e := l.trip
	l.trip = nil
	err := e.receive(answer)
	answer.Limited = l.limited
	return e.close(err)
}

// Undo goes back to where the last Send began, which has failed or was not kept.
func (l *Load) Undo() error {
	return l.exec("rollback to savepoint " + pieceSavepoint + "; release savepoint " + pieceSavepoint)
}

// Mark notes where Return goes back to.
func (l *Load) Mark() error { return l.exec("savepoint " + searchSavepoint) }

// Return undoes what was done since Mark.
func (l *Load) Return() error { return l.exec("rollback to savepoint " + searchSavepoint) }

// Recover reports whether the error of a Send, undone by now, is that a prepared statement is gone: it can be resent.
func (l *Load) Recover(err error) (bool, error) {
	if !isUnprepared(err) {
		return false, nil
	}
	return true, l.pool.prepareFixed(l.ctx, pgOf(l.conn))
}

// Commit ends the transaction. Without commits it is rolled back, once all constraints hold.
func (l *Load) Commit(commits bool) error {
	if commits {
		return l.exec("commit")
	}
	if err := l.exec("set constraints all immediate"); err != nil {
		return err
	}
	return l.exec("rollback")
}

// Failed returns the fault of an error that is not of PostgreSQL, or ends the connection, nil for any other. commits
// says that it may have come behind the commit.
func (l *Load) Failed(err error, commits bool) error {
	_, f := l.pool.refusal(l.ctx, err, commits)
	return f
}

// Explain rolls back and lets the database say how an error of it is answered, as Do does.
func (l *Load) Explain(pgErr *pgconn.PgError, st *statement.Statement, answer *Answer) error {
	if pg := pgOf(l.conn); !pg.IsClosed() && pg.TxStatus() != 'I' {
		if err := l.exec("rollback"); err != nil {
			return lost(err, false)
		}
	}
	return l.pool.explain(l.ctx, &l.conn, pgErr, l.request, st, answer)
}

// Close gives the connection back, having undone what was not committed.
func (l *Load) Close() {
	l.cancel() // what the database is at still
	if l.conn == nil {
		return
	}
	if l.trip != nil {
		_ = l.trip.pipeline.Close()
	}
	l.pool.rollBack(pgOf(l.conn))
	l.pool.release(l.conn, l.dirty)
}
