package pgtests

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// hostile are arguments by type, as SQL. Of other types there is only null.
var hostile = map[string][]string{
	"text": {"''", "'x'", "'store'", "'store.films'", "'films'", "repeat('x', 5000)", "repeat('(', 500)", "'; drop table store.films; --'", `E'\\x01\\x02\\x1f%s%I$1\\''"{}[]'`,
		"'delete from store.films'", "'select 1; delete from store.films'", "'alter role store_anon superuser'", "'update pg_catalog.pg_authid set rolsuper = true'", "'set session authorization default'",
		"'GET'", "'POST'", "'/films'", "'id=eq.1'", "'analyze'", "'22023'", "'PNERR'", "'-1'", "'99999999999999999999'", "'[1,2)'"},
	"jsonb": {"'{}'", "'[]'", "'1'", `'"x"'`, "'null'", `'{"method":"DELETE","path":"/films","query":"","headers":{}}'`, `'{"method":"GET","path":"/","shell":true,"values":-5}'`,
		`'{"name":"films","schema":"store","oid":1260,"relation":1260,"columns":[{"name":"x"}],"type":"text","of":[],"operator":"and","not":false,"expr":{"operator":"eq","value":"1"}}'`,
		`'{"params":["text","bytea); delete from store.films; --"],"settings":{"role":"store_clerk","session_authorization":"store_clerk","is_superuser":"on"},"read_only":true}'`,
		"('[' || repeat('[', 2000) || repeat(']', 2000) || ']')::jsonb", "(select jsonb_object_agg('k' || n, n) from generate_series(1, 2000) as n)"},
	"json":             {"'{}'", "'[]'", "'1'", `'"x"'`, `'{"code":"x","message":"y"}'`},
	"bytea":            {"''", `'\x00ff'`, "convert_to('[{\"id\":1}]', 'UTF8')", "convert_to(repeat('[', 20000), 'UTF8')"},
	"integer":          {"0", "-1", "1", "2147483647", "-2147483648"},
	"bigint":           {"0", "-1", "9223372036854775807", "-9223372036854775808"},
	"smallint":         {"0", "-1", "32767"},
	"boolean":          {"true", "false"},
	"oid":              {"0", "1260", "4294967295", "'store.films'::regclass::oid", "'store.notes'::regclass::oid", "'store.add(int,int)'::regprocedure::oid"},
	"regclass":         {"'store.films'", "'pg_catalog.pg_authid'", "0::oid::regclass", "'store.notes'"},
	"regtype":          {"'int4'", "'text'", "0::oid::regtype"},
	"name":             {"'films'", "'x'", "''"},
	"text[]":           {"'{}'", "'{a,b}'", "array[null, '''; drop']", "array_fill('x'::text, array[5000])", "'{{a,b},{c,d}}'"},
	"integer[]":        {"'{}'", "'{1,-1,2147483647}'"},
	"oid[]":            {"'{}'", "'{0,1260}'", "array['store.films'::regclass::oid]"},
	"jsonb[]":          {"'{}'", `array['{"name":"x"}'::jsonb]`},
	"double precision": {"0", "'NaN'", "'infinity'"}, "numeric": {"0", "'NaN'", "1e300"}, "real": {"0", "'NaN'"},
	"anyelement": {"1", "'x'::text"}, "record": {"row(1)"},
}

