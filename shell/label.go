package shell

import (
	"bytes"
	"cmp"
	"net/http"
	"strings"

	"postern/shell/cut"
)

// maxLabel is the longest label in bytes, without what makes a comment of it.
const maxLabel = 200

// label returns a comment of SQL that says what requests a statement answers: method, path and query, with $ for each
// value that is cut out. pg_stat_statements, pg_stat_activity and the logs show it within the statement. joined is the
// query of a QUERY with its body, which counts where values are cut out of it: else they stand in it. Without whole the
// query is left out: that of a request that is refused may have anything in it.
func (st *state) label(r *http.Request, joined string, whole bool) string {
	path, query := target(r)
	text := append(append([]byte(r.Method), ' '), path...)
	if whole {
		var values cut.Values
		shape := cut.AppendQuery(nil, &values, cmp.Or(joined, query), st.calls(path))
		if values.Len() == 0 {
			shape = []byte(query)
		}
		if len(shape) > 0 {
			text = append(append(text, '?'), bytes.ReplaceAll(shape, []byte("%01"), []byte{'$'})...)
		}
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
