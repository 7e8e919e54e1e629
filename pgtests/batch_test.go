package pgtests

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

const batchHeader = "content-type: application/vnd.postern.batch+json"

// operation is one of a batch.
type operation struct {
	ID      string            `json:"id,omitempty"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    json.RawMessage   `json:"body,omitempty"`
	Ref     string            `json:"ref,omitempty"`
}

// goodOperations mostly succeed where they follow on the first one; # is where a reference may stand.
var goodOperations = []operation{
	{ID: "first", Method: "POST", Path: "/films?select=id,title,year", Headers: map[string]string{"Prefer": "return=representation"}, Body: []byte(`{"title": "a, \"b\")\\", "year": 1990}`)},
	{Method: "GET", Path: "/films?select=id,title,directors(name)&id=eq.{#/0/body/0/id}"},
	{Method: "GET", Path: "/films?select=title&title=in.(x,{#/0/body/0/title})&order=id", Headers: map[string]string{"prefer": "count=exact"}},
	{Method: "GET", Path: "/films?select=title&or=(title.eq.{#/first/body/0/title},and(year.eq.{#/0/body/0/year},title.eq.\"{#/0/body/0/title}\"))"},
	{Method: "GET", Path: "/films?select=id&title=eq.{#/0/body/0/title}&year=gt.{#/0/status}"},
	{Method: "GET", Path: "/films?select=title&tags=cs.{{#/0/body/0/title}}"},
	{Method: "POST", Path: "/reviews?select=film_id,stars,words", Headers: map[string]string{"Prefer": "return=representation"}, Ref: "$ref",
		Body: []byte(`[{"film_id": {"$ref": "#/first/body/0/id"}, "stars": 1, "words": {"$ref": "#/0/body/0/title"}}, {"film_id": { "$ref" : "#/0/body/0/id" }, "stars": 2, "words": "{\"$ref\": 1}"}]`)},
	{Method: "POST", Path: "/films?select=title,meta", Headers: map[string]string{"Prefer": "return=representation"}, Body: []byte(`{"title": "b", "meta": {"$ref": "#/0/body"}}`)},
	{Method: "POST", Path: "/films?select=title,meta", Headers: map[string]string{"Prefer": "return=representation"}, Ref: "ref", Body: []byte(`{"title": "b", "meta": {"a": {"ref": "#/first"}, "b": {"$ref": "#/0"}}}`)},
	{Method: "PATCH", Path: "/films?id=eq.{#/0/body/0/id}&select=title", Headers: map[string]string{"Prefer": "return=representation"}, Body: []byte(`{"title": "c"}`)},
	{Method: "DELETE", Path: "/films?id=eq.{#/first/body/0/id}"},
	{Method: "POST", Path: "/rpc/add", Ref: "$ref", Body: []byte(`{"a": {"$ref": "#/0/status"}, "b": 1}`)},
	{Method: "GET", Path: "/films?limit=1&select=title&order=id", Headers: map[string]string{"accept": "text/csv"}},
	{Method: "HEAD", Path: "/films"},
	{Method: "POST", Path: "/films?columns=title,year", Headers: map[string]string{"Content-Type": "text/csv"}, Body: []byte(`"title,year\nx,1990"`)},
	{Method: "POST", Path: "/films", Headers: map[string]string{"Prefer": "resolution=merge-duplicates"}, Body: []byte(`[{"id": 1, "title": "m"}, {"id": 903, "title": "n"}]`)},
	{Method: "GET", Path: "/films?select=title&order=id&offset=1000", Headers: map[string]string{"prefer": "count=exact"}},
	{Method: "GET", Path: "/films?select=at:now()&limit=0", Headers: map[string]string{"prefer": "timezone=Europe/Vienna"}},
	// what is refused
	{Method: "GET", Path: "/films?id=eq.{#/0/body/7/id}"},
	{Method: "GET", Path: "/films?id=eq.{#/nobody/body}"},
	{Method: "GET", Path: "/films?id=eq.{#/0/body}"},
	{Method: "GET", Path: "/films?id=eq.1#x"},
	{Method: "POST", Path: "/films", Ref: "$ref", Body: []byte(`{"title": {"$ref": 5}}`)},
	{Method: "POST", Path: "/", Headers: map[string]string{"content-type": "application/vnd.postern.batch+json"}, Body: []byte(`[]`)},
	{Method: "GET", Path: "/films", Headers: map[string]string{"authorization": "x"}},
	{Method: "GET", Path: "/films", Headers: map[string]string{"prefer": "count=exact, tx=rollback"}},
	{Method: "POST", Path: "/films", Headers: map[string]string{"content-type": "text/csv"}, Body: []byte(`{}`)},
	{ID: "12", Method: "GET", Path: "/films"},
	{ID: "first", Method: "GET", Path: "/films"},
}

const wrongOperations = 11 // how many of them are refused

// generateBatch makes the batch of a number, of operations of this list and of generated ones.
func generateBatch(number uint64) request {
	g := rand.New(rand.NewPCG(number, 2))
	operations := []operation{goodOperations[0]}
	for range g.IntN(5) {
		n := g.IntN(len(goodOperations) - wrongOperations)
		if g.IntN(12) == 0 {
			n = g.IntN(len(goodOperations))
		}
		if n > 0 {
			operations = append(operations, goodOperations[n])
		}
		if g.IntN(4) == 0 {
			if made, ok := operationOf(generate(g.Uint64N(1 << 30))); ok {
				operations = append(operations, made)
			}
		}
	}
	body, err := json.Marshal(operations)
	if err != nil {
		panic(err) // of what is made above, none can fail
	}
	return request{method: http.MethodPost, target: "/", headers: batchHeader, body: body}
}

// operationOf returns a request as an operation; false where one cannot have it, or where it depends on statistics.
func operationOf(r request) (made operation, ok bool) {
	if r, ok = sendable(r); !ok || regexp.MustCompile(`plan|estimated`).MatchString(r.headers) || !utf8.Valid(r.body) {
		return made, false
	}
	made = operation{Method: r.method, Path: r.target, Headers: make(map[string]string)}
	for line := range strings.SplitSeq(r.headers, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			made.Headers[name] = value
		}
	}
	if r.body == nil {
		return made, true
	}
	if made.Body = r.body; !json.Valid(r.body) || made.Headers["content-type"] != "" && made.Headers["content-type"] != "application/json" {
		text, err := json.Marshal(string(r.body))
		if err != nil {
			return made, false
		}
		made.Body = text
	}
	return made, true
}

// twiceWrong are operations of which a later one raises an error, while an earlier one is answered with one: that is the first.
const twiceWrong = `[{"method": "GET", "path": "/parts?year=gte.2"}, {"method": "POST", "path": "/reviews", "body": {"film_id": 7777, "stars": 1}}]`

// sameBatch sends a batch both ways. Its operations are those of ordinary requests, so what is compared is what a batch adds.
func (d *differential) sameBatch(t *testing.T, r request) bool {
	t.Helper()
	text, _ := r.json()
	defer func() {
		for _, conn := range []*pgx.Conn{d.plain, d.behind} {
			execute(t, conn, "select saved.restore()")
		}
	}()
	for _, how := range []string{"compiled", "unnamed", "prepared"} {
		want, err := d.handle(t, r, text)
		if err != nil {
			t.Fatalf("%s: %v", r.body, err)
		}
		got, err := d.shell.do(r)
		if err != nil {
			t.Fatalf("%s: %v", r.body, err)
		}
		a, b := plainBatch(want.body), plainBatch(got.body)
		if isEither(want, "22", "42") && isEither(got, "22", "42") {
			continue // as in difference
		}
		if want.status != got.status || !reflect.DeepEqual(a, b) || want.headers.Get("Proxy-Status") != got.headers.Get("Proxy-Status") ||
			want.headers.Get("Content-Type") != got.headers.Get("Content-Type") {
			t.Errorf("%s: %s\nSQL  %d %v %.3000s\nHTTP %d %v %.3000s", how, r.body, want.status, want.headers, want.body, got.status, got.headers, got.body)
			break
		}
	}
	return true
}

// madeIDs are the numbers of sequences, some of which a batch that is begun anew does not use.
var madeIDs = regexp.MustCompile(`\b1\d\d\b`)

// plainBatch returns the answer to a batch by value, but for the order of rows that nobody asks for.
func plainBatch(body []byte) any {
	var value any
	if json.Unmarshal(madeIDs.ReplaceAll(body, []byte("100")), &value) != nil {
		return string(body)
	}
	results, ok := value.([]any)
	if !ok {
		return value
	}
	for _, result := range results {
		if result, ok := result.(map[string]any); ok {
			if rows, ok := result["body"].([]any); ok {
				counts := make(map[string]int)
				for _, row := range rows {
					counts[fmt.Sprint(row)]++
				}
				result["body"] = counts
			}
		}
	}
	return results
}

// Batches are generated that are answered, and such that are refused, in all ways.
func TestGenerateBatch(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for n := range uint64(1000) {
		r := generateBatch(n)
		if fmt.Sprint(r) != fmt.Sprint(generateBatch(n)) {
			t.Fatalf("%d is not the same each time", n)
		}
		for _, op := range goodOperations {
			if path, err := json.Marshal(op.Path); err == nil && strings.Contains(string(r.body), string(path)) {
				seen[op.Path] = true
			}
		}
	}
	for _, op := range goodOperations {
		if !seen[op.Path] {
			t.Errorf("no batch has %s", op.Path)
		}
	}
}
