package pgtests

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// contested is what the changes of the race table are about; {roles} stands for the roles that ask, {group} for one that they are in.
const contested = `
create table store.raced (id int primary key, n int default 10, label text);
insert into store.raced (id, label) values (1, 'a'), (2, 'b');
create function store.comp(store.raced) returns int language sql stable as 'select $1.id * 2';
create table store.raced_items (id int primary key, raced_id int constraint raced_items_fk references store.raced, what text);
insert into store.raced_items values (1, 1, 'a'), (2, 2, 'b');
alter table store.raced_items enable row level security;
create policy of_items on store.raced_items using (true);
create view store.raced_view as select id, what from store.raced_items;
create table store.raced_shared (id int);
insert into store.raced_shared values (1);
create table store.raced_other (id text);
insert into store.raced_other values ('other');
create table store.raced_parts (id int, part int) partition by list (part);
create table store.raced_parts_1 partition of store.raced_parts for values in (1);
create table store.raced_parts_2 (id int, part int);
insert into store.raced_parts_1 values (1, 1);
insert into store.raced_parts_2 values (2, 2);
create function store.raced_number() returns int language plpgsql as 'begin return 1; end';
create function store.raced_rows() returns setof store.raced language sql stable as 'select * from store.raced where id < 100 order by id';
create function store.raced_trigger() returns trigger language plpgsql as 'begin new.label := ''made''; return new; end';
create function store.raced_hold() returns int language sql as 'select pg_advisory_xact_lock_shared(4711); select 1';
create function store.raced_pause() returns void language sql as 'select pg_advisory_xact_lock_shared(4712)';
grant usage on schema store to {roles};
grant select, insert, update on store.raced, store.raced_items to {roles};
grant select on store.raced_view, store.raced_parts, store.raced_other to {roles};
grant select on store.raced_shared to {group};
`

// racedAsks are the requests that meet the changes. @ makes a shape new, # is a key that nothing else has.
var racedAsks = map[string]struct {
	request
	status int
}{
	"read":   {request{"GET", "/raced?select=x@:id,n,label&id=lt.100&order=id", "", nil}, 200},
	"star":   {request{"GET", "/raced?select=*,x@:id&id=lt.100&order=id", "", nil}, 200},
	"comp":   {request{"GET", "/raced?select=x@:id,comp&id=lt.100&order=id", "", nil}, 200},
	"embed":  {request{"GET", "/raced?select=x@:id,raced_items(what)&id=lt.100&order=id", "", nil}, 200},
	"items":  {request{"GET", "/raced_items?select=x@:id,what&order=id", "", nil}, 200},
	"view":   {request{"GET", "/raced_view?select=*,x@:id&order=id", "", nil}, 200},
	"shared": {request{"GET", "/raced_shared?select=*,x@:id", "", nil}, 200},
	"parts":  {request{"GET", "/raced_parts?select=x@:id,part&order=id", "", nil}, 200},
	"patch":  {request{"PATCH", "/raced?id=eq.2&select=x@:id,n", "Prefer: return=representation", []byte(`{"label":"b"}`)}, 200},
	"insert": {request{"POST", "/raced?select=x@:label", "Prefer: return=representation", []byte(`{"id":#,"label":"new"}`)}, 201},
	"rows":   {request{"GET", "/rpc/raced_rows?select=*,x@:id", "", nil}, 200},
	"call":   {request{"POST", "/rpc/raced_number", "", []byte(`{}`)}, 200},
}

type racedChange struct {
	name, do, undo string
	asked          string
	rewrites       bool // an older snapshot finds the table empty (PostgreSQL's documentation, "Caveats" of MVCC)
	membership     bool // what it takes away is gone at once; what it gives back is seen when roles are read again
}

