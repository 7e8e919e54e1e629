package db

import (
	"context"
	"errors"
	"hash/maphash"
	"net/http"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"postern/shell/apierror"
	"postern/shell/statement"
)

// A Step is one request of a Transaction.
type Step struct {
	Request   *Request
	Statement *statement.Statement // nil for postern.handle
	Answer    *Answer
}

// A Transaction is several requests of one role, all done or none.
type Transaction struct {
	// Next returns the steps that are to be done next, in one round trip, and whether they are the last. All before them
	// have their answers. Where it returns none and they are not the last, nothing stays.
	Next      func() (steps []Step, last bool)
	Fails     func(*Answer) bool // reports whether an answer says that the request has not done what it was asked for
	Isolation string             // a level beside that of the role; empty for none
	Reads     bool               // no step may write
	Rollback  bool               // nothing is to stay

	// MaxBytes is what all answers may have. Those of writes that come with the commit leave out what goes beyond it:
	// then it is too late to refuse them. Room takes room for an answer of so many bytes, and reports false where there
	// is none and it may be refused.
	MaxBytes int
	Room     func(bytes int, refusable bool) bool

	// What came of it, where Transact returns no error: with Again nothing has happened, and may be begun anew. Else,
	// where Undone is not nil, nothing stays, as that answer failed or was of no use: End where what failed was the end.
	// Else all is done.
	Again  bool
	Undone *Answer
	End    Answer

	begun, ending, dirty bool
	bytes                int

	set     *Request // what is set is for this one; nil where nothing is yet
	generic bool     // so is the kind of plans
}

// Transact does a transaction on a server that can be written to. Errors are those of Do.
func (p *Pool) Transact(ctx context.Context, t *Transaction) error {
	conn, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { p.release(conn, t.dirty) }()
	s := segment{}
	for last := false; !last && t.Undone == nil; {
		var steps []Step
		if steps, last = t.Next(); len(steps) == 0 && !last {
			p.rollBack(pgOf(conn))
			return nil
		}
		if s, err = p.segment(ctx, conn, t, steps, last); err != nil {
			break
		}
	}
	if err == nil && !t.ending {
		if t.Undone != nil {
			p.rollBack(pgOf(conn))
			return nil
		}
		t.ending = true
		s.current = len(s.steps)
		p.trips.Add(1)
		err = pgOf(conn).Exec(ctx, "commit").Close()
	}
	if r := p.replicas; r != nil && !t.Reads {
		r.noteWrite(maphash.Bytes(r.seed, s.steps[0].Request.Claims))
	}
	switch {
	case err == nil && t.Undone != nil && t.commits():
		return &apierror.Error{
			Status: http.StatusInternalServerError, Code: "PGRSTX00",
			Message: "A statement that is said to be certain has failed", Details: uncertain,
		}
	case err == nil:
		return nil
	}
	return p.undone(ctx, &conn, t, &s, err)
}

// rollBack ends the transaction of a session, if there is one, or the session. A client that is gone changes nothing.
func (p *Pool) rollBack(pg *pgconn.PgConn) {
	if pg.IsClosed() || pg.TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cancelGrace)
	defer cancel()
	p.trips.Add(1)
	if err := pg.Exec(ctx, "rollback").Close(); err != nil {
		_ = pg.Close(ctx) // the pool then makes another
	}
}

// undone finds out what an error means for a transaction, and lets the database word it.
func (p *Pool) undone(ctx context.Context, conn **pgxpool.Conn, t *Transaction, s *segment, err error) error {
	pg := pgOf(*conn)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, tooMuch):
		return err
	case pgconn.SafeToRetry(err) && !t.begun:
		t.Again = true
		return nil
	case isUnprepared(err) && !pg.IsClosed():
		t.Again = true
		return p.prepareFixed(ctx, pg)
	}
	pgErr, err := p.refusal(ctx, err, t.commits())
	if err != nil {
		return err
	}
	if s.judge(t); t.Undone != nil { // the answer to a step before says that it failed, and did not raise
		return nil
	}
	if s.current < len(s.steps) {
		step := s.steps[s.current]
		t.Undone = step.Answer
		t.dirty = t.dirty || step.Statement == nil
		if s.answered > s.current { // what failed is the look at its status
			return nil
		}
		return p.explain(ctx, conn, pgErr, step.Request, step.Statement, step.Answer)
	}
	t.Undone = &t.End
	return p.explain(ctx, conn, pgErr, s.steps[len(s.steps)-1].Request, nil, t.Undone)
}

// commits reports whether writes are committed without looking at their answers. Then there is no refusing those.
func (t *Transaction) commits() bool {
	return t.ending && !t.Reads && !t.Rollback
}

// fits takes room for an answer, and reports whether it may be in memory.
func (t *Transaction) fits(answer *Answer) bool {
	t.bytes += len(answer.Body)
	refusable := !t.commits()
	return t.Room(len(answer.Body), refusable) && (t.bytes <= t.MaxBytes || !refusable)
}

var tooMuch = &apierror.Error{
	Status: http.StatusServiceUnavailable, Code: "PGRST003", Message: "The answers are too large together",
	Hint: "Ask for less, or raise server-max-bytes-in-flight",
}