// helpers are the functions of postern, each with the types of its arguments.
func helpers(t *testing.T, conn *pgx.Conn) map[string][]string {
	t.Helper()
	rows, err := conn.Query(context.Background(), `
		select p.oid::regprocedure::text, p.proname::text,
		  coalesce((select array_agg(format_type(type, null) order by place) from unnest(p.proargtypes) with ordinality as types(type, place)), '{}')
		from pg_proc as p where pronamespace = 'postern'::regnamespace and prokind = 'f' order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string][]string)
	for rows.Next() {
		var signature, name string
		var types []string
		if err := rows.Scan(&signature, &name, &types); err != nil {
			t.Fatal(err)
		}
		found[signature] = append([]string{name}, types...)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// P1, P4: every function of postern may be called by anybody, with any arguments, and nothing comes of it: no right is gained, no
// data changes, and no session ends.
func TestHelpersAreHarmless(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	super, conn := connect(t, database), connect(t, database)
	digest := func() (text string) {
		t.Helper()
		if err := super.QueryRow(t.Context(), `select md5(concat(
			(select string_agg(f::text, ',' order by id) from store.films as f), (select string_agg(n::text, ',' order by id) from store.notes as n),
			-- other tests make roles of their own
			(select string_agg(r::text, ',' order by rolname) from pg_authid as r where rolsuper or starts_with(rolname, 'store_')),
			(select string_agg(m::text, ',' order by roleid) from pg_auth_members as m where member = 'store_anon'::regrole),
			(select string_agg(concat_ws(' ', oid, xmin, relacl), ',' order by oid) from pg_class where relnamespace = 'store'::regnamespace),
			(select string_agg(concat_ws(' ', oid, xmin), ',' order by oid) from pg_proc where oid >= 16384), postern.epoch()))`).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	functions := helpers(t, super)
	if len(functions) < 150 {
		t.Fatalf("%d functions", len(functions))
	}
	execute(t, conn, "set statement_timeout = '20s'; set session authorization store_anon; set pgrst.db_schemas = 'store'")
	whole := digest()
	calls, codes := 0, map[string]int{}
	random := rand.New(rand.NewPCG(13, 4))
	for _, signature := range slices.Sorted(maps.Keys(functions)) {
		function := functions[signature]
		for round := range 8 {
			arguments := make([]string, len(function)-1)
			for i, typ := range function[1:] {
				arguments[i] = "null::" + typ
				if values := hostile[typ]; round > 0 && len(values) > 0 {
					arguments[i] = "(" + values[random.IntN(len(values))] + ")::" + typ
				}
				if strings.HasPrefix(typ, "any") || typ == "record" {
					arguments[i] = strings.TrimSuffix(strings.TrimPrefix(arguments[i], "null"), "::"+typ)
					if arguments[i] == "" {
						arguments[i] = "null::int"
					}
				}
			}
			call := fmt.Sprintf("select * from postern.%s(%s)", function[0], strings.Join(arguments, ", "))
			calls++
			_, err := conn.PgConn().Exec(context.Background(), call).ReadAll()
			var failed *pgconn.PgError
			switch {
			case err == nil:
				codes["none"]++
			case !errors.As(err, &failed):
				t.Fatalf("%s: the session has ended: %v\n%.500s", signature, err, call)
			default:
				codes[failed.Code]++
				if failed.Code[:2] == "XX" && !strings.Contains(failed.Message, "cache lookup failed") {
					t.Errorf("%s: %v\n%.500s", signature, err, call)
				}
			}
			var who string
			if err := conn.QueryRow(context.Background(), "select current_user || ' ' || session_user || ' ' || current_setting('is_superuser')").Scan(&who); err != nil {
				t.Fatalf("%s: %v\n%.500s", signature, err, call)
			}
			if who != "store_anon store_anon off" {
				t.Fatalf("%s makes one %s\n%.500s", signature, who, call)
			}
		}
		if now := digest(); now != whole {
			t.Fatalf("%s has changed something", signature)
		}
	}
	// What executes text that it is given does so with the rights of its caller.
	for _, statement := range []string{
		"delete from store.films", "select * from pg_catalog.pg_authid", "update pg_catalog.pg_authid set rolsuper = true", "select * from store.staff",
		"insert into store.notes values (9, 'store_clerk')", "create table postern.mine as select 1", "select pg_catalog.pg_read_file('/etc/passwd')",
	} {
		literal := "'" + strings.ReplaceAll(statement, "'", "''") + "'"
		for _, call := range []string{
			"select postern.explained('analyze', " + literal + ")", "select postern.explained('analyze) select 1; " + strings.ReplaceAll(statement, "'", "''") + "; --', 'select 1')",
			"select postern.planned_rows(" + literal + ")",
		} {
			_, err := conn.PgConn().Exec(context.Background(), call).ReadAll()
			if digest() != whole {
				t.Fatalf("%s has changed something", call)
			}
			var failed *pgconn.PgError
			if !errors.As(err, &failed) || failed.Code != "42501" && failed.Code != "42601" && failed.Code != "0A000" {
				if !strings.Contains(call, "planned_rows") && !strings.Contains(call, "analyze)") {
					t.Errorf("%s: %v", call, err)
				}
			}
		}
	}
	t.Logf("%d calls of %d functions: %v", calls, len(functions), codes)
}
