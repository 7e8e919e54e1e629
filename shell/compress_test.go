package shell

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

var allCodings = []string{"PGRST_SERVER_COMPRESSION=zstd,br,gzip"}

func accepting(codings ...string) http.Header {
	if codings == nil {
		return nil
	}
	return http.Header{"Accept-Encoding": codings}
}

// decode undoes a content coding.
func decode(t *testing.T, coding string, body io.Reader) string {
	t.Helper()
	var err error
	switch coding {
	case "gzip":
		body, err = gzip.NewReader(body)
	case "br":
		body = brotli.NewReader(body)
	case "zstd":
		body, err = zstd.NewReader(body)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(coding, err)
	}
	return string(text)
}

func TestCompressionChoice(t *testing.T) {
	for _, test := range []struct {
		accept string
		want   string
	}{
		{"", ""},
		{"gzip", "gzip"},
		{"x-gzip", "gzip"},
		{"GZip;q=1.000", "gzip"},
		{"gzip, deflate, br, zstd", "zstd"},
		{"gzip, deflate, br", "br"},
		{"gzip;q=1.0, br;q=0.9, zstd;q=0.8", "gzip"},
		{"gzip;q=0.5, br ; q=0.5", "br"},
		{"*", "zstd"},
		{"*;q=0.1, zstd;q=0", "br"},
		{"gzip;q=0", ""},
		{"gzip;q=0, *", "zstd"},
		{"identity", ""},
		{"identity, gzip;q=0.5", ""},
		{"identity;q=0.5, gzip;q=1", "gzip"},
		{"identity, gzip", "gzip"},
		{"deflate, compress", ""},
		{"gzip;q=2", ""},
		{"gzip;q=-1", ""},
		{"gzip;q=NaN", ""},
		{"gzip;q=x", ""},
		{"gzip;level=9;q=0", ""},
		{", ,gzip,", "gzip"},
	} {
		body := []byte(strings.Repeat("some text, ", 500))
		r := respondTo(t, allCodings, accepting(test.accept), "GET", 200, body, "Content-Type", "application/json; charset=utf-8")
		if got := r.Header.Get("Content-Encoding"); got != test.want {
			t.Errorf("%q: %q, want %q", test.accept, got, test.want)
		}
		var sent bytes.Buffer
		_, _ = sent.ReadFrom(r.Body)
		if length := strconv.Itoa(sent.Len()); r.Header.Get("Content-Length") != length || r.Header.Get("Vary") != "Accept, Prefer, Range, Accept-Encoding" {
			t.Errorf("%q: %s bytes, %v", test.accept, length, r.Header)
		}
		if test.want != "" && sent.Len() >= len(body)/10 {
			t.Errorf("%q: %d bytes", test.accept, sent.Len())
		}
		if text := decode(t, test.want, &sent); text != string(body) {
			t.Errorf("%q: %.40q", test.accept, text)
		}
	}
}

// What is not compressed: without the setting, small bodies, parts, what is no text or is encoded already.
func TestCompressionDeclined(t *testing.T) {
	large := []byte(strings.Repeat("x", 1024))
	for _, test := range []struct {
		name     string
		settings []string
		method   string
		status   int
		body     []byte
		headers  []string
		want     string
	}{
		{"taken", allCodings, "GET", 200, large, nil, "gzip"},
		{"an error", allCodings, "GET", 404, large, nil, "gzip"},
		{"by default", nil, "GET", 200, large, nil, ""},
		{"another coding", []string{"PGRST_SERVER_COMPRESSION=br"}, "GET", 200, large, nil, ""},
		{"small", allCodings, "GET", 200, large[1:], nil, ""},
		{"small, with a lower bound", append([]string{"PGRST_SERVER_COMPRESSION_MIN_SIZE=100"}, allCodings...), "GET", 200, large[:100], nil, "gzip"},
		{"HEAD", allCodings, "HEAD", 200, large, nil, ""},
		{"partial", allCodings, "GET", 206, large, nil, ""},
		{"image", allCodings, "GET", 200, large, []string{"Content-Type", "image/png"}, ""},
		{"SVG", allCodings, "GET", 200, large, []string{"Content-Type", "image/svg+xml"}, "gzip"},
		{"octets", allCodings, "GET", 200, large, []string{"Content-Type", "application/octet-stream"}, ""},
		{"plan", allCodings, "GET", 200, large, []string{"Content-Type", `application/vnd.pgrst.plan+text; for="application/json"`}, "gzip"},
		{"encoded", allCodings, "GET", 200, large, []string{"Content-Encoding", "br"}, "br"},
		{"not to be transformed", allCodings, "GET", 200, large, []string{"Cache-Control", "private, No-Transform"}, ""},
		{"incompressible", append([]string{"PGRST_SERVER_COMPRESSION_MIN_SIZE=0"}, allCodings...), "GET", 200, []byte("ab"), nil, ""},
	} {
		if test.headers == nil || test.headers[0] != "Content-Type" {
			test.headers = append(test.headers, "Content-Type", "text/csv")
		}
		r := respondTo(t, test.settings, accepting("gzip"), test.method, test.status, test.body, test.headers...)
		if got := r.Header.Get("Content-Encoding"); got != test.want || r.StatusCode != test.status {
			t.Errorf("%s: %d %q", test.name, r.StatusCode, got)
		}
		varies := strings.Contains(r.Header.Get("Vary"), "Accept-Encoding")
		if varies != (test.settings != nil) {
			t.Errorf("%s: Vary %q", test.name, r.Header.Get("Vary"))
		}
	}
}

func TestCompressionHeaders(t *testing.T) {
	large := []byte(strings.Repeat("x", 2000))
	r := respondTo(t, allCodings, accepting("gzip"), "GET", 200, large, "Content-Type", "text/csv", "ETag", `"a"`, "Vary", "Accept, X")
	if r.Header.Get("ETag") != `W/"a"` || strings.Join(r.Header.Values("Vary"), ", ") != "Accept, X, Accept-Encoding" {
		t.Errorf("%v", r.Header)
	}
	r = respondTo(t, allCodings, accepting("gzip"), "GET", 200, large[:10], "Content-Type", "text/csv", "ETag", `"a"`)
	if r.Header.Get("ETag") != `"a"` {
		t.Errorf("not compressed: %v", r.Header)
	}
	r = respondTo(t, []string{"PGRST_SERVER_CORS_ALLOWED_ORIGINS=http://a"}, nil, "GET", 200, nil)
	if r.Header.Get("Vary") != "Accept, Prefer, Range, Origin" {
		t.Errorf("%v", r.Header)
	}
}