// racedChanges are what happens beside the requests: how it is done and undone, and which requests it is raced with, each with the
// status that it has after the change.
var racedChanges = []racedChange{
	{name: "column added", do: "alter table store.raced add extra int default 7", undo: "alter table store.raced drop extra", asked: "star 200 read 200 insert 201 rows 200"},
	{name: "column renamed", do: "alter table store.raced rename label to title", undo: "alter table store.raced rename title to label",
		asked: "star 200 read 400 patch 400 insert 400 rows 200"},
	{name: "column of another type", do: "alter table store.raced alter n type text using '1,\"x\":' || n", undo: "alter table store.raced alter n type int using 10",
		asked: "star 200 read 200 patch 200 rows 200", rewrites: true},
	{name: "computed column dropped", do: "drop function store.comp", undo: "create function store.comp(store.raced) returns int language sql stable as 'select $1.id * 2'",
		asked: "comp 400"},
	{name: "foreign key dropped", do: "alter table store.raced_items drop constraint raced_items_fk",
		undo: "alter table store.raced_items add constraint raced_items_fk foreign key (raced_id) references store.raced", asked: "embed 400"},
	{name: "check", do: "alter table store.raced add constraint few check (id < 100) not valid", undo: "alter table store.raced drop constraint few", asked: "insert 400 patch 200"},
	{name: "trigger", do: "create trigger raced before insert on store.raced for each row execute function store.raced_trigger()", undo: "drop trigger raced on store.raced",
		asked: "insert 201 read 200"},
	{name: "select revoked", do: "revoke select on store.raced from {roles}", undo: "grant select on store.raced to {roles}", asked: "read 403 embed 403 patch 403 insert 403 rows 403"},
	{name: "select of a column revoked", do: "revoke select on store.raced from {roles}; grant select (id, label) on store.raced to {roles}",
		undo: "revoke select (id, label) on store.raced from {roles}; grant select on store.raced to {roles}", asked: "read 403 star 403 insert 201"},
	{name: "insert revoked", do: "revoke insert on store.raced from {roles}", undo: "grant insert on store.raced to {roles}", asked: "insert 403 patch 200"},
	{name: "update revoked", do: "revoke update on store.raced from {roles}", undo: "grant update on store.raced to {roles}", asked: "patch 403 insert 201"},
	{name: "schema revoked", do: "revoke usage on schema store from {roles}", undo: "grant usage on schema store to {roles}", asked: "read 403 patch 403 call 403 embed 403"},
	{name: "execute revoked", do: "revoke execute on function store.raced_number from public", undo: "grant execute on function store.raced_number to public", asked: "call 403"},
	{name: "row security", do: "create policy mine on store.raced using (id = 1); alter table store.raced enable row level security",
		undo: "alter table store.raced disable row level security; drop policy mine on store.raced", asked: "read 200 embed 200 patch 200 insert 403 rows 200"},
	{name: "policy altered", do: "alter policy of_items on store.raced_items using (what = 'a')", undo: "alter policy of_items on store.raced_items using (true)", asked: "items 200 embed 200"},
	{name: "policy dropped", do: "drop policy of_items on store.raced_items", undo: "create policy of_items on store.raced_items using (true)", asked: "items 200 embed 200"},
	{name: "left a group", do: "revoke {group} from {roles}", undo: "grant {group} to {roles}", asked: "shared 403", membership: true},
	{name: "not to be assumed", do: "revoke {roles} from store_login", undo: "grant {roles} to store_login", asked: "read 403 insert 403 call 403 embed 403", membership: true},
	{name: "function replaced", do: "create or replace function store.raced_number() returns int language plpgsql as 'begin return 2; end'",
		undo: "create or replace function store.raced_number() returns int language plpgsql as 'begin return 1; end'", asked: "call 200"},
	{name: "function of rows replaced", do: "create or replace function store.raced_rows() returns setof store.raced language sql stable as 'select * from store.raced where id = 2'",
		undo:  "create or replace function store.raced_rows() returns setof store.raced language sql stable as 'select * from store.raced where id < 100 order by id'",
		asked: "rows 200"},
	{name: "function of another type", do: "drop function store.raced_number; create function store.raced_number() returns text language sql stable as 'select ''\"''::text'",
		undo: "drop function store.raced_number; create function store.raced_number() returns int language plpgsql as 'begin return 1; end'", asked: "call 200"},
	{name: "function dropped", do: "drop function store.raced_number", undo: "create function store.raced_number() returns int language plpgsql as 'begin return 1; end'", asked: "call 404"},
	{name: "view replaced", do: "create or replace view store.raced_view as select id, what || '!' as what from store.raced_items",
		undo: "create or replace view store.raced_view as select id, what from store.raced_items", asked: "view 200"},
	{name: "view made anew", do: "drop view store.raced_view; create view store.raced_view as select what, id + 1 as id, 3 as more from store.raced_items; grant select on store.raced_view to {roles}",
		undo:  "drop view store.raced_view; create view store.raced_view as select id, what from store.raced_items; grant select on store.raced_view to {roles}",
		asked: "view 200"},
	{name: "table made anew", do: "drop table store.raced_shared; create table store.raced_shared (id text); insert into store.raced_shared values ('new'); grant select on store.raced_shared to {group}",
		undo:  "drop table store.raced_shared; create table store.raced_shared (id int); insert into store.raced_shared values (1); grant select on store.raced_shared to {group}",
		asked: "shared 200", rewrites: true},
	{name: "table renamed", do: "alter table store.raced_shared rename to raced_gone", undo: "alter table store.raced_gone rename to raced_shared", asked: "shared 404"},
	{name: "tables exchanged", do: "alter table store.raced_shared rename to raced_gone; alter table store.raced_other rename to raced_shared",
		undo: "alter table store.raced_shared rename to raced_other; alter table store.raced_gone rename to raced_shared", asked: "shared 200"},
	{name: "partition attached", do: "alter table store.raced_parts attach partition store.raced_parts_2 for values in (2)",
		undo: "alter table store.raced_parts detach partition store.raced_parts_2", asked: "parts 200"},
}

