//go:build cgo

package pgtests

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	pgquery "github.com/pganalyze/pg_query_go/v5"
)

// FuzzStatement: what any request compiles to is one statement that reads, or for a write one that also writes to the
// resource, and its identifiers come from the catalog or from us, whatever the client sent.
func FuzzStatement(f *testing.F) {
	conn := fuzzSession(f)
	known, columns := vocabulary(f, conn), columnNames(f, conn)
	seed(f)
	f.Fuzz(func(t *testing.T, method, target, headers string, body []byte) {
		compiles(t, conn, known, columns, request{method, target, headers, body})
	})
}

// FuzzStatementGrammar is FuzzStatement with requests that are nearly right, made from a number.
func FuzzStatementGrammar(f *testing.F) {
	conn := fuzzSession(f)
	known, columns := vocabulary(f, conn), columnNames(f, conn)
	for n := range uint64(400) {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, number uint64) { compiles(t, conn, known, columns, generate(number)) })
}

func compiles(t *testing.T, conn *pgx.Conn, known, columns map[string]bool, r request) {
	t.Helper()
	text, ok := r.json()
	if !ok {
		t.Skip()
	}
	var plain, escaping string
	err := conn.QueryRow(context.Background(), `select (postern.compile($1, $2)).statement, (postern.compile($1::jsonb || '{"escapes": true}', $2)).statement`,
		text, r.body).Scan(&plain, &escaping)
	var failed *pgconn.PgError
	if errors.As(err, &failed) {
		if _, ours := broken[failed.Code]; ours && failed.Code != "PNERR" && !allowed(failed.Code, failed.Message) {
			t.Fatalf("%s\n%v", text, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, made := range []string{plain, escaping} {
		if _, err := pgquery.Parse(made); err == nil || !r.casts() {
			inspect(t, made, strings.Contains("POST PATCH PUT DELETE", r.method), known)
			if found := misnamed(t, made, columns); len(found) > 0 {
				t.Errorf("%q are looked up on the search path in: %s", found, made)
			}
		}
	}
}

// ours are the identifiers that we make up.
var ours = regexp.MustCompile(`^(pgrst_(source|scalar|answer|body|embed|row|read_only|children|pages|group|n|[egop][0-9]+|texts(_[0-9]+)?|(level|junction|relation)_[0-9]+)|body|read|element|elem|filled|val|made|described|counted|page|total|everything|found|` +
	`name|nothing|excluded|postern|pg_catalog|[efs][0-9]+(_[a-z0-9_]+)?[$]?|` +
	`base|rows|texts|place|ctid)$`)

// depth is what is put behind a relation's name for the alias of an embed.
var depth = regexp.MustCompile(`_[0-9]+$`)

// builtin are the functions of PostgreSQL that statements call. The client cannot name one.
var builtin = strings.Fields(`array_agg avg concat concat_ws convert_to count current_setting decode generate_subscripts json_agg json_array_elements
	json_build_object json_object_keys json_strip_nulls json_to_record json_to_recordset jsonb_agg jsonb_array_elements jsonb_build_object
	jsonb_to_record jsonb_to_recordset left max min now nullif octet_length phraseto_tsquery plainto_tsquery replace row_number row_to_json set_config st_asgeojson
	string_agg sum substr length to_json to_jsonb to_tsquery to_tsvector unnest websearch_to_tsquery nextval format`)

// vocabulary gives what statements about the store may name.
func vocabulary(t testing.TB, conn *pgx.Conn) map[string]bool {
	t.Helper()
	rows, err := conn.Query(context.Background(), `
		select nspname::text from pg_namespace where nspname in ('store', 'other')
		union select relname from pg_class where relnamespace in ('store'::regnamespace, 'other'::regnamespace)
		union select attname from pg_attribute as a join pg_class as c on c.oid = a.attrelid where c.relnamespace in ('store'::regnamespace, 'other'::regnamespace)
		union select proname from pg_proc where pronamespace in ('store'::regnamespace, 'other'::regnamespace, 'postern'::regnamespace)
		union select unnest(proargnames) from pg_proc where pronamespace = 'store'::regnamespace`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, name := range append(names, builtin...) {
		known[name] = true
		known["k$"+name] = true
	}
	return known
}

// inspect checks a statement.
func inspect(t *testing.T, statement string, write bool, known map[string]bool) {
	t.Helper()
	parsed, err := pgquery.Parse(statement)
	if err != nil {
		t.Fatalf("%v\nin: %s", err, statement)
	}
	if len(parsed.Stmts) != 1 || parsed.Stmts[0].Stmt.GetSelectStmt() == nil && parsed.Stmts[0].Stmt.GetInsertStmt() == nil {
		t.Fatalf("%d statements, the first neither SELECT nor INSERT: %s", len(parsed.Stmts), statement)
	}
	i := inspector{known: known, write: write}
	i.walk("", tree(t, statement)["stmts"])
	if len(i.problems) > 0 {
		t.Errorf("%q\nin: %s", i.problems, statement)
	}
	if i.writes > 1 {
		t.Errorf("it writes %d times: %s", i.writes, statement)
	}
}

// inspector walks through a parse tree.
type inspector struct {
	known    map[string]bool
	write    bool
	writes   int
	problems []string
}

func (i *inspector) expect(what, name string) {
	if !i.known[name] && !ours.MatchString(name) && !i.known[depth.ReplaceAllString(name, "")] {
		i.problems = append(i.problems, what+" "+name)
	}
}

// walk takes the value of a field. Identifiers are told by the field they are in.
func (i *inspector) walk(field string, value any) {
	switch value := value.(type) {
	case []any:
		for _, one := range value {
			i.walk(field, one)
		}
	case map[string]any:
		for name, below := range value {
			i.node(name, below)
		}
	}
}

func (i *inspector) node(name string, below any) {
	switch name {
	case "InsertStmt", "UpdateStmt", "DeleteStmt":
		i.writes++
		if !i.write {
			i.problems = append(i.problems, "a read that writes: "+name)
		}
		i.targets(below.(map[string]any))
	case "SelectStmt", "selectStmt", "stmt": // the last two are fields
	case "schemaname", "relname", "aliasname", "ctename", "colname":
		if text, ok := below.(string); ok {
			i.expect(name, text)
		}
		return
	case "funcname":
		for _, part := range texts(below) {
			i.expect("function", part)
		}
		return
	case "fields": // of a column: the name may be a client's where the relation has no such column, and is then looked for in vain
		parts := texts(below)
		for at, part := range parts {
			if at < 1 {
				i.expect("column or alias", part)
			}
		}
		if len(parts) > 2 {
			i.problems = append(i.problems, "a column of three names: "+strings.Join(parts, "."))
		}
		return
	default:
		if strings.HasSuffix(name, "Stmt") {
			i.problems = append(i.problems, "a statement of another kind: "+name)
		}
	}
	i.walk(name, below)
}

// targets looks at the columns that are written: in other places such a name is an output's label.
func (i *inspector) targets(statement map[string]any) {
	for _, field := range []string{"cols", "targetList"} {
		list, _ := statement[field].([]any)
		for _, target := range list {
			if name, ok := target.(map[string]any)["ResTarget"].(map[string]any)["name"].(string); ok {
				i.expect("written column", name)
			}
		}
	}
}

// texts gives the strings of a list of names.
func texts(list any) []string {
	var result []string
	parts, _ := list.([]any)
	for _, part := range parts {
		if node, ok := part.(map[string]any)["String"].(map[string]any); ok {
			text, _ := node["sval"].(string)
			result = append(result, text)
		}
	}
	return result
}

// The inspector must find what it is there for.
func TestInspectorFindsInjections(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"films": true, "id": true, "store": true, "count": true}
	for _, test := range []struct {
		statement string
		write     bool
		good      bool
	}{
		{`select films.id as "anything" from store.films as films_1`, false, true},
		{`with pgrst_source as (delete from store.films returning films.id) select count(*) from pgrst_source`, true, true},
		{`with pgrst_source as (delete from store.films returning films.id) select count(*) from pgrst_source`, false, false},
		{`select pg_sleep(1) from store.films`, false, false},
		{`select pg_catalog.pg_read_file(films.id) from store.films`, false, false},
		{`select films.id from pg_catalog.pg_authid`, false, false},
		{`select films.id from store.films as evil`, false, false},
		{`select evil.id from store.films`, false, false},
		{`with evil as (select 1) select films.id from store.films`, false, false},
		{`with pgrst_source as (update store.films set evil = 1) select films.id from store.films`, true, false},
		{`with pgrst_source as (insert into store.films (evil) select 1) select films.id from store.films`, true, false},
		{`select case when films.id in (select evil.id from store.films) then 1 end from store.films`, false, false},
	} {
		i := inspector{known: known, write: test.write}
		i.walk("", tree(t, test.statement)["stmts"])
		if good := len(i.problems) == 0; good != test.good {
			t.Errorf("%s: %v", test.statement, i.problems)
		}
	}
}
