package pgtests

import (
	"fmt"
	"testing"
)

// seeing are the places where an expression, which need call no function of the user's, sees what is set for a request.
const seeing = `
create table store.seen_default (id int, method text default current_setting('request.method'), path text default current_setting('request.path'));
create table store.seen_policy (id int);
insert into store.seen_policy values (1);
alter table store.seen_policy enable row level security;
create policy seen on store.seen_policy using (current_setting('request.headers')::json ->> 'x-key' = 'k');
create view store.seen_view as select current_setting('request.method') as method, current_setting('request.cookies')::json ->> 'c' as c;
create view store.seen_behind as select c from store.seen_view;
create table store.seen_check (id int check (current_setting('request.path', true) = '/seen_check'));
create table store.seen_when (id int primary key);
insert into store.seen_when values (1);
create trigger seen before update on store.seen_when for each row
  when (current_setting('request.method') = 'PATCH') execute function suppress_redundant_updates_trigger();
create domain store.seen_text as text check (current_setting('request.path', true) = '/seen_domain');
create table store.seen_domain (name store.seen_text);
create function store.seen_computed(store.films) returns text language sql stable as $$ select current_setting('request.path') $$;
create function store.seen_called() returns text language sql immutable as $$ select current_setting('request.method') $$;
grant all on all tables in schema store to store_clerk;
`

// What runs code of the user's, or an expression that reads settings, sees the request in them, each time it is asked; only the rest
// goes without.
func TestRequestIsSeen(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	execute(t, connect(t, database), seeing)
	s := serveHTTP(t, database, "PGRST_DB_POOL=1")
	c := s.client()
	defer c.close()
	const shown = "Prefer: return=representation"
	for _, test := range []struct {
		request
		status int
		body   string
	}{
		{request{"POST", "/seen_default?select=method,path", shown, []byte(`{"id":1}`)}, 201, `[{"method":"POST","path":"/seen_default"}]`},
		{request{"GET", "/seen_policy", "X-Key: k", nil}, 200, `[{"id":1}]`},
		{request{"GET", "/seen_policy", "X-Key: other", nil}, 200, `[]`},
		{request{"GET", "/seen_view", "Cookie: c=d", nil}, 200, `[{"method":"GET","c":"d"}]`},
		{request{"GET", "/seen_behind", "Cookie: c=e", nil}, 200, `[{"c":"e"}]`},
		{request{"POST", "/seen_check?select=id", shown, []byte(`{"id":1}`)}, 201, `[{"id":1}]`},
		{request{"PATCH", "/seen_when?id=eq.1", shown, []byte(`{"id":1}`)}, 200, `[]`},
		{request{"POST", "/seen_domain", shown, []byte(`{"name":"a"}`)}, 201, `[{"name":"a"}]`},
		{request{"GET", "/films?id=eq.1&select=seen_computed", "", nil}, 200, `[{"seen_computed":"/films"}]`},
		{request{"GET", "/rpc/seen_called", "", nil}, 200, `"GET"`},
	} {
		for time := range 3 {
			answer, err := c.do(test.request)
			if err != nil || answer.status != test.status || string(answer.body) != test.body {
				t.Errorf("%s, time %d: %d %s %v", fmt.Sprint(test.method, " ", test.target), time, answer.status, answer.body, err)
			}
		}
	}
}
