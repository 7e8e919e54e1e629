// Package page is the documentation page: Swagger UI, which shows the API's own description. A browser gets it at the
// root in place of that description. It is made of files in the binary and knows nothing of the API.
package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/swaggest/swgui/v5/static"

	"postern/shell/qvalue"
)

// prefix is below which the page's files are. Paths of two segments that do not begin with rpc are no paths of the API
// (PGRST125), so no relation and no function is hidden by it.
const prefix = "/swagger-ui/"

// policy lets the page load its own files and ask its own origin, nothing else (Content Security Policy Level 3).
// Swagger UI has icons in data: URLs and shows images that it got as blob: URLs.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page.js page.css
var own embed.FS

//go:embed index.html
var index string

// Page is the page for one configuration. The nil Page is none. It is safe for concurrent use.
type Page struct {
	base string // path that proxies put before those of the API, without a slash at its end
	html file
}

// New makes the page. proxyURI is where clients find the API (openapi-server-proxy-uri), "" without a proxy.
func New(proxyURI string) *Page {
	p := new(Page)
	if proxy, err := url.Parse(proxyURI); err == nil {
		p.base = strings.TrimSuffix(proxy.EscapedPath(), "/")
	}
	files := strings.TrimPrefix(prefix, "/") // relative: the page is at a path that ends in a slash
	if p.base != "" {
		files = p.base + prefix // also right where the proxy serves the page without the slash
	}
	p.html = newFile("text/html; charset=utf-8", false,
		[]byte(strings.ReplaceAll(index, "{files}", html.EscapeString(files))))
	return p
}

// Find returns what answers a request for the page or one of its files, and nil for any other request. The page is what
// a client gets at the root that wants HTML more than JSON.
func (p *Page) Find(r *http.Request) http.Handler {
	if p == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if path == "/" && wantsHTML(r.Header.Values("Accept")) {
		return p
	}
	if name, found := strings.CutPrefix(strings.TrimPrefix(path, p.base), prefix); found {
		if f, found := files()[name]; found {
			return f
		}
	}
	return nil
}

// ServeHTTP answers with the page.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Vary", "Accept, Prefer, Range") // as of the description
	p.html.ServeHTTP(w, r)
}

// file is what is served under one name. Of a packed one only the gzip form is kept.
type file struct {
	contentType string
	packed      bool
	content     []byte
	tag         string // digest of the content
}

func newFile(contentType string, packed bool, content []byte) file {
	sum := sha256.Sum256(content)
	return file{contentType, packed, content, hex.EncodeToString(sum[:12])}
}

// files are the page's files by name, read when first asked for, so that they cost no memory where nobody looks.
var files = sync.OnceValue(func() map[string]file {
	const script, style = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
	return map[string]file{
		"page.js":              newFile(script, false, must(own.ReadFile("page.js"))),
		"page.css":             newFile(style, false, must(own.ReadFile("page.css"))),
		"swagger-ui-bundle.js": newFile(script, true, must(static.FS.ReadFile("swagger-ui-bundle.js.gz"))),
		"swagger-ui.css":       newFile(style, true, must(static.FS.ReadFile("swagger-ui.css.gz"))),
	}
})

// ServeHTTP answers with the file. Clients may keep it but ask each time whether it has changed (RFC 9111, 5.2.2.4).
func (f file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", f.contentType)
	header.Set("Cache-Control", "no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	content, tag := f.content, f.tag
	if f.packed {
		header.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Values("Accept-Encoding")) {
			header.Set("Content-Encoding", "gzip")
			tag += "-gzip"
		} else {
			content = unpack(content)
		}
	}
	header.Set("Etag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

func unpack(content []byte) []byte {
	return must(io.ReadAll(must(gzip.NewReader(bytes.NewReader(content)))))
}

// must returns what is made of a file in the binary, which cannot fail.
func must[T any](made T, err error) T {
	if err != nil {
		panic(err)
	}
	return made
}

// wantsHTML reports whether text/html is what is wanted most of what the root can be: by q-value, then by place (RFC
// 9110, 12.5.1). It must be named: a client that takes anything gets JSON.
func wantsHTML(accept []string) bool {
	var html, json, any float64
	first := false // whether HTML comes before JSON
	for name, quality := range qvalue.Each(accept) {
		switch name {
		case "text/html":
			first = first || json == 0
			html = max(html, quality)
		case "application/json", "application/openapi+json", "application/vnd.oai.openapi+json":
			json = max(json, quality)
		case "*/*":
			any = max(any, quality)
		}
	}
	return html > 0 && html >= any && (html > json || html == json && first)
}

func acceptsGzip(encodings []string) bool {
	for name, quality := range qvalue.Each(encodings) {
		if name == "gzip" {
			return quality > 0
		}
	}
	return false
}
