package main

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// attackedSchema is what attacks find beside e2eSchema: names, labels, comments and rows that somebody made to do harm.
const attackedSchema = `
create type api."mood'); drop table api.books; --" as enum ('a''); drop table api.books; --', 'b"\', '%s$1');
create table api."a""; drop table api.books; --%s {}" (
  id int primary key, "c'""\ %I $1" text default 'd', mood api."mood'); drop table api.books; --", "$$" int, "--" int, "/*" int, " " int);
comment on table api."a""; drop table api.books; --%s {}" is 'comment''; drop table api.books; -- "%s" </script> \';
comment on column api."a""; drop table api.books; --%s {}"."--" is E'two\nlines '' " \\';
insert into api."a""; drop table api.books; --%s {}" values (1, 'x''"\', 'b"\', 2, 3, 4, 5);
create table api."b'%I" (id int primary key, "a'" int constraint "fk"" '); drop" references api."a""; drop table api.books; --%s {}");
insert into api."b'%I" values (1, 1);
create function api."f""'); drop table api.books; --%s"("a""'); drop" text, "$1" int default 1) returns text language sql immutable as $f$ select $1 || $2 $f$;
create function api.joined(variadic words text[]) returns text language sql immutable as $$ select array_to_string(words, '-') $$;
create function api.over(a int) returns text language sql immutable as $$ select 'int' $$;
create function api.over(a int, b text) returns text language sql immutable as $$ select 'both' $$;
create function api.claim() returns text language sql stable as $$ select current_setting('request.jwt.claims')::json ->> 'sub' $$;
create function api.back(value text) returns text language sql immutable as $$ select value $$;
create function api.title_length(api.books) returns int language sql immutable as $$ select length($1.title) $$;
create table api.docs (id int primary key, body jsonb, words text, made text[]);
insert into api.docs values (1, '{"a": {"b''": [1, 2]}, "c\"d": "x"}', 'a fat cat', '{a,"b,c"}');
create table api.keyed (name text primary key, note text);
create role e2e_backslash;
alter role e2e_backslash set standard_conforming_strings = off;
alter role e2e_backslash set backslash_quote = on;
grant e2e_backslash to e2e_login;
grant usage on schema api to e2e_backslash;
grant select on all tables in schema api to e2e_anon, e2e_user, e2e_backslash;
grant insert, update, delete on all tables in schema api to e2e_user;
revoke all on api.secrets from e2e_anon;
`

// attack is a request that may do harm, and how it is answered: by a status and the code of an error, or with a beginning of the body.
type attack struct {
	id      string // in attackList
	request string // method and target
	body    string
	headers []string // names and values
	status  int
	want    string // the code of an error, or several with |; else the beginning of the body
	http    bool   // it has a meaning in HTTP only
	inSQL   string // status and code in SQL, where they are others: the database sees the body before it looks at what it is for
}

// attacked is the server that attacks are sent to, and the database behind it.
type attacked struct {
	*house
	p     *process
	w     *wire
	user  string    // the value of Authorization
	super *pgx.Conn // looks at what is left
	sql   *pgx.Conn // sends requests in SQL
	whole string    // digest of the database when it was whole
}

const attackedSettings = `{"db_schemas":["api","more"],"db_aggregates_enabled":true,"db_plan_enabled":true,"db_tx_end":"commit-allow-override"}`

// intact is a digest of what is in the schemas, and who there is.
const intact = `select md5(concat(
	(select string_agg(t::text, ',' order by t.id) from api.books as t), (select string_agg(t::text, ',' order by t.id) from api.authors as t),
	(select string_agg(t::text, ',' order by t.id) from api.secrets as t), (select string_agg(t::text, ',' order by t.id) from api.docs as t),
	(select string_agg(t::text, ',' order by t.name) from api.keyed as t), (select string_agg(t::text, ',' order by t.id) from api."b'%I" as t),
	(select string_agg(t::text, ',' order by t.id) from api."a""; drop table api.books; --%s {}" as t),
	(select string_agg(concat_ws(' ', oid, relname, relowner, relacl), ',' order by oid) from pg_class where relnamespace in ('api'::regnamespace, 'more'::regnamespace)),
	(select string_agg(concat_ws(' ', oid, proname, prosrc, proacl), ',' order by oid) from pg_proc where oid >= 16384),
	(select string_agg(r::text, ',' order by rolname) from pg_roles as r), (select string_agg(datname, ',' order by oid) from pg_database),
	(select string_agg(nspname, ',' order by oid) from pg_namespace where nspname !~ '^pg_')))`

