package pgtests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/tern/v2/migrate"

	"postern/sql"
)

const storeSettings = `{"db_schemas":["store","other"],"db_extra_search_path":["public"],"db_aggregates_enabled":true,"db_plan_enabled":true}`

// get answers a GET in a transaction of its own: status and body on one line.
func get(ctx context.Context, conn *pgx.Conn, target string) (string, error) {
	path, query, _ := strings.Cut(target, "?")
	request, err := json.Marshal(map[string]any{"method": "GET", "path": path, "query": query, "headers": map[string]string{}, "settings": json.RawMessage(storeSettings)})
	if err != nil {
		return "", err
	}
	var status int
	var body []byte
	err = conn.QueryRow(ctx, "select status, body from postern.handle($1)", string(request)).Scan(&status, &body)
	return fmt.Sprintf("%d %s", status, strings.ReplaceAll(string(body), ", \n ", ",")), err
}

func mustGet(t *testing.T, conn *pgx.Conn, target, want string) {
	t.Helper()
	got, err := get(t.Context(), conn, target)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	if got != want && !(strings.HasSuffix(want, "…") && strings.HasPrefix(got, strings.TrimSuffix(want, "…"))) {
		t.Errorf("%s:\n got %s\nwant %s", target, got, want)
	}
}

// DDL of one session is seen by the very next request of another, and not before it is committed.
func TestDDLIsSeenWhenCommitted(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	owner, other := connect(t, database), connect(t, database)
	warm := func(target, want string) {
		t.Helper()
		for range 3 {
			mustGet(t, other, target, want)
		}
	}
	missing := `404 {"code":"PGRST205"…`
	warm("/keyless", "200 []")
	warm("/fresh", missing)
	warm("/films?select=id,directors(name)&id=eq.1", `200 [{"id":1,"directors":{"name":"Agnès Varda"}}]`)
	for _, step := range []struct{ ddl, target, before, after string }{
		{"alter table store.keyless add column c int; insert into store.keyless values (1, 'one', 2)", "/keyless", "200 []", `200 [{"a":1,"b":"one","c":2}]`},
		{"create table store.fresh (id int primary key, film int)", "/fresh", missing, "200 []"},
		{"alter table store.fresh add foreign key (film) references store.films", "/films?select=id,fresh(id)&id=eq.1", `400 {"code":"PGRST200"…`, `200 [{"id":1,"fresh":[]}]`},
		{"create function store.fresh_one() returns int language sql stable as 'select 1'", "/rpc/fresh_one", `404 {"code":"PGRST202"…`, "200 1"},
		{"create or replace function store.fresh_one() returns int language sql stable as 'select 2'", "/rpc/fresh_one", "200 1", "200 2"},
		{"alter table store.films add column more text default 'more'", "/films?select=more&id=eq.1", `400 {"code":"42703"…`, `200 [{"more":"more"}]`},
		{"alter table store.keyless rename to keyed", "/keyless", `200 [{"a":1,"b":"one","c":2}]`, missing},
	} {
		execute(t, owner, "begin; "+step.ddl)
		if strings.Contains(step.ddl, "create") { // the others hold locks that a reader waits for
			warm(step.target, step.before)
		}
		execute(t, owner, "commit")
		warm(step.target, step.after)
	}
	execute(t, owner, "begin; create table store.never (id int)")
	mustGet(t, other, "/never", missing)
	mustGet(t, owner, "/never", "200 []")
	execute(t, owner, "rollback")
	mustGet(t, owner, "/never", missing)
	mustGet(t, other, "/never", missing)
}

// Sessions that change the schema never wait for each other, and each change is served by all of them at once.
func TestDDLFromManySessions(t *testing.T) {
	t.Parallel()
	const sessions, rounds = 8, 12
	database := newDatabase(t)
	var waiting sync.WaitGroup
	for session := range sessions {
		conn := connect(t, database)
		waiting.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for round := range rounds {
				if err := oneRound(ctx, conn, session, round); err != nil {
					t.Errorf("session %d, round %d: %v", session, round, err)
					return
				}
			}
		})
	}
	waiting.Wait()
}

