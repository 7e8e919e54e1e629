package demo

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"postern/cmd/internal/cluster"
)

func TestDemoDatabase(t *testing.T) {
	t.Parallel()
	c, err := cluster.Start(t.Context(), cluster.Options{Settings: Settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop(context.Background()) })
	quiet := func(sentence string) { t.Log(sentence) }

	made, err := Load(t.Context(), c, quiet)
	if err != nil || !made {
		t.Fatal(made, err)
	}
	if made, err := Load(t.Context(), c, quiet); err != nil || made {
		t.Errorf("a second load makes it again (%v) or fails: %v", made, err)
	}

	connection, err := pgx.Connect(t.Context(), c.URI(Authenticator, Database))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close(context.Background()) }()
	// as asks for one value in a role, as a request with these claims would, and undoes what it did.
	as := func(role, claims, query string) string {
		t.Helper()
		transaction, err := connection.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = transaction.Rollback(t.Context()) }()
		var value any
		_, err = transaction.Exec(t.Context(), "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", role, claims)
		if err == nil {
			err = transaction.QueryRow(t.Context(), query).Scan(&value)
		}
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(value)
	}
	const customer, clerk = `{"role":"customer","customer_id":17}`, `{"role":"clerk","shop_id":3,"employee_id":16}`
	for _, check := range []struct{ role, claims, query, want string }{
		{"anon", `{"role":"anon"}`, "select count(*) from api.books", "6000"},
		{"anon", `{"role":"anon"}`, "select count(*) from api.customers", "permission denied"},
		{"anon", `{"role":"anon"}`, "select count(*) from api.sales", "permission denied"},
		{"anon", `{"role":"anon"}`, "select api.sell(1)", "permission denied"},
		{"anon", `{"role":"anon"}`, "select api.reading_time(100)", "150"},
		{"anon", `{"role":"anon"}`, "select count(*) > 0 from api.books b, api.latest_reviews(b)", "true"},
		{"anon", `{"role":"anon"}`, "select count(*) > 10 from api.search_books('silent or lighthouse', max_price => 9)", "true"},
		{"anon", `{"role":"anon"}`, `select api.import_visits('[{"shop_id":1,"visitors":2},{"shop_id":2,"visitors":3}]')`, "2"},
		{"customer", customer, "select count(*) || ' ' || min(id) from api.customers", "1 17"},
		{"customer", customer, "select count(*) > 0 from api.sale_lines", "true"},
		{"customer", customer, "select count(*) filter (where customer_id <> 17) from api.sales", "0"},
		{"customer", customer, "select (api.wish(5, 'soon')).customer_id", "17"},
		{"customer", `{"role":"customer"}`, "select count(*) from api.customers", "0"},
		{"customer", customer, "insert into api.wishes (customer_id, book_id) values (18, 1) returning 1", "row-level security"},
		{"clerk", clerk, "select string_agg(distinct shop_id::text, ',') from api.sales", "3"},
		{"clerk", clerk, "select (api.sell(book_id)).total > 0 from api.stock where shop_id = 3 and quantity > 0 limit 1", "true"},
		{"clerk", clerk, "select api.sell(1, 1000)", "Not enough copies"},
		{"clerk", clerk, "select count(*) from api.employee_contracts", "1"},
		{"clerk", clerk, "select count(*) from reports.sales_by_month()", "6"},
		{"clerk", clerk, "select reports.refresh_bestsellers() is not null", ""},
	} {
		if got := as(check.role, check.claims, check.query); !strings.Contains(got, check.want) {
			t.Errorf("%s: %s\n got %s\nwant %s", check.role, check.query, got, check.want)
		}
	}

	// What the demo promises, by the superuser's count.
	for query, want := range map[string]string{
		`select sum(n) > 100000 from (select (xpath('/row/c/text()', query_to_xml(format('select count(*) as c from %s', oid::regclass), false, true, '')))[1]::text::int as n
			from pg_class where relnamespace = 'api'::regnamespace and relkind in ('r', 'p')) counted`: "true",
		"select count(*) >= 15 from pg_class where relnamespace = 'api'::regnamespace and relkind in ('r', 'p')":                                                                                               "true",
		"select string_agg(oid::regclass::text, ', ') from pg_class where relnamespace in ('api'::regnamespace, 'reports'::regnamespace) and relkind in ('r', 'p', 'v', 'm') and obj_description(oid) is null": "<nil>",
		"select string_agg(oid::regprocedure::text, ', ') from pg_proc where pronamespace in ('api'::regnamespace, 'reports'::regnamespace) and obj_description(oid, 'pg_proc') is null":                       "<nil>",
		"select count(*) from api.shops": "25",
		"select bool_and(n between 5 and 10) from (select count(*) n from api.employees group by shop_id) s":                                                                       "true",
		"select bool_and(s = 0) from (select (select sum(substr(isbn, i, 1)::int * case i % 2 when 0 then 3 else 1 end) % 10 from generate_series(1, 13) i) from api.books) b (s)": "true",
		"select count(*) from private.sales_other":   "0",
		"select api.average_stars(1, 2) is not null": "true",
	} {
		super, err := pgx.Connect(t.Context(), c.URI(c.Superuser, Database))
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := super.QueryRow(t.Context(), query).Scan(&value); err != nil || fmt.Sprint(value) != want {
			t.Errorf("%s\n got %v %v\nwant %s", query, value, err, want)
		}
		_ = super.Close(t.Context())
	}

	// The rows were loaded without checks of foreign keys: making the keys again checks them all.
	err = c.Exec(t.Context(), Database, `
		begin;
		do $$
		declare
		  key record;
		begin
		  for key in
		    select conrelid::regclass as relation, conname as name, pg_get_constraintdef(oid) as definition
		    from pg_constraint where contype = 'f' and conparentid = 0 and connamespace = 'api'::regnamespace
		  loop
		    execute format('alter table %s drop constraint %I, add constraint %2$I %3$s', key.relation, key.name, key.definition);
		  end loop;
		end
		$$;
		rollback`)
	if err != nil {
		t.Errorf("foreign keys: %v", err)
	}

	// Another version of the SQL: everything is made anew.
	if err := c.Exec(t.Context(), "postgres", "comment on database demo is 'postern demo of another time'"); err != nil {
		t.Fatal(err)
	}
	_ = connection.Close(t.Context())
	if made, err := Load(t.Context(), c, quiet); err != nil || !made {
		t.Errorf("another version is kept (made %v): %v", made, err)
	}
}
