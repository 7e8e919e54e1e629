package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

const differencesFile = "../../docs/differences.md"

// differing is what the tests of differences ask for beside e2eSchema.
const differing = `
create domain api."application/x-own" as jsonb;
create function api.own() returns api."application/x-own" language sql stable as $$ select '{"a": 1}'::api."application/x-own" $$;
create schema hidden;
create table hidden.shelves (id int primary key);
create table hidden.volumes (id int primary key, shelf_id int references hidden.shelves);
create view hidden.some_volumes as select * from hidden.volumes;
create view api.shelves as select * from hidden.shelves;
create view api.twice as select * from hidden.shelves union all select * from hidden.shelves;
create view api.shelves_twice as select s.* from hidden.shelves s, generate_series(1, 2);
create view api.volumes as select * from hidden.some_volumes;
insert into hidden.shelves values (1), (2);
insert into hidden.volumes values (10, 1), (11, 2);
create table api.bookz (id int);
create table api."é" (id int primary key);
create function api.all_books() returns setof api.books language sql stable as 'select * from api.books';
create function api.first_book() returns setof api.books language sql stable as 'select * from api.books where id = 1';
create function api.jit() returns text language sql stable as $$ select current_setting('jit') $$;
create function api.expired() returns void language plpgsql stable as $$ begin
  raise sqlstate 'PGRST' using message = '{"code":"X","message":"m"}', detail = '{"status":419,"status_text":"Page Expired","headers":{}}'; end $$;
create function api.boom() returns void language plpgsql as $$ begin raise exception 'boom'; end $$;
grant select on all tables in schema api to e2e_anon, e2e_user;
revoke all on api.bookz from e2e_anon, e2e_user;
revoke all on api.secrets from e2e_anon;
`

// A difference is tested here, or elsewhere: in a file that has a text. There may be several of one title.
type difference struct {
	title     string
	test      func(t *testing.T, s *testServer)
	elsewhere [2]string
}

// more is the title of what PostgREST has nothing for.
const more = "What PostgREST refuses or does not have may be answered."

