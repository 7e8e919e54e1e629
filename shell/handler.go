package shell

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/shell/admin"
	"postern/shell/apierror"
	"postern/shell/auth"
	"postern/shell/config"
	"postern/shell/db"
	"postern/shell/statement"
)

const (
	maxTarget     = 1 << 20  // longest request target in bytes
	countedAnswer = 64 << 10 // bytes of an answer from which on it counts in the room for answers
)

var closing = []string{"close"}

var errTarget = &apierror.Error{
	Status: http.StatusRequestURITooLong, Code: "PGRST100", Message: "The request target is too long",
	Details: "At most " + strconv.Itoa(maxTarget) + " bytes are accepted",
}

// serve answers one request to the API.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	st := s.state.Load()
	if r.Body != http.NoBody {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.timeout / unreadShare))
	}
	if len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) || s.parting.Load() {
		// A Content-Length beside Transfer-Encoding, and Transfer-Encoding in HTTP/1.0, close the connection (RFC 9112, 6.1
		// and 6.3). net/http takes these fields out of the header, so all that may have had them do.
		w.Header()["Connection"] = closing
	}
	if name := st.config.ServerTraceHeader; name != "" {
		w.Header().Set(name, r.Header.Get(name))
	}
	if found := st.page.Find(r); found != nil && s.obstacle.Load() == nil {
		s.servePage(st, found, w, r)
		return
	}
	x := exchanges.Get().(*exchange)
	x.body.room = s.room
	x.out = response{w: w, r: r, st: st, timeout: s.timeout}
	out := &x.out
	defer func() {
		if !out.broken { // else its buffers may still be read
			x.release()
		}
	}()
	var began time.Time
	if s.metrics != nil {
		began = time.Now()
	}
	if s.tracer != nil {
		path, _ := target(r)
		x.span = s.tracer.Start(r, path)
	}
	identity, err := s.answer(st, x, out, r)
	role := ""
	if identity != nil {
		role = identity.Role
	}
	canceled := errors.Is(err, context.Canceled)
	if err != nil && !canceled {
		out.fault(s, err, x.span)
	}
	if out.unread && !canceled {
		out.drain(s.timeout / unreadShare)
	}
	if x.span != nil {
		x.span.End(role, out.status, out.size, x.answer.Code(), err)
	}
	if canceled && !out.begun {
		panic(http.ErrAbortHandler) // nobody is left to be answered: without this there would be an empty 200
	}
	s.logQuery(st, x, out.status)
	if out.legacy != nil {
		s.logLegacy(r, out.legacy)
	}
	if !out.preflight {
		s.log.within(r, x.span).access(st.config.LogLevel, role, out.status, out.size)
	}
	if s.metrics != nil {
		s.metrics.Observe(routeOf(out), r.Method, out.status, time.Since(began))
	}
	if out.begun && err != nil {
		panic(http.ErrAbortHandler) // so that the client notices: the last chunk is missing, or the stream is reset
	}
}

// routeOf returns the kind of address that an answer is of.
func routeOf(out *response) admin.Route {
	path := out.r.URL.Path
	switch {
	case out.preflight:
		return admin.Preflight
	case out.st.isBatch(out.r):
		return admin.Batch
	case strings.HasPrefix(path, "/rpc/"):
		return admin.Function
	case path == "/" || path == "" || strings.HasPrefix(path, "/openapi/"):
		return admin.Root
	}
	return admin.Relation
}

