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
	known := newVocabulary(f, conn, "store", "other")
	seed(f)
	f.Fuzz(func(t *testing.T, method, target, headers string, body []byte) {
		compiles(t, conn, known, request{method, target, headers, body})
	})
}

// FuzzStatementGrammar is FuzzStatement with requests that are nearly right, made from a number.
func FuzzStatementGrammar(f *testing.F) {
	conn := fuzzSession(f)
	known := newVocabulary(f, conn, "store", "other")
	for n := range uint64(400) {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, number uint64) { compiles(t, conn, known, generate(number)) })
}

func compiles(t *testing.T, conn *pgx.Conn, known *vocabulary, r request) {
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
		known.inspect(t, r, made, nil)
	}
}

// ours are the identifiers that we make up.
var ours = regexp.MustCompile(`^(pgrst_(source|head|typed|names|nulls|one|none|plain|tagged|version|scalar|answer|body|embed|row|read_only|children|pages|group|n|[egop][0-9]+|texts(_[0-9]+)?|(level|junction|relation)_[0-9]+)|body|read|element|elem|filled|val|made|described|counted|counts|page|total|everything|found|` +
	`name|nothing|excluded|postern|pg_catalog|[efs][0-9]+(_[a-z0-9_]+)?[$]?|` +
	`pgrst_(cursor|page|more|merged|base|k[0-9]+)|vals|` +
	`base|rows|texts|place|ctid)$`)

// depth is what is put behind a relation's name for the alias of an embed.
var depth = regexp.MustCompile(`_[0-9]+$`)

// builtin are the functions of PostgreSQL that statements call. The client cannot name one.
var builtin = strings.Fields(`array_agg avg concat concat_ws convert_to count current_setting decode encode generate_subscripts hash_record_extended json_agg json_array_elements
	json_build_object json_object_keys json_strip_nulls json_to_record json_to_recordset jsonb_agg jsonb_array_elements jsonb_build_object
	jsonb_to_record jsonb_to_recordset left max min now nullif octet_length phraseto_tsquery plainto_tsquery record_send replace row_number row_to_json set_config sha256 st_asgeojson
	scale string_agg strpos sum substr length to_json to_jsonb to_tsquery to_tsvector unnest websearch_to_tsquery nextval format`)

// vocabulary is what statements about some schemas may name.
type vocabulary struct {
	names     map[string]bool // of relations, columns, parameters
	relations map[string]bool // with their schemas
	functions map[string]bool // with their schemas, but for PostgreSQL's
	columns   map[string]bool // schema.relation.column, of types whose operators are PostgreSQL's alone
	defaults  map[string]bool // as PostgreSQL writes them: a type without its schema where nothing hides it
}

