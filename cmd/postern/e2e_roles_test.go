package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// rolesSchema has roles and functions with settings of their own.
const rolesSchema = `
create role e2e_repeatable; create role e2e_serializable; create role e2e_hurried; create role e2e_memory; create role e2e_privileged;
grant e2e_repeatable, e2e_serializable, e2e_hurried, e2e_memory, e2e_privileged to e2e_login;
alter role e2e_repeatable set default_transaction_isolation = 'REPEATABLE READ';
alter role e2e_serializable set default_transaction_isolation = 'serializable';
alter role e2e_hurried set statement_timeout = '200ms';
alter role e2e_hurried in database roles set statement_timeout = '300ms';
alter role e2e_hurried in database postgres set statement_timeout = '1ms';
alter role e2e_memory set work_mem = '3MB';
alter role e2e_memory set lock_timeout = '7s';
alter role e2e_memory set standard_conforming_strings = off;
alter role e2e_memory set client_encoding = 'LATIN1';
alter database roles set standard_conforming_strings = off;
alter role e2e_privileged set log_min_duration_statement = 1;
alter role e2e_privileged set log_min_messages = 'fatal';
alter role e2e_privileged set statement_timeout = '9s';
create view api.levels as select id, current_setting('transaction_isolation') as level from api.authors;
create function api.guc(name text) returns text language sql stable as $$ select current_setting(name) $$;
create function api.hoisted() returns json language sql
  set work_mem = '5MB' set statement_timeout = '10s' as
  $$ select json_build_array(current_setting('work_mem'), current_setting('statement_timeout'), current_setting('transaction_timeout', true)) $$;
create function api.hurried() returns void language sql set statement_timeout = '200ms' as 'select pg_sleep(2)';
create function api.patient() returns text language sql set statement_timeout = '5s' as $$ select pg_sleep(0.6); select 'done'::text $$;
grant usage on schema api to e2e_repeatable, e2e_serializable, e2e_hurried, e2e_memory, e2e_privileged;
grant all on all tables in schema api to e2e_repeatable, e2e_serializable;
insert into api.authors values (5, 'Cy'), (6, 'Di');
`

const timedOut = `{"code":"57014","details":null,"hint":null,"message":"canceling statement due to statement timeout"}`

