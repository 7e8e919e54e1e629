package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const batchSchema = `
create table api."Box ""of"" x" (id int primary key, "the name" text not null check ("the name" <> 'bad'), doc jsonb);
create table api.part (
  box int references api."Box ""of"" x" deferrable initially deferred, place int, half int generated always as (place / 2) stored, primary key (box, place));
create function api.box(id int) returns int language sql as $$ insert into api."Box ""of"" x" values (id, 'made') returning id $$;
create function api.box_and(id int, setting text, value text, session boolean default false) returns text language plpgsql as $$
begin
  insert into api."Box ""of"" x" values (id, 'half');
  perform set_config(setting, value, not session);
  return value;
end $$;
create function api.box_and_raise(id int, status int) returns void language plpgsql as $$
begin
  insert into api."Box ""of"" x" values (id, 'half');
  raise sqlstate 'PGRST' using message = '{"code": "c", "message": "m"}', detail = json_build_object('status', status, 'headers', '{}'::json);
end $$;
create function api.where_am_i() returns json language sql stable as $$
  select json_build_array(current_setting('request.method'), current_setting('request.path'), current_setting('app.checked', true),
    current_setting('request.headers')::json ->> 'prefer', current_setting('request.headers')::json ->> 'x-batch', current_user, current_setting('timezone'),
    current_setting('statement_timeout'), current_setting('transaction_read_only'), current_setting('request.cookies')) $$;
create function api.level() returns text language sql set default_transaction_isolation = 'repeatable read' set statement_timeout = '7s' as
  $$ select concat(current_setting('transaction_isolation'), ' ', current_setting('statement_timeout')) $$;
create function public.check_batch() returns void language sql as $$ select set_config('app.checked', current_setting('request.path'), true) $$;
create function api.remake() returns void language plpgsql security definer as $$
begin
  drop table if exists api.remade;
  execute 'create table api.remade as select 1 as a' || (random() * 1e9)::int;
end $$;
grant insert, update, delete, select on api."Box ""of"" x", api.part to e2e_user;
`

// boxes is the address of a table with a name that must be quoted.
const boxes = `/Box%20%22of%22%20x`

// op writes an operation of a batch; more are further members.
func op(method, path, body string, more ...string) string {
	name, _ := json.Marshal(path)
	text := fmt.Sprintf(`{"method": %q, "path": %s`, method, name)
	if body != "" {
		text += `, "body": ` + body
	}
	return text + strings.Join(append([]string{""}, more...), ", ") + "}"
}

// batchResult is the result of an operation.
type batchResult struct {
	Index   *int
	ID      string
	Status  int
	Headers map[string]string
	Body    json.RawMessage
}

func (r batchResult) String() string {
	text := fmt.Sprint(r.Status, " ", strings.ReplaceAll(string(r.Body), ", \n ", ","))
	if r.Index != nil {
		text = fmt.Sprint("[", *r.Index, "] ", r.Status)
		var failed struct{ Code string }
		if json.Unmarshal(r.Body, &failed) == nil {
			text += " " + failed.Code
		}
	}
	return strings.TrimSuffix(text, " null")
}

// batch sends operations and returns the results in brief; those of one that failed have its index.
func (p *process) batch(t *testing.T, operations []string, headers ...string) (results []string, answer reply) {
	t.Helper()
	answer = p.send(t, "POST", "/", "["+strings.Join(operations, ",\n")+"]", append(headers, "Content-Type", "application/vnd.postern.batch+json")...)
	var all []batchResult
	if json.Unmarshal([]byte(answer.body), &all) != nil {
		all = make([]batchResult, 1)
		if json.Unmarshal([]byte(answer.body), &all[0]) != nil || all[0].Status == 0 {
			return []string{fmt.Sprint(answer.status, " ", answer.code())}, answer
		}
		if answer.status != all[0].Status {
			t.Errorf("the batch is answered with %d, the operation with %d", answer.status, all[0].Status)
		}
	}
	for _, one := range all {
		results = append(results, one.String())
	}
	return results, answer
}

