package db

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"postern/shell/fault"
)

// Handle calls postern.serve and puts what it gives into answer. An error that PostgreSQL raises outside of it, such
// as an unknown role, becomes an answer as well, by postern.error_response. Errors are of type *fault.Fault: PGRST000
// and PGRST001 (503) without a connection, PGRST003 (504) when none became free in time; or the context's own error.
func (p *Pool) Handle(ctx context.Context, request *Request, answer *Answer) error {
	conn, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { p.release(conn, answer.Leaves) }()
	pg := conn.Conn().PgConn()
	err = p.call(ctx, pg, request, answer)
	if pgconn.SafeToRetry(err) && ctx.Err() == nil {
		conn.Release()
		if conn, err = p.acquire(ctx); err != nil {
			return err
		}
		pg = conn.Conn().PgConn()
		err = p.call(ctx, pg, request, answer)
	}
	if stale(err) && !pg.IsClosed() {
		if err = p.prepareAgain(ctx, pg); err == nil {
			err = p.call(ctx, pg, request, answer)
		}
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return lost(err)
	}
	if pg.IsClosed() {
		conn.Release()
		if conn, err = p.acquire(ctx); err != nil {
			return err
		}
		pg = conn.Conn().PgConn()
	}
	return p.explain(ctx, pg, pgErr, request, answer)
}

func lost(err error) error {
	return &fault.Fault{
		Status: http.StatusServiceUnavailable, Code: "PGRST001",
		Message: "The connection to the database was lost", Cause: err,
	}
}

// stale tells whether a prepared statement is gone or its plan has another type than before. Nothing has run then.
func stale(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "26000" || pgErr.Code == "0A000")
}

func (p *Pool) prepareAgain(ctx context.Context, pg *pgconn.PgConn) error {
	s := sessionOf(pg)
	if s == nil || s.assume == nil {
		return nil
	}
	for _, name := range append(slices.Concat(p.names[serve][:], p.names[run][:]), p.assume) {
		if err := pg.Deallocate(ctx, name); err != nil {
			return err
		}
	}
	return p.prepareStatements(ctx, pg, s.restore)
}

// call makes one round trip; two where a statement that the session has met fails.
func (p *Pool) call(ctx context.Context, pg *pgconn.PgConn, request *Request, answer *Answer) error {
	if string(request.Role) == "none" { // to PostgreSQL this is the absence of a role: the request would run as ours
		return &pgconn.PgError{Severity: "ERROR", Code: "22023", Message: `role "none" does not exist`}
	}
	s := sessionOf(pg)
	if s == nil {
		s = &session{}
	}
	f := serve
	var failed *pgconn.PgError
	if request.Plain && s.met != nil && s.met.Contains(string(request.Statement)) {
		err := s.invoke(ctx, pg, run, request, nil, answer)
		failed = &pgconn.PgError{Code: "26000"}
		if err == nil || err != errNull && (!errors.As(err, &failed) || pg.IsClosed()) {
			return err
		}
		if failed.Code == "26000" {
			s.met.Remove(string(request.Statement))
		}
		f = recoverFrom
	}
	err := s.invoke(ctx, pg, f, request, failed, answer)
	if err == nil && answer.Met && s.met != nil {
		s.met.Add(string(request.Statement), struct{}{})
	}
	return err
}

// invoke makes one call of a function and reads its answer. failed: for recoverFrom.
func (s *session) invoke(ctx context.Context, pg *pgconn.PgConn, f function, request *Request, failed *pgconn.PgError, answer *Answer) error {
	st := &statements[f][index(request.safe())]
	values := request.bind(f, failed)
	prepared := s.prepared[f][index(request.safe())]
	if request.Assumed != nil {
		return s.invokeAssumed(ctx, pg, st, prepared, values, request.Assumed, answer)
	}
	if prepared != nil {
		return read(pg.ExecStatement(ctx, prepared, values, st.formats, binaryResult), answer)
	}
	return read(pg.ExecParams(ctx, st.sql, values, st.oids, st.formats, binaryResult), answer)
}

// invokeAssumed is invoke with settings or an isolation level of the request's own.
func (s *session) invokeAssumed(ctx context.Context, pg *pgconn.PgConn, st *statement, prepared *pgconn.StatementDescription, values [][]byte, assumed *Assumed, answer *Answer) error {
	var batch pgconn.Batch
	if assumed.isolation != "" {
		batch.ExecParams("begin isolation level "+assumed.isolation, nil, nil, nil, nil)
	}
	settings := [2][]byte{assumed.names, assumed.values}
	if s.assume != nil {
		batch.ExecStatement(s.assume, settings[:], assumeFormats, binaryResult)
	} else {
		batch.ExecParams(assumeSQL, settings[:], assumeOIDs, assumeFormats, binaryResult)
	}
	if prepared != nil {
		batch.ExecStatement(prepared, values, st.formats, binaryResult)
	} else {
		batch.ExecParams(st.sql, values, st.oids, st.formats, binaryResult)
	}
	which := 1
	if assumed.isolation != "" {
		batch.ExecParams("commit", nil, nil, nil, nil)
		which = 2
	}
	results := pg.ExecBatch(ctx, &batch)
	var err error
	for i := 0; results.NextResult(); i++ {
		if i == which {
			err = read(results.ResultReader(), answer)
		} else {
			_, _ = results.ResultReader().Close() // results.Close gives its error
		}
	}
	if closeErr := results.Close(); closeErr != nil {
		err = closeErr
	}
	if err != nil && !pg.IsClosed() && pg.TxStatus() != 'I' {
		if rollbackErr := pg.Exec(ctx, "rollback").Close(); rollbackErr != nil {
			return rollbackErr
		}
	}
	return err
}

// errNull: there is no response; a statement that was to run is stale.
var errNull = errors.New("postern gave null")

// read takes the answer out of the only row.
func read(result *pgconn.ResultReader, answer *Answer) error {
	var problem error
	rows := 0
	for ; result.NextRow(); rows++ {
		if response := result.Values()[0]; response != nil {
			problem = answer.parse(response)
		} else {
			problem = errNull
		}
	}
	if _, err := result.Close(); err != nil {
		return err
	}
	if rows != 1 && problem == nil {
		problem = fmt.Errorf("it gave %d rows", rows)
	}
	if problem != nil && problem != errNull {
		return &pgconn.PgError{Severity: "ERROR", Code: "XX000", Message: "postern gave no answer: " + problem.Error()}
	}
	return problem
}

// explain lets the database say how an error of PostgreSQL is answered.
func (p *Pool) explain(ctx context.Context, pg *pgconn.PgConn, pgErr *pgconn.PgError, request *Request, answer *Answer) error {
	anonymous := "false"
	if request.Anonymous {
		anonymous = "true"
	}
	values := [][]byte{
		[]byte(pgErr.Code), []byte(pgErr.Message), optional(pgErr.Detail), optional(pgErr.Hint),
		[]byte(anonymous), request.Verbosity,
	}
	err := read(pg.ExecParams(ctx, explainSQL, values, explainOIDs, nil, binaryResult), answer)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	var inner *pgconn.PgError
	if errors.As(err, &inner) {
		return &fault.Fault{
			Status: http.StatusInternalServerError, Code: pgErr.Code, Message: pgErr.Message, Details: pgErr.Detail,
			Hint: pgErr.Hint, Cause: inner,
		}
	}
	if err != nil {
		return lost(err)
	}
	return nil
}

func optional(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}
