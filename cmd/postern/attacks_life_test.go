package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// lifeSchema is what the tests below ask for.
const lifeSchema = `
create function api.big(bytes int) returns text language sql immutable as $$ select repeat('x', bytes) $$;
create function api.many(n int) returns setof int language sql immutable as $$ select generate_series(1, n) $$;
create function api.nap(seconds float) returns text language sql volatile as $$ select pg_sleep(seconds); select 'woke'::text $$;
create function api.naps(seconds float) returns setof text language sql stable as $$ select pg_sleep(seconds)::text $$;
create function api.local_setting() returns text language sql volatile as $$ select set_config('app.once', 'x', true) $$;
create function api.backend() returns int language sql stable as $$ select pg_backend_pid() $$;
create function api.once() returns text language sql stable as $$ select coalesce('is ' || current_setting('app.once', true), 'null') $$;
create function api.commits() returns int language plpgsql volatile as $$ begin insert into api.docs (id) values (99); commit; return 1; end $$;
create procedure api.commits_too() language plpgsql as $$ begin insert into api.docs (id) values (98); commit; end $$;
create function api.own_transaction(words text) returns int language plpgsql volatile as $$ begin insert into api.docs (id) values (97); execute words; return 1; end $$;
create function api.headers(value text) returns int language sql volatile as $$ select 1 from set_config('response.headers', value, true) $$;
create table api.named (name text primary key);
grant select, insert, delete on api.named to e2e_user;
create role e2e_parallel;
grant e2e_parallel to e2e_login;
grant usage on schema api to e2e_parallel;
create table api.rows_of (id int, owner text);
insert into api.rows_of select n, case when n % 2 = 0 then 'e2e_parallel ann' else 'x' end from generate_series(1, 20000) as n;
alter table api.rows_of enable row level security;
create function api.own(owner text) returns boolean language sql stable parallel safe as $$
  select $1 = current_user || ' ' || (current_setting('request.jwt.claims')::json ->> 'sub') $$;
create policy p on api.rows_of using (api.own(owner));
grant select on api.rows_of to e2e_parallel;
alter table api.rows_of set (parallel_workers = 2);
analyze api.rows_of;
alter role e2e_parallel set min_parallel_table_scan_size = 0;
alter role e2e_parallel set parallel_setup_cost = 0;
alter role e2e_parallel set parallel_tuple_cost = 0;
`