// batchCases are batches of e2e_user, each in an empty box.
var batchCases = []struct {
	name       string
	operations []string
	want       string // results
	left       string // how many boxes and parts
}{
	{"a parent and its children", []string{
		op("POST", boxes+"?select=id", `{"id": 1, "the name": "a"}`, `"id": "box"`, `"headers": {"Prefer": "return=representation"}`),
		op("POST", "/part?select=box,half", `[{"box": {"$ref": "#/box/body/0/id"}, "place": 4}, {"box": {"$ref": "#/0/body/0/id"}, "place": 7}]`, `"ref": "$ref"`, `"headers": {"prefer": "return=representation"}`),
		op("GET", "/part?select=place&box=eq.{#/box/body/0/id}&place=in.(4,{#/1/status})", ""),
	}, `201 [{"id":1}], 201 [{"box":1,"half":2},{"box":1,"half":3}], 200 [{"place":4}]`, "1 2"},
	{"children before their parent", []string{op("POST", "/part", `{"box": 1, "place": 1}`), op("POST", boxes, `{"id": 1, "the name": "a"}`)}, "201, 201", "1 1"},
	{"without their parent", []string{op("POST", boxes, `{"id": 1, "the name": "a"}`), op("POST", "/part", `{"box": 2, "place": 1}`)}, "409 23503", "0 0"},
	{"the second of three fails", []string{op("POST", boxes, `{"id": 1, "the name": "a"}`), op("POST", boxes, `{"id": 1, "the name": "b"}`), op("POST", boxes, `{"id": 2, "the name": "b"}`)}, "[1] 409 23505", "0 0"},
	{"a check fails last", []string{op("POST", boxes, `{"id": 1, "the name": "a"}`), op("PATCH", boxes+"?id=eq.1", `{"the name": "bad"}`)}, "[1] 400 23514", "0 0"},
	{"a page behind the last row", []string{op("POST", boxes, `{"id": 1, "the name": "a"}`), op("GET", boxes+"?offset=9", "", `"headers": {"prefer": "count=exact"}`)}, "[1] 416 PGRST103", "0 0"},
	{"not one row", []string{op("POST", boxes, `{"id": 1, "the name": "a"}`), op("GET", boxes+"?id=eq.2", "", `"headers": {"accept": "application/vnd.pgrst.object+json"}`)}, "[1] 406 PGRST116", "0 0"},
	{"an unknown relation", []string{op("POST", boxes, `{"id": 1, "the name": "a"}`), op("GET", "/nothing", "")}, "[1] 404 PGRST205", "0 0"},
	{"more than one relationship is no failure of 400", []string{op("POST", boxes, `{"id": 1, "the name": "a"}`), op("POST", "/rpc/box_and_raise", `{"id": 2, "status": 200}`)}, "[1] 200 c", "0 0"},
	{"a status of code", []string{op("POST", boxes, `{"id": 1, "the name": "a"}`), op("POST", "/rpc/box_and", `{"id": 2, "setting": "response.status", "value": "418"}`)}, `[1] 418`, "0 0"},
	{"a status of code that is no failure", []string{op("POST", "/rpc/box_and", `{"id": 2, "setting": "response.status", "value": "299"}`), op("POST", boxes, `{"id": 1, "the name": "a"}`)}, `299 "299", 201`, "2 0"},
	{"reads between writes", []string{op("GET", boxes, ""), op("POST", boxes, `{"id": 1, "the name": "a"}`), op("GET", boxes+"?select=id", ""), op("HEAD", boxes, ""), op("POST", "/rpc/add", `{"a": 1, "b": 2}`), op("DELETE", boxes, ""), op("GET", boxes, "")},
		`200 [], 201, 200 [{"id":1}], 200, 200 3, 204, 200 []`, "0 0"},
	{"a read cannot write", []string{op("POST", boxes, `{"id": 1, "the name": "a"}`), op("GET", "/rpc/box?id=2", "")}, "[1] 405 25006", "0 0"},
	{"nor in a batch of reads", []string{op("GET", boxes, ""), op("GET", "/rpc/box?id=2", "")}, "[1] 405 25006", "0 0"},
	{"upserts count for themselves", []string{op("POST", boxes, `[{"id": 1, "the name": "a"}, {"id": 2, "the name": "b"}]`, `"headers": {"Prefer": "resolution=merge-duplicates"}`),
		op("POST", boxes, `{"id": 1, "the name": "c"}`, `"headers": {"Prefer": "resolution=merge-duplicates"}`)}, "201, 200", "2 0"},
	{"row security", []string{op("POST", boxes, `{"id": 1, "the name": "a"}`), op("POST", "/secrets", `{"id": 9, "owner": "bo"}`)}, "[1] 403 42501", "0 0"},
	{"rights", []string{op("POST", boxes, `{"id": 1, "the name": "a"}`), op("POST", "/books", `{"id": 99, "title": "x"}`, `"headers": {"content-profile": "more"}`)}, "[1] 400 PGRST204", "0 0"},
	{"another schema", []string{op("GET", "/books?select=note", "", `"headers": {"Accept-Profile": "more"}`), op("GET", "/books?id=eq.1&select=title", "")}, `200 [{"note":"elsewhere"}], 200 [{"title":"One"}]`, "0 0"},
	{"its own request", []string{op("GET", "/rpc/where_am_i", "", `"headers": {"prefer": "timezone=Asia/Tokyo"}`), op("POST", "/rpc/where_am_i", "{}"), op("POST", "/rpc/level", "{}"), op("POST", "/rpc/where_am_i", "{}")},
		`200 ["GET", "/rpc/where_am_i", "/rpc/where_am_i", "timezone=Asia/Tokyo", "yes", "e2e_user", "Asia/Tokyo", "0", "on", "{\"a\":\"b\"}"],` +
			` 200 ["POST", "/rpc/where_am_i", "/rpc/where_am_i", null, "yes", "e2e_user", "UTC", "0", "on", "{\"a\":\"b\"}"], 200 "repeatable read 7s",` +
			` 200 ["POST", "/rpc/where_am_i", "/rpc/where_am_i", null, "yes", "e2e_user", "UTC", "0", "on", "{\"a\":\"b\"}"]`, "0 0"},
	{"code that becomes another role", []string{op("POST", "/rpc/box_and", `{"id": 1, "setting": "role", "value": "e2e_anon"}`), op("POST", boxes, `{"id": 2, "the name": "a"}`), op("GET", "/rpc/me", "")},
		`200 "e2e_anon", 201, 200 {"role" : "e2e_user", "sub" : "ann"}`, "2 0"},
	{"texts that are escaped", []string{op("POST", boxes, `{"id": 1, "the name": "a\"\\\n"}`), op("GET", boxes+"?select=the name", "", `"headers": {}`)}, "[1] 400 PGRST150", "0 0"},
	{"texts that are escaped, and found", []string{op("POST", boxes+"?select=the%20name", `{"id": 1, "the name": "a\"),\\\n"}`, `"headers": {"prefer": "return=representation"}`),
		op("GET", boxes+"?select=id&the%20name=eq.{#/0/body/0/the%20name}", ""), op("GET", boxes+"?select=id&or=(the%20name.eq.{#/0/body/0/the%20name},id.eq.7)", ""), op("GET", boxes+"?select=the%20name", "")},
		`201 [{"the name":"a\"),\\\n"}], 200 [{"id":1}], 200 [{"id":1}], 200 [{"the name":"a\"),\\\n"}]`, "1 0"},
	{"JSON that looks like a reference", []string{op("POST", boxes+"?select=doc", `{"id": 1, "the name": "a", "doc": {"$ref": "#/0/status"}}`, `"headers": {"prefer": "return=representation"}`)}, `201 [{"doc":{"$ref": "#/0/status"}}]`, "1 0"},
	{"whole values", []string{op("POST", boxes+"?select=doc", `{"id": 1, "the name": "a", "doc": {"a": [1.50, "é\"", null]}}`, `"headers": {"prefer": "return=representation"}`),
		op("POST", boxes+"?select=doc", `{"id": 2, "the name": {"r": "#/0/headers/content-type"}, "doc": [{"r": "#/0/body/0/doc/a"}, {"r": 1, "s": 2}]}`, `"ref": "r"`, `"headers": {"prefer": "return=representation"}`)},
		`201 [{"doc":{"a": [1.50, "é\"", null]}}], 201 [{"doc":[[1.50, "é\"", null], {"r": 1, "s": 2}]}]`, "2 0"},
	{"a reference ahead", []string{op("GET", boxes+"?id=eq.{#/1/status}", ""), op("GET", boxes, "")}, "[0] 400 PGRST151", "0 0"},
	{"a reference to nothing", []string{op("POST", boxes, `{"id": 1, "the name": "a"}`), op("GET", boxes+"?id=eq.{#/0/body/0/id}", "")}, "[1] 400 PGRST151", "0 0"},
	{"a reference to an array in a path", []string{op("GET", boxes, ""), op("GET", boxes+"?id=eq.{#/0/body}", "")}, "[1] 400 PGRST151", "0 0"},
	{"a method that is none", []string{op("get", boxes, "")}, "[0] 400 PGRST150", "0 0"},
	{"no path", []string{op("POST", boxes, `{"id": 1, "the name": "a"}`), `{"method": "GET"}`}, "[1] 400 PGRST150", "0 0"},
	{"a header of the batch", []string{op("GET", boxes, "", `"headers": {"Authorization": "x"}`)}, "[0] 400 PGRST150", "0 0"},
	{"an end of its own", []string{op("POST", boxes, `{"id": 1, "the name": "a"}`, `"headers": {"Prefer": "return=minimal,tx=rollback"}`)}, "[0] 400 PGRST150", "0 0"},
	{"a batch in it", []string{op("POST", "/", "[]", `"headers": {"Content-Type": "application/vnd.postern.batch+json"}`)}, "[0] 400 PGRST150", "0 0"},
	{"no operation", nil, "", "0 0"},
	{"DDL in it", []string{op("POST", "/rpc/remake", "{}"), op("GET", "/remade?select=*&limit=0", ""), op("POST", boxes, `{"id": 1, "the name": "a"}`), op("GET", "/remade?limit=0", "")}, "204, 200 [], 201, 200 []", "1 0"},
}

