package shell

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"postern/shell/config"
)

// What is not well-formed is left to the database; what is, is what it says.
func TestOperations(t *testing.T) {
	st := &state{config: &config.Config{DBMaxOperations: 3}}
	for _, test := range []struct{ payload, want string }{
		{`[{"method": "GET", "path": "/a?b=c"}]`, "GET /a?b=c -1"},
		{` [ { "path":"/a", "method":"POST","body": {"a": 1.50, "b" : [ ] } , "headers":{"PREFER":"return=minimal"} } ] `, `POST /a {"a": 1.50, "b" : [ ] } return=minimal -1`},
		{`[{"id": "x", "method": "GET", "path": "/a"}, {"method": "GET", "path": "/a?b=eq.{#/x/status}&c=eq.{#/0/body}"}]`, "x GET /a -1 | GET /a?b=eq.{#/x/status}&c=eq.{#/0/body} 0"},
		{`[{"method": "GET", "path": "/a"}, {"method": "GET", "path": "/a"}, {"method": "POST", "path": "/a{#/0/status}", "ref": "r", "body": [{"r": "#/1/body"}, {"r": "#/0/body", "s": 1}]}]`,
			`GET /a -1 | GET /a -1 | POST /a{#/0/status} [{"r": "#/1/body"}, {"r": "#/0/body", "s": 1}] 1`},
		{`[{"method": "POST", "path": "/a", "body": {"$ref": "#/0"}}]`, `POST /a {"$ref": "#/0"} -1`},
		{`[{"method": "POST", "path": "/a", "headers": {"Content-Type": "text/csv"}, "body": "a\n\"1\""}]`, "POST /a a\n\"1\" -1"},
		{`[{"method": "POST", "path": "/a", "headers": {"Content-Type": "text/csv"}, "body": {}}]`, ""},
		{`[{"method": "POST", "path": "/a", "ref": "r", "body": {"r": "#/0"}}]`, ""}, // itself
		{`[{"method": "POST", "path": "/a", "ref": "r", "body": {"r": 1}}]`, ""},
		{`[{"method": "POST", "path": "/a", "ref": "r", "body": {"r": {"r": 1}, "s": 2}}]`, ""}, // slower, not wrong
		{`[{"method": "GET", "path": "/a?b={#/1/status}"}, {"method": "GET", "path": "/a"}]`, ""},
		{`[{"method": "GET", "path": "/a?b={#/00/status}"}]`, ""}, {`[{"method": "GET", "path": "/a#"}]`, ""}, {`[{"method": "GET", "path": "/a{#"}]`, ""},
		{`[{"method": "GET", "path": "/a b"}]`, ""}, {`[{"method": "GET", "path": "a"}]`, ""}, {`[{"method": "GET", "path": "/\u0041\\u00e9"}]`, `GET /A\u00e9 -1`}, {`[{"method": "GET", "path": "/\u0000"}]`, ""}, {`[{"method": "GET", "path": "/\ud83d"}]`, ""},
		{`[{"Method": "GET", "path": "/a"}]`, ""}, {`[{"method": "get", "path": "/a"}]`, ""}, {`[{"method": "GET", "path": "/a", "x": 1}]`, ""},
		{`[{"method": "GET", "path": "/a", "id": "7"}]`, ""}, {`[{"method": "GET", "path": "/a", "id": null}]`, ""}, {`[{"method": "GET", "path": "/a", "headers": null}]`, ""},
		{`[{"method": "GET", "path": "/a", "headers": {"Host": "x"}}]`, ""}, {`[{"method": "GET", "path": "/a", "headers": {"prefer": "a, tx=commit"}}]`, ""},
		{`[{"method": "GET", "path": "/a", "headers": {"accept": "a\nb"}}]`, ""}, {`[{"method": "GET", "path": "/a", "headers": {"accept": "a", "Accept": "b"}}]`, ""},
		{`[{"method": "GET", "path": "/a", "id": "x"}, {"method": "GET", "path": "/a", "id": "x"}]`, ""},
		{`[{"method": "GET", "path": "/a", "path": "/b"}]`, ""}, {`[{"method": "POST", "path": "/a", "body": 5}, {"body":"x","path":"/b" , "method":"POST"}]`, `POST /a 5 -1 | POST /b "x" -1`},
		{`{}`, ""}, {`[1]`, ""}, {`[null]`, ""}, {``, ""}, {"[{\"method\": \"GET\", \"path\": \"/\xff\"}]", ""},
		{"[" + strings.Repeat(`{"method": "GET", "path": "/a"},`, 3) + `{"method": "GET", "path": "/a"}]`, ""},
	} {
		var got []string
		operations, _ := st.operations([]byte(test.payload))
		for _, op := range operations {
			text := strings.Join(strings.Fields(fmt.Sprintln(op.id, op.method, op.path)), " ")
			if op.body != nil {
				text += " " + string(op.body)
			}
			if prefer := op.headers.Get("Prefer"); prefer != "" {
				text += " " + prefer
			}
			got = append(got, fmt.Sprint(text, " ", op.refers))
		}
		if strings.Join(got, " | ") != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.payload, strings.Join(got, " | "), test.want)
		}
	}
}

