package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/cmd/internal/cluster"
)

func portOf(c *cluster.Cluster) string { return strconv.Itoa(c.Port) }

// TestBinary serves a small API with the binary as it is released.
func TestBinary(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.database(t, "e2e", true)
	p := h.serve(t, "e2e", "PGRST_DB_POOL=4")
	user := []string{"Authorization", token(`{"role":"e2e_user","sub":"ann"}`)}
	with := func(headers ...string) []string { return slices.Concat(user, headers) }

	t.Run("reads", func(t *testing.T) {
		for _, test := range []struct {
			target string
			want   string
		}{
			{"/books?select=id,title&order=id", `[{"id":1,"title":"One"},{"id":2,"title":"Two"},{"id":3,"title":"Three"}]`},
			{"/books?select=title,authors(name)&id=eq.1", `[{"title":"One","authors":{"name":"Ann"}}]`},
			{"/authors?select=name,books(title)&id=eq.1&books.order=title", `[{"name":"Ann","books":[{"title":"One"},{"title":"Two"}]}]`},
			{"/books?select=title&or=(id.eq.1,pages.is.null)&order=id", `[{"title":"One"},{"title":"Three"}]`},
			{"/books?title=eq.%54wo&select=id", `[{"id":2}]`},
			{"/rpc/add?a=1&b=2", "3"},
		} {
			for range 3 {
				r := p.expect(t, "GET", test.target, "", nil, 200, test.want)
				if r.header.Get("Content-Type") != "application/json; charset=utf-8" || r.header.Get("Content-Length") == "" ||
					!strings.HasPrefix(r.header.Get("Server"), "postern/") || r.header.Get("Vary") == "" {
					t.Errorf("%s: %v", test.target, r.header)
				}
			}
		}
		r := p.expect(t, "GET", "/books?select=id&limit=1", "", []string{"Prefer", "count=exact"}, 206, `[{"id":1}]`)
		if r.header.Get("Content-Range") != "0-0/3" || r.header.Get("Content-Location") != "/books?limit=1&select=id" {
			t.Errorf("%v", r.header)
		}
		r = p.expect(t, "GET", "/books?select=id", "", []string{"Range-Unit", "items", "Range", "1-1"}, 200, `[{"id":2}]`)
		if r.header.Get("Content-Range") != "1-1/*" {
			t.Errorf("%v", r.header)
		}
		r = p.expect(t, "HEAD", "/books", "", nil, 200, "")
		if r.header.Get("Content-Range") != "0-2/*" {
			t.Errorf("%v", r.header)
		}
		p.expect(t, "GET", "/books?id=eq.1&select=id", "", []string{"Accept", "application/vnd.pgrst.object+json"}, 200, `{"id":1}`)
		p.expect(t, "GET", "/books?id=eq.1&select=id,title", "", []string{"Accept", "text/csv"}, 200, "id,title\n1,One")
		p.expect(t, "OPTIONS", "/books", "", nil, 200, "")
	})

	t.Run("profiles", func(t *testing.T) {
		r := p.expect(t, "GET", "/books", "", []string{"Accept-Profile", "more"}, 200, `[{"id":7,"note":"elsewhere"}]`)
		if r.header.Get("Content-Profile") != "more" {
			t.Errorf("%v", r.header)
		}
		p.expect(t, "GET", "/books?select=id&id=eq.1", "", nil, 200, `[{"id":1}]`)
		p.expect(t, "GET", "/books", "", []string{"Accept-Profile", "pg_catalog"}, 406, `{"code":"PGRST106",…`)
		p.expect(t, "POST", "/books", `{"id": 1}`, with("Content-Profile", "more"), 403, `{"code":"42501",…`)
	})

	t.Run("writes", func(t *testing.T) {
		representation := with("Prefer", "return=representation")
		p.expect(t, "POST", "/books?select=title,authors(name)", `{"title":"New","author_id":2}`, representation, 201, `[{"title":"New","authors":{"name":"Bo"}}]`)
		r := p.expect(t, "POST", "/authors", `{"id":50,"name":"Fifty"}`, with("Prefer", "return=headers-only"), 201, "")
		if r.header.Get("Location") != "/authors?id=eq.50" {
			t.Errorf("%v", r.header)
		}
		p.expect(t, "POST", "/authors?select=id", `[{"id":50,"name":"50"},{"id":51,"name":"51"}]`, with("Prefer", "resolution=merge-duplicates, return=representation"), 201, `[{"id":50},{"id":51}]`)
		p.expect(t, "PATCH", "/authors?id=eq.50&select=name", `{"name":"L"}`, representation, 200, `[{"name":"L"}]`)
		p.expect(t, "PATCH", "/authors?id=eq.50", `{"name":"LL"}`, user, 204, "")
		p.expect(t, "PUT", "/authors?id=eq.52&select=id", `{"id":52,"name":"52"}`, representation, 201, `[{"id":52}]`)
		p.expect(t, "DELETE", "/authors?id=in.(50,51,52)&select=id&order=id", "", representation, 200, `[{"id":50},{"id":51},{"id":52}]`)
		p.expect(t, "DELETE", "/books?title=eq.New", "", user, 204, "")
		p.expect(t, "POST", "/authors", "name\nCsv", with("Content-Type", "text/csv"), 201, "")
		p.expect(t, "DELETE", "/authors?name=eq.Csv", "", user, 204, "")
		p.expect(t, "POST", "/authors", `{"id":1,"name":"again"}`, user, 409, `{"code":"23505",…`)
		p.expect(t, "DELETE", "/authors?id=eq.1", "", user, 409, `{"code":"23503",…`)
		p.expect(t, "POST", "/rpc/add", `{"a":1,"b":2}`, nil, 200, "3")
		p.expect(t, "POST", "/rpc/isolation", "", nil, 200, `"serializable"`)
		p.expect(t, "POST", "/rpc/isolation", "", nil, 200, `"serializable"`)
		p.expect(t, "POST", "/rpc/set_status", `{"status":"202"}`, nil, 202, "")
		if got := h.ask(t, "e2e", "select count(*) from api.authors"); got != "2" {
			t.Errorf("%s authors are left", got)
		}
	})

	t.Run("reads write nothing", func(t *testing.T) {
		for range 3 {
			p.expect(t, "GET", "/rpc/write", "", user, 405, `{"code":"25006",…`)
			p.expect(t, "HEAD", "/rpc/write", "", user, 405, "")
		}
		if got := h.ask(t, "e2e", "select count(*) from api.books where title = 'w'"); got != "0" {
			t.Errorf("%s rows were written", got)
		}
	})

	t.Run("roles", func(t *testing.T) {
		p.expect(t, "GET", "/rpc/me", "", nil, 200, `{"role" : "e2e_anon", "sub" : null}`)
		p.expect(t, "GET", "/rpc/me", "", user, 200, `{"role" : "e2e_user", "sub" : "ann"}`)
		p.expect(t, "GET", "/secrets?select=words", "", user, 200, `[{"words":"Ann's"}]`)
		p.expect(t, "GET", "/secrets?select=words", "", []string{"Authorization", token(`{"role":"e2e_user","sub":"bo"}`)}, 200, `[{"words":"Bo's"}]`)
		p.expect(t, "GET", "/secrets?select=words", "", []string{"Authorization", token(`{"role":"e2e_user"}`)}, 200, `[]`)
		r := p.expect(t, "GET", "/secrets", "", nil, 401, `{"code":"42501",…`)
		if r.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%v", r.header)
		}
		p.expect(t, "POST", "/books", `{"title":"x"}`, nil, 401, `{"code":"42501",…`)
		for _, refused := range []struct {
			token  string
			status int
			code   string
		}{
			{"Bearer nonsense", 401, "PGRST301"},
			{token(`{"role":"e2e_user"}`) + "x", 401, "PGRST301"},
			{"Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiZTJlX3VzZXIifQ.", 401, "PGRST301"},
			{token(`{"role":"e2e_user","exp":1}`), 401, "PGRST303"},
			{token(`{"role":"nobody"}`), 401, "22023"},
			{token(`{"role":"` + h.cluster.Superuser + `"}`), 403, "42501"},
			{token(`{"role":"none"}`), 401, "22023"},
		} {
			if r := p.send(t, "GET", "/books", "", "Authorization", refused.token); r.status != refused.status || r.code() != refused.code {
				t.Errorf("%s: %d %s", refused.token, r.status, r.body)
			}
		}
	})

	t.Run("claims are text", func(t *testing.T) {
		for _, sub := range []string{`'; drop table api.books; --`, `\\`, `$$ $1 %s`, `\"quoted\"`, `é€😀`} {
			p.expect(t, "GET", "/secrets?select=words", "", []string{"Authorization", token(`{"role":"e2e_user","sub":"` + sub + `"}`)}, 200, `[]`)
		}
		p.expect(t, "GET", "/books?select=id&id=eq.1", "", []string{"Authorization", token(`{"role":"e2e_user","x":"\u0000"}`)}, 200, `[{"id":1}]`)
	})

	t.Run("headers of user code", func(t *testing.T) {
		r := p.expect(t, "POST", "/rpc/set_header", `{"name":"X-Made","value":"yes"}`, nil, 204, "")
		if r.header.Get("X-Made") != "yes" {
			t.Errorf("%v", r.header)
		}
		for _, bad := range []string{
			`{"name":"X-A","value":"a\r\nSet-Cookie: b=c"}`, `{"name":"X-A\r\nSet-Cookie","value":"b"}`, `{"name":"X A","value":"b"}`, `{"name":"X-A","value":"a\nb"}`,
			`{"name":"","value":"b"}`, `{"name":"X-A","value":"\u0001"}`,
		} {
			r := p.send(t, "POST", "/rpc/set_header", bad)
			if r.status != 500 || r.code() != "PGRST111" || r.header.Get("Set-Cookie") != "" {
				t.Errorf("%s: %d %v %s", bad, r.status, r.header, r.body)
			}
		}
		for _, own := range []string{"Content-Length", "Transfer-Encoding", "Connection"} {
			r := p.send(t, "POST", "/rpc/set_header", `{"name":"`+own+`","value":"7"}`)
			if r.status != 204 || r.header.Get(own) != "" {
				t.Errorf("%s: %d %v", own, r.status, r.header)
			}
		}
		for _, bad := range []string{"99", "text", "", "1000", "-200", "101"} {
			if r := p.send(t, "POST", "/rpc/set_status", `{"status":"`+bad+`"}`); bad != "" && (r.status != 500 || r.code() != "PGRST112") {
				t.Errorf("status %q: %d %s", bad, r.status, r.body)
			}
		}
	})

	t.Run("bad input", func(t *testing.T) { testBadInput(t, h) })
	t.Run("schema changes", func(t *testing.T) { testSchemaChanges(t, h, p) })
	t.Run("attacks by HTTP", func(t *testing.T) { testHTTPAttacks(t, h) })
	t.Run("isolation of requests", func(t *testing.T) { testIsolation(t, h) })
	t.Run("one trip", func(t *testing.T) { testOneTrip(t, h) })
	t.Run("bodies", func(t *testing.T) { testBodies(t, h) })
	t.Run("transactions", func(t *testing.T) { testTransactions(t, h) })
	t.Run("batches", func(t *testing.T) { testBatches(t, h) })
	t.Run("writes as SQL", func(t *testing.T) { testWritesAsSQL(t, h) })
	t.Run("traces", func(t *testing.T) { testTraces(t, h) })
	t.Run("Server-Timing", func(t *testing.T) { testServerTiming(t, h) })
}

