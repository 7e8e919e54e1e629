package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

const transactionSchema = `
create table api.ledger (id int primary key, note text, check (note <> 'bad'));
create table api.late (id int primary key, other int references api.late deferrable initially deferred);
create table api.counter (n int);
insert into api.counter values (0);
create function api.note_and_raise(id int, state text, message text default 'no', detail text default '', hint text default '') returns void language plpgsql as $$
begin
  insert into api.ledger values (id, 'half');
  raise exception using errcode = state, message = message, detail = detail, hint = hint;
end $$;
create function api.note_and_set(id int, setting text, value text) returns text language plpgsql as $$
begin
  insert into api.ledger values (id, 'half');
  perform set_config(setting, value, true);
  return 'done';
end $$;
create function api.note_all(ids int[]) returns setof api.ledger language sql as $$ insert into api.ledger select unnest(ids), 'half' returning * $$;
create function api.note_late(id int, other int) returns void language sql as $$ insert into api.late values (id, other) $$;
create function api.count_slowly(seconds float) returns int language plpgsql set default_transaction_isolation = 'repeatable read' as $$
begin
  perform pg_sleep(seconds);
  update api.counter set n = n + 1;
  return 1;
end $$;
grant all on api.ledger, api.late, api.counter to e2e_user;
`

// testTransactions looks for what is left behind by requests that end in other ways than by a commit.
func testTransactions(t *testing.T, h *house) {
	h.execute(t, "e2e", transactionSchema)
	user := []string{"Authorization", token(`{"role":"e2e_user"}`)}
	left := func() string {
		t.Helper()
		return h.ask(t, "e2e", "select (select count(*) from api.ledger) || ' ' || (select count(*) from api.late)")
	}

	for _, test := range []struct{ end, prefer, applied, left string }{
		{"commit", "", "", "1"},
		{"commit", "tx=rollback", "", "1"},
		{"commit-allow-override", "", "", "1"},
		{"commit-allow-override", "tx=commit", "tx=commit", "1"},
		{"commit-allow-override", "tx=rollback", "tx=rollback", "0"},
		{"rollback", "", "", "0"},
		{"rollback", "tx=commit", "", "0"},
		{"rollback-allow-override", "", "", "0"},
		{"rollback-allow-override", "tx=rollback", "tx=rollback", "0"},
		{"rollback-allow-override", "tx=commit", "tx=commit", "1"},
	} {
		p := h.serve(t, "e2e", "PGRST_DB_TX_END="+test.end, "PGRST_DB_POOL=1")
		for range 3 { // the third has a prepared statement
			for _, call := range []struct{ method, target, body string }{
				{"POST", "/ledger", `{"id": 1, "note": "whole"}`}, {"PUT", "/ledger?id=eq.1", `{"id": 1, "note": "whole"}`}, {"POST", "/rpc/note_all", `{"ids": [1]}`},
			} {
				r := p.send(t, call.method, call.target, call.body, append(user, "Prefer", test.prefer)...)
				if r.status > 204 || r.header.Get("Preference-Applied") != test.applied {
					t.Errorf("db-tx-end=%s, %q, %s %s: %d %s %s", test.end, test.prefer, call.method, call.target, r.status, r.header.Get("Preference-Applied"), r.body)
				}
				if got := left(); got != test.left+" 0" {
					t.Errorf("db-tx-end=%s, %q, %s %s leaves %s", test.end, test.prefer, call.method, call.target, got)
				}
				h.execute(t, "e2e", "delete from api.ledger")
			}
		}
		if r := p.send(t, "POST", "/late", `{"id": 1, "other": 9}`, append(user, "Prefer", test.prefer)...); r.status != 409 || r.code() != "23503" {
			t.Errorf("db-tx-end=%s, %q, a deferred constraint: %d %s", test.end, test.prefer, r.status, r.body)
		}
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	}

	p := h.serve(t, "e2e", "PGRST_DB_POOL=1")
	for _, test := range []struct {
		name, method, target, body string
		headers                    []string
		status                     int
		want                       string // code, or what the body is
	}{
		{"the last row is wrong", "POST", "/ledger", `[{"id": 1, "note": "good"}, {"id": 2, "note": "bad"}]`, nil, 400, "23514"},
		{"a deferred constraint", "POST", "/late", `[{"id": 1, "other": 2}, {"id": 2, "other": 3}]`, nil, 409, "23503"},
		{"a deferred constraint of a call", "POST", "/rpc/note_late", `{"id": 1, "other": 2}`, nil, 409, "23503"},
		{"not one row", "POST", "/ledger", `[{"id": 1}, {"id": 2}]`, []string{"Accept", "application/vnd.pgrst.object+json"}, 406, "PGRST116"},
		{"not one row of a call", "POST", "/rpc/note_all", `{"ids": [1, 2]}`, []string{"Accept", "application/vnd.pgrst.object+json"}, 406, "PGRST116"},
		{"too many rows of a call", "POST", "/rpc/note_all", `{"ids": [1, 2]}`, []string{"Prefer", "handling=strict, max-affected=1"}, 400, "PGRST124"},
		{"another key", "PUT", "/ledger?id=eq.1", `{"id": 2}`, nil, 400, "PGRST115"},
		{"P0001", "POST", "/rpc/note_and_raise", `{"id": 1, "state": "P0001"}`, nil, 400, "P0001"},
		{"40001", "POST", "/rpc/note_and_raise", `{"id": 1, "state": "40001"}`, nil, 500, "40001"},
		{"PT402", "POST", "/rpc/note_and_raise", `{"id": 1, "state": "PT402", "message": "Pay", "detail": "d", "hint": "h"}`, nil, 402,
			`{"code":"PT402","details":"d","hint":"h","message":"Pay"}`},
		{"PGRST", "POST", "/rpc/note_and_raise", `{"id": 1, "state": "PGRST", "message": "{\"code\":\"c\",\"message\":\"m\",\"details\":\"d\",\"hint\":\"h\"}", "detail": "{\"status\":418,\"headers\":{\"X-Tea\":\"pot\"}}"}`,
			nil, 418, `{"code":"c","details":"d","hint":"h","message":"m"}`},
		{"PGRST without JSON", "POST", "/rpc/note_and_raise", `{"id": 1, "state": "PGRST"}`, nil, 500, "PGRST121"},
		{"a status that is none", "POST", "/rpc/note_and_set", `{"id": 1, "setting": "response.status", "value": "many"}`, nil, 500, "PGRST112"},
		{"headers that are none", "POST", "/rpc/note_and_set", `{"id": 1, "setting": "response.headers", "value": "many"}`, nil, 500, "PGRST111"},
	} {
		for range 3 {
			r := p.send(t, test.method, test.target, test.body, append(user, test.headers...)...)
			if r.status != test.status || r.code() != test.want && r.body != test.want {
				t.Errorf("%s: %d %s", test.name, r.status, r.body)
			}
			if test.name == "PGRST" && r.header.Get("X-Tea") != "pot" {
				t.Errorf("%s: %v", test.name, r.header)
			}
			if got := left(); got != "0 0" {
				t.Errorf("%s leaves %s", test.name, got)
			}
		}
	}
	testWhatFailsIsUndone(t, h, p, user, left)
	for range 3 { // what user code sets counts for its own request
		r := p.send(t, "POST", "/rpc/note_and_set", `{"id": 1, "setting": "response.status", "value": "299"}`, user...)
		if got := left(); r.status != 299 || r.body != `"done"` || got != "1 0" {
			t.Errorf("response.status: %d %s, left are %s", r.status, r.body, got)
		}
		if r := p.send(t, "PATCH", "/ledger?id=eq.1", `{"note": "x"}`, user...); r.status != 204 {
			t.Errorf("after response.status: %d %s", r.status, r.body)
		}
		h.execute(t, "e2e", "delete from api.ledger")
	}

	// What another transaction changed meanwhile cannot be written to at this isolation level.
	p.expect(t, "POST", "/rpc/count_slowly", `{"seconds": 0}`, user, 200, "1")
	answered := make(chan reply)
	go func() { answered <- p.send(t, "POST", "/rpc/count_slowly", `{"seconds": 1.5}`, user...) }()
	eventually(t, "sleeping", func() bool {
		return h.ask(t, "e2e", "select count(*) from pg_stat_activity where datname = 'e2e' and wait_event = 'PgSleep'") == "1"
	})
	h.execute(t, "e2e", "update api.counter set n = n + 10")
	select {
	case r := <-answered:
		if r.status != 500 || r.code() != "40001" {
			t.Errorf("serialization failure: %d %s", r.status, r.body)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no answer")
	}
	if n := h.ask(t, "e2e", "select n from api.counter"); n != "11" {
		t.Errorf("the counter is %s", n)
	}
	p.expect(t, "POST", "/rpc/count_slowly", `{"seconds": 0}`, user, 200, "1")
}

// testWhatFailsIsUndone sets response.status and response.headers to all kinds of values in a function that writes: what
// is answered with an error has done nothing, be the statement new or known.
func testWhatFailsIsUndone(t *testing.T, h *house, p *process, user []string, left func() string) {
	t.Helper()
	type setting struct{ name, value string }
	var settings []setting
	for _, status := range []string{
		"0", "1", "99", "100", "101", "103", "199", "200", "201", "299", "304", "399", "599", "600", "999", "1000", "2000", "-200", "+200", "2e2", "0200",
		" 201", "201 Created", "201x", "x201", "٢٠٠", "99999999999999999999", " ", "{}",
	} {
		settings = append(settings, setting{"response.status", status})
	}
	header := func(name, value any) {
		text, err := json.Marshal([]map[string]any{{name.(string): value}})
		if err != nil {
			t.Fatal(err)
		}
		settings = append(settings, setting{"response.headers", string(text)})
	}
	for c := range 0x100 { // each character below U+0100, in a name and in a value
		header("X"+string(rune(c)), "v")
		header("X", "a"+string(rune(c))+"b")
	}
	for _, name := range []string{"", "a: b", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Date", "Status", "Content-Type", "Vary", "Set-Cookie", "Upgrade"} {
		header(name, "v")
	}
	for _, value := range []any{nil, 5, true, []int{}, map[string]int{}, "", " ", "\u2028", "😀", strings.Repeat("v", 60000), strings.Repeat("v", 70000), strings.Repeat("é", 33000)} {
		header("X-A", value)
	}
	for _, value := range []string{
		"x", "[", "[]", "{}", "5", "null", `"x"`, "[5]", "[null]", "[[]]", "[{}]", `[{"a":"b","c":"d"}]`, `[{"a":"b","a":"c"}]`, `[{"a":"b"}`, `[{"a":"b"}] x`,
		`[{"a":"\u0000"}]`, `[{"a":"\ud800"}]`, `[{"\u0000":"b"}]`, ` [{"a":"b"}] `,
	} {
		settings = append(settings, setting{"response.headers", value})
	}
	refused := 0
	for _, s := range settings {
		body, err := json.Marshal(map[string]any{"id": 1, "setting": s.name, "value": s.value})
		if err != nil {
			t.Fatal(err)
		}
		r := p.send(t, "POST", "/rpc/note_and_set", string(body), user...)
		want := "1 0"
		if r.code() != "" { // else the status is what the function has set
			want = "0 0"
			refused++
			if r.status != 500 || r.code() != "PGRST111" && r.code() != "PGRST112" {
				t.Errorf("%s = %.80q: %d %.200s", s.name, s.value, r.status, r.body)
			}
		}
		if got := left(); got != want {
			t.Errorf("%s = %.80q: %d, and left are %s", s.name, s.value, r.status, got)
		}
		h.execute(t, "e2e", "delete from api.ledger")
	}
	if refused < 60 || refused > len(settings)-200 {
		t.Errorf("%d of %d are refused", refused, len(settings))
	}
}
