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

// appendRequest appends the JSON that postern.handle takes. tail holds the members that are the same for all requests,
// each with a comma before it; hoisted is the JSON of an answer that asked for a restart, nil without one.
func appendRequest(dst []byte, r *http.Request, path, query string, identity *auth.Identity, tail, hoisted []byte) []byte {
	dst = append(dst, `{"method":`...)
	dst = jsontext.AppendString(dst, r.Method)
	dst = append(dst, `,"path":`...)
	dst = jsontext.AppendString(dst, path)
	dst = append(dst, `,"query":`...)
	dst = jsontext.AppendString(dst, query)
	dst = append(dst, `,"headers":{"host":`...)
	dst = jsontext.AppendString(dst, r.Host)
	for name, values := range r.Header {
		if name == "Cookie" || name == "Host" || len(values) == 0 {
			continue
		}
		dst = append(dst, ',')
		dst = appendHeader(dst, name, values)
	}
	dst = append(dst, '}')
	dst = appendCookies(dst, r.Header["Cookie"])
	dst = append(dst, `,"role":`...)
	dst = jsontext.AppendString(dst, identity.Role)
	if identity.Anonymous {
		dst = append(dst, `,"anonymous":true`...)
	} else {
		dst = append(dst, `,"anonymous":false`...)
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		dst = append(dst, `,"canonical":"`...)
		dst = appendCanonical(dst, query) // holds nothing that JSON escapes
		dst = append(dst, '"')
	}
	dst = append(dst, tail...)
	if hoisted != nil {
		dst = append(append(dst, `,"hoisted":`...), hoisted...)
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

// appendCookies appends ,"cookies":{…}, or nothing where there are none (RFC 6265, 5.4).
func appendCookies(dst []byte, lines []string) []byte {
	first := true
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(strings.TrimLeft(pair, " "), "=")
			if name == "" {
				continue
			}
			if first {
				dst = append(dst, `,"cookies":{`...)
			} else {
				dst = append(dst, ',')
			}
			first = false
			dst = append(jsontext.AppendString(dst, name), ':')
			dst = jsontext.AppendString(dst, value)
		}
	}
	if !first {
		dst = append(dst, '}')
	}
	return dst
}
