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
	"postern/sql"
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
	st := newState(&config.Config{DBSchemas: []string{"test"}, DBTxEnd: "commit", ClientErrorVerbosity: "verbose"}, nil, tokenSource{}, "i1")
	path, query := target(r)
	identity := &auth.Identity{Role: "anon", Anonymous: true}
	var x shaped
	st.shape(&x, r, path, query, identity, nil, hoisted)
	return st.appendRequest(nil, &x, r, path, query, identity, hoisted)
}

func TestRequest(t *testing.T) {
	for _, test := range []struct{ request, want string }{
		{
			"GET /a%20b?b=%C3%A9.x&a=1+2&a=0&c HTTP/1.1\nHost: h:1\nAccept: x\nPrefer: a\nPrefer: b\nRange: 0-1",
			`{"method":"GET","path":"/a%20b","pairs":"b\u001eé\u001ex\u001fa\u001e\u001e1 2\u001fa\u001e\u001e0","location":"?a=1%202&a=0&b=%C3%A9.x&c=",
			  "head":"i1\nanon\nGET\n/a%20b\nx\na, b\n\n\n\n","anonymous":true,"range":"0-1","shell":true}`,
		},
		{
			"GET /x?a=%E9 HTTP/1.1\nHost: h\nPrefer: timezone=UTC",
			`{"method":"GET","path":"/x","query":"a=%E9","location":"?a=%E9","head":"i1\nanon\nGET\n/x\n\ntimezone=UTC\n\n\n\n","anonymous":true,"prepare":true,"shell":true}`,
		},
		{
			"POST /rpc/f HTTP/1.1\nHost: h\nContent-Length: 0\nContent-Profile: p\nContent-Type: text/csv",
			`{"method":"POST","path":"/rpc/f","pairs":"","head":"i1\nanon\nPOST\n/rpc/f\n\n\n\np\ntext/csv\n","anonymous":true,"unsafe":true,"content_type":"text/csv","prepare":true,"shell":true}`,
		},
		{
			"GET http://other/p?q=1 HTTP/1.1\nHost: h",
			`{"method":"GET","path":"/p","pairs":"q\u001e\u001e1","location":"?q=1","head":"i1\nanon\nGET\n/p\n\n\n\n\n\n","anonymous":true,"shell":true}`,
		},
	} {
		got := encodeRequest(read(t, test.request), nil)
		if !same(t, got, []byte(test.want)) {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
	got := encodeRequest(read(t, "GET / HTTP/1.1\nHost: h"), []byte(`{"isolation":"serializable"}`))
	if !strings.HasSuffix(string(got), `,"hoisted":{"isolation":"serializable"}}`) || !strings.Contains(string(got), `\n{\"isolation\":\"serializable\"}"`) {
		t.Errorf("hoisted: %s", got)
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

func TestPairs(t *testing.T) {
	for query, want := range map[string]string{
		"":                    "",
		"id=eq.5":             "id|eq|5",
		"select=a,b&id=eq.1":  "select||a,b~id|eq|1",
		"a=1.5.6":             "a|1|5.6",
		"a=.5":                "a||.5",
		"a=":                  "a||",
		"a&=b&c=eq.x+y%26%3D": "c|eq|x y&=",
		"a=100%^":             "a||100%^",
		"a=%zz":               "refused",
		"a=5%":                "refused",
		"a=%01":               "refused",
		"a=%1e":               "refused",
		"a=%00":               "refused",
		"a=%ff":               "refused",
	} {
		got, ok := appendPairs(nil, query)
		text := strings.NewReplacer("\x1f", "~", "\x1e", "|").Replace(string(got))
		if !ok {
			text = "refused"
		}
		if text != want {
			t.Errorf("%s: got %q, want %q", query, text, want)
		}
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
		encoded := append(append(append([]byte{'['}, encodeRequest(r, nil)...), ','), appendHeaders(nil, r)...)
		encoded = append(append(append(encoded, ','), appendCookies(nil, r.Header["Cookie"])...), ']')
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
	st := newState(&config.Config{DBSchemas: []string{"test"}, DBTxEnd: "commit", ClientErrorVerbosity: "verbose"}, nil, tokenSource{}, "i1")
	var dst, headers []byte
	var x shaped
	for b.Loop() {
		path, query := target(r)
		st.shape(&x, r, path, query, identity, nil, nil)
		dst = st.appendRequest(dst[:0], &x, r, path, query, identity, nil)
		headers = appendHeaders(headers[:0], r)
	}
}

// The bound on parameters is the one that the functions name when they refuse.
func TestMaxParameters(t *testing.T) {
	t.Parallel()
	limits, err := sql.Files.ReadFile("parse/limits.sql")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("when 'parameters' then %d ", maxParameters); !strings.Contains(string(limits), want) {
		t.Errorf("parse/limits.sql does not say %q", want)
	}
	for count, want := range map[int]bool{maxParameters: true, maxParameters + 1: false} {
		if _, ok := appendPairs(nil, strings.Repeat("a=b&", count-1)+"a=b"); ok != want {
			t.Errorf("%d parameters are split: %v", count, ok)
		}
	}
}
