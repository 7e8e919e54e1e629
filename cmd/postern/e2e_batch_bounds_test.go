package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// testBatchBounds are batches whose answers are too large together, and what their code leaves where they fail.
func testBatchBounds(t *testing.T, h *house, user []string, left func() string, empty func()) {
	t.Helper()
	h.execute(t, "e2e", `create function api.idle() returns void language sql stable as 'select pg_sleep(600)';
		create function api.hold(id int) returns void language sql as 'select pg_advisory_lock(id)';
		create function api.mark_box() returns trigger language plpgsql as
			$$ begin perform set_config('response.headers', '[{"Proxy-Stat\u0075s": "postern; error=x"}]', true); return new; end $$`)
	p := h.serve(t, "e2e", "PGRST_DB_POOL=1", "PGRST_SERVER_MAX_BYTES_IN_FLIGHT=300000")
	name := strings.Repeat("x", 30000)
	h.execute(t, "e2e", `insert into api."Box ""of"" x" values (1, '`+name+`')`)
	write := op("PATCH", boxes+"?id=eq.1", `{"doc": 1}`, `"headers": {"Prefer": "return=representation"}`)
	many := slices.Repeat([]string{write}, 20)
	done := func() string {
		return h.ask(t, "e2e", `select count(doc)::text from api."Box ""of"" x"`)
	}
	// Statements that are not kept yet, and those whose answers were large, are looked at before the commit.
	for range 3 {
		if results, _ := p.batch(t, many, user...); results[0] != "503 PGRST003" || done() != "0" {
			t.Errorf("too large, undone: %s, %s are changed", results[0], done())
		}
	}
	// It is sent with others: what goes beyond the bound then is left out.
	rename := func(name string) {
		h.execute(t, "e2e", `update api."Box ""of"" x" set doc = null, "the name" = '`+name+`'`)
	}
	write = op("PATCH", boxes+"?id=eq.1&select=the%20name", `{"doc": 1}`, `"headers": {"Prefer": "return=representation"}`)
	rename("x")
	for range 2 {
		p.batch(t, []string{write}, user...)
	}
	rename(name)
	_, answer := p.batch(t, slices.Repeat([]string{write}, 20), user...)
	kept, omitted := strings.Count(answer.body, `"the name"`), strings.Count(answer.body, `"body":null,"omitted":true}`)
	if answer.status != 200 || done() != "1" || kept != 9 || omitted != 11 {
		t.Errorf("too large, done: %d, %d bodies and %d left out, %s are changed", answer.status, kept, omitted, done())
	}
	reads := slices.Repeat([]string{op("GET", boxes, "")}, 20)
	for range 3 {
		if results, _ := p.batch(t, reads, user...); results[0] != "503 PGRST003" {
			t.Errorf("too much to read: %s", results[0])
		}
	}
	// What the database does in one call has a time, too.
	brief := `"headers": {"Accept": "application/x-ndjson", "Prefer": "timeout=50ms"}`
	for range 2 {
		results, _ := p.batch(t, []string{op("GET", "/books?select=id", "", brief), op("GET", "/rpc/idle", "", brief)}, user...)
		if !strings.HasSuffix(results[0], "] 500 57014") { // on a slow machine compiling alone may take as long
			t.Errorf("in one call: %s", results[0])
		}
	}
	// What is left of the batch, which was sent along, does not run then.
	p.batch(t, reads[:1], user...)
	began := time.Now()
	if results, _ := p.batch(t, append(reads, op("GET", "/rpc/idle", "")), user...); results[0] != "503 PGRST003" ||
		time.Since(began) > time.Minute {
		t.Errorf("too much to read, and more: %s, after %v", results[0], time.Since(began))
	}
	again := op("POST", boxes, `{"id": 1, "the name": "a"}`)
	for range 2 {
		p.batch(t, []string{again}, user...)
	}
	// What ran before the operation that failed has left something in the session, though nobody knew that it could.
	if results, _ := p.batch(t, []string{op("POST", "/rpc/hold", `{"id": 77}`), again}, user...); results[0] != "[1] 409 23505" {
		t.Errorf("after a lock: %s", results[0])
	}
	p.send(t, "GET", "/books?limit=1", "", user...)
	if locks := h.ask(t, "e2e", "select count(*)::text from pg_locks where locktype = 'advisory' and objid = 77"); locks != "0" {
		t.Errorf("%s locks are left", locks)
	}
	empty()
	testBatchKilled(t, h, p, user, left)
	// An error in response.headers that is written with an escape.
	h.execute(t, "e2e", `create trigger mark before insert on api."Box ""of"" x" for each row execute function api.mark_box()`)
	for range 3 {
		if results, answer := p.batch(t, []string{again}, user...); !strings.HasPrefix(results[0], "[0] 201") || left() != "0 0" {
			t.Errorf("an escape: %d %s, left are %s", answer.status, results[0], left())
		}
	}
	h.execute(t, "e2e", `drop trigger mark on api."Box ""of"" x"; drop function api.mark_box, api.hold, api.idle`)
}

// testBatchKilled has the session of a batch terminated while its COMMIT waits, in a trip of its own and in that of the operations.
func testBatchKilled(t *testing.T, h *house, p *process, user []string, left func() string) {
	t.Helper()
	h.execute(t, "e2e", `create function api.linger() returns trigger language plpgsql as
			$$ begin if new.id < 0 then perform pg_sleep(600); end if; return null; end $$;
		create constraint trigger linger after insert on api."Box ""of"" x" deferrable initially deferred for each row execute function api.linger()`)
	box := func(id string) []string {
		return []string{op("POST", boxes, `{"id": `+id+`, "the name": "a"}`), op("DELETE", boxes+"?id=eq.1", "")}
	}
	for range 2 {
		answers := make(chan reply)
		go func() {
			_, answer := p.batch(t, box("-1"), user...)
			answers <- answer
		}()
		eventually(t, "the COMMIT", func() bool {
			return h.ask(t, "e2e", `select count(pg_terminate_backend(pid))::text from pg_stat_activity
				where usename = 'e2e_login' and datname = 'e2e' and wait_event = 'PgSleep' and query = 'commit'`) == "1"
		})
		answer := <-answers
		if answer.status != 503 || !strings.Contains(answer.body, "It is not known whether the request was carried out") || left() != "0 0" {
			t.Errorf("killed at the end: %d %s, left are %s", answer.status, answer.body, left())
		}
		for range 2 {
			p.batch(t, box("1"), user...) // from now on the statements are kept
		}
	}
	h.execute(t, "e2e", `drop trigger linger on api."Box ""of"" x"; drop function api.linger`)
}
