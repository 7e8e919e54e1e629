package shell

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"postern/shell/auth"
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

func encodeRequest(r *http.Request, hoisted []byte) []byte {
	path, query := target(r)
	return appendRequest(nil, r, path, query, &auth.Identity{Role: "anon", Anonymous: true}, []byte(`,"instance":"i1"`), hoisted)
}

func TestRequest(t *testing.T) {
	for _, test := range []struct{ request, want string }{
		{
			"GET /a%20b/%00?b=%E9&a=1+2&a=0 HTTP/1.1\nHost: h:1\nAccept: x\nX-Two: 1\nX-Two: \"2\"\nAuthorization: Bearer t\nCookie: a=b; c; d=\"e=f\";=g\nCookie: a=z",
			`{"method":"GET","path":"/a%20b/%00","query":"b=%E9&a=1+2&a=0","headers":{"host":"h:1","accept":"x","x-two":"1, \"2\"","authorization":"Bearer t"},
			  "cookies":{"a":"b","c":"","d":"\"e=f\"","a":"z"},"role":"anon","anonymous":true,"canonical":"a=1%202&a=0&b=%E9","instance":"i1"}`,
		},
		{
			"POST /rpc/f HTTP/1.1\nHost: h\nContent-Length: 0",
			`{"method":"POST","path":"/rpc/f","query":"","headers":{"host":"h","content-length":"0"},"role":"anon","anonymous":true,"instance":"i1"}`,
		},
		{
			"GET http://other/p?q=1 HTTP/1.1\nHost: h",
			`{"method":"GET","path":"/p","query":"q=1","headers":{"host":"other"},"role":"anon","anonymous":true,"canonical":"q=1","instance":"i1"}`,
		},
		{
			"GET //x/../y?? HTTP/1.1\nHost: h",
			`{"method":"GET","path":"//x/../y","query":"?","headers":{"host":"h"},"role":"anon","anonymous":true,"canonical":"%3F=","instance":"i1"}`,
		},
	} {
		got := encodeRequest(read(t, test.request), nil)
		if !same(t, got, []byte(test.want)) {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
	got := encodeRequest(read(t, "GET / HTTP/1.1\nHost: h"), []byte(`{"isolation":"serializable"}`))
	if !strings.HasSuffix(string(got), `,"hoisted":{"isolation":"serializable"}}`) {
		t.Errorf("hoisted: %s", got)
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
		encoded := encodeRequest(r, nil)
		if !utf8.Valid(encoded) || !json.Valid(encoded) {
			t.Errorf("%q", encoded)
		}
	})
}

func TestCanonical(t *testing.T) {
	for query, want := range map[string]string{
		"":                        "",
		"a":                       "a=",
		"a=1&c=3&b=2&d":           "a=1&b=2&c=3&d=",
		"b=2&b=1&a=":              "a=&b=2&b=1",
		"select=a,b(*)&id=eq.1":   "id=eq.1&select=a%2Cb%28%2A%29",
		"x=a+b%20c%2Bd":           "x=a%20b%20c%2Bd",
		"&&a=1&":                  "a=1",
		"%62=1&a=2":               "a=2&b=1",
		"a=100%&b=%zz&c=%4":       "a=100%25&b=%25zz&c=%254",
		"a=~-._é":                 "a=~-._%C3%A9",
		"a.b=1&a=2&a-b=3":         "a=2&a-b=3&a.b=1",
		strings.Repeat("a=&", 40): strings.TrimSuffix(strings.Repeat("a=&", 40), "&"),
	} {
		if got := string(appendCanonical(nil, query)); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

func TestHoist(t *testing.T) {
	h, err := parseHoist([]byte(`{"isolation":null,"settings":{"statement_timeout":"5s","a":"b"}}`))
	if err != nil || h.isolation != "" || len(h.settings) != 2 || h.settings[0] != [2]string{"a", "b"} {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := parseHoist([]byte(`{"settings":[]}`)); err == nil {
		t.Error("settings that are no object")
	}
}

func BenchmarkRequest(b *testing.B) {
	r := httptest.NewRequest(http.MethodGet, "/films?select=id,title&order=title&limit=3&year=gte.2000", nil)
	r.Header = http.Header{"Accept": {"*/*"}, "User-Agent": {"bench/1.0"}, "Authorization": {"Bearer x.y.z"}, "Prefer": {"count=exact"}}
	identity := &auth.Identity{Role: "anon", Anonymous: true}
	var dst []byte
	for b.Loop() {
		path, query := target(r)
		dst = appendRequest(dst[:0], r, path, query, identity, []byte(`,"instance":"i1"`), nil)
	}
}
