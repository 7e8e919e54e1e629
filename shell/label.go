package shell

import (
	"bytes"
	"net/http"
	"strings"

	"postern/shell/cut"
)

// maxLabel is the longest label in bytes, without what makes a comment of it.
const maxLabel = 200

// label returns a comment of SQL that says what requests a statement answers: method, path and query, with $ for each
// value that is cut out. pg_stat_statements, pg_stat_activity and the logs show it within the statement. Without whole
// the query is left out: that of a request that is refused may have anything in it.
func (st *state) label(r *http.Request, whole bool) string {
	path, query := target(r)
	return st.labelOf(r, path, query, whole)
}

// label returns the label of the statement that a request was compiled to. That of a QUERY has its body, where values
// are cut out of it: else they stand in it.
func (x *exchange) label(st *state, r *http.Request) string {
	path, query := target(r)
	if x.joined != "" {
		var values cut.Values
		if cut.AppendQuery(nil, &values, x.joined, st.calls(path)); values.Len() > 0 {
			query = x.joined
		}
	}
	return st.labelOf(r, path, query, x.answer.Status < http.StatusBadRequest)
}

// labelOf returns the label of a request with this path and query.
func (st *state) labelOf(r *http.Request, path, query string, whole bool) string {
	text := append(append([]byte(r.Method), ' '), path...)
	if query != "" && whole {
		var values cut.Values
		text = cut.AppendQuery(append(text, '?'), &values, query, st.calls(path))
		text = bytes.ReplaceAll(text, []byte("%01"), []byte{'$'})
	}
	comment := append(make([]byte, 0, maxLabel+8), "/* "...)
	for i, c := range text[:min(len(text), maxLabel)] {
		switch {
		case c == '*' && (comment[len(comment)-1] == '/' || i+1 < len(text) && text[i+1] == '/'):
			c = '_' // neither the end of the comment nor the beginning of another
		case c < ' ' || c > '~':
			c = '_'
		}
		comment = append(comment, c)
	}
	return string(append(comment, " */ "...))
}

// labelled returns a statement with its label behind the first word: of what stands before that, pg_stat_statements
// keeps nothing from PostgreSQL 18 on.
func labelled(sql, label string) string {
	word, rest, _ := strings.Cut(sql, " ")
	return word + " " + label + rest
}
