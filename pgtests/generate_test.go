package pgtests

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// generator makes requests that follow the grammar, with a slip now and then.
type generator struct {
	*rand.Rand
	embeds *[]string // paths of what select embeds, which filters, orders and pages may be for
}

func (g generator) of(choices ...string) string { return choices[g.IntN(len(choices))] }

// often tells true in so many of a hundred cases.
func (g generator) often(percent int) bool { return g.IntN(100) < percent }

// mostly chooses among good ones, and now and then (one in forty) among bad ones.
func (g generator) mostly(good []string, bad ...string) string {
	if g.IntN(40) == 0 {
		return g.of(bad...)
	}
	return g.of(good...)
}

// many joins one or more, up to most, of what one gives.
func (g generator) many(most int, separator string, one func() string) string {
	parts := []string{one()}
	for range g.IntN(most) {
		parts = append(parts, one())
	}
	return strings.Join(parts, separator)
}

func (g generator) relation() string {
	return g.mostly([]string{"films", "films", "films", "directors", "directors", "reviews", "actors", "parts", "details"},
		"prizes", "staff", "recent_films", "same_year", "nothing", `odd "name"; drop table films--%s {}`)
}

func (g generator) column() string {
	return g.mostly([]string{"id", "id", "id", "title", "year", "name", "director_id"},
		"film_id", "mood", "tags", "meta", "stars", "words", "shouted", "nope", "*", `"id"`, "count", "alias", "max", `b'"\ %I $1`)
}

func (g generator) path() string {
	if g.often(90) {
		return ""
	}
	return g.many(2, "", func() string {
		return g.of("->", "->>") + g.mostly([]string{"length", "cast", "0", "-1", "a'b"}, `"`, "")
	})
}

func (g generator) value() string {
	return g.of("1", "2", "0", "-1", "x", "", "null", "true", "1985", "Ran", "*a*", "a,b", "(1,2)", "{1,2}", `{"a":1}`, `"a"`, `"a,)b"`, "'", `\`, "$1", "%", "a b", "it's",
		"eq.1", "99999999999999999999", "1e5", "é€", "(", ")", "tense", "2000-01-01", "[1,2)", "a & b", "a <->", "::", "--", "/*", "ns'; drop table films; --")
}

func (g generator) operation() string {
	not := ""
	if g.often(20) {
		not = "not."
	}
	switch g.IntN(8) {
	case 0:
		return not + "in.(" + g.many(3, ",", func() string { return g.of("1", "2", "x", `"a,b"`, `"a\"b"`, "", "'") }) + ")"
	case 1:
		return not + "is." + g.mostly([]string{"null", "null", "not_null", "NULL"}, "true", "false", "unknown", "x")
	case 2:
		return not + g.of("eq", "like", "ilike", "gt", "match") + g.mostly([]string{"(any)", "(all)"}, "(some)") + ".{" + g.many(3, ",", g.value) + "}"
	case 3:
		return not + g.of("fts", "plfts", "phfts", "wfts") + g.mostly([]string{"", "(english)"}, "(nope)", "(a'b)") + "." + g.value()
	}
	return not + g.mostly([]string{"eq", "eq", "neq", "gt", "gte", "lt", "lte", "isdistinct"}, "like", "ilike", "match", "imatch", "cs", "cd", "ov", "sl", "sr", "nxr", "nxl", "adj", "xx") +
		"." + g.mostly([]string{"1", "2", "3", "1985", "0", "-1"}, g.value())
}

func (g generator) logic(depth int) string {
	return "(" + g.many(3, ",", func() string {
		if depth > 0 && g.often(30) {
			return g.of("", "not.") + g.of("and", "or") + g.logic(depth-1)
		}
		return g.column() + g.path() + "." + g.operation()
	}) + ")"
}

func (g generator) selects(depth int, path string) string {
	return g.many(4, ",", func() string {
		if depth > 0 && g.often(35) {
			before, relation := g.of("", "", "", "x:", "..."), g.relation()
			label := path + relation
			if before == "x:" {
				label = path + "x"
			}
			*g.embeds = append(*g.embeds, label)
			inside := g.selects(depth-1, label+".")
			return before + relation + g.mostly([]string{"", "", "!inner", "!left"}, "!director_id", "!prizes_winner", "!a'b") + "(" + g.of("", inside, inside) + ")"
		}
		if g.often(4) {
			return "distinct()"
		}
		return g.mostly([]string{"", "", "", "alias:", "é:"}, `"a b":`, `a"b:`) + g.column() + g.path() +
			g.mostly([]string{"", "", "", "", "", "::text", ".count()", ".count(distinct)"}, ".sum()", ".max()::text", "::int", "::nope", "::double precision", ".sum(distinct)", ".count(all)")
	})
}

