package shell

import (
	"net/http"
	"time"

	"postern/shell/statement"
	"postern/shell/tracing"
)

// do sends a request to the database, and measures that where it is asked for.
func (s *Server) do(r *http.Request, x *exchange, st *statement.Statement) error {
	x.timing.lap(phasePlan)
	began := x.span.Now()
	err := s.pool.Do(r.Context(), &x.call, st, &x.answer)
	x.timing.lap(phaseTransaction)
	var compiled time.Duration
	if made := x.answer.Statement; st == nil && err == nil && made != nil {
		compiled = made.Took
		x.timing.move(phaseTransaction, phasePlan, compiled)
	}
	if x.span != nil {
		x.span.Traveled(tracing.Trip{
			Began: began, Acquired: x.call.Acquired, Compiled: compiled, Code: codeOf(&x.answer), Err: err,
		})
	}
	return err
}
