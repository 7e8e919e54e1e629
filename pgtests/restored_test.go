package pgtests

import (
	"fmt"
	"strings"
	"testing"
)

// leaving are functions that leave something in a session, and what a later request sees of it.
const leaving = `
create function store.leave_setting(fails boolean) returns int language plpgsql as $$ begin
  perform set_config('store.left', 'x', false), set_config('timezone', 'Asia/Kathmandu', false), set_config('search_path', 'other', false);
  if fails then raise 'fails'; end if; return 1; end $$;
create function store.leave_table(fails boolean) returns int language plpgsql as $$ begin
  create temp table films (id int); if fails then raise 'fails'; end if; return 1; end $$;
create function store.leave_lock(fails boolean) returns int language plpgsql as $$ begin
  perform pg_advisory_lock(4711); if fails then raise 'fails'; end if; return 1; end $$;
create function store.leave_role(fails boolean) returns int language plpgsql as $$ begin
  perform set_config('role', 'store_anon', false); if fails then raise 'fails'; end if; return 1; end $$;
create function store.leave_statements(fails boolean) returns int language plpgsql as $$ begin
  execute 'deallocate all'; execute 'prepare postern_compiled as select 1'; if fails then raise 'fails'; end if; return 1; end $$;
create function store.leave_name(fails boolean) returns int language plpgsql as $$ begin
  begin execute 'prepare postern_compiled as select 1'; exception when duplicate_prepared_statement then null; end; if fails then raise 'fails'; end if; return 1; end $$;
create function store.leave_listening(fails boolean) returns int language plpgsql as $$ begin
  execute 'listen left_behind'; if fails then raise 'fails'; end if; return 1; end $$;
create function store.found() returns text language sql stable as $$
  select concat_ws(' ', nullif(current_setting('store.left', true), ''), current_setting('timezone'), current_schema, pg_my_temp_schema() <> 0 and to_regclass('pg_temp.films') is not null,
    (select count(*) from pg_locks where locktype = 'advisory' and objid = 4711), current_user,
    (select count(*) from pg_listening_channels())) $$;
`

// What code of the user's leaves in a session does not reach the next request, whether it fails or not, and whichever way it was
// called: compiled, unnamed or prepared.
func TestSessionIsRestored(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	owner := connect(t, database)
	execute(t, owner, leaving)
	s := serveHTTP(t, database, "PGRST_DB_POOL=1")
	c := s.client()
	defer c.close()
	found := func() string {
		t.Helper()
		answer, err := c.do(request{"GET", "/rpc/found", "", nil})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d %s", answer.status, answer.body)
	}
	clean := found()
	if !strings.HasPrefix(clean, `200 "`) || !strings.Contains(clean, " store ") || !strings.Contains(clean, " store_clerk 0") {
		t.Fatal(clean)
	}
	for _, name := range []string{"setting", "table", "lock", "role", "statements", "name", "listening"} {
		for time, fails := range []bool{false, false, false, false, true, true} {
			before := s.metric(t, "postern_sessions_restored_total")
			answer, err := c.do(request{"POST", "/rpc/leave_" + name, "", fmt.Appendf(nil, `{"fails":%t}`, fails)})
			if want := map[bool]int{false: 200, true: 400}[fails]; err != nil || answer.status != want {
				t.Errorf("%s, time %d: %d %s %v", name, time, answer.status, answer.body, err)
			}
			if got := found(); got != clean {
				t.Errorf("after %s, time %d: %s, want %s", name, time, got, clean)
			}
			if s.metric(t, "postern_sessions_restored_total") != before+1 {
				t.Errorf("after %s, time %d: not restored once", name, time)
			}
			if films, err := c.do(request{"GET", "/films?id=eq.1&select=title", "", nil}); err != nil || films.status != 200 || string(films.body) != `[{"title":"Vagabond"}]` {
				t.Errorf("after %s, time %d: %d %s %v", name, time, films.status, films.body, err)
			}
			films, err := c.do(request{"GET", fmt.Sprintf("/films?id=eq.1&select=new_%s_%d:title", name, time), "", nil})
			if err != nil || films.status != 200 {
				t.Errorf("after %s, time %d, a new shape: %d %s %v", name, time, films.status, films.body, err)
			}
		}
	}
}

// Plain writes run nothing that leaves anything: foreign keys, identity columns and bulk inserts are PostgreSQL's own.
func TestPlainWritesRestoreNothing(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	execute(t, connect(t, database), savedStore)
	s := serveHTTP(t, database, "PGRST_DB_POOL=1")
	c := s.client()
	defer c.close()
	before := s.metric(t, "postern_sessions_restored_total")
	for n := range 4 {
		for _, test := range []struct {
			request
			status int
		}{
			{request{"POST", "/films", "", []byte(`{"title":"a","director_id":1}`)}, 201},
			{request{"POST", "/films?select=id,directors(name)", "Prefer: return=representation", []byte(`{"title":"a","director_id":1}`)}, 201},
			{request{"POST", "/films?columns=title,director_id", "", []byte(`[{"title":"b","director_id":1},{"title":"c","director_id":2}]`)}, 201},
			{request{"POST", "/films", "Content-Type: text/csv", []byte("title,year\nd,1990\n")}, 201},
			{request{"POST", "/directors?on_conflict=id", "Prefer: resolution=merge-duplicates", []byte(`{"id":1,"name":"Agnès Varda"}`)}, 200},
			{request{"PATCH", "/films?id=eq.1", "", fmt.Appendf(nil, `{"director_id":%d}`, 1+n%2)}, 204},
			{request{"PATCH", "/films?id=eq.1&select=*", "Prefer: return=representation", []byte(`{"year":1990}`)}, 200},
			{request{"PATCH", "/directors?id=eq.3", "", []byte(`{"name":"Nobody"}`)}, 204},
			{request{"PUT", "/actors?id=eq.77", "", []byte(`{"id":77,"name":"x"}`)}, 204},
			{request{"DELETE", fmt.Sprintf("/films?id=eq.%d", 100+4*n), "", nil}, 204}, // with its reviews
			{request{"GET", "/films?select=*,directors(*),reviews(*)&order=id", "", nil}, 200},
			{request{"GET", "/rpc/add?a=1", "", nil}, 200},
			{request{"POST", "/films", "", []byte(`{"title":"a","director_id":999}`)}, 409},
		} {
			if answer, err := c.do(test.request); err != nil || answer.status != test.status {
				t.Errorf("%s %s: %d %s %v", test.method, test.target, answer.status, answer.body, err)
			}
			if now := s.metric(t, "postern_sessions_restored_total"); now != before {
				t.Errorf("%s %s, time %d: the session is restored", test.method, test.target, n)
				before = now
			}
		}
	}
}
