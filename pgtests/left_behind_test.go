package pgtests

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// codeOfUsers calls leaving.leave in every way that a request can come to run code of a user's, and tells in store.found all that
// a session shows of other requests.
const codeOfUsers = `
create schema leaving;
grant usage on schema leaving to store_anon, store_clerk;
create table leaving.thing (code text, fails boolean);
grant select on leaving.thing to public;
create function leaving.as_owner(code text) returns void language plpgsql volatile security definer as $$ begin execute code; end $$;
create function leaving.leave() returns boolean language plpgsql volatile as $$
declare
  one record;
begin
  for one in select * from leaving.thing loop
    execute one.code;
    if one.fails then raise 'fails'; end if;
  end loop;
  return true;
end $$;
create function leaving.row() returns trigger language plpgsql as $$ begin perform leaving.leave(); return coalesce(new, old); end $$;

create table store.w (id int primary key, t text);
insert into store.w values (1, 'a');
create function store.w_call() returns boolean language sql volatile as 'select leaving.leave()';
create function store.w_default(a boolean default leaving.leave()) returns boolean language sql immutable as 'select a';
create function store.w_rows() returns setof store.w language sql stable as 'select * from store.w';
create function store.w_field(store.w) returns boolean language sql volatile as 'select leaving.leave()';
create function store.w_any(anyelement) returns boolean language sql volatile as 'select leaving.leave()';
create function store.w_embed(store.w) returns setof store.films rows 1 language plpgsql volatile as $$
  begin perform leaving.leave(); return query select * from store.films where id = 1; end $$;

create view store.w_view as select id, leaving.leave() as l from store.w;
create view store.w_where as select id from store.w where leaving.leave();
create view store.w_nested as select w_view.*, 1 as one from store.w_view;
create view store.w_instead as select id from store.w;
create trigger a instead of insert on store.w_instead for each row execute function leaving.row();

create table store.w_policy (id int primary key, t text, w_id int default 1 references store.w);
insert into store.w_policy select n, 'a' from generate_series(1, 3) as n;
alter table store.w_policy enable row level security;
create policy p on store.w_policy using (leaving.leave());
create table store.w_deleted (id int primary key);
alter table store.w_deleted enable row level security;
create policy p on store.w_deleted for delete using (leaving.leave());
create policy s on store.w_deleted for select using (true);
create table store.w_checked (id int primary key);
alter table store.w_checked enable row level security;
create policy s on store.w_checked for select using (true);
create policy i on store.w_checked for insert with check (leaving.leave());

create table store.w_trigger (id int primary key, t text);
insert into store.w_trigger values (1, 'a');
create trigger a before insert on store.w_trigger for each row execute function leaving.row();
create trigger b after update on store.w_trigger for each statement execute function leaving.row();
create table store.w_late (id int primary key);
create constraint trigger a after insert on store.w_late deferrable initially deferred for each row execute function leaving.row();
create table store.w_parent (id int primary key);
create table store.w_child (id int primary key, parent_id int references store.w_parent on delete cascade);
create trigger a before delete on store.w_child for each row execute function leaving.row();
create table store.w_whole (id int) partition by list (id);
create table store.w_part partition of store.w_whole default;
create trigger a before insert on store.w_part for each row execute function leaving.row();
create table store.w_ruled (id int);
create rule r as on insert to store.w_ruled do instead insert into store.w_trigger (id, t) values (new.id, leaving.leave()::text) returning id;

create table store.w_dflt (id int primary key, l boolean default leaving.leave());
create table store.w_check (id int primary key check (leaving.leave()));
create domain store.w_domain as int check (leaving.leave());
create table store.w_domains (id int primary key, d store.w_domain);

create domain store.w_shown as text;
create function leaving.shown(store.w_shown) returns json language plpgsql volatile as $$ begin perform leaving.leave(); return to_json('x'::text); end $$;
create function leaving.read(json) returns store.w_shown language plpgsql volatile as $$ begin perform leaving.leave(); return 'x'; end $$;
create function leaving.parsed(text) returns store.w_shown language plpgsql volatile as $$ begin perform leaving.leave(); return 'x'; end $$;
create cast (store.w_shown as json) with function leaving.shown(store.w_shown) as implicit;
create cast (json as store.w_shown) with function leaving.read(json) as implicit;
create cast (text as store.w_shown) with function leaving.parsed(text) as implicit;
create table store.w_reps (id int primary key, s store.w_shown);
insert into store.w_reps values (1, 'x');

create type store.w_mood as enum ('sad', 'ok');
create function leaving.mood(store.w_mood) returns json language plpgsql volatile as $$ begin perform leaving.leave(); return to_json($1::text); end $$;
create cast (store.w_mood as json) with function leaving.mood(store.w_mood);
create table store.w_moods (id int primary key, m store.w_mood, ms store.w_mood[]);
insert into store.w_moods values (1, 'sad', '{ok}');

create type store.w_pair as (v int);
create function leaving.same(store.w_pair, store.w_pair) returns boolean language plpgsql volatile as $$ begin perform leaving.leave(); return true; end $$;
create operator store.= (leftarg = store.w_pair, rightarg = store.w_pair, function = leaving.same);
create function leaving.sum(int, store.w_pair) returns int language plpgsql volatile as $$ begin perform leaving.leave(); return 1; end $$;
create aggregate store.sum(store.w_pair) (sfunc = leaving.sum, stype = int, initcond = '0');
create table store.w_pairs (id int primary key, p store.w_pair);
insert into store.w_pairs values (1, '(1)');
create view store.w_same as select id from store.w_pairs where p operator(store.=) '(1)'::store.w_pair;
create view store.w_sum as select store.sum(p) from store.w_pairs;

create domain store."text/w" as text;
create function leaving.media(store."text/w", store.w) returns store."text/w" language plpgsql volatile as $$ begin perform leaving.leave(); return 'x'; end $$;
create aggregate store.w_media(store.w) (sfunc = leaving.media, stype = store."text/w", initcond = '');

create function store.found() returns json language plpgsql stable as $$
declare
  last text;
begin
  begin
    last := lastval();
  exception when others then
    last := 'none';
  end;
  return json_build_array(current_user, session_user, last,
    (select json_object_agg(name, setting order by name) from pg_settings where source = 'session'),
    array(select coalesce(current_setting(name, true), '') from unnest('{store.left, response.status, response.headers, request.jwt.claims,
      request.method, request.path, request.headers, request.cookies}'::text[]) as name),
    (select count(*) from pg_class where relnamespace = pg_my_temp_schema()), (select count(*) from pg_type where typnamespace = pg_my_temp_schema()),
    (select count(*) from pg_proc where pronamespace = pg_my_temp_schema()), (select count(*) from pg_cursors where is_holdable),
    array(select pg_listening_channels()), (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()));
end $$;
grant all on all tables in schema store to store_clerk;
grant select, insert on store.keyless to store_anon;
`

