package pgtests

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// request is what a fuzz test varies.
type request struct {
	method, target, headers string // headers: lines of name: value
	body                    []byte
}

// corpus are requests of every kind, and attacks: a client's text in each place that reaches SQL.
var corpus = []request{
	{"GET", "/films?select=id,title&id=eq.1&order=title.desc.nullslast,id&limit=3&offset=1", "", nil},
	{"GET", "/films?select=id,...directors(by:name),actors(name,parts(part))&actors.order=name&actors.limit=1", "prefer: count=exact", nil},
	{"GET", "/directors?select=name,films!inner(id,reviews(stars))&films.year=gt.1950&films.reviews=not.is.null", "prefer: count=estimated", nil},
	{"GET", "/films?or=(id.eq.1,and(year.gt.1980,not.or(title.ilike.*a*,tags.cs.{a,b})),id.in.(1,\"2\"))", "range: 0-1", nil},
	{"GET", "/films?select=year,count(),id.sum()::text&order=year", "accept: text/csv", nil},
	{"GET", "/films?select=id,title,directors(name,films(meta))&year=gt.1900&order=id.desc&limit=3", "accept: application/x-ndjson\nprefer: count=exact", nil},
	{"GET", "/films?title=like.*a*&offset=1", "accept: application/x-ndjson\nprefer: count=planned", nil},
	{"POST", "/rpc/films_by?select=id,reviews(*)&order=id", "accept: application/x-ndjson", []byte(`{"director": 1}`)},
	{"GET", "/films?select=year,n:count(),kinds:mood.count(distinct)&n=gt.0&or=(n.lt.9,year.eq.1985)&order=n.desc,year&limit=2", "prefer: count=exact", nil},
	{"GET", "/films?director_id=eq.1&title=lte.M&select=id&limit=1", "prefer: count=planned", nil},
	{"GET", "/films?director_id=eq.1&title=lte.M&limit=1", "accept: application/vnd.pgrst.plan+json", nil},
	{"GET", "/directors?select=name,films!inner(mood,newest:year.max())&films.newest=gte.1985&films.order=newest", "prefer: count=planned", nil},
	{"GET", "/films?select=distinct(),year,...directors(by:name)&order=year", "range: 0-1", nil},
	{"GET", "/films?select=year,n:count()&n=gt.0);drop table films;--&order=n'", "", nil},
	{"GET", "/films?select=meta->cast->>0,x:meta->length&meta->length=gt.10", "accept: application/vnd.pgrst.object+json", nil},
	{"GET", "/prizes?select=*,winner:films!prizes_winner(*),second:films!second_id(title)", "accept-profile: store", nil},
	{"HEAD", "/recent_films?select=title,directors(name)", "", nil},
	{"GET", "/rpc/add?a=1&b=2", "", nil},
	{"GET", "/rpc/films_by?director=1&title=like.V*&select=id,reviews(*)&order=id", "prefer: count=planned", nil},
	{"GET", "/rpc/joined?words=a&words=b", "", nil},
	{"POST", "/rpc/add", "", []byte(`{"a": 1, "b": 2}`)},
	{"POST", "/rpc/echo", "", []byte(`[1, {"x": null}]`)},
	{"POST", "/rpc/add", "content-type: application/x-www-form-urlencoded", []byte("a=1&b=2")},
	{"POST", "/films?select=id,directors(name)", "prefer: return=representation, missing=default", []byte(`[{"title": "a"}, {"title": "b"}]`)},
	{"POST", "/films?columns=title,year&on_conflict=id", "prefer: resolution=merge-duplicates, return=headers-only", []byte(`{"title": "a", "year": 1990}`)},
	{"POST", "/films", "content-type: text/csv", []byte("title,year\na,1990\n\"b \"\"c\"\"\",NULL")},
	{"PATCH", "/films?id=eq.1&select=title,actors(*)", "prefer: return=representation, handling=strict, max-affected=1", []byte(`{"title": "a", "meta": {"a": [1]}}`)},
	{"PUT", "/films?id=eq.900", "prefer: return=representation", []byte(`{"id": 900, "title": "a"}`)},
	{"DELETE", "/films?id=eq.5&select=title", "prefer: return=representation", nil},
	{"PATCH", "/films?select=id,title&year=gt.1900", "prefer: return=representation\n" + rowsType, []byte(`[{"id": 1, "title": "a"}, {"title": "b", "id": 2}]`)},
	{"PATCH", "/directors?on_conflict=name&select=id,born", "prefer: return=representation, count=exact\n" + rowsType, []byte(`[{"name": "Nobody", "born": "2000-01-01"}, {"name": "x", "born": null}]`)},
	{"PATCH", "/parts?columns=film_id,actor_id,part&select=part,films(title)", "prefer: return=representation, missing=default\n" + rowsType, []byte(`[{"film_id": 1, "actor_id": 1, "part": "p"}, {"film_id": 3, "actor_id": 2}]`)},
	{"PATCH", "/films", rowsType, []byte(`[{"id": 1, "title": "a"}, {"id": 1, "title": "b"}]`)},
	{"PATCH", "/films?columns=id,title", rowsType, []byte(`[{"id": 1, "title": "a"}, {"title": "b"}]`)},
	{"PATCH", "/films", rowsType, []byte(`{"id": 1, "title": "a"}`)},
	{"PATCH", "/films?on_conflict=id);drop table films;--,title", rowsType, []byte(`[{"id'\"\\$1%s": 1, "id": 1}]`)},
	{"POST", "/films", rowsType, []byte(`[{"title": "a"}]`)},
	{"DELETE", "/reviews?select=id,films!inner(title,directors(name))&films.year=gt.1980&films.directors=not.is.null&films=not.is.null", "prefer: return=representation", nil},
	{"PATCH", "/films?select=id,actors(name),x:directors()&actors.or=(name.like.T*,id.eq.9)&or=(actors.is.null,and(x.not.is.null,id.gt.1))", "prefer: return=representation", []byte(`{"title": "a"}`)},
	{"OPTIONS", "/films", "", nil},
	{"GET", "/", "", nil},
	{"GET", "/films", "accept: application/vnd.pgrst.plan+json; for=\"text/csv\"; options=verbose|settings", nil},
	{"GET", "/odd%20%22name%22%3B%20drop%20table%20films--%25s%20%7B%7D?select=*&b'%22%5C%20%25I%20%241=eq.x", "", nil},
	// I1: names of relations, functions and schemas.
	{"GET", "/films%22%20where%20(select%201%20from%20pg_sleep(5))=1)%20s--", "", nil},
	{"GET", "/films';drop%20table%20films;--", "", nil},
	{"GET", "/films%5C%22", "", nil},
	{"GET", "/pg_catalog.pg_authid", "", nil},
	{"POST", "/rpc/add\");drop%20table%20films;--", "", []byte(`{}`)},
	{"GET", "/films", "accept-profile: store\"; drop schema store cascade; --", nil},
	{"POST", "/films", "content-profile: pg_catalog", []byte(`{}`)},
	// I2: select.
	{"GET", "/films?select=id::text);drop table films;--", "", nil},
	{"GET", "/films?select=id::int[],year::double precision,id::regclass", "", nil},
	{"GET", "/films?select=x'\"%s$1:id,\"a\"\"b\":title", "", nil},
	{"GET", "/films?select=meta->'a'->>b,meta->>'a''%20or%20true--',meta->-1,meta->99999999999", "", nil},
	{"GET", "/films?select=directors!inner!fk\"');select(name)", "", nil},
	{"GET", "/films?select=...directors(name),...reviews(stars.sum())", "", nil},
	{"GET", "/films?select=id.avg()::text;select%201,pg_sleep(1),count", "", nil},
	{"GET", "/films?select=pg_typeof,row_to_json,shouted,same_year,json_agg", "", nil},
	{"GET", "/films?select=" + strings.Repeat("directors(films(", 8) + "id" + strings.Repeat("))", 8), "", nil},
	{"GET", "/films?select=" + strings.Repeat("a(", 500), "", nil},
	{"GET", "/films?select=" + strings.Repeat("id,", 1700) + "id", "", nil},
	// I3: filters.
	{"GET", "/films?id=eq.1;drop%20table%20films", "", nil},
	{"GET", "/films?title=eq.'%20or%20''='&title=like.%25'%20--&title=not.eq.\\", "", nil},
	{"GET", "/films?id%20or%201=1--=eq.1&\"id\"=eq.1&id)=eq.1", "", nil},
	{"GET", "/films?title=fts(english').x&title=wfts(pg_catalog.simple).\"a b\" -c&title=plfts.a&title=phfts(nosuch).a", "", nil},
	{"GET", "/films?title=fts.a b", "", nil},
	{"GET", "/films?id=eq(any).{1,2}&id=eq(all).{1)};--&id=gt(any).x", "", nil},
	{"GET", "/films?year=is.null;--&year=is.TRUE&year=is.not_null&year=is.unknown", "", nil},
	{"GET", "/films?title=in.(\"a\\\"b\",\"c,d\",'e',f)&title=in.(\"&id=in.(1,2", "", nil},
	{"GET", "/films?tags=cs.{\"a\",b'}&tags=cd.{{a}}&meta=cs.{\"a\":\"'\"}&tags=ov.[1,2)", "", nil},
	{"GET", "/films?and=(((((id.eq.1)))))&or=(id.eq.1)or(1=1)&not.and=(id.eq.\"1),(title.eq.'--\")", "", nil},
	{"GET", "/films?or=(" + strings.Repeat("and(or(", 300), "", nil},
	{"GET", "/films?or=(" + strings.Repeat("id.eq.1,", 300) + "id.eq.2)", "", nil},
	{"GET", "/films?id=in.(" + strings.Repeat("1,", 2000) + "1)", "", nil},
	{"GET", "/films?title=match.(((((a*)*)*)*)*b&title=imatch.[", "", nil},
	// I4: order and page.
	{"GET", "/films?order=id;drop table films,title.desc.nullslast--,meta->>'a'.asc,directors(name).desc", "", nil},
	{"GET", "/films?order=like.desc&select=eq.id&order=eq.1", "", nil},
	{"GET", "/films?limit=-1&offset=-5", "", nil},
	{"GET", "/films?limit=1e3&offset=0x10&limit=99999999999999999999&directors.limit=1", "range: 99999999999999999999-", nil},
	{"GET", "/films?limit=1%3B select 1", "range: 5-1", nil},
	{"GET", "/films?limit=9223372036854775807&offset=9223372036854775807", "range: 999999999999999999-999999999999999999", nil},
	// I5: columns, on_conflict, keys.
	{"POST", "/films?columns=title,\"a\"\"b\",x)%20select%201--", "", []byte(`{"title": "a"}`)},
	{"POST", "/films?on_conflict=id);drop table films;--,title", "prefer: resolution=merge-duplicates", []byte(`{"title": "a"}`)},
	{"POST", "/films", "", []byte(`{"title'\"\\$1%s\u0001\u001f": 1, "` + strings.Repeat("k", 10000) + `": 2}`)},
	{"POST", "/films", "", []byte("{\"title\": \"a\\u0000b\"}")},
	{"PATCH", "/films?id=eq.1", "", []byte("\x1f\x02json\x1e\x1e{[]")},
	{"PATCH", "/films?columns=title&id=eq.1", "", []byte("\x1f")},
	{"POST", "/films?columns=title", "", []byte("\x01[{}]")},
	{"POST", "/rpc/add", "content-type: application/x-www-form-urlencoded", []byte("a%1F%02range%1E%1E=1&%02json=2&a%1F=3")},
	// I6: preferences.
	{"GET", "/films", "prefer: timezone='; drop table films; --, count=exact; max-affected=1", nil},
	{"GET", "/films", "prefer: timezone=Nowhere/At All, handling=strict", nil},
	{"DELETE", "/films?id=eq.1", "prefer: max-affected=99999999999999999999, handling=strict, tx=rollback", nil},
	{"PATCH", "/films?id=eq.1", "prefer: max-affected=-1, handling=strict", []byte(`{"year": 1999}`)},
	// I7: arguments.
	{"GET", "/rpc/add?a=1&\"b\"=2&b);drop=1", "", nil},
	{"GET", "/rpc/joined?words=a'&words={\"b\"}&variadic=c", "", nil},
	{"POST", "/rpc/joined", "", []byte(`{"words": "no array"}`)},
	{"POST", "/rpc/raising", "", []byte(`{"state": "XX999", "message": "100%s", "detail": "{\"", "hint": "\\"}`)},
	{"POST", "/rpc/raising", "", []byte(`{"state": "PGRST", "message": "{\"code\":\"a\",\"message\":\"b\"}", "detail": "{\"status\": 99999999999, \"headers\": {}}"}`)},
	{"POST", "/rpc/raising", "", []byte(`{"state": "PNERR", "message": "forged", "detail": "no json"}`)},
	{"POST", "/rpc/raising", "", []byte(`{"state": "PNRBK"}`)},
	{"POST", "/rpc/raising", "", []byte(`{"state": "26000"}`)},
	{"POST", "/rpc/own_answer", "", []byte(`{"status": "99999999999999999999", "headers": "[{\"A\": \"b\\u0000\"}]"}`)},
	// I8, I9: media types and forms.
	{"POST", "/films", "content-type: text/csv", []byte("title\",\"x'\n1,2\n\"unclosed")},
	{"POST", "/films", "content-type: application/json; charset='; drop", []byte(`[]`)},
	{"POST", "/films", "content-type: application/x-ndjson\nprefer: count=exact", []byte("{\"title\": \"a\", \"year\": 1990}\n\n{\"title\": \"'; drop\", \"year\": null}\n")},
	{"POST", "/films", "content-type: application/x-ndjson", []byte("{\"title\": \"a\", \"year\": 1990}\n{\"title\": \"b\", \"year\": \"x'\"}\n{\"title\": null, \"year\": 1}")},
	{"POST", "/films", "content-type: application/x-ndjson", []byte("{\"title\": \"a\"}\n{\"title\\\": drop\": \"b\"}")},
	{"POST", "/films?columns=title,year", "content-type: application/x-ndjson; x=y\nprefer: missing=default", []byte("{\"title\": \"a\"}\n{\"x\": 1}")},
	{"POST", "/films", "content-type: application/x-ndjson\nprefer: return=representation", []byte("{\"title\": \"a\"}")},
	{"POST", "/films", "content-type: application/x-ndjson", []byte("\xff")},
	{"POST", "/staff", "content-type: application/x-ndjson", []byte("{\"id\": 81, \"boss_id\": 82}\n{\"id\": 82, \"boss_id\": 81}\n\n{\"id\": 83, \"boss_id\": -1}")},
	{"POST", "/staff", "content-type: application/x-ndjson\nprefer: resolution=merge-duplicates", []byte("{\"id\": 81}\n{\"id\": 82}\n{\"id\": 81}\n{\"id\": 82}")},
	{"POST", "/late", "content-type: application/x-ndjson", []byte("{\"id\": 81, \"parent_id\": 99}\n{\"id\": 82, \"parent_id\": 81}")},
	{"POST", "/films", "content-type: application/x-ndjson", []byte("{\"title\":1},{\"title\":2}\n[\n1]")},
	{"PATCH", "/films?id=eq.1", "content-type: application/x-ndjson", []byte("{\"title\": \"a\"}")},
	{"POST", "/rpc/echo", "content-type: application/x-ndjson", []byte("{\"a\": 1}")},
	{"GET", "/films", "accept: application/vnd.pgrst.plan; options=analyze|verbose); drop table films; --", nil},
	{"GET", "/films", "accept: text/x'); drop table films;--, */*;q=x", nil},
	{"GET", "/films", "accept: application/vnd.pgrst.plan; for=\"application/vnd.pgrst.plan\"; options=wal|nothing", nil},
	// I12: formats.
	{"GET", "/%25s%25I%25L?%25n$s=eq.%25&select=%25I", "", nil},
	// Encodings.
	{"GET", "/films?title=eq.%F0%9F%98%80%C3%A4&title=eq.%ff&a=%", "", nil},
	{"GET", "/films?title=eq.%01%02%1E%1F&%02range=1", "", nil},
	{"GET", "/films?id=eq.1&select=title,directors(name)", "prefer: etag", nil},
	{"HEAD", "/films?order=id", "prefer: etag, count=exact\nrange: 0-1", nil},
	{"GET", "/films?id=eq.1", "if-none-match: *", nil},
	{"GET", "/films?id=eq.%01", "if-none-match: W/\"~'; drop table films; --.\", \"$1\"\nif-match: *", nil},
	{"PATCH", "/films?id=eq.1&select=id", "if-match: *\nprefer: return=representation, etag", []byte(`{"title":"x"}`)},
	{"PATCH", "/films?id=eq.1", "if-match: \"'; drop table films; --\", \"~AAAAAAAAAAAAAAAAAAAAAA.\"", []byte(`{"title":"x"}`)},
	{"PATCH", "/recent_films?id=eq.1", "if-match: *\nprefer: return=headers-only", []byte(`{"title":"x"}`)},
	{"PUT", "/directors?id=eq.1", "if-none-match: *", []byte(`{"id":1,"name":"x"}`)},
	{"PUT", "/directors?id=eq.1", "if-match: *", []byte(`{"id":1,"name":"x"}`)},
	{"DELETE", "/reviews?id=eq.1", "if-match: \"a\", *", nil},
	{"DELETE", "/films", "if-match: *", nil},
	{"POST", "/directors", "if-match: *", []byte(`{"id":1,"name":"x"}`)},
	{"GET", "/films?&&=&a&=b&%=", "", nil},
	{"PURGE", "//films/../x", "", nil},
	// QUERY, whose body may have any byte.
	{"QUERY", "/films?select=id,title", "content-type: application/x-www-form-urlencoded", []byte("id=in.(1,2,\"3\")&order=title")},
	{"QUERY", "/films", "content-type: application/x-www-form-urlencoded; charset=utf-8\nprefer: count=exact, timeout=9s", []byte("or=(id.eq.1,title.eq.\"x,y\")&limit=2")},
	{"QUERY", "/rpc/films_by?director=1", "content-type: application/x-www-form-urlencoded", []byte("title=like.V*&select=id")},
	{"QUERY", "/films?id=eq.1", "content-type: application/x-www-form-urlencoded", []byte("title=eq.%01&id=eq.\x01&year=eq.$3&title=eq.';drop table films;--")},
	{"QUERY", "/films?id=eq.%01", "content-type: application/x-www-form-urlencoded", []byte("id=eq.1&select=id::text);drop table films;--")},
	{"QUERY", "/films", "content-type: application/x-www-form-urlencoded", []byte("id=in.(" + strings.Repeat("1,", 2000) + "1)&title=eq.a\r\nb#?/\x7f")},
	{"QUERY", "/films?id=eq.1", "content-type: application/json", []byte(`{"id": 1}`)},
	{"QUERY", "/films?id=eq.1", "", []byte("id=eq.1")},
	{"GET", "/films?select=id&ID=eq.1&id.eq.1", "range: \x7f", nil},
}

