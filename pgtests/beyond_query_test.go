package pgtests

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

const form = "Content-Type: application/x-www-form-urlencoded"

// answers sends a request of the clerk and compares status, code of an error and, where one is wanted, the body.
func (c *client) answers(t *testing.T, r request, status int, code, body string) httpAnswer {
	t.Helper()
	got, err := c.do(r)
	if err != nil {
		t.Fatalf("%s %.200s: %v", r.method, r.target, err)
	}
	text := strings.ReplaceAll(string(got.body), ", \n ", ",")
	if got.status != status || got.code() != code || body != "" && text != body {
		t.Errorf("%s %.200s %s\nwith %.200q\n got %d %v %.500s\nwant %d %s %s", r.method, r.target, r.headers, r.body, got.status, got.headers, text, status, code, body)
	}
	return got
}

// numbers are so many whole numbers with commas.
func numbers(many int) string {
	var text strings.Builder
	for n := range many {
		fmt.Fprintf(&text, "%d,", n+1)
	}
	return strings.TrimSuffix(text.String(), ",")
}

// A QUERY by HTTP is what it is in SQL (handle_query.sql), and what it says is cut like a URL.
func TestQuery(t *testing.T) {
	t.Parallel()
	c := serveHTTP(t, newDatabase(t), "PGRST_DB_POOL=1", "PGRST_SERVER_MAX_BODY_SIZE=700000").client()
	defer c.close()
	hits := func() float64 { return c.server.metric(t, "postern_statement_cache_hits_total") }
	query := func(target, body string) request { return request{"QUERY", target, form, []byte(body)} }

	for range 2 {
		got := c.answers(t, query("/films?select=id", "id=in.(1,2)&order=id"), 200, "", `[{"id":1},{"id":2}]`)
		if got.headers["Content-Location"] != nil || got.headers.Get("Content-Range") != "0-1/*" {
			t.Errorf("%v", got.headers)
		}
		got = c.answers(t, query("/films?cursor=first&limit=1", "select=id"), 200, "", `[{"id":1}]`)
		if link := got.headers.Get("Link"); !strings.HasPrefix(link, "</films?cursor=after.") || !strings.HasSuffix(link, `&limit=1>; rel="next"`) {
			t.Errorf("%s", link)
		}
		c.answers(t, query("/films", "id=eq.%ff"), 400, "PGRST100", "")
		c.answers(t, query("/films", "id=eq.\xff"), 400, "PGRST100", "")
		c.answers(t, query("/films?select=title", "id=eq.\x00"), 400, "PGRST100", "")
		c.answers(t, query("/films?id=eq.2&select=id", "id=eq.%01"), 400, "22P02", "")
		c.answers(t, query("/films?id=eq.2&select=id", "title=eq.\x01"), 200, "", "[]")
		c.answers(t, request{"QUERY", "/films", "Content-Type: application/json", []byte(`{"id":1}`)}, 415, "PGRST161", "")
		c.answers(t, request{"QUERY", "/films", "", []byte("id=eq.1")}, 415, "PGRST161", "")
		c.answers(t, request{"QUERY", "/rpc/review", form, []byte("film=1&stars=5")}, 405, "25006", "")
		c.answers(t, request{"QUERY", "/films", form + "\nRange: 1-1", []byte("select=id&order=id")}, 200, "", `[{"id":2}]`)
	}

	// A list is one value, whatever its length.
	c.answers(t, query("/films", "select=id&order=id&year=in.(1985,1952)"), 200, "", `[{"id":1},{"id":2},{"id":3}]`)
	before := hits()
	c.answers(t, query("/films", "select=id&order=id&year=in.("+numbers(100_000)+")"), 200, "", `[{"id":1},{"id":2},{"id":3},{"id":4}]`)
	if got := hits() - before; got != 1 {
		t.Errorf("a longer list is another shape: %v", got)
	}
	c.answers(t, query("/films", "select=id&year=in.("+numbers(150_000)+")"), 413, "PGRST102", "")

	for _, asked := range []struct{ origin, method, allowed string }{
		{"Origin: http://x", "QUERY", "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD, QUERY"}, {"Origin: http://x", "GET", "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"},
	} {
		got := c.answers(t, request{"OPTIONS", "/films", asked.origin + "\nAccess-Control-Request-Method: " + asked.method, nil}, 200, "", "")
		if allowed := got.headers.Get("Access-Control-Allow-Methods"); allowed != asked.allowed {
			t.Errorf("%+v: %q", asked, allowed)
		}
	}
	for asked, allowed := range map[string]string{"": "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE", "Access-Control-Request-Method: QUERY": "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE,QUERY"} {
		got := c.answers(t, request{"OPTIONS", "/films", asked, nil}, 200, "", "")
		if got.headers.Get("Allow") != allowed || (got.headers.Get("Accept-Query") != "") != (asked != "") {
			t.Errorf("%s: %v", asked, got.headers)
		}
	}
}

