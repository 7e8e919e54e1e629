package shell

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"postern/shell/auth"
	"postern/shell/cut"
	"postern/shell/db"
	"postern/shell/jsontext"
)

// target returns a request's path and query as they were sent, but for bytes that are not UTF-8: those are encoded, and
// the database refuses them. Of an absolute form (RFC 9112, 3.2.2) the authority is cut.
func target(r *http.Request) (path, query string) {
	if raw := r.RequestURI; strings.HasPrefix(raw, "/") {
		path, query, _ = strings.Cut(raw, "?")
	} else if path, query = r.URL.EscapedPath(), r.URL.RawQuery; path == "" {
		path = "/"
	}
	if utf8.ValidString(path) && utf8.ValidString(query) {
		return path, query
	}
	return string(appendEncoded(nil, path)), string(appendEncoded(nil, query))
}

// appendEncoded appends text with its NULs and all that is not ASCII percent-encoded.
func appendEncoded[T string | []byte](dst []byte, text T) []byte {
	for _, c := range []byte(text) {
		if c == 0 || c >= utf8.RuneSelf {
			dst = fmt.Appendf(dst, "%%%02X", c)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// hasPayload reports whether the body of a request with this method counts.
func hasPayload(method string) bool {
	return method == http.MethodPost || method == http.MethodPatch || method == http.MethodPut
}

// calls reports whether a path may be that of a function.
func (st *state) calls(path string) bool {
	return cut.IsCall(path) || st.config.DBRootSpec != "" && path == "/"
}

// prepare makes of a request what the database gets: shape, values and settings.
func (st *state) prepare(x *exchange, r *http.Request, identity *auth.Identity) {
	path, query := target(r)
	address := query
	if r.Method == db.MethodQuery {
		query = x.join(r, query)
		x.joined = query
	}
	call := st.calls(path)
	x.texts = append(append(append(x.texts[:0], r.Method...), path...), identity.Role...)
	method, rest := x.texts[:len(r.Method)], x.texts[len(r.Method):]
	x.headers = appendHeaders(x.headers[:0], r)
	x.cookies = appendCookies(x.cookies[:0], r.Header["Cookie"])
	x.values.Reset()
	x.timeout = timeoutOf(r.Header["Prefer"])
	x.shape = st.appendShape(x.shape[:0], x, r, path, query, identity, call)
	x.more = append(x.more[:0], st.constant...)
	if cost := st.maxCost(identity.Role); cost > 0 {
		x.more = strconv.AppendInt(append(x.more, `,"max_cost":`...), int64(cost), 10)
	}
	if x.span != nil || st.config.ServerTimingEnabled {
		x.more = append(x.more, `,"timed":true`...)
	}
	x.place = x.place[:0]
	if db.IsSafe(r.Method) && !call && address != "" { // that of a QUERY is for links
		x.place = cut.AppendCanonical(append(x.place, '?'), address)
	}
	x.call.Reset()
	x.call.SearchPath = st.pathOf(r)
	x.call.Method, x.call.Path, x.call.Role = method, rest[:len(path)], rest[len(path):]
	x.call.Claims, x.call.Headers, x.call.Cookies = identity.Claims, x.headers, x.cookies
	x.call.Timeout = x.timeout.milliseconds
	x.call.Settings, x.call.PreRequest = st.settingsOf(identity.Role), st.preRequest
	if x.span != nil {
		x.call.Timed = true
		x.call.Settings = x.call.Settings.With("", [][2]string{{"application_name", "postern " + x.span.Traceparent()}})
	}
	x.call.Anonymous, x.call.Verbosity = identity.Anonymous, st.verbosity
	x.call.JSON, x.call.Location, x.call.Payload = x.makes, x.place, x.payload
	x.call.Values = x.values.AppendTo(x.call.Values)
}

// shaping are the header fields that a compiled statement depends on.
var shaping = [...]struct{ name, member string }{
	{"Accept", `"accept":`}, {"Prefer", `"prefer":`},
	{"Accept-Profile", `"accept-profile":`}, {"Content-Profile", `"content-profile":`},
}

// appendShape appends all that a compiled statement depends on, as members of a JSON object, and cuts the values out.
func (st *state) appendShape(
	dst []byte, x *exchange, r *http.Request, path, query string, identity *auth.Identity, call bool,
) []byte {
	dst = append(append(dst, `"generation":"`...), st.generation...)
	dst = jsontext.AppendString(append(dst, `","role":`...), identity.Role)
	if identity.Anonymous {
		dst = append(dst, `,"anonymous":true`...)
	}
	dst = jsontext.AppendString(append(dst, `,"method":`...), r.Method)
	dst = jsontext.AppendString(append(dst, `,"path":`...), path)
	x.json = cut.AppendQuery(x.json[:0], &x.values, query, call)
	dst = jsontext.AppendString(append(dst, `,"query":`...), x.json)
	if st.maxCost(identity.Role) > 0 {
		dst = appendSizes(dst, &x.values)
	}
	dst = append(dst, `,"headers":{`...)
	first := len(dst)
	for _, field := range shaping {
		values := r.Header[field.name]
		if x.timeout.milliseconds > 0 && field.name == "Prefer" {
			values = x.timeout.rest
		}
		if len(values) > 0 {
			dst = appendValues(appendName(dst, first, field.member), values)
		}
	}
	if ranges := r.Header["Range"]; len(ranges) > 0 && (r.Method == http.MethodGet || r.Method == db.MethodQuery) {
		x.json = append(x.json[:0], ranges[0]...)
		if x.cuts(query) {
			x.json = cut.AppendRange(x.json[:0], &x.values, ranges[0])
		}
		dst = jsontext.AppendString(appendName(dst, first, `"range":`), x.json)
	}
	if !call {
		dst = x.appendConditions(dst, first, r, query, &st.compress)
	}
	if !hasPayload(r.Method) {
		return appendCount(appendAsking(dst, first, r), &x.values)
	}
	if types := r.Header["Content-Type"]; len(types) > 0 {
		dst = appendValues(appendName(dst, first, `"content-type":`), types)
	}
	if dst = appendCount(dst, &x.values); x.rows != nil {
		return x.rows.AppendDescription(append(dst, payloadMember...))
	}
	return appendPayload(dst, r, x.payload, query, call)
}

// cuts reports whether values may be cut out of the fields of a request's header: not where nothing was cut out of its
// query and a placeholder stands there as it came, which would count as one then.
func (x *exchange) cuts(query string) bool {
	return x.values.Len() > 0 || !strings.Contains(query, "%01")
}

// appendCount ends the member headers and appends the number of values: a query not cut may read like another's shape.
func appendCount(dst []byte, values *cut.Values) []byte {
	return strconv.AppendInt(append(dst, `},"values":`...), int64(values.Len()), 10)
}

// appendName appends the name of a member, with a comma before it where it is not the first since the position given.
func appendName(dst []byte, first int, member string) []byte {
	if len(dst) > first {
		dst = append(dst, ',')
	}
	return append(dst, member...)
}

// isJSON reports whether a body of these types is JSON, as one of no type is, and the rows of a PATCH are.
func isJSON(types []string, method string) bool {
	if len(types) == 0 {
		return true
	}
	media, _, _ := strings.Cut(types[0], ";")
	media = strings.TrimRight(media, " \t")
	return len(types) == 1 && (media == "application/json" || media == rowsType && method == http.MethodPatch)
}

// rowsType is the type of a body of rows, each for the row that has its key.
const rowsType = "application/vnd.postern.rows+json"

// payloadMember begins the member payload, the last of a shape.
var payloadMember = []byte(`,"payload":`)

// appendPayload appends the member payload, which describes a JSON body. Without it the database looks at the body.
func appendPayload(dst []byte, r *http.Request, payload []byte, query string, call bool) []byte {
	if !isJSON(r.Header["Content-Type"], r.Method) {
		return dst
	}
	start := len(dst)
	dst = append(dst, payloadMember...)
	if len(payload) == 0 && call {
		return append(dst, `{"form":"{","keys":[]}`...)
	}
	described, ok := cut.AppendPayload(dst, payload, r.Method != http.MethodPut && cut.HasColumns(query))
	if !ok {
		return dst[:start]
	}
	return described
}

// isBroken reports whether a body that was taken for JSON is none, so that the database must say what is wrong with it.
func (x *exchange) isBroken(r *http.Request) bool {
	return hasPayload(r.Method) && len(x.payload) > 0 && bytes.Contains(x.shape, payloadMember) && !json.Valid(x.payload)
}

// pathOf returns the search path of the schema that a request asks for; the database refuses one that is not exposed.
func (st *state) pathOf(r *http.Request) []byte {
	name := "Content-Profile"
	if db.IsSafe(r.Method) || r.Method == http.MethodOptions {
		name = "Accept-Profile"
	}
	if given := r.Header[name]; len(given) > 0 {
		if path, found := st.paths[given[0]]; found {
			return path
		}
	}
	return st.searchPath
}

// appendHeaders appends the header fields as the JSON object that request.headers is: names in lower case, repeated
// fields joined (RFC 9110, 5.2), without cookies.
func appendHeaders(dst []byte, r *http.Request) []byte {
	dst = append(dst, `{"host":`...)
	dst = jsontext.AppendString(dst, r.Host)
	for name, values := range r.Header {
		if name == "Cookie" || name == "Host" || len(values) == 0 {
			continue
		}
		dst = append(dst, ',', '"')
		for _, c := range []byte(name) {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c) // names are tokens, which JSON does not escape
		}
		dst = appendValues(append(dst, '"', ':'), values)
	}
	return append(dst, '}')
}

// appendValues appends the values of a field as one JSON string.
func appendValues(dst []byte, values []string) []byte {
	if len(values) == 1 {
		return jsontext.AppendString(dst, values[0])
	}
	return jsontext.AppendString(dst, strings.Join(values, ", "))
}

// appendCookies appends the cookies as the JSON object that request.cookies is (RFC 6265, 5.4).
func appendCookies(dst []byte, lines []string) []byte {
	dst = append(dst, '{')
	first := len(dst)
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(strings.TrimLeft(pair, " "), "=")
			if name == "" {
				continue
			}
			dst = append(jsontext.AppendString(appendName(dst, first, ""), name), ':')
			dst = jsontext.AppendString(dst, value)
		}
	}
	return append(dst, '}')
}