// testBatches sends each case until its statements are compiled, kept and prepared: what is answered and done is the same.
func testBatches(t *testing.T, h *house) {
	h.execute(t, "e2e", batchSchema)
	user := []string{"Authorization", token(`{"role":"e2e_user","sub":"ann"}`), "X-Batch", "yes", "Cookie", "a=b"}
	left := func() string {
		t.Helper()
		return h.ask(t, "e2e", `select (select count(*) from api."Box ""of"" x") || ' ' || (select count(*) from api.part)`)
	}
	empty := func() { h.execute(t, "e2e", `delete from api.part; delete from api."Box ""of"" x"`) }
	p := h.serve(t, "e2e", "PGRST_DB_POOL=1", "PGRST_DB_PRE_REQUEST=check_batch", "PGRST_DB_TX_END=commit-allow-override", "PGRST_DB_MAX_OPERATIONS=20")
	for _, test := range batchCases {
		for _, prefer := range []string{"", "", "tx=rollback"} {
			results, answer := p.batch(t, test.operations, append(user, "Prefer", prefer)...)
			want := test.left
			if prefer != "" {
				want = "0 0"
			}
			stays := left()
			if got := strings.Join(results, ", "); got != test.want || stays != want {
				t.Errorf("%s %s: %d\n got %s\nwant %s\nleft are %s: %s", test.name, prefer, answer.status, got, test.want, stays, answer.body)
			}
			if prefer != "" && answer.status == 200 && answer.header.Get("Preference-Applied") != prefer && !strings.HasPrefix(test.want, "[") {
				t.Errorf("%s: %v", test.name, answer.header)
			}
			if stays != "0 0" {
				empty()
			}
		}
	}
	testBatchesOfOthers(t, h, p, user, left, empty)
}

