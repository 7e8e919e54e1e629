package db

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5/pgconn"

	"postern/shell/fault"
)

// The statements. The first sets what a request runs with and handles it; set_config is in WHERE because that is
// evaluated first. The second, sent before it in the same transaction, sets the settings that must be in force when the
// first starts, such as statement_timeout.
const (
	settingSQL = " where pg_catalog.concat(pg_catalog.set_config('search_path', $5, true), pg_catalog.set_config('role', $6, true)," +
		" pg_catalog.set_config('request.jwt.claims', $7, true), pg_catalog.set_config('request.method', $8, true)," +
		" pg_catalog.set_config('request.path', $9, true), pg_catalog.set_config('request.headers', $10, true)," +
		" pg_catalog.set_config('request.cookies', $11, true), "
	handleSQL = "select postern.serve($1, $2, $3, $4)" + settingSQL + "pg_catalog.set_config('postern.payload', $12, true)) is not null"
	readSQL   = "select postern.serve($1, $2, $3, $4)" + settingSQL + "pg_catalog.set_config('transaction_read_only', $12, true)) is not null"
	assumeSQL = "select pg_catalog.count(pg_catalog.set_config(s.name, s.value, true))" +
		" from unnest($1::text[], $2::text[]) as s(name, value)"
	explainSQL = "select postern.response(e.status, e.headers, e.body) from postern.error_response($1, $2, $3, $4, $5, $6) as e"
)

// Object identifiers of the types of the parameters (pg_type).
const (
	oidBool      = 16
	oidBytea     = 17
	oidText      = 25
	oidTextArray = 1009
)

var (
	handleOIDs = []uint32{oidText, oidBytea, oidText, oidText, oidText, oidText, oidText, oidText, oidText, oidText,
		oidText, oidText}
	handleFormats = []int16{0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	on            = []byte("on")
	assumeOIDs    = []uint32{oidTextArray, oidTextArray}
	assumeFormats = []int16{1, 1}
	explainOIDs   = []uint32{oidText, oidText, oidText, oidText, oidBool, oidText}
	binaryResult  = []int16{1}
)

// Request is one call of postern.serve. The slices are not kept.
type Request struct {
	JSON       []byte // the request
	Payload    []byte // its body; nil for none
	Settings   []byte // the settings as JSON
	Known      []byte // the statement that answers it where the session has met its shape; nil for none
	Text       []byte // its body for that statement, UTF-8
	SearchPath []byte // quoted schemas with commas
	Role       []byte // the role to assume
	Claims     []byte // request.jwt.claims
	Method     string // request.method; GET and HEAD run read-only
	Path       string // request.path
	Headers    []byte // request.headers, JSON
	Cookies    []byte // request.cookies, JSON
	Assumed    *Assumed
	Anonymous  bool   // for the answer to an error of PostgreSQL
	Verbosity  []byte // as Anonymous

	values [12][]byte // parameters; here so that they need no allocation
	texts  []byte     // room for those that are strings
}

// safe tells whether the method is one that writes nothing (RFC 9110, 9.2.1).
func (r *Request) safe() bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// bind fills in the parameters.
func (r *Request) bind() {
	r.texts = append(append(r.texts[:0], r.Method...), r.Path...)
	method, path := r.texts[:len(r.Method):len(r.Method)], r.texts[len(r.Method):]
	last := r.Text
	if r.safe() {
		last = on
	} else if last == nil {
		last = []byte{}
	}
	r.values = [12][]byte{r.JSON, r.Payload, r.Settings, r.Known, r.SearchPath, r.Role, r.Claims, method, path, r.Headers, r.Cookies, last}
}

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
	if s == nil || s.handle == nil {
		return nil
	}
	for _, name := range []string{p.handle, p.read, p.assume} {
		if err := pg.Deallocate(ctx, name); err != nil {
			return err
		}
	}
	return p.prepareStatements(ctx, pg, s.restore)
}

// call makes one round trip.
func (p *Pool) call(ctx context.Context, pg *pgconn.PgConn, request *Request, answer *Answer) error {
	request.bind()
	s := sessionOf(pg)
	if s == nil {
		s = &session{}
	}
	if string(request.Role) == "none" { // to PostgreSQL this is the absence of a role: the request would run as ours
		return &pgconn.PgError{Severity: "ERROR", Code: "22023", Message: `role "none" does not exist`}
	}
	if request.Assumed != nil {
		return callAssumed(ctx, pg, s, request, answer)
	}
	var result *pgconn.ResultReader
	statement, sql := s.statement(request)
	if statement != nil {
		result = pg.ExecStatement(ctx, statement, request.values[:], handleFormats, binaryResult)
	} else {
		result = pg.ExecParams(ctx, sql, request.values[:], handleOIDs, handleFormats, binaryResult)
	}
	return read(result, answer)
}

// callAssumed is call with settings or an isolation level of the request's own.
func callAssumed(ctx context.Context, pg *pgconn.PgConn, s *session, request *Request, answer *Answer) error {
	var batch pgconn.Batch
	assumed := request.Assumed
	if assumed.isolation != "" {
		batch.ExecParams("begin isolation level "+assumed.isolation, nil, nil, nil, nil)
	}
	settings := [2][]byte{assumed.names, assumed.values}
	statement, sql := s.statement(request)
	if statement != nil {
		batch.ExecStatement(s.assume, settings[:], assumeFormats, binaryResult)
		batch.ExecStatement(statement, request.values[:], handleFormats, binaryResult)
	} else {
		batch.ExecParams(assumeSQL, settings[:], assumeOIDs, assumeFormats, binaryResult)
		batch.ExecParams(sql, request.values[:], handleOIDs, handleFormats, binaryResult)
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

// read takes the answer out of the only row.
func read(result *pgconn.ResultReader, answer *Answer) error {
	var problem error
	rows := 0
	for ; result.NextRow(); rows++ {
		problem = answer.parse(result.Values()[0])
	}
	if _, err := result.Close(); err != nil {
		return err
	}
	if rows != 1 && problem == nil {
		problem = fmt.Errorf("it gave %d rows", rows)
	}
	if problem != nil {
		return &pgconn.PgError{Severity: "ERROR", Code: "XX000", Message: "postern gave no answer: " + problem.Error()}
	}
	return nil
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