// oneRound makes a table, asks for it, changes it, asks again, drops it and asks once more.
func oneRound(ctx context.Context, conn *pgx.Conn, session, round int) error {
	name := fmt.Sprintf("table_%d_%d", session, round%3)
	for _, step := range [][2]string{
		{"create table store." + name + " as select " + fmt.Sprint(round) + " as n", fmt.Sprintf(`200 [{"n":%d}]`, round)},
		{"alter table store." + name + " add column m text default 'x'", fmt.Sprintf(`200 [{"n":%d,"m":"x"}]`, round)},
		{"drop table store." + name, `404 {"code":"PGRST205"`},
	} {
		if _, err := conn.Exec(ctx, step[0]); err != nil {
			return fmt.Errorf("%s: %w", step[0], err)
		}
		for range 2 {
			got, err := get(ctx, conn, "/"+name)
			if err != nil || !strings.HasPrefix(got, step[1]) {
				return fmt.Errorf("after %s: %s (%w)", step[0], got, errors.Join(err))
			}
		}
	}
	return nil
}

// connectQuietly is connect for a session that must get no warning.
func connectQuietly(t testing.TB, database string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(server.URI(server.Superuser, database))
	if err != nil {
		t.Fatal(err)
	}
	config.OnNotice = func(_ *pgconn.PgConn, notice *pgconn.Notice) {
		if notice.Severity == "WARNING" {
			t.Errorf("%s", notice.Message)
		}
	}
	conn, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// DDL in open transactions does not block DDL of others, however many there are, and each is seen when it commits. A
// statement that stays prepared is planned anew.
func TestOpenDDLBlocksNobody(t *testing.T) {
	t.Parallel()
	const sessions = 40
	database := newDatabase(t)
	outside := connect(t, database)
	execute(t, outside, `set plan_cache_mode = force_generic_plan; prepare planned as select `+renderedEpoch(t, outside))
	epoch := func() string {
		t.Helper()
		var read, planned string
		if err := outside.QueryRow(t.Context(), "select postern.epoch()").Scan(&read); err != nil {
			t.Fatal(err)
		}
		if err := outside.QueryRow(t.Context(), "execute planned").Scan(&planned); err != nil {
			t.Fatal(err)
		}
		if planned != read {
			t.Errorf("planned at %q, read as %q", planned, read)
		}
		return read
	}
	isolation := [...]string{"read committed", "repeatable read", "serializable"}
	var conns []*pgx.Conn
	for n := range sessions {
		conn := connectQuietly(t, database)
		start := time.Now()
		execute(t, conn, fmt.Sprintf("set lock_timeout = '1s'; begin isolation level %s; create table store.open_%d (n int)", isolation[n%3], n))
		execute(t, conn, fmt.Sprintf("savepoint a; comment on table store.open_%d is 'open'; rollback to a; alter table store.open_%d add m int", n, n))
		if time.Since(start) > time.Second {
			t.Fatalf("transaction %d has waited for a lock", n)
		}
		conns = append(conns, conn)
	}
	mustGet(t, outside, "/open_0", `404 {"code":"PGRST205"…`)
	for n, conn := range conns {
		before := epoch()
		execute(t, conn, "commit")
		if epoch() == before {
			t.Errorf("transaction %d has not advanced the epoch", n)
		}
		mustGet(t, outside, fmt.Sprintf("/open_%d", n), "200 []")
		if n+1 < sessions {
			mustGet(t, outside, fmt.Sprintf("/open_%d", n+1), `404 {"code":"PGRST205"…`)
		}
	}
	execute(t, outside, "drop table store.open_0")
	if now := epoch(); strings.Count(now, " ") != 1 {
		t.Errorf("one slot is to stay where nobody else runs DDL: %q", now)
	}
}

// DDL of many sessions at once fails for none of the others, warns nobody, and none is missed.
func TestDDLAtOnce(t *testing.T) {
	t.Parallel()
	const sessions, rounds = 12, 10
	database := newDatabase(t)
	var working sync.WaitGroup
	for n := range sessions {
		conn := connectQuietly(t, database)
		execute(t, conn, "set lock_timeout = '1s'; set default_transaction_isolation = "+[...]string{"'read committed'", "'serializable'"}[n%2])
		working.Go(func() {
			for round := range rounds {
				_, err := conn.Exec(t.Context(), "begin")
				if err == nil {
					_, err = conn.Exec(t.Context(), fmt.Sprintf("create table store.at_once_%d_%d (n int)", n, round))
				}
				own := 0 // what it sees of a transaction in progress is its own
				if err == nil {
					err = conn.QueryRow(t.Context(), `select count(*) from pg_constraint
						where contypid = 'postern.slots'::regtype and pg_xact_status(xmin::text::xid8) = 'in progress'`).Scan(&own)
				}
				if _, failed := conn.Exec(t.Context(), "commit"); err != nil || failed != nil || own != 1 {
					t.Errorf("session %d, round %d: %v, %v; it has changed %d slots", n, round, err, failed, own)
				}
			}
		})
	}
	working.Wait()
}

func renderedEpoch(t *testing.T, conn *pgx.Conn) (text string) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "select postern.render_epoch()").Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// A statement that waits for DDL, prepared or not, whatever its snapshot, is planned at the epoch that the DDL has made.
func TestWhoWaitsForDDLSeesItsEpoch(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	owner := connect(t, database)
	planned := renderedEpoch(t, owner)
	for number, isolation := range []string{"read committed", "repeatable read"} {
		for _, statement := range []string{"execute kept", "select " + planned + " from store.keyless right join (select) as one on true"} {
			conn := connect(t, database)
			execute(t, conn, "set plan_cache_mode = force_generic_plan; prepare kept as select "+planned+" from store.keyless right join (select) as one on true")
			execute(t, conn, "execute kept")
			execute(t, owner, fmt.Sprintf("begin; alter table store.keyless add column c%d int", number))
			execute(t, conn, "begin isolation level "+isolation+"; select count(*) from pg_class")
			waited := make(chan error, 1)
			var seen string
			go func() { waited <- conn.QueryRow(t.Context(), statement).Scan(&seen) }()
			for waiting := 0; waiting == 0; {
				if err := owner.QueryRow(t.Context(), "select count(*) from pg_locks where not granted and relation = 'store.keyless'::regclass").Scan(&waiting); err != nil {
					t.Fatal(err)
				}
			}
			execute(t, owner, "commit")
			if err := <-waited; err != nil {
				t.Fatal(err)
			}
			var now string
			if err := owner.QueryRow(t.Context(), "select postern.epoch()").Scan(&now); err != nil {
				t.Fatal(err)
			}
			if seen != now {
				t.Errorf("%s, %s: planned at %q, while the epoch is %q", isolation, statement, seen, now)
			}
			execute(t, conn, "rollback")
			execute(t, owner, fmt.Sprintf("alter table store.keyless drop column c%d", number))
		}
	}
}

