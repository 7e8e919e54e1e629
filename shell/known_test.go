package shell

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http/httptest"
	"strings"
	"testing"

	"postern/shell/auth"
	"postern/shell/config"
)

func TestKnown(t *testing.T) {
	for _, test := range []struct{ path, query, literals, shape string }{
		{"/x", "", `'?l'`, ""},
		{"/x", "id=eq.5&select=a,b.c", `'?l','5'`, "~id|eq|*~select|a,b|c"},
		{"/x", "select=a&order=a.desc&b.order=c", `'?l'`, "~select||a~order|a|desc~b.order||c"},
		{"/x", `a=eq.it's&b=like.%5C*&c=gt.`, `'?l','it''s', E'\\*',''`, "~a|eq|*~b|like|*~c|gt|*"},
		{"/x", "limit=1000&a.offset=5&b.limit=999", `'?l','1000','5'`, "~limit||*~a.offset||*~b.limit||999"},
		{"/x", "columns=a,b&on_conflict=c", `'?l'`, "~columns||a,b~on_conflict||c"},
		{"/rpc/f", "a=1&b=&c=eq.5", `'1','','5'`, "~a||*~b||*~c|eq|*"},
		{"/rpc/f", "", "", ""},
		{"/x", "a=1", "refused", ""},
		{"/x", "limit=-1", "refused", ""},
		{"/x", "limit=1.5", "refused", ""},
		{"/x", "limit=1234567890123456789", "refused", ""},
		{"/x", "a=in.(1,2)", "refused", ""},
		{"/x", "a=is.null", "refused", ""},
		{"/x", "a=not.eq.5", "refused", ""},
		{"/x", "and=(a.eq.1)", "refused", ""},
		{"/x", "a.or=eq.5", "refused", ""},
		{"/x", "limit=eq.5", "refused", ""},
		{"/rpc/f", "a=1.5", "refused", ""},
	} {
		pairs, decoded := appendPairs(nil, test.query)
		if !decoded {
			t.Fatal(test.query)
		}
		var location []byte
		call := strings.HasPrefix(test.path, "/rpc/")
		if !call {
			location = []byte("?l")
		}
		known, room, ok := appendKnown([]byte("before"), nil, []byte("head"), pairs, location, nil, call)
		if !ok {
			if test.literals != "refused" || string(known) != "before" {
				t.Errorf("%s: refused with %q", test.query, known)
			}
			continue
		}
		shape := "head" + strings.NewReplacer("~", "\x1f", "|", "\x1e", "*", "\x01").Replace(test.shape)
		sum := sha256.Sum256([]byte(shape))
		name := "postern_" + hex.EncodeToString(sum[:16])
		if test.literals != "" {
			test.literals = "(" + test.literals + ")"
		}
		if want := `beforeexecute "` + name + `"` + test.literals; string(known) != want || string(room) != shape {
			t.Errorf("%s:\ngot  %q %q\nwant %q %q", test.query, known, room, want, shape)
		}
		if got := string(statementName(known[len("before"):])); got != name {
			t.Errorf("%s: name %s, want %s", test.query, got, name)
		}
	}
}

// The shape of a body is that of postern.shape_json, or left to it.
func TestKeys(t *testing.T) {
	for text, want := range map[string]string{
		`{"b": 1, "aa": "x\"}", "a": {"c": [1, "}"]}}`: `{["a", "b", "aa"]`,
		" {\"a\":null,\"a\":2}\n":                      `{["a"]`,
		`{}`:                                           `{[]`,
		`[{"a":1},{"a":[]} , {"a":""}]`:                `[["a"]`,
		`[{"a":1,"b":2},{"a":1,"b":-2.5e3}]`:           `[["a", "b"]`,
		`[{}]`:                                         `[[]`,
		`{"é":1}`:                                      `{["é"]`,
		``:                                             "", `[]`: "", `1`: "", `"a"`: "", `null`: "", `{`: "", `{"a"}`: "", `{"a":}`: "", `{"a":1,}`: "", `{"a":1}}`: "",
		`{"a":1} x`: "", `{"a\n":1}`: "", "{\"a\x01\":1}": "", `[{"a":1},{"b":1}]`: "", `[{"a":1},{"a":1,"b":2}]`: "", `[{"a":1,"b":2},{"a":1}]`: "",
		`[{"a":1},2]`: "", `[{"a":1}`: "", `[{"a":1},]`: "", `[{"b":1,"a":2},{"a":2,"b":1}]`: "", `{"a":"`: "", `{"a":[`: "", `{"a":1 2}`: "",
	} {
		got, ok := appendKeys([]byte("x"), []byte(text))
		if ok && string(got) != "x"+want || !ok && want != "" {
			t.Errorf("%s: got %q %v, want %q", text, got, ok, want)
		}
	}
}