// What code may leave in a session: what it executes.
var leftBehind = []struct {
	name, code string
	hinders    bool // the request itself may be refused for it
}{
	{"a setting of its own", `select set_config('store.left', 'x', false)`, false},
	{"settings", `select set_config('timezone', 'Asia/Kathmandu', false), set_config('work_mem', '77MB', false), set_config('datestyle', 'German', false),
		set_config('bytea_output', 'escape', false), set_config('statement_timeout', '77777', false), set_config('intervalstyle', 'iso_8601', false)`, false},
	{"a search path", `select set_config('search_path', 'other, leaving', false)`, true},
	{"row_security off", `set row_security = off`, true},
	{"literals with backslashes", `set standard_conforming_strings = off`, false},
	{"another encoding", `set client_encoding = 'LATIN1'`, false},
	{"read-only transactions", `set session characteristics as transaction read only, isolation level serializable`, true},
	{"triggers off", `select leaving.as_owner('set session_replication_role = replica')`, false},
	{"a role", `select set_config('role', 'store_anon', false)`, true},
	{"the authenticator's role", `reset role`, true},
	{"request.*", `select set_config('request.jwt.claims', '{"role":"stolen"}', false), set_config('request.method', 'stolen', false),
		set_config('request.path', 'stolen', false), set_config('request.headers', '{"stolen":"1"}', false), set_config('request.cookies', '{"stolen":"1"}', false)`, false},
	{"response.*", `select set_config('response.status', '299', false), set_config('response.headers', '[{"X-Stolen":"1"}]', false)`, false},
	{"a temporary table", `create temp table films (id int)`, true},
	{"temporary types", `create domain pg_temp.jsonb as pg_catalog.text; create domain pg_temp.text as pg_catalog.int4`, true},
	{"a temporary function", `create function pg_temp.set_config(pg_catalog.text, pg_catalog.text, boolean) returns pg_catalog.text language sql as $$ select 'x' $$`, true},
	{"a sequence's value", `create temp sequence kept; select nextval('kept')`, true},
	{"an advisory lock", `select pg_advisory_lock(4711)`, false},
	{"a shared advisory lock", `select pg_advisory_lock_shared(4711, 2)`, false},
	{"a channel", `listen left_behind`, true},
	{"a cursor", `declare kept cursor with hold for select 1`, true},
	{"no statements", `deallocate all`, false},
	{"no plans", `discard plans`, false},
	{"a statement of ours", `deallocate all; prepare postern_compiled as select 1`, false},
}

