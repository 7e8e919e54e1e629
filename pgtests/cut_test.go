package pgtests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"postern/shell/cut"
)

// readers say what the parsers of sql/parse make of a request.
const readers = `
create function pg_temp.listed(tree jsonb) returns jsonb language plpgsql as $$
begin
  if tree ? 'of' then
    return tree || jsonb_build_object('of', (
      select jsonb_agg(pg_temp.listed(part) order by place) from jsonb_array_elements(tree -> 'of') with ordinality as parts(part, place)));
  elsif tree -> 'expr' ->> 'operator' = 'in' and tree -> 'expr' ->> 'value' <> chr(1) then
    return jsonb_set(tree, '{expr,value}', to_jsonb(postern.array_literal(postern.parse_list(tree -> 'expr' ->> 'value'))));
  end if;
  return tree;
end $$;
create function pg_temp.parameter(name text, value text, call boolean) returns jsonb language plpgsql as $$
declare
  word constant text := split_part(name, '.', -1);
begin
  if name in ('select', 'columns', 'on_conflict') or word in ('order', 'limit', 'offset') then
    return jsonb_build_array(value);
  elsif word in ('and', 'or') then
    return jsonb_build_array(pg_temp.listed(postern.parse_logic(word, false, value)));
  elsif name = 'cursor' and not call and postern.parse_cursor(value) <> '{}' then
    return jsonb_build_array(jsonb_build_object('expr', postern.parse_cursor(value)));
  elsif call and value !~ '^not\.'
    and not exists (select from postern.operators() as o where o.name = substring(value from '^([a-z]+)(?:\([A-Za-z0-9_]*\))?\.'))
  then
    return jsonb_build_array(value, 'argument');
  end if;
  return jsonb_build_array(pg_temp.listed(jsonb_build_object('expr', postern.parse_op_expr(value))));
end $$;
create function pg_temp.meaning(query text, call boolean) returns jsonb language plpgsql as $$
declare
  made jsonb[] := '{}';
  raw text;
  reason text;
begin
  foreach raw in array string_to_array(query, '&') loop
    if strpos(raw, '=') > 1 then
      begin
        made := array_append(made, to_jsonb(postern.query_decode(split_part(raw, '=', 1)))
          || pg_temp.parameter(postern.query_decode(split_part(raw, '=', 1)), postern.query_decode(substr(raw, strpos(raw, '=') + 1)), call));
      exception when others then
        get stacked diagnostics reason = pg_exception_detail;
        made := array_append(made, jsonb_build_array('refused', sqlstate, sqlerrm, reason));
      end;
    end if;
  end loop;
  return to_jsonb(made);
end $$;
create function pg_temp.keys(body text) returns jsonb language plpgsql as $$
declare
  document jsonb;
  lists jsonb[];
begin
  document := body::jsonb;
  if jsonb_typeof(document) = 'object' then
    return jsonb_build_object('form', '{', 'keys', array(select jsonb_object_keys(document)));
  elsif jsonb_typeof(document) = 'array' and document <> '[]' and not exists (select from jsonb_array_elements(document) as e where jsonb_typeof(e) <> 'object') then
    lists := array(select distinct to_jsonb(array(select jsonb_object_keys(e))) from jsonb_array_elements(document) as e);
    if cardinality(lists) = 1 then
      return jsonb_build_object('form', '[', 'keys', lists[1]);
    end if;
  end if;
  return '{"form": "none"}';
exception when data_exception or program_limit_exceeded or statement_too_complex then
  return '{"form": "no JSON"}';
end $$`

// readerSession is a session that has the readers.
func readerSession(t testing.TB) *pgx.Conn {
	t.Helper()
	conn := connect(t, newDatabase(t))
	execute(t, conn, readers)
	return conn
}

// A rawQuery is a raw query string of a read, or of a call of a function.
type rawQuery struct {
	text string
	call bool
}

// TestCutOperators holds the operators that the shell knows together with those of the database.
func TestCutOperators(t *testing.T) {
	t.Parallel()
	rows, err := connect(t, newDatabase(t)).Query(context.Background(), `select name,
		case when kind in ('in', 'is', 'fts') then kind when quantifiable then 'quantifiable' else '' end as kind from postern.operators()`)
	if err != nil {
		t.Fatal(err)
	}
	type operator struct{ Name, Kind string }
	inDatabase, err := pgx.CollectRows(rows, pgx.RowToStructByName[operator])
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]cut.Kind{"": cut.Plain, "quantifiable": cut.Quantified, "fts": cut.Language, "in": cut.List, "is": cut.Keyword}
	want := make(map[string]cut.Kind)
	for _, o := range inDatabase {
		want[o.Name] = kinds[o.Kind]
	}
	if got := cut.Operators(); !reflect.DeepEqual(got, want) {
		t.Errorf("the shell has %v\nthe database %v", got, want)
	}
}