// testBatchesOfOthers are those that need another role, number, state or server.
func testBatchesOfOthers(t *testing.T, h *house, p *process, user []string, left func() string, empty func()) {
	t.Helper()
	insert := func(id int) string { return op("POST", boxes, fmt.Sprintf(`{"id": %d, "the name": "a"}`, id)) }
	results, answer := p.batch(t, []string{op("GET", boxes, ""), insert(1)})
	if got := strings.Join(results, ", "); got != "[1] 401 42501" || answer.header.Get("Www-Authenticate") != "Bearer" {
		t.Errorf("nobody: %s %v", got, answer.header)
	}
	var many []string
	for id := range 21 {
		many = append(many, insert(id))
	}
	if results, answer := p.batch(t, many, user...); answer.status != 413 || results[0] != "413 PGRST152" || left() != "0 0" {
		t.Errorf("too many: %v %s", results, answer.body)
	}
	if results, answer := p.batch(t, many[:20], user...); answer.status != 200 || len(results) != 20 || left() != "20 0" {
		t.Errorf("as many as may be: %v %s", results, answer.body)
	}
	empty()
	for _, body := range []string{"", "{}", "[", "\xff", `[{"method": "GET", "path": "\u0000"}]`, `[[]]`} {
		if r := p.send(t, "POST", "/", body, append(user, "Content-Type", "application/vnd.postern.batch+json; x=y")...); r.status != 400 || !strings.Contains(r.body, "PGRST150") {
			t.Errorf("%q: %d %s", body, r.status, r.body)
		}
	}

	// What is stale is begun anew as a whole: the insert before it is done once.
	read := op("GET", boxes+"?id=gt.0", "")
	for n := range 3 {
		h.execute(t, "e2e", fmt.Sprintf(`alter table api."Box ""of"" x" add extra%d int`, n))
		results, _ := p.batch(t, []string{insert(n + 1), read}, user...)
		if len(results) != 2 || !strings.Contains(results[1], fmt.Sprintf(`"extra%d":null`, n)) || left() != fmt.Sprintf("%d 0", n+1) {
			t.Errorf("after DDL: %v, left are %s", results, left())
		}
	}
	empty()
	// And so is what needs an escape that the statement does not make.
	for n, name := range []string{"plain", `a\"b`, "plain"} {
		results, _ := p.batch(t, []string{op("POST", boxes, fmt.Sprintf(`{"id": %d, "the name": "%s"}`, n+1, name)), op("GET", boxes+"?select=n:the%20name&limit=1000&id=gt.0", "")}, user...)
		if len(results) != 2 || !strings.Contains(results[1], `"`+name+`"`) || left() != fmt.Sprintf("%d 0", n+1) {
			t.Errorf("%s: %v, left are %s", name, results, left())
		}
	}
	empty()
	// What code leaves in the session does not reach the next request.
	p.batch(t, []string{op("POST", "/rpc/box_and", `{"id": 1, "setting": "app.checked", "value": "left", "session": true}`), insert(2)}, user...)
	p.batch(t, []string{op("POST", "/rpc/box_and", `{"id": 3, "setting": "response.status", "value": "404", "session": true}`)}, user...)
	if r := p.send(t, "PATCH", boxes+"?id=eq.1", `{"the name": "x"}`, user...); r.status != 204 || left() != "2 0" {
		t.Errorf("after code that left something: %d %s, left are %s", r.status, r.body, left())
	}
	empty()

	for end, want := range map[string]string{"rollback": "0 0", "rollback-allow-override": "1 0"} {
		q := h.serve(t, "e2e", "PGRST_DB_TX_END="+end)
		for range 3 {
			if results, _ := q.batch(t, []string{insert(1), read}, append(user, "Prefer", "tx=commit")...); len(results) != 2 || left() != want {
				t.Errorf("db-tx-end=%s: %v, left are %s", end, results, left())
			}
			empty()
			// The statements of a batch are not those of a request by itself, which would commit.
			if r := q.send(t, "POST", boxes, `{"id": 1, "the name": "a"}`, user...); r.status != 201 || left() != "0 0" {
				t.Errorf("db-tx-end=%s: a request by itself: %d, left are %s", end, r.status, left())
			}
		}
	}
	testBatchBounds(t, h, user, left, empty)
	testBatchTrips(t, h, user, insert, read, empty)
}

