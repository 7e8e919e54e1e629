//go:build cgo

package pgtests

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	pgquery "github.com/pganalyze/pg_query_go/v5"
)

// lookups finds in parse trees what PostgreSQL would look up on the search path, where somebody may have put something else: names
// of functions, types, relations and operators without a schema, and syntax that stands for an operator.
type lookups struct {
	own   func(operator string, left any) bool // operators that the path is to find; nil for none
	known map[string]bool                      // names of relations that the statement itself makes
	found []string
}

// lookedUp returns what a statement looks up, and the functions of postern that it calls.
func lookedUp(t testing.TB, statement string, own func(string, any) bool) (found, calls []string) {
	t.Helper()
	l := lookups{own: own, known: make(map[string]bool)}
	parsed := tree(t, statement)["stmts"]
	each(parsed, func(node map[string]any) {
		if name, ok := node["ctename"].(string); ok {
			l.known[name] = true
		}
		if call, ok := node["FuncCall"].(map[string]any); ok {
			if name := texts(call["funcname"]); len(name) == 2 && name[0] == "postern" {
				calls = append(calls, name[1])
			}
		}
	})
	each(parsed, l.look)
	return l.found, calls
}

// each calls visit with every object of a JSON value.
func each(value any, visit func(map[string]any)) {
	switch value := value.(type) {
	case []any:
		for _, one := range value {
			each(one, visit)
		}
	case map[string]any:
		visit(value)
		for _, name := range slices.Sorted(maps.Keys(value)) {
			each(value[name], visit)
		}
	}
}

func (l *lookups) add(format string, arguments ...any) {
	l.found = append(l.found, fmt.Sprintf(format, arguments...))
}

// look looks at one node, not at those below it.
func (l *lookups) look(node map[string]any) {
	if relation, ok := node["relname"].(string); ok && node["schemaname"] == nil && !l.known[relation] {
		l.add("relation %s", relation)
	}
	if node["isNatural"] == true || node["usingClause"] != nil {
		l.add("a join that names no operator")
	}
	for name, below := range node {
		value, _ := below.(map[string]any)
		switch name {
		case "funcname":
			if names := texts(below); len(names) < 2 {
				l.add("function %s", strings.Join(names, "."))
			}
		case "TypeName", "typeName", "returnType", "argType":
			if names := texts(value["names"]); value["names"] != nil && len(names) < 2 {
				l.add("type %s", strings.Join(names, "."))
			}
		case "collname":
			if names := texts(below); len(names) < 2 && !slices.Equal(names, []string{"C"}) { // there is no other of that name
				l.add("collation %s", strings.Join(names, "."))
			}
		case "useOp":
			if len(texts(below)) < 2 {
				l.add("operator of an order %s", texts(below))
			}
		case "CaseExpr":
			if value["arg"] != nil {
				l.add("case x when y, which is x = y")
			}
		case "A_Expr":
			kind, names := value["kind"].(string), texts(value["name"])
			plain := kind == "AEXPR_OP" || kind == "AEXPR_OP_ANY" || kind == "AEXPR_OP_ALL"
			if !(plain && len(names) == 2) && !(l.own != nil && l.own(names[len(names)-1], value["lexpr"])) {
				l.add("operator %s (%s)", strings.Join(names, "."), kind)
			}
		case "SubLink":
			kind, names := value["subLinkType"].(string), texts(value["operName"])
			compares := kind == "ANY_SUBLINK" || kind == "ALL_SUBLINK" || kind == "ROWCOMPARE_SUBLINK"
			operator := "="
			if len(names) > 0 {
				operator = names[len(names)-1]
			}
			if compares && len(names) < 2 && !(l.own != nil && l.own(operator, value["testexpr"])) {
				l.add("operator %s of a subquery", operator)
			}
		}
	}
}