// rowsType is the header of a body of rows for a PATCH.
const rowsType = "content-type: application/vnd.postern.rows+json"

// json returns the request as postern.handle takes it; false if no client can send it.
func (r request) json() (string, bool) {
	if !utf8.ValidString(r.method+r.target+r.headers) || strings.ContainsRune(r.method+r.target+r.headers, 0) {
		return "", false
	}
	path, query, _ := strings.Cut(r.target, "?")
	headers := make(map[string]string)
	for line := range strings.SplitSeq(r.headers, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			headers[strings.ToLower(name)] = value
		}
	}
	text, err := json.Marshal(map[string]any{"method": r.method, "path": path, "query": query, "headers": headers, "settings": json.RawMessage(storeSettings)})
	return string(text), err == nil
}

// casts reports whether a request has a cast, which may be to words that make no type: a syntax error, as PostgREST has it.
func (r request) casts() bool {
	target, err := url.QueryUnescape(r.target)
	return err != nil && strings.Contains(r.target, "::") || strings.Contains(target, "::")
}

func seed(f *testing.F) {
	for _, r := range corpus {
		f.Add(r.method, r.target, r.headers, r.body)
	}
}

// ask sends a request in a transaction of its own that is rolled back, as a role that owns nothing.
func ask(conn *pgx.Conn, text string, body []byte) (status int, headers [][]string, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	transaction, err := conn.Begin(ctx)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { err = errors.Join(err, transaction.Rollback(ctx)) }()
	err = transaction.QueryRow(ctx, `select (made).status, (made).headers, (made).body from (
		select postern.handle($1, $2) as made
		where set_config('role', 'store_clerk', true) || set_config('search_path', 'store, public', true) is not null offset 0) as answers`,
		text, body).Scan(&status, &headers, &answer)
	return status, headers, answer, err
}