// testBatchTrips counts round trips: one, but where a result is needed before, or where a COMMIT depends on one.
func testBatchTrips(t *testing.T, h *house, user []string, insert func(int) string, read string, empty func()) {
	t.Helper()
	m := newMeter(t, h.cluster)
	p := h.serve(t, "e2e", "PGRST_DB_POOL=1", "PGRST_DB_CHANNEL_ENABLED=false", "PGRST_DB_URI=postgresql://e2e_login:e2e@"+m.address+"/e2e?sslmode=disable")
	for _, test := range []struct {
		name       string
		operations []string
		trips      int
	}{
		{"writes", []string{insert(1), insert(2), insert(3), op("PATCH", boxes+"?id=eq.1", `{"the name": "x"}`), op("DELETE", boxes+"?id=eq.1", "")}, 1},
		{"writes with code", []string{op("POST", "/secrets", `{"id": 100}`), op("DELETE", "/secrets?id=eq.100", "")}, 1},
		{"reads", []string{read, read, op("GET", "/books", "")}, 1},
		{"reads and writes", []string{insert(1), read, insert(2)}, 2},
		{"a reference", []string{insert(1), insert(2), op("PATCH", boxes+"?id=eq.{#/0/status}", `{"the name": "x"}`), insert(3)}, 2},
	} {
		var trips []int
		for attempt := range 8 {
			before := m.count()
			if _, answer := p.batch(t, test.operations, user...); answer.status != 200 {
				t.Errorf("%s: %s", test.name, answer.body)
			}
			if attempt > 2 {
				trips = append(trips, m.count()-before)
			}
			empty()
		}
		slices.Sort(trips) // now and then what the server asks for itself comes between
		if trips[len(trips)/2] != test.trips {
			t.Errorf("%s: %v trips", test.name, trips)
		}
	}
	if r := p.send(t, "POST", "/", "[]", append(user, "Content-Type", "application/json")...); r.status != 405 || r.code() != "PGRST117" {
		t.Errorf("no batch: %d %s", r.status, r.body)
	}
	h.execute(t, "e2e", "alter role e2e_login in database e2e set pgrst.db_max_operations = '0'")
	defer h.execute(t, "e2e", "alter role e2e_login in database e2e reset pgrst.db_max_operations")
	off := h.serve(t, "e2e")
	if results, _ := off.batch(t, []string{read}, user...); results[0] != "405 PGRST117" {
		t.Errorf("batches are off: %v", results)
	}
}