var differences = []difference{
	{title: "What is no text is refused", elsewhere: [2]string{"e2e_api_test.go", "invalid UTF-8 in the path"}},
	{title: "There are limits", test: testLimits},
	{title: "Some pages are counted differently.", test: func(t *testing.T, s *testServer) {
		s.gives(t, "/books?select=id&limit=0&offset=1", "[]")
		s.gives(t, "/books?select=id&limit=x&offset=1&order=id", `[{"id":2},{"id":3}]`)
		s.gives(t, "/books?select=id&limit=1&offset=-1&order=id", `[{"id":1}]`)
	}},
	{title: more, elsewhere: [2]string{"../../pgtests/handle_related.sql", "an index that is not partial is enough"}},
	{title: more, elsewhere: [2]string{"e2e_batch_test.go", `"a parent and its children"`}},
	{title: more, elsewhere: [2]string{"../../pgtests/handle_related.sql", "-- PATCH by key."}},
	{title: more, elsewhere: [2]string{"../../pgtests/handle_related.sql", "the rows are those that a GET of the same address shows"}},
	{title: "A logic tree on the path of an embed is refused in PATCH and DELETE", test: func(t *testing.T, s *testServer) {
		s.refuses(t, "DELETE", "/books?select=id,authors(id)&authors.or=(id.eq.1)", "", "PGRST127", "Prefer", "return=representation")
		s.refuses(t, "PATCH", "/books?select=id,authors(id)&authors.or=(id.eq.1)", `{"pages":7}`, "PGRST127")
		s.gives(t, "/books?select=id&or=(pages.is.null,pages.neq.7)&order=id", `[{"id":1},{"id":2},{"id":3}]`)
	}},
	{title: "An embed's limit and offset hold in what a write returns.", elsewhere: [2]string{"../../pgtests/handle_alike.sql", "an embed''s limit"}},
	{title: "All of a body counts.", elsewhere: [2]string{"../../pgtests/handle_alike.sql", "is given what was sent"}},
	{title: "What has a meaning is answered", elsewhere: [2]string{"../../pgtests/handle_shop.sql", "c=gt(all).{%2310,%23ff}"}},
	{title: "All of a body counts.", test: func(t *testing.T, s *testServer) {
		s.refuses(t, "POST", "/authors", "name\nA,1\n", "PGRST102", "Content-Type", "text/csv")
		s.refuses(t, "POST", "/authors", "id,name\n1\n", "PGRST102", "Content-Type", "text/csv")
	}},
	{title: "All of a body counts.", test: func(t *testing.T, s *testServer) {
		s.refuses(t, "PUT", "/authors?id=eq.1", `{"name":"Ann"}`, "PGRST115")
	}},
	{title: "What is wrong with a request is found in the database", elsewhere: [2]string{"differences_test.go", "a select that nobody could read"}},
	{title: more, elsewhere: [2]string{"../../pgtests/handle_cursor.sql", "pg_temp.walk"}},
	{title: "A client that goes away cancels its query.", elsewhere: [2]string{"serve_test.go", "the client goes away: its query is cancelled"}},
	{title: "Embeds in JSON are json, not jsonb.", test: func(t *testing.T, s *testServer) {
		s.gives(t, "/authors?select=books(title,id,title)&id=eq.2", `[{"books":[{"title":"Three","id":3,"title":"Three"}]}]`)
		s.gives(t, "/books?select=authors(name,id)&id=eq.1", "\"{\"\"id\"\": 1, \"\"name\"\": \"\"Ann\"\"}\"", "Accept", "text/csv")
		s.gives(t, "/books?select=count(),authors(name,id)&author_id=eq.2", `[{"count":1,"authors":{"id": 2, "name": "Bo"}}]`)
	}},
	{title: "Custom handlers over jsonb give JSON text.", test: func(t *testing.T, s *testServer) {
		s.gives(t, "/rpc/own", `{"a": 1}`, "Accept", "application/x-own")
	}},
	{title: "A to-one embed gives one row", test: func(t *testing.T, s *testServer) {
		s.gives(t, "/volumes?select=id,shelves_twice(id)&id=eq.10", `[{"id":10,"shelves_twice":{"id":1}}]`)
	}},
	{title: "What has a meaning is answered", test: func(t *testing.T, s *testServer) {
		s.gives(t, "/volumes?select=id,shelves(id)&order=id", `[{"id":10,"shelves":{"id":1}},{"id":11,"shelves":{"id":2}}]`)
		response := s.send(t, "OPTIONS", "/volumes", nil)
		if allow := response.Header.Get("Allow"); !strings.Contains(allow, "PUT") {
			t.Errorf("a view of a view without PUT: %s", allow)
		}
	}},
	{title: "!inner keeps the parents that have rows", test: func(t *testing.T, s *testServer) {
		s.gives(t, "/authors?select=id,books!inner(count())&books.id=eq.3", `[{"id":2,"books":[{"count":1}]}]`)
		s.gives(t, "/authors?select=id,books(count())&books.id=eq.3&books=not.is.null", `[{"id":2,"books":[{"count":1}]}]`)
	}},
	{title: "A to-many spread is put in order, then cut.", test: func(t *testing.T, s *testServer) {
		s.gives(t, "/authors?select=...books(title)&books.order=title.desc&books.limit=1&id=eq.1", `[{"title":["Two"]}]`)
	}},
	{title: "The header line of CSV names the columns of the lines below it.", test: func(t *testing.T, s *testServer) {
		s.gives(t, "/rpc/first_book?select=title,id", "title,id\nOne,1", "Accept", "text/csv")
		if _, body := s.get(t, "/rpc/first_book?select=title,id&id=eq.2", "Accept", "text/csv"); body != "\n" {
			t.Errorf("without lines: %q", body)
		}
	}},
	{title: "What has a meaning is answered", test: func(t *testing.T, s *testServer) {
		s.gives(t, "/rpc/all_books?select=title&order=id.desc&limit=1", `[{"title":"Three"}]`)
		s.gives(t, "/books?select=title,authors(id)&order=authors(name).desc,id&limit=1", `[{"title":"Three","authors":{"id":2}}]`)
	}},
	{title: "Content-Location is the address of the request", test: func(t *testing.T, s *testServer) {
		const address = "/%C3%A9?id=gt.1&id=lt.5&select=x%C3%A9%3Aid"
		answer := s.send(t, "GET", "/%C3%A9?select=x%C3%A9:id&id=gt.1&id=lt.5", nil)
		if got := answer.Header.Get("Content-Location"); got != address {
			t.Errorf("Content-Location: %q", got)
		}
	}},
	{title: "What code of yours sets of an answer must be one", elsewhere: [2]string{"e2e_transaction_test.go", "func testWhatFailsIsUndone"}},
	{title: "Of two faults of one request either may be told.", test: func(t *testing.T, s *testServer) {
		if status, body := s.get(t, "/nope?limit=-1&select=("); status != 416 && status != 400 && status != 404 {
			t.Errorf("%d %s", status, body)
		}
	}},
	{title: "Messages are worded differently.", test: func(t *testing.T, s *testServer) {
		status, body := s.get(t, "/nope")
		var failure map[string]any
		if err := json.Unmarshal([]byte(body), &failure); err != nil || status != 404 || failure["code"] != "PGRST205" ||
			failure["message"] != "There is no table or view 'api.nope'" || len(failure) != 4 {
			t.Errorf("%d %s %v", status, body, err)
		}
	}},
	{title: "Hints name only relations that the role has some right to.", test: func(t *testing.T, s *testServer) {
		s.gives(t, "/bookx", `"hint":"Perhaps you meant the table 'api.books'"`)
		s.gives(t, "/secret", `"hint":null`)
		s.gives(t, "/secret", `"hint":"Perhaps you meant the table 'api.secrets'"`, "Authorization", token(`{"role":"e2e_user"}`))
	}},
	{title: "Proxy-Status, Server and Warning name postern", test: func(t *testing.T, s *testServer) {
		answer := s.send(t, "GET", "/books?select=(", nil)
		if got := answer.Header.Get("Proxy-Status"); got != "postern; error=PGRST100" {
			t.Errorf("Proxy-Status: %q", got)
		}
		if got := answer.Header.Get("Server"); !strings.HasPrefix(got, "postern/") {
			t.Errorf("Server: %q", got)
		}
		answer = s.send(t, "GET", "/books?select=id,writer:authors(name)&authors.name=eq.Ann", nil)
		if got := answer.Header.Get("Warning"); answer.StatusCode != 200 || !strings.Contains(got, " postern ") {
			t.Errorf("%d, Warning: %q", answer.StatusCode, got)
		}
	}},
	{title: "What code of yours sets of an answer must be one", elsewhere: [2]string{"e2e_api_test.go", `"Content-Length", "Transfer-Encoding", "Connection"`}},
	{title: "What code of yours sets of an answer must be one", test: func(t *testing.T, s *testServer) {
		response, err := http.Get(s.base + "/rpc/expired")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != 419 || strings.Contains(response.Status, "Expired") {
			t.Error(response.Status)
		}
	}},
	{title: "Connections are closed after requests with Transfer-Encoding", elsewhere: [2]string{"e2e_http_attack_test.go", "length and chunks"}},
	{title: "Messages are worded differently.", elsewhere: [2]string{"e2e_life_test.go", "may have been committed"}},
	{title: "There are limits", elsewhere: [2]string{"e2e_bounds_test.go", "func TestBinaryBounds"}},
	{title: "Vary also has Origin and Accept-Encoding", test: func(t *testing.T, s *testServer) {
		if vary := s.send(t, "GET", "/nope", nil).Header.Get("Vary"); vary != "Accept, Prefer, Range" { // the rest is tested in shell
			t.Errorf("Vary of an error: %q", vary)
		}
	}},
	{title: "Execution plans show postern's SQL", test: func(t *testing.T, s *testServer) {
		_, plan := s.get(t, "/books?select=id,authors(name)&order=id&limit=1", "Accept", "application/vnd.pgrst.plan")
		if !regexp.MustCompile(`(?s)-> +Limit [^\n]*\n[^\n]* on books .*authors`).MatchString(plan) {
			t.Errorf("the rows of the parent are not cut before the embed is added:\n%s", plan)
		}
	}},
	{title: "OpenAPI describes what works", elsewhere: [2]string{"../../pgtests/openapi_paths.sql", "the overload with the most arguments"}},
	{title: "OpenAPI describes what works", elsewhere: [2]string{"openapi_test.go", "a schema with odd names"}},
	{title: more, elsewhere: [2]string{"../../pgtests/openapi_root.sql", "the address of 2.0"}},
	{title: "If-Match and If-None-Match count", test: testPreconditions},
	{title: "A browser gets a page at the root", elsewhere: [2]string{"browser_test.go", "func TestDocumentationPageGivesWay"}},
	{title: more, elsewhere: [2]string{"../../shell/auth/auth_test.go", "jwt.SigningMethodPS256"}},
	{title: "Times may have fractions.", test: func(t *testing.T, s *testServer) {
		s.gives(t, "/rpc/me", `"sub" : "x"`, "Authorization", token(`{"role":"e2e_user","sub":"x","exp":99999999999.5,"nbf":0.5}`))
		s.gives(t, "/rpc/me", `"code":"PGRST303"`, "Authorization", token(`{"role":"e2e_user","exp":1.5}`))
		s.gives(t, "/rpc/me", `"code":"PGRST303"`, "Authorization", token(`{"role":"e2e_user","nbf":99999999999.5}`))
	}},
	{title: "Roles that PostgreSQL would take for others are refused", elsewhere: [2]string{"e2e_api_test.go", `{"role":"none"}`}},
	{title: "Roles that PostgreSQL would take for others are refused", elsewhere: [2]string{"attack_test.go", "noRole "}},
	{title: "There are limits", elsewhere: [2]string{"attack_test.go", "64 KiB and more"}},
	{title: more, elsewhere: [2]string{"e2e_issuer_test.go", `"PGRST_JWT_SECRET="+issuer.URL`}},
	{title: more, test: func(t *testing.T, s *testServer) {
		for range 2 {
			if status, body := s.get(t, "/books?select=id&id=eq.1", "Accept", "application/x-ndjson, application/json"); status != 200 || body != "{\"id\":1}\n" {
				t.Errorf("%d %q", status, body)
			}
		}
	}},
	{title: more, test: func(t *testing.T, s *testServer) {
		s.refuses(t, "POST", "/authors", "{\"name\":\"A\"}\n{\"name\":3", "PGRST102", "Content-Type", "application/x-ndjson")
	}},
	{title: more, test: func(t *testing.T, s *testServer) {
		if status, body := s.get(t, "/books?select=id&id=eq.1", "Prefer", "handling=strict, read=primary"); status != 200 {
			t.Errorf("%d %s", status, body)
		}
		if status, body := s.get(t, "/books?select=id&id=eq.1", "Prefer", "handling=strict, read=standby"); status != 400 {
			t.Errorf("%d %s", status, body)
		}
	}},
	{title: more, elsewhere: [2]string{"../../pgtests/beyond_query_test.go", "func TestQuery"}},
	{title: more, elsewhere: [2]string{"../../pgtests/beyond_query_test.go", "func TestPreferTimeout"}},
	{title: "Settings in the database that cannot be used, or read, keep the server from being ready", elsewhere: [2]string{"e2e_start_test.go", "func testInvalidSetting"}},
	{title: "Settings in the database that cannot be used, or read, keep the server from being ready", elsewhere: [2]string{"e2e_start_test.go", "func testAbsentDatabase"}},
	{title: "There is no schema cache.", elsewhere: [2]string{"e2e_start_test.go", "drop schema late"}},
	{title: "The admin server differs", elsewhere: [2]string{"e2e_stop_test.go", "func testDrain"}},
	{title: "A database that is read-only by default stays so", elsewhere: [2]string{"faults_test.go", "alter system set default_transaction_read_only = on"}},
	{title: more, elsewhere: [2]string{"e2e_systemd_test.go", "func testServiceManager"}},
	{title: more, elsewhere: [2]string{"../../docs/settings.md", "server-tls-cert"}},
	{title: "There is no schema cache.", test: func(t *testing.T, s *testServer) {
		if status, text := s.ask(t, "/schema_cache"); status != 200 || !strings.Contains(text, `"watches_ddl" : true`) {
			t.Errorf("/schema_cache: %d %s", status, text)
		}
		response, err := s.admin.Get("http://admin/config")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		config, err := io.ReadAll(response.Body)
		if err != nil || !strings.Contains(string(config), "jwt-secret") || strings.Contains(string(config), testSecret) {
			t.Errorf("%v %s", err, config)
		}
	}},
	{title: "The admin server differs", elsewhere: [2]string{"e2e_issuer_test.go", "version=0.0.4"}},
	{title: "The functions must be installed", elsewhere: [2]string{"e2e_life_test.go", `"bare": "not installed"`}},
	{title: "Sessions are restored after code that may leave something in them", elsewhere: [2]string{"e2e_isolation_test.go", "api.leave"}},
	{title: "Sessions are restored after code that may leave something in them", test: func(t *testing.T, s *testServer) {
		s.gives(t, "/rpc/jit", `"off"`)
	}},
	{title: "Sessions are restored after code that may leave something in them", elsewhere: [2]string{"e2e_roles_test.go", "standard_conforming_strings"}},
	{title: "There is no schema cache.", elsewhere: [2]string{"differences_test.go", "alter role e2e_anon set statement_timeout"}},
	{title: "The log says less, and more", elsewhere: [2]string{"seen_log_test.go", "detail of a row"}},
	{title: "The log says less, and more", elsewhere: [2]string{"seen_log_test.go", "ms, compiled"}},
	{title: "Parameters of libpq that the driver does not have are ignored", elsewhere: [2]string{"../../shell/db/uri_test.go", "keepalives_idle"}},
}

