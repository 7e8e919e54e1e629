package shell

import (
	"bytes"
	"net/http"
	"unicode/utf8"

	"postern/shell/db"
)

// join returns the query of a QUERY: that of its URL and behind it the body, if that is a form. A body of another type
// is the database's to refuse, which needs no more of it than the type.
func (x *exchange) join(r *http.Request, query string) string {
	body := x.payload
	x.payload = nil
	if len(body) == 0 || !isOfType(r.Header["Content-Type"], formType) {
		return query
	}
	text := make([]byte, 0, len(query)+1+len(body))
	if query != "" {
		text = append(append(text, query...), '&')
	}
	if utf8.Valid(body) && bytes.IndexByte(body, 0) < 0 {
		return string(append(text, body...))
	}
	return string(appendEncoded(text, body)) // the database's to refuse, too
}

const formType = "application/x-www-form-urlencoded"

// appendAsking appends what the answer to a request without a payload depends on beside what shapes all: of a QUERY the
// type of its body, of OPTIONS whether it asks for QUERY.
func appendAsking(dst []byte, first int, r *http.Request) []byte {
	asked, types := r.Header["Access-Control-Request-Method"], r.Header["Content-Type"]
	switch {
	case r.Method == http.MethodOptions && len(asked) > 0 && asked[0] == db.MethodQuery:
		return appendValues(appendName(dst, first, `"access-control-request-method":`), asked)
	case r.Method != db.MethodQuery || len(types) == 0:
		return dst
	case isOfType(types, formType):
		types = []string{formType}
	}
	return appendValues(appendName(dst, first, `"content-type":`), types)
}