// fuzzSession is a session for requests, as a role that owns nothing.
func fuzzSession(t testing.TB) *pgx.Conn {
	t.Helper()
	conn := connect(t, newDatabase(t))
	execute(t, conn, "set statement_timeout = '10s'")
	return conn
}

// FuzzHandle: whatever a client sends gets a proper answer, and no error that means a broken statement.
func FuzzHandle(f *testing.F) {
	conn := fuzzSession(f)
	seed(f)
	f.Fuzz(func(t *testing.T, method, target, headers string, body []byte) {
		handles(t, conn, request{method, target, headers, body})
	})
}

// FuzzHandleGrammar is FuzzHandle with requests that are nearly right, made from a number.
func FuzzHandleGrammar(f *testing.F) {
	conn := fuzzSession(f)
	for n := range uint64(400) {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, number uint64) { handles(t, conn, generate(number)) })
}

// handles has a request answered twice: by rows that are gathered as text where they may be, and by others.
func handles(t *testing.T, conn *pgx.Conn, r request) {
	t.Helper()
	text, ok := r.json()
	if !ok {
		t.Skip()
	}
	first := ""
	for time, text := range []string{text, strings.TrimSuffix(text, "}") + `,"escapes":true}`} {
		status, fields, answer, err := ask(conn, text, r.body)
		if err != nil {
			t.Fatalf("%s\nwith %q\nraises %v", text, r.body, err)
		}
		if problem := wrong(status, fields, answer); problem != "" && !(problem == "syntax error" && r.casts()) {
			t.Fatalf("%s\nwith %q: %s\nin %d %q %.2000s", text, r.body, problem, status, fields, answer)
		}
		if problem := wrongRefusal(r, status, answer); problem != "" {
			t.Fatalf("%s: %s\nin %d %.2000s", text, problem, status, answer)
		}
		got := fmt.Sprint(status)
		if r.method == "GET" && !bytes.Contains(answer, []byte("Cost")) && !bytes.Contains(answer, []byte("cost=")) { // an execution plan may change
			sorted := slices.Clone(answer) // so may the order of rows
			slices.Sort(sorted)
			got = fmt.Sprintf("%d %s", status, sorted)
		}
		if time == 0 {
			first = got
		} else if got != first {
			t.Fatalf("%s\nwith %q: first %s, then %s %.2000s", text, r.body, first, got, answer)
		}
	}
}

