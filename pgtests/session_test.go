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

// DDL in open transactions does not block DDL of others.
func TestOpenDDLBlocksNobody(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	var conns []*pgx.Conn
	for n := range 8 {
		conn := connect(t, database)
		execute(t, conn, fmt.Sprintf("set lock_timeout = '2s'; begin; create table store.open_%d (n int)", n))
		conns = append(conns, conn)
	}
	outside := connect(t, database)
	mustGet(t, outside, "/open_0", `404 {"code":"PGRST205"…`)
	for n, conn := range conns {
		execute(t, conn, "commit")
		for m := range conns {
			want := "200 []"
			if m > n {
				want = `404 {"code":"PGRST205"…`
			}
			mustGet(t, outside, fmt.Sprintf("/open_%d", m), want)
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
