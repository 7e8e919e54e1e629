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

// appendRequest appends the JSON that postern.handle takes: what it would make of the request itself (postern.completed in
// sql/shape/request.sql), worked out here. constant holds the members that are the same for all requests, each with a
// comma before it; hoisted is the JSON of an answer that asked for a restart, nil without one; scratch is room for the
// decoded parameters, and is given back.
func (st *state) appendRequest(dst, scratch []byte, r *http.Request, path, query string, identity *auth.Identity, hoisted []byte) (request, room []byte) {
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	dst = append(dst, `{"method":`...)
	dst = jsontext.AppendString(dst, r.Method)
	dst = append(dst, `,"path":`...)
	dst = jsontext.AppendString(dst, path)
	pairs, ok := appendPairs(scratch[:0], query)
	if ok {
		dst = append(dst, `,"pairs":`...)
		dst = jsontext.AppendString(dst, pairs)
	} else {
		dst = append(dst, `,"query":`...)
		dst = jsontext.AppendString(dst, query)
	}
	dst = append(dst, `,"location":"`...)
	if safe && query != "" {
		dst = appendCanonical(append(dst, '?'), query) // holds nothing that JSON escapes
	}
	dst = append(dst, `","head":`...)
	dst = jsontext.AppendString(dst, st.appendHead(pairs[len(pairs):], r, path, identity, hoisted))
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
	return append(dst, '}'), pairs
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