// gives fails unless the answer has a text.
func (s *testServer) gives(t *testing.T, target, want string, headers ...string) {
	t.Helper()
	_, body := s.get(t, target, headers...)
	if !strings.Contains(strings.ReplaceAll(body, ", \n ", ","), want) {
		t.Errorf("GET %s\n got %.1000s\nwant %s", target, body, want)
	}
}

// refuses sends a request with a body as a user and fails unless it is refused with 400 and a code.
func (s *testServer) refuses(t *testing.T, method, target, body, code string, headers ...string) {
	t.Helper()
	headers = append(headers, "Authorization", token(`{"role":"e2e_user"}`))
	response := s.send(t, method, target, strings.NewReader(body), headers...)
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 400 || !strings.Contains(string(answer), `"code":"`+code+`"`) {
		t.Errorf("%s %s %q: %d %s %v", method, target, body, response.StatusCode, answer, err)
	}
}

func testPreconditions(t *testing.T, s *testServer) {
	user := token(`{"role":"e2e_user"}`)
	tag := s.send(t, http.MethodGet, "/books?id=eq.1&select=id", nil, "Prefer", "etag", "Authorization", user).Header.Get("Etag")
	for _, test := range []struct {
		method, target, body, header, value string
		status                              int
	}{
		{"GET", "/books?id=eq.1&select=id", "", "If-None-Match", tag, 304},
		{"GET", "/books?id=eq.1", "", "If-None-Match", tag, 200},
		{"PATCH", "/books?id=eq.1", `{"title":"x"}`, "If-Match", `"~x.y"`, 412},
		{"PATCH", "/books?title=eq.x", `{"title":"x"}`, "If-Match", tag, 400},
		{"PATCH", "/books?id=eq.1", `{}`, "If-Match", tag, 204},
		{"DELETE", "/books?id=eq.1", "", "If-Match", `"~x.y"`, 412},
		{"POST", "/books", `{"id":77}`, "If-Match", "*", 400},
	} {
		for range 3 {
			response := s.send(t, test.method, test.target, strings.NewReader(test.body), test.header, test.value, "Authorization", user)
			if response.StatusCode != test.status {
				t.Errorf("%s %s %s: %s: %d", test.method, test.target, test.header, test.value, response.StatusCode)
			}
		}
	}
}

