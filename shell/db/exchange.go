package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"postern/shell/statement"
)

// exchange is one round trip: what a request (Pool.call), some requests of a transaction (segment) or a piece of a body
// (Load) takes is queued by the methods below, sent together, and read in the same order.
type exchange struct {
	pool     *Pool
	pg       *pgconn.PgConn
	session  *session
	pipeline *pgconn.Pipeline
	results  int  // results of queries so far
	main     int  // which of them is the answer; negative for none
	sink     Sink // nil for an answer of one row
	limit    int  // which of them says whether Request.Timeout is in force; negative for none
	limited  bool // what it said
	end      int  // which of them is that of the commit; negative for none
	ended    bool // it was read

	preparing []*statement.Statement // what is being prepared
	prepared  int                    // how many of these are
	closing   int                    // how many of the names that the session has to close are being closed
}

// newExchange begins a round trip on a connection.
func newExchange(ctx context.Context, p *Pool, pg *pgconn.PgConn) exchange {
	return exchange{pool: p, pg: pg, session: sessionOf(pg), pipeline: pg.StartPipeline(ctx), main: -1, limit: -1, end: -1}
}

// begin queues the beginning of a transaction; the level is empty for the session's.
func (e *exchange) begin(isolation string) {
	if isolation == "" {
		e.fixed(beginStatement, nil, nil)
	} else {
		e.query("begin isolation level " + isolation)
	}
}

// apply queues settings, which may be nil.
func (e *exchange) apply(settings *TransactionSettings) {
	if settings != nil {
		e.fixed(setMore, [][]byte{settings.names, settings.values}, moreFormats)
	}
}

// setUp queues everything that comes before the statement of a request.
func (e *exchange) setUp(request *Request, settings *TransactionSettings, st *statement.Statement) {
	e.apply(settings)
	e.limits(request)
	if st != nil && !st.Code && request.PreRequest == nil {
		e.fixed(setPlain, request.bindPlain(st, !e.session.pooled), nil)
	} else {
		e.fixed(setStatement, request.bindSet(st, !e.session.pooled), nil)
	}
	e.preRequest(request)
}

// preRequest queues the call of db-pre-request.
func (e *exchange) preRequest(request *Request) {
	if request.PreRequest != nil {
		e.statement(request.PreRequest, nil, nil)
	}
}

// execute queues a request's statement, or postern.handle for nil. What that returns is the answer.
func (e *exchange) execute(request *Request, st *statement.Statement) {
	e.main = e.results
	if st == nil {
		e.fixed(handleStatement, request.bindHandle(), handleFormats)
		return
	}
	values, formats := request.bind(st)
	e.statement(st, values, formats)
}

// limits queues what Request.Timeout asks for.
func (e *exchange) limits(request *Request) {
	if request.Timeout > 0 {
		e.limit = e.results
		e.params(limitSQL, [][]byte{strconv.AppendInt(nil, int64(request.Timeout), 10)}, limitOIDs, nil)
	}
}

// looks queues what looks at the cost of a statement, where that is due.
func (e *exchange) looks(request *Request, st *statement.Statement) {
	if st != nil && st.Due(time.Now) {
		e.params(lookSQL, request.bindLook(st), lookOIDs, lookFormats)
	}
}

// restore queues what restores the session.
func (e *exchange) restore() {
	for which := restoring; which < fixedStatements; which++ {
		e.fixed(which, nil, nil)
	}
}

func (e *exchange) query(sql string) { e.params(sql, nil, nil, nil) }

// params queues SQL that is not prepared.
func (e *exchange) params(sql string, values [][]byte, oids []uint32, formats []int16) {
	e.pipeline.SendQueryParams(sql, values, oids, formats, binaryFormat)
	e.results++
}

// fixed queues a fixed statement.
func (e *exchange) fixed(which int, values [][]byte, formats []int16) {
	sd := e.session.fixed[which]
	if sd == nil {
		e.params(fixed[which].sql, values, fixed[which].oids, formats)
		return
	}
	e.pipeline.SendQueryStatement(sd, values, formats, binaryFormat)
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

// next returns the next result of a query, nil at the end of what was sent.
func (e *exchange) next() (*pgconn.ResultReader, error) {
	for {
		got, err := e.pipeline.GetResults()
		if err != nil {
			return nil, err // the pipeline's Close reads what is left
		}
		switch got := got.(type) {
		case *pgconn.StatementDescription:
			made := e.preparing[e.prepared]
			e.prepared++
			got.Name = made.Name(e.pool.prefix)
			e.session.keep(made, got)
		case *pgconn.CloseComplete:
			e.session.closing = e.session.closing[1:]
			e.closing--
		case *pgconn.ResultReader:
			return got, nil
		case *pgconn.PipelineSync:
			return nil, nil
		default:
			return nil, errors.New("the server's answer ends early")
		}
	}
}

// receive reads all results, and the answer out of its own.
func (e *exchange) receive(answer *Answer) error {
	var problem error
	for result := 0; ; result++ {
		got, err := e.next()
		if err != nil {
			return err
		}
		if got == nil {
			return problem
		}
		switch {
		case result == e.limit:
			e.limited = got.NextRow()
		case result != e.main:
		case e.sink != nil:
			answer.Limited = e.limited // now: the lines may be on their way before the end
			problem = readLines(got, answer, e.sink)
		default:
			answer.Limited = e.limited
			problem = readRow(got, answer)
		}
		if _, err := got.Close(); err != nil {
			return err
		}
		e.ended = e.ended || result == e.end
	}
}

// finish sends what is queued and reads what comes back.
func (e *exchange) finish(answer *Answer) error {
	err := e.pipeline.Sync()
	if err == nil {
		err = e.receive(answer)
	}
	return e.close(err)
}

// close ends the round trip. It returns err or, without one, the error of what was not read.
func (e *exchange) close(err error) error {
	if closeErr := e.pipeline.Close(); err == nil {
		err = closeErr
	}
	return err
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
