package shell

import (
	"net/http"
	"time"

	"postern/shell/statement"
	"postern/shell/tracing"
)

// do sends a request to the database, and measures that where it is asked for.
func (s *Server) do(st *state, x *exchange, r *http.Request, found *statement.Statement) error {
	x.timing.lap(phasePlan)
	var began time.Time
	if x.span != nil || st.config.LogQuery {
		began = time.Now()
	}
	var err error
	if found != nil && found.Stream {
		err = s.stream(r.Context(), st, x, found)
	} else {
		err = s.pool.Do(r.Context(), &x.call, found, &x.answer)
	}
	x.timing.lap(phaseTransaction)
	sent := found
	var compiling time.Duration
	if made := x.answer.Statement; found == nil && err == nil && made != nil {
		sent, compiling = made, made.Took
		x.timing.move(phaseTransaction, phasePlan, compiling)
	}
	if x.span != nil {
		x.span.Traveled(tracing.Trip{
			Began: began, Acquired: x.call.Acquired, Compiled: compiling, Code: x.answer.Code(), Err: err,
		})
	}
	if st.config.LogQuery {
		x.executed = executed{
			before: st.preRequest, main: sent, took: x.executed.took + time.Since(began),
			compiled: x.executed.compiled || found == nil,
		}
	}
	return err
}
