package shell

import (
	"net/http"
	"strings"

	"postern/shell/auth"
	"postern/shell/jsontext"
)

// target gives a request's path and query as they were sent. Of an absolute form (RFC 9112, 3.2.2) the authority is cut.
func target(r *http.Request) (path, query string) {
	raw := r.RequestURI
	if !strings.HasPrefix(raw, "/") {
		raw = r.URL.EscapedPath()
		if raw == "" {
			raw = "/"
		}
		return raw, r.URL.RawQuery
	}
	path, query, _ = strings.Cut(raw, "?")
	return path, query
}

// shaped is a request taken apart, in room that the next one uses again.
type shaped struct {
	pairs    []byte // appendPairs
	decoded  bool   // whether the query decodes
	location []byte // the query of Content-Location
	located  bool   // whether the answer has that header: it reads a relation
	head     []byte // all that a compiled statement depends on beside the parameters
	body     []byte // the shape of the body
	known    []byte // the statement that answers it (appendKnown)
	plain    bool   // whether known does; else the database must find the statement
	room     []byte
}

// shape takes a request apart. hoisted is the JSON of an answer that asked for a restart, nil without one.
func (st *state) shape(x *shaped, r *http.Request, path, query string, identity *auth.Identity, payload, hoisted []byte) {
	x.pairs, x.decoded = appendPairs(x.pairs[:0], query)
	call := strings.HasPrefix(path, "/rpc/")
	x.located = isSafe(r.Method) && !call
	x.location = append(x.location[:0], '?')
	if x.located && query != "" {
		x.location = appendCanonical(x.location, query)
	} else {
		x.location = x.location[:0]
	}
	x.head = st.appendHead(x.head[:0], r, path, identity, hoisted)
	x.body = x.body[:0]
	x.plain = x.decoded && st.isPlain(r)
	if x.plain && hasPayload(r.Method) {
		x.body, x.plain = appendPayloadShape(x.body, r, payload, x.pairs, call)
	}
	if x.plain {
		location := x.location
		if !x.located {
			location = nil
		}
		x.known, x.room, x.plain = appendKnown(x.known[:0], x.room[:0], x.head, x.pairs, location, x.body, call)
	}
}

// hasPayload tells whether the body of a request with this method counts.
func hasPayload(method string) bool {
	return method == http.MethodPost || method == http.MethodPatch || method == http.MethodPut
}

func isSafe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// isPlain tells whether one statement, with nothing before it and after it, answers a request.
func (st *state) isPlain(r *http.Request) bool {
	if !st.config.DBPreparedStatements || st.config.DBTxEnd != "commit" || st.needsPreparation(r) || r.Method == http.MethodGet && len(r.Header["Range"]) > 0 {
		return false
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete:
		return plainWish(r)
	}
	return false
}

// appendRequest appends the JSON that postern.serve takes: what postern.completed (sql/shape/request.sql) would make of the
// request, worked out here.
func (st *state) appendRequest(dst []byte, x *shaped, r *http.Request, path, query string, identity *auth.Identity, hoisted []byte) []byte {
	safe := isSafe(r.Method)
	dst = append(dst, `{"method":`...)
	dst = jsontext.AppendString(dst, r.Method)
	dst = append(dst, `,"path":`...)
	dst = jsontext.AppendString(dst, path)
	if x.decoded {
		dst = append(dst, `,"pairs":`...)
		dst = jsontext.AppendString(dst, x.pairs)
	} else {
		dst = append(dst, `,"query":`...)
		dst = jsontext.AppendString(dst, query)
	}
	if x.located {
		dst = append(dst, `,"location":"`...)
		dst = append(append(dst, x.location...), '"') // holds nothing that JSON escapes
	}
	dst = append(dst, `,"head":`...)
	dst = jsontext.AppendString(dst, x.head)
	if x.plain {
		dst = append(dst, `,"statement":"`...)
		dst = append(append(dst, statementName(x.known)...), '"')
	}
	if identity.Anonymous {
		dst = append(dst, `,"anonymous":true`...)
	}
	if !safe && r.Method != http.MethodOptions {
		dst = append(dst, `,"unsafe":true`...)
		if types := r.Header["Content-Type"]; len(types) > 0 {
			dst = append(dst, `,"content_type":`...)
			dst = jsontext.AppendString(dst, types[0])
		}
	}
	if ranges := r.Header["Range"]; len(ranges) > 0 && r.Method == http.MethodGet {
		dst = append(dst, `,"range":`...)
		dst = jsontext.AppendString(dst, ranges[0])
	}
	if st.needsPreparation(r) {
		dst = append(dst, `,"prepare":true`...)
	}
	dst = append(dst, st.constant...)
	if hoisted != nil {
		dst = append(append(dst, `,"hoisted":`...), hoisted...)
	}
	return append(dst, '}')
}

// shaping are the header fields that a compiled statement depends on.
var shaping = [...]string{"Accept", "Prefer", "Accept-Profile", "Content-Profile", "Content-Type"}

// appendHead appends all that a compiled statement depends on beside the parameters.
func (st *state) appendHead(dst []byte, r *http.Request, path string, identity *auth.Identity, hoisted []byte) []byte {
	for _, part := range [...]string{st.instance, identity.Role, r.Method, path} {
		dst = append(append(dst, part...), '\n')
	}
	for _, name := range shaping {
		for i, value := range r.Header[name] {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(dst, value...)
		}
		dst = append(dst, '\n')
	}
	return append(dst, hoisted...)
}

// needsPreparation tells whether something must precede the statement in the database: the pre-request function, the
// search path of another schema, a time zone.
func (st *state) needsPreparation(r *http.Request) bool {
	if st.config.DBPreRequest != "" || r.Header["Accept-Profile"] != nil || r.Header["Content-Profile"] != nil {
		return true
	}
	for _, value := range r.Header["Prefer"] {
		if strings.Contains(value, "timezone=") {
			return true
		}
	}
	return false
}

// appendHeaders appends the header fields as the JSON object that request.headers is. Cookies are not among them.
func appendHeaders(dst []byte, r *http.Request) []byte {
	dst = append(dst, `{"host":`...)
	dst = jsontext.AppendString(dst, r.Host)
	for name, values := range r.Header {
		if name == "Cookie" || name == "Host" || len(values) == 0 {
			continue
		}
		dst = append(dst, ',')
		dst = appendHeader(dst, name, values)
	}
	return append(dst, '}')
}

// appendHeader appends "name":"value" with the name in lower case and repeated fields joined (RFC 9110, 5.2).
func appendHeader(dst []byte, name string, values []string) []byte {
	dst = append(dst, '"')
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c) // names are tokens, which JSON does not escape
	}
	dst = append(dst, '"', ':')
	if len(values) == 1 {
		return jsontext.AppendString(dst, values[0])
	}
	return jsontext.AppendString(dst, strings.Join(values, ", "))
}

// appendCookies appends the cookies as the JSON object that request.cookies is (RFC 6265, 5.4).
func appendCookies(dst []byte, lines []string) []byte {
	dst = append(dst, '{')
	first := true
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(strings.TrimLeft(pair, " "), "=")
			if name == "" {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(jsontext.AppendString(dst, name), ':')
			dst = jsontext.AppendString(dst, value)
		}
	}
	return append(dst, '}')
}