// The finder must find.
func TestLookedUp(t *testing.T) {
	t.Parallel()
	for statement, wanted := range map[string]int{
		`select pg_catalog.concat(a.b, 'x') operator(pg_catalog.=) all ('{1}') from s.a as a where a.b is not null and coalesce(a.c, true)`: 0,
		`select a::int, a::pg_catalog.text, cast(a as varchar(3)), extract(day from a), current_user, array[1], row(1) from s.a`:            0,
		`with x as (select 1) select x.a::pg_catalog.text[] from x order by x.a collate "C"`:                                                0,
		`select f(1)`: 1, `select a.b from a`: 1, `select 'x'::text`: 1, `select 1 + 1`: 1, `select a in (1, 2)`: 1, `select nullif(a, 1)`: 1,
		`select case a when 1 then 2 end`: 1, `select a is distinct from 1`: 1, `select a between 1 and 2`: 1, `select a like 'x'`: 1,
		`select a in (select 1)`: 1, `select a = any (select 1)`: 1, `select a = any ('{1}')`: 1, `select a similar to 'x'`: 1,
		`select (a, b) = (select 1, 2)`: 1, `select 1 from s.a natural join s.b`: 1, `select 1 from s.a join s.b using (c)`: 1,
		`select count(*) over (partition by a)`: 1, `select a from s.a order by a using <`: 1, `select a collate x`: 1,
		`insert into t select 1`: 1, `update s.t set a = lower(b)`: 1, `delete from s.t where a = 1`: 1, `select x.a from pg_catalog.json_to_record($1) as x(a text)`: 1,
		`select (select (select f(1)) from s.a)`: 1, `select not a operator(pg_catalog.=) b || c`: 1, `select a -> 'x' ->> 'y'`: 2,
	} {
		if found, _ := lookedUp(t, statement, nil); len(found) != wanted {
			t.Errorf("%s: %q, not %d", statement, found, wanted)
		}
	}
}

// installed is a function of sql/, or a DO block.
type installed struct {
	name, file string
	pinned     bool     // it has a search path of its own, and keeps to it
	sql        bool     // it is written in SQL, whose plans are not kept
	queries    []string // its statements and expressions, as statements
	types      []string // of its variables
}

// installedCode returns what sql/ installs.
func installedCode(t testing.TB) (all []installed) {
	t.Helper()
	for file, text := range sources(t) {
		text = templateAction.ReplaceAllString(text, "")
		parsed, err := pgquery.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, raw := range parsed.Stmts {
			statement := text[raw.StmtLocation:]
			if raw.StmtLen > 0 {
				statement = statement[:raw.StmtLen]
			}
			one := installed{file: file}
			var options []*pgquery.Node
			if function := raw.Stmt.GetCreateFunctionStmt(); function != nil {
				one.name, options = function.Funcname[1].GetString_().Sval, function.Options
			} else if block := raw.Stmt.GetDoStmt(); block != nil {
				one.name, options = "do", block.Args
			} else {
				continue
			}
			language, body := "plpgsql", ""
			for _, option := range options {
				element := option.GetDefElem()
				switch element.GetDefname() {
				case "language":
					language = element.Arg.GetString_().Sval
				case "set":
					one.pinned = one.pinned || element.Arg.GetVariableSetStmt().Name == "search_path"
				case "as":
					if list := element.Arg.GetList(); list != nil {
						body = list.Items[0].GetString_().Sval
					}
				}
			}
			if one.sql = language == "sql"; one.sql {
				one.queries = append(one.queries, body)
			} else {
				statement = strings.ReplaceAll(statement, "return next;", "return next null;") // as in TestSourcesParse
				one.parse(t, statement)
			}
			one.pinned = one.pinned && !one.leaves()
			all = append(all, one)
		}
	}
	if len(all) < 300 {
		t.Fatalf("only %d functions", len(all))
	}
	return all
}

// leaves reports whether a function sets the search path while it runs: what it calls then runs under that.
func (i *installed) leaves() bool {
	return slices.ContainsFunc(i.queries, func(query string) bool { return strings.Contains(query, "set_config('search_path'") })
}