// What one statement cannot answer is left to the database.
func TestPlain(t *testing.T) {
	for request, want := range map[string]bool{
		"GET /x?id=eq.1 HTTP/1.1\nHost: h":                                                                               true,
		"GET /x?id=eq.1 HTTP/1.1\nHost: h\nRange: 0-1":                                                                   false,
		"GET /x?id=eq.1 HTTP/1.1\nHost: h\nAccept-Profile: p":                                                            false,
		"GET /x HTTP/1.1\nHost: h\nPrefer: count=exact":                                                                  true,
		"GET /x HTTP/1.1\nHost: h\nPrefer: count=planned":                                                                false,
		"GET /x?a=%ff HTTP/1.1\nHost: h":                                                                                 false,
		"DELETE /x?id=eq.1 HTTP/1.1\nHost: h":                                                                            true,
		"OPTIONS /x HTTP/1.1\nHost: h":                                                                                   false,
		"PUT /x?id=eq.1 HTTP/1.1\nHost: h\nContent-Length: 8\n\n{\"id\":1}":                                              false,
		"POST /x HTTP/1.1\nHost: h\nContent-Length: 8\n\n{\"id\":1}":                                                     true,
		"POST /x HTTP/1.1\nHost: h\nContent-Type: application/json\nContent-Length: 8\n\n{\"id\":1}":                     true,
		"POST /x HTTP/1.1\nHost: h\nContent-Type: text/csv\nContent-Length: 8\n\n{\"id\":1}":                             false,
		"POST /x HTTP/1.1\nHost: h\nPrefer: return=minimal,resolution=merge-duplicates\nContent-Length: 8\n\n{\"id\":1}": false,
		"POST /x HTTP/1.1\nHost: h\nContent-Length: 2\n\n[]":                                                             false,
		"POST /x?columns=id HTTP/1.1\nHost: h\nContent-Length: 2\n\n[]":                                                  true,
		"POST /x HTTP/1.1\nHost: h\nContent-Length: 0":                                                                   false,
		"POST /rpc/f HTTP/1.1\nHost: h\nContent-Length: 0":                                                               true,
		"POST /x HTTP/1.1\nHost: h\nContent-Length: 9\n\n{\"i\xff\":1}":                                                  false,
	} {
		head, body, _ := strings.Cut(request, "\n\n")
		r := read(t, head)
		for _, prepared := range []bool{true, false} {
			st := newState(&config.Config{DBSchemas: []string{"test"}, DBTxEnd: "commit", DBPreparedStatements: prepared}, nil, tokenSource{}, "i1")
			var x shaped
			path, query := target(r)
			st.shape(&x, r, path, query, &auth.Identity{Role: "anon"}, []byte(body), nil)
			if x.plain != (want && prepared) {
				t.Errorf("%q, prepared %v: got %v", request, prepared, x.plain)
			}
		}
	}
}

func BenchmarkKeys(b *testing.B) {
	body := []byte("[" + strings.TrimSuffix(strings.Repeat(`{"id":12345,"name":"some name","price":12.50},`, 1000), ",") + "]")
	b.SetBytes(int64(len(body)))
	var room []byte
	for b.Loop() {
		var ok bool
		if room, ok = appendKeys(room[:0], body); !ok || !bytes.HasPrefix(room, []byte("[[")) {
			b.Fatal(string(room))
		}
	}
}

func FuzzKeys(f *testing.F) {
	f.Add(`[{"a":1},{"a":"\""}]`)
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequest("POST", "/x", nil)
		made, ok := appendPayloadShape(nil, r, []byte(text), nil, false)
		if ok && bytes.ContainsAny(made[len("\x1f\x02json\x1e\x1e"):], "\x1f\x1e\x02\x01\\") {
			t.Errorf("%q makes %q", text, made)
		}
	})
}
