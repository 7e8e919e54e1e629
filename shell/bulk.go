package shell

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"postern/shell/apierror"
	"postern/shell/auth"
	"postern/shell/cut"
	"postern/shell/db"
	"postern/shell/statement"
	"postern/shell/tracing"
)

// bulk is a request whose rows are sent to the database in pieces, as one transaction.
type bulk struct {
	server *Server
	st     *state
	x      *exchange
	r      *http.Request
	rows   *cut.Rows

	load      *db.Load
	statement *statement.Statement
	now, next *cut.Piece
	refused   *cut.LineError // of the first rows
	ahead     bool           // next, or the error of reading it, is there
	ends      error          // that error; io.EOF at the end of the body
	pieces    int            // that were executed
	compiled  bool           // by this request
	compiling time.Duration  // what that took, where it was asked for
	count     int64          // of rows in their answers, where that is asked for
	counted   bool
	scratch   []byte
}

// handleRows sends a request with rows to the database.
func (s *Server) handleRows(
	st *state, x *exchange, out *response, r *http.Request, identity *auth.Identity, rows *cut.Rows,
) error {
	b := &bulk{server: s, st: st, x: x, r: r, rows: rows, now: new(cut.Piece), next: new(cut.Piece)}
	x.rows = rows
	if err := rows.First(b.now); err == io.EOF || errors.As(err, &b.refused) && !b.refused.Long {
		b.ahead, b.ends = true, err // of a wrong line the database tells
	} else if err != nil {
		return readFault(err)
	}
	x.timing.skip()
	st.prepare(x, r, identity)
	x.more = append(x.more, `,"pieces":true,"exact":true`...)
	x.timing.lap(phaseParse)
	if out.unread && b.ends == nil {
		leave, err := s.joinStream(r.Context(), st.acquisition())
		if err != nil {
			return err
		}
		defer leave()
	}
	began := time.Now()
	err := b.run()
	x.timing.lap(phaseTransaction)
	if x.span != nil {
		x.span.Traveled(tracing.Trip{
			Began: began, Acquired: x.call.Acquired, Compiled: b.compiling, Code: x.answer.Code(), Err: err,
		})
	}
	if st.config.LogQuery {
		x.executed = executed{before: st.preRequest, main: b.statement, took: time.Since(began), compiled: b.compiled}
	}
	if err != nil {
		return err
	}
	out.unread = out.unread && b.ends != io.EOF
	return s.answered(r, x)
}

// errAgain says that nothing was done, as the schema has changed since what the transaction or the statement has seen.
var errAgain = internal("the schema changed while the request was compiled, each time")

// run makes the transaction, again where the schema changed before anything was done.
func (b *bulk) run() error {
	for range maxAttempts {
		if err := b.attempt(); err != errAgain {
			return err
		}
		b.server.noteDDL()
		b.server.statements.Drop(b.x.shape, b.statement)
	}
	return errAgain
}

func (b *bulk) attempt() error {
	var err error
	b.statement = b.server.statements.Get(b.r.Context(), b.x.shape)
	b.load, err = b.server.pool.Begin(b.r.Context(), &b.x.call, b.statement)
	if b.load == nil {
		return err
	}
	defer b.load.Close()
	if err == nil && b.statement == nil {
		err = b.compile()
	}
	for err == nil {
		if err = b.execute(); err != nil {
			return b.failed(err)
		}
		if b.x.answer.Code() != "" { // what was compiled says what is wrong with the request
			return nil
		}
		b.note()
		if b.ends != nil {
			break
		}
		b.now, b.next, b.ahead = b.next, b.now, false
	}
	if err != nil {
		return b.failed(err)
	}
	if b.ends != io.EOF {
		return readFault(b.ends)
	}
	if err = b.load.Commit(!b.statement.Rollback); err != nil {
		if f := b.load.Failed(err, !b.statement.Rollback); f != nil {
			return f
		}
		return b.explain(err, 0)
	}
	b.mergeAnswers()
	return nil
}

// compile gets the statement from the database.
func (b *bulk) compile() (err error) {
	x := b.x
	b.statement, err = b.server.statements.Compile(x.shape, func() (*statement.Statement, error) {
		err := b.load.Compile(&x.answer)
		if made := x.answer.Statement; made != nil {
			made.Keep = made.Keep && b.refused == nil
			made.SQL = labelled(made.SQL, b.st.label(b.r, "", false))
			b.compiled, b.compiling = true, b.compiling+made.Took
		}
		return x.answer.Statement, err
	})
	if err == nil && b.statement == nil {
		err = &pgconn.PgError{Severity: "ERROR", Code: "XX000", Message: "postern compiled no statement"}
	}
	b.x.timing.lap(phasePlan)
	return err
}