func newVocabulary(t testing.TB, conn *pgx.Conn, schemas ...string) *vocabulary {
	t.Helper()
	collect := func(query string) map[string]bool {
		rows, err := conn.Query(context.Background(), query, schemas)
		if err != nil {
			t.Fatal(err)
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		set := make(map[string]bool)
		for _, name := range names {
			set[name] = true
		}
		return set
	}
	known := &vocabulary{
		names: collect(`
			with space as (select oid from pg_namespace where nspname = any ($1))
			select unnest($1::text[])
			union select relname from pg_class where relnamespace in (select oid from space)
			union select attname from pg_attribute as a join pg_class as c on c.oid = a.attrelid where c.relnamespace in (select oid from space)
			union select proname from pg_proc where pronamespace in (select oid from space)
			union select unnest(proargnames) from pg_proc where pronamespace in (select oid from space)`),
		columns: collect(`
			select concat_ws('.', n.nspname, c.relname, a.attname)
			from pg_attribute as a join pg_class as c on c.oid = a.attrelid join pg_namespace as n on n.oid = c.relnamespace
			where n.nspname = any ($1) and a.attnum > 0 and a.atttypid = any ('{bool,int4,int8,numeric,text,uuid,date,timestamptz}'::regtype[])`),
		relations: collect(`select concat_ws('.', n.nspname, c.relname) from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where n.nspname = any ($1)`),
		functions: collect(`select concat_ws('.', n.nspname, p.proname) from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace where n.nspname = any ($1::text[] || '{postern}'::text[])`),
	}
	known.defaults = collect(`
		select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef as d join pg_class as c on c.oid = d.adrelid join pg_namespace as n on n.oid = c.relnamespace
		where n.nspname = any ($1) and pg_get_expr(d.adbin, d.adrelid) like '%::%'`)
	// Their functions likewise: without the schema where that is on the search path and nothing hides the function.
	for name := range collect(`
		select p.proname from pg_depend as d join pg_proc as p on d.refclassid = 'pg_proc'::regclass and p.oid = d.refobjid
		where d.classid = 'pg_attrdef'::regclass and p.pronamespace::regnamespace::text in (select quote_ident(s) from unnest($1::text[]) as s)`) {
		known.functions[name] = true
	}
	for _, name := range builtin {
		known.functions[name], known.functions["pg_catalog."+name] = true, true
	}
	for name := range known.names {
		known.names["k$"+name] = true
	}
	return known
}

// kinds are the writes of a method.
var kinds = map[string]string{"POST": "InsertStmt", "PUT": "InsertStmt", "PATCH": "UpdateStmt", "DELETE": "DeleteStmt"}

// inspect checks the statement of a request: it is one, of the request's kind, without comments; it names no relation, function or
// operator but those that the request is about and ours; and what a client wrote is a constant or an identifier. relations: those that
// may occur, nil for all that are known.
func (known *vocabulary) inspect(t *testing.T, r request, statement string, relations map[string]bool) {
	t.Helper()
	parsed, err := pgquery.Parse(statement)
	if err != nil {
		if r.casts() {
			return // to words that make no type
		}
		t.Fatalf("%v\nin: %s", err, statement)
	}
	if len(parsed.Stmts) != 1 || parsed.Stmts[0].Stmt.GetSelectStmt() == nil && parsed.Stmts[0].Stmt.GetInsertStmt() == nil {
		t.Fatalf("%d statements, or one that is neither SELECT nor INSERT: %s", len(parsed.Stmts), statement)
	}
	i := known.inspector(kinds[r.method])
	switch {
	case strings.HasPrefix(r.target, "/rpc/"):
		i.write = ""
	case r.method == "PUT" && strings.Contains(strings.ToLower(r.headers), "if-match:"):
		i.write = "UpdateStmt"
	}
	if relations != nil {
		i.relations = relations
	}
	if i.scan(t, statement); len(i.problems) > 0 {
		t.Errorf("%q\nin: %s\nof %s %s\n%s", i.problems, statement, r.method, unescaped(r.target), r.body)
	}
	if relations != nil {
		return // random schemas have defaults and representations of their own, which are called as PostgreSQL writes them
	}
	for written := range known.defaults {
		statement = strings.ReplaceAll(statement, written, "null")
	}
	if found := misnamed(t, statement, known.columns); len(found) > 0 {
		t.Errorf("%q are looked up on the search path in: %s", found, statement)
	}
}

func (known *vocabulary) inspector(write string) *inspector {
	return &inspector{vocabulary: known, relations: known.relations, write: write}
}

// inspector walks through a parse tree.
type inspector struct {
	*vocabulary
	relations map[string]bool
	with      map[string]bool // names that WITH gives
	write     string          // the node of the write that there may be
	writes    int
	problems  []string
}

// scan looks at a statement's tokens and at its tree.
func (i *inspector) scan(t testing.TB, statement string) {
	scanned, err := pgquery.Scan(statement)
	if err != nil {
		t.Fatalf("%v\nin: %s", err, statement)
	}
	for _, token := range scanned.Tokens {
		switch token.Token {
		case pgquery.Token_SQL_COMMENT, pgquery.Token_C_COMMENT:
			i.problems = append(i.problems, "a comment: "+statement[token.Start:token.End])
		}
	}
	parsed := tree(t, statement)["stmts"]
	i.with = make(map[string]bool)
	i.collect(parsed)
	i.walk("", parsed)
	if i.writes > 1 {
		i.problems = append(i.problems, "it writes more than once")
	}
}

// collect finds the names that WITH gives.
func (i *inspector) collect(value any) {
	switch value := value.(type) {
	case []any:
		for _, one := range value {
			i.collect(one)
		}
	case map[string]any:
		if name, ok := value["ctename"].(string); ok {
			i.with[name] = true
		}
		for _, below := range value {
			i.collect(below)
		}
	}
}

func (i *inspector) expect(what, name string) {
	if !i.names[name] && !ours.MatchString(name) && !i.names[depth.ReplaceAllString(name, "")] {
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
		if name, ok := value["relname"].(string); ok {
			i.relation(value, name)
		}
		for name, below := range value {
			i.node(name, below)
		}
	}
}

// relation looks at what FROM or a write names.
func (i *inspector) relation(node map[string]any, name string) {
	schema, ok := node["schemaname"].(string)
	if !ok && !i.with[name] || ok && !i.relations[schema+"."+name] {
		i.problems = append(i.problems, "relation "+schema+"."+name)
	}
}

func (i *inspector) node(name string, below any) {
	switch name {
	case "InsertStmt", "UpdateStmt", "DeleteStmt":
		i.writes++
		if i.write != name {
			i.problems = append(i.problems, "a write of another kind: "+name)
		}
		i.targets(below.(map[string]any))
	case "SelectStmt", "selectStmt", "stmt": // the last two are fields
	case "lockingClause", "intoClause", "MultiAssignRef", "CollateClause":
		i.problems = append(i.problems, "a clause that is not ours: "+name)
	case "aliasname", "ctename", "colname":
		if text, ok := below.(string); ok {
			i.expect(name, text)
		}
		return
	case "funcname":
		if called := strings.Join(texts(below), "."); !i.functions[called] {
			i.problems = append(i.problems, "function "+called)
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

// texts returns the strings of a list of names.
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
	known := &vocabulary{
		names:     map[string]bool{"films": true, "id": true, "store": true},
		relations: map[string]bool{"store.films": true},
		functions: map[string]bool{"count": true, "store.shouted": true},
	}
	for _, test := range []struct {
		statement string
		write     string
		good      bool
	}{
		{`select films.id as "anything" from store.films as films_1`, "", true},
		{`select films.id as "any -- /* thing */; " from store.films where films.id = '--'`, "", true},
		{`with pgrst_source as (delete from store.films returning films.id) select count(*) from pgrst_source`, "DeleteStmt", true},
		{`with pgrst_source as (delete from store.films returning films.id) select count(*) from pgrst_source`, "", false},
		{`with pgrst_source as (delete from store.films returning films.id) select count(*) from pgrst_source`, "UpdateStmt", false},
		{`with pgrst_source as (delete from store.films), pgrst_body as (delete from store.films) select 1`, "DeleteStmt", false},
		{`select store.shouted(films.*) from store.films`, "", true},
		{`select shouted(films.*) from store.films`, "", false},
		{`select other.shouted(films.*) from store.films`, "", false},
		{`select pg_sleep(1) from store.films`, "", false},
		{`select pg_catalog.pg_read_file(films.id) from store.films`, "", false},
		{`select films.id from pg_catalog.pg_authid`, "", false},
		{`select films.id from films`, "", false},
		{`select films.id from other.films`, "", false},
		{`select films.id from store.films as evil`, "", false},
		{`select films.id from store.films for update`, "", false},
		{`select films.id into films from store.films`, "", false},
		{`select films.id from store.films -- evil`, "", false},
		{`select films.id /* evil */ from store.films`, "", false},
		{`select evil.id from store.films`, "", false},
		{`with evil as (select 1) select films.id from store.films`, "", false},
		{`with pgrst_source as (update store.films set evil = 1) select films.id from store.films`, "UpdateStmt", false},
		{`with pgrst_source as (insert into store.films (evil) select 1) select films.id from store.films`, "InsertStmt", false},
		{`select case when films.id in (select evil.id from store.films) then 1 end from store.films`, "", false},
	} {
		i := known.inspector(test.write)
		i.scan(t, test.statement)
		if good := len(i.problems) == 0; good != test.good {
			t.Errorf("%s: %v", test.statement, i.problems)
		}
	}
}
