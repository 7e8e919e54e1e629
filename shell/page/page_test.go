package page

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

const browserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

// ask returns the page's answer, nil where the request is not for it. headers are pairs of name and value.
func ask(p *Page, method, target string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	r.RequestURI = target
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	found := p.Find(r)
	if found == nil {
		return nil
	}
	w := httptest.NewRecorder()
	found.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, response *http.Response) string {
	t.Helper()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestFind(t *testing.T) {
	p := New("")
	for _, test := range []struct {
		method, target, accept string
		found                  bool
	}{
		{"GET", "/", browserAccept, true},
		{"HEAD", "/", browserAccept, true},
		{"GET", "/?a=b", "text/html", true},
		{"GET", "/", "TEXT/HTML; charset=utf-8", true},
		{"GET", "/", "application/json;q=0.5, text/html;q=0.6", true},
		{"GET", "/", "text/html, application/json", true},
		{"GET", "/", "*/*, text/html", true},
		{"GET", "/", "", false},
		{"GET", "/", "*/*", false},
		{"GET", "/", "text/*", false},
		{"GET", "/", "application/openapi+json", false},
		{"GET", "/", "application/json, text/html", false},
		{"GET", "/", "application/json, text/html;q=0.9", false},
		{"GET", "/", "text/html;q=0.5, */*;q=0.8", false},
		{"GET", "/", "text/html;q=0", false},
		{"GET", "/", "text/html;q=much", false},
		{"POST", "/", browserAccept, false},
		{"OPTIONS", "/", browserAccept, false},
		{"GET", "/books", browserAccept, false},
		{"GET", "/swagger-ui", browserAccept, false},
		{"GET", "/swagger-ui/", browserAccept, false},
		{"GET", "/swagger-ui/page.js", "", true},
		{"HEAD", "/swagger-ui/page.css?v=1", "", true},
		{"POST", "/swagger-ui/page.js", "", false},
		{"GET", "/swagger-ui/../page.js", "", false},
		{"GET", "/swagger-ui/index.html", "", false},
		{"GET", "/rpc/swagger-ui", browserAccept, false},
		{"GET", "/api/swagger-ui/page.js", "", false},
	} {
		found := ask(p, test.method, test.target, "Accept", test.accept) != nil
		if found != test.found {
			t.Errorf("%s %s, Accept %q: %v", test.method, test.target, test.accept, found)
		}
	}
	if ask(nil, "GET", "/", "Accept", browserAccept) != nil {
		t.Error("no page is a page")
	}
}

// The page carries no script and no style of its own, and what it loads is there, also behind a proxy that adds a path.
func TestPage(t *testing.T) {
	for _, test := range []struct{ proxy, files string }{
		{"", "swagger-ui/"},
		{"https://example.org", "swagger-ui/"},
		{"https://example.org/", "swagger-ui/"},
		{"https://example.org/api", "/api/swagger-ui/"},
		{"https://example.org/a%22b/v1/", "/a%22b/v1/swagger-ui/"},
	} {
		p := New(test.proxy)
		response := ask(p, "GET", "/", "Accept", browserAccept)
		html := text(t, response)
		loaded := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(html, -1)
		if len(loaded) != 5 { // one is the empty icon
			t.Errorf("%q\n%s", loaded, html)
		}
		for _, match := range loaded {
			name, ours := strings.CutPrefix(match[1], test.files)
			if match[1] == "data:," {
				continue
			}
			for _, target := range []string{"/swagger-ui/" + name, "/" + strings.TrimPrefix(match[1], "/")} {
				if !ours || ask(p, "GET", target) == nil {
					t.Errorf("behind %q there is no %s", test.proxy, target)
				}
			}
		}
		if regexp.MustCompile(`<style|style=|<script>| on\w+=`).MatchString(html) {
			t.Errorf("something stands in the page itself:\n%s", html)
		}
		for name, want := range map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Vary": "Accept, Prefer, Range", "Cache-Control": "no-cache",
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		} {
			if got := response.Header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Error(policy)
	}
}

func TestFiles(t *testing.T) {
	p := New("")
	tags := map[string]bool{}
	for name, want := range map[string]struct{ contentType, part string }{
		"page.js":              {"text/javascript; charset=utf-8", "SwaggerUIBundle"},
		"page.css":             {"text/css; charset=utf-8", "body"},
		"swagger-ui-bundle.js": {"text/javascript; charset=utf-8", "SwaggerUIBundle"},
		"swagger-ui.css":       {"text/css; charset=utf-8", ".swagger-ui"},
	} {
		plain := ask(p, "GET", "/swagger-ui/"+name)
		content := text(t, plain)
		if plain.StatusCode != 200 || plain.Header.Get("Content-Type") != want.contentType || !strings.Contains(content, want.part) ||
			plain.Header.Get("Content-Encoding") != "" || plain.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v %d bytes", name, plain.StatusCode, plain.Header, len(content))
		}
		packed := ask(p, "GET", "/swagger-ui/"+name, "Accept-Encoding", "deflate, GZIP;q=0.5")
		if packed.Header.Get("Content-Encoding") == "gzip" {
			if unpacked := unpack([]byte(text(t, packed))); string(unpacked) != content || packed.Header.Get("Vary") != "Accept-Encoding" || plain.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s packed: %v", name, packed.Header)
			}
		} else if strings.HasPrefix(name, "swagger-ui") || text(t, packed) != content {
			t.Errorf("%s is not packed", name)
		}
		if refused := ask(p, "GET", "/swagger-ui/"+name, "Accept-Encoding", "gzip;q=0"); refused.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s is packed for who cannot unpack", name)
		}
		head := ask(p, "HEAD", "/swagger-ui/"+name)
		if body := text(t, head); body != "" || head.ContentLength != int64(len(content)) {
			t.Errorf("HEAD %s: %d bytes of %d", name, len(body), head.ContentLength)
		}
		for _, response := range []*http.Response{plain, packed} {
			tag := response.Header.Get("Etag")
			tags[tag] = true
			again := ask(p, "GET", "/swagger-ui/"+name, "If-None-Match", tag, "Accept-Encoding", response.Header.Get("Content-Encoding"))
			if body := text(t, again); again.StatusCode != 304 || body != "" || again.Header.Get("Etag") != tag {
				t.Errorf("%s again: %d %v", name, again.StatusCode, again.Header)
			}
		}
		if other := ask(p, "GET", "/swagger-ui/"+name, "If-None-Match", `"other"`); other.StatusCode != 200 {
			t.Errorf("%s, once another: %d", name, other.StatusCode)
		}
	}
	if len(tags) != 6 { // four files, two of them in two forms
		t.Errorf("tags %v", tags)
	}
}

// What is not for the page costs next to nothing.
func TestFindAllocates(t *testing.T) {
	p := New("")
	r := httptest.NewRequest("GET", "/books?id=eq.1", nil)
	r.Header.Set("Accept", "application/json")
	if n := testing.AllocsPerRun(100, func() { p.Find(r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFind(b *testing.B) {
	p := New("")
	r := httptest.NewRequest("GET", "/books?id=eq.1", nil)
	for b.Loop() {
		p.Find(r)
	}
}