// trips returns how many round trips a request takes.
func (c *client) trips(t *testing.T, ask func()) float64 {
	t.Helper()
	before := c.server.metric(t, "postern_db_round_trips_total")
	ask()
	return c.server.metric(t, "postern_db_round_trips_total") - before
}

// Prefer: timeout bounds what a statement may take, where no setting bounds it more, and takes no round trip.
func TestPreferTimeout(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	conn := connect(t, database)
	execute(t, conn, `create function store.nap(seconds float) returns text language sql stable as $$ select pg_sleep(seconds); select 'woke'::text $$;
		alter role store_clerk in database `+database+` set statement_timeout = '20s'`)
	c := serveHTTP(t, database, "PGRST_DB_POOL=1").client()
	defer c.close()
	for _, test := range []struct{ prefer, holds, applied string }{
		{"timeout=7s", "7s", "timeout=7s"}, {"timeout=15", "15s", "timeout=15"}, {"timeout=7500ms, count=exact", "7500ms", "count=exact, timeout=7500ms"}, {"timeout=1min", "20s", ""}, {"timeout=20s", "20s", ""},
		{"timeout=20001ms", "20s", ""}, {"timeout=19999ms", "19999ms", "timeout=19999ms"}, {"timeout=999999999min", "20s", ""}, {"timeout=8s,timeout=7s, handling=strict", "8s", "handling=strict, timeout=8s"},
		{"timeout=0", "20s", ""}, {"timeout=-1s", "20s", ""}, {"timeout=1h", "20s", ""}, {"count=exact\nPrefer: timeout=9s", "9s", "count=exact, timeout=9s"}, {"", "20s", ""},
	} {
		for range 2 {
			got := c.answers(t, request{"GET", "/rpc/setting?name=statement_timeout", "Prefer: " + test.prefer, nil}, 200, "", strconv.Quote(test.holds))
			if applied := got.headers.Get("Preference-Applied"); applied != test.applied {
				t.Errorf("%s: %q is applied", test.prefer, applied)
			}
		}
	}
	for range 3 { // compiled, unnamed, prepared
		c.answers(t, request{"GET", "/rpc/nap?seconds=30", "Prefer: timeout=50ms", nil}, 500, "57014", "")
		c.answers(t, request{"GET", "/rpc/nap?seconds=0.1", "Prefer: timeout=10s, tx=rollback", nil}, 200, "", `"woke"`)
	}
	c.answers(t, request{"POST", "/rpc/patient", "Prefer: timeout=50ms\nContent-Type: application/json", []byte(`{"seconds": 30}`)}, 500, "57014", "")
	c.answers(t, request{"POST", "/rpc/patient", "Prefer: timeout=9s\nContent-Type: application/json", []byte(`{"seconds": 30}`)}, 500, "57014", "") // the function's own
	for _, prefer := range []string{"timeout=x, handling=strict", "timeout=0,handling=strict", "timeout=2s, timeout=x, handling=strict", "timeout, handling=strict"} {
		c.answers(t, request{"GET", "/films?limit=1", "Prefer: " + prefer, nil}, 400, "PGRST122", "")
	}
	// No shape has a time.
	before := c.server.metric(t, "postern_statement_cache_entries")
	for n := range 5 {
		taken := c.trips(t, func() {
			c.answers(t, request{"GET", "/rpc/setting?name=statement_timeout", fmt.Sprintf("Prefer: timeout=%dms", 5000+n), nil}, 200, "", "")
		})
		if taken != 1 {
			t.Errorf("%v round trips", taken)
		}
	}
	if grown := c.server.metric(t, "postern_statement_cache_entries") - before; grown != 0 {
		t.Errorf("%v shapes more", grown)
	}
}