// wire is a connection to the server on which requests are written as they are.
type wire struct {
	conn   net.Conn
	reader *bufio.Reader
}

func dial(t *testing.T, p *process) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	return &wire{conn, bufio.NewReader(conn)}
}

func (w *wire) send(t *testing.T, method, target, body string, headers ...string) reply {
	t.Helper()
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: e2e\r\nContent-Length: %d\r\n", method, target, len(body))
	for i := 0; i < len(headers); i += 2 {
		text += headers[i] + ": " + headers[i+1] + "\r\n"
	}
	if _, err := w.conn.Write([]byte(text + "\r\n" + body)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(w.reader, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s %.100s: %v", method, target, err)
	}
	return read(t, response)
}

// What a client gets wrong is answered with a code, and the connections, its own and that to the database, serve on.
func testBadInput(t *testing.T, h *house) {
	p := h.serve(t, "e2e", "PGRST_DB_POOL=1", "PGRST_DB_URI="+h.cluster.URI("e2e_login", "e2e")+"&application_name=bad")
	w := dial(t, p)
	session := func() string { // the pool's: what reads settings comes and goes later
		return h.ask(t, "e2e", "select pid::text from pg_stat_activity where application_name = 'bad' and query !~* '^listen' order by backend_start limit 1")
	}
	if r := w.send(t, "GET", "/books?select=id&id=eq.1", ""); r.status != 200 {
		t.Fatal(r)
	}
	user := []string{"Authorization", token(`{"role":"e2e_user"}`)}
	for _, test := range []struct {
		name, method, target, body string
		headers                    []string
		status                     int
		code                       string
		closes                     bool // as net/http does not get as far as a handler
	}{
		{"malformed JSON", "POST", "/books", `{"title": `, user, 400, "PGRST102", false},
		{"no JSON", "POST", "/books", ``, user, 400, "PGRST102", false},
		{"invalid UTF-8", "POST", "/books", "{\"title\": \"\xff\"}", user, 400, "22021", false},
		{"a NUL in JSON", "POST", "/books", `{"title": "a\u0000b"}`, user, 400, "22P05", false},
		{"a NUL in a body", "POST", "/books", "{\"title\": \"a\x00b\"}", user, 400, "22021", false},
		{"unknown column", "GET", "/books?nope=eq.1", "", nil, 400, "42703", false},
		{"unknown column to write", "POST", "/books", `{"nope": 1}`, user, 400, "PGRST204", false},
		{"unknown table", "GET", "/nope", "", nil, 404, "PGRST205", false},
		{"unknown function", "GET", "/rpc/nope", "", nil, 404, "PGRST202", false},
		{"unknown relationship", "GET", "/books?select=nope(id)", "", nil, 400, "PGRST200", false},
		{"wrong type", "GET", "/books?id=eq.one", "", nil, 400, "22P02", false},
		{"wrong type to write", "POST", "/books", `{"title": "x", "pages": "many"}`, user, 400, "22P02", false},
		{"violated check", "POST", "/books", `{"title": "x", "pages": -1}`, user, 400, "23514", false},
		{"number too large", "GET", "/books?id=eq.99999999999", "", nil, 400, "22003", false},
		{"a percent sign that starts no escape", "GET", "/books?title=eq.%ZZ", "", nil, 200, "", false},
		{"percent sign at the end", "GET", "/books?title=eq.%", "", nil, 200, "", false},
		{"a NUL in the query", "GET", "/books?title=eq.%00", "", nil, 400, "PGRST100", false},
		{"invalid UTF-8 in the query", "GET", "/books?title=eq.%ff", "", nil, 400, "PGRST100", false},
		{"a percent sign in a name", "GET", "/books?ti%ZZ=eq.1", "", nil, 400, "42703", false},
		{"control characters", "GET", "/books?title=eq.%01", "", nil, 200, "", false},
		{"broken percent-encoding in the path", "GET", "/bo%ZZoks", "", nil, 400, "", true},
		{"a NUL in the path", "GET", "/books%00", "", nil, 400, "PGRST100", false},
		{"invalid UTF-8 in the path", "GET", "/books%ff", "", nil, 400, "PGRST100", false},
		{"a path too deep", "GET", "/a/b/c", "", nil, 404, "PGRST125", false},
		{"operator", "GET", "/books?id=is.one", "", nil, 400, "PGRST100", false},
		{"select", "GET", "/books?select=id(", "", nil, 400, "PGRST100", false},
		{"deep nesting", "GET", "/books?or=" + strings.Repeat("(and(", 3000), "", nil, 400, "PGRST100", false},
		{"a URL of 2 MiB", "GET", "/books?title=eq." + strings.Repeat("x", 2<<20), "", nil, 414, "PGRST100", false},
		{"method", "TRACE", "/books", "", nil, 405, "PGRST117", false},
		{"content type", "POST", "/books", "x", append([]string{"Content-Type", "application/x-nothing"}, user...), 400, "PGRST102", false},
		{"accept", "GET", "/books", "", []string{"Accept", "image/png"}, 406, "PGRST107", false},
		{"range", "GET", "/books", "", []string{"Range", "5-1"}, 416, "PGRST103", false},
		{"timezone", "GET", "/books", "", []string{"Prefer", "timezone=Nowhere"}, 400, "22023", false},
		{"preference", "GET", "/books", "", []string{"Prefer", "nothing=known, handling=strict"}, 400, "PGRST122", false},
		{"regular expression", "GET", "/books?title=match.(", "", nil, 400, "2201B", false},
	} {
		before := session()
		r := w.send(t, test.method, test.target, test.body, test.headers...)
		if r.status != test.status || r.code() != test.code {
			t.Errorf("%s: %d %.300s", test.name, r.status, r.body)
		}
		if r.closed {
			if !test.closes {
				t.Errorf("%s: the client's connection is closed", test.name)
			}
			w = dial(t, p)
		}
		if next := w.send(t, "GET", "/books?select=id&id=eq.1", ""); next.status != 200 || next.body != `[{"id":1}]` {
			t.Errorf("after %s: %d %s", test.name, next.status, next.body)
		}
		if after := session(); after != before {
			t.Errorf("%s: the connection to the database was %s and is %s", test.name, before, after)
		}
	}
}

// A shell that is warm serves each change of the schema at once, over every connection, and is not told of it.
func testSchemaChanges(t *testing.T, h *house, p *process) {
	many := func(target string, status int, want string) {
		t.Helper()
		var waiting sync.WaitGroup
		for range 12 {
			waiting.Go(func() {
				r := p.send(t, "GET", target, "")
				begin, cut := strings.CutSuffix(want, "…")
				if r.status != status || r.body != want && !(cut && strings.HasPrefix(r.body, begin)) {
					t.Errorf("%s: %d %s, want %d %s", target, r.status, r.body, status, want)
				}
			})
		}
		waiting.Wait()
	}
	missing := `{"code":"PGRST205"…`
	many("/fresh", 404, missing)
	for _, step := range []struct {
		ddl, target string
		status      int
		want        string
	}{
		{"create table api.fresh (id int primary key, book_id int); insert into api.fresh values (1, 1)", "/fresh", 200, `[{"id":1,"book_id":1}]`},
		{"alter table api.fresh add column word text; update api.fresh set word = 'w'", "/fresh", 200, `[{"id":1,"book_id":1,"word":"w"}]`},
		{"select 1", "/fresh?select=id,books(title)", 400, `{"code":"PGRST200"…`},
		{"alter table api.fresh add constraint f foreign key (book_id) references api.books", "/fresh?select=id,books(title)", 200, `[{"id":1,"books":{"title":"One"}}]`},
		{"alter table api.fresh rename column word to words", "/fresh?select=words", 200, `[{"words":"w"}]`},
		{"select 1", "/fresh?select=word", 400, `{"code":"42703"…`},
		{"alter table api.fresh alter column words type int using 5", "/fresh?select=words", 200, `[{"words":5}]`},
		{"alter table api.fresh drop column words", "/fresh", 200, `[{"id":1,"book_id":1}]`},
		{"select 1", "/rpc/fresh", 404, `{"code":"PGRST202"…`},
		{"create function api.fresh() returns int language sql stable as 'select 1'", "/rpc/fresh", 200, "1"},
		{"create or replace function api.fresh() returns int language sql stable as 'select 2'", "/rpc/fresh", 200, "2"},
		{"create view api.viewed as select title from api.books where id = 1", "/viewed", 200, `[{"title":"One"}]`},
		{"create or replace view api.viewed as select title from api.books where id = 2", "/viewed", 200, `[{"title":"Two"}]`},
		{"revoke select on api.viewed from e2e_anon", "/viewed", 401, `{"code":"42501"…`},
		{"drop view api.viewed; drop function api.fresh; drop table api.fresh", "/viewed", 404, missing},
		{"select 1", "/fresh", 404, missing},
		{"select 1", "/rpc/fresh", 404, `{"code":"PGRST202"…`},
	} {
		h.execute(t, "e2e", step.ddl)
		for range 3 {
			many(step.target, step.status, step.want)
		}
	}
	// One client that changes and asks, again and again.
	h.execute(t, "e2e", "create table api.counted (n int)")
	for n := range 40 {
		h.execute(t, "e2e", fmt.Sprintf("alter table api.counted add column c%d int", n))
		if r := p.send(t, "GET", fmt.Sprintf("/counted?select=c%d", n), ""); r.status != 200 {
			t.Fatalf("column %d: %d %s", n, r.status, r.body)
		}
	}
	h.execute(t, "e2e", "drop table api.counted")
	p.expect(t, "GET", "/counted", "", nil, 404, missing)
}

// A warm request is one round trip to the database.
func testOneTrip(t *testing.T, h *house) {
	m := newMeter(t, h.cluster)
	p := h.serve(t, "e2e", "PGRST_DB_POOL=1", "PGRST_DB_CHANNEL_ENABLED=false",
		"PGRST_DB_URI=postgresql://e2e_login:e2e@"+m.address+"/e2e?sslmode=disable")
	user := []string{"Authorization", token(`{"role":"e2e_user"}`)}
	for _, test := range []struct{ method, target, body string }{
		{"GET", "/books?id=eq.%d&select=title,authors(name)", ""},
		{"GET", "/rpc/add?a=1&b=%d", ""},
		{"POST", "/authors?on_conflict=name", `{"name": "trip %d"}`},
		{"PATCH", "/books?id=eq.%d", `{"pages": 7}`},
		{"DELETE", "/authors?name=eq.trip %d", ""},
		{"POST", "/rpc/add", `{"a": 1, "b": %d}`},
		{"GET", "/books?nope=eq.%d", ""},
	} {
		var trips []int
		for n := range 8 {
			number := strconv.Itoa(n)
			before := m.count()
			r := p.send(t, test.method, strings.ReplaceAll(strings.ReplaceAll(test.target, "%d", number), " ", "%20"), strings.ReplaceAll(test.body, "%d", number), user...)
			if r.status >= 300 && !strings.Contains(test.target, "nope") {
				t.Errorf("%s %s: %d %s", test.method, test.target, r.status, r.body)
			}
			trips = append(trips, m.count()-before)
		}
		// The first is cold, and another may fall together with the reading of the roles' settings, every ten seconds.
		slices.Sort(trips)
		if trips[0] != 1 || trips[len(trips)-3] != 1 {
			t.Errorf("%s %s takes %v trips", test.method, test.target, trips)
		}
	}
}
