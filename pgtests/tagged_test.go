package pgtests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// ways are how a request is answered: by postern.handle in SQL, and by HTTP.
func (d *differential) ways(t *testing.T) [2]func(r request) httpAnswer {
	t.Helper()
	return [2]func(request) httpAnswer{
		func(r request) httpAnswer {
			text, _ := r.json()
			answer, err := d.handle(t, r, text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			return answer
		},
		func(r request) httpAnswer {
			answer, err := d.shell.do(r)
			if err != nil {
				t.Fatalf("%s %s: %v", r.method, r.target, err)
			}
			return answer
		},
	}
}

// sameTagged sends what a client sends that has a tag: a read again, and changes of a row. The versions in tags are those of each database.
func (d *differential) sameTagged(t *testing.T, number uint64) {
	t.Helper()
	g := generator{rand.New(rand.NewPCG(number, 5)), new([]string)}
	read := "/" + g.of("films", "directors", "reviews", "parts") + "?" + g.query(false)
	row := "/films?id=eq." + g.of("1", "2", "3", "4") + g.of("", "&select=id,title", "&select=title,directors(name)", "&year=gt.1900")
	wish := g.of("prefer: return=representation", "prefer: return=headers-only", "prefer: return=minimal")
	body := []byte(g.of(`{"title": "a \"tagged\" one"}`, `{"year": 1999, "title": "é"}`, `{}`))
	var seen [2][]httpAnswer
	for way, send := range d.ways(t) {
		ask := func(method, target, headers string, body []byte) httpAnswer {
			r, ok := sendable(request{method, target, headers, body})
			if !ok {
				return httpAnswer{}
			}
			answer := send(r)
			seen[way] = append(seen[way], answer)
			return answer
		}
		first := ask("GET", read, "prefer: etag", nil)
		if tag := first.headers.Get("Etag"); tag != "" {
			if again := ask("GET", read, "if-none-match: \"x\", "+tag, nil); again.status != http.StatusNotModified || again.headers.Get("Etag") != tag {
				t.Errorf("%s has the tag %s, then %d %s", unescaped(read), tag, again.status, again.headers.Get("Etag"))
			}
		}
		old := ask("GET", row, "prefer: etag", nil).headers.Get("Etag")
		for range 2 { // with {} nothing is changed, and the version stays
			ask("PATCH", row, wish+"\nif-match: "+old, body)
		}
		ask("DELETE", row, "if-match: "+old, nil)
		ask("GET", row, "if-none-match: "+old, nil)
	}
	for i := range min(len(seen[0]), len(seen[1])) {
		want, got := seen[0][i], seen[1][i]
		if problem := difference(request{method: "GET"}, want, got); problem != "" {
			t.Errorf("%s, %s %s %s, answer %d: %s\nSQL  %d %v %.1000s\nHTTP %d %v %.1000s", unescaped(read), row, wish, body, i, problem,
				want.status, want.headers, want.body, got.status, got.headers, got.body)
		} else if a, b := digestOf(want), digestOf(got); a != b && bytes.Equal(want.body, got.body) && len(want.body) > 0 {
			t.Errorf("%s, %s: of one body the digests %s and %s", unescaped(read), row, a, b)
		}
	}
	for _, conn := range []*pgx.Conn{d.plain, d.behind} {
		execute(t, conn, "select saved.restore()")
	}
}

// digestOf is the part of a tag that is of the body.
func digestOf(answer httpAnswer) string {
	_, digest, _ := strings.Cut(answer.headers.Get("Etag"), ".")
	return digest
}

// retag asks once more for what was answered, for its tag, and then with that.
func (o *oracle) retag(t *testing.T, q *question, r request) {
	t.Helper()
	send := func(line string) httpAnswer {
		again := r
		again.headers = strings.Trim(r.headers+"\n"+line, "\n")
		answer, err := o.send(q, again)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if strings.Contains(r.headers, "prefer: ") {
		return
	}
	o.tried["tags"]++
	tagged := send("prefer: etag")
	tag := tagged.headers.Get("Etag")
	if q.lines && tag == "" { // as it may stream
		return
	}
	if got := send("if-none-match: " + tag); tagged.status >= 300 || tag == "" || got.status != http.StatusNotModified || len(got.body) > 0 || got.headers.Get("Etag") != tag {
		t.Errorf("seed %d, %s as %s: with the tag %d %s, then %d %s %s\nDDL:\n%s", o.seed, unescaped(r.target), q.role, tagged.status, tag, got.status,
			got.headers.Get("Etag"), got.body, strings.Join(slices.Concat(o.s.ddl, o.s.data), ";\n"))
	}
}

// match changes a row of each table by its key, where the role may, with the row's tag and then with the one that it had before.
func (o *oracle) match(t *testing.T) {
	t.Helper()
	a := &asker{Rand: o.Rand, s: o.s}
	for _, one := range o.s.relations {
		if one.view || one.secret || len(one.key) == 0 || slices.ContainsFunc(one.key, func(name string) bool { return one.column(name).secret }) {
			continue
		}
		role := choice(o.Rand, "oracle_all", "oracle_some")
		var texts []string
		var body string
		var whole bool // else the version is of the values, which do not change
		err := o.conn.QueryRow(context.Background(), fmt.Sprintf("select array[x.%s::text], jsonb_build_object(%s, x.%s)::text, has_table_privilege(%s, %s, 'select') from %s as x order by 1 limit 1",
			strings.Join(quotedAll(one.key), "::text, x."), literal(one.key[0]), identifier(one.key[0]), literal(role), literal(one.quoted), one.quoted)).Scan(&texts, &body, &whole)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && !whole {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		target := "/" + url.PathEscape(one.name) + "?select=" + url.QueryEscape(a.name(one.key[0]))
		for at, name := range one.key {
			target += "&" + url.QueryEscape(a.name(name)) + "=eq." + url.QueryEscape(texts[at])
		}
		q := &question{role: role}
		ask := func(method, headers string) httpAnswer {
			r := request{method: method, target: target, headers: headers}
			if method == http.MethodPatch {
				r.body = []byte(body)
			}
			answer, err := o.send(q, r)
			if err != nil {
				t.Fatal(err)
			}
			return answer
		}
		if plainly := ask("PATCH", "prefer: return=representation"); plainly.status != http.StatusOK || len(plainly.body) < 3 {
			continue // it may not, or sees no such row
		}
		tag := ask("GET", "prefer: etag").headers.Get("Etag")
		o.tried["If-Match"]++
		first := ask("PATCH", "if-match: "+tag)
		before := o.holds(t)
		if again := ask("PATCH", "if-match: "+tag); first.status != http.StatusNoContent || again.status != http.StatusPreconditionFailed || o.holds(t) != before {
			t.Errorf("seed %d, %s as %s with the tag %s: %d %s, then %d %s\nDDL:\n%s", o.seed, unescaped(target), q.role, tag, first.status, first.body,
				again.status, again.body, strings.Join(slices.Concat(o.s.ddl, o.s.data), ";\n"))
		}
	}
	o.restore(t)
}

// quotedAll are names as identifiers.
func quotedAll(names []string) (all []string) {
	for _, name := range names {
		all = append(all, identifier(name))
	}
	return all
}
