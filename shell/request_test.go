package shell

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"postern/shell/auth"
	"postern/shell/config"
)

// read makes a request of what a client sends.
func read(t *testing.T, text string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n") + "\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// prepared is the request of postern.handle that the shell makes, and the values that it has cut out.
func prepared(t testing.TB, r *http.Request, payload string) (x *exchange, request []byte) {
	t.Helper()
	st := newState(&config.Config{DBSchemas: []string{"test"}, DBTxEnd: "commit", ClientErrorVerbosity: "verbose"}, nil, tokenSource{}, "g1")
	x = exchanges.Get().(*exchange)
	x.payload = append(x.payload[:0], payload...)
	st.prepare(x, r, &auth.Identity{Role: "anon", Anonymous: true, Claims: []byte(`{"role":"anon"}`)})
	return x, x.requestJSON()
}

func TestRequest(t *testing.T) {
	for _, test := range []struct{ request, payload, want, values, place string }{
		{
			"GET /a%20b?b=eq.%C3%A9.x&a=eq.1+2&a=0&c HTTP/1.1\nHost: h:1\nAccept: x\nPrefer: a\nPrefer: b\nRange: 0-1", "",
			`{"generation":"g1","role":"anon","anonymous":true,"method":"GET","path":"/a%20b","query":"b=eq.%01&a=eq.%01&a=0&c",
			  "headers":{"accept":"x","prefer":"a, b","range":"\u0001-\u0001"},"values":4,"shell":true}`,
			`["é.x" "1 2" "0" "1"]`, "?a=eq.1%202&a=0&b=eq.%C3%A9.x&c=",
		},
		{
			"GET /x?%01=eq.%01 HTTP/1.1\nHost: h\nRange: 0-1", "", // what would stay has a placeholder: nothing is cut
			`{"generation":"g1","role":"anon","anonymous":true,"method":"GET","path":"/x","query":"%01=eq.%01","headers":{"range":"0-1"},"values":0,"shell":true}`,
			"[]", "?%01=eq.%01",
		},
		{
			"POST /rpc/f?a=1 HTTP/1.1\nHost: h\nContent-Length: 0\nContent-Profile: p\nContent-Type: text/csv", "a",
			`{"generation":"g1","role":"anon","anonymous":true,"method":"POST","path":"/rpc/f","query":"a=%01","headers":{"content-profile":"p","content-type":"text/csv"},"values":1,"shell":true}`,
			`["1"]`, "",
		},
		{
			"PATCH /x?a=eq.1 HTTP/1.1\nHost: h", `{"b": [1], "c": 2}`,
			`{"generation":"g1","role":"anon","anonymous":true,"method":"PATCH","path":"/x","query":"a=eq.%01","headers":{},"values":1,"payload":{"form":"{","keys":["b","c"]},"shell":true}`,
			`["1"]`, "",
		},
		{
			"GET http://other/p?q=eq.1 HTTP/1.1\nHost: h", "",
			`{"generation":"g1","role":"anon","anonymous":true,"method":"GET","path":"/p","query":"q=eq.%01","headers":{},"values":1,"shell":true}`, `["1"]`, "?q=eq.1",
		},
	} {
		x, got := prepared(t, read(t, test.request), test.payload)
		var members map[string]json.RawMessage
		if err := json.Unmarshal(got, &members); err != nil || members["settings"] == nil {
			t.Fatalf("%s: %v", got, err)
		}
		delete(members, "settings")
		got, _ = json.Marshal(members)
		if !same(t, got, []byte(test.want)) {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
		if values := fmt.Sprintf("%q", x.call.Values); values != test.values || string(x.call.Location) != test.place {
			t.Errorf("%s: values %s, place %s", test.request, values, x.call.Location)
		}
		x.release()
	}
}

// What a statement depends on is in the shape, and nothing else is.
func TestShapesDiffer(t *testing.T) {
	seen := make(map[string]string)
	for _, request := range []string{
		"GET /x?a=eq.1 HTTP/1.1\nHost: h", "GET /x?a=eq.1&b=eq.2 HTTP/1.1\nHost: h", "GET /x?a=gt.1 HTTP/1.1\nHost: h",
		"GET /x?a=eq.1&%01=2 HTTP/1.1\nHost: h", "GET /x HTTP/1.1\nHost: h\nRange: 0-1", "GET /x HTTP/1.1\nHost: h\nRange: 0-", "HEAD /x HTTP/1.1\nHost: h",
		"GET /x HTTP/1.1\nHost: h", "GET /x HTTP/1.1\nHost: h\nAccept: a", "GET /x HTTP/1.1\nHost: h\nPrefer: a", "GET /y HTTP/1.1\nHost: h",
		"GET /x HTTP/1.1\nHost: h\nAccept-Profile: a", "GET /x HTTP/1.1\nHost: h\nContent-Profile: a",
	} {
		x, _ := prepared(t, read(t, request), "")
		key := string(x.shape)
		if other, found := seen[key]; found {
			t.Errorf("%q has the shape of %q: %s", request, other, key)
		}
		seen[key] = request
		x.release()
	}
	a, _ := prepared(t, read(t, "GET /x?a=eq.1 HTTP/1.1\nHost: h\nX-A: b\nAuthorization: c\nCookie: d=e"), "")
	b, _ := prepared(t, read(t, "GET /x?a=eq.2 HTTP/1.1\nHost: i"), "")
	if string(a.shape) != string(b.shape) {
		t.Errorf("%s and %s", a.shape, b.shape)
	}
}

func TestHeadersAndCookies(t *testing.T) {
	r := read(t, "GET / HTTP/1.1\nHost: h:1\nX-Two: 1\nX-Two: \"2\"\nAuthorization: Bearer t\nCookie: a=b; c; d=\"e=f\";=g\nCookie: a=z")
	if got := appendHeaders(nil, r); !same(t, got, []byte(`{"host":"h:1","x-two":"1, \"2\"","authorization":"Bearer t"}`)) {
		t.Errorf("headers %s", got)
	}
	if got := appendCookies(nil, r.Header["Cookie"]); !same(t, got, []byte(`{"a":"b","c":"","d":"\"e=f\"","a":"z"}`)) {
		t.Errorf("cookies %s", got)
	}
	if got := string(appendCookies(nil, nil)); got != "{}" {
		t.Errorf("no cookies %s", got)
	}
}

func same(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatalf("%s: %v", a, err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return reflect.DeepEqual(x, y)
}

func FuzzRequest(f *testing.F) {
	f.Add("GET", "/x", "a=b", "X-A", "v\xff\"", "a=b;c")
	f.Fuzz(func(t *testing.T, method, path, query, name, value, cookie string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Method, r.RequestURI, r.Host = method, "/"+path+"?"+query, value
		for i := range len(name) {
			if !isTokenByte(name[i]) {
				return // net/http lets no such name through
			}
		}
		r.Header = http.Header{http.CanonicalHeaderKey(name): {value, cookie}, "Cookie": {cookie}}
		x, request := prepared(t, r, cookie)
		encoded := append(append(append([]byte{'['}, request...), ','), appendHeaders(nil, r)...)
		encoded = append(append(append(encoded, ','), appendCookies(nil, r.Header["Cookie"])...), ']')
		if !utf8.Valid(encoded) || !json.Valid(encoded) {
			t.Errorf("%q", encoded)
		}
		x.release()
	})
}

func BenchmarkRequest(b *testing.B) {
	r := httptest.NewRequest(http.MethodGet, "/films?select=id,title&order=title&limit=3&year=gte.2000", nil)
	r.Header = http.Header{"Accept": {"*/*"}, "User-Agent": {"bench/1.0"}, "Authorization": {"Bearer x.y.z"}, "Prefer": {"count=exact"}}
	identity := &auth.Identity{Role: "anon", Anonymous: true}
	st := newState(&config.Config{DBSchemas: []string{"test"}, DBTxEnd: "commit", ClientErrorVerbosity: "verbose"}, nil, tokenSource{}, "i1")
	x := exchanges.Get().(*exchange)
	for b.Loop() {
		st.prepare(x, r, identity)
	}
}