// A reference becomes one value wherever it stands.
func TestQuotedWithin(t *testing.T) {
	for before, want := range map[string]string{
		`/a?x=eq.`: `a"b\c`, `/a(`: `a"b\c`, `/a?x=in.(`: `"a\"b\\c"`, `/a?x=in.("`: `a\"b\\c`, `/a?x=in.(%22`: `a\"b\\c`, `/a?x=in.("\"`: `a\"b\\c`, `/a?x=in.("a",`: `"a\"b\\c"`,
		`/a?x=in.(1)&y=eq.`: `a"b\c`, `/a?or=(a.eq.1,b.in.(2),c.eq.`: `"a\"b\\c"`, `/a?x=in.(1).`: `a"b\c`, `/a?x=cs.{`: `"a\"b\\c"`, `/a?x=cs.%7B`: `"a\"b\\c"`, `/a?x=ov.[`: `"a\"b\\c"`,
		`/a?x=in.("(",")",`: `"a\"b\\c"`,
	} {
		if got, ok := quotedWithin(before, `a"b\c`); !ok || got != want {
			t.Errorf("%s: %s, not %s", before, got, want)
		}
	}
	if _, ok := quotedWithin("/a?x=in.(%zz", "a"); ok {
		t.Error("what does not decode is not for it to say")
	}
}

// What is put into a body leaves the rest as it is, and JSON.
func FuzzReplaceInBody(f *testing.F) {
	for _, body := range []string{`{"r":"#/0"}`, `[{"r" : "#/0"},{"r":"#/0","s":1},"{\"r\":\"#/0\"}",{}]`, `{"\u0072":"#/0"}`, `{"a":{"r":{"r":"#/0"}}}`, `5`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !json.Valid(body) {
			return
		}
		found := 0
		made, ok := replaceInBody(body, "r", func(string) (*node, bool) {
			found++
			return &node{raw: []byte(`{"x":1}`)}, true
		})
		if ok && (!json.Valid(made) || found == 0 && string(made) != string(body)) {
			t.Errorf("%s becomes %s", body, made)
		}
	})
}

// What a reference to an object or an array leads to is as it has come: a column of the type json keeps its text.
func TestReferred(t *testing.T) {
	result := &node{raw: []byte(`{"status":200,"body":[{"j": {"z":"<a>&\u00e9", "a":1.10,"a":2} },{"a/b":[1e3, true,null]}]}`)}
	for pointer, want := range map[string]string{
		"#/0/body/0/j": `{"z":"<a>&\u00e9", "a":1.10,"a":2}`, "#/0/body/0/j/a": "2", "#/0/body/1/a~1b/0": "1e3", "#/0/status": "200",
		"#/0/body/1/a~1b": "[1e3, true,null]", "#/0/body/2": "", "#/0/status/0": "", "#/0/body/01": "", "#/0/body/-": "", "#/0/x": "", "#/0/body/1/a~1b/2": "null",
	} {
		tokens, _ := pointerTokens(pointer)
		got, ok := result.walk(tokens[1:])
		if ok != (want != "") || ok && string(got.raw) != want {
			t.Errorf("%s: %v", pointer, got)
		}
	}
}