// cuts checks that shape and values mean to the database what each query does, and returns how many values there were.
func cuts(t *testing.T, conn *pgx.Conn, queries ...rawQuery) (total int) {
	t.Helper()
	var texts []string
	var calls []bool
	var kept []rawQuery
	var cutOut [][]string
	for _, query := range queries {
		var values cut.Values
		shape := string(cut.AppendQuery(nil, &values, query.text, query.call))
		if !utf8.ValidString(query.text) || strings.ContainsRune(query.text, 0) {
			continue // no text that the database could be asked about
		}
		if marks := strings.Count(shape, "%01") + strings.Count(shape, "\x01"); values.Len() == 0 && marks > 0 && shape != query.text || values.Len() > 0 && marks != values.Len() {
			t.Fatalf("%q, call %v: %q has %d placeholders for %d values", query.text, query.call, shape, marks, values.Len())
		}
		var list []string
		for _, value := range values.AppendTo(nil) {
			list = append(list, string(value))
		}
		total += len(list)
		texts, calls = append(texts, escapeLonely(query.text), escapeLonely(shape)), append(calls, query.call, query.call)
		kept, cutOut = append(kept, query), append(cutOut, list)
	}
	rows, err := conn.Query(context.Background(), `select pg_temp.meaning(query, call)::text
		from unnest($1::text[], $2::boolean[]) with ordinality as queries(query, call, place) order by place`, texts, calls)
	if err != nil {
		t.Fatal(err)
	}
	meanings, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for i, query := range kept {
		var want, got any
		for made, text := range map[*any]string{&want: meanings[2*i], &got: meanings[2*i+1]} {
			if err := json.Unmarshal([]byte(text), made); err != nil {
				t.Fatal(err)
			}
		}
		rest := cutOut[i]
		if len(rest) > 0 {
			got = filled(got, &rest)
		}
		if len(rest) > 0 || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q, call %v, is cut to %q %q:\n%s\nis not\n%s", query.text, query.call, texts[2*i+1], cutOut[i], meanings[2*i+1], meanings[2*i])
		}
	}
	return total
}

// filled puts the values in place of the placeholders, in the order of the conditions.
func filled(node any, values *[]string) any {
	switch node := node.(type) {
	case string:
		if node == "\x01" && len(*values) > 0 {
			value := (*values)[0]
			*values = (*values)[1:]
			return value
		}
	case []any:
		for i, part := range node {
			node[i] = filled(part, values)
		}
	case map[string]any: // of what has a value, one thing
		for _, name := range []string{"of", "expr", "value"} {
			if part, ok := node[name]; ok {
				node[name] = filled(part, values)
			}
		}
	}
	return node
}

// escapeLonely escapes each percent sign that starts no escape: the shell takes it for itself, postern.query_decode not always.
func escapeLonely(raw string) string {
	var escaped strings.Builder
	hex := func(i int) bool { return i < len(raw) && strings.IndexByte("0123456789abcdefABCDEF", raw[i]) >= 0 }
	for i := range len(raw) {
		escaped.WriteByte(raw[i])
		if raw[i] == '%' && !(hex(i+1) && hex(i+2)) {
			escaped.WriteString("25")
		}
	}
	return escaped.String()
}

// name makes a name as it may stand in a tree, strange ones among them.
func (g generator) name() string {
	return g.mostly([]string{"a", "b", "id", "and", "or", "not", "eq", "in", "is", "a b", " a ", "a-b", "é", "$x_1", `"a"`, `"a.b"`, `"a,(b"`, `"a\"b"`, `"and"`, "data->>a", "data->a->>0", "a->-1",
		`a->"x.y"->>z`, "a->x-y", "a->x\"y", "a->0x", "a->b c", "a->[{}]", "\ta\t", "a- -b", "a->2147483647", `a->""`, "a->0-x"},
		"a-", "", "->a", "a->", "a->-b", `"`, `""`, "a->99999999999", "a->2147483648", "a->x- y", "a->-1x", "a-> ", `a->"`, "a->x-", "a->x>y", "a->0:")
}