// Headers that data and code make (H1, H2, H4, H6, H7).
func testOwnHeaders(t *testing.T, a *attacked) {
	ask := func(request, body string, headers ...string) reply {
		t.Helper()
		return a.send(t, attack{request: request, body: body, headers: append([]string{"Authorization", a.user}, headers...)})
	}
	for _, test := range []struct {
		value  string // of response.headers
		status int
		want   string // the code of an error
	}{
		{`[{"X-A":"b"}]`, 200, ""}, {`[{"X-A":"é"}]`, 200, ""}, {`[]`, 200, ""}, {``, 200, ""}, {`[{"Set-Cookie":"a=1"},{"Set-Cookie":"b=2"}]`, 200, ""},
		{`[{"X-A":"b\r\nX-B: c"}]`, 500, "PGRST111"}, {`[{"X-A\r\nX-B":"c"}]`, 500, "PGRST111"}, {`[{"X-A":"b\nX-B: c"}]`, 500, "PGRST111"}, {`[{"X-A":"\u0000"}]`, 500, "PGRST111"},
		{`[{"X-A":"\u007f"}]`, 500, "PGRST111"}, {`[{"X-A":1}]`, 500, "PGRST111"}, {`[{"X-A":null}]`, 500, "PGRST111"}, {`[{"X-A":{"X-B":"c"}}]`, 500, "PGRST111"}, {`{"X-A":"b"}`, 500, "PGRST111"},
		{`"X-A: b"`, 500, "PGRST111"}, {`[["X-A","b"]]`, 500, "PGRST111"}, {`[{"X A":"b"}]`, 500, "PGRST111"}, {`[{"":"b"}]`, 500, "PGRST111"}, {`[{"X-A":"b"}`, 500, "PGRST111"},
		{`[{"X-A":"b","X-C":"d"}]`, 500, "PGRST111"},
		{`[{"Content-Length":"1"},{"Transfer-Encoding":"chunked"},{"Connection":"close"},{"Upgrade":"x"},{"Keep-Alive":"x"},{"Trailer":"x"}]`, 200, ""},
	} {
		quoted, _ := json.Marshal(test.value)
		r := ask("POST /rpc/headers", `{"value":`+string(quoted)+`}`)
		if r.status != test.status || test.want != "" && r.code() != test.want || r.header.Get("X-B") != "" || test.status == 200 && r.body != "1" || r.closed {
			t.Errorf("H1 %s: %d %v %s", test.value, r.status, r.header, r.body)
		}
		if strings.Contains(test.value, "a=1") && strings.Join(r.header.Values("Set-Cookie"), ";") != "a=1;b=2" {
			t.Errorf("H1 %s: %v", test.value, r.header)
		}
	}
	for _, name := range []string{"a\r\nX-B: c", "é\u2028😀", `"%00'&=#?/ `, "..", "null"} {
		quoted, _ := json.Marshal(name)
		r := ask("POST /named", `{"name":`+string(quoted)+`}`, "Prefer", "return=headers-only, tx=rollback")
		place := r.header.Get("Location")
		if r.status != 201 || r.header.Get("X-B") != "" || !strings.HasPrefix(place, "/named?name=eq.") || strings.Trim(place, printable) != "" {
			t.Errorf("H2 %q: %d %q %v", name, r.status, place, r.header)
		}
	}
	r := ask("GET /books?select=id&title=eq."+in("a\r\nX-B: c é"), "")
	if place := r.header.Get("Content-Location"); r.status != 200 || r.header.Get("X-B") != "" || strings.Trim(place, printable) != "" || place == "" {
		t.Errorf("H2: %d %q %v", r.status, place, r.header)
	}
	r = ask("GET /", "", "X-Forwarded-Host", `evil"><script>`, "X-Forwarded-Proto", "javascript", "Forwarded", "host=evil", "X-Forwarded-Path", "/../evil")
	if r.status != 200 || !json.Valid([]byte(r.body)) || strings.Contains(r.body, "evil") || strings.Contains(r.body, "javascript") {
		t.Errorf("H4: %d %.300s", r.status, r.body)
	}
	r = ask("GET /books?select=id&limit=1", "", "Origin", "https://evil.example")
	if r.header.Get("Access-Control-Allow-Origin") != "*" || r.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("H6: %v", r.header)
	}
	for _, test := range []struct {
		request string
		status  int
		length  string
	}{{"HEAD /books", 200, ""}, {"HEAD /nope", 404, ""}, {"DELETE /books?id=eq.99", 204, ""}, {"OPTIONS /books", 200, "0"}} {
		if r := ask(test.request, ""); r.status != test.status || r.body != "" || r.header.Get("Content-Length") != test.length && strings.HasPrefix(test.request, "DELETE") {
			t.Errorf("H7 %s: %d %q %v", test.request, r.status, r.body, r.header)
		}
	}
}

const printable = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!$&'()*+,;=%"

