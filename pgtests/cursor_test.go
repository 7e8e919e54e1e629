package pgtests

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// A sortable is a type of a column with values, as literals, in which ties are likely.
type sortable struct {
	name   string
	values []string
}

var sortables = []sortable{
	{"int", []string{"-1", "0", "1", "2147483647"}},
	{"bigint", []string{"-9223372036854775808", "0", "5"}},
	{"numeric", []string{"1.10", "1.1", "-0.5", "NaN", "1e30"}},
	{"float8", []string{"0.1", "0.30000000000000004", "NaN", "-Infinity", "-0", "0"}},
	{"real", []string{"0.1", "16777217", "1e-40"}},
	{"text", []string{"", "a", "A", "ä", "a b", `\`, "'", `"`, "z\nz", "1~", "null", "}"}},
	{`text collate "C"`, []string{"a", "B", "b", "é"}},
	{"varchar(3)", []string{"abc", "ab", "a", ""}},
	{"char(4)", []string{"a", "ab", "a b"}},
	{`"char"`, []string{"a", "b"}},
	{"name", []string{"a", "b", "A"}},
	{"boolean", []string{"true", "false"}},
	{"timestamptz", []string{"2020-01-01 00:00:00.000001+00", "2020-01-01 00:00:00.000002+00", "infinity", "-infinity", "1890-01-01 12:00+00", "0044-03-15 BC"}},
	{"timestamp", []string{"2020-02-03 04:05:06.7", "2020-03-02 04:05:06.7"}},
	{"date", []string{"2020-02-03", "2020-03-02", "infinity"}},
	{"time", []string{"00:00", "24:00", "12:00:00.000001"}},
	{"timetz", []string{"12:00+02", "12:00-02"}},
	{"interval", []string{"1 day", "24 hours", "-1 day +2 hours", "1 mon", "-1 mon -1 day"}},
	{"uuid", []string{"00000000-0000-0000-0000-000000000001", "ffffffff-0000-0000-0000-000000000001"}},
	{"bytea", []string{`\x`, `\x00ff`, `\x61`}},
	{"bit(3)", []string{"000", "101", "111"}},
	{"varbit", []string{"", "1", "101"}},
	{"inet", []string{"10.0.0.1", "10.0.0.0/8", "::1"}},
	{"int[]", []string{"{}", "{1,NULL}", "{1,2}"}},
	{"float8[]", []string{"{0.30000000000000004,NaN}", "{0.1}"}},
	{"text[]", []string{`{"a,b","\"",NULL}`, "{}", `{""}`}},
	{"int4range", []string{"empty", "[1,5)", "(,)"}},
	{"jsonb", []string{`{"a":1}`, `"x"`, "[1,null]", "null"}},
	{"money", []string{"1.5", "-2"}},
	{"walk.mood", []string{"calm", "tense", `it's "odd"`}},
	{"walk.small", []string{"1", "2", "3"}},
	{"walk.feeling", []string{"calm", "tense"}},
	{"walk.pair", []string{`(1,"a b")`, "(1,)", "(,x)"}},
	{"walk.folded", []string{"a", "A", "b", "B"}},
}

const walkSetup = `
create schema walk;
create collation walk.folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create type walk.mood as enum ('calm', 'tense', 'it''s "odd"');
create domain walk.feeling as walk.mood;
create domain walk.small as int check (value < 9);
create domain walk.folded as text collate walk.folding;
create type walk.pair as (a int, b text);`

// A walk is a table, an order of its rows, and the requests that go through it.
type walk struct {
	*testing.T
	*rand.Rand
	conn     *pgx.Conn
	relation string // in the address
	columns  []string
	types    []sortable
	nullable []bool
	key      []int
	sql      string // ORDER BY
	query    url.Values
	next     int // the number of the next row
}

// newWalk makes a table of random columns, perhaps with a view over it, and a random order.
func newWalk(t *testing.T, conn *pgx.Conn, number uint64) *walk {
	w := &walk{T: t, Rand: rand.New(rand.NewPCG(number, 4)), conn: conn, relation: "rows"}
	w.columns, w.types, w.nullable = []string{"tag"}, []sortable{{"int", nil}}, []bool{false}
	parts := []string{"tag int not null"}
	for i := range 2 + w.IntN(5) {
		kind := sortables[w.IntN(len(sortables))]
		w.columns = append(w.columns, fmt.Sprintf([]string{"c%d", `C "%d"`, "cursor.%d"}[w.IntN(3)], i))
		w.types, w.nullable = append(w.types, kind), append(w.nullable, w.IntN(2) == 0)
		parts = append(parts, pgx.Identifier{w.columns[i+1]}.Sanitize()+" "+kind.name+map[bool]string{false: " not null"}[w.nullable[i+1]])
	}
	for i := range w.types { // the rest of the key tells rows apart; tag ends it
		if i > 0 && !w.nullable[i] && w.IntN(3) == 0 {
			w.key = append(w.key, i)
		}
	}
	w.key = append(w.key, 0)
	w.Shuffle(len(w.key), func(i, j int) { w.key[i], w.key[j] = w.key[j], w.key[i] })
	kind := []string{"primary key", "unique"}[w.IntN(2)]
	made := fmt.Sprintf("drop schema if exists walking cascade; create schema walking; create table walking.rows (%s, %s (%s)); create table walking.ever (like walking.rows);",
		strings.Join(parts, ", "), kind, w.list(w.key))
	w.order()
	if len(w.key) > 1 && w.IntN(2) == 0 {
		made += fmt.Sprintf("create index on walking.rows (%s);", w.list(w.key[:1]))
	}
	for i := range w.columns {
		if i > 0 && w.IntN(2) == 0 {
			made += fmt.Sprintf("create index on walking.rows (%s);", w.list([]int{i}))
		}
	}
	if w.IntN(3) == 0 {
		w.relation = "a view"
		made += `create view walking."a view" as select * from walking.rows where true;`
	}
	execute(t, conn, made+"analyze walking.rows")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("walk %d: %s", number, made)
		}
	})
	return w
}

