//go:build cgo

package pgtests

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Citus sends a statement to one node where each of its tables is compared with a parameter by the distribution column, in the
// query that reads the table, and not below an OR (docs/scaling.md).

// routedSchema has tables that are distributed by columns of several types, and one that is not.
const routedSchema = `
	create schema routed;
	create domain routed.code as text;
	create table routed.accounts (tenant bigint, id bigint, name text, primary key (tenant, id));
	create table routed.orders (tenant bigint, id bigint, account_id bigint, note text, total numeric, primary key (tenant, id),
	  foreign key (tenant, account_id) references routed.accounts);
	create table routed.items (tenant bigint, id bigint, order_id bigint, what text, primary key (tenant, id),
	  foreign key (tenant, order_id) references routed.orders);
	create table routed.by_uuid (tenant uuid, id int, note text, primary key (tenant, id));
	create table routed.by_text (tenant text, id int, note text, primary key (tenant, id));
	create table routed.by_varchar (tenant varchar(9), id int, note text, primary key (tenant, id));
	create table routed.by_date (tenant date, id int, note text, primary key (tenant, id));
	create table routed.by_domain (tenant routed.code, id int, note text, primary key (tenant, id));
	insert into routed.accounts select n % 20, n, 'a' || n from generate_series(1, 2000) as n;
	insert into routed.orders select n % 20, n, n, 'o' from generate_series(1, 2000) as n;
	analyze routed.accounts, routed.orders, routed.items;
	set pgrst.db_schemas = 'routed';
	select set_config('testing.settings', '{"db_schemas": ["routed"], "db_aggregates_enabled": true}', false);`

// Requests as the server cuts them: # stands for a value.
var routedRequests = []struct {
	method, target, prefer string
	unfiltered             string // the tables that are read without the comparison
}{
	{"GET", "/orders?tenant=eq.#", "", ""},
	{"HEAD", "/orders?tenant=eq.#", "", ""},
	{"GET", "/orders?tenant=eq.#&id=eq.#&select=id,note", "", ""},
	{"GET", "/orders?id=eq.#&tenant=eq.#", "", ""},
	{"GET", "/orders?tenant=eq.#&order=total.desc,id&limit=#&offset=#", "count=exact", ""},
	{"GET", "/orders?tenant=eq.#&or=(note.eq.#,total.gt.#)&select=id", "count=planned", ""},
	{"GET", "/orders?and=(tenant.eq.#,note.eq.#)&select=id", "", ""},
	{"GET", "/orders?tenant=eq.#&select=note,total.sum()", "", ""},
	{"GET", "/by_uuid?tenant=eq.#", "", ""},
	{"GET", "/by_text?tenant=eq.#", "", ""},
	{"GET", "/by_varchar?tenant=eq.#", "", ""},
	{"GET", "/by_date?tenant=eq.#", "", ""},
	{"GET", "/by_domain?tenant=eq.#", "", ""},
	{"PATCH", "/orders?tenant=eq.#&id=eq.#", "", ""},
	{"PATCH", "/orders?tenant=eq.#", "return=representation,count=exact", ""},
	{"PATCH", "/by_uuid?tenant=eq.#&id=eq.#", "return=representation", ""},
	{"DELETE", "/orders?tenant=eq.#&id=eq.#", "", ""},
	{"DELETE", "/by_text?tenant=eq.#", "return=representation", ""},
	// Each embed takes a filter of its own.
	{"GET", "/orders?tenant=eq.#&select=id,accounts(name)&accounts.tenant=eq.#", "", ""},
	{"GET", "/orders?tenant=eq.#&select=id,accounts!inner(name)&accounts.tenant=eq.#", "count=exact", ""},
	{"GET", "/accounts?tenant=eq.#&select=id,orders(id,items(what))&orders.tenant=eq.#&orders.items.tenant=eq.#", "", ""},
	{"GET", "/accounts?tenant=eq.#&id=eq.#&select=*,orders(*)&orders.tenant=eq.#&orders.limit=3&orders.order=id", "", ""},
	{"GET", "/accounts?tenant=eq.#&select=id,...orders(note)&orders.tenant=eq.#&limit=5", "", ""},
	{"DELETE", "/orders?tenant=eq.#&select=id,accounts(name)&accounts.tenant=eq.#", "return=representation", ""},
	// These go to all nodes.
	{"GET", "/orders?id=eq.#", "", "orders"},
	{"GET", "/orders?tenant=in.(#,#)", "", "orders"},
	{"GET", "/orders?or=(tenant.eq.#,id.eq.#)", "", "orders"},
	{"GET", "/orders?not.and=(tenant.eq.#,id.eq.#)", "", "orders"},
	{"PATCH", "/orders?id=eq.#", "", "orders"},
	{"DELETE", "/orders?tenant=gte.#", "", "orders"},
	{"GET", "/accounts?tenant=eq.#&select=id,orders(id)", "", "orders"},
	{"GET", "/orders?tenant=eq.#&select=id,accounts!inner(name)", "", "accounts"},
}