var assignment = regexp.MustCompile(`^[^:=]*?:?=`)

// parse takes queries and types from the statement that creates a function in PL/pgSQL.
func (i *installed) parse(t testing.TB, statement string) {
	t.Helper()
	text, err := pgquery.ParsePlPgSqlToJSON(statement)
	if err != nil {
		t.Fatalf("%s: %v", i.name, err)
	}
	var parsed any
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		t.Fatal(err)
	}
	const expression, assigned = 2, 3 // and above: to so many parts of a name
	each(parsed, func(node map[string]any) {
		if query, ok := node["query"].(string); ok {
			mode, _ := node["parseMode"].(float64)
			if mode >= assigned {
				query = assignment.ReplaceAllString(query, "")
			}
			if mode >= expression {
				query = "select " + query
			}
			i.queries = append(i.queries, query)
		}
		if name, ok := node["typname"].(string); ok && name != "UNKNOWN" {
			i.types = append(i.types, strings.TrimSpace(name))
		}
	})
}

// utility are statements that name what they are about with its schema.
var utility = regexp.MustCompile(`^(create|alter|drop|grant|deallocate|set constraints) `)

// problems returns what code looks up on the search path, and which functions it calls.
func (i *installed) problems(t testing.TB) (found, calls []string) {
	t.Helper()
	for _, query := range i.queries {
		more, called := []string(nil), []string(nil)
		if !utility.MatchString(query) {
			more, called = lookedUp(t, query, nil)
		}
		for _, one := range more {
			found = append(found, one+" in: "+query)
		}
		calls = append(calls, called...)
	}
	return append(found, i.typeProblems(t)...), calls
}

func (i *installed) typeProblems(t testing.TB) (found []string) {
	t.Helper()
	for _, name := range i.types {
		more, _ := lookedUp(t, "select null::"+name, nil)
		found = append(found, more...)
	}
	return found
}

// entries are what people call: at a prompt, and PostgreSQL as event triggers and at installation. What the shell and statements call
// is found.
var entries = []string{"handle", "get", "compile", "live", "version", "epoch", "on_ddl", "advance_epoch", "do"}

var ourCall = regexp.MustCompile(`postern\.([a-z0-9_]+)\(`)

// Whatever may run under a search path that is not its own names everything with its schema: what people and the shell call, what
// compiled statements call, and what these call, as far as they have no search path of their own. What only functions with a path of
// their own call runs under that; but as PL/pgSQL looks up the types of variables once a session, whoever is first, they are all qualified.
func TestNamesInFunctions(t *testing.T) {
	t.Parallel()
	all := installedCode(t)
	byName := make(map[string][]*installed)
	for at := range all {
		byName[all[at].name] = append(byName[all[at].name], &all[at])
	}
	reached := make(map[string]bool)
	var reach func(name string)
	reach = func(name string) {
		if reached[name] {
			return
		}
		reached[name] = true
		for _, one := range byName[name] {
			if one.pinned {
				continue
			}
			found, calls := one.problems(t)
			for _, problem := range found {
				t.Errorf("%s: %s: %s", one.file, name, problem)
			}
			for _, call := range calls {
				reach(call)
			}
		}
	}
	for _, name := range entries {
		if byName[name] == nil {
			t.Errorf("there is no %s", name)
		}
		reach(name)
	}
	for _, one := range all {
		if one.leaves() {
			reach(one.name)
		}
	}
	for _, text := range shellSQL(t) {
		_, calls := lookedUp(t, text, nil)
		for _, call := range calls {
			reach(call)
		}
	}
	rendered := 0
	for _, one := range all { // a statement is made of constants
		for _, query := range one.queries {
			if utility.MatchString(query) {
				continue
			}
			each(tree(t, query)["stmts"], func(node map[string]any) {
				constant, _ := node["sval"].(map[string]any)
				text, _ := constant["sval"].(string)
				for _, call := range ourCall.FindAllStringSubmatch(text, -1) {
					if byName[call[1]] != nil {
						rendered++
						reach(call[1])
					}
				}
			})
		}
	}
	if rendered < 15 || len(reached) < 40 {
		t.Errorf("only %d calls in constants, %d functions reached", rendered, len(reached))
	}
	for _, one := range all {
		if !one.pinned && !reached[one.name] {
			for _, problem := range one.typeProblems(t) {
				t.Errorf("%s: %s: a variable: %s", one.file, one.name, problem)
			}
		}
	}
	// PostgreSQL plans the queries of a function anew wherever the path is another one than at its last call.
	under := make(map[string]bool)
	var descend func(name string)
	descend = func(name string) {
		for _, one := range byName[name] {
			_, calls := one.problems(t)
			for _, call := range calls {
				if !under[call] {
					under[call] = true
					descend(call)
				}
			}
		}
	}
	descend("compile")
	for name := range under {
		for _, one := range byName[name] {
			if reached[name] && !one.pinned && !one.leaves() && !one.sql {
				t.Errorf("%s: %s runs under two paths", one.file, name)
			}
		}
	}
}

