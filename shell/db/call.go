package db

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"postern/shell/fault"
	"postern/shell/statement"
)

// Do sends a request to the database in one round trip and reads the answer: where st is nil by postern.handle, which compiles it
// first and says in the answer to what; else by executing st. A read is sent to a standby first where there is one for it. An error of PostgreSQL becomes an answer as well, by
// postern.error_response, in a second round trip. Errors are of type *fault.Fault: PGRST000 and PGRST001 (503) without a connection,
// PGRST003 (504) when none became free in time; or the context's own error.
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
	var pgErr *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case request.Cut != nil:
		return request.Cut
	case !errors.As(err, &pgErr):
		return lost(err, writes(request, st))
	case isDown(pgErr):
		return down(pgErr, writes(request, st))
	}
	if f := p.PooledFault(err); f != nil {
		return f
	}
	if pgOf(conn).IsClosed() {
		if conn, err = p.replace(ctx, conn); err != nil {
			return err
		}
	}
	return p.explain(ctx, pgOf(conn), pgErr, request, st, answer)
}

func pgOf(conn *pgxpool.Conn) *pgconn.PgConn { return conn.Conn().PgConn() }

// replace gives a lost connection back and takes another, which is nil on errors.
func (p *Pool) replace(ctx context.Context, conn *pgxpool.Conn) (*pgxpool.Conn, error) {
	conn.Release()
	return p.acquire(ctx)
}

// dirty reports whether code of the user's that postern.handle ran may have left something in the session, whether the request
// failed or not. What was compiled is not known where it failed.
func dirty(st *statement.Statement, answer *Answer) bool {
	return st == nil && (answer.Statement == nil || answer.Statement.Dirty)
}

// uncertain is said of a write whose end was not heard of.
const uncertain = "It is not known whether the request was carried out: it may have been committed"

// writes reports whether a request may change something.
func writes(request *Request, st *statement.Statement) bool {
	return !request.safe() && string(request.Method) != http.MethodOptions && (st == nil || !st.ReadOnly)
}

// lost returns the fault of a connection that was lost; with sent after a write was sent on it.
func lost(err error, sent bool) error {
	f := &fault.Fault{
		Status: http.StatusServiceUnavailable, Code: "PGRST001", Message: "The connection to the database was lost", Cause: err,
	}
	if sent {
		f.Details = uncertain
	}
	return f
}

// isDown reports whether an error says that the server is going down, or not up yet, and not only that user code has raised it.
func isDown(err *pgconn.PgError) bool {
	return err.SeverityUnlocalized != "ERROR" && (err.Code == "57P01" || err.Code == "57P02" || err.Code == "57P03")
}

// down returns the fault of such an error; with sent as lost. It may come after the commit, before the server has said so.
func down(err *pgconn.PgError, sent bool) error {
	f := &fault.Fault{
		Status: http.StatusServiceUnavailable, Code: err.Code, Message: err.Message, Details: err.Detail, Hint: err.Hint, Cause: err,
	}
	if sent {
		f.Details = uncertain
	}
	return f
}

// isUnprepared reports whether a prepared statement is gone. Nothing has run then.
func isUnprepared(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "26000"
}

var errRoleNone = &pgconn.PgError{Severity: "ERROR", Code: "22023", Message: `role "none" does not exist`}

// call makes one round trip.
func (p *Pool) call(ctx context.Context, conn *pgxpool.Conn, request *Request, st *statement.Statement, answer *Answer) error {
	if string(request.Role) == "none" { // to PostgreSQL this is the absence of a role: the request would run as ours
		return errRoleNone
	}
	pg := pgOf(conn)
	p.trips.Add(1)
	e := exchange{pool: p, pg: pg, session: sessionOf(pg), pipeline: pg.StartPipeline(ctx), sink: request.Sink}
	e.send(request, st)
	restores := st != nil && st.Dirty && !e.session.pooled
	if restores {
		e.pipeline.SendPipelineSync()
		if e.explicit {
			e.query("rollback") // where it failed
		}
		e.restore()
	}
	err := e.pipeline.Sync()
	if err == nil {
		err = e.receive(answer)
	}
	if closeErr := e.pipeline.Close(); closeErr != nil {
		if restores {
			_ = pg.Close(ctx) // the pool then makes another
		} else if err == nil {
			err = closeErr
		}
	}
	if err != nil && !pg.IsClosed() && pg.TxStatus() != 'I' {
		if rollbackErr := pg.Exec(ctx, "rollback").Close(); rollbackErr != nil {
			err = rollbackErr
		}
	}
	if err != nil && request.isSent() {
		request.Cut = cutBy(err)
	}
	return err
}