// What a role's own settings do to its transactions, and a function's.
func testRoleSettings(t *testing.T, h *house) {
	h.database(t, "roles", true)
	h.execute(t, "roles", rolesSchema)
	as := func(role string, more ...string) []string {
		return append([]string{"Authorization", token(`{"role":"` + role + `"}`)}, more...)
	}
	guc := func(p *process, role, name, want string) {
		t.Helper()
		p.expect(t, "GET", "/rpc/guc?name="+name, "", as(role), 200, `"`+want+`"`)
	}

	p := h.serve(t, "roles", "PGRST_DB_POOL=1")
	t.Run("isolation", func(t *testing.T) {
		back := "return=representation"
		for _, id := range []string{"5", "6"} {
			p.expect(t, "GET", "/levels?select=level&limit=1", "", nil, 200, `[{"level":"read committed"}]`)
			p.expect(t, "GET", "/levels?select=level&limit=1", "", as("e2e_repeatable"), 200, `[{"level":"repeatable read"}]`)
			p.expect(t, "POST", "/levels?select=level", `{"id":666}`, as("e2e_serializable", "Prefer", back), 400, `{"code":"23502",…`)
			p.expect(t, "PATCH", "/levels?select=level&id=eq."+id, `{"id":`+id+`}`, as("e2e_serializable", "Prefer", back), 200, `[{"level":"serializable"}]`)
			p.expect(t, "DELETE", "/levels?select=level&id=eq."+id, "", as("e2e_serializable", "Prefer", back), 200, `[{"level":"serializable"}]`)
			guc(p, "e2e_repeatable", "transaction_isolation", "repeatable read")
			guc(p, "e2e_user", "transaction_isolation", "read committed")
			p.expect(t, "POST", "/rpc/isolation", "", as("e2e_repeatable"), 200, `"serializable"`) // the function's counts
		}
	})
	t.Run("settings", func(t *testing.T) {
		for range 2 {
			guc(p, "e2e_hurried", "statement_timeout", "300ms") // the one for this database
			p.expect(t, "POST", "/rpc/sleep", `{"seconds":3}`, as("e2e_hurried"), 500, timedOut)
			guc(p, "e2e_memory", "work_mem", "3MB")
			guc(p, "e2e_memory", "lock_timeout", "7s")
			guc(p, "e2e_user", "work_mem", "4MB")
			guc(p, "e2e_user", "statement_timeout", "0")
		}
		h.execute(t, "roles", "alter role e2e_memory set work_mem = '6MB'; notify pgrst, 'reload config'")
		eventually(t, "the new setting", func() bool {
			return p.send(t, "GET", "/rpc/guc?name=work_mem", "", as("e2e_memory")...).body == `"6MB"`
		})
	})
	t.Run("settings that the functions depend on", func(t *testing.T) {
		for _, role := range []string{"e2e_user", "e2e_memory"} {
			guc(p, role, "standard_conforming_strings", "on")
			guc(p, role, "client_encoding", "UTF8")
		}
		p.expect(t, "GET", "/authors?id=not.gt.0", "", as("e2e_repeatable"), 200, `[]`)
		// Code that changes them for the session, though it says that it changes nothing, loses the session.
		h.execute(t, "roles", `create function api.plant(name text, value text) returns text language sql stable as $$ select set_config(name, value, false) $$;
			grant insert on api.books to e2e_user`)
		for _, planted := range [][2]string{{"client_encoding", "SJIS"}, {"standard_conforming_strings", "off"}} {
			p.send(t, "GET", "/rpc/plant?name="+planted[0]+"&value="+planted[1], "")
			guc(p, "e2e_user", planted[0], map[string]string{"SJIS": "UTF8", "off": "on"}[planted[1]])
			p.send(t, "GET", "/rpc/plant?name="+planted[0]+"&value="+planted[1], "")
			p.expect(t, "POST", "/books?select=title", `{"title":"ポ\\' é"}`, as("e2e_user", "Prefer", "return=representation"), 201, `[{"title":"ポ\\' é"}]`)
		}
		h.execute(t, "roles", "alter role e2e_login set client_encoding = 'SJIS'; alter role e2e_login set standard_conforming_strings = off")
		defer h.execute(t, "roles", "alter role e2e_login reset all")
		p := h.serve(t, "roles")
		guc(p, "e2e_user", "client_encoding", "UTF8")
		guc(p, "e2e_user", "standard_conforming_strings", "on")
	})
	t.Run("privileged settings", func(t *testing.T) {
		guc(p, "e2e_privileged", "statement_timeout", "9s")
		guc(p, "e2e_privileged", "log_min_duration_statement", "-1") // left out
		guc(p, "e2e_privileged", "log_min_messages", "warning")
		if version, _ := strconv.Atoi(h.ask(t, "roles", "select current_setting('server_version_num')")); version < 150_000 {
			return // PostgreSQL 14 cannot grant them
		}
		h.execute(t, "roles", "grant set on parameter log_min_duration_statement to e2e_login; notify pgrst, 'reload config'")
		eventually(t, "the granted setting", func() bool {
			return p.send(t, "GET", "/rpc/guc?name=log_min_duration_statement", "", as("e2e_privileged")...).body == `"1ms"`
		})
		guc(p, "e2e_privileged", "log_min_messages", "warning")
		guc(p, "e2e_user", "log_min_duration_statement", "-1")
	})
	t.Run("hoisting", func(t *testing.T) {
		for range 2 {
			p.expect(t, "POST", "/rpc/hurried", "", nil, 500, timedOut)
			p.expect(t, "POST", "/rpc/patient", "", as("e2e_hurried"), 200, `"done"`) // longer than the role may
			p.expect(t, "POST", "/rpc/sleep", `{"seconds":3}`, as("e2e_hurried"), 500, timedOut)
		}
		// The settings hold inside of the function anyhow; what is hoisted holds for the whole transaction.
		none := h.serve(t, "roles", "PGRST_DB_HOISTED_TX_SETTINGS=work_mem")
		none.expect(t, "POST", "/rpc/hurried", "", nil, 204, "")
		none.expect(t, "POST", "/rpc/patient", "", as("e2e_hurried"), 500, timedOut)
		none.expect(t, "POST", "/rpc/hoisted", "", nil, 200, `["5MB", "10s", …`)
	})
	t.Run("without db-config", func(t *testing.T) {
		p := h.serve(t, "roles", "PGRST_DB_CONFIG=false")
		guc(p, "e2e_hurried", "statement_timeout", "0")
		guc(p, "e2e_memory", "work_mem", "4MB")
	})
}

// A new secret counts at once, also for tokens that are remembered.
func testSecretReload(t *testing.T, h *house) {
	file := filepath.Join(t.TempDir(), "secret")
	write := func(secret string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(testSecret)
	p := h.serve(t, "attacked", "PGRST_JWT_SECRET=@"+file)
	status := func() int { return p.send(t, "GET", "/rpc/who", "", "Authorization", token(forAnn)).status }
	for range 3 {
		if got := status(); got != 200 {
			t.Fatal(got)
		}
	}
	write(strings.Repeat("invalid", 5))
	h.execute(t, "attacked", "notify pgrst, 'reload config'")
	eventually(t, "the end of the secret", func() bool { return status() == 401 })
	write("short") // a configuration that cannot be read leaves the one before
	h.execute(t, "attacked", "notify pgrst, 'reload config'")
	eventually(t, "a complaint", func() bool { return strings.Contains(p.events.String(), "Failed reloading config: setting jwt-secret") })
	if got := status(); got != 401 {
		t.Error(got)
	}
	write(testSecret)
	h.execute(t, "attacked", "notify pgrst, 'reload config'")
	eventually(t, "the secret's return", func() bool { return status() == 200 })
}