// shellSQL gives the SQL in the Go sources of the shell; what is put together at run time is x there.
func shellSQL(t testing.TB) (all []string) {
	t.Helper()
	starts := regexp.MustCompile(`(?i)^\s*(select|with|begin read only; select|\(pg_catalog|or pg_catalog|and )\b`)
	err := filepath.WalkDir("../shell", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			expression, ok := node.(ast.Expr)
			if !ok {
				return true
			}
			text, ok := constantText(expression)
			if !ok {
				return true
			}
			if text = strings.ReplaceAll(text, "%s", " "); !starts.MatchString(text) {
				return false
			}
			text = regexp.MustCompile(`^\s*(or|and|begin read only;)\s`).ReplaceAllString(text, " ")
			if !strings.HasPrefix(strings.TrimSpace(strings.ToLower(text)), "select") {
				text = "select " + text
			}
			if _, err := pgquery.Parse(text); err == nil {
				if strings.TrimSpace(text) != "select x()" { // a function of the user's
					all = append(all, text)
				}
			} else if strings.Contains(text, "pg_catalog.") || strings.Contains(text, "postern.") {
				t.Errorf("%s: not parsed: %v: %s", name, err, text)
			}
			return false
		})
		return nil
	})
	if err != nil || len(all) < 10 {
		t.Fatalf("%d pieces of SQL in the shell: %v", len(all), err)
	}
	return all
}

// constantText returns a string that is a literal, or several joined, with x for all that is none; false for other expressions.
func constantText(expression ast.Expr) (string, bool) {
	switch e := expression.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, e.Kind == token.STRING && err == nil
	case *ast.BinaryExpr:
		left, isLeft := constantText(e.X)
		right, isRight := constantText(e.Y)
		if e.Op != token.ADD || !isLeft && !isRight {
			return "", false
		}
		if !isLeft {
			left = "x"
		}
		if !isRight {
			right = "x"
		}
		return left + right, true
	}
	return "", false
}

// What the shell itself sends names everything with its schema, too.
func TestNamesInShell(t *testing.T) {
	t.Parallel()
	for _, text := range shellSQL(t) {
		if found, _ := lookedUp(t, text, nil); len(found) > 0 {
			t.Errorf("%q in: %s", found, text)
		}
	}
	if text, err := os.ReadFile("../shell/db/fixed.go"); err != nil || !strings.Contains(string(text), "postern.handle(") {
		t.Errorf("the statement that calls postern.handle is not where it was: %v", err)
	}
}

// comparisons are the operators that all of PostgreSQL's types of columns have but json, xml and two geometric ones.
var comparisons = []string{"=", "<>", "<", "<=", ">", ">="}

// others are the operators of filters that few types have (postern.operators).
var others = []string{"~~", "~~*", "~", "~*", "@>", "<@", "&&", "<<", ">>", "&<", "&>", "-|-"}