func (w *walk) list(columns []int) string {
	var names []string
	for _, i := range columns {
		names = append(names, pgx.Identifier{w.columns[i]}.Sanitize())
	}
	return strings.Join(names, ", ")
}

// order chooses an order, as text of a request and as SQL, which the key ends in the direction of the last term.
func (w *walk) order() {
	var terms, ordered []string
	direction := ""
	used := make(map[int]bool)
	for range w.IntN(4) {
		i := w.IntN(len(w.columns))
		direction = []string{"", " asc", " desc"}[w.IntN(3)]
		nulls := []string{"", "", " nulls first", " nulls last"}[w.IntN(4)]
		used[i] = true
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(w.columns[i]) + `"`
		terms = append(terms, quoted+strings.NewReplacer(" nulls ", ".nulls", " ", ".").Replace(direction+nulls))
		ordered = append(ordered, w.list([]int{i})+direction+nulls)
	}
	for _, i := range w.key {
		if !used[i] {
			ordered = append(ordered, w.list([]int{i})+direction)
		}
	}
	w.sql = strings.Join(ordered, ", ")
	w.query = url.Values{"select": {"tag"}, "limit": {fmt.Sprint(1 + w.IntN(5))}}
	if terms != nil {
		w.query.Set("order", strings.Join(terms, ","))
	}
}

// change adds rows and takes some away.
func (w *walk) change(added, taken int) {
	var text strings.Builder
	for range added {
		values := []string{fmt.Sprint(w.next)}
		w.next++
		for i, kind := range w.types[1:] {
			value := "null"
			if !w.nullable[i+1] || w.IntN(3) > 0 {
				value = "'" + strings.ReplaceAll(kind.values[w.IntN(len(kind.values))], "'", "''") + "'"
			}
			values = append(values, value)
		}
		fmt.Fprintf(&text, "with made as (insert into walking.rows values (%s) returning *) insert into walking.ever select * from made;", strings.Join(values, ", "))
	}
	fmt.Fprintf(&text, "delete from walking.rows where tag in (select tag from walking.rows order by md5(tag || '%d') limit %d)", w.Uint64(), taken)
	execute(w, w.conn, text.String())
}

// rows returns the tags of all rows that ever were, in order, and says which are there now.
func (w *walk) rows() (ever []int, now map[int]bool) {
	rows, err := w.conn.Query(w.Context(), "select tag, exists (select from walking.rows as r where r.tag = e.tag) from walking.ever as e order by "+w.sql)
	if err != nil {
		w.Fatal(err)
	}
	now = make(map[int]bool)
	var tag int
	var there bool
	if _, err = pgx.ForEachRow(rows, []any{&tag, &there}, func() error {
		ever, now[tag] = append(ever, tag), there
		return nil
	}); err != nil {
		w.Fatal(err)
	}
	return ever, now
}

var link = regexp.MustCompile(`<([^>]*)>; rel="(next|prev)"`)

