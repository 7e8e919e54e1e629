package shell

import (
	"bytes"
	"errors"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/shell/apierror"
	"postern/shell/tracing"
)

const (
	jsonType    = "application/json; charset=utf-8"
	defaultVary = "Accept, Prefer, Range"
	writePart   = 256 << 10 // bytes of an answer for which a client has server-client-timeout
)

var errHeader = &apierror.Error{
	Status: http.StatusInternalServerError, Code: "PGRST111",
	Message: "response.headers holds a name or a value that a header cannot have",
}

var errStatus = &apierror.Error{
	Status: http.StatusInternalServerError, Code: "PGRST112", Message: "response.status is not the status of an answer",
}

// connectionHeaders belong to the connection, not to the answer (RFC 9110, 7.6.1); only the shell sets them.
var connectionHeaders = map[string]bool{
	"Connection": true, "Content-Length": true, "Keep-Alive": true, "Proxy-Connection": true, "Te": true,
	"Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// response writes one answer and remembers what the log needs of it.
type response struct {
	w      http.ResponseWriter
	r      *http.Request
	st     *state
	status int
	size   int

	preflight bool   // of CORS; not logged
	legacy    []byte // the Warning of postern.legacy_warning; nil for none

	begun   bool          // status and header are sent, and the body follows line by line
	unread  bool          // the request's body, which is streamed, was not read to its end
	timeout time.Duration // for each part of the body
	broken  bool          // the body could not be written, and a part may be on its way still
}

// send writes what the database answered.
func (out *response) send(x *exchange) error {
	if err := out.fields(x); err != nil {
		return err
	}
	if header := out.w.Header(); header["Etag"] != nil {
		out.validated(header, x.answer.Status)
	}
	out.write(x.answer.Status, x.answer.Body)
	return nil
}

// fields puts the header fields of what the database answered into the header.
func (out *response) fields(x *exchange) error {
	answer := &x.answer
	if answer.Status < 200 || answer.Status > 999 {
		return errStatus
	}
	header := out.w.Header()
	values := make([]string, len(answer.Headers)) // not in x: the server writes the header after this returns
	for i, field := range answer.Headers {
		name := canonicalName(field[0])
		if name == "" || !validValue(field[1]) {
			return errHeader
		}
		if connectionHeaders[name] {
			continue
		}
		if name == "Warning" && bytes.HasPrefix(field[1], legacyPrefix) {
			out.legacy = field[1]
		}
		values[i] = string(field[1])
		before, repeated := header[name]
		switch {
		case !repeated:
			header[name] = values[i : i+1 : i+1]
		case name != "Access-Control-Allow-Origin": // the shell's own counts
			header[name] = append(before, values[i])
		}
	}
	if answer.Limited && answer.Status < http.StatusBadRequest {
		applied := append(slices.Clone(header["Preference-Applied"]), timeoutName+x.timeout.text)
		header["Preference-Applied"] = []string{strings.Join(applied, ", ")}
	}
	if out.st.config.ServerTimingEnabled {
		x.timing.lap(phaseResponse)
		header["Server-Timing"] = []string{x.timing.String()}
	}
	if answer.Status == http.StatusServiceUnavailable && header["Retry-After"] == nil {
		header["Retry-After"] = oneSecond
	}
	return nil
}

var (
	serverHeader = []string{"postern/" + Version}
	oneSecond    = []string{"1"}
)

// complete adds to the header what all answers have.
func (out *response) complete(header http.Header) {
	header["Server"] = serverHeader
	if given := header["Vary"]; given == nil {
		header["Vary"] = out.st.vary
	} else if len(out.st.varyMore) > 0 {
		header["Vary"] = slices.Concat(given, out.st.varyMore)
	}
	if _, given := header["Content-Type"]; !given {
		header["Content-Type"] = nil // or the server would guess one
	}
}

// hasBody reports whether an answer with a status to a request with a method has a body (RFC 9110, 6.4.1).
func hasBody(status int, method string) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified && method != http.MethodHead
}

// write writes status, header and body.
func (out *response) write(status int, body []byte) {
	header := out.w.Header()
	out.complete(header)
	out.status = status
	if !hasBody(status, out.r.Method) {
		out.w.WriteHeader(status)
		return
	}
	if len(out.st.compress.codings) > 0 {
		var done func()
		if body, done = out.st.compress.apply(header, out.r.Header["Accept-Encoding"], status, body); done != nil {
			defer func() {
				if !out.broken {
					done()
				}
			}()
		}
	}
	out.size = len(body)
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	out.w.WriteHeader(status)
	out.writeBody(body)
}

// writeBody writes the body in parts, each with a deadline. The last one holds until the server has flushed the answer.
func (out *response) writeBody(body []byte) {
	controller := http.NewResponseController(out.w)
	for {
		part := body[:min(len(body), writePart)]
		body = body[len(part):]
		_ = controller.SetWriteDeadline(time.Now().Add(out.timeout)) // a connection without deadlines is written to without
		if _, err := out.w.Write(part); err != nil {
			out.broken = true // with HTTP/2 another goroutine may be writing the part
			return
		}
		if len(body) == 0 {
			return
		}
	}
}

// fault answers an error of the shell's own.
func (out *response) fault(s *Server, err error, span *tracing.Request) {
	f, ok := errors.AsType[*apierror.Error](err)
	if !ok {
		f = internal(err.Error())
	}
	s.faulted(out.st, f, s.log.within(out.r, span))
	if out.begun {
		return
	}
	header := out.w.Header()
	header["Content-Type"] = []string{jsonType}
	header["Proxy-Status"] = []string{"postern; error=" + f.Code}
	if f.Challenge != "" {
		header["Www-Authenticate"] = []string{f.Challenge}
	}
	if f.Status == http.StatusServiceUnavailable {
		header["Retry-After"] = []string{s.retryAfter()}
	}
	out.write(f.Status, f.AppendBody(nil, out.st.config.ClientErrorVerbosity == "verbose"))
}

// common names need no allocation.
var commonNames = func() map[string]string {
	names := make(map[string]string)
	for _, name := range []string{
		"Content-Type", "Content-Range", "Content-Location", "Content-Profile", "Location", "Preference-Applied",
		"Range-Unit", "Allow", "Proxy-Status", "Vary", "Cache-Control", "Access-Control-Allow-Origin", "Accept-Ranges",
		"Warning",
	} {
		names[name] = name
	}
	return names
}()

// canonicalName returns a header's name as net/http writes it, or "" for what is no token (RFC 9110, 5.6.2).
func canonicalName(name []byte) string {
	if known, ok := commonNames[string(name)]; ok {
		return known
	}
	for _, c := range name {
		if !isTokenByte(c) {
			return ""
		}
	}
	return textproto.CanonicalMIMEHeaderKey(string(name))
}

func isTokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// validValue reports whether a header may have this value: no control characters but tabs (RFC 9110, 5.5).
func validValue(value []byte) bool {
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
