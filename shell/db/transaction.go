package db

import (
	"context"
	"errors"
	"hash/maphash"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"postern/shell/fault"
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
	// Next returns the steps that are to be done next, in one round trip, and whether they are the last. All before them have their
	// answers. Where it returns none and they are not the last, nothing stays.
	Next      func() (steps []Step, last bool)
	Fails     func(*Answer) bool // reports whether an answer says that the request has not done what it was asked for
	Isolation string             // a level beside that of the role; empty for none
	Reads     bool               // no step may write
	Rollback  bool               // nothing is to stay
	MaxBytes  int                // of all answers, but where they come with the commit

	// What came of it, where Transact returns no error: with Again nothing has happened, and may be begun anew. Else, where Undone is
	// not nil, nothing stays, as that answer failed or was of no use: End where what failed was the end. Else all is done.
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
			p.rollBack(ctx, pgOf(conn))
			return nil
		}
		if s, err = p.segment(ctx, conn, t, steps, last); err != nil {
			break
		}
	}
	if err == nil && !t.ending {
		if t.Undone != nil {
			p.rollBack(ctx, pgOf(conn))
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
		return &fault.Fault{
			Status: http.StatusInternalServerError, Code: "PGRSTX00", Message: "A statement that is said to be certain has failed", Details: uncertain,
		}
	case err == nil:
		return nil
	}
	return p.undone(ctx, &conn, t, &s, err)
}

// rollBack ends the transaction of a session, if there is one, or the session.
func (p *Pool) rollBack(ctx context.Context, pg *pgconn.PgConn) {
	if pg.IsClosed() || pg.TxStatus() == 'I' {
		return
	}
	p.trips.Add(1)
	if err := pg.Exec(ctx, "rollback").Close(); err != nil {
		_ = pg.Close(ctx) // the pool then makes another
	}
}

// undone finds out what an error means for a transaction, and lets the database word it.
func (p *Pool) undone(ctx context.Context, conn **pgxpool.Conn, t *Transaction, s *segment, err error) error {
	var pgErr *pgconn.PgError
	var f *fault.Fault
	pg := pgOf(*conn)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &f):
		return err
	case pgconn.SafeToRetry(err) && !t.begun:
		t.Again = true
		return nil
	case isUnprepared(err) && !pg.IsClosed():
		t.Again = true
		return p.prepareFixed(ctx, pg)
	case !errors.As(err, &pgErr):
		return lost(err, t.ending && !t.Reads)
	case isDown(pgErr):
		return down(pgErr, t.ending && !t.Reads)
	}
	if f := p.PooledFault(err); f != nil {
		return f
	}
	if pg.IsClosed() {
		if *conn, err = p.replace(ctx, *conn); err != nil {
			return err
		}
	}
	if s.current < len(s.steps) {
		step := s.steps[s.current]
		t.Undone = step.Answer
		t.dirty = t.dirty || step.Statement == nil
		if s.answered > s.current { // what failed is the look at its status
			return nil
		}
		return p.explain(ctx, pgOf(*conn), pgErr, step.Request, step.Statement, step.Answer)
	}
	t.Undone = &t.End
	return p.explain(ctx, pgOf(*conn), pgErr, s.steps[len(s.steps)-1].Request, nil, t.Undone)
}

// A segment is the steps of a transaction that are sent together.
type segment struct {
	exchange
	steps    []Step
	begins   []int // which result is the first of each step, and of the end
	mains    []int // which result is the answer of each
	answered int   // how many steps have answers
	current  int   // the step that the last result is of; as many as there are steps for the end
}

// segment does steps in one round trip.
func (p *Pool) segment(ctx context.Context, conn *pgxpool.Conn, t *Transaction, steps []Step, last bool) (segment, error) {
	pg := pgOf(conn)
	if string(steps[0].Request.Role) == "none" {
		return segment{steps: steps}, errRoleNone
	}
	steps[0].Request.noteAcquired()
	p.trips.Add(1)
	s := segment{exchange: exchange{pool: p, pg: pg, session: sessionOf(pg), pipeline: pg.StartPipeline(ctx)}, steps: steps}
	s.send(t, last)
	err := s.pipeline.Sync()
	if err == nil {
		err = s.receive(t)
	}
	if closeErr := s.pipeline.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		p.rollBack(ctx, pg)
		for _, step := range steps { // those before the one that failed have run
			t.dirty = t.dirty || dirty(step.Statement, step.Answer)
		}
	}
	t.begun = t.begun || err == nil
	return s, err
}