// execute executes the statement for a piece. Meanwhile the next one is read.
func (b *bulk) execute() error {
	for range maxAttempts {
		err := b.load.Send(b.statement, b.now.JSON, true)
		if err != nil {
			return err
		}
		if !b.ahead {
			b.ends, b.ahead = b.rows.Next(b.next), true
		}
		if err = b.load.Receive(&b.x.answer); err == nil || b.load.Failed(err, false) != nil {
			return err
		}
		if undo := b.load.Undo(); undo != nil {
			return undo
		}
		again, problem := b.load.Recover(err)
		if stale(err) && b.pieces > 0 { // by DDL on something else than is written to
			b.server.noteDDL()
			b.server.statements.Drop(b.x.shape, b.statement)
			epoch := b.statement.Epoch
			if again, problem = true, b.compile(); problem == nil && b.statement.Epoch == epoch {
				return errSnapshot
			}
		}
		if problem != nil {
			return problem
		}
		if !again {
			return err
		}
	}
	return internal(errAgain.Message) // not errAgain: pieces may have been executed
}

// errSnapshot is the error of DDL during a transaction that keeps the snapshot which it began with.
var errSnapshot = &pgconn.PgError{Severity: "ERROR", Code: "40001",
	Message: "The schema changed while the rows were written"}

// stale reports whether an error says that a statement was compiled before the latest DDL.
func stale(err error) bool { return db.SQLState(err) == "PNSTL" }

// failed has an error answered, with the number of the line that it comes of.
func (b *bulk) failed(err error) error {
	if _, told := errors.AsType[*apierror.Error](err); told {
		return err
	}
	if stale(err) && b.pieces == 0 {
		return errAgain
	}
	if f := b.load.Failed(err, false); f != nil {
		return f
	}
	if wrong := b.now.CheckJSON(); wrong != nil {
		return readFault(wrong)
	}
	line, err := b.search(err)
	if f := b.load.Failed(err, false); f != nil {
		return f
	}
	return b.explain(err, line)
}

// explain has the database say how an error of it is answered.
func (b *bulk) explain(err error, line int) error {
	pgErr, _ := errors.AsType[*pgconn.PgError](err)
	answer := &b.x.answer
	if err := b.load.Explain(pgErr, b.statement, answer); err != nil {
		return err
	}
	if answer.Note == db.Stale {
		if b.pieces == 0 {
			return errAgain
		}
		if stale(err) {
			pgErr = errSnapshot
		}
		if err := b.load.Explain(pgErr, nil, answer); err != nil {
			return err
		}
	}
	if body, ends := bytes.CutSuffix(answer.Body, []byte{'}'}); ends && line > 0 && answer.Code() != "" {
		answer.Body = append(strconv.AppendInt(append(bytes.Clone(body), `,"line":`...), int64(line), 10), '}')
	}
	return nil
}

// note adds what the answer of a piece counts.
func (b *bulk) note() {
	b.pieces++
	if i := indexField(b.x.answer.Headers, "Content-Range"); i >= 0 {
		_, number, _ := strings.Cut(string(b.x.answer.Headers[i][1]), "/")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			b.count, b.counted = b.count+n, true
		}
	}
}

// mergeAnswers turns the answer to the last piece into the answer to all of them.
func (b *bulk) mergeAnswers() {
	if b.pieces == 1 {
		return
	}
	answer := &b.x.answer
	if i := indexField(answer.Headers, "Content-Range"); i >= 0 && b.counted {
		answer.Headers[i][1] = strconv.AppendInt([]byte("*/"), b.count, 10)
	}
	if i := indexField(answer.Headers, "Location"); i >= 0 {
		answer.Headers = slices.Delete(answer.Headers, i, i+1)
	}
}

// readFault returns the answer to an error of reading rows.
func readFault(err error) error {
	wrong, ok := errors.AsType[*cut.LineError](err)
	if !ok {
		return err
	}
	f := &apierror.Error{Status: http.StatusBadRequest, Code: "PGRST102", Message: wrong.Message, Line: wrong.Line}
	if wrong.Long {
		f.Status = http.StatusRequestEntityTooLarge
		f.Details = "At most " + strconv.Itoa(streamedLine) + " bytes are accepted"
	}
	return f
}