// condition makes a condition of a tree.
func (g generator) condition() string {
	operation := g.mostly([]string{"eq.", "gt.", "neq.", "like.", "cs.", "isdistinct.", "fts.", "eq(any).", "like(all).", "fts(english).", "wfts( a ).", "plfts(any)."},
		"x.", "", ".", "not.", "eq. ", " eq.", "eq .", "EQ.", "eq(some).", "eq( any).", "eq(any.", "neq(any).", "fts().", "fts( ).", "fts(a-b).", "in.", "is.", "in(any).", "is(any).")
	value := g.of("1", "", " ", "x y", `"a,b"`, `"a)b"`, `"a\"b\\"`, `"a"b`, `"a" `, `"`, `"a`, `\`, "{1,2}", "{1", "{a{b}c}", `{"a,b"}`, "{} ", "a.b", "a(b", "eq.1", "null", "é", "%", "+&#", "\t", "%41")
	switch g.IntN(6) {
	case 0, 1:
		operation, value = "in.", g.mostly([]string{"(1,2)", "()", "( 1)", `("a,b",c)`, `("a)b")`, `(a"b,c)`, `("a"b)`, `("a" ,b)`, ` (1) `, `("a\")`, `( "a","b")`, "( \t\"x\" )", "(,)", `(\,"\\\"")`, "\t({a},b)"},
			`(`, `("a`, "", "1", "(1")
	case 2:
		operation, value = "is.", g.mostly([]string{"null", "NULL", "not_null ", `"true"`, "Unknown\t", "false"}, "nul", "nullx", "null x", "", " null", `"null `, `"n\ull"`)
	}
	not := ""
	if g.often(20) {
		not = g.mostly([]string{"not."}, "not", "not .", "not.not.")
	}
	return g.name() + g.mostly([]string{"."}, "", "..", " .", ". ") + not + operation + g.mostly([]string{value}, "{1}2", "\x01", "\x02", "\n", "\x7f", "1\x01")
}

// tree makes a logic tree, now and then a wrong one.
func (g generator) tree(depth int) string {
	blank := func() string { return g.mostly([]string{""}, " ", "\t", "  ") }
	return blank() + g.mostly([]string{"("}, "", "((") + g.many(3, ",", func() string {
		if depth > 0 && g.often(30) {
			return blank() + g.of("", "not.", "not .", " not. ") + g.mostly([]string{"and", "or", "and ", " or", "and\t"}, "x", "\tand") + g.tree(depth-1)
		}
		return blank() + g.condition() + blank()
	}) + g.mostly([]string{")"}, "", "))", ",)", ")x")
}

// raw makes a raw query string with a bit of everything in it.
func (g generator) raw() string {
	query := g.many(4, "&", func() string {
		var name, value string
		switch g.IntN(10) {
		case 0:
			return g.query(true)
		case 1, 2, 3:
			name, value = g.of("and", "or", "not.and", "not.or", "x.or", `"a.b".and`), g.tree(2)
		case 4:
			name, value = g.of("limit", "offset", "x.limit", "y.offset"), g.of("5", "1000", "123456789012345678", "1234567890123456789", "-1", "", "1.5", "01000", "1 ")
		case 5:
			name, value = g.of("select", "order", "x.order", "columns", "on_conflict", "x.select"), g.mostly([]string{"a,b", "eq.1", "", "a.desc"}, "%01")
			if g.often(30) {
				name, value = g.mostly([]string{"cursor"}, "x.cursor", `"cursor"`, "Cursor"), g.cursor()
			}
		default:
			_, value, _ = strings.Cut(g.condition(), ".")
			name, value = g.name(), g.mostly([]string{value, value}, g.value())
		}
		switch g.IntN(3) {
		case 0:
			encode := func(text string) string { // more than must be
				var encoded strings.Builder
				for i := range len(text) {
					if g.often(30) || strings.IndexByte("%+&=# ", text[i]) >= 0 || text[i] < ' ' {
						fmt.Fprintf(&encoded, "%%%02x", text[i])
					} else {
						encoded.WriteByte(text[i])
					}
				}
				return encoded.String()
			}
			return encode(name) + "=" + encode(value)
		case 1:
			return name + "=" + strings.NewReplacer("%", "%25", "+", "%2B", "&", "%26", "\x01", "%01").Replace(value)
		}
		return name + "=" + strings.NewReplacer(" ", "+").Replace(value)
	})
	for g.often(15) { // a slip
		at := g.IntN(len(query) + 1)
		query = query[:at] + g.of("", "(", ")", "\"", ".", ",", "%", "&", "=", "\x01", "%01", "\\", "-", ">", "{", "}", "+", "é", "not.", "%00", "%ff", "%c3", "\t", "%4", string(rune(g.IntN(256)))) +
			query[min(at+g.IntN(3), len(query)):]
	}
	return query
}

