package shell

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"postern/shell/auth"
	"postern/shell/cut"
	"postern/shell/db"
	"postern/shell/fault"
	"postern/shell/statement"
)

const (
	maxTarget = 1 << 20 // longest request target in bytes
	maxKept   = 1 << 20 // largest buffer that is kept for the next request, in bytes

	bodyGrace = 30 * time.Second // time for a body, and
	bodyRate  = 16 << 10         // bytes a second on top of that
)

var (
	errTarget = &fault.Fault{
		Status: http.StatusRequestURITooLong, Code: "PGRST100", Message: "The request target is too long",
		Details: "At most " + strconv.Itoa(maxTarget) + " bytes are accepted",
	}
	errNotConnected = &fault.Fault{
		Status: http.StatusServiceUnavailable, Code: "PGRST000", Message: "Cannot connect to the database",
	}
)

// exchange is one request on its way, with the buffers that the next one uses again.
type exchange struct {
	call    db.Request
	answer  db.Answer
	shape   []byte // all that a compiled statement depends on, as the members of a JSON object
	more    []byte // the members of the request that are no part of the shape
	json    []byte
	makes   func() []byte // requestJSON
	values  cut.Values
	place   []byte // the query of Content-Location
	headers []byte
	cookies []byte
	payload []byte
	texts   []byte // method, path and role
	timing  timing
}

var exchanges = sync.Pool{New: func() any {
	x := new(exchange)
	x.makes = x.requestJSON
	return x
}}

// requestJSON makes the request of postern.handle. Most requests are answered without.
func (x *exchange) requestJSON() []byte {
	x.json = append(append(append(append(x.json[:0], '{'), x.shape...), x.more...), '}')
	return x.json
}

func (x *exchange) release() {
	for _, buffer := range []*[]byte{&x.shape, &x.more, &x.json, &x.place, &x.headers, &x.cookies, &x.payload, &x.texts} {
		if cap(*buffer) > maxKept {
			*buffer = nil
		}
	}
	x.call.Reset()
	x.values.Reset()
	x.answer.Reset()
	x.timing = timing{}
	exchanges.Put(x)
}

// serve answers one request to the API.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	st := s.state.Load()
	if found := st.page.Find(r); found != nil {
		s.servePage(st, found, w, r)
		return
	}
	x := exchanges.Get().(*exchange)
	defer x.release()
	out := response{w: w, r: r, st: st}
	var began time.Time
	if s.metrics != nil {
		began = time.Now()
	}
	header := w.Header()
	if name := st.config.ServerTraceHeader; name != "" {
		header.Set(name, r.Header.Get(name))
	}
	role := ""
	switch identity, err := s.answer(st, x, &out, r); {
	case errors.Is(err, context.Canceled):
		return // nobody is left to be answered
	case err != nil:
		out.fault(s, err)
		role = roleOf(identity)
	default:
		role = roleOf(identity)
	}
	s.log.access(st.config.LogLevel, r, role, out.status, out.size)
	if s.metrics != nil {
		s.metrics.Observe(r.Method, out.status, time.Since(began))
	}
}

func roleOf(identity *auth.Identity) string {
	if identity == nil {
		return ""
	}
	return identity.Role
}

// answer takes a request through its stages: CORS, identity, body, database, response.
func (s *Server) answer(st *state, x *exchange, out *response, r *http.Request) (*auth.Identity, error) {
	preflight := st.cors.apply(out.w.Header(), r)
	if preflight {
		out.write(http.StatusOK, nil)
		return nil, nil
	}
	x.timing.start(st.config.ServerTimingEnabled)
	identity, err := st.verifier.Identify(r.Header.Get("Authorization"))
	if err != nil {
		return nil, err
	}
	x.timing.lap(phaseJWT)
	if len(r.RequestURI) > maxTarget {
		return identity, errTarget
	}
	if x.payload, err = readPayload(out.w, r, x.payload[:0], st.config.ServerMaxBodySize); err != nil {
		return identity, err
	}
	if !s.connected.Load() {
		return identity, errNotConnected
	}
	if err := s.handle(st, x, r, identity); err != nil {
		return identity, err
	}
	x.timing.lap(phaseTransaction)
	return identity, out.send(x)
}