// nextOf returns the address of the page after an answer, "" for none.
func nextOf(answer httpAnswer) string {
	for _, found := range link.FindAllStringSubmatch(answer.headers.Get("Link"), -1) {
		if found[2] == "next" {
			return found[1]
		}
	}
	return ""
}

// page asks for a page, under settings that change how values are written.
func (w *walk) page(target string) (tags []int, links map[string]string) {
	path, query, _ := strings.Cut(target, "?")
	request, err := json.Marshal(map[string]any{"method": "GET", "path": path, "query": query,
		"settings": map[string]any{"db_schemas": []string{"walking"}, "db_extra_search_path": []string{}}})
	if err != nil {
		w.Fatal(err)
	}
	execute(w, w.conn, fmt.Sprintf("set extra_float_digits = %d; set datestyle = %s; set intervalstyle = %s; set timezone = '%s'; set bytea_output = %s; set enable_seqscan = %v",
		w.IntN(3)-1, []string{"iso", "'sql, dmy'", "german", "'postgres, mdy'"}[w.IntN(4)], []string{"postgres", "sql_standard", "iso_8601"}[w.IntN(3)],
		[]string{"UTC", "Asia/Kolkata", "America/New_York"}[w.IntN(3)], []string{"hex", "escape"}[w.IntN(2)], w.IntN(2) == 0))
	var status int
	var headers [][]string
	var body string
	if err := w.conn.QueryRow(w.Context(), "select status, headers, convert_from(body, 'UTF8') from postern.handle($1)", string(request)).Scan(&status, &headers, &body); err != nil {
		w.Fatal(err)
	}
	var rows []struct{ Tag int }
	if err := json.Unmarshal([]byte(body), &rows); err != nil || status != 200 {
		w.Fatalf("%s: %d %s", target, status, body)
	}
	for _, row := range rows {
		tags = append(tags, row.Tag)
	}
	links = make(map[string]string)
	for _, header := range headers {
		if header[0] == "Link" {
			for _, found := range link.FindAllStringSubmatch(header[1], -1) {
				links[found[2]] = found[1]
			}
		}
	}
	return tags, links
}

// through goes through the pages one way, rows coming and going in between, and check each: it has the first rows behind the page before that
// are there now. It returns the last page that had rows, and its links.
func (w *walk) through(target, way string, last []int) ([]int, map[string]string) {
	size, _ := strconv.Atoi(w.query.Get("limit"))
	var known map[string]string
	for range 100 {
		w.change(w.IntN(3), w.IntN(3))
		tags, links := w.page(target)
		ever, now := w.rows()
		if way == "prev" {
			slices.Reverse(ever)
			slices.Reverse(tags)
		}
		from := 0
		if len(last) > 0 {
			from = 1 + slices.Index(ever, last[len(last)-1])
		}
		want := slices.DeleteFunc(slices.Clone(ever[from:]), func(tag int) bool { return !now[tag] })
		more := len(want) > size
		if want = want[:min(size, len(want))]; !slices.Equal(tags, want) {
			w.Fatalf("%s %s by %s: %v is not %v", way, target, w.sql, tags, want)
		}
		if more != (links[way] != "") || len(tags) == 0 && len(links) > 0 {
			w.Fatalf("%s %s by %s: links %v, more rows: %v", way, target, w.sql, links, more)
		}
		if len(tags) > 0 {
			last, known = tags, links
		}
		if !more {
			break
		}
		target = links[way]
	}
	if way == "prev" {
		slices.Reverse(last)
	}
	return last, known
}

// TestCursor walks through tables of random columns in random orders, forward and back, and no row is doubled or left out.
func TestCursor(t *testing.T) {
	t.Parallel()
	limit, seed := trial(t, 1500*time.Millisecond)
	conn := connect(t, newDatabase(t))
	execute(t, conn, walkSetup)
	walks := 0
	for start := time.Now(); time.Since(start) < limit && !t.Failed(); walks++ {
		w := newWalk(t, conn, seed+uint64(walks))
		w.change(10+w.IntN(20), 3)
		w.query.Set("cursor", "first")
		last, links := w.through("/"+url.PathEscape(w.relation)+"?"+strings.ReplaceAll(w.query.Encode(), "+", "%20"), "next", nil)
		if links["prev"] != "" {
			w.through(links["prev"], "prev", last[:1])
		}
	}
	t.Logf("%d walks, to walk %d", walks, seed+uint64(walks)-1)
}
