package db

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"postern/shell/apierror"
	"postern/shell/statement"
)

// refusal separates the errors of PostgreSQL that answer a request, which are for explain, from those that say that
// there is no answer: these it returns as a fault, or as the context's error. With sent a write was sent.
func (p *Pool) refusal(ctx context.Context, err error, sent bool) (*pgconn.PgError, error) {
	var pgErr *pgconn.PgError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case !errors.As(err, &pgErr):
		return nil, lost(err, sent)
	}
	if f := p.PooledFault(err); f != nil {
		return nil, f
	}
	if isDown(pgErr) {
		return nil, down(pgErr, sent)
	}
	return pgErr, nil
}

// uncertain is said of a write whose end was not heard of.
const uncertain = "It is not known whether the request was carried out: it may have been committed"

// lost returns the fault of a connection that was lost; with sent after a write was sent on it.
func lost(err error, sent bool) error {
	f := &apierror.Error{
		Status: http.StatusServiceUnavailable, Code: "PGRST001", Message: "The connection to the database was lost",
		Cause: err,
	}
	if sent {
		f.Details = uncertain
	}
	return f
}

// isDown reports whether an error says that the server is going down, or not up yet, or that it, or a pooler before it,
// ends the connection as it understands it no more; and not only that user code has raised it.
func isDown(err *pgconn.PgError) bool {
	switch err.Code {
	case "57P01", "57P02", "57P03", "08P01":
		return err.SeverityUnlocalized != "ERROR"
	}
	return false
}

// down returns the fault of such an error; with sent as lost. It may come after the commit, before the server has said
// so.
func down(err *pgconn.PgError, sent bool) error {
	f := &apierror.Error{
		Status: http.StatusServiceUnavailable, Code: err.Code, Message: err.Message, Details: err.Detail, Hint: err.Hint,
		Cause: err,
	}
	if sent {
		f.Details = uncertain
	}
	return f
}

// uninstalledCode is the code of what uninstalled returns.
const uninstalledCode = "PGRST002"

// uninstalled returns the fault of a database without postern's functions.
func uninstalled(err *pgconn.PgError) error {
	return &apierror.Error{
		Status: http.StatusServiceUnavailable, Code: uninstalledCode,
		Message: "The database has no functions of postern any more", Hint: "Run postern migrate", Cause: err,
	}
}

// isUnprepared reports whether a prepared statement is gone. Nothing has run then.
func isUnprepared(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "26000"
}

// explain lets the database say how an error of PostgreSQL is answered, or that it comes of DDL: then the answer is
// stale.
func (p *Pool) explain(
	ctx context.Context, pg *pgconn.PgConn, pgErr *pgconn.PgError,
	request *Request, st *statement.Statement, answer *Answer,
) error {
	if pgErr.Code == "PNSTL" {
		answer.Note = Stale
		return nil
	}
	if pgErr.Code == "42501" && strings.HasSuffix(pgErr.Message, " schema postern") { // it may be filled by now
		return uninstalled(pgErr)
	}
	anonymous, epoch := boolFalse, ""
	if request.Anonymous {
		anonymous = boolTrue
	}
	if st != nil {
		epoch = st.Epoch
	}
	values := [][]byte{
		[]byte(pgErr.Code), []byte(pgErr.Message), optional(pgErr.Detail), optional(pgErr.Hint), anonymous, request.Verbosity,
		[]byte(epoch),
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
	case errors.As(err, &inner) && (isMissing(inner) || inner.Code == "42501"):
		return uninstalled(inner) // 42501 is the code where the schema is to be dropped, or is being filled
	case errors.As(err, &inner):
		return &apierror.Error{
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
