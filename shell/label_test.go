package shell

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"postern/shell/config"
)

// A label says what is asked for without its values, and is one comment whatever clients send.
func TestLabel(t *testing.T) {
	st := &state{config: &config.Config{DBRootSpec: "root"}}
	for _, test := range []struct{ method, target, want string }{
		{"GET", "/books?select=id,title,authors(name)&pages=gt.150&order=id", "GET /books?select=id,title,authors(name)&pages=gt.$&order=id"},
		{"POST", "/rpc/add?a=1&b=secret", "POST /rpc/add?a=$&b=$"},
		{"GET", "/books?select=*", "GET /books?select=*"},
		{"GET", "/books*/;drop/*x", "GET /books_/;drop/_x"},
		{"GET", "/*/**//*/", "GET /_/__//_/"},
		{"PATCH", "/books?x=%00%0a--", "PATCH /books?x=%00%0a--"},
		{"GET", "/%72pc/add?a=secret", "GET /%72pc/add?a=$"},
		{"GET", "/?a=secret", "GET /?a=$"},
	} {
		r := httptest.NewRequest(test.method, "/", nil)
		r.RequestURI = test.target
		if got := st.label(r, "", true); got != "/* "+test.want+" */ " {
			t.Errorf("%s: %s", test.target, got)
		}
	}
	for joined, want := range map[string]string{"select=id&id=eq.5": "select=id&id=eq.$", "select=id&name=eq.x&a=%01": "select=id"} {
		if got := st.label(httptest.NewRequest("QUERY", "/books?select=id", nil), joined, true); got != "/* QUERY /books?"+want+" */ " {
			t.Errorf("%s: %s", joined, got)
		}
	}
	r := &http.Request{Method: "GET", RequestURI: "/é\x01\n" + strings.Repeat("/*", 500)}
	got := st.label(r, "", true)
	if len(got) > maxLabel+8 || strings.Count(got, "/*") != 1 || strings.Count(got, "*/") != 1 || strings.ContainsFunc(got, func(c rune) bool { return c < ' ' || c > '~' }) {
		t.Error(got)
	}
	r.RequestURI = "/books?apikey=secret"
	if got := st.label(r, "", false); got != "/* GET /books */ " {
		t.Error(got)
	}
}