// send queues everything that the steps take, and the end of the transaction where it need not wait for their answers.
func (s *segment) send(t *Transaction, last bool) {
	ends, generic := last, !s.session.pooled
	for _, step := range s.steps {
		st := step.Statement
		ends = ends && (t.Reads || t.Rollback || st != nil && st.Certain)
		generic = generic && st != nil && st.Generic
	}
	if !t.begun {
		s.begin(t)
	}
	for _, step := range s.steps {
		s.begins = append(s.begins, s.results)
		s.step(step, t, generic)
	}
	s.begins = append(s.begins, s.results)
	if !ends {
		return
	}
	t.ending = true
	if t.Rollback {
		s.query("set constraints all immediate")
		s.query("rollback")
	} else {
		s.query("commit")
	}
}

// begin queues the beginning of a transaction.
func (s *segment) begin(t *Transaction) {
	level := t.Isolation
	assumed := s.steps[0].Request.Assumed
	if assumed != nil && assumed.isolation > level { // serializable is the stronger one, and the greater word
		level = assumed.isolation
	}
	if level == "" {
		s.query("begin")
	} else {
		s.query("begin isolation level " + level)
	}
	if assumed != nil {
		s.fixed(setMore, [][]byte{assumed.names, assumed.values}, moreFormats)
	}
}

const (
	// keepSettings keeps the values of settings, for restoreSettings.
	keepSettings = "select pg_catalog.set_config('postern.before', (select pg_catalog.jsonb_object_agg(s.name," +
		" coalesce(pg_catalog.current_setting(s.name, true), ''))::pg_catalog.text from pg_catalog.unnest($1) as s(name)), true)"
	restoreSettings = "select pg_catalog.count(pg_catalog.set_config(b.key, b.value, true))" +
		" from pg_catalog.jsonb_each_text(pg_catalog.current_setting('postern.before')::pg_catalog.jsonb) as b"
)

var (
	// setNext is setStatement for the requests behind the first, which most is set for already. It is another statement as it is planned
	// for another role: which schemas of the path a role may use is part of a plan's validity.
	setNext = func() *statement.Statement {
		var text strings.Builder
		text.WriteString("select 1 where true")
		for i, name := range []string{
			"search_path", "role", "request.jwt.claims", "request.method", "request.path", "request.headers", "request.cookies",
		} {
			text.WriteString(" and " + unlessCurrent(name, "$"+strconv.Itoa(i+1)))
		}
		_, rest, _ := strings.Cut(fixed[setStatement].sql, unlessUnset("response.status"))
		st := statement.Plain(text.String() + " and " + unlessUnset("response.status") + rest)
		st.Params = fixed[setStatement].oids
		return st
	}()
	// uncounted forgets the rows that another request of the transaction has counted.
	uncounted = statement.Plain("select pg_catalog.set_config('postern.inserted', '', true)")
	// looked raises an error, whichever, where code of the user's has made of an answer one that may be a failure.
	looked = statement.Plain(`select postern.not_single(0)` +
		` where coalesce(pg_catalog.current_setting('response.status', true), '') operator(pg_catalog.~) '^\s*[45]'` +
		` or coalesce(pg_catalog.current_setting('response.headers', true), '') operator(pg_catalog.~*) 'proxy-status|\\u'`)
)