// broken are SQLSTATEs that only a statement of ours can cause.
var broken = map[string]string{
	"42601": "syntax error", "42P18": "a parameter without a type", "42702": "an ambiguous column", "42712": "an alias twice", "42P02": "no such parameter",
	"42P05": "a prepared statement twice", "26000": "no such prepared statement", "08P01": "wrong number of parameters", "XX000": "internal error",
	"P0003": "more rows than one", "2F005": "no RETURN", "PNERR": "an error of ours", "PNRBK": "a signal of ours",
}

// wrong says what is wrong with an answer.
func wrong(status int, headers [][]string, body []byte) string {
	if status < 100 || status > 599 {
		return "no status"
	}
	kind := ""
	for _, field := range headers {
		if len(field) != 2 || strings.ContainsAny(field[0]+field[1], "\r\n\x00") {
			return fmt.Sprintf("header %q", field)
		}
		if strings.EqualFold(field[0], "Content-Type") {
			kind = field[1]
		}
	}
	if len(body) == 0 {
		return ""
	}
	media, _, _ := strings.Cut(kind, ";")
	if media == "application/x-ndjson" {
		body = arrayOf(body)
	}
	if strings.HasSuffix(media, "json") && !json.Valid(body) {
		return "not JSON"
	}
	if status < 300 || !strings.HasPrefix(kind, "application/json") {
		return ""
	}
	var failure struct{ Code, Message string }
	if err := json.Unmarshal(body, &failure); err != nil {
		return err.Error()
	}
	if what, ours := broken[failure.Code]; ours && !allowed(failure.Code, failure.Message) {
		return what
	}
	return ""
}

