package pgtests

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const contended = `
create table store.contended (id int primary key, kind text default 'x', n int default 0);
create view store.contended_view as select id as ident, n from store.contended;
create table store.contended_parts (id int, kind text, n int default 0, primary key (id, kind)) partition by list (kind);
create table store.contended_part partition of store.contended_parts for values in ('x');
grant all on store.contended, store.contended_view, store.contended_parts to store_clerk;
`

// A write with If-Match takes no weak tag, and where it waits for another transaction it sees what that has done. All are asked twice, as
// the first compiles.
func TestIfMatchUnderContention(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	owner, watch := connect(t, database), connect(t, database)
	execute(t, owner, contended)
	c := serveHTTP(t, database, "PGRST_DB_POOL=2").client()
	t.Cleanup(c.close)
	for range 3 { // compiled, executed, prepared
		execute(t, owner, "truncate store.contended; insert into store.contended values (1, 'x', 0)")
		tag := tagOf(t, c, "/contended?id=eq.1")
		for _, test := range []struct {
			tags   string
			status int
		}{{"W/" + tag, http.StatusPreconditionFailed}, {`"a", W/` + tag, http.StatusPreconditionFailed}, {"W/" + tag + ", " + tag, http.StatusNoContent}} {
			r := request{method: http.MethodPatch, target: "/contended?id=eq.1", headers: "If-Match: " + test.tags, body: []byte(`{"n":9}`)}
			if answer, err := c.do(r); err != nil || answer.status != test.status {
				t.Errorf("If-Match: %s is %d %v, not %d", test.tags, answer.status, err, test.status)
			}
		}
	}
	for _, kind := range []struct{ table, target, put string }{
		{"contended", "/contended?id=eq.1", `{"id":1,"n":9}`},
		{"contended", "/contended_view?ident=eq.1", `{"ident":1,"n":9}`},
		{"contended_parts", "/contended_parts?id=eq.1&kind=eq.x", `{"id":1,"kind":"x","n":9}`},
	} {
		for _, test := range []struct {
			method, body, meanwhile string
			status                  int
		}{
			{"PATCH", `{"n":9}`, "update store.%s set n = n + 1; commit", http.StatusPreconditionFailed},
			{"PATCH", `{"n":9}`, "update store.%s set n = n + 1; rollback", http.StatusNoContent},
			{"PATCH", `{"n":9}`, "delete from store.%s; commit", http.StatusPreconditionFailed},
			{"PUT", kind.put, "update store.%s set n = n + 1; commit", http.StatusPreconditionFailed},
			{"PUT", kind.put, "update store.%s set n = n + 1; rollback", http.StatusNoContent},
			{"DELETE", "", "update store.%s set n = n + 1; commit", http.StatusPreconditionFailed},
			{"DELETE", "", "select * from store.%s for update; commit", http.StatusNoContent},
		} {
			for range 2 {
				execute(t, owner, fmt.Sprintf("truncate store.contended; delete from store.contended_parts; insert into store.%s values (1, 'x', 0)", kind.table))
				r := request{method: test.method, target: kind.target, headers: "If-Match: " + tagOf(t, c, kind.target), body: []byte(test.body)}
				if test.body == "" {
					r.body = nil
				}
				if status := contend(t, c, owner, watch, r, fmt.Sprintf("begin; "+test.meanwhile, kind.table)); status != test.status {
					t.Errorf("%s %s beside %q: %d, not %d", test.method, kind.target, test.meanwhile, status, test.status)
				}
			}
		}
	}
}

// tagOf returns the entity tag of what is at a target.
func tagOf(t *testing.T, c *client, target string) string {
	t.Helper()
	answer, err := c.do(request{method: http.MethodGet, target: target, headers: "Prefer: etag"})
	if err != nil || answer.headers.Get("Etag") == "" {
		t.Fatalf("%s: %d %s, %v", target, answer.status, answer.body, err)
	}
	return answer.headers.Get("Etag")
}

// contend sends a request while another transaction, all but the end of it, has been executed, which ends when the request waits for it. It
// returns the status of the answer.
func contend(t *testing.T, c *client, owner, watch *pgx.Conn, r request, transaction string) (status int) {
	t.Helper()
	last := strings.LastIndexByte(transaction, ';')
	begun, end := transaction[:last], transaction[last+1:]
	execute(t, owner, begun)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		answer, err := c.do(r)
		if err != nil {
			t.Error(err)
		}
		status = answer.status
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		var waits bool
		if err := watch.QueryRow(t.Context(), "select exists (select from pg_locks where not granted and pid in (select pid from pg_stat_activity where datname = current_database()))").
			Scan(&waits); err != nil {
			t.Fatal(err)
		}
		if waits {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("%s %s does not wait", r.method, r.target)
			break
		}
	}
	execute(t, owner, end)
	waiting.Wait()
	return status
}

// Clients that count together, each reading, adding one and writing with If-Match, lose nothing.
func TestNoUpdateIsLost(t *testing.T) {
	t.Parallel()
	const clients, rounds = 4, 25
	database := newDatabase(t)
	owner := connect(t, database)
	execute(t, owner, contended+"insert into store.contended values (1, 'x', 0)")
	s := serveHTTP(t, database, "PGRST_DB_POOL=4")
	var counting sync.WaitGroup
	for range clients {
		counting.Go(func() {
			c := s.client()
			defer c.close()
			for done := 0; done < rounds; {
				read, err := c.do(request{method: http.MethodGet, target: "/contended?id=eq.1&select=n", headers: "Prefer: etag\nAccept: text/csv"})
				if err != nil {
					t.Error(err)
					return
				}
				var n int
				if _, err := fmt.Sscanf(string(read.body), "n\n%d", &n); err != nil {
					t.Errorf("%q: %v", read.body, err)
					return
				}
				written, err := c.do(request{method: http.MethodPatch, target: "/contended?id=eq.1", headers: "If-Match: " + read.headers.Get("Etag"), body: fmt.Appendf(nil, `{"n":%d}`, n+1)})
				switch {
				case err != nil || written.status != http.StatusNoContent && written.status != http.StatusPreconditionFailed:
					t.Errorf("%d %s %v", written.status, written.body, err)
					return
				case written.status == http.StatusNoContent:
					done++
				}
			}
		})
	}
	counting.Wait()
	var n int
	if err := owner.QueryRow(t.Context(), "select n from store.contended").Scan(&n); err != nil || n != clients*rounds {
		t.Errorf("%d of %d are there, %v", n, clients*rounds, err)
	}
}
