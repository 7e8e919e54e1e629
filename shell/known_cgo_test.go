//go:build cgo

package shell

import (
	"testing"

	pg_query "github.com/pganalyze/pg_query_go/v5"
)

// Whatever a client sends, the statement is one EXECUTE whose arguments are string constants with the values.
func FuzzKnown(f *testing.F) {
	f.Add("id=eq.5&select=*", "?id=eq.5")
	f.Add(`a=eq.'\'' OR 1=1--&b=like.%5C`, `\'`)
	f.Add("a=eq.$1$$&limit=3&b=gt.E'\\\\'", "'")
	f.Fuzz(func(t *testing.T, query, location string) {
		pairs, ok := appendPairs(nil, query)
		if !ok || len(location) > 0 && location[0] == 0 {
			return
		}
		for _, c := range []byte(location) {
			if c == 0 || c >= 0x80 {
				return // appendCanonical gives ASCII
			}
		}
		known, shape, ok := appendKnown(nil, nil, nil, pairs, []byte(location), nil, true)
		if !ok {
			return
		}
		parsed, err := pg_query.Parse(string(known))
		if err != nil || len(parsed.Stmts) != 1 {
			t.Fatalf("%q: %v", known, err)
		}
		execute := parsed.Stmts[0].Stmt.GetExecuteStmt()
		if execute == nil || execute.Name != string(statementName(known)) {
			t.Fatalf("%q is no EXECUTE", known)
		}
		for i, argument := range execute.Params {
			if argument.GetAConst().GetSval() == nil {
				t.Errorf("%q: argument %d is no string", known, i)
			}
			if i == 0 && argument.GetAConst().GetSval().GetSval() != location {
				t.Errorf("%q: got %q", known, argument.GetAConst().GetSval().GetSval())
			}
		}
		placeholders := 1
		for _, c := range shape {
			if c == placeholder {
				placeholders++
			}
		}
		if len(execute.Params) != placeholders {
			t.Errorf("%q has %d arguments, its shape %q %d values", known, len(execute.Params), shape, placeholders)
		}
	})
}
