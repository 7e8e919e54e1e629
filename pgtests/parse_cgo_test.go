//go:build cgo

package pgtests

import (
	"encoding/json"
	"strings"
	"testing"

	pgquery "github.com/pganalyze/pg_query_go/v5"
)

// Every file in sql/ is SQL to PostgreSQL's own parser, and every body in PL/pgSQL to that of PL/pgSQL.
func TestSourcesParse(t *testing.T) {
	t.Parallel()
	bodies := 0
	for name, text := range sources(t) {
		text = templateAction.ReplaceAllString(text, "")
		parsed, err := pgquery.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, raw := range parsed.Stmts {
			function := raw.Stmt.GetCreateFunctionStmt()
			if function == nil {
				continue
			}
			for _, option := range function.Options {
				element := option.GetDefElem()
				if element.GetDefname() != "language" || element.GetArg().GetString_().GetSval() != "plpgsql" {
					continue
				}
				bodies++
				statement := text[raw.StmtLocation:]
				if raw.StmtLen > 0 {
					statement = statement[:raw.StmtLen]
				}
				statement = strings.ReplaceAll(statement, "return next;", "return next null;") // pg_query knows no OUT parameters
				if _, err := pgquery.ParsePlPgSqlToJSON(statement); err != nil {
					t.Errorf("%s: %v\nin: %.120s", name, err, strings.TrimSpace(statement))
				}
			}
		}
	}
	if bodies < 50 {
		t.Errorf("only %d bodies were parsed", bodies)
	}
}

// tree is a parse tree as JSON has it.
func tree(t testing.TB, statement string) map[string]any {
	t.Helper()
	text, err := pgquery.ParseToJSON(statement)
	if err != nil {
		t.Fatalf("%v\nin: %s", err, statement)
	}
	var result map[string]any
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		t.Fatal(err)
	}
	return result
}