// moment says when a change is committed beside a request.
type moment string

const (
	open     moment = "open"        // it is open when the request is sent, and committed when that waits for it or has been answered
	undone   moment = "rolled back" // the same, but it is rolled back
	waiting  moment = "waiting"     // the request has been cut, its statement found, and it waits for a connection
	began    moment = "begun"       // its transaction has begun, its role is set, its statement has not been parsed
	shapeNew        = "new"
	shapeOld        = "known"
)

// raceTable is a server, whose pool has one connection, and what the races with it take.
type raceTable struct {
	shell  *httpServer
	ddl    *pgx.Conn // the changes
	watch  *pgx.Conn // looks at the sessions, holds the advisory locks
	roles  []string
	rename *strings.Replacer
	number atomic.Int64
	rows   atomic.Int64 // that were inserted, as their answers say
	tried  map[string]int
}

// TestRaceTable has each change of a table committed, or rolled back, at each moment of each request that it concerns. The answer
// is that of before or of after; the next one is that of after. Locks hold the request where it is to be, nothing sleeps.
func TestRaceTable(t *testing.T) {
	t.Parallel()
	for _, form := range []struct {
		name     string
		settings []string
		moments  []moment
	}{
		{"prepared", nil, []moment{open, undone, waiting}},
		{"unprepared", []string{"PGRST_DB_PREPARED_STATEMENTS=false"}, []moment{open, waiting}},
		{"begun", []string{"PGRST_DB_PRE_REQUEST=store.raced_pause"}, []moment{began}},
	} {
		t.Run(form.name, func(t *testing.T) {
			t.Parallel()
			r := newRaceTable(t, form.name, form.settings)
			turn := 0
			for _, change := range racedChanges {
				fields := strings.Fields(change.asked)
				for i := 0; i < len(fields); i += 2 {
					status, _ := strconv.Atoi(fields[i+1])
					before, after := r.atRest(t, change, fields[i], status)
					for _, when := range form.moments {
						for _, shape := range []string{shapeNew, shapeOld} {
							for n, way := range []string{"", "isolated", "tx"} {
								if turn++; way != "" && os.Getenv("POSTERN_SOAK") == "" && turn%5 != n {
									continue
								}
								if change.rewrites && way == "isolated" && when != waiting {
									continue
								}
								name := fmt.Sprintf("%s, %s, %s shape, %s, %s", change.name, fields[i], shape, when, way)
								if t.Failed() && r.tried["failed"] > 20 {
									t.FailNow()
								}
								r.race(t, name, change, fields[i], before, after, when, shape, way)
							}
						}
					}
				}
			}
			t.Logf("races: %v", r.tried)
			var rows int64
			if err := r.watch.QueryRow(t.Context(), "select count(*) from store.raced where id >= 1000").Scan(&rows); err != nil || rows != r.rows.Load() || rows == 0 {
				t.Errorf("%d rows were inserted, as the answers say; there are %d %v", r.rows.Load(), rows, err)
			}
		})
	}
}