// Who may not create event triggers can install nevertheless, is told, and can advance the epoch.
func TestInstallWithoutEventTriggers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	admin := connect(t, "postgres")
	execute(t, admin, "create role humble login")
	execute(t, admin, "create database humble owner humble")
	config, err := pgx.ParseConfig(server.URI("humble", "humble"))
	if err != nil {
		t.Fatal(err)
	}
	told := ""
	config.OnNotice = func(_ *pgconn.PgConn, notice *pgconn.Notice) { told += notice.Message + "\n" }
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close(context.Background())
		execute(t, admin, "drop database humble with (force)")
		execute(t, admin, "drop role humble")
	})
	code, err := migrate.LoadCodePackage(sql.Files)
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate.InstallCodePackage(ctx, conn, nil, code); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(told, "may not create event triggers") {
		t.Errorf("told: %q", told)
	}
	var live bool
	var before, after, planned string
	if err := conn.QueryRow(ctx, "select postern.live(), postern.epoch()").Scan(&live, &before); err != nil {
		t.Fatal(err)
	}
	execute(t, conn, "select postern.advance_epoch()")
	if err := conn.QueryRow(ctx, "select postern.epoch(), "+renderedEpoch(t, conn)).Scan(&after, &planned); err != nil {
		t.Fatal(err)
	}
	if live || after == before || after != planned {
		t.Errorf("live: %t; the epoch went from %q to %q, planned as %q", live, before, after, planned)
	}
}

