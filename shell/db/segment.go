package db

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"postern/shell/statement"
)

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
func (p *Pool) segment(
	ctx context.Context, conn *pgxpool.Conn, t *Transaction, steps []Step, last bool,
) (segment, error) {
	pg := pgOf(conn)
	if err := steps[0].Request.checkRole(); err != nil {
		return segment{steps: steps}, err
	}
	steps[0].Request.noteAcquired()
	p.trips.Add(1)
	running, stop := context.WithCancel(ctx)
	defer stop()
	s := segment{exchange: newExchange(running, p, pg), steps: steps}
	s.send(t, last)
	err := s.pipeline.Sync()
	if err == nil {
		err = s.receive(t)
	}
	if errors.Is(err, tooMuch) { // what is left need not run
		stop()
	}
	err = s.close(err)
	if err != nil {
		p.rollBack(pg)
		for _, step := range steps { // those before the one that failed have run
			t.dirty = t.dirty || dirty(step.Statement, step.Answer)
		}
	}
	t.begun = t.begun || err == nil
	return s, err
}

// send queues everything that the steps take, and the end of the transaction where it need not wait for their answers.
func (s *segment) send(t *Transaction, last bool) {
	ends, generic := last && (t.Reads || t.Rollback || t.expects(s.steps) <= t.MaxBytes/expectedShare), !s.session.pooled
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

// expectedShare is how much of what answers may have in memory is expected at most of writes that are committed in the
// trip that they come with: a fourth, as they may be larger than all before them.
const expectedShare = 4

// expects returns how many bytes the answers of a transaction may have, by what the statements had so far.
func (t *Transaction) expects(steps []Step) int {
	bytes := t.bytes
	for _, step := range steps {
		if step.Statement != nil {
			bytes += step.Statement.Largest()
		}
	}
	return bytes
}

// begin queues the beginning of a transaction, with the role's settings.
func (s *segment) begin(t *Transaction) {
	settings := s.steps[0].Request.Settings
	s.exchange.begin(max(t.Isolation, settings.level())) // serializable is the stronger one, and the greater word
	s.apply(settings)
}

const (
	// keepSettings keeps the values of settings, for restoreSettings.
	keepSettings = "select pg_catalog.set_config('postern.before', (select pg_catalog.jsonb_object_agg(s.name," +
		" coalesce(pg_catalog.current_setting(s.name, true), ''))::pg_catalog.text from pg_catalog.unnest($1) as s(name))," +
		" true)"
	restoreSettings = "select pg_catalog.count(pg_catalog.set_config(b.key, b.value, true))" +
		" from pg_catalog.jsonb_each_text(pg_catalog.current_setting('postern.before')::pg_catalog.jsonb) as b"
)

var (
	// setNext is setStatement for the requests behind the first, which most is set for already. It is another statement as
	// it is planned for another role: which schemas of the path a role may use is part of a plan's validity.
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

// step queues one step. One that may not write is in a subtransaction, at whose end the transaction may write again.
func (s *segment) step(step Step, t *Transaction, generic bool) {
	st := step.Statement
	guarded := !t.Reads && step.Request.readsOnly(st)
	if guarded {
		s.query("savepoint postern")
	}
	if st == nil || strings.Contains(st.SQL, "postern.inserted") {
		s.statement(uncounted, nil, nil)
	}
	var own *TransactionSettings
	if st != nil {
		own = NewTransactionSettings("", st.Settings)
	}
	limited := step.Request.Timeout > 0
	if kept := own; kept != nil || limited {
		if limited {
			kept = own.With("", [][2]string{{"statement_timeout", ""}})
		}
		s.params(keepSettings, [][]byte{kept.names}, []uint32{oidTextArray}, binaryFormat)
	}
	s.limits(step.Request)
	s.apply(own)
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
	s.preRequest(step.Request)
	s.looks(step.Request, st)
	s.execute(step.Request, st)
	s.mains = append(s.mains, s.main)
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
		got, err := s.next()
		if err != nil {
			return err
		}
		if got == nil {
			s.judge(t)
			return nil
		}
		if err = s.take(t, got, result); err != nil {
			return err
		}
		for result++; s.current < len(s.steps) && result >= s.begins[s.current+1]; {
			s.current++
		}
	}
}

// take reads a result, of which so many were read before.
func (s *segment) take(t *Transaction, got *pgconn.ResultReader, result int) (err error) {
	if s.answered == len(s.mains) || result != s.mains[s.answered] {
		_, err = got.Close()
		return err
	}
	step := s.steps[s.answered]
	answer := step.Answer
	if t.commits() {
		answer.most = max(t.MaxBytes-t.bytes, 1)
	}
	err = readRow(got, answer)
	answer.most = 0
	if _, closeErr := got.Close(); closeErr != nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if st := step.Statement; st != nil {
		st.Answered(answer.size)
	} else if answer.Statement != nil {
		answer.Statement.Answered(answer.size)
	}
	if !t.fits(answer) {
		return tooMuch
	}
	s.answered++
	return nil
}

// judge looks at the answers there are: at the first that failed or is of no use the transaction ends.
func (s *segment) judge(t *Transaction) {
	for _, step := range s.steps[:s.answered] {
		answer := step.Answer
		t.dirty = t.dirty || dirty(step.Statement, answer)
		if t.Undone == nil && (answer.Note != Fine || answer.Status == 0 || t.Fails(answer)) {
			t.Undone = answer
		}
	}
}
