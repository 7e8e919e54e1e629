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
	"postern/shell/db"
	"postern/shell/fault"
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
	asked   asked
	json    []byte
	makes   func() []byte // requestJSON
	shaped  shaped
	headers []byte
	cookies []byte
	payload []byte
	role    []byte
	timing  timing
}

// asked is what requestJSON is made from, beside shaped.
type asked struct {
	st          *state
	r           *http.Request
	path, query string
	identity    *auth.Identity
	hoisted     []byte // the JSON of an answer that asked for a restart, nil without one
}

var exchanges = sync.Pool{New: func() any {
	x := new(exchange)
	x.makes = x.requestJSON
	return x
}}

// requestJSON makes the JSON that postern.serve takes. Most requests are answered without.
func (x *exchange) requestJSON() []byte {
	x.json = x.asked.st.appendRequest(x.json[:0], &x.shaped, x.asked.r, x.asked.path, x.asked.query, x.asked.identity, x.asked.hoisted)
	return x.json
}

func (x *exchange) release() {
	for _, buffer := range []*[]byte{&x.json, &x.headers, &x.cookies, &x.shaped.pairs, &x.shaped.location,
		&x.shaped.head, &x.shaped.body, &x.shaped.known, &x.shaped.room} {
		if cap(*buffer) > maxKept {
			*buffer = nil
		}
	}
	if cap(x.payload) > maxKept {
		x.payload = nil
	}
	x.call, x.asked = db.Request{}, asked{}
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

// handle calls the database, a second time where it asks to start again.
func (s *Server) handle(st *state, x *exchange, r *http.Request, identity *auth.Identity) error {
	path, query := target(r)
	var key string
	var wanted *hoist
	if st.hoisted.Len() > 0 {
		key = r.Method + " " + path
		wanted, _ = st.hoisted.Get(key)
	}
	x.role = append(x.role[:0], identity.Role...)
	x.call = db.Request{
		Settings: st.settings, SearchPath: st.searchPath, Role: x.role, Claims: identity.Claims,
		Anonymous: identity.Anonymous, Verbosity: st.verbosity, Method: r.Method, Path: path, JSON: x.makes,
	}
	x.headers = appendHeaders(x.headers[:0], r)
	x.cookies = appendCookies(x.cookies[:0], r.Header["Cookie"])
	x.call.Headers, x.call.Cookies = x.headers, x.cookies
	for attempt := 0; ; attempt++ {
		x.call.Assumed = st.assumed(identity.Role)
		var hoisted []byte
		if wanted != nil {
			x.call.Assumed, hoisted = wanted.over(x.call.Assumed), wanted.json
		}
		st.shape(&x.shaped, r, path, query, identity, x.payload, hoisted)
		x.asked = asked{st, r, path, query, identity, hoisted}
		x.call.Known, x.call.Statement, x.call.Plain, x.call.Text, x.call.Payload = nil, nil, false, nil, nil
		if x.shaped.plain {
			x.call.Known, x.call.Statement = x.shaped.known, statementName(x.shaped.known)
			x.call.Plain = r.Method != http.MethodHead && len(r.Header["Cookie"]) == 0
			if hasPayload(r.Method) {
				x.call.Text = x.payload
			}
		} else if len(x.payload) > 0 {
			x.call.Payload = x.payload
		}
		x.timing.lap(phaseParse)
		err := s.pool.Handle(r.Context(), &x.call, &x.answer)
		if err == nil && x.answer.Status >= http.StatusInternalServerError {
			err = r.Context().Err() // the query of a client that has gone: that it was cancelled is no failure
		}
		if err != nil || x.answer.Status != 0 {
			return err
		}
		if attempt > 0 {
			return internal("postern asked for a restart twice")
		}
		if wanted, err = parseHoist(x.answer.Body); err != nil {
			return internal(err.Error())
		}
		if key == "" {
			key = r.Method + " " + path
		}
		st.hoisted.Add(key, wanted)
	}
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