// Ways to run code of a user's. The number of the request stands for %d.
var runningCode = []struct{ name, method, target, headers, body string }{
	{"a call", "POST", "/rpc/w_call", "", `{}`},
	{"a call by GET", "GET", "/rpc/w_call", "", ""},
	{"a parameter's default", "GET", "/rpc/w_default", "", ""},
	{"a computed field", "GET", "/w?select=id,w_field", "", ""},
	{"a computed field in a filter", "GET", "/w?select=id&w_field=is.true", "", ""},
	{"a computed field in an order", "GET", "/w?select=id&order=w_field", "", ""},
	{"a computed field of any type", "GET", "/w?select=id,w_any", "", ""},
	{"a computed field of a call", "GET", "/rpc/w_rows?select=w_field", "", ""},
	{"a computed relationship", "GET", "/w?select=id,w_embed(id)", "", ""},
	{"a computed field of an embed", "GET", "/w_policy?select=id,w(w_field)&limit=1", "", ""},
	{"a view", "GET", "/w_view", "", ""},
	{"a view's condition", "HEAD", "/w_where", "", ""},
	{"a view of a view", "GET", "/w_nested?select=l", "", ""},
	{"a trigger instead", "POST", "/w_instead", "", `{"id":%d}`},
	{"a policy of reads", "GET", "/w_policy?select=id", "", ""},
	{"a policy of an embed", "GET", "/w?select=id,w_policy(id)", "", ""},
	{"a policy of updates", "PATCH", "/w_policy?id=eq.1", "", `{"t":"%d"}`},
	{"a policy of deletes", "DELETE", "/w_deleted?id=eq.%d", "", ""},
	{"a policy of inserts", "POST", "/w_checked", "", `{"id":%d}`},
	{"a trigger before", "POST", "/w_trigger", "", `{"id":%d}`},
	{"a trigger of upserts", "POST", "/w_trigger?on_conflict=id", "Prefer: resolution=merge-duplicates", `{"id":%d}`},
	{"a trigger of PUT", "PUT", "/w_trigger?id=eq.%d", "", `{"id":%d,"t":"x"}`},
	{"a trigger after", "PATCH", "/w_trigger?id=eq.1", "Prefer: return=representation", `{"t":"%d"}`},
	{"a deferred trigger", "POST", "/w_late", "", `{"id":%d}`},
	{"a trigger of a cascade", "DELETE", "/w_parent?id=eq.%d", "", ""},
	{"a trigger of a partition", "POST", "/w_whole", "", `{"id":%d}`},
	{"a rule", "POST", "/w_ruled", "", `{"id":%d}`},
	{"a default", "POST", "/w_dflt", "", `{"id":%d}`},
	{"a check", "POST", "/w_check", "", `{"id":%d}`},
	{"a body that is compiled each time", "POST", "/w_check", "Content-Type: text/csv", "id\n%d"},
	{"a domain", "POST", "/w_domains", "", `{"id":%d,"d":1}`},
	{"a cast to a domain", "GET", "/w?select=id::w_domain", "", ""},
	{"a representation", "GET", "/w_reps", "", ""},
	{"a representation of filters", "GET", "/w_reps?select=id&s=eq.x", "", ""},
	{"a representation of bodies", "PATCH", "/w_reps?id=eq.1", "", `{"s":"%d"}`},
	{"a cast to JSON", "GET", "/w_moods?select=m", "", ""},
	{"a cast to JSON of elements", "GET", "/w_moods?select=ms", "", ""},
	{"an operator", "GET", "/w_same", "", ""},
	{"an aggregate", "GET", "/w_sum", "", ""},
	{"a media type", "GET", "/w", "Accept: text/w", ""},
}