// maxAttempts is how often a request may meet a statement that turns out to be of no use, under DDL in many sessions.
const maxAttempts = 50

// handle sends a request to the database: the statement of its shape where that is known, else postern.handle, which compiles it.
func (s *Server) handle(st *state, x *exchange, r *http.Request, identity *auth.Identity) error {
	st.prepare(x, r, identity)
	x.timing.lap(phaseParse)
	described := true // the body is described in the shape, where there is one
	for range maxAttempts {
		var compiled bool
		found := s.statements.Get(r.Context(), x.shape)
		if found == nil {
			var err error
			compiled = true
			if found, err = s.statements.Compile(x.shape, func() (*statement.Statement, error) {
				err := s.pool.Do(r.Context(), &x.call, nil, &x.answer)
				return x.answer.Statement, err
			}); err != nil {
				return err
			}
			if found == nil && x.answer.Note == db.Stale { // DDL since its snapshot, with nothing done: once more with another
				continue
			}
			if x.answer.Status != 0 || found == nil || x.answer.Note != db.Fine {
				return s.answered(r, x)
			}
		}
		if err := s.pool.Do(r.Context(), &x.call, found, &x.answer); err != nil {
			return err
		}
		switch {
		case x.answer.Note == db.Fine && described && !compiled && x.answer.Status == http.StatusBadRequest && x.isBroken(r):
			x.undescribe()
			described = false
		case x.answer.Note == db.Fine:
			return s.answered(r, x)
		case x.answer.Note == db.Escapes:
			x.more = append(x.more, `,"escapes":true`...)
		}
		s.statements.Drop(x.shape, found)
	}
	return internal("the schema changed while the request was compiled, each time")
}

// answered returns the error of a request that has an answer: that of a client who is gone, for whom its query was cancelled.
func (s *Server) answered(r *http.Request, x *exchange) error {
	switch {
	case x.answer.Status >= http.StatusInternalServerError && r.Context().Err() != nil:
		return r.Context().Err()
	case x.answer.Status == 0:
		return internal("postern gave no answer")
	}
	return nil
}

func internal(message string) *fault.Fault {
	return &fault.Fault{Status: http.StatusInternalServerError, Code: "PGRSTX00", Message: message}
}

func tooLarge(most int) *fault.Fault {
	return &fault.Fault{
		Status: http.StatusRequestEntityTooLarge, Code: "PGRST102", Message: "The request body is too large",
		Details: "At most " + strconv.Itoa(most) + " bytes are accepted, by the setting server-max-body-size",
	}
}

// readPayload reads the body to its end, so that no connection to the database waits for a slow client.
func readPayload(w http.ResponseWriter, r *http.Request, dst []byte, most int) ([]byte, error) {
	if r.Body == http.NoBody || r.ContentLength == 0 {
		return dst, nil
	}
	if r.ContentLength > int64(most) {
		return dst, tooLarge(most)
	}
	if need := min(int(r.ContentLength)+1, maxKept); need > cap(dst) { // a length is only a claim: beyond that it grows
		dst = make([]byte, 0, max(need, 512))
	}
	controller := http.NewResponseController(w)
	start := time.Now()
	for {
		limit := bodyGrace + time.Duration(len(dst)/bodyRate)*time.Second
		_ = controller.SetReadDeadline(start.Add(limit)) // a connection without deadlines is read without
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Body.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if len(dst) > most {
			return dst, tooLarge(most)
		}
		if err == io.EOF {
			_ = controller.SetReadDeadline(time.Time{})
			return dst, nil
		}
		if err != nil {
			return dst, &fault.Fault{
				Status: http.StatusBadRequest, Code: "PGRST102", Message: "The request body could not be read", Cause: err,
			}
		}
	}
}
