package main

import (
	"strings"
	"sync"
	"testing"
	"time"

	"postern/shell"
)

// everything lists what is in a database beside the system's own.
const everything = `select coalesce(string_agg(what, ', ' order by what), '') from (
	select 'schema ' || nspname as what from pg_namespace where nspname !~ '^pg_|information_schema'
	union all select 'function ' || oid::regprocedure from pg_proc where oid >= 16384
	union all select 'relation ' || oid::regclass from pg_class where oid >= 16384 and relnamespace <> 'pg_toast'::regnamespace
	union all select 'type ' || oid::regtype from pg_type where oid >= 16384
	union all select 'event trigger ' || evtname from pg_event_trigger
	union all select 'privilege ' || defaclrole::regrole from pg_default_acl) as listed`

// TestBinaryLife installs, serves, loses its connections, stops and removes.
func TestBinaryLife(t *testing.T) {
	t.Parallel()
	h := build(t)

	t.Run("migrate", func(t *testing.T) {
		h.database(t, "life", false)
		uri := h.cluster.URI(h.cluster.Superuser, "life")
		before := h.ask(t, "life", everything)
		if out, err := h.run(t, "migrate", "--db-uri", uri); err != nil {
			t.Fatal(err, out)
		}
		const rows = "select md5(string_agg(oid || ' ' || xmin, ',' order by oid)) from pg_proc"
		installed, state := h.ask(t, "life", everything), h.ask(t, "life", rows)
		if !strings.Contains(installed, "function postern.handle(jsonb,bytea,text[])") || !strings.Contains(installed, "event trigger postern_ddl_command_end") {
			t.Error("not installed: " + installed)
		}
		out, err := h.run(t, "migrate", "--db-uri", uri)
		if err != nil || !strings.Contains(out, "up to date") {
			t.Error(err, out)
		}
		if h.ask(t, "life", everything) != installed || h.ask(t, "life", rows) != state {
			t.Error("the second time changes something")
		}
		if out, err = h.run(t, "migrate", "--to", "0", "--db-uri", uri); err != nil {
			t.Error(err, out)
		}
		if after := h.ask(t, "life", everything); after != before {
			t.Errorf("removed, there is\n%s\nbefore there was\n%s", after, before)
		}
		if out, err = h.run(t, "migrate", "PGRST_DB_URI="+uri); err != nil {
			t.Error("with the URI of the settings: ", err, out)
		}
		if h.ask(t, "life", everything) != installed {
			t.Error("installed anew, something else is there")
		}
	})

	t.Run("refuses", func(t *testing.T) {
		h.database(t, "bare", false)
		h.database(t, "aged", true)
		h.execute(t, "aged", "create or replace function postern.version() returns text language sql immutable as $$ select '0.0.0-other'::text $$")
		p := h.serve(t, "aged") // the protocol is the same
		p.expect(t, "GET", "/books?id=eq.1&select=id", "", nil, 200, `[{"id":1}]`)
		if log := p.events.String(); !strings.Contains(log, "The database has postern 0.0.0-other, this binary is "+shell.Version+": they work together") {
			t.Error(log)
		}
		h.execute(t, "aged", "create or replace function postern.protocol() returns int language sql immutable as $$ select 0 $$")
		eventually(t, "new connections, which are refused", func() bool {
			h.ask(t, "aged", "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = 'aged' and usename = 'e2e_login'")
			return p.send(t, "GET", "/books?id=eq.1&select=id", "").status == 503 && strings.Contains(p.events.String(), "upgrade the database")
		})
		for database, want := range map[string]string{"bare": "not installed", "aged": "0.0.0-other"} {
			began := time.Now()
			out, err := h.run(t, "serve", "PGRST_DB_URI="+h.cluster.URI("e2e_login", database), "PGRST_DB_SCHEMAS=api", "PGRST_DB_ANON_ROLE=e2e_anon",
				"PGRST_SERVER_HOST=127.0.0.1", "PGRST_SERVER_PORT=0")
			if err == nil || !strings.Contains(out, want) || !strings.Contains(out, "postern migrate") || time.Since(began) > 20*time.Second {
				t.Errorf("%s: %v after %v\n%s", database, err, time.Since(began), out)
			}
		}
	})

	t.Run("deploy", func(t *testing.T) { testDeploy(t, h) })

	h.database(t, "served", true)
	t.Run("admin", func(t *testing.T) {
		p := h.serve(t, "served")
		for _, path := range []string{"/live", "/ready"} {
			p.admin.expect(t, "GET", path, "", nil, 200, "")
		}
		if r := p.admin.send(t, "GET", "/config", ""); r.status != 200 || strings.Contains(r.body, testSecret) || !strings.Contains(r.body, "db-schemas") {
			t.Error(r)
		}
		if r := p.admin.send(t, "GET", "/books", ""); r.status != 404 {
			t.Error("the admin server serves the API")
		}
		if r := p.send(t, "GET", "/live", ""); r.code() != "PGRST205" {
			t.Error("the API's port serves the admin server")
		}
	})

	t.Run("anonymous off", func(t *testing.T) {
		p := h.serve(t, "served", "PGRST_DB_ANON_ROLE=")
		if r := p.send(t, "GET", "/books", ""); r.status != 401 || r.code() != "PGRST302" || r.header.Get("WWW-Authenticate") == "" {
			t.Error(r)
		}
		p.expect(t, "GET", "/books?id=eq.1&select=id", "", []string{"Authorization", token(`{"role":"e2e_user"}`)}, 200, `[{"id":1}]`)
		if r := p.send(t, "GET", "/books", "", "Authorization", token(`{"sub":"x"}`)); r.status != 401 {
			t.Error(r)
		}
	})

	t.Run("lost connections", func(t *testing.T) {
		p := h.serve(t, "served", "PGRST_DB_POOL=3")
		for range 3 {
			p.expect(t, "GET", "/books?id=eq.1&select=id", "", nil, 200, `[{"id":1}]`)
			if h.ask(t, "served", "select count(pg_terminate_backend(pid)) > 0 from pg_stat_activity where usename = 'e2e_login'") != "true" {
				t.Fatal("there was no connection")
			}
			eventually(t, "their end", func() bool {
				return h.ask(t, "served", "select count(*) from pg_stat_activity where usename = 'e2e_login' and query !~* '^listen'") == "0"
			})
			time.Sleep(50 * time.Millisecond) // a connection that was used a moment ago is not looked at (db.trusted)
			p.expect(t, "GET", "/books?id=eq.1&select=id", "", nil, 200, `[{"id":1}]`)
		}
		// A write whose connection is lost on the way is not done twice, and is told.
		var waiting sync.WaitGroup
		waiting.Go(func() {
			r := p.send(t, "POST", "/rpc/sleep", `{"seconds": 20}`)
			if r.status != 503 || r.code() != "57P01" || r.header.Get("Retry-After") == "" || !strings.Contains(r.body, "may have been committed") {
				t.Errorf("a lost call: %d %v %s", r.status, r.header, r.body)
			}
		})
		eventually(t, "sleep", func() bool {
			return h.ask(t, "served", "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == "1"
		})
		h.ask(t, "served", "select count(pg_terminate_backend(pid)) from pg_stat_activity where wait_event = 'PgSleep'")
		waiting.Wait()
		p.expect(t, "GET", "/books?id=eq.1&select=id", "", nil, 200, `[{"id":1}]`)
	})

	t.Run("faults", func(t *testing.T) {
		h.execute(t, "served", `create function api.raise(state text, message text, detail text default null) returns void language plpgsql as
			$$ begin raise exception using errcode = $1, message = $2, detail = coalesce($3, ''); end $$`)
		p := h.serve(t, "served")
		secret := token(`{"role":"e2e_user","sub":"a secret of the token"}`)
		for _, state := range []string{"57P01", "57P02", "57P03", "08006", "53300", "PT503"} {
			r := p.send(t, "POST", "/rpc/raise", `{"state":"`+state+`","message":"no server"}`)
			if r.status != 503 || r.code() != state || r.header.Get("Retry-After") != "1" {
				t.Errorf("%s: %d %v %s", state, r.status, r.header, r.body)
			}
		}
		own := p.send(t, "POST", "/rpc/raise", `{"state":"PGRST","message":"{\"code\":\"busy\",\"message\":\"m\"}","detail":"{\"status\":503,\"headers\":{\"Retry-After\":\"77\"}}"}`)
		if own.status != 503 || own.header.Get("Retry-After") != "77" || len(own.header.Values("Retry-After")) != 1 {
			t.Errorf("a Retry-After of the user's: %d %v", own.status, own.header)
		}
		// Errors of 500 and more are logged, once, with their cause; others are not, and nothing is that a request may have held.
		p.send(t, "POST", "/rpc/raise", `{"state":"XX123","message":"the cause","detail":"a secret of the row"}`, "Authorization", secret)
		p.send(t, "POST", "/rpc/raise", `{"state":"22000","message":"not the cause"}`, "Authorization", secret)
		log := p.events.String()
		if strings.Count(log, `: {"code":"XX123","details":null,"hint":null,"message":"the cause"}`+"\n") != 1 ||
			strings.Count(log, `: {"code":"57P02","details":null,"hint":null,"message":"no server"}`+"\n") != 1 || strings.Contains(log, "not the cause") {
			t.Errorf("the log: %s", log)
		}
		for _, secret := range []string{"secret", strings.TrimPrefix(secret, "Bearer "), testSecret, "e2e:e2e@"} {
			if strings.Contains(log, secret) {
				t.Errorf("the log has %s: %s", secret, log)
			}
		}
		quiet := h.serve(t, "served", "PGRST_LOG_LEVEL=crit")
		quiet.send(t, "POST", "/rpc/raise", `{"state":"XX123","message":"the cause"}`)
		if log := quiet.events.String(); strings.Contains(log, "XX123") {
			t.Errorf("the log at level crit: %s", log)
		}
	})

	t.Run("SIGTERM", func(t *testing.T) {
		p := h.serve(t, "served")
		p.expect(t, "GET", "/books?id=eq.1&select=id", "", nil, 200, `[{"id":1}]`)
		var waiting sync.WaitGroup
		waiting.Go(func() { p.expect(t, "POST", "/rpc/sleep", `{"seconds": 1}`, nil, 200, `"woke"`) })
		eventually(t, "sleep", func() bool {
			return h.ask(t, "served", "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == "1"
		})
		began := time.Now()
		if err := p.stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("stopping takes %v", took)
		}
		waiting.Wait()
		eventually(t, "the end of its sessions", func() bool {
			return h.ask(t, "served", "select count(*) from pg_stat_activity where usename = 'e2e_login'") == "0"
		})
	})
}
