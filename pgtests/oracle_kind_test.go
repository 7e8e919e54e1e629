package pgtests

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
)

// kind is a type of columns and arguments in the schemas of TestOracle. SCHEMA in a type's name is the schema.
type kind struct {
	typ    string
	values []string // their text
	raw    bool     // a value's text is its JSON
	key    bool     // may be part of a key
	equal  bool     // has =, and can be grouped by
	order  bool     // has <
	more   []string // operators: of text, arrays …
	paths  []string // paths into it that a request may take
	parse  string   // the function that makes one of text, for a domain with representations
	show   string   // the function that makes JSON of one
}

const (
	likes  = "like ilike match imatch fts plfts phfts wfts"
	arrays = "cs cd ov"
	ranges = "cs cd ov sl sr nxr nxl adj"
)

// oracleTypes makes the types that kinds name.
const oracleTypes = `
create type SCHEMA.mood as enum ('calm', 'it''s "odd"', 'a,b', 'Ünï');
create domain SCHEMA.small as int check (value between 0 and 1000);
create type SCHEMA.pair as (a int, "b c" text);
create domain SCHEMA.color as int;
create function SCHEMA.color_json(SCHEMA.color) returns json language sql immutable as $$ select to_json('#' || lpad(upper(to_hex($1)), 6, '0')) $$;
create function SCHEMA.color_of_text(text) returns SCHEMA.color language sql immutable as $$ select ('x' || lpad(replace($1, '#', ''), 8, '0'))::bit(32)::int::SCHEMA.color $$;
create function SCHEMA.color_of_json(json) returns SCHEMA.color language sql immutable as $$ select SCHEMA.color_of_text($1 #>> '{}') $$;
create cast (SCHEMA.color as json) with function SCHEMA.color_json(SCHEMA.color) as implicit;
create cast (text as SCHEMA.color) with function SCHEMA.color_of_text(text) as implicit;
create cast (json as SCHEMA.color) with function SCHEMA.color_of_json(json) as implicit;
`

var oracleKinds = []kind{
	{typ: "int", values: []string{"0", "1", "2", "3", "4", "-1", "2147483647"}, raw: true, key: true, equal: true, order: true},
	{typ: "bigint", values: []string{"1", "2", "9007199254740993", "-3"}, raw: true, key: true, equal: true, order: true},
	{typ: "numeric", values: []string{"1.10", "0.000", "12345678901234567890.5", "-2"}, raw: true, equal: true, order: true},
	{typ: "float8", values: []string{"1.5", "0.1", "1e+30", "-2"}, raw: true, equal: true, order: true},
	{typ: "text", values: []string{"a", "", "it's", `q"uo\te`, "a,b", "(x)", "{1,2}", "null", "NULL", "100%", "sm*rt", "Ünï cödé 漢", "line\nbreak", "tab\t", "$1", "--", "a.b", "not.eq.1", "road war", "<b>&", "'); drop table t; --", `\' or true --`},
		key: true, equal: true, order: true, more: strings.Fields(likes), paths: nil},
	{typ: "varchar(20)", values: []string{"a", "b", "", "A B", "o'x"}, key: true, equal: true, order: true, more: strings.Fields(likes)},
	{typ: "boolean", values: []string{"true", "false"}, raw: true, equal: true, order: true},
	{typ: "date", values: []string{"2024-02-29", "1066-10-14", "infinity", "2001-01-01"}, key: true, equal: true, order: true},
	{typ: "timestamptz", values: []string{"2024-02-29 10:00:00+00", "2001-01-01 00:00:00.123456-08", "infinity"}, equal: true, order: true},
	{typ: "uuid", values: []string{"00000001-1111-4222-8333-000000000001", "00000002-1111-4222-8333-000000000002"}, key: true, equal: true, order: true},
	{typ: "bytea", values: []string{`\x00ff`, `\x`, `\x616263`}, equal: true, order: true},
	{typ: "interval", values: []string{"1 day", "02:00:00", "-3 mons"}, equal: true, order: true},
	{typ: "jsonb", values: []string{`{"a": 1, "b": {"c": ["x", null]}}`, `{"a": "it's \"q\"", "k'y": 2}`, "[1, 2, {\"a\": 3}]", `"a"`, "5", "null", "{}"}, raw: true, equal: true, order: true,
		more: []string{"cs", "cd"}, paths: []string{"->a", "->>a", "->b->c", "->b->c->>0", "->0", "->-1->>a", "->>k'y"}},
	{typ: "json", values: []string{`{"b": 1.10,  "a" :[true, null]}`, `{"a": "x"}`, "[1]", "7"}, raw: true, paths: []string{"->a", "->>a", "->>b", "->a->0"}},
	{typ: "int[]", values: []string{"{1,2,3}", "{}", "{2}", "{7,NULL,-9}"}, equal: true, order: true, more: strings.Fields(arrays), paths: []string{"->0", "->>-1"}},
	{typ: "text[]", values: []string{`{"a,b",c}`, `{}`, `{"it's","q\"x","b\\s",NULL}`, "{c}"}, equal: true, order: true, more: strings.Fields(arrays), paths: []string{"->>0"}},
	{typ: "int4range", values: []string{"[1,5)", "empty", "(,3)", "[2,)", "[5,9)"}, equal: true, order: true, more: strings.Fields(ranges)},
	{typ: "tsvector", values: []string{"'road':1 'war':2", "'calm'", ""}, equal: true, more: []string{"fts", "plfts", "phfts", "wfts"}},
	{typ: "SCHEMA.mood", values: []string{"calm", `it's "odd"`, "a,b", "Ünï"}, key: true, equal: true, order: true},
	{typ: "SCHEMA.small", values: []string{"0", "5", "1000"}, raw: true, equal: true, order: true},
	{typ: "SCHEMA.pair", values: []string{"(1,x)", `(,"it's ""q"", \\b")`, "(2,)"}, order: true, paths: []string{"->a", "->>b c"}},
	{typ: "SCHEMA.color", values: []string{"#0000FF", "#00A1B2", "#000000"}, equal: true, order: true, parse: "color_of_text", show: "color_json"},
}

// integer is the kind of columns and arguments that are there anyway.
var integer = &oracleKinds[0]

func kindOf(typ string) *kind {
	for at := range oracleKinds {
		if oracleKinds[at].typ == typ {
			return &oracleKinds[at]
		}
	}
	panic(typ)
}

// sql writes the value of a text.
func (k *kind) sql(s *schema, text string) string {
	if k.parse != "" {
		return s.quoted + "." + k.parse + "(" + literal(text) + ")"
	}
	return literal(text) + "::" + s.typ(k)
}

// json writes a value as a body has it.
func (k *kind) json(text string) string {
	switch {
	case k.raw:
		return text
	case k.typ == "SCHEMA.pair":
		return map[string]string{"(1,x)": `{"a":1,"b c":"x"}`, "(2,)": `{"b c":null,"a":2}`}[text] + strings.Repeat(`{"b c":"it's \"q\", \\b"}`, strings.Count(text, "it's"))
	}
	made, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string
	}
	return string(made)
}

func (k *kind) any(r *rand.Rand) string { return k.values[r.IntN(len(k.values))] }

// choice is one of some.
func choice[T any](r *rand.Rand, among ...T) T { return among[r.IntN(len(among))] }

// chance reports true in so many of a hundred cases.
func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

func literal(text string) string {
	if strings.Contains(text, `\`) {
		return " E'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(text) + "'"
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
