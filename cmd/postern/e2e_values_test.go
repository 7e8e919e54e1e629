package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// value is one value of a column in the forms that it travels in.
type value struct {
	null bool
	json string // in a JSON body
	text string // in CSV, a form or a filter
	sql  string // in a statement written by hand
}

var null = value{true, "null", "NULL", "null"}

// kind is a type that columns of the property test have.
type kind struct {
	typ      string
	key      bool // may be part of a primary key
	json     bool // json or jsonb: text that arrives as a string stays a JSON string
	filtered bool // has an operator =, and a text form that names one value
	make     func(r *rand.Rand) value
}

const propertyTypes = `
create schema kinds;
create type kinds.mood as enum ('sad', 'so, so', 'it''s "ok"', 'Фröh');
create domain kinds.small as int check (value between 1 and 1000);
create type kinds.place as (street text, no int);
grant usage on schema kinds to e2e_user;
`

var kinds = []kind{
	{typ: "int", key: true, filtered: true, make: func(r *rand.Rand) value { return plain(strconv.Itoa(r.IntN(50) - 5)) }},
	{typ: "bigint", key: true, filtered: true, make: func(r *rand.Rand) value { return plain(strconv.FormatInt(1<<60+int64(r.IntN(20)), 10)) }},
	{typ: "numeric", filtered: true, make: func(r *rand.Rand) value {
		return plain(fmt.Sprintf("%d%018d.%012d%d", 1+r.IntN(99), r.Int64N(1e18), r.Int64N(1e12), 10*r.IntN(2)))
	}},
	{typ: "text", key: true, filtered: true, make: func(r *rand.Rand) value { return quoted(r, words(r), "text") }},
	{typ: "varchar(12)", filtered: true, make: func(r *rand.Rand) value {
		return quoted(r, pick(r, "", "a", "NULL", "null", "Ünï cödé"), "varchar")
	}},
	{typ: "boolean", filtered: true, make: func(r *rand.Rand) value { return plain(pick(r, "true", "false")) }},
	{typ: "timestamptz", filtered: true, make: func(r *rand.Rand) value {
		return quoted(r, fmt.Sprintf("20%02d-%02d-%02dT%02d:00:00.%06d%s", r.IntN(40), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(1e6), pick(r, "Z", "+05:30", "-08")), "timestamptz")
	}},
	{typ: "date", key: true, filtered: true, make: func(r *rand.Rand) value {
		return quoted(r, pick(r, "2024-02-29", "1066-10-14", "infinity", "2001-01-01"), "date")
	}},
	{typ: "uuid", key: true, filtered: true, make: func(r *rand.Rand) value {
		return quoted(r, fmt.Sprintf("%08x-1111-4222-8333-%012x", r.IntN(4), r.IntN(4)), "uuid")
	}},
	{typ: "bytea", filtered: true, make: func(r *rand.Rand) value { return quoted(r, fmt.Sprintf(`\x%08x00ff`, r.Uint32()), "bytea") }},
	{typ: "jsonb", json: true, make: func(r *rand.Rand) value { return document(r, "jsonb") }},
	{typ: "json", json: true, make: func(r *rand.Rand) value { return document(r, "json") }},
	{typ: "int[]", filtered: true, make: func(r *rand.Rand) value {
		list := pick(r, "1,2,3", "", "7,null,-9")
		return value{json: "[" + list + "]", text: "{" + list + "}", sql: "'{" + list + "}'::int[]"}
	}},
	{typ: "text[]", make: func(r *rand.Rand) value {
		a, b := words(r), words(r)
		return value{
			json: "[" + jsonText(r, a) + ",null," + jsonText(r, b) + "]", text: "{" + inQuotes(a) + ",NULL," + inQuotes(b) + "}",
			sql: "array[" + literal(a) + ", null, " + literal(b) + "]::text[]",
		}
	}},
	{typ: "int4range", filtered: true, make: func(r *rand.Rand) value { return quoted(r, pick(r, "[1,5)", "empty", "(,3]", "[2,)"), "int4range") }},
	{typ: "kinds.mood", filtered: true, make: func(r *rand.Rand) value {
		return quoted(r, pick(r, "sad", "so, so", `it's "ok"`, "Фröh"), "kinds.mood")
	}},
	{typ: "kinds.small", filtered: true, make: func(r *rand.Rand) value {
		return plain(strconv.Itoa(1 + r.IntN(1000)))
	}},
	{typ: "kinds.place", make: func(r *rand.Rand) value {
		street, number := words(r), strconv.Itoa(r.IntN(100))
		return value{
			json: `{"street":` + jsonText(r, street) + `,"no":` + number + `}`, text: "(" + inQuotes(street) + "," + number + ")",
			sql: "row(" + literal(street) + ", " + number + ")::kinds.place",
		}
	}},
}

func plain(text string) value { return value{json: text, text: text, sql: text} }

func quoted(r *rand.Rand, text, typ string) value {
	return value{json: jsonText(r, text), text: text, sql: literal(text) + "::" + typ}
}

// document is a JSON value, with blanks, an order of keys and numbers that json keeps and jsonb does not.
func document(r *rand.Rand, typ string) value {
	text := pick(r, `{"b": 1.10,  "a" :[true, null]}`, `[1e3, "x\u00e9\n"]`, `"a \"string\""`, `12345678901234567890.50`, `{}`, `false`)
	return value{json: text, text: text, sql: literal(text) + "::" + typ}
}

func words(r *rand.Rand) string {
	const alphabet = "ab'\"\\,;(){}[].*%_$ \n\t:=&+#?/éßЖ漢😀"
	letters := []rune(alphabet)
	text := make([]rune, r.IntN(8))
	for i := range text {
		text[i] = letters[r.IntN(len(letters))]
	}
	if r.IntN(10) == 0 {
		return "NULL"
	}
	return string(text)
}

func pick(r *rand.Rand, choices ...string) string { return choices[r.IntN(len(choices))] }

// literal quotes for SQL.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// inQuotes quotes as literals of arrays and composites, select, columns and in-lists want it.
func inQuotes(text string) string {
	return `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(text) + `"`
}

// jsonText writes a JSON string, half of the time in ASCII.
func jsonText(r *rand.Rand, text string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text)
	made := strings.TrimSuffix(b.String(), "\n")
	if r.IntN(2) == 0 {
		return made
	}
	return asciiJSON(made)
}

func asciiJSON(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch {
		case c < 0x80:
			b.WriteRune(c)
		case c > 0xffff:
			c -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+c>>10, 0xdc00+c&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	return b.String()
}
