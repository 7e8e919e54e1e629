package db

import (
	"errors"
	"net/http"

	"github.com/jackc/pgx/v5/pgconn"

	"postern/shell/apierror"
)

// A Sink takes the lines of an answer that streams. Status and headers are in the Answer before the first one.
type Sink interface {
	// Line takes a line, without its line break. It is not kept.
	Line(line []byte)
	// Drop drops the lines that were taken, of an answer that failed, and reports false where some of it is sent already.
	Drop() bool
}

// isSent reports whether the client has been sent some of an answer that streams. If not, its lines are dropped.
func (r *Request) isSent() bool { return r.Sink != nil && !r.Sink.Drop() }

// cutBy returns the fault of an answer that ended before its last line.
func cutBy(err error) *apierror.Error {
	f := &apierror.Error{
		Status: http.StatusServiceUnavailable, Code: "PGRST001", Cause: err,
		Message: "An answer was cut short: the connection to the database was lost",
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && !isDown(pgErr) {
		f.Status, f.Code = http.StatusInternalServerError, pgErr.Code
		f.Message = "An answer was cut short: " + pgErr.Message
	}
	return f
}

// readLines reads a first row with all but the body, and hands the others on as they come.
func readLines(result *pgconn.ResultReader, answer *Answer, sink Sink) error {
	problem := errors.New("there are 0 rows")
	if result.NextRow() {
		problem = answer.read(result.Values())
	}
	if problem != nil {
		return noAnswer(problem)
	}
	for result.NextRow() {
		sink.Line(result.Values()[columnBody])
	}
	return nil
}