// Code that ends its transaction, settings after their transaction, workers (S5, S7, S9). What code leaves in a session is looked
// for in pgtests.
func testSessionAttacks(t *testing.T, a *attacked) {
	for range 2 {
		a.try(t, []attack{
			{id: "S5", request: "POST /rpc/commits", body: "{}", status: 500, want: "2D000"},
			{id: "S5", request: "POST /rpc/commits_too", body: "{}", status: 404, want: "PGRST202"},
			{id: "S5", request: "POST /rpc/own_transaction", body: `{"words":"commit"}`, status: 400, want: "0A000"},
			{id: "S5", request: "POST /rpc/own_transaction", body: `{"words":"rollback"}`, status: 400, want: "0A000"},
			{id: "S5", request: "POST /rpc/own_transaction", body: `{"words":"savepoint a"}`, status: 400, want: "0A000"},
			{id: "S5", request: "POST /rpc/own_transaction", body: `{"words":"prepare transaction 'x'"}`, status: 400, want: "0A000"},
			{id: "S5", request: "POST /rpc/own_transaction", body: `{"words":"set constraints all deferred"}`, headers: []string{"Prefer", "tx=rollback"}, status: 200, want: "1"},
			{id: "S5", request: "POST /rpc/own_transaction", body: `{"words":"set transaction read only"}`, headers: []string{"Prefer", "tx=rollback"}, status: 200, want: "1"},
			{id: "S5", request: "POST /rpc/own_transaction", body: `{"words":"set local role none"}`, headers: []string{"Prefer", "tx=rollback"}, status: 200, want: "1"},
			{id: "S7", request: "POST /rpc/local_setting", body: "{}", status: 200, want: `"x"`},
		})
	}
	if r := a.send(t, attack{request: "GET /rpc/once"}); r.body != `"is "` && r.body != `"null"` {
		t.Errorf("S7: %s", r.body)
	}
	as := func(sub string) []string {
		return []string{"Authorization", token(`{"role":"e2e_parallel","sub":"` + sub + `"}`)}
	}
	for range 3 {
		for sub, want := range map[string]string{"ann": `[{"count":10000}]`, "bo": `[{"count":0}]`} {
			if r := a.send(t, attack{request: "GET /rows_of?select=count()", headers: as(sub)}); r.status != 200 || r.body != want {
				t.Errorf("S9, %s: %d %s", sub, r.status, r.body)
			}
		}
	}
	plan := a.send(t, attack{request: "GET /rows_of?select=count()", headers: append(as("ann"), "Accept", "application/vnd.pgrst.plan")})
	if !strings.Contains(plan.body, "Workers Planned") {
		t.Errorf("S9: there are no workers:\n%s", plan.body)
	}
}