func newGenerator(number uint64) generator {
	return generator{rand.New(rand.NewPCG(number, 2)), new([]string)}
}

// TestCut puts queries that follow the grammar, more or less, into shape and values and back.
func TestCut(t *testing.T) {
	t.Parallel()
	conn := readerSession(t)
	values := 0
	for batch := range uint64(12) {
		var queries []rawQuery
		for n := range uint64(250) {
			g := newGenerator(1000*batch + n)
			queries = append(queries, rawQuery{g.raw(), g.often(30)})
		}
		values += cuts(t, conn, queries...)
	}
	if values < 3500 {
		t.Errorf("only %d values were cut out of 3000 queries", values)
	}
}

// FuzzCut is TestCut for any query.
func FuzzCut(f *testing.F) {
	conn := readerSession(f)
	for _, r := range corpus {
		_, query, _ := strings.Cut(r.target, "?")
		f.Add(query, strings.HasPrefix(r.target, "/rpc/"))
	}
	for n := range uint64(100) {
		g := newGenerator(n)
		f.Add(g.raw(), g.often(30))
	}
	f.Fuzz(func(t *testing.T, query string, call bool) { cuts(t, conn, rawQuery{query, call}) })
}

// describes checks that the keys of each body that is JSON are those which PostgreSQL sees, and returns how many had any.
func describes(t *testing.T, conn *pgx.Conn, bodies ...[]byte) (described int) {
	t.Helper()
	var texts, made []string
	for _, body := range bodies {
		keys, ok := cut.AppendPayload(nil, body, false)
		if !ok || bytes.IndexByte(body, 0) >= 0 {
			continue
		}
		texts, made = append(texts, string(body)), append(made, string(keys))
	}
	rows, err := conn.Query(context.Background(), `select pg_temp.keys(body)::text from unnest($1::text[]) with ordinality as bodies(body, place) order by place`, texts)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		var want, got any
		for made, text := range map[*any]string{&want: seen[i], &got: made[i]} {
			if err := json.Unmarshal([]byte(text), made); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
		if want.(map[string]any)["form"] == "no JSON" {
			continue
		}
		described++
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %s is not %s", text, made[i], seen[i])
		}
	}
	return described
}

// document makes a JSON body, with strange blanks, keys and values, and slips.
func (g generator) document() []byte {
	blank := func() string { return g.of("", "", "", " ", "\n", "\t \r") }
	keys := []string{"a", "b", "aa", "é", "", "a b", "{", "],", "id"}[:1+g.IntN(9)]
	object := func() string {
		g.Shuffle(len(keys), func(i, j int) {
			if g.often(20) {
				keys[i], keys[j] = keys[j], keys[i]
			}
		})
		var members []string
		for _, key := range keys {
			if g.often(2) {
				key = keys[0]
			}
			members = append(members, blank()+`"`+key+`"`+blank()+":"+blank()+
				g.of("1", "-2.5e3", "null", "true", `""`, `"x\"}"`, `"\\"`, `"é,"`, `{"a":[1,"]"]}`, "[]", `["\\\"",{}]`, `"\u0041"`)+blank())
		}
		return blank() + "{" + strings.Join(members, ",") + "}" + blank()
	}
	text := object()
	if g.often(70) {
		text = "[" + g.many(4, ",", object) + "]"
	}
	for g.often(15) {
		at := g.IntN(len(text) + 1)
		text = text[:at] + g.of("", "\"", ",", "{", "}", "[", "]", ":", "\\", " ", "\\u0061", "x", "\x01", "\xff", `"a":1,`) + text[min(at+g.IntN(3), len(text)):]
	}
	return []byte(text)
}

// TestCutBody compares the keys of generated bodies.
func TestCutBody(t *testing.T) {
	t.Parallel()
	var bodies [][]byte
	for n := range uint64(5000) {
		bodies = append(bodies, newGenerator(n).document())
	}
	if described := describes(t, readerSession(t), bodies...); described < 3000 {
		t.Errorf("only %d of 5000 bodies are described", described)
	}
}

// FuzzCutBody is TestCutBody for any body.
func FuzzCutBody(f *testing.F) {
	conn := readerSession(f)
	for _, r := range corpus {
		f.Add(r.body)
	}
	for n := range uint64(100) {
		f.Add(newGenerator(n).document())
	}
	f.Fuzz(func(t *testing.T, body []byte) { describes(t, conn, body) })
}
