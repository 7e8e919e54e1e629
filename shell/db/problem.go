package db

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"postern/shell/apierror"
	"postern/shell/statement"
)

// refusal separates the errors of PostgreSQL that answer a request, which are for explain, from those that say that
// there is no answer: these it returns as a fault, or as the context's error. With sent a write was sent.
func (p *Pool) refusal(ctx context.Context, err error, sent bool) (*pgconn.PgError, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if f := p.PooledFault(err); f != nil {
		return nil, f
	}
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || isDown(pgErr) {
		return nil, lost(err, sent)
	}
	return pgErr, nil
}

// uncertain is said of a write whose end was not heard of.
const uncertain = "It is not known whether the request was carried out: it may have been committed"

// lost returns the fault of a connection that was lost, in the words of the server if that is down; with sent after a
// write was sent on it: what ends it may come after the commit, before the server has said so.
func lost(err error, sent bool) error {
	f := &apierror.Error{
		Status: http.StatusServiceUnavailable, Code: "PGRST001", Message: "The connection to the database was lost",
		Cause: err,
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && isDown(pgErr) {
		f.Code, f.Message, f.Details, f.Hint = pgErr.Code, pgErr.Message, pgErr.Detail, pgErr.Hint
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

// uninstalledCode is the code of what uninstalled returns.
const uninstalledCode = "PGRST002"

// uninstalled returns the fault of a database without postern's functions.
func uninstalled(err *pgconn.PgError) error {
	return &apierror.Error{
		Status: http.StatusServiceUnavailable, Code: uninstalledCode,
		Message: "The database has no functions of postern any more", Hint: "Run postern migrate", Cause: err,
	}
}

// SQLState returns the code of an error of PostgreSQL, "" for any other error and for none.
func SQLState(err error) string {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgErr.Code
	}
	return ""
}

// isUnprepared reports whether a prepared statement is gone. Nothing has run then.
func isUnprepared(err error) bool { return SQLState(err) == "26000" }

// explain lets the database say how an error of PostgreSQL is answered, or that it comes of DDL: then the answer is
// stale. A connection that is closed it replaces; it is nil then where no other came.
func (p *Pool) explain(
	ctx context.Context, conn **pgxpool.Conn, pgErr *pgconn.PgError,
	request *Request, st *statement.Statement, answer *Answer,
) (err error) {
	if pgErr.Code == "PNSTL" {
		answer.Note = Stale
		return nil
	}
	if pgErr.Code == "42501" && strings.HasSuffix(pgErr.Message, " schema postern") { // it may be filled by now
		return uninstalled(pgErr)
	}
	if pgOf(*conn).IsClosed() {
		if *conn, err = p.replace(ctx, *conn); err != nil {
			return err
		}
	}
	epoch := ""
	if st != nil {
		epoch = st.Epoch
	}
	values := [][]byte{
		[]byte(pgErr.Code), []byte(pgErr.Message), optional(pgErr.Detail), optional(pgErr.Hint), boolean(request.Anonymous),
		request.Verbosity, []byte(epoch),
	}
	p.trips.Add(1)
	pg := pgOf(*conn)
	err = p.word(ctx, pg, values, answer)
	if isUnprepared(err) { // by the code that has failed
		if err = p.prepareFixed(ctx, pg); err == nil {
			err = p.word(ctx, pg, values, answer)
		}
	}
	if err == nil {
		if answer.Status == 0 {
			answer.Note = Stale
		}
		return nil
	}
	inner, err := p.refusal(ctx, err, false)
	switch {
	case err != nil:
		return err
	case strings.HasPrefix(inner.Code, "08"): // here no code of the user's raises it
		return lost(inner, false)
	case isMissing(inner), inner.Code == "42501": // that is the code where the schema is to be dropped, or is being filled
		return uninstalled(inner)
	}
	return &apierror.Error{
		Status: http.StatusInternalServerError, Code: pgErr.Code, Message: pgErr.Message, Details: pgErr.Detail,
		Hint: pgErr.Hint, Cause: inner,
	}
}

// word executes explainStatement.
func (p *Pool) word(ctx context.Context, pg *pgconn.PgConn, values [][]byte, answer *Answer) error {
	e := newExchange(ctx, p, pg)
	e.main, e.limited = e.results, answer.Limited
	e.fixed(explainStatement, values, nil)
	return e.finish(answer)
}

func optional(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}
