package pgtests

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"postern/sql"
)

// sources returns the text of every file in sql/ by name.
func sources(t testing.TB) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	err := fs.WalkDir(sql.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".sql" {
			return err
		}
		text, err := fs.ReadFile(sql.Files, name)
		texts[name] = string(text)
		return err
	})
	if err != nil || len(texts) < 10 {
		t.Fatalf("%d files in sql/: %v", len(texts), err)
	}
	return texts
}

var templateAction = regexp.MustCompile(`\{\{ template "([a-z_/0-9]+\.sql)" \. \}\}`)

// install.sql names every file once, and nothing else looks like a template.
func TestInstallNamesEveryFile(t *testing.T) {
	t.Parallel()
	texts := sources(t)
	named := map[string]int{"install.sql": 1}
	for _, found := range templateAction.FindAllStringSubmatch(texts["install.sql"], -1) {
		named[found[1]]++
	}
	for name, text := range texts {
		if named[name] != 1 {
			t.Errorf("install.sql names %s %d times", name, named[name])
		}
		if name == "install.sql" {
			text = templateAction.ReplaceAllString(text, "")
		}
		for number, line := range strings.Split(text, "\n") {
			if strings.Contains(line, "{{") || strings.Contains(line, "}}") {
				t.Errorf("%s:%d: two adjacent braces are a template's: %s", name, number+1, line)
			}
			if strings.TrimRight(line, " \t\r") != line || strings.Contains(line, "\t") {
				t.Errorf("%s:%d: a tab, or blanks at the end: %q", name, number+1, line)
			}
			if strings.ContainsFunc(line, func(c rune) bool { return c > 126 }) {
				t.Errorf("%s:%d: not every server encoding has these characters: %s", name, number+1, line)
			}
		}
	}
	for name := range named {
		if _, ok := texts[name]; !ok {
			t.Errorf("install.sql names %s, which does not exist", name)
		}
	}
}

const (
	mostColumns       = 120
	mostFileLines     = 300
	mostFunctionLines = 80
)

var (
	functionHead = regexp.MustCompile(`(?m)^create or replace function postern\.([a-z0-9_]+)`)
	bodyOpens    = regexp.MustCompile(`(?m)^as (\$[a-z]*\$)`)
)

// tooWideOrLong returns which lines of a file are too wide, and whether there are too many, each with its place.
func tooWideOrLong(name, text string) (found []string) {
	lines := 0
	for line := range strings.Lines(text) {
		lines++
		if columns := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); columns > mostColumns {
			found = append(found, fmt.Sprintf("%s:%d: %d columns", name, lines, columns))
		}
	}
	if lines > mostFileLines {
		found = append(found, fmt.Sprintf("%s:%d: the file has %d lines", name, lines, lines))
	}
	return found
}

// tooLong returns that a function, which begins at a line of a file, has too many lines.
func tooLong(name string, line int, function string, lines int) []string {
	if lines <= mostFunctionLines {
		return nil
	}
	return []string{fmt.Sprintf("%s:%d: %s has %d lines", name, line, function, lines)}
}

// oversized returns what of a file of SQL is too wide or too long, each with its place.
func oversized(name, text string) (found []string) {
	found = tooWideOrLong(name, text)
	for _, head := range functionHead.FindAllStringSubmatchIndex(text, -1) {
		function := text[head[0]:]
		end := -1
		if body := bodyOpens.FindStringSubmatchIndex(function); body != nil {
			end = strings.Index(function[body[1]:], function[body[2]:body[3]]+";")
			function = function[:body[1]+max(end, 0)]
		}
		line, called := 1+strings.Count(text[:head[0]], "\n"), text[head[2]:head[3]]
		if end < 0 {
			found = append(found, fmt.Sprintf("%s:%d: the body of %s has no end", name, line, called))
		} else {
			found = append(found, tooLong(name, line, called, 1+strings.Count(function, "\n"))...)
		}
	}
	return found
}

// Lines, files and functions of sql/ are of a size that one can read.
func TestSizes(t *testing.T) {
	t.Parallel()
	functions := 0
	for name, text := range sources(t) {
		functions += len(functionHead.FindAllString(text, -1))
		for _, one := range oversized(name, text) {
			t.Error(one)
		}
	}
	if functions < 300 {
		t.Errorf("only %d functions", functions)
	}
}

// What is too large must be found.
func TestOversized(t *testing.T) {
	t.Parallel()
	function := func(lines int) string { // one of so many lines behind a line of its own
		return "--\ncreate or replace function postern.f()\nas $q$" + strings.Repeat("\n", lines-2) + "$q$;\ncomment\n"
	}
	for text, wanted := range map[string]string{
		"\n" + strings.Repeat("x", 120) + "\n":            "",
		"\n" + strings.Repeat("x", 121) + "\n":            "f.sql:2: 121 columns",
		strings.Repeat("\n", 300):                         "",
		strings.Repeat("\n", 301):                         "f.sql:301: the file has 301 lines",
		function(80):                                      "",
		function(81):                                      "f.sql:2: f has 81 lines",
		function(80) + function(81):                       "f.sql:84: f has 81 lines",
		"create or replace function postern.f()\nas $$\n": "f.sql:1: the body of f has no end",
	} {
		if got := strings.Join(oversized("f.sql", text), "\n"); got != wanted {
			t.Errorf("%q, not %q, of %q", got, wanted, text)
		}
	}
}

