package db

import (
	"errors"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"postern/shell/apierror"
)

// PooledFault returns the fault of an error which shows that prepared statements cannot be kept, and nil for others.
func (p *Pool) PooledFault(err error) *apierror.Error {
	if !p.isPooled(err) {
		return nil
	}
	return &apierror.Error{
		Status: http.StatusServiceUnavailable, Code: "PGRST000",
		Message: "The database is behind a pooler that does not keep sessions, but db-prepared-statements is true",
		Hint:    "Set db-prepared-statements to false", Cause: err,
	}
}

// isPooled reports whether an error shows a pooler that gives each transaction any of its sessions: it refuses what a
// session starts with, or a session has, or has not, a statement by a name that only this pool gives.
func (p *Pool) isPooled(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || !p.options.Session().Prepared {
		return false
	}
	switch pgErr.Code {
	case "08P01":
		return strings.Contains(pgErr.Message, "startup parameter")
	case "42P05", "26000":
		return strings.Contains(pgErr.Message, p.prefix)
	}
	return false
}
