package pgtests

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// savedStore keeps the rows of the store and puts them back. It runs no DDL that the epoch heeds but when it is made.
const savedStore = `
grant insert, update, delete on all tables in schema store to store_clerk;
create schema saved;
do $$
declare
  name text;
begin
  for name in select tablename from pg_tables where schemaname = 'store' loop
    execute format('create table saved.%1$I as table store.%1$I', name);
  end loop;
end $$;
create function saved.restore() returns void language plpgsql as $$
declare
  name text;
begin
  set local session_replication_role = replica;
  execute 'truncate ' || (select string_agg(format('store.%I', tablename), ', ') from pg_tables where schemaname = 'store') || ' restart identity';
  for name in select tablename from pg_tables where schemaname = 'store' loop
    execute format('insert into store.%1$I select * from saved.%1$I', name);
  end loop;
end $$;
`

// differential answers requests both ways, each in a database of its own.
type differential struct {
	plain  *pgx.Conn // postern.handle in SQL
	behind *pgx.Conn // the shell's database
	shell  *client
	known  *vocabulary
}

// TestDifferential sends every request of the corpus, and generated ones, by postern.handle in SQL and three times by HTTP: compiled,
// executed unnamed, and prepared. Status, headers and body are the same. POSTERN_SEED chooses the requests that are generated.
func TestDifferential(t *testing.T) {
	t.Parallel()
	limit, seed := trial(t, 12*time.Second)
	d := newDifferential(t)
	start := time.Now()
	asked := 0
	for _, r := range corpus {
		if d.same(t, r) {
			asked++
		}
	}
	if asked < len(corpus)*3/4 {
		t.Errorf("only %d requests of %d can be sent", asked, len(corpus))
	}
	for _, order := range []string{"year", "year.desc,title", "directors(name).desc", "meta->length.nullsfirst"} {
		for next := "/films?select=id,directors(name),reviews(words)&limit=2&order=" + order + "&cursor=first"; next != "" && !t.Failed(); asked++ {
			r := request{method: http.MethodGet, target: next}
			d.same(t, r)
			answer, err := d.shell.do(r)
			if err != nil {
				t.Fatal(err)
			}
			next = nextOf(answer)
		}
	}
	d.sameBatch(t, request{method: http.MethodPost, target: "/", headers: batchHeader, body: []byte(twiceWrong)})
	for n := seed; time.Since(start) < limit && !t.Failed(); n++ {
		if n%40 == 0 {
			d.sameBatch(t, generateBatch(n))
		} else if n%40 == 1 {
			d.sameTagged(t, n)
		} else if d.same(t, generate(n)) {
			asked++
		}
		if t.Failed() {
			t.Logf("request %d", n)
		}
	}
	hits := d.shell.server.metric(t, "postern_statement_cache_hits_total")
	t.Logf("%d requests in %v, %.0f answered by statements that were kept", asked, time.Since(start), hits)
	if hits < float64(asked)/2 {
		t.Errorf("only %.0f of %d requests were answered by statements that were kept", hits, 3*asked)
	}
}

func newDifferential(t *testing.T) *differential {
	t.Helper()
	first, second := newDatabase(t), newDatabase(t)
	d := &differential{plain: connect(t, first), behind: connect(t, second)}
	for _, conn := range []*pgx.Conn{d.plain, d.behind} {
		execute(t, conn, savedStore)
	}
	d.known = newVocabulary(t, d.plain, "store", "other")
	d.shell = serveHTTP(t, second, "PGRST_DB_POOL=1").client()
	t.Cleanup(d.shell.close)
	return d
}