func newAttacked(t *testing.T, h *house) *attacked {
	t.Helper()
	h.database(t, "attacks", true)
	h.execute(t, "attacks", attackedSchema+rightsSchema+lifeSchema)
	a := &attacked{house: h, user: token(`{"role":"e2e_user","sub":"ann"}`)}
	a.p = h.serve(t, "attacks", "PGRST_DB_POOL=1", "PGRST_DB_AGGREGATES_ENABLED=true", "PGRST_DB_PLAN_ENABLED=true",
		"PGRST_DB_TX_END=commit-allow-override")
	for _, made := range []**pgx.Conn{&a.super, &a.sql} {
		conn, err := pgx.Connect(t.Context(), h.cluster.URI(h.cluster.Superuser, "attacks"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		*made = conn
	}
	a.whole = a.digest(t)
	return a
}

func (a *attacked) digest(t *testing.T) (digest string) {
	t.Helper()
	if err := a.super.QueryRow(t.Context(), intact).Scan(&digest); err != nil {
		t.Fatal(err)
	}
	return digest
}

// bySQL answers a request by postern.handle in a transaction that is rolled back, as the role of the user.
func (a *attacked) bySQL(t *testing.T, one attack) reply {
	t.Helper()
	method, target, _ := strings.Cut(one.request, " ")
	path, query, _ := strings.Cut(target, "?")
	headers := make(map[string]string)
	for i := 0; i < len(one.headers); i += 2 {
		headers[strings.ToLower(one.headers[i])] = one.headers[i+1]
	}
	delete(headers, "authorization")
	request, err := json.Marshal(map[string]any{
		"method": method, "path": path, "query": query, "headers": headers, "settings": json.RawMessage(attackedSettings),
	})
	if err != nil {
		t.Fatal(err)
	}
	tx, err := a.sql.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), `select set_config('role', 'e2e_user', true), set_config('request.jwt.claims', '{"role":"e2e_user","sub":"ann"}', true)`); err != nil {
		t.Fatal(err)
	}
	var r reply
	var body []byte
	if err := tx.QueryRow(t.Context(), "select status, body from postern.handle($1, $2)", request, []byte(one.body)).Scan(&r.status, &body); err != nil {
		t.Fatalf("in SQL, %s %.300s: %v", one.id, one.request, err)
	}
	r.body = strings.ReplaceAll(string(body), ", \n ", ",")
	return r
}

// isAnswer reports whether an answer is the one that is expected.
func (one attack) isAnswer(r reply) bool {
	if r.status >= 400 {
		if _, inner, ok := strings.Cut(r.body, `,"body":`); ok { // of an operation of a batch
			r.body = strings.TrimSuffix(inner, "}")
		}
		return r.status == one.status && (slices.Contains(strings.Split(one.want, "|"), r.code()) || strings.HasPrefix(one.request, "HEAD "))
	}
	return r.status == one.status && strings.HasPrefix(r.body, one.want)
}

// slow is how long an attack may take at most; those that sleep do so for a minute. It takes milliseconds, but the machine may be busy.
const slow = 20 * time.Second

// send sends an attack as a client of the server may, on a connection that is made anew where the server has closed it.
func (a *attacked) send(t *testing.T, one attack) reply {
	t.Helper()
	if a.w == nil {
		a.w = dial(t, a.p)
		t.Cleanup(func() { a.w = nil })
	}
	_ = a.w.conn.SetDeadline(time.Now().Add(30 * time.Second))
	method, target, _ := strings.Cut(one.request, " ")
	headers := one.headers
	if !strings.Contains(strings.Join(headers, "\n"), "Authorization") {
		headers = append([]string{"Authorization", a.user}, headers...)
	}
	r := a.w.send(t, method, target, one.body, headers...)
	if r.closed {
		_ = a.w.conn.Close()
		a.w = nil
	}
	return r
}

// try sends attacks by HTTP, when their shapes are new and when they are known, and in SQL. What they answer is expected, and the
// database stays as it is.
func (a *attacked) try(t *testing.T, attacks []attack) {
	t.Helper()
	for _, one := range attacks {
		for again := range 2 {
			start := time.Now()
			if r := a.send(t, one); !one.isAnswer(r) {
				t.Errorf("%s, time %d, %.300s %.100s %q\n got %d %.400s\nwant %d %s", one.id, again, one.request, one.body, one.headers, r.status, r.body, one.status, one.want)
			}
			if took := time.Since(start); took > slow {
				t.Errorf("%s, %.200s takes %v", one.id, one.request, took)
			}
		}
		if !one.http {
			expected := one
			if one.inSQL != "" {
				expected.status, _ = strconv.Atoi(one.inSQL[:3])
				expected.want = one.inSQL[4:]
			}
			if r := a.bySQL(t, one); !expected.isAnswer(r) {
				t.Errorf("%s in SQL, %.300s %.100s %q\n got %d %.400s\nwant %d %s", one.id, one.request, one.body, one.headers, r.status, r.body, expected.status, expected.want)
			}
		}
		if a.digest(t) != a.whole {
			t.Fatalf("%s, %.300s %.100s has changed the database", one.id, one.request, one.body)
		}
	}
}

// in is text as it stands in a query.
func in(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func TestAttacks(t *testing.T) {
	t.Parallel()
	a := newAttacked(t, build(t))
	t.Run("injection", func(t *testing.T) { a.try(t, injections) })
	t.Run("bombs", func(t *testing.T) { a.try(t, bombs) })
	t.Run("rights", func(t *testing.T) { a.try(t, rights) })
	t.Run("beyond", func(t *testing.T) { a.try(t, beyond) })
	t.Run("headers", func(t *testing.T) { testOwnHeaders(t, a) })
	t.Run("sessions", func(t *testing.T) { testSessionAttacks(t, a) })
	t.Run("shapes", func(t *testing.T) { testManyShapes(t, a) })
	t.Run("rows", func(t *testing.T) { testManyRows(t, a) })
	t.Run("slow clients", func(t *testing.T) { testSlowClients(t, a) })
	t.Run("cancelled", func(t *testing.T) { testCancelStorm(t, a) })
	t.Run("exhausted", func(t *testing.T) { testExhaustion(t, a) })
	t.Run("notified", func(t *testing.T) { testNotifyStorm(t, a) })
	t.Run("backslashes", func(t *testing.T) { testBackslashes(t, a) })
	t.Run("payloads", func(t *testing.T) { testPayloads(t, a) })
	t.Run("sqlmap", func(t *testing.T) { testSqlmap(t, a) })
	t.Run("log", func(t *testing.T) { // A4
		log := a.p.events.String()
		for _, secret := range []string{testSecret, strings.TrimPrefix(a.user, "Bearer "), "password", "Ann's"} {
			if strings.Contains(log, secret) {
				t.Errorf("the log has %q", secret)
			}
		}
	})
}