func (g generator) parameter(call bool) string {
	embed := ""
	if known := *g.embeds; len(known) > 0 && g.often(40) {
		embed = g.of(known...) + "."
	} else if g.often(4) {
		embed = g.relation() + "."
	}
	kind := g.IntN(9)
	if kind == 5 && !call {
		kind = 6
	}
	switch kind {
	case 0:
		return embed + "order=" + g.many(3, ",", func() string {
			return g.mostly([]string{"", ""}, "directors(") + g.column() + g.path() + g.mostly([]string{"", ""}, ")") + g.mostly([]string{"", ".asc", ".desc"}, ".up") + g.of("", ".nullsfirst", ".nullslast")
		})
	case 1:
		return embed + g.of("limit", "offset") + "=" + g.mostly([]string{"1", "5", "100"}, "0", "-1", "x", "1.5", "", "1 ", "+1", "eq.1", "99999999999999999999")
	case 2:
		return embed + g.of("and", "or", "not.and", "not.or") + "=" + g.logic(2)
	case 3:
		if g.often(30) {
			return g.of("columns", "on_conflict") + "=" + g.many(3, ",", g.column)
		}
	case 4:
		if g.often(20) {
			of := g.relation()
			if known := *g.embeds; len(known) > 0 {
				of, embed = g.of(known...), ""
			}
			return embed + of + g.of("=is.null", "=not.is.null")
		}
	case 5:
		return g.of("a", "b", "director", "words", "film", "name", "state") + "=" + g.value()
	}
	return embed + g.column() + g.path() + "=" + g.operation()
}

// cursor makes the value of the parameter cursor, mostly a token that is none.
func (g generator) cursor() string {
	return g.mostly([]string{"first", "first", "after.", "before."}, "firstx", "last", "after", "eq.5", "not.after.x", "after..") +
		g.of("", "", "abc", "0~abc", "01~", "1~~", "2~abc", "~", strings.Repeat("0", 64)+"~", strings.Repeat("1", 65)+"~x", "AAAAAAAAAAAAW10", "a'b", "%", "\x01", "$1", "é")
}

func (g generator) query(call bool) string {
	var parts []string
	if g.often(60) {
		parts = append(parts, "select="+g.selects(3, ""))
	}
	for g.often(60) {
		parts = append(parts, g.parameter(call))
	}
	if g.often(8) {
		parts = append(parts, g.of("", "", "", "films.")+"cursor="+g.cursor(), g.mostly([]string{"limit=2"}, "limit=0"))
	}
	for at, part := range parts {
		name, value, _ := strings.Cut(part, "=")
		if g.often(70) {
			parts[at] = url.QueryEscape(name) + "=" + url.QueryEscape(value)
		} else {
			parts[at] = strings.NewReplacer("%", "%25", "&", "%26", "\x00", "").Replace(name + "=" + value)
		}
	}
	return strings.Join(parts, "&")
}

func (g generator) payload() []byte {
	object := func() map[string]any {
		made := make(map[string]any)
		for range g.IntN(4) {
			key := g.mostly([]string{"id", "title", "year", "name", "director_id"}, "tags", "meta", "film_id", "stars", "a", "b", "words", "nope", `b'"\ %I $1`, "\x1f\x02", "")
			made[key] = []any{1, "x", nil, true, -1.5, "it's", []int{1}, map[string]any{"a": 1}, "{a,b}", "é", "\x01", 1e300}[g.IntN(12)]
		}
		return made
	}
	var document any = object()
	if g.often(40) {
		document = []any{object(), object()}
		if g.often(60) {
			document = []any{document.([]any)[0], document.([]any)[0]}
		}
	}
	text, err := json.Marshal(document)
	if err != nil {
		panic(err) // of what is made above, none can fail
	}
	return text
}

// intoBody moves the query into the body, or the latter part of it.
func (g generator) intoBody(r *request) {
	path, query, _ := strings.Cut(r.target, "?")
	parts := strings.Split(query, "&")
	at := 0
	if g.often(30) {
		at = g.IntN(len(parts) + 1)
	}
	r.target = path + "?" + strings.Join(parts[:at], "&")
	r.body = []byte(strings.Join(parts[at:], "&"))
	for g.often(10) {
		at = g.IntN(len(r.body) + 1)
		r.body = []byte(string(r.body[:at]) + g.of("(", "'", ",", "%", "&", "=", "\x01", "%01", "+", "\n", "order=", "select=", "#", "?", "/") + string(r.body[at:]))
	}
}

// rows makes the body of a PATCH by key.
func (g generator) rows() []byte {
	columns := []string{g.mostly([]string{"id"}, "name", "film_id", "nope"), g.of("title", "year", "name", "words", "mood", "part")}
	var rows []map[string]any
	for id := range 1 + g.IntN(4) {
		row := map[string]any{columns[1]: []any{1, "x", nil, "calm", 1990}[g.IntN(5)]}
		row[columns[0]] = []any{id, id, id, fmt.Sprint(id), 1, nil}[g.IntN(6)]
		rows = append(rows, row)
	}
	text, err := json.Marshal(rows)
	if err != nil {
		panic(err) // of what is made above, none can fail
	}
	return text
}