// same sends a request both ways; false where HTTP cannot carry it.
func (d *differential) same(t *testing.T, r request) bool {
	t.Helper()
	r, ok := sendable(r)
	if !ok {
		return false
	}
	text, ok := r.json()
	if !ok {
		return false
	}
	writes := r.method != http.MethodGet && r.method != http.MethodHead && r.method != http.MethodOptions && r.method != "QUERY"
	var want httpAnswer
	for time, how := range []string{"compiled", "unnamed", "prepared"} {
		if time == 0 || writes {
			var err error
			if want, err = d.handle(t, r, text); err != nil {
				t.Fatalf("%s\nwith %q: %v", text, r.body, err)
			}
		}
		got, err := d.shell.do(r)
		if err != nil {
			t.Fatalf("%s\nwith %q: %v", text, r.body, err)
		}
		if problem := difference(r, want, got); problem != "" {
			t.Errorf("%s: %s\nwith %q: %s\nSQL  %d %v %.1000s\nHTTP %d %v %.1000s", how, text, r.body, problem,
				want.status, want.headers, want.body, got.status, got.headers, got.body)
			break
		}
	}
	if writes {
		for _, conn := range []*pgx.Conn{d.plain, d.behind} {
			execute(t, conn, "select saved.restore()")
		}
	}
	return true
}

// handle answers a request in SQL, in a transaction that is committed, and inspects its statement.
func (d *differential) handle(t *testing.T, r request, text string) (answer httpAnswer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	transaction, err := d.plain.Begin(ctx)
	if err != nil {
		return answer, err
	}
	defer func() { err = errors.Join(err, transaction.Commit(ctx)) }()
	if _, err := transaction.Exec(ctx, `select pg_catalog.set_config('role', 'store_clerk', true),
		pg_catalog.set_config('request.jwt.claims', '{"role":"store_clerk"}', true)`); err != nil {
		return answer, err
	}
	var headers [][]string
	statement := ""
	settings := `{"settings":` + strings.TrimSuffix(storeSettings, "}") + `,"server_host":"127.0.0.1","server_port":0}}`
	err = transaction.QueryRow(ctx, `select status, headers, body, coalesce(statement, '')
		from postern.handle($1::pg_catalog.jsonb operator(pg_catalog.||) $2::pg_catalog.jsonb, $3)`, text, settings, r.body).
		Scan(&answer.status, &headers, &answer.body, &statement)
	answer.headers = make(http.Header)
	for _, header := range headers {
		answer.headers.Add(header[0], header[1])
	}
	if statement != "" && d.known != nil {
		d.known.inspect(t, r, statement, nil)
	}
	return answer, err
}