// Whatever kind of DDL and whoever runs it: the epoch advances, and nobody is warned.
func TestDDLOfEveryKindAdvances(t *testing.T) {
	t.Parallel()
	conn := connectQuietly(t, newDatabase(t))
	execute(t, conn, "create role maker; grant create on schema store to maker; create materialized view store.mat as select 1 as n")
	t.Cleanup(func() { execute(t, conn, "reset role; drop owned by maker; drop role maker") })
	for _, test := range []struct {
		ddl     string
		wrapped string // settings for it and none after
		same    bool
	}{
		{ddl: "create extension hstore"},
		{ddl: "drop extension pgtap"},
		{ddl: "create extension pgtap"},
		{ddl: "create index concurrently keyless_a on store.keyless (a)"},
		{ddl: "drop index concurrently store.keyless_a"},
		{ddl: "create table store.replicated (n int)", wrapped: "session_replication_role = replica"},
		{ddl: "drop table store.replicated", wrapped: "session_replication_role = replica"},
		{ddl: "create table store.made (n int)", wrapped: "role = maker"},
		{ddl: "alter table store.made add m int", wrapped: "default_transaction_isolation = 'serializable'"},
		{ddl: "refresh materialized view store.mat", same: true},
		{ddl: "create temp table passing (id serial primary key)", same: true},
		{ddl: "create temp view passing_by as select * from passing", same: true},
		{ddl: "drop table passing cascade", same: true},
		{ddl: "create table if not exists store.made (n int)", same: true},
	} {
		var before, after string
		if err := conn.QueryRow(t.Context(), "select postern.epoch()").Scan(&before); err != nil {
			t.Fatal(err)
		}
		if name, _, set := strings.Cut(test.wrapped, " = "); set {
			execute(t, conn, "set "+test.wrapped)
			execute(t, conn, test.ddl)
			execute(t, conn, "reset "+name)
		} else {
			execute(t, conn, test.ddl)
		}
		if err := conn.QueryRow(t.Context(), "select postern.epoch()").Scan(&after); err != nil {
			t.Fatal(err)
		}
		if (before == after) != test.same {
			t.Errorf("%s: from %q to %q", test.ddl, before, after)
		}
	}
}

// A transaction of much DDL advances the epoch once, and again after it has read the epoch or taken the first DDL back.
func TestTransactionAdvancesOnce(t *testing.T) {
	t.Parallel()
	conn := connectQuietly(t, newDatabase(t))
	const slots = "select string_agg(conname, ' ' order by conname) from pg_constraint where contypid = 'postern.slots'::regtype"
	for _, test := range []struct {
		between string
		same    bool
	}{
		{"comment on schema store is 'another'", true},
		{"savepoint s; comment on schema store is 'another'; rollback to s", true},
		{"select postern.epoch()", false},
		{"select " + renderedEpoch(t, conn), false},
		{"rollback to beginning", false},
		{"select set_config('postern.advanced', '1', true)", false},
	} {
		var first, last string
		execute(t, conn, "begin; savepoint beginning; create table store.one (n int)")
		if err := conn.QueryRow(t.Context(), slots).Scan(&first); err != nil {
			t.Fatal(err)
		}
		execute(t, conn, test.between+"; create table store.two (n int)")
		if err := conn.QueryRow(t.Context(), slots).Scan(&last); err != nil {
			t.Fatal(err)
		}
		execute(t, conn, "rollback")
		if (first == last) != test.same {
			t.Errorf("%s: from %q to %q", test.between, first, last)
		}
	}
}

// A request that waits for a lock, or runs into a deadlock or a serialization failure, is answered.
func TestLocksAreAnswered(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	owner, other := connect(t, database), connect(t, database)
	execute(t, owner, "begin; lock table store.films in access exclusive mode")
	execute(t, other, "set lock_timeout = '100ms'")
	mustGet(t, other, "/films", `500 {"code":"55P03"…`)
	execute(t, other, "set lock_timeout = 0; set statement_timeout = '100ms'")
	mustGet(t, other, "/films", `500 {"code":"57014"…`)
	execute(t, owner, "rollback")
	execute(t, other, "set statement_timeout = 0")
	mustGet(t, other, "/films?select=id&id=eq.1", `200 [{"id":1}]`)

	execute(t, other, "begin isolation level repeatable read; select from store.films")
	execute(t, owner, "update store.films set year = 1986 where id = 1")
	var status int
	var body string
	err := other.QueryRow(t.Context(), `select status, convert_from(body, 'UTF8') from postern.handle(
		'{"method": "PATCH", "path": "/films", "query": "id=eq.1"}'::jsonb || jsonb_build_object('settings', $1::jsonb), '{"year": 1987}')`, storeSettings).Scan(&status, &body)
	var failed *pgconn.PgError
	if errors.As(err, &failed) || status != 500 || !strings.Contains(body, `"40001"`) {
		t.Errorf("a serialization failure: %d %s %v", status, body, err)
	}
}