// leaver sends what leaves something in the only session, and looks for it in later requests of another user.
type leaver struct {
	server       *httpServer
	clerk, other *client
	number       int
}

func newLeaver(t *testing.T, database string, settings ...string) *leaver {
	t.Helper()
	s := serveHTTP(t, database, append(settings, "PGRST_DB_POOL=1")...)
	l := &leaver{s, s.client(), s.client(), 100}
	l.other.token = ""
	t.Cleanup(l.clerk.close)
	t.Cleanup(l.other.close)
	return l
}

// ask returns status, the headers that code may have set, and body of an answer.
func (l *leaver) ask(t *testing.T, c *client, r request) string {
	t.Helper()
	answer, err := c.do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.method, r.target, err)
	}
	return fmt.Sprintf("%d %s%s", answer.status, answer.headers.Get("X-Stolen"), answer.body)
}

// found is what the other user sees.
func (l *leaver) found(t *testing.T) string {
	t.Helper()
	return l.ask(t, l.other, request{"GET", "/rpc/found", "", nil}) +
		l.ask(t, l.other, request{"GET", "/films?id=eq.1&select=id,title,directors(name)", "", nil}) +
		l.ask(t, l.other, request{"POST", "/keyless", "", []byte(`{"a":1}`)})
}

// Each way to run code of a user's × each thing that it may leave in the session × whether it fails: the next request, another
// user's, sees nothing of it.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	owner := connect(t, database)
	execute(t, owner, codeOfUsers)
	l := newLeaver(t, database)
	clean := l.found(t)
	if again := l.found(t); again != clean || !strings.HasPrefix(clean, "200 [") {
		t.Fatalf("%s\n%s", clean, again)
	}
	tried := 0
	soak := os.Getenv("POSTERN_SOAK") != ""
	for first, thing := range leftBehind {
		for pass, fails := range []bool{true, false} {
			if _, err := owner.Exec(t.Context(), "delete from leaving.thing"); err != nil {
				t.Fatal(err)
			}
			execute(t, owner, fmt.Sprintf(`insert into store.w_parent select n from generate_series(%d, %d) as n on conflict do nothing;
				insert into store.w_child select id, id from store.w_parent on conflict do nothing;
				insert into store.w_deleted select id from store.w_parent on conflict do nothing`, l.number+1, l.number+2*len(runningCode)))
			if _, err := owner.Exec(t.Context(), "insert into leaving.thing values ($1, $2)", thing.code, fails); err != nil {
				t.Fatal(err)
			}
			for place, way := range runningCode {
				if !soak && first > 0 && thing.name != "an advisory lock" && place%2 == pass {
					continue
				}
				times := 1
				if first == 0 {
					times = 2 // the shape is new, then it is kept
				}
				for range times {
					l.number++
					tried++
					number := fmt.Sprint(l.number)
					r := request{way.method, strings.ReplaceAll(way.target, "%d", number), way.headers, nil}
					if way.body != "" {
						r.body = []byte(strings.ReplaceAll(way.body, "%d", number))
					}
					got := l.ask(t, l.clerk, r)
					refused := strings.HasPrefix(got, "400 ") || got[0] == '4' && thing.hinders
					if fails && !refused || !fails && got[0] != '2' && !(refused && thing.hinders) {
						t.Errorf("%s, %s, fails: %t: %s", way.name, thing.name, fails, got)
					}
					if found := l.found(t); found != clean {
						t.Errorf("%s leaves %s, fails: %t:\n got %s\nwant %s", way.name, thing.name, fails, found, clean)
					}
					if t.Failed() && !soak {
						return // what is left would be found by all that follow
					}
				}
			}
		}
	}
	t.Logf("%d requests that leave something", tried)
}