// ofShell are the headers that the shell adds to any answer.
var ofShell = []string{"Date", "Content-Length", "Vary", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Server", "Www-Authenticate", "Connection", "Transfer-Encoding"}

// difference says in what two answers to a request differ: execution plans, estimates, the order of rows and tags, which depend on the
// database, aside.
func difference(r request, want, got httpAnswer) string {
	estimated := strings.Contains(r.headers, "count=planned") || strings.Contains(r.headers, "count=estimated")
	if isEither(want, "22", "42") && isEither(got, "22", "42") {
		return "" // where both a value and a name are wrong, a literal is read before a name and a parameter after it
	}
	if strings.Contains(r.headers, "timeout=") { // which only the shell applies
		applied := strings.Split(got.headers.Get("Preference-Applied"), ", ")
		got.headers = got.headers.Clone()
		got.headers.Del("Preference-Applied")
		if applied = slices.DeleteFunc(applied, func(p string) bool { return p == "" || strings.HasPrefix(p, "timeout=") }); len(applied) > 0 {
			got.headers.Set("Preference-Applied", strings.Join(applied, ", "))
		}
	}
	if exposed := want.headers.Get("Access-Control-Expose-Headers"); exposed != "" && got.headers.Get("Access-Control-Expose-Headers") == exposed+", ETag" {
		got.headers = got.headers.Clone()
		got.headers.Set("Access-Control-Expose-Headers", exposed) // all that CORS lets a page see is known to the shell
	}
	if want.status != got.status && !(estimated && want.status/100 == 2 && got.status/100 == 2) {
		return "another status"
	}
	for name, values := range want.headers {
		if !slices.Equal(values, got.headers[name]) && !(name == "Content-Range" && estimated) && !(name == "Etag" && got.headers[name] != nil) {
			return "another header " + name
		}
	}
	for name := range got.headers {
		if want.headers[name] == nil && !slices.Contains(ofShell, name) {
			return "a header more: " + name
		}
	}
	if strings.Contains(r.headers, "vnd.pgrst.plan") || bytes.Equal(want.body, got.body) || r.method == http.MethodHead {
		return ""
	}
	if cutsGroups(r) {
		if groupsIn(want) != groupsIn(got) {
			return "other groups"
		}
		return ""
	}
	a, b := slices.Clone(want.body), slices.Clone(got.body)
	slices.Sort(a)
	slices.Sort(b)
	if !bytes.Equal(a, b) {
		return "another body"
	}
	return ""
}

// cutsGroups reports whether an answer may have some groups of rows, in no order: which, the plan decides.
func cutsGroups(r request) bool {
	target, err := url.PathUnescape(r.target)
	return err == nil && strings.Contains(target, "()") && !strings.Contains(target, "order=") &&
		(strings.Contains(target, "limit=") || strings.Contains(strings.ToLower(r.headers), "range:"))
}

// groupsIn describes the groups of an answer without their values: how many there are, where it is an array, and the names of each.
func groupsIn(answer httpAnswer) string {
	var groups []map[string]json.RawMessage
	if json.Unmarshal(answer.body, &groups) != nil {
		return fmt.Sprint(strings.Count(string(answer.body), "\n"), " lines")
	}
	var names []string
	for _, group := range groups {
		names = append(names, strings.Join(slices.Sorted(maps.Keys(group)), " "))
	}
	return strings.Join(names, "\n")
}

// isEither reports whether an answer is an error of PostgreSQL of one of these classes.
func isEither(answer httpAnswer, classes ...string) bool {
	_, code, _ := strings.Cut(answer.headers.Get("Proxy-Status"), "error=")
	return answer.status/100 == 4 && len(code) == 5 && slices.Contains(classes, code[:2])
}

// What differs must be told.
func TestDifference(t *testing.T) {
	t.Parallel()
	is := httpAnswer{200, http.Header{"A": {"b"}}, []byte("[1,2]")}
	for _, test := range []struct {
		headers   string
		got       httpAnswer
		different bool
	}{
		{"", is, false},
		{"", httpAnswer{200, http.Header{"A": {"b"}, "Date": {"x"}}, []byte("[2,1]")}, false},
		{"", httpAnswer{200, http.Header{"A": {"b"}}, []byte("[1,3]")}, true},
		{"", httpAnswer{206, http.Header{"A": {"b"}}, []byte("[1,2]")}, true},
		{"prefer: count=planned", httpAnswer{206, http.Header{"A": {"b"}}, []byte("[1,2]")}, false},
		{"prefer: count=planned", httpAnswer{400, http.Header{"A": {"b"}}, []byte("[1,2]")}, true},
		{"", httpAnswer{200, http.Header{"A": {"c"}}, []byte("[1,2]")}, true},
		{"", httpAnswer{200, http.Header{}, []byte("[1,2]")}, true},
		{"", httpAnswer{200, http.Header{"A": {"b"}, "X": {"y"}}, []byte("[1,2]")}, true},
		{"", httpAnswer{400, http.Header{"A": {"b"}, "Proxy-Status": {"x; error=42703"}}, []byte("[1,2]")}, true},
		{"accept: application/vnd.pgrst.plan", httpAnswer{200, http.Header{"A": {"b"}}, []byte("cost")}, false},
	} {
		if got := difference(request{method: "GET", headers: test.headers}, is, test.got); (got != "") != test.different {
			t.Errorf("%+v: %q", test, got)
		}
	}
	if text, err := json.Marshal(fmt.Sprint(sendable(request{"GET", "/a b?c=\x01é", "x:  y ", []byte("z")}))); err != nil || string(text) != `"{GET /a%20b?c=%01%C3%A9 x: y []} true"` {
		t.Errorf("%s", text)
	}
}
