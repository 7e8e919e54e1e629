package shell

import (
	"net/http"
	"strings"
	"testing"
)

// What has gone out compressed has a tag of its own, which is known again, and which a 304 then has.
func TestTagsOfCodings(t *testing.T) {
	t.Parallel()
	large := []byte(strings.Repeat("x", 2000))
	for _, test := range []struct {
		name, tag, accept, known string
		status                   int
		want                     string
	}{
		{"compressed", `"~a.b"`, "gzip", "", 200, `"~a.b.gzip"`},
		{"compressed by br", `"~a.b"`, "br, gzip;q=0.5", "", 200, `"~a.b.br"`},
		{"not compressed", `"~a.b"`, "", "", 200, `"~a.b"`},
		{"weak", `W/"~.b"`, "gzip", "", 200, `W/"~.b"`},
		{"a user's", `"a"`, "gzip", "", 200, `W/"a"`},
		{"the same", `"~a.b"`, "gzip", `"x", "~a.b.gzip"`, 304, `"~a.b.gzip"`},
		{"the same, by weak comparison", `"~a.b"`, "gzip", `W/"~a.b.gzip"`, 304, `"~a.b.gzip"`},
		{"the plain one", `"~a.b"`, "gzip", `"~a.b"`, 304, `"~a.b"`},
		{"weak, the same", `W/"~.b"`, "gzip", `W/"~.b"`, 304, `W/"~.b"`},
		{"a user's, the same", `"a"`, "gzip", `"a.gzip"`, 304, `"a"`},
	} {
		header := accepting(test.accept)
		header.Set("Origin", "http://x")
		header.Set("If-None-Match", test.known)
		r := respondTo(t, allCodings, header, http.MethodGet, test.status, large, "Content-Type", "text/csv", "ETag", test.tag)
		if got := r.Header.Get("Etag"); got != test.want {
			t.Errorf("%s: %s", test.name, got)
		}
	}
	plain := compression{}
	gzip := compression{codings: []string{"gzip"}}
	for _, test := range []struct {
		c            *compression
		accept       []string
		tags, wanted string
	}{
		{&gzip, []string{"gzip"}, `"~a.b.gzip", W/"~c.d.gzip", "~e.f.br", "x"`, `"~a.b", W/"~c.d", "~e.f.br", "x"`},
		{&gzip, []string{"gzip"}, `"a.gzip"`, `"a.gzip"`},
		{&gzip, nil, `"~a.b.gzip"`, `"~a.b.gzip"`},
		{&plain, []string{"gzip"}, `"~a.b.gzip"`, `"~a.b.gzip"`},
	} {
		if got := test.c.uncoded(test.tags, test.accept); got != test.wanted {
			t.Errorf("%s: %s", test.tags, got)
		}
	}
}

// Scripts may read the tags that are ours.
func TestExposedTags(t *testing.T) {
	t.Parallel()
	for tag, exposed := range map[string]bool{`"~a.b"`: true, `W/"~.b"`: true, `"a"`: false, "": false} {
		server := &response{st: new(state)}
		header := http.Header{"Access-Control-Expose-Headers": {corsExposed}}
		if tag != "" {
			header["Etag"] = []string{tag}
		}
		server.validated(header, http.StatusOK)
		if got := strings.HasSuffix(header.Get("Access-Control-Expose-Headers"), ", ETag"); got != exposed {
			t.Errorf("%s: %v", tag, header)
		}
	}
}