// answer takes a request through its stages: CORS, identity, body, database, response.
func (s *Server) answer(st *state, x *exchange, out *response, r *http.Request) (*auth.Identity, error) {
	out.preflight = st.cors.apply(out.w.Header(), r)
	if out.preflight {
		out.write(http.StatusOK, nil)
		return nil, nil
	}
	// Before any token is looked at: the key that it is verified with may be in the database.
	if obstacle := s.obstacle.Load(); obstacle == errMissing { // the settings are there, so the log can tell the role
		identity, _ := st.verifier.Identify(r.Header.Get("Authorization"))
		return identity, obstacle
	} else if obstacle != nil {
		return nil, obstacle
	}
	x.timing.start(st.config.ServerTimingEnabled)
	began, authorization := x.span.Now(), r.Header.Get("Authorization")
	identity, err := st.verifier.Identify(authorization)
	if authorization != "" {
		x.span.Verified(began, err)
	}
	if err != nil {
		return nil, err
	}
	x.timing.lap(phaseJWT)
	if len(r.RequestURI) > maxTarget {
		return identity, errTarget
	}
	rows, err := s.receive(st, x, out, r)
	if err != nil {
		return identity, err
	}
	x.payload = x.body.bytes
	x.timing.skip()
	switch {
	case st.isBatch(r):
		err = s.handleBatch(st, x, r, identity)
	case rows != nil:
		err = s.handleRows(st, x, out, r, identity, rows)
	default:
		err = s.handle(st, x, r, identity)
	}
	x.unload()
	if err != nil {
		return identity, err
	}
	if out.begun {
		return identity, nil
	}
	if size := len(x.answer.Body); size > countedAnswer {
		if !s.room.answer(size, db.IsSafe(r.Method)) {
			return identity, errRoom
		}
		defer s.room.answers.Add(-int64(size))
		if s.room.crowded() {
			out.timeout /= 10
		}
	}
	return identity, out.send(x)
}

// tooDear is the code of the error of a statement that costs more than it may.
const tooDear = "PGRST162"

// maxAttempts is how often a request may meet a statement that turns out to be of no use, under DDL in many sessions.
const maxAttempts = 50

// handle sends a request to the database: the statement of its shape if known, else postern.handle, which compiles it.
func (s *Server) handle(st *state, x *exchange, r *http.Request, identity *auth.Identity) error {
	st.prepare(x, r, identity)
	prefer := r.Header["Prefer"]
	x.call.Primary = s.pool.Replicated() && slices.Contains(slices.Collect(preferences(prefer)), "read=primary")
	x.timing.lap(phaseParse)
	described := true // the shape describes the body, where there is one
	for range maxAttempts {
		var compiled bool
		found := s.statements.Get(r.Context(), x.shape)
		if found == nil {
			var err error
			compiled = true
			if found, err = s.statements.Compile(x.shape, func() (*statement.Statement, error) {
				err := s.do(st, x, r, nil)
				made := x.answer.Statement
				if made != nil {
					made.SQL = labelled(made.SQL, st.label(r, x.joined, x.answer.Status < http.StatusBadRequest))
				}
				return made, err
			}); err != nil {
				return err
			}
			if found == nil && x.answer.Note == db.Stale { // DDL since its snapshot, with nothing done: once more with another
				s.noteDDL()
				continue
			}
			if x.answer.Status != 0 || found == nil || x.answer.Note != db.Fine {
				return s.answered(r, x)
			}
		}
		if err := s.do(st, x, r, found); err != nil {
			return err
		}
		switch {
		case x.answer.Note == db.Fine && described && !compiled && x.answer.Status == http.StatusBadRequest && x.isBroken(r):
			x.shape = x.shape[:bytes.LastIndex(x.shape, payloadMember)]
			described = false
		case x.answer.Note == db.Fine:
			if found.MaxCost > 0 && !found.Look && x.answer.Code() == tooDear { // it was not: it is to be judged anew
				s.statements.Drop(x.shape, found)
			}
			return s.answered(r, x)
		case x.answer.Note == db.Escapes:
			x.more = append(x.more, `,"escapes":true`...)
		case x.answer.Note == db.Stale:
			s.noteDDL()
		}
		s.statements.Drop(x.shape, found)
	}
	return errAgain
}

// answered is called when the database has answered. It logs errors of the server, and returns the context's error
// where the client is gone, which is why its query was cancelled.
func (s *Server) answered(r *http.Request, x *exchange) error {
	switch {
	case x.answer.Status >= http.StatusInternalServerError && r.Context().Err() != nil:
		return r.Context().Err()
	case x.answer.Status == 0:
		return internal("postern gave no answer")
	case x.answer.Status >= http.StatusInternalServerError && s.state.Load().config.LogLevel >= config.LogError:
		if code := x.answer.Code(); code != "" {
			var told struct{ Message string } // details and hint may have values of the request, or of rows
			_ = json.Unmarshal(x.answer.Body, &told)
			s.log.within(r, x.span).failure(x.answer.Status, code, told.Message, "")
		}
	}
	return nil
}

func internal(message string) *apierror.Error {
	return &apierror.Error{Status: http.StatusInternalServerError, Code: "PGRSTX00", Message: message}
}