// exchange is one round trip.
type exchange struct {
	pool     *Pool
	pg       *pgconn.PgConn
	session  *session
	pipeline *pgconn.Pipeline
	results  int  // results of queries so far
	main     int  // which of them is the answer
	sink     Sink // nil for an answer of one row
	limit    int  // which of them says whether Request.Timeout is in force; 0 for none, the place counted from 1
	explicit bool // the transaction begins and ends by statements

	preparing []*statement.Statement // what is being prepared
	prepared  int                    // how many of these are
	closing   int                    // how many of the names that the session has to close are being closed
}

// send queues everything that a request takes.
func (e *exchange) send(request *Request, st *statement.Statement) {
	assumed := request.Assumed
	if st != nil {
		assumed = assumed.With(st.Isolation, st.Settings)
	}
	e.explicit = assumed != nil && assumed.isolation != ""
	if e.explicit {
		e.query("begin isolation level " + assumed.isolation)
	}
	if assumed != nil {
		e.fixed(setMore, [][]byte{assumed.names, assumed.values}, moreFormats)
	}
	e.limits(request)
	e.fixed(setStatement, request.bindSet(st, !e.session.pooled), nil)
	if request.PreRequest != nil {
		e.statement(request.PreRequest, nil, nil)
	}
	if st != nil && st.Due(time.Now) {
		e.looks(request, st)
	}
	e.main = e.results
	if st == nil {
		e.fixed(handleStatement, request.bindHandle(), handleFormats)
	} else {
		values, formats := request.bind(st)
		e.statement(st, values, formats)
	}
	if e.explicit {
		e.query("commit")
	}
}

// limits queues what Request.Timeout asks for.
func (e *exchange) limits(request *Request) {
	if request.Timeout > 0 {
		e.pipeline.SendQueryParams(limitSQL, [][]byte{strconv.AppendInt(nil, int64(request.Timeout), 10)}, limitOIDs, nil, binaryFormat)
		e.results++
		e.limit = e.results
	}
}

// looks queues what looks at the cost of a statement.
func (e *exchange) looks(request *Request, st *statement.Statement) {
	e.pipeline.SendQueryParams(lookSQL, request.bindLook(st), lookOIDs, lookFormats, binaryFormat)
	e.results++
}

// restore queues what restores the session.
func (e *exchange) restore() {
	for which := restoring; which < fixedStatements; which++ {
		e.fixed(which, nil, nil)
	}
	e.pool.restores.Add(1)
}

func (e *exchange) query(sql string) {
	e.pipeline.SendQueryParams(sql, nil, nil, nil, nil)
	e.results++
}

// fixed queues a fixed statement.
func (e *exchange) fixed(which int, values [][]byte, formats []int16) {
	if sd := e.session.fixed[which]; sd != nil {
		e.pipeline.SendQueryStatement(sd, values, formats, binaryFormat)
	} else {
		e.pipeline.SendQueryParams(fixed[which].sql, values, fixed[which].oids, formats, binaryFormat)
	}
	e.results++
}

// statement queues a statement, by name where it is prepared or is to be now.
func (e *exchange) statement(st *statement.Statement, values [][]byte, formats []int16) {
	e.results++
	if sd, found := e.session.prepared.Get(st.ID); found {
		e.pipeline.SendQueryStatement(sd, values, formats, binaryFormat)
		return
	}
	if e.prepares(st) {
		e.pipeline.SendQueryPrepared(st.Name(e.pool.prefix), values, formats, binaryFormat)
		return
	}
	if !e.session.wants(st.ID) {
		e.pipeline.SendQueryParams(st.SQL, values, st.Params, formats, binaryFormat)
		return
	}
	for ; e.closing < len(e.session.closing); e.closing++ {
		e.pipeline.SendDeallocate(e.session.closing[e.closing])
	}
	name := st.Name(e.pool.prefix)
	e.pipeline.SendPrepare(name, st.SQL, st.Params)
	e.preparing = append(e.preparing, st)
	e.pipeline.SendQueryPrepared(name, values, formats, binaryFormat)
}

// prepares reports whether a statement is being prepared in this round trip.
func (e *exchange) prepares(st *statement.Statement) bool {
	return slices.ContainsFunc(e.preparing, func(made *statement.Statement) bool { return made.ID == st.ID })
}