func newRaceTable(t *testing.T, name string, settings []string) *raceTable {
	t.Helper()
	database := newDatabase(t)
	r := &raceTable{
		ddl: connect(t, database), watch: connect(t, database), tried: make(map[string]int),
		roles: []string{"raced_" + name, "raced_isolated_" + name},
	}
	group := "raced_group_" + name
	r.rename = strings.NewReplacer("{roles}", strings.Join(r.roles, ", "), "{group}", group)
	execute(t, r.watch, r.rename.Replace("create role {group}; create role "+r.roles[0]+" in role {group}; create role "+r.roles[1]+" in role {group};"+
		"grant {roles} to store_login; alter role "+r.roles[1]+" set default_transaction_isolation = 'repeatable read'"))
	t.Cleanup(func() {
		execute(t, r.watch, r.rename.Replace("drop owned by {roles}, {group}; drop role {roles}, {group}"))
	})
	execute(t, r.ddl, r.rename.Replace(contested))
	r.shell = serveHTTP(t, database, append(settings, "PGRST_DB_POOL=1", "PGRST_DB_TX_END=commit-allow-override")...)
	eventually(t, "listening", func() bool { return strings.Contains(r.shell.events.String(), "Listener connected") })
	return r
}

// roleToken is the value of Authorization for a role.
func roleToken(role string) string {
	content := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"role":"`+role+`"}`))
	mac := hmac.New(sha256.New, []byte(httpSecret))
	mac.Write([]byte(content))
	return "Bearer " + content + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

var madeNew = regexp.MustCompile(`\bx[0-9]+\b`)

// ask sends a request, in a shape that is new or the known one, and returns status and body, of errors the code.
func (r *raceTable) ask(t *testing.T, which, shape, way string) string {
	asked := racedAsks[which]
	number := r.number.Add(1)
	distinct := "0"
	if shape == shapeNew {
		distinct = strconv.FormatInt(number, 10)
	}
	key := strconv.FormatInt(1000+number, 10)
	q := asked.request
	q.target = strings.ReplaceAll(q.target, "@", distinct)
	if q.body != nil {
		q.body = []byte(strings.ReplaceAll(string(q.body), "#", key))
	}
	role := r.roles[0]
	switch way {
	case "isolated":
		role = r.roles[1]
	case "tx":
		q.headers += "\nPrefer: tx=commit"
	}
	c := &client{server: r.shell, token: roleToken(role)}
	defer c.close()
	answer, err := c.do(q)
	if err != nil {
		t.Errorf("%s: %v", q.target, err)
		return ""
	}
	var failure struct{ Code string }
	var value any
	if err := json.Unmarshal(answer.body, &value); err != nil {
		t.Errorf("%s: %v: %s", q.target, err, answer.body)
	}
	if answer.status >= 400 && json.Unmarshal(answer.body, &failure) == nil {
		return fmt.Sprintf("%d %s", answer.status, failure.Code)
	}
	if answer.status == 201 {
		r.rows.Add(1)
	}
	body := strings.ReplaceAll(string(answer.body), ", \n ", ",")
	return fmt.Sprintf("%d %s", answer.status, madeNew.ReplaceAllString(body, "x"))
}

// atRest returns how a request is answered before and after a change, when nothing else happens.
func (r *raceTable) atRest(t *testing.T, change racedChange, which string, status int) (before, after string) {
	t.Helper()
	before = r.ask(t, which, shapeNew, "")
	execute(t, r.ddl, r.rename.Replace(change.do))
	after = r.ask(t, which, shapeNew, "")
	r.undo(t, change)
	if again := r.ask(t, which, shapeNew, ""); again != before || !strings.HasPrefix(before, strconv.Itoa(racedAsks[which].status)) ||
		!strings.HasPrefix(after, strconv.Itoa(status)) {
		t.Fatalf("%s: %s is answered by %s, and by %s; undone by %s", change.name, which, before, after, again)
	}
	return before, after
}

// race has a change happen at a moment of a request.
func (r *raceTable) race(t *testing.T, name string, change racedChange, which, before, after string, when moment, shape, way string) {
	t.Helper()
	do := r.rename.Replace(change.do)
	if shape == shapeOld {
		for range 2 {
			r.ask(t, which, shape, way)
		}
	}
	answered := make(chan string, 1)
	send := func() { answered <- r.ask(t, which, shape, way) }
	got := ""
	settled := func(condition string) { // waits until the request waits, or has been answered
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			select {
			case got = <-answered:
				return
			default:
			}
			var waits bool
			if err := r.watch.QueryRow(t.Context(), "select exists (select from pg_stat_activity where datname = current_database() and usename = 'store_login' and "+
				condition+")").Scan(&waits); err != nil {
				t.Fatal(err)
			}
			if waits {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: neither waits nor answers", name)
			}
		}
	}
	const locked, advisory = "wait_event_type = 'Lock'", "wait_event = 'advisory'"
	final := after
	switch when {
	case open, undone:
		execute(t, r.ddl, "begin; "+do)
		go send()
		settled(locked)
		if got == "" {
			r.tried["blocked"]++
		}
		if when == undone {
			final = before
			execute(t, r.ddl, "rollback")
		} else {
			execute(t, r.ddl, "commit")
		}
	case waiting:
		execute(t, r.watch, "select pg_advisory_lock(4711)")
		held := make(chan string, 1)
		go func() {
			c := &client{server: r.shell, token: clerkToken()}
			defer c.close()
			answer, err := c.do(request{"POST", "/rpc/raced_hold", "", []byte("{}")})
			held <- fmt.Sprint(answer.status, err)
		}()
		settled(advisory)
		go send()
		eventually(t, "waiting for a connection", func() bool { return r.shell.metric(t, "pgrst_db_pool_waiting") == 1 })
		execute(t, r.ddl, do)
		execute(t, r.watch, "select pg_advisory_unlock(4711)")
		if answer := <-held; answer != "200 <nil>" {
			t.Errorf("the hold: %s", answer)
		}
	case began:
		execute(t, r.watch, "select pg_advisory_lock(4712)")
		go send()
		settled(advisory)
		execute(t, r.ddl, do)
		execute(t, r.watch, "select pg_advisory_unlock(4712)")
	}
	if got == "" {
		got = <-answered
	}
	r.tried[string(when)]++
	if got != after && got != before || when == undone && got != before {
		r.tried["failed"]++
		t.Errorf("%s:\n got %.300s\n before %.300s\n after %.300s", name, got, before, after)
	}
	switch got {
	case before:
		r.tried["answered as before"]++
	case after:
		r.tried["answered as after"]++
	}
	if next := r.ask(t, which, shapeOld, way); next != final {
		r.tried["failed"]++
		t.Errorf("%s: the next answer is %.300s, not %.300s", name, next, final)
	}
	if when != undone {
		r.undo(t, change)
	}
}

// undo brings back what was before a change.
func (r *raceTable) undo(t *testing.T, change racedChange) {
	t.Helper()
	execute(t, r.ddl, r.rename.Replace(change.undo))
	if change.membership {
		const told = "Config reloaded"
		before := strings.Count(r.shell.events.String(), told)
		execute(t, r.ddl, "notify pgrst, 'reload config'")
		eventually(t, "reading the roles", func() bool { return strings.Count(r.shell.events.String(), told) > before })
	}
}

// eventually tries until it works or twenty seconds are over.
func eventually(t *testing.T, what string, works func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !works(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what + " did not happen")
		}
	}
}

// TestMembershipInPolicies: PostgreSQL does not plan a prepared statement anew where its role has left one that a policy is for. The
// server does, when it reads the roles, every ten seconds.
func TestMembershipInPolicies(t *testing.T) {
	t.Parallel()
	r := newRaceTable(t, "policies", nil)
	execute(t, r.ddl, r.rename.Replace("drop policy of_items on store.raced_items; create policy of_group on store.raced_items to {group} using (true)"))
	before := ""
	for range 3 {
		before = r.ask(t, "items", shapeOld, "")
	}
	if !strings.Contains(before, `"what"`) {
		t.Fatal(before)
	}
	for _, step := range []struct{ sql, want string }{{"revoke {group} from {roles}", "200 []"}, {"grant {group} to {roles}", before}} {
		execute(t, r.ddl, r.rename.Replace(step.sql))
		began := time.Now()
		eventually(t, step.sql, func() bool { return r.ask(t, "items", shapeOld, "") == step.want })
		if took := time.Since(began); took > 13*time.Second {
			t.Errorf("%s counts after %s", step.sql, took)
		}
		t.Logf("%s counts after %s", step.sql, time.Since(began).Round(10*time.Millisecond))
		if got := r.ask(t, "items", shapeNew, ""); got != step.want {
			t.Errorf("%s: %s", step.sql, got)
		}
	}
}