func testLimits(t *testing.T, s *testServer) {
	user := token(`{"role":"e2e_user"}`)
	for _, test := range []struct {
		target string
		status int
	}{
		{"/books?title=eq." + strings.Repeat("x", 1<<20), 414},
		{"/books?title=eq." + strings.Repeat("x", 1<<19), 200},
		{"/books?select=" + strings.Repeat("authors(", 33) + "id" + strings.Repeat(")", 33), 400},
		{"/books?select=id" + strings.Repeat(",id", 1600), 400},
		{"/books?select=id&order=id" + strings.Repeat(",id", 64), 400},
		{"/books?select=id" + strings.Repeat("&id=gt.0", 4096), 400},
		{"/books?or=" + strings.Repeat("(and", 65) + "(id.eq.1)" + strings.Repeat(")", 65), 400},
		{"/books?select=id:" + strings.Repeat("x", 128<<10), 400},
		{"/books?order=" + strings.Repeat("x", 128<<10+1), 400},
		{"/books?or=(id.eq.1" + strings.Repeat(",id.eq.1", 32<<10) + ")", 400},
		{"/books?" + strings.Repeat("x", 16<<10+1) + "=eq.1", 400},
	} {
		if status, body := s.get(t, test.target); status != test.status || status >= 400 && !strings.Contains(body, `"code":"PGRST100"`) {
			t.Errorf("%.60s…: %d %.300s", test.target, status, body)
		}
	}
	// The body that is announced is not waited for.
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	head := "POST /books HTTP/1.1\r\nHost: h\r\nAuthorization: " + user + "\r\nContent-Length: 67108865\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 413 {
		t.Errorf("a body of more than 64 MiB: %d", response.StatusCode)
	}
}