// keepPrepared notes that the first of the statements that are being prepared is.
func (e *exchange) keepPrepared(got *pgconn.StatementDescription) {
	made := e.preparing[e.prepared]
	e.prepared++
	got.Name = made.Name(e.pool.prefix)
	e.session.keep(made, got)
}

// noteClosed notes that the first of the names that are being closed is.
func (e *exchange) noteClosed() {
	e.session.closing = e.session.closing[1:]
	e.closing--
}

// receive reads all results.
func (e *exchange) receive(answer *Answer) error {
	var problem error
	limited := false
	for result := 0; ; {
		got, err := e.pipeline.GetResults()
		if err != nil {
			return err // the pipeline's Close reads what is left
		}
		switch got := got.(type) {
		case *pgconn.StatementDescription:
			e.keepPrepared(got)
		case *pgconn.CloseComplete:
			e.noteClosed()
		case *pgconn.ResultReader:
			switch {
			case result != e.main:
			case e.sink != nil:
				answer.Limited = limited
				problem = readLines(got, answer, e.sink)
			default:
				problem = readRow(got, answer)
			}
			limits := result+1 == e.limit && got.NextRow()
			if _, err := got.Close(); err != nil {
				return err
			}
			if result++; limits {
				limited = true
			}
		case *pgconn.PipelineSync:
			if e.sink == nil { // else it may be read already
				answer.Limited = limited
			}
			return problem
		default:
			return errors.Join(problem, errors.New("the server's answer ends early"))
		}
	}
}

// readRow reads the only row.
func readRow(result *pgconn.ResultReader, answer *Answer) error {
	var problem error
	rows := 0
	for ; result.NextRow(); rows++ {
		problem = answer.read(result.Values())
	}
	if problem == nil && rows != 1 {
		problem = fmt.Errorf("there are %d rows", rows)
	}
	if problem != nil {
		return noAnswer(problem)
	}
	return nil
}

func noAnswer(problem error) error {
	return &pgconn.PgError{Severity: "ERROR", Code: "XX000", Message: "postern gave no answer: " + problem.Error()}
}

// explain lets the database say how an error of PostgreSQL is answered, or that it comes of DDL: then the answer is stale.
func (p *Pool) explain(ctx context.Context, pg *pgconn.PgConn, pgErr *pgconn.PgError, request *Request, st *statement.Statement, answer *Answer) error {
	if pgErr.Code == "PNSTL" {
		answer.Note = Stale
		return nil
	}
	anonymous, epoch := boolFalse, ""
	if request.Anonymous {
		anonymous = boolTrue
	}
	if st != nil {
		epoch = st.Epoch
	}
	values := [][]byte{
		[]byte(pgErr.Code), []byte(pgErr.Message), optional(pgErr.Detail), optional(pgErr.Hint), anonymous, request.Verbosity, []byte(epoch),
	}
	p.trips.Add(1)
	err := word(ctx, pg, values, answer)
	if isUnprepared(err) { // by the code that has failed
		if err = p.prepareFixed(ctx, pg); err == nil {
			err = word(ctx, pg, values, answer)
		}
	}
	var inner *pgconn.PgError
	switch {
	case err == nil:
		if answer.Status == 0 {
			answer.Note = Stale
		}
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &inner) && isDown(inner):
		return down(inner, false)
	case errors.As(err, &inner) && strings.HasPrefix(inner.Code, "08"):
		return lost(err, false)
	case errors.As(err, &inner) && (isMissing(inner) || inner.Code == "42501"): // 42501: a schema that is to be dropped, or filled
		return &fault.Fault{
			Status: http.StatusServiceUnavailable, Code: "PGRST002", Message: "The database has no functions of postern any more",
			Hint: "Run postern migrate", Cause: inner,
		}
	case errors.As(err, &inner):
		return &fault.Fault{
			Status: http.StatusInternalServerError, Code: pgErr.Code, Message: pgErr.Message, Details: pgErr.Detail,
			Hint: pgErr.Hint, Cause: inner,
		}
	}
	return lost(err, false)
}

// word executes explainStatement.
func word(ctx context.Context, pg *pgconn.PgConn, values [][]byte, answer *Answer) error {
	var result *pgconn.ResultReader
	if sd := sessionOf(pg).fixed[explainStatement]; sd != nil {
		result = pg.ExecStatement(ctx, sd, values, nil, binaryFormat)
	} else {
		result = pg.ExecParams(ctx, fixed[explainStatement].sql, values, fixed[explainStatement].oids, nil, binaryFormat)
	}
	err := readRow(result, answer)
	if _, closeErr := result.Close(); closeErr != nil {
		err = closeErr
	}
	return err
}

func optional(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}