// What is set for every request is its own, whatever code has left that is said to be STABLE, after which no session is restored.
func TestEveryRequestHasItsOwn(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	owner := connect(t, database)
	execute(t, owner, `
		create function store.leave_stable() returns text language plpgsql stable as $$
		declare
		  name text;
		begin
		  foreach name in array '{request.jwt.claims, request.method, request.path, request.headers, request.cookies, search_path, plan_cache_mode, role,
		    response.status, response.headers}'::text[] loop
		    perform set_config(name, case name when 'plan_cache_mode' then 'force_custom_plan' when 'role' then 'store_anon'
		      when 'response.status' then '299' when 'response.headers' then '[{"X-Stolen":"1"}]' else 'other' end, false);
		  end loop;
		  return 'left';
		end $$;
		create function store.own() returns json language sql stable as $$ select json_build_array(current_user, current_schemas(false),
		
		  array(select current_setting(name, true) from unnest('{request.jwt.claims, request.method, request.path, request.headers, request.cookies}'::text[]) as name)) $$`)
	l := newLeaver(t, database)
	const want = `200 ["store_anon", ["store","public"], ["{\"role\":\"store_anon\"}","GET","/rpc/own","{\"host\":\"h\",\"authorization\":\"\"}","{}"]]`
	for n := range 4 { // the second kept, the third prepared
		for _, with := range []string{"", "Cookie: a=b"} {
			if got := l.ask(t, l.clerk, request{"GET", "/rpc/leave_stable", with, nil}); got != `299 1"left"` {
				t.Errorf("leaving: %s", got)
			}
			if got := l.ask(t, l.other, request{"GET", "/rpc/own", "", nil}); got != want {
				t.Errorf("time %d:\n got %s\nwant %s", n, got, want)
			}
		}
		l.ask(t, l.clerk, request{"GET", "/rpc/leave_stable", "", nil})
		execute(t, owner, "select postern.advance_epoch()") // so that it is compiled
		if got := l.ask(t, l.other, request{"GET", "/rpc/own", "", nil}); got != want {
			t.Errorf("compiled, time %d:\n got %s\nwant %s", n, got, want)
		}
		if got := l.ask(t, l.clerk, request{"POST", "/films", "", []byte(`{"title":"a"}`)}); got != "201 " {
			t.Errorf("a write: %s", got)
		}
	}
}

// What db-pre-request leaves, and a request whose transaction is rolled back, is not seen either.
func TestNothingIsLeftBehindElsewhere(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	owner := connect(t, database)
	execute(t, owner, codeOfUsers+`create function leaving.before() returns void language plpgsql as $$ begin
		if current_user = 'store_clerk' then perform leaving.leave(); end if; end $$`)
	for _, test := range []struct {
		name, setting string
		request       request
	}{
		{"db-pre-request", "PGRST_DB_PRE_REQUEST=leaving.before", request{"GET", "/films?id=eq.1", "", nil}},
		{"a rollback", "PGRST_DB_TX_END=commit-allow-override", request{"POST", "/rpc/w_call", "Prefer: tx=rollback", []byte("{}")}},
		{"rollbacks always", "PGRST_DB_TX_END=rollback", request{"POST", "/rpc/w_call", "", []byte("{}")}},
		{"an isolation level", "PGRST_DB_HOISTED_TX_SETTINGS=default_transaction_isolation", request{"POST", "/rpc/w_isolated", "", []byte("{}")}},
	} {
		execute(t, owner, `create or replace function store.w_isolated() returns boolean language sql volatile set default_transaction_isolation = 'serializable'
			as 'select leaving.leave()'; delete from leaving.thing`)
		l := newLeaver(t, database, test.setting)
		l.found(t)
		clean := l.found(t)
		for _, thing := range leftBehind {
			if thing.hinders {
				continue
			}
			for _, fails := range []bool{true, false} {
				execute(t, owner, "delete from leaving.thing")
				if _, err := owner.Exec(t.Context(), "insert into leaving.thing values ($1, $2)", thing.code, fails); err != nil {
					t.Fatal(err)
				}
				if got := l.ask(t, l.clerk, test.request); fails && !strings.HasPrefix(got, "400 ") || !fails && got[0] != '2' {
					t.Errorf("%s, %s, fails: %t: %s", test.name, thing.name, fails, got)
				}
				if found := l.found(t); found != clean {
					t.Fatalf("%s leaves %s, fails: %t:\n got %s\nwant %s", test.name, thing.name, fails, found, clean)
				}
			}
		}
		l.clerk.close()
		l.other.close()
	}
}