// Every difference in docs/differences.md has a test.
func TestDifferences(t *testing.T) {
	t.Parallel()
	c := pageCluster(t)
	if err := c.Exec(t.Context(), "postgres", differing); err != nil {
		t.Fatal(err)
	}
	uri := c.URI("e2e_login", "postgres")
	common := []string{"PGRST_DB_SCHEMAS=api", "PGRST_DB_ANON_ROLE=e2e_anon", "PGRST_DB_AGGREGATES_ENABLED=true", "PGRST_DB_PLAN_ENABLED=true"}
	s := startServer(t, uri, true, common...)
	titles := regexp.MustCompile(`(?m)^\*\*(.+?)\*\*`).FindAllStringSubmatch(readText(t, differencesFile), -1)
	if len(titles) < 25 {
		t.Fatalf("%s has %d differences", differencesFile, len(titles))
	}
	tested := make(map[string]bool) // by title: whether the page has it
	for _, d := range differences {
		tested[d.title] = false
		if d.test != nil {
			t.Run(d.title, func(t *testing.T) { d.test(t, s) })
		} else if !strings.Contains(readText(t, d.elsewhere[0]), d.elsewhere[1]) {
			t.Errorf("%q: %s has no %q", d.title, d.elsewhere[0], d.elsewhere[1])
		}
	}
	for _, match := range titles {
		title := strings.ReplaceAll(match[1], "`", "")
		if _, ok := tested[title]; !ok {
			t.Errorf("%s: %q has no test: name one in differences_test.go", differencesFile, title)
		}
		tested[title] = true
	}
	for title, listed := range tested {
		if !listed {
			t.Errorf("%s has no %q", differencesFile, title)
		}
	}
	t.Run("settings of roles", func(t *testing.T) {
		if err := c.Exec(t.Context(), "postgres", "alter role e2e_anon set statement_timeout = '200ms'"); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(time.Second) {
			if status, _ := s.get(t, "/rpc/sleep?seconds=0.5"); status == 500 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the setting of a role is not seen")
			}
		}
	})

	t.Run("without a database", func(t *testing.T) {
		s := startServer(t, "postgresql://nobody@127.0.0.1:1/none", false, common...)
		// a select that nobody could read
		if status, body := s.get(t, "/books?select=("); status != 503 || !strings.Contains(body, "PGRST000") {
			t.Errorf("%d %s", status, body)
		}
		// nor a token: what it is verified with may be among the settings in the database
		if status, body := s.get(t, "/books?select=(", "Authorization", "Bearer nonsense"); status != 503 || !strings.Contains(body, "PGRST000") {
			t.Errorf("%d %s", status, body)
		}
	})
}