// The rules for what is installed. Each query gives what breaks one.
func TestCatalogRules(t *testing.T) {
	t.Parallel()
	conn := connect(t, newDatabase(t))
	for rule, query := range map[string]string{
		"every function has a comment that says something": `
			select p.oid::regprocedure::text from pg_proc as p
			where p.pronamespace = 'postern'::regnamespace and coalesce(length(obj_description(p.oid, 'pg_proc')), 0) < 15`,
		"every comment says what the function raises": `
			select p.oid::regprocedure::text from pg_proc as p
			where p.pronamespace = 'postern'::regnamespace and obj_description(p.oid, 'pg_proc') !~ '\mRaises\M'`,
		"the schema, its tables and its types have comments": `
			select nspname from pg_namespace where nspname = 'postern' and obj_description(oid, 'pg_namespace') is null
			union all
			select c.oid::regclass::text from pg_class as c
			where c.relnamespace = 'postern'::regnamespace and c.relkind = 'r' and obj_description(c.oid, 'pg_class') is null
			union all
			select t.oid::regtype::text from pg_type as t join pg_class as c on c.oid = t.typrelid
			where t.typnamespace = 'postern'::regnamespace and c.relkind = 'c' and obj_description(t.oid, 'pg_type') is null`,
		"only what writes the epoch runs with its owner's rights, on a path of its own": `
			select p.oid::regprocedure::text from pg_proc as p
			where p.pronamespace = 'postern'::regnamespace
			  and (p.prosecdef <> (p.proname in ('advance_epoch', 'on_ddl'))
			    or p.prosecdef and not coalesce(p.proconfig, '{}') @> '{"search_path=pg_catalog, pg_temp"}')`,
		"a function that has settings has a search path without schemas of users": `
			select p.oid::regprocedure::text from pg_proc as p
			where p.pronamespace = 'postern'::regnamespace and p.proconfig is not null
			  and not (p.proconfig @> '{"search_path=pg_catalog, pg_temp"}'
			    and p.proconfig <@ '{"search_path=pg_catalog, pg_temp",client_min_messages=warning,plan_cache_mode=force_generic_plan,plan_cache_mode=force_custom_plan,random_page_cost=0.1,work_mem=64MB,
			      extra_float_digits=1,"DateStyle=ISO, YMD",IntervalStyle=postgres}')`,
		"what runs for every request has no settings, as changing the path would make its plans anew": `
			select p.oid::regprocedure::text from pg_proc as p
			where p.pronamespace = 'postern'::regnamespace and p.proconfig is not null
			  and p.proname in ('handle', 'execute_prepared', 'set_request', 'set_transaction', 'own_status', 'planned_epoch')`,
		"everything belongs to who installed it": `
			select p.oid::regprocedure::text from pg_proc as p
			where p.pronamespace = 'postern'::regnamespace and p.proowner <> current_user::regrole
			union all
			select c.oid::regclass::text from pg_class as c
			where c.relnamespace = 'postern'::regnamespace and c.relowner <> current_user::regrole`,
		"others may use the schema and create nothing in it": `
			select privilege from unnest('{USAGE,CREATE,"USAGE WITH GRANT OPTION"}'::text[]) as privilege
			where has_schema_privilege('store_anon', 'postern', privilege) <> (privilege = 'USAGE')`,
		"others may read the tables and write none": `
			select c.oid::regclass || ' ' || privilege
			from pg_class as c, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) as privilege
			where c.relnamespace = 'postern'::regnamespace and c.relkind in ('r', 'v', 'm', 'p', 'S')
			  and has_table_privilege('store_anon', c.oid, privilege) <> (privilege = 'SELECT')`,
		"others may execute the functions, but not make every session compile anew": `
			select p.oid::regprocedure::text from pg_proc as p
			where p.pronamespace = 'postern'::regnamespace and has_function_privilege('store_anon', p.oid, 'execute') = (p.proname = 'advance_epoch')`,
		"a function that says it is parallel safe, or strict, reads no value it may not": `
			select p.oid::regprocedure::text from pg_proc as p
			where p.pronamespace = 'postern'::regnamespace and p.proparallel = 's' and p.provolatile = 'v'`,
		"an immutable function calls no stable one and no catalog": `
			select p.oid::regprocedure::text from pg_proc as p
			where p.pronamespace = 'postern'::regnamespace and p.provolatile = 'i' and p.prosrc ~ '\mpg_(class|proc|attribute|type|constraint|namespace|rewrite|description|index)\M'`,
		"there are two event triggers, which fire in every session": `
			select count(*)::text from pg_event_trigger where evtname like 'postern\_%' and evtenabled = 'A' having count(*) <> 2`,
		"no table of metadata that could go stale": `
			select c.oid::regclass::text from pg_class as c
			where c.relnamespace = 'postern'::regnamespace and c.relkind in ('r', 'm', 'p')`,
		"no function is called with an argument that it does not name": `
			select p.oid::regprocedure::text from pg_proc as p
			where p.pronamespace = 'postern'::regnamespace and p.pronargs > 0 and coalesce('' = any(p.proargnames), true)`,
		"languages that every server has": `
			select p.oid::regprocedure::text from pg_proc as p join pg_language as l on l.oid = p.prolang
			where p.pronamespace = 'postern'::regnamespace and l.lanname not in ('sql', 'plpgsql')`,
	} {
		rows, err := conn.Query(context.Background(), query)
		if err != nil {
			t.Fatalf("%s: %v", rule, err)
		}
		for rows.Next() {
			var what string
			if err := rows.Scan(&what); err != nil {
				t.Fatal(err)
			}
			t.Errorf("%s: not %s", rule, what)
		}
		if err := rows.Err(); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

// accepted are findings of plpgsql_check that are as they should be: a function (or any), and part of the finding.
var accepted = []struct{ function, finding string }{
	// Constants of other types are read from text once a transaction; that is a microsecond.
	{"", `cast "text" value to "json`},
	{"", `cast "integer" value to "bigint" type`},
	{"error_body", `cast "json" value to "text" type`},
	// These always raise, and must do so when they are run, not when their caller is planned.
	{"key_mismatch", "control reached end of function without RETURN"},
	{"key_mismatch", "routine is marked as VOLATILE"},
	{"not_single", "control reached end of function without RETURN"},
	{"not_single", "routine is marked as VOLATILE"},
	{"precondition_failed", "control reached end of function without RETURN"},
	{"precondition_failed", "routine is marked as VOLATILE"},
	{"too_many", "control reached end of function without RETURN"},
	{"too_many", "routine is marked as VOLATILE"},
	{"wrong_keys", "routine is marked as VOLATILE"},
	// They end in postern.fail.
	{"negotiate", "control reached end of function without RETURN"},
	{"decode_escapes", "control reached end of function without RETURN"},
	// The statements that it is there to run: FuzzStatement looks at those.
	{"handle", "text type variable is not sanitized"},
	{"explained", "text type variable is not sanitized"},
	{"look", "text type variable is not sanitized"},
	// The text of some types depends on settings.
	{"sort_text", "routine is marked as STABLE"},
	// What is explained may be executed as well (options=analyze).
	{"explained", "routine is marked as VOLATILE"},
	// What it executes creates event triggers.
	{"watch_ddl", "routine is marked as VOLATILE"},
	// What they read is set while the statement runs that calls them.
	{"own_status", "routine is marked as VOLATILE"},
}

func TestPlpgsqlCheck(t *testing.T) {
	if inMatrix {
		t.Skip("there is no plpgsql_check for this server; make test has it")
	}
	t.Parallel()
	conn := connect(t, newDatabase(t))
	rows, err := conn.Query(context.Background(), `
		select p.proname::text, found.level, found.message, coalesce(found.lineno::text, ''), coalesce(found.statement, ''), coalesce(found.detail, ''), coalesce(found.hint, '')
		from pg_proc as p join pg_language as l on l.oid = p.prolang and l.lanname = 'plpgsql',
		  plpgsql_check_function_tb(p.oid, fatal_errors => false, all_warnings => true) as found
		where p.pronamespace = 'postern'::regnamespace
		  and found.sqlstate is distinct from 'PNERR' -- postern.fail with constants raises at once, as it is immutable
		order by 1, found.lineno`)
	if err != nil {
		t.Fatal(err)
	}
	used := make([]bool, len(accepted))
	for rows.Next() {
		var function, level, message, line, statement, detail, hint string
		if err := rows.Scan(&function, &level, &message, &line, &statement, &detail, &hint); err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(accepted, func(one struct{ function, finding string }) bool {
			return (one.function == "" || one.function == function) && strings.Contains(message+" "+detail, one.finding)
		})
		if at >= 0 {
			used[at] = true
			continue
		}
		t.Errorf("%s line %s (%s): %s", function, line, statement, strings.Join([]string{level, message, detail, hint}, " · "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for at, one := range accepted {
		if !used[at] {
			t.Errorf("accepted, but not found any more: %v", one)
		}
	}
	var checked int
	if err := conn.QueryRow(context.Background(), `select count(*) from pg_proc as p join pg_language as l on l.oid = p.prolang
		where p.pronamespace = 'postern'::regnamespace and l.lanname = 'plpgsql'`).Scan(&checked); err != nil || checked < 50 {
		t.Error(fmt.Errorf("%d functions were checked: %w", checked, err))
	}
}
