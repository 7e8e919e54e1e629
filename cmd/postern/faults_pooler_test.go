package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

const pooledSchema = `
create table api.pooled (id int primary key, name text, parent int references api.pooled deferrable initially deferred);
grant select, insert, update, delete on api.pooled to e2e_user;`

// testPooled sends what takes several statements, or trips, through a pooler whose sessions others have used before.
func testPooled(t *testing.T, h *house, settings ...string) {
	h.execute(t, "e2e", pooledSchema)
	p := h.serve(t, "e2e", append(settings, "PGRST_DB_TX_END=commit-allow-override", "PGRST_SERVER_MAX_BODY_SIZE=100000",
		"PGRST_SERVER_MAX_STREAM_SIZE=9000000")...)
	user := []string{"Authorization", token(`{"role":"e2e_user"}`)}
	for n := range 5 { // compiled, kept, and in each session
		id := 10 * n
		operations := []string{
			op("POST", "/pooled?select=id", fmt.Sprintf(`{"id": %d, "name": "a", "parent": %d}`, id, id+1), `"headers": {"Prefer": "return=representation"}`),
			op("POST", "/pooled?select=id", fmt.Sprintf(`{"id": %d, "name": "b", "parent": {"$ref": "#/0/body/0/id"}}`, id+1), `"ref": "$ref"`,
				`"headers": {"Prefer": "return=representation"}`),
			op("GET", "/pooled?select=name&parent=eq.{#/1/body/0/id}", ""),
		}
		want := fmt.Sprintf(`201 [{"id":%d}], 201 [{"id":%d}], 200 [{"name":"a"}]`, id, id+1)
		for _, prefer := range []string{"tx=rollback", "tx=commit"} {
			results, answer := p.batch(t, operations, append(user, "Prefer", prefer)...)
			if got := strings.Join(results, ", "); got != want {
				t.Errorf("%s: %d %s, not %s", prefer, answer.status, got, want)
			}
		}
		failing := append(operations[:1:1], op("POST", "/pooled", fmt.Sprintf(`{"id": %d}`, id)))
		if results, _ := p.batch(t, failing, user...); results[0] != "[0] 409 23505" {
			t.Errorf("a batch that fails: %v", results)
		}
		tag := p.send(t, "GET", fmt.Sprintf("/pooled?id=eq.%d", id), "", append(user, "Prefer", "etag")...).header.Get("Etag")
		for change, status := range []int{204, 412} {
			r := p.send(t, "PATCH", fmt.Sprintf("/pooled?id=eq.%d", id), fmt.Sprintf(`{"name": "changed %d"}`, change), append(user, "If-Match", tag)...)
			if r.status != status {
				t.Errorf("If-Match %s: %d %s", tag, r.status, r.body)
			}
		}
		lines := new(strings.Builder)
		for i := range 700 {
			fmt.Fprintf(lines, `{"id":%d,"name":"%s"}`+"\n", 1000*(n+1)+i, strings.Repeat("n", 1700))
		}
		for _, wish := range []string{"tx=rollback", "tx=commit"} {
			if r := p.send(t, "POST", "/pooled", lines.String(), append(user, "Content-Type", ndjsonType, "Prefer", wish)...); r.status != 201 {
				t.Errorf("a body in pieces, %s: %d %s", wish, r.status, r.body)
			}
		}
	}
	if got := h.ask(t, "e2e", "select count(*) || ' ' || count(*) filter (where name = 'changed 0') from api.pooled"); got != "3510 5" {
		t.Errorf("there are %s rows", got)
	}
	next := regexp.MustCompile(`<([^>]*)>; rel="next"`)
	var rows strings.Builder
	for target, pages := "/pooled?select=id&id=lt.1000&order=name&limit=3&cursor=first", 0; target != "" && pages < 9; pages++ {
		r := p.send(t, "GET", target, "", user...)
		rows.WriteString(strings.ReplaceAll(r.body, "\n ", ""))
		target = ""
		if link := next.FindStringSubmatch(r.header.Get("Link")); link != nil {
			target = link[1]
		}
	}
	if got := rows.String(); got != `[{"id":1},{"id":11},{"id":21}][{"id":31},{"id":41},{"id":0}][{"id":10},{"id":20},{"id":30}][{"id":40}]` {
		t.Errorf("the pages are %s", got)
	}
}