// misnamed returns what a compiled statement looks up on the search path, but for operators on the user's values: on columns whose type
// has its own, or is not known. columns: as schema.relation.column those whose type has not.
func misnamed(t testing.TB, statement string, columns map[string]bool) []string {
	t.Helper()
	relations := make(map[string]string) // by alias
	parsed := tree(t, statement)["stmts"]
	each(parsed, func(node map[string]any) {
		if alias, ok := node["alias"].(map[string]any); ok && node["schemaname"] != nil {
			relations[alias["aliasname"].(string)] = fmt.Sprint(node["schemaname"], ".", node["relname"])
		}
	})
	found, _ := lookedUp(t, statement, func(operator string, left any) bool {
		alias, name, path, ok := userColumn(left)
		return ok && (slices.Contains(others, operator) || slices.Contains(comparisons, operator) && (path || !columns[relations[alias]+"."+name]))
	})
	each(parsed, func(node map[string]any) { // a statement that is to be explained
		constant, _ := node["sval"].(map[string]any)
		text, _ := constant["sval"].(string)
		if text = placeholder.ReplaceAllString(text, "null"); strings.Contains(text, "select ") {
			if _, err := pgquery.Parse(text); err == nil {
				found = append(found, misnamed(t, text, columns)...)
			}
		}
	})
	return found
}

func TestMisnamed(t *testing.T) {
	t.Parallel()
	columns := map[string]bool{"store.films.id": true}
	for statement, wanted := range map[string]int{
		`select films.id from store.films as films where films.id operator(pg_catalog.=) $1 and films.computed = $2 and films.id @> $3`:                0,
		`select f.a from store.films as f where f.meta operator(pg_catalog.->>) 'x' = $1 and pg_catalog.to_jsonb(f.id) operator(pg_catalog.->) 0 = $2`: 0,
		`select f.a from store.films as f where f.a is distinct from $1 and f.b = any (select store.f(e) from pg_catalog.unnest($2) as e)`:             0,
		`select f.id from store.films as f where f.id = $1`: 1, `select f.id from store.films as f where f.id is distinct from $1`: 1,
		`select f.a from store.films as f where $1 = f.a`: 1, `select f.a from store.films as f where f.a || 'x' = 'y'`: 2,
		`select f.a from store.films as f where pg_catalog.lower(f.a) = 'y'`: 1, `select count(*) from store.films as f`: 1,
		`select f.a from store.films as f where f.meta -> 'x' operator(pg_catalog.=) $1`:                         1,
		`select postern.planned_rows(pg_catalog.format('select 1 from store.films as f where f.id = %1$L', $1))`: 1,
	} {
		if found := misnamed(t, statement, columns); len(found) != wanted {
			t.Errorf("%s: %q, not %d", statement, found, wanted)
		}
	}
}

var placeholder = regexp.MustCompile(`%[0-9]+\$L`)

// userColumn reports whether an operand is a column of a relation, or JSON in it (path): the relation's alias, and its name.
func userColumn(operand any) (alias, name string, path, ok bool) {
	node, _ := operand.(map[string]any)
	if column, is := node["ColumnRef"].(map[string]any); is {
		names := texts(column["fields"])
		return names[0], names[len(names)-1], false, len(names) == 2
	}
	if call, is := node["FuncCall"].(map[string]any); is && slices.Equal(texts(call["funcname"]), []string{"pg_catalog", "to_jsonb"}) {
		alias, name, _, ok = userColumn(call["args"].([]any)[0])
		return alias, name, true, ok
	}
	if expression, is := node["A_Expr"].(map[string]any); is {
		if names := texts(expression["name"]); len(names) == 2 && strings.HasPrefix(names[1], "->") {
			alias, name, _, ok = userColumn(expression["lexpr"])
			return alias, name, true, ok
		}
	}
	return "", "", false, false
}
