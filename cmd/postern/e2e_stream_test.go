package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const ndjson = "application/x-ndjson"

// TestBinaryStreams looks at answers that stream as the client has them: what is sent when, and how they end.
func TestBinaryStreams(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.database(t, "streams", true)
	h.execute(t, "streams", `
		create table api.lines (id int primary key, words text);
		insert into api.lines select i, repeat('w', 80) from generate_series(1, 20000) as i;
		create view api.broken as select id, 1 / (15000 - id) as part, words from api.lines;
		create view api.broken_soon as select id, 1 / (2 - id) as part from api.lines;
		create view api.slowly as select id, words, pg_sleep(case when id = 10000 then 60 end) is null as slept from api.lines;
		create table api.many as select i as id, repeat('w', 80) as words from generate_series(1, 400000) as i;
		create table api.debts (id int primary key, line int references api.lines deferrable initially deferred);
		create function api.owe(debtor int, n int) returns setof api.lines language plpgsql volatile security definer as $$
		begin
			insert into api.debts values (n, debtor);
			return query select * from api.lines order by id limit n;
		end $$;
		create function api.named() returns void language plpgsql as $$
		begin
			if current_setting('request.headers')::json ->> 'x-named' is not null then
				perform set_config('response.status', '203', true), set_config('response.headers', '[{"X-Named": "yes"}]', true);
			end if;
		end $$;
		grant select on all tables in schema api to e2e_anon;
		revoke select on api.secrets from e2e_anon;
		analyze api.lines`)
	p := h.serve(t, "streams", "PGRST_DB_PRE_REQUEST=api.named", "PGRST_SERVER_COMPRESSION=zstd,gzip", "PGRST_LOG_LEVEL=info", "PGRST_DB_STREAM_CSV=true",
		"PGRST_SERVER_TIMING_ENABLED=true")
	t.Run("whole", func(t *testing.T) { testStreamWhole(t, h, p) })
	t.Run("errors", func(t *testing.T) { testStreamErrors(t, h, p) })
	t.Run("memory", func(t *testing.T) { testStreamMemory(t, h) })
	t.Run("clients", func(t *testing.T) { testStreamClients(t, h) })
}

// stream asks for lines and gives the answer with how reading it ended.
func (p *process) stream(t *testing.T, client *http.Client, method, target, body string, headers ...string) (*http.Response, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, p.base+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", method, target, err, p.events)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response, string(text), err
}

// http2 returns a client of HTTP/2 in clear text.
func http2() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}

// The bytes are those of postern.handle, over each protocol and coding, compiled or kept; what is short has a length.
func testStreamWhole(t *testing.T, h *house, p *process) {
	whole := func(target, accept string) string {
		path, query, _ := strings.Cut(target, "?")
		return h.ask(t, "streams", fmt.Sprintf(`select coalesce(convert_from(body, 'UTF8'), '') from postern.handle('{"method": "GET", "path": %q, "query": %q,
			"headers": {"accept": %q}, "settings": {"db_schemas": ["api"], "db_stream_csv": true}}')`, path, query, accept))
	}
	two := http2()
	t.Cleanup(two.CloseIdleConnections)
	for _, test := range []struct{ target, accept string }{
		{"/lines?order=id", ndjson}, {"/lines?order=id.desc&limit=15000", ndjson}, {"/lines?order=id", "text/csv"},
		{"/lines?id=lt.4", ndjson}, {"/lines?id=lt.0", ndjson}, {"/authors?select=name,books(title)&order=id", ndjson},
	} {
		want := whole(test.target, test.accept)
		for n, client := range []*http.Client{p.client, p.client, two} {
			response, body, err := p.stream(t, client, "GET", test.target, "", "Accept", test.accept, "Accept-Encoding", "identity")
			if err != nil || response.StatusCode != 200 || body != want {
				t.Errorf("%s, %d: %v, %d bytes, not %d", test.target, n, err, len(body), len(want))
			}
			if got := response.ContentLength; (len(want) < 60<<10) != (got == int64(len(want))) {
				t.Errorf("%s: a length of %d", test.target, got)
			}
		}
		response, body, err := p.stream(t, p.client, "GET", test.target, "", "Accept", test.accept, "Accept-Encoding", "gzip")
		if response.Header.Get("Content-Encoding") == "gzip" && err == nil {
			body, err = unzipped(body)
		}
		if err != nil || body != want {
			t.Errorf("%s by gzip: %v, %d bytes, not %d", test.target, err, len(body), len(want))
		}
	}
	response, body, err := p.stream(t, p.client, "GET", "/lines?order=id", "", "Accept", ndjson, "Prefer", "count=exact", "X-Named", "1",
		"Accept-Encoding", "identity")
	if err != nil || response.StatusCode != 203 || response.Header.Get("Content-Range") != "0-19999/20000" || response.Header.Get("X-Named") != "yes" ||
		strings.Count(body, "\n") != 20000 || response.Header.Get("Server-Timing") == "" {
		t.Errorf("head of a stream: %v %v %d %d lines", err, response.Header, response.StatusCode, strings.Count(body, "\n"))
	}
	eventually(t, "its size in the log", func() bool {
		return strings.Contains(p.requests.String(), fmt.Sprintf(`"GET /lines?order=id HTTP/1.1" 203 %d `, len(body)))
	})
	p.expect(t, "HEAD", "/lines?id=lt.4", "", []string{"Accept", ndjson}, 200, "")
}