// Statements compare the column of a filter with the bare parameter, in the query that reads the table.
func TestRouted(t *testing.T) {
	t.Parallel()
	conn := connect(t, newDatabase(t))
	execute(t, conn, routedSchema)
	for _, request := range routedRequests {
		statement := routedStatement(t, conn, request.method, request.target, request.prefer)
		found := unfiltered(tree(t, statement))
		if got := strings.Join(slices.Sorted(maps.Keys(found)), " "); got != request.unfiltered {
			t.Errorf("%s %s: %q are read without the comparison, not %q:\n%s", request.method, request.target, got, request.unfiltered, statement)
		}
	}
}

func routedStatement(t *testing.T, conn *pgx.Conn, method, target, prefer string) (statement string) {
	t.Helper()
	var body []byte
	if method == "PATCH" {
		body = []byte(`{"note": "x"}`)
	}
	err := conn.QueryRow(context.Background(), `
		with r as (
		  select $1::text as method, replace($2, '#', '%01') as target, jsonb_build_object('prefer', $3::text) as headers, $4::bytea as body)
		select (postern.compile(testing.cut_request(method, target, $5, headers, jsonb_strip_nulls(jsonb_build_object(
		  'payload', case when body is not null then postern.describe_payload(testing.request(method, target), false, body) end))),
		  body)).statement
		from r`, method, target, prefer, body, strings.Count(target, "#")).Scan(&statement)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return statement
}

// unfiltered returns the tables of the schema that some query of a statement reads or writes without the comparison.
func unfiltered(parsed map[string]any) map[string]bool {
	result := make(map[string]bool)
	each(parsed, func(query map[string]any) {
		where, _ := query["whereClause"].(map[string]any)
		compared := make(map[string]bool)
		for _, one := range conjuncts(where) {
			if alias := comparedTenant(one); alias != "" {
				compared[alias] = true
			}
		}
		tablesOf(query["fromClause"], func(table map[string]any) {
			if alias := aliasOf(table); table["schemaname"] == "routed" && !compared[alias] {
				result[table["relname"].(string)] = true
			}
		})
		if target, _ := query["relation"].(map[string]any); target["schemaname"] == "routed" && !compared[aliasOf(target)] {
			result[target["relname"].(string)] = true
		}
	})
	return result
}

// tablesOf visits the tables of a FROM clause, not those of subqueries in it.
func tablesOf(from any, visit func(table map[string]any)) {
	switch from := from.(type) {
	case []any:
		for _, one := range from {
			tablesOf(one, visit)
		}
	case map[string]any:
		if table, ok := from["RangeVar"].(map[string]any); ok {
			visit(table)
		}
		if join, ok := from["JoinExpr"].(map[string]any); ok {
			tablesOf(join["larg"], visit)
			tablesOf(join["rarg"], visit)
		}
	}
}

func aliasOf(table map[string]any) string {
	alias, _ := table["alias"].(map[string]any)
	name, _ := alias["aliasname"].(string)
	return name
}

// conjuncts returns what a condition needs to hold all.
func conjuncts(condition map[string]any) []map[string]any {
	and, ok := condition["BoolExpr"].(map[string]any)
	if !ok || and["boolop"] != "AND_EXPR" {
		return []map[string]any{condition}
	}
	var result []map[string]any
	arguments, _ := and["args"].([]any)
	for _, one := range arguments {
		result = append(result, conjuncts(one.(map[string]any))...)
	}
	return result
}

// comparedTenant returns the alias of the table whose column tenant is compared with a parameter, which may have a cast; or nothing.
func comparedTenant(condition map[string]any) string {
	comparison, _ := condition["A_Expr"].(map[string]any)
	if name := texts(comparison["name"]); comparison["kind"] != "AEXPR_OP" || len(name) == 0 || name[len(name)-1] != "=" {
		return ""
	}
	left, _ := comparison["lexpr"].(map[string]any)
	right, _ := comparison["rexpr"].(map[string]any)
	if cast, ok := right["TypeCast"].(map[string]any); ok {
		right, _ = cast["arg"].(map[string]any)
	}
	column, _ := left["ColumnRef"].(map[string]any)
	field := texts(column["fields"])
	if _, isParameter := right["ParamRef"]; !isParameter || len(field) != 2 || field[1] != "tenant" {
		return ""
	}
	return field[0]
}