// generate makes the request of a number.
func generate(number uint64) request {
	g := generator{rand.New(rand.NewPCG(number, 1)), new([]string)}
	r := request{method: g.of("GET", "GET", "GET", "GET", "GET", "HEAD", "POST", "POST", "PATCH", "PATCH", "PUT", "DELETE", "OPTIONS", "QUERY", "QUERY")}
	resource := url.PathEscape(g.relation())
	call := g.often(20)
	if call {
		resource = "rpc/" + g.of("add", "films_by", "newest", "joined", "echo", "nothing", "review", "whoami", "setting")
	}
	r.target = "/" + resource + "?" + g.query(call)
	var headers []string
	add := func(name string, values ...string) {
		if g.often(25) {
			headers = append(headers, name+": "+g.of(values...))
		}
	}
	add("prefer", "count=exact", "count=planned", "count=estimated", "return=representation", "return=representation", "return=headers-only", "return=minimal",
		"resolution=merge-duplicates, return=representation", "resolution=ignore-duplicates", "missing=default", "handling=strict, max-affected=1", "handling=strict, x=y", "timezone=Europe/Vienna",
		"timeout=9s", "timeout=1min, count=exact", "handling=strict, timeout=x", "etag", "etag, return=representation, count=exact", "etag, handling=strict")
	add("accept", "text/csv", "application/x-ndjson", "application/x-ndjson, */*;q=0.1", "application/vnd.pgrst.object+json", "application/vnd.pgrst.array+json;nulls=stripped", "*/*", "image/png, */*;q=0.1", "application/vnd.pgrst.plan+json", "application/vnd.pgrst.plan; options=verbose|analyze")
	add("range", g.mostly([]string{"0-1", "0-5"}, "1-", "5-2", "x", "-1", "0-1,3-4", "items=0-1", "99999999999999999999-", "0-99999999999999999999", " 0-1", "0 - 1"))
	add("accept-profile", g.mostly([]string{"store"}, "other", "nope"))
	if g.often(25) {
		tags := g.mostly([]string{"*", "*", `"~AAAAAAAAAAAAAAAAAAAAAA.BBBBBBBBBBBBBBBBBBBBBB"`, `W/"a", "b,c"`}, "", "x", `"`, " * ", "*, *", `"'; drop table films; --"`, "$1", "{a}", `"~.é"`)
		headers = append(headers, g.of("if-match: ", "if-none-match: ")+tags)
	}
	switch r.method {
	case "POST", "PATCH", "PUT":
		r.body = g.payload()
		add("content-type", g.mostly([]string{"application/json"}, "text/csv", "application/x-www-form-urlencoded", "text/plain", "application/octet-stream", "application/x-ndjson", "application/x-ndjson; a=b", "x'y"))
		if strings.Contains(strings.Join(headers, ""), "ndjson") {
			r.body = g.lines(r.body)
		}
		if r.method == "PATCH" && g.often(30) {
			r.body = g.rows()
			headers = slices.DeleteFunc(headers, func(line string) bool { return strings.HasPrefix(line, "content-type:") })
			headers = append(headers, g.mostly([]string{rowsType}, rowsType+"; charset=utf-8", strings.ToUpper(rowsType)))
		}
		if g.often(10) {
			r.body = []byte(g.of("", "a,b\n1,2", "a=1&b=%41", "title\nx\n\"y\"", "{", "[]", "[[]]", "\xff", "a=%1F"))
		}
	}
	if r.method == "QUERY" {
		g.intoBody(&r)
		if g.often(95) {
			headers = append(headers, "content-type: "+g.mostly([]string{"application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8"}, "application/json", "x'y"))
		}
	}
	r.headers = strings.Join(headers, "\n")
	for g.often(10) { // a slip
		at := g.IntN(len(r.target))
		r.target = r.target[:at] + g.of("", "(", ")", "'", "\"", ".", ",", "%", "&", "=", "\x01", "\\", "!", ":", "-", ">", "*", "{", "+", "é", "not.", "order=", "select=") + r.target[min(at+g.IntN(3), len(r.target)):]
	}
	return r
}

// lines makes ndjson of JSON, with a slip at times.
func (g generator) lines(body []byte) []byte {
	var rows []json.RawMessage
	if json.Unmarshal(body, &rows) != nil {
		return body
	}
	var lines []byte
	for _, row := range rows {
		lines = append(append(lines, row...), g.mostly([]string{"\n", "\r\n", "\n\n"}, ",", "\n{}\n", "\n5\n", "x\n", "")...)
	}
	return lines
}

// The generator makes the same of the same number, and of each something else.
func TestGenerator(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for n := range uint64(1000) {
		made := fmt.Sprint(generate(n))
		if made != fmt.Sprint(generate(n)) {
			t.Fatalf("%d is not always %s", n, made)
		}
		seen[made] = true
	}
	if len(seen) < 900 {
		t.Errorf("only %d of 1000 requests differ", len(seen))
	}
}