const dearSchema = `
create table store.dear (id int primary key, kind int, words text);
insert into store.dear select g, case when g <= 18000 then 1 else g end, g from generate_series(1, 20000) as g;
create index on store.dear (kind);
create function store.own_time() returns int language sql stable set statement_timeout = '9s' as 'select 1';
create function store.own_dear() returns setof store.dear language plpgsql stable rows 100000 set statement_timeout = '9s' as 'begin return query select * from store.dear limit 1; end';
grant select, update on store.dear to store_clerk;
analyze store.dear;
`

// With db-max-cost nothing runs whose plan costs more: by statements that are kept as by those that are not (handle_cost.sql).
func TestMaxCost(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	conn := connect(t, database)
	execute(t, conn, dearSchema)
	c := serveHTTP(t, database, "PGRST_DB_POOL=1", "PGRST_DB_MAX_COST=250").client()
	defer c.close()
	cheap := func(target string) { t.Helper(); c.answers(t, request{"GET", target, "", nil}, 200, "", "") }
	dear := func(target string) { t.Helper(); c.answers(t, request{"GET", target, "", nil}, 400, "PGRST162", "") }
	for range 4 {
		dear("/dear?select=id&id=lt.15000") // the first value of its shape, and no end to it
		cheap("/dear?select=id&id=lt.5")
		cheap("/dear?id=eq.5")
		cheap("/dear?select=words&id=lt.6")
		dear("/dear?select=words&id=lt.15001")
		dear("/dear")
		dear("/dear?words=eq.1")
		cheap("/rpc/own_time")
		dear("/rpc/own_dear")
		c.answers(t, request{"PATCH", "/dear?id=gt.5", "Content-Type: application/json", []byte(`{"words": "x"}`)}, 400, "PGRST162", "")
		c.answers(t, request{"PATCH", "/dear?id=gt.19998", "Content-Type: application/json", []byte(`{"words": "19999"}`)}, 204, "", "")
		c.answers(t, request{"GET", "/dear?id=lt.x", "", nil}, 400, "22P02", "")
		// A list of ten opens no door to one of thousands, nor does that close it.
		c.answers(t, request{"QUERY", "/dear", form, []byte("select=id&id=in.(1,2)")}, 200, "", "")
		c.answers(t, request{"QUERY", "/dear", form, []byte("select=id&id=in.(" + numbers(15_000) + ")")}, 400, "PGRST162", "")
		c.answers(t, request{"QUERY", "/dear", form, []byte("select=id&id=in.(1,2,3)")}, 200, "", "")
		// A batch that the database does in one call, as it has a stream or an escape.
		c.answers(t, request{"POST", "/", batchHeader, []byte(`[{"method": "GET", "path": "/dear"}]`)}, 400, "PGRST162", "")
		c.answers(t, request{"POST", "/", batchHeader, []byte(`[{"method": "\u0047ET", "path": "/dear"}]`)}, 400, "PGRST162", "")
		c.answers(t, request{"POST", "/", batchHeader,
			[]byte(`[{"method": "GET", "path": "/dear", "headers": {"Accept": "application/x-ndjson"}}]`)}, 400, "PGRST162", "")
	}
	if taken := c.trips(t, func() { cheap("/dear?select=id&id=lt.5") }); taken != 1 {
		t.Errorf("looking takes %v round trips", taken)
	}
	var changed int
	if err := conn.QueryRow(t.Context(), "select count(*) from store.dear where words = 'x'").Scan(&changed); err != nil || changed > 0 {
		t.Errorf("%d rows are changed: %v", changed, err)
	}
	// DDL between.
	execute(t, conn, "alter table store.dear add more int; analyze store.dear")
	cheap("/dear?select=id,more&id=lt.5")
	cheap("/dear?select=id&id=lt.5")
	dear("/dear?select=id&id=lt.15000")

	// The limit of a role, and none.
	for _, test := range []struct {
		setting string
		status  int
	}{{"'1000000'", 200}, {"'10'", 400}, {"'0'", 200}, {"'250'", 400}} {
		execute(t, conn, "alter role store_clerk in database "+database+" set pgrst.db_max_cost = "+test.setting+"; notify pgrst, 'reload config'")
		limit := time.Now().Add(30 * time.Second)
		for got := 0; got != test.status; time.Sleep(20 * time.Millisecond) {
			answer, err := c.do(request{"GET", "/dear", "", nil})
			if got = answer.status; err != nil || got != test.status && time.Now().After(limit) {
				t.Fatalf("%s: %d %v", test.setting, got, err)
			}
		}
	}
}