// memory is the resident memory of a process, in KiB.
func memory(t *testing.T, pid string) int {
	t.Helper()
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	size, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// Shapes without end take memory to a bound, in the server and in the database (D4).
func testManyShapes(t *testing.T, a *attacked) {
	if runtime.GOOS != "linux" {
		t.Skip("it reads /proc")
	}
	p := a.serve(t, "attacks", "PGRST_DB_POOL=1", "PGRST_DB_STATEMENT_CACHE_SIZE=1048576")
	w := dial(t, p)
	rounds := 300
	if os.Getenv("POSTERN_SOAK") != "" {
		rounds = 10_000
	}
	backend, before := "", 0
	for n := range rounds {
		_ = w.conn.SetDeadline(time.Now().Add(30 * time.Second))
		for range 2 { // prepared where there is room
			if r := w.send(t, "GET", fmt.Sprintf("/authors?select=id,x%d:name,books(y%[1]d:title,id)&order=id&id=eq.1", n), ""); r.status != 200 {
				t.Fatalf("%d %s", r.status, r.body)
			}
		}
		if n == 100 {
			backend = w.send(t, "GET", "/rpc/backend", "").body
			before = memory(t, backend)
		}
	}
	after, server := memory(t, backend), peakMemory(t, p.command.Process.Pid)
	t.Logf("after %d shapes: the session has %d KiB (%d after 100), the server had at most %d", rounds, after, before, server)
	if after > 100<<10 {
		t.Errorf("the session has %d KiB", after)
	}
	if server > 100<<10 {
		t.Errorf("the server had %d KiB", server)
	}
}

// Answers without end (D5): db-max-rows bounds rows, and what is too long for PostgreSQL is an error.
func testManyRows(t *testing.T, a *attacked) {
	p := a.serve(t, "attacks", "PGRST_DB_POOL=1", "PGRST_DB_MAX_ROWS=10")
	for range 2 {
		p.expect(t, "GET", "/rpc/many?n=100000", "", nil, 200, "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]")
		p.expect(t, "GET", "/rpc/many?n=100000&limit=99999", "", nil, 200, "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]")
		if r := p.send(t, "GET", "/rpc/big?bytes=1073741824", ""); r.status != 500 || r.code() != "54000" && r.code() != "XX000" {
			t.Errorf("a gigabyte: %d %.200s", r.status, r.body)
		}
		p.expect(t, "GET", "/books?select=id&id=eq.1", "", nil, 200, `[{"id":1}]`)
	}
}

// Clients that send or read slowly hold no connection to the database (D7): its only one serves others meanwhile.
func testSlowClients(t *testing.T, a *attacked) {
	p := a.serve(t, "attacks", "PGRST_DB_POOL=1")
	for _, beginning := range []string{
		"GET /books HTTP/1.1\r\nHost: h\r\nX-A: ",
		"POST /rpc/back HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n{\"value\":",
		"POST /rpc/back HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"val",
		"GET /rpc/big?bytes=30000000 HTTP/1.1\r\nHost: h\r\n\r\n", // and does not read
	} {
		clients := 40
		if strings.Contains(beginning, "big") {
			clients = 4
		}
		for range clients {
			w := dial(t, p)
			if _, err := io.WriteString(w.conn, beginning); err != nil {
				t.Fatal(err)
			}
			if clients == 4 {
				if _, err := w.reader.Peek(1); err != nil { // the answer has begun
					t.Fatal(err)
				}
			}
		}
		for range 20 {
			start := time.Now()
			p.expect(t, "GET", "/books?select=id&id=eq.1", "", nil, 200, `[{"id":1}]`)
			if took := time.Since(start); took > slow/4 {
				t.Errorf("D7: beside %q a request takes %v", beginning, took)
			}
		}
	}
}

// Clients that go away at any moment (D8, S8): every answer is that of its request, no query stays, connections are not more than before.
func testCancelStorm(t *testing.T, a *attacked) {
	p := a.serve(t, "attacks", "PGRST_DB_POOL=4")
	var cancelled, answered atomic.Int64
	var waiting sync.WaitGroup
	for client := range 16 {
		random := rand.New(rand.NewPCG(1, uint64(client)))
		transport := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
		waiting.Go(func() {
			for n := range 30 {
				target, want, patience := "/rpc/nap", `"woke"`, time.Duration(random.IntN(30_000))*time.Microsecond
				body := fmt.Sprintf(`{"seconds":%.3f}`, 20*random.Float64())
				if n%3 == 0 {
					sum := client*1000 + n
					target, body, want, patience = "/rpc/add", fmt.Sprintf(`{"a":%d,"b":1}`, sum), fmt.Sprint(sum+1), 20*time.Second
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				request, err := http.NewRequestWithContext(ctx, "POST", p.base+target, strings.NewReader(body))
				if err != nil {
					t.Error(err)
				} else if response, err := transport.Do(request); err != nil {
					cancelled.Add(1)
					if n%3 == 0 {
						t.Errorf("%s: %v", body, err)
					}
				} else {
					text, err := io.ReadAll(response.Body)
					_ = response.Body.Close()
					if err == nil && (response.StatusCode != 200 || string(text) != want) {
						t.Errorf("%s: %d %s", body, response.StatusCode, text)
					}
					answered.Add(1)
				}
				cancel()
			}
		})
	}
	waiting.Wait()
	t.Logf("%d answered, %d cancelled", answered.Load(), cancelled.Load())
	const sleeping = "select count(*) from pg_stat_activity where datname = 'attacks' and query like '%nap%' and state = 'active' and pid <> pg_backend_pid()"
	eventually(t, "the end of the queries", func() bool { return a.ask(t, "attacks", sleeping) == "0" })
	p.expect(t, "POST", "/rpc/add", `{"a":1,"b":2}`, nil, 200, "3")
}

// When all connections are in use, others are told in time, and the admin server answers (D9).
func testExhaustion(t *testing.T, a *attacked) {
	p := a.serve(t, "attacks", "PGRST_DB_POOL=2", "PGRST_DB_POOL_ACQUISITION_TIMEOUT=1")
	ctx, end := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	for range 2 {
		waiting.Go(func() {
			request, err := http.NewRequestWithContext(ctx, "POST", p.base+"/rpc/nap", strings.NewReader(`{"seconds":60}`))
			if err != nil {
				t.Error(err)
			} else if response, err := p.client.Do(request); err == nil {
				_ = response.Body.Close()
			}
		})
	}
	eventually(t, "sleep", func() bool {
		return a.ask(t, "attacks", "select count(*) from pg_stat_activity where datname = 'attacks' and wait_event = 'PgSleep'") == "2"
	})
	var others sync.WaitGroup
	for range 50 {
		others.Go(func() {
			start := time.Now()
			r := p.send(t, "GET", "/books", "")
			if took := time.Since(start); r.status != 504 || r.code() != "PGRST003" || took > slow/2 {
				t.Errorf("D9: %d %s after %v", r.status, r.body, took)
			}
		})
	}
	for _, path := range []string{"/ready", "/live", "/metrics"} {
		if r := p.admin.send(t, "GET", path, ""); r.status != 200 {
			t.Errorf("D9: %s is %d", path, r.status)
		}
	}
	others.Wait()
	end()
	waiting.Wait()
	eventually(t, "a connection", func() bool { return p.send(t, "GET", "/books?select=id&id=eq.1", "").status == 200 })
}

// Notifications by thousands become few reloads, and requests are answered meanwhile (D10).
func testNotifyStorm(t *testing.T, a *attacked) {
	p := a.serve(t, "attacks", "PGRST_DB_POOL=2")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 4000 {
			if _, err := a.super.Exec(context.Background(), fmt.Sprintf("select pg_notify('pgrst', '%s'), pg_notify('pgrst', 'garbage %d'), pg_notify('pgrst', '')",
				[]string{"reload schema", "reload config"}[n%2], n)); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	answered := 0
	for storming := true; storming; answered++ {
		select {
		case <-done:
			storming = false
		default:
		}
		start := time.Now()
		p.expect(t, "GET", "/books?select=id&id=eq.1", "", nil, 200, `[{"id":1}]`)
		if took := time.Since(start); took > slow/4 {
			t.Errorf("D10: a request takes %v", took)
		}
	}
	reloaded := func() bool {
		return strings.Contains(p.events.String(), "reloaded") && strings.Contains(p.events.String(), "renewed")
	}
	eventually(t, "a reload", reloaded)
	reloads := strings.Count(p.events.String(), "eloaded") + strings.Count(p.events.String(), "renewed")
	t.Logf("12,000 notifications: %d reloads, %d requests meanwhile", reloads, answered)
	if reloads > 200 {
		t.Errorf("D10: 12,000 notifications are %d reloads", reloads)
	}
}

// The database in other hands: functions installed anew while requests run (L3), a dump restored (L4), the server killed and a role
// dropped (L6).
func TestAttackedLife(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.database(t, "held", true)
	h.execute(t, "held", `create function api.write_slowly() returns int language sql volatile security definer as
		$$ select pg_sleep(1); insert into api.books (title) values ('slow') returning 1 $$`)
	p := h.serve(t, "held", "PGRST_DB_POOL=4")

	t.Run("D11", func(t *testing.T) { testManyRelations(t, h) })
	t.Run("L3", func(t *testing.T) {
		var answered, failed atomic.Int64
		meanwhile := func(do func(), mayFail bool) {
			stop := make(chan struct{})
			var waiting sync.WaitGroup
			for client := range 4 {
				waiting.Go(func() {
					for n := 0; ; n++ {
						select {
						case <-stop:
							return
						default:
						}
						r := p.send(t, "GET", fmt.Sprintf("/books?select=id,x%d_%d:title&id=eq.1", client, n/3), "")
						switch {
						case r.status == 200 && strings.Contains(r.body, `"One"`):
							answered.Add(1)
						case mayFail && r.status == 503 && r.code() != "":
							failed.Add(1)
							time.Sleep(10 * time.Millisecond)
						default:
							t.Errorf("while it is installed: %d %s", r.status, r.body)
							return
						}
					}
				})
			}
			do()
			close(stop)
			waiting.Wait()
		}
		meanwhile(func() { // an update that replaces all functions
			h.execute(t, "held", `do $$ declare definition text; begin
				for definition in select pg_get_functiondef(oid) from pg_proc where pronamespace = 'postern'::regnamespace loop execute definition; end loop; end $$`)
		}, false)
		t.Logf("%d requests while the functions were replaced", answered.Load())
		meanwhile(func() {
			for _, to := range []string{"0", "1"} {
				if out, err := h.run(t, "migrate", "--to", to, "--db-uri", h.cluster.URI(h.cluster.Superuser, "held")); err != nil {
					t.Fatal(err, out)
				}
			}
		}, true)
		t.Logf("%d requests in all, %d failed while there were no functions", answered.Load(), failed.Load())
		eventually(t, "answers", func() bool { return p.send(t, "GET", "/books?select=id&id=eq.1", "").status == 200 })
		for range 8 { // all connections
			p.expect(t, "GET", "/books?select=id&id=eq.1", "", nil, 200, `[{"id":1}]`)
		}
	})

	t.Run("L4", func(t *testing.T) {
		dump := exec.CommandContext(t.Context(), filepath.Join(h.cluster.PgBin, "pg_dump"), "-Fc", "-f", filepath.Join(t.TempDir(), "dump"), h.cluster.URI(h.cluster.Superuser, "held"))
		dump.Env = append(os.Environ(), h.cluster.Environment()...)
		if out, err := dump.CombinedOutput(); err != nil {
			t.Skipf("pg_dump: %v %s", err, out)
		}
		h.execute(t, "postgres", "create database restored")
		restore := exec.CommandContext(t.Context(), filepath.Join(h.cluster.PgBin, "pg_restore"), "-e", "-d", h.cluster.URI(h.cluster.Superuser, "restored"), dump.Args[3])
		restore.Env = dump.Env
		if out, err := restore.CombinedOutput(); err != nil {
			t.Fatalf("pg_restore: %v %s", err, out)
		}
		r := h.serve(t, "restored")
		r.expect(t, "GET", "/books?select=id,authors(name)&id=eq.1", "", nil, 200, `[{"id":1,"authors":{"name":"Ann"}}]`)
		before := h.ask(t, "restored", "select postern.epoch()")
		h.execute(t, "restored", "alter table api.books add column more int default 7")
		r.expect(t, "GET", "/books?select=more&id=eq.1", "", nil, 200, `[{"more":7}]`)
		if h.ask(t, "restored", "select postern.live()") != "true" || h.ask(t, "restored", "select postern.epoch()") == before {
			t.Error("in the restored database nothing watches the DDL")
		}
	})

	t.Run("L6", func(t *testing.T) {
		h.execute(t, "held", "create role e2e_passing; grant e2e_passing to e2e_login; grant usage on schema api to e2e_passing; grant select on api.books to e2e_passing")
		passing := []string{"Authorization", token(`{"role":"e2e_passing"}`)}
		for range 3 {
			p.expect(t, "GET", "/books?select=id&id=eq.1", "", passing, 200, `[{"id":1}]`)
		}
		h.execute(t, "held", "drop owned by e2e_passing; drop role e2e_passing")
		for range 3 {
			p.expect(t, "GET", "/books?select=id&id=eq.1", "", passing, 401, `{"code":"22023",…`)
		}

		killed := exec.Command(h.binary, "serve")
		killed.Env = append(p.command.Env, "PGRST_ADMIN_SERVER_UNIX_SOCKET="+filepath.Join(t.TempDir(), "a.sock"))
		events, err := killed.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		address, connected := "", false
		for lines := bufio.NewScanner(events); (address == "" || !connected) && lines.Scan(); {
			if found := listeningOn.FindStringSubmatch(lines.Text()); found != nil {
				address = found[1]
			}
			connected = connected || strings.Contains(lines.Text(), "Successfully connected to")
		}
		go func() { _, _ = io.Copy(io.Discard, events) }()
		user := token(`{"role":"e2e_user"}`)
		other := &process{base: "http://" + address, client: &http.Client{}, events: new(output)}
		go func() { // a write that waits when the server dies
			request, _ := http.NewRequest("POST", other.base+"/rpc/write_slowly", strings.NewReader(`{}`))
			request.Header.Set("Authorization", user)
			if response, err := other.client.Do(request); err == nil {
				_ = response.Body.Close()
				t.Error("the killed server answers")
			}
		}()
		eventually(t, "sleep", func() bool {
			return h.ask(t, "held", "select count(*) from pg_stat_activity where datname = 'held' and wait_event = 'PgSleep'") == "1"
		})
		if err := killed.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = killed.Wait()
		eventually(t, "the end of its sessions", func() bool {
			return h.ask(t, "held", "select count(*) from pg_stat_activity where datname = 'held' and wait_event = 'PgSleep'") == "0"
		})
		if n := h.ask(t, "held", "select count(*) from api.books where title = 'slow'"); n != "1" && n != "0" {
			t.Errorf("the write of the killed server was done %s times", n)
		}
		p.expect(t, "GET", "/books?select=id&id=eq.1", "", nil, 200, `[{"id":1}]`)
	})
}

// Among very many relations what is wrong is told soon (D11), and so is what there is (D12).
func testManyRelations(t *testing.T, h *house) {
	h.database(t, "wide", false)
	h.execute(t, "wide", "create schema wide; grant usage on schema wide to e2e_user")
	soak := os.Getenv("POSTERN_SOAK") != ""
	for first := 1; first < 5000; first += 1000 { // each takes locks until it ends
		h.execute(t, "wide", fmt.Sprintf(`do $$ begin for n in %d .. %d loop
			execute format('create table wide.table_%%1$s (id int, name text)', n);
			if %t then execute format('create function wide.routine_%%1$s(a int) returns int language sql immutable as ''select 1''', n); end if;
			end loop; end $$`, first, first+999, soak))
	}
	h.execute(t, "wide", `alter table wide.table_1 add primary key (id); alter table wide.table_2 add foreign key (id) references wide.table_1;
		grant select on all tables in schema wide to e2e_user; analyze`)
	if out, err := h.run(t, "migrate", "--db-uri", h.cluster.URI(h.cluster.Superuser, "wide")); err != nil {
		t.Fatal(err, out)
	}
	p := h.serve(t, "wide", "PGRST_DB_SCHEMAS=wide", "PGRST_DB_POOL=1")
	user := token(`{"role":"e2e_user"}`)
	for _, test := range []struct {
		id, method, target string
		status             int
		code               string
		most               time.Duration
	}{
		{"D11", "GET", "/tabel_4999", 404, "PGRST205", slow / 4},
		{"D11", "GET", "/rpc/rutine_4999?a=1", 404, "PGRST202", slow / 4},
		{"D11", "GET", "/rpc/routine_4999?b=1", 404, "PGRST202", slow / 4},
		{"D11", "GET", "/table_1?select=table_3(id)", 400, "PGRST200", slow / 4},
		{"D11", "GET", "/table_1?select=table_2(id)", 200, "", slow / 4},
		{"D11", "GET", "/table_1?nmae=eq.1", 400, "42703", slow / 4},
		{"D12", "OPTIONS", "/table_1", 200, "", slow / 4},
		{"D12", "GET", "/", 200, "", slow},
		{"D12", "GET", "/openapi/3.1.json", 200, "", slow},
	} {
		if test.most == slow && !soak {
			continue // TestDescriptionTime describes a thousand
		}
		start := time.Now()
		r := p.send(t, test.method, test.target, "", "Authorization", user)
		took := time.Since(start)
		if r.status != test.status || r.code() != test.code || took > test.most {
			t.Errorf("%s %s: %d %.200s after %v", test.id, test.target, r.status, r.body, took)
		}
		t.Logf("%s %s: %v, %d bytes", test.id, test.target, took, len(r.body))
	}
	if peak := peakMemory(t, p.command.Process.Pid); peak > 200<<10 {
		t.Errorf("D12: the server's memory had a peak of %d KiB", peak)
	}
}