// step queues one step. A request that may not write is in a subtransaction, at whose end the transaction may write again.
func (s *segment) step(step Step, t *Transaction, generic bool) {
	st := step.Statement
	guarded := !t.Reads && (step.Request.safe() || st != nil && st.ReadOnly)
	if guarded {
		s.query("savepoint postern")
	}
	if st == nil || strings.Contains(st.SQL, "postern.inserted") {
		s.statement(uncounted, nil, nil)
	}
	var own *Assumed
	if st != nil {
		own = NewAssumed("", st.Settings)
	}
	limited := step.Request.Timeout > 0
	if kept := own; kept != nil || limited {
		if limited {
			kept = own.With("", [][2]string{{"statement_timeout", ""}})
		}
		s.pipeline.SendQueryParams(keepSettings, [][]byte{kept.names}, []uint32{oidTextArray}, binaryFormat, nil)
		s.results++
	}
	if limited {
		s.pipeline.SendQueryParams(limitSQL, [][]byte{strconv.AppendInt(nil, int64(step.Request.Timeout), 10)}, limitOIDs, nil, binaryFormat)
		s.results++
	}
	if own != nil {
		s.fixed(setMore, [][]byte{own.names, own.values}, moreFormats)
	}
	switch {
	case t.set == nil:
		s.fixed(setStatement, step.Request.bindSet(st, generic), nil)
	case guarded || generic != t.generic || !step.Request.isSetAs(t.set):
		s.statement(setNext, step.Request.bindSet(st, generic), nil)
	}
	t.set, t.generic = step.Request, generic
	if guarded || st == nil || st.Code || step.Request.PreRequest != nil { // else nothing has changed what is set
		t.set = new(Request)
	}
	if step.Request.PreRequest != nil {
		s.statement(step.Request.PreRequest, nil, nil)
	}
	if st != nil && st.Due(time.Now) {
		s.pipeline.SendQueryParams(lookSQL, step.Request.bindLook(st), lookOIDs, lookFormats, binaryFormat)
		s.results++
	}
	s.mains = append(s.mains, s.results)
	if st == nil {
		s.fixed(handleStatement, step.Request.bindHandle(), handleFormats)
	} else {
		values, formats := step.Request.bind(st)
		s.statement(st, values, formats)
	}
	if st != nil && st.Certain && st.Code {
		s.statement(looked, nil, nil)
	}
	if own != nil || limited {
		s.query(restoreSettings)
	}
	if guarded {
		s.query("release savepoint postern")
	}
	t.dirty = t.dirty || st != nil && st.Dirty
}

// receive reads all results, and the answers out of them.
func (s *segment) receive(t *Transaction) error {
	for result := 0; ; {
		got, err := s.pipeline.GetResults()
		if err != nil {
			return err // the pipeline's Close reads what is left
		}
		if result, err = s.take(t, got, result); err != nil {
			return err
		}
		if _, synced := got.(*pgconn.PipelineSync); synced {
			return s.judge(t)
		}
	}
}

// take reads a result, the first of those not read yet, and returns the next one's number.
func (s *segment) take(t *Transaction, got any, result int) (next int, err error) {
	switch got := got.(type) {
	case *pgconn.StatementDescription:
		s.keepPrepared(got)
	case *pgconn.CloseComplete:
		s.noteClosed()
	case *pgconn.ResultReader:
		main := s.answered < len(s.mains) && result == s.mains[s.answered]
		if main {
			err = readRow(got, s.steps[s.answered].Answer)
		}
		if _, closeErr := got.Close(); closeErr != nil {
			err = closeErr
		}
		if err != nil {
			return result, err
		}
		if main {
			if t.bytes += len(s.steps[s.answered].Answer.Body); t.MaxBytes > 0 && t.bytes > t.MaxBytes && !t.commits() {
				return result, tooMuch
			}
			s.answered++
		}
		for result++; s.current < len(s.steps) && result >= s.begins[s.current+1]; {
			s.current++
		}
	case *pgconn.PipelineSync:
	default:
		return result, errors.New("the server's answer ends early")
	}
	return result, nil
}

// judge looks at the answers: at one that failed or is of no use the transaction ends.
func (s *segment) judge(t *Transaction) error {
	for _, step := range s.steps {
		answer := step.Answer
		t.dirty = t.dirty || dirty(step.Statement, answer)
		if t.Undone == nil && (answer.Note != Fine || answer.Status == 0 || t.Fails(answer)) {
			t.Undone = answer
		}
	}
	return nil
}

// commits reports whether writes are committed without looking at their answers. Then there is no refusing those.
func (t *Transaction) commits() bool {
	return t.ending && !t.Reads && !t.Rollback
}

var tooMuch = &fault.Fault{
	Status: http.StatusServiceUnavailable, Code: "PGRST003", Message: "The answers are too large together",
	Hint: "Ask for less, or raise server-max-bytes-in-flight",
}