// position is how a parser says where it stopped; a text over its limit has none.
var position = regexp.MustCompile(`^(?:The (?:query string|URL) |A parameter of the query string has no name$|Malformed percent-encoding|Cannot read the [a-z ]+ \((?:line 1, column [0-9]+|(?:longer|more) than [0-9]+ [a-z]+)\)$)`)

// wrongRefusal says what is wrong with an error that a read of a relation ends in: it is never the server's fault, and where
// the request does not parse it says where and what was expected.
func wrongRefusal(r request, status int, body []byte) string {
	path, _, _ := strings.Cut(r.target, "?")
	var failure struct{ Code, Message, Details string }
	if r.method != "GET" || strings.HasPrefix(path, "/rpc/") || status < 400 || json.Unmarshal(body, &failure) != nil {
		return ""
	}
	switch {
	case status >= 500 && failure.Code != "57014": // statement_timeout
		return "the server's fault"
	case failure.Code == "PGRST100" && !position.MatchString(failure.Message):
		return "no position"
	case failure.Code == "PGRST100" && strings.HasPrefix(failure.Message, "Cannot read") && !strings.Contains(failure.Details, "expected "):
		return "nothing expected"
	}
	return ""
}

// allowed tells the errors among the broken ones that a client's own value, or a function of the store, causes.
func allowed(code, message string) bool {
	switch code {
	case "42712":
		return strings.HasPrefix(message, "two embeds")
	case "42702": // by postern.check_spread
		return strings.HasPrefix(message, "two columns")
	case "42601":
		return strings.Contains(message, "tsquery")
	case "26000", "PNERR", "PNRBK": // by store.raising
		return message == "raised" || message == "forged"
	}
	return false
}

// A transaction that has failed before postern.handle is called is not its fault: this checks that ask tells.
func TestAskTellsErrors(t *testing.T) {
	t.Parallel()
	conn := connect(t, newDatabase(t))
	var failed *pgconn.PgError
	if _, _, _, err := ask(conn, "no json", nil); !errors.As(err, &failed) || failed.Code != "22P02" {
		t.Errorf("%v", err)
	}
	for _, bad := range []struct {
		status  int
		headers [][]string
		body    string
	}{
		{0, nil, ""}, {600, nil, ""}, {200, [][]string{{"a", "b\r\n"}}, ""}, {200, [][]string{{"Content-Type", "application/json"}}, "{"},
		{400, [][]string{{"Content-Type", "application/json"}}, `{"code":"XX000"}`}, {400, [][]string{{"Content-Type", "application/json"}}, `[]`},
	} {
		if wrong(bad.status, bad.headers, []byte(bad.body)) == "" {
			t.Errorf("%v is accepted", bad)
		}
	}
	if problem := wrong(200, [][]string{{"Content-Type", "application/json"}}, []byte("[]")); problem != "" {
		t.Error(problem)
	}
}
