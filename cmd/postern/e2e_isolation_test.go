package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

const isolationRoles = 50

// isolationSchema has roles, each with a setting of its own, and functions that leave what they can in the session.
const isolationSchema = `
do $$
begin
  for n in 0 .. 49 loop
    execute format('create role e2e_role_%s', n);
    execute format('grant e2e_role_%s to e2e_login', n);
    execute format('alter role e2e_role_%s set work_mem = %L', n, (1000 + n) || 'kB');
    execute format('grant usage on schema api, more to e2e_role_%s', n);
  end loop;
end $$;
create table api.owned (n int primary key, owner text not null default current_user, touched int not null default 0);
insert into api.owned select n, 'e2e_role_' || n from generate_series(0, 49) as n;
alter table api.owned enable row level security;
create policy own on api.owned using (owner = current_user and owner = current_setting('request.jwt.claims')::json ->> 'role');
grant select, update on api.owned to public;
create function api.who() returns json language sql stable as $$
  select json_build_array(current_user, current_setting('request.jwt.claims')::json ->> 'n', current_setting('request.headers')::json ->> 'x-n',
    current_setting('work_mem'), current_setting('search_path'), current_setting('statement_timeout'), nullif(current_setting('app.left', true), ''),
    current_setting('request.method'), nullif(current_setting('response.status', true), ''), to_regclass('pg_temp.left_behind')) $$;
create function api.leave(what text) returns text language plpgsql as $$
begin
  perform set_config('app.left', what, false), set_config('search_path', 'more', false), set_config('statement_timeout', '33333', false),
    set_config('work_mem', '77MB', false), set_config('request.jwt.claims', '{"n": "stolen"}', false), set_config('request.headers', '{"x-n": "stolen"}', false),
    set_config('response.status', '299', false), set_config('role', current_user, false), pg_try_advisory_lock(4711);
  create temp table left_behind (n int);
  listen left_behind;
  return 'left';
end $$;
create function api.fail(what text) returns text language plpgsql as $$
begin
  perform set_config('app.left', what, false), set_config('work_mem', '77MB', false);
  raise exception 'failed';
end $$;
`

// Nothing of a request is seen by the next ones on the same connection: 10,000 requests of 50 roles over 4 connections.
func testIsolation(t *testing.T, h *house) {
	h.database(t, "isolation", true)
	h.execute(t, "isolation", isolationSchema)
	p := h.serve(t, "isolation", "PGRST_DB_POOL=4")
	const requests, clients = 10_000, 8
	tokens := make([]string, isolationRoles)
	for n := range tokens {
		tokens[n] = token(fmt.Sprintf(`{"role":"e2e_role_%d","n":"%[1]d"}`, n))
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	ask := func(n int) error {
		role := n * 7 % isolationRoles
		method, target, body := "GET", "/rpc/who", ""
		want := fmt.Sprintf(`200 ["e2e_role_%d", "%[1]d", "%d", "%dkB", "\"api\", \"public\"", "0", null, "GET", null, null]`, role, n, 1000+role)
		switch n % 10 {
		case 0:
			method, target, body, want = "POST", "/rpc/leave", fmt.Sprintf(`{"what":"of %d"}`, n), `299 "left"`
		case 1:
			method, target, body = "POST", "/rpc/fail", `{"what":"of a failure"}`
			want = `400 {"code":"P0001","details":null,"hint":null,"message":"failed"}`
		case 2:
			method, target, body, want = "PATCH", "/owned", `{"touched":1}`, "204 "
		case 3, 4:
			target, want = "/owned?select=n", fmt.Sprintf(`200 [{"n":%d}]`, role)
		}
		r, err := http.NewRequestWithContext(t.Context(), method, p.base+target, strings.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", tokens[role])
		r.Header.Set("X-N", fmt.Sprint(n))
		response, err := client.Do(r)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		if got := fmt.Sprintf("%d %s", response.StatusCode, text); err != nil || got != want {
			return fmt.Errorf("%s %s of role %d:\n got %s %v\nwant %s", method, target, role, got, err, want)
		}
		return nil
	}
	var waiting sync.WaitGroup
	for first := range clients {
		waiting.Go(func() {
			for n := first; n < requests; n += clients {
				if err := ask(n); err != nil {
					t.Errorf("request %d: %v", n, err)
					return
				}
			}
		})
	}
	waiting.Wait()
	if used := h.ask(t, "isolation", "select count(*) from pg_stat_activity where datname = 'isolation' and usename = 'e2e_login' and query !~* '^listen'"); used != "4" {
		t.Errorf("%s connections", used)
	}
	eventually(t, "the end of the locks", func() bool {
		return h.ask(t, "isolation", "select count(*) from pg_locks where locktype = 'advisory' and objid = 4711 and database = (select oid from pg_database where datname = 'isolation')") == "0"
	})
}