func unzipped(text string) (string, error) {
	reader, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		return "", err
	}
	plain, err := io.ReadAll(reader)
	return string(plain), err
}

// An error before anything is sent is answered as any other; one after that ends the answer so that nobody takes it for whole, and is
// logged. A commit that fails is such an error.
func testStreamErrors(t *testing.T, h *house, p *process) {
	two := http2()
	t.Cleanup(two.CloseIdleConnections)
	for range 2 { // compiled, and kept
		for target, want := range map[string]string{"/broken_soon?order=id": "22012", "/secrets": "42501", "/nope": "PGRST205", "/lines?order=id&offset=30000": "PGRST103"} {
			got := p.send(t, "GET", target, "", "Accept", ndjson, "Prefer", "count=exact")
			if got.code() != want || got.header.Get("Content-Type") != "application/json; charset=utf-8" {
				t.Errorf("%s: %d %v %.300s", target, got.status, got.header, got.body)
			}
		}
		for n, client := range []*http.Client{p.client, two} {
			for _, coding := range []string{"identity", "gzip"} {
				response, body, err := p.stream(t, client, "GET", "/broken?order=id", "", "Accept", ndjson, "Accept-Encoding", coding)
				if err == nil || response.StatusCode != 200 || body == "" {
					t.Errorf("an error in the middle, %d, %s: %d, %d bytes, %v", n, coding, response.StatusCode, len(body), err)
				}
			}
		}
		if got := p.send(t, "POST", "/rpc/owe", `{"debtor": 1000000, "n": 3}`, "Accept", ndjson, "Content-Type", "application/json"); got.status != 409 || got.code() != "23503" {
			t.Errorf("a short answer whose commit fails: %d %s", got.status, got.body)
		}
		if response, body, err := p.stream(t, p.client, "POST", "/rpc/owe", `{"debtor": 1000000, "n": 19000}`, "Accept", ndjson, "Content-Type", "application/json"); err == nil {
			t.Errorf("a long answer whose commit fails: %d, %d bytes", response.StatusCode, len(body))
		}
	}
	response, body, err := p.stream(t, p.client, "POST", "/rpc/owe", `{"debtor": 1, "n": 19000}`, "Accept", ndjson, "Content-Type", "application/json")
	if err != nil || response.StatusCode != 200 || strings.Count(body, "\n") != 19000 {
		t.Errorf("a function that writes: %d, %d bytes, %v", response.StatusCode, len(body), err)
	}
	if got := h.ask(t, "streams", "select string_agg(id::text, ',') from api.debts"); got != "19000" {
		t.Errorf("it has written %s", got)
	}
	eventually(t, "the error in the log", func() bool {
		return strings.Contains(p.events.String(), `{"code":"22012","details":null,"hint":null,"message":"An answer was cut short: division by zero"}`) &&
			strings.Contains(p.events.String(), `{"code":"23503"`)
	})
	for range 3 { // the connections are as good as before
		p.expect(t, "GET", "/rpc/add?a=1&b=2", "", nil, 200, "3")
	}
}

// A client that goes away, or does not read, gives its query and its connection up; what waits too long is sent as it is.
func testStreamClients(t *testing.T, h *house) {
	p := h.serve(t, "streams", "PGRST_SERVER_CLIENT_TIMEOUT=1", "PGRST_DB_POOL=2", "PGRST_DB_POOL_ACQUISITION_TIMEOUT=30")
	running := func() string {
		return h.ask(t, "streams", "select count(*) from pg_stat_activity where usename = 'e2e_login' and state <> 'idle' and query like '%pgrst_head%'")
	}
	// The first lines come while the query runs; then the client goes.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", p.base+"/slowly", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", ndjson)
	response, err := p.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(response.Body).ReadString('\n'); err != nil || !strings.HasPrefix(line, `{"id":`) || running() != "1" {
		t.Errorf("the first line is %q: %v", line, err)
	}
	cancel()
	_ = response.Body.Close()
	eventually(t, "the query of a client who is gone ends", func() bool { return running() == "0" })
	// One that does not read is cut off, and does not keep others from streaming for longer.
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	_, _ = io.WriteString(conn, "GET /many HTTP/1.1\r\nHost: h\r\nAccept: "+ndjson+"\r\n\r\n")
	eventually(t, "it streams", func() bool { return running() == "1" })
	p.expect(t, "GET", "/rpc/add?a=1&b=2", "", nil, 200, "3") // as there is a connection that no stream has
	if response, body, err := p.stream(t, p.client, "GET", "/lines?limit=3", "", "Accept", ndjson); err != nil || response.StatusCode != 200 || strings.Count(body, "\n") != 3 {
		t.Errorf("a stream behind one that nobody reads: %d %s %v", response.StatusCode, body, err)
	}
	if !closedWithin(t, p, conn.(*net.TCPConn), 20*time.Second) {
		t.Error("a connection that nobody reads is kept")
	}
	eventually(t, "its query ends", func() bool { return running() == "0" })
}
