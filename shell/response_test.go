package shell

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"postern/shell/apierror"
	"postern/shell/config"
	"postern/shell/db"
)

// respond writes an answer of the database and gives status and header.
func respond(t *testing.T, method string, status int, body []byte, headers ...string) *http.Response {
	t.Helper()
	return respondTo(t, nil, nil, method, status, body, headers...)
}

// respondTo is respond with settings and with header fields of the request.
func respondTo(t *testing.T, settings []string, request http.Header, method string, status int, body []byte, headers ...string) *http.Response {
	t.Helper()
	c, err := config.Load(config.Sources{Environment: settings})
	if err != nil {
		t.Fatal(err)
	}
	st := newState(c, nil, tokenSource{}, "i1")
	x := &exchange{answer: db.Answer{Status: status, Body: body}}
	for i := 0; i < len(headers); i += 2 {
		x.answer.Headers = append(x.answer.Headers, [2][]byte{[]byte(headers[i]), []byte(headers[i+1])})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := response{w: w, r: r, st: st, timeout: time.Minute}
		if err := out.send(x); err != nil {
			out.fault(&Server{log: &logger{events: io.Discard}}, err, nil)
		}
	}))
	defer server.Close()
	r, err := http.NewRequest(method, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = request
	if request == nil {
		r.Header = http.Header{}
	}
	response, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	return response
}

func TestResponseHeaders(t *testing.T) {
	r := respond(t, "GET", 206, []byte("body"), "content-type", "text/csv", "Set-Cookie", "a=1", "set-cookie", "b=2", "X-Ü", "", "Vary", "Accept")
	if r.StatusCode != 500 {
		t.Errorf("a name that is no token: %d", r.StatusCode)
	}
	r = respond(t, "GET", 206, []byte("body"), "content-type", "text/csv", "Set-Cookie", "a=1", "set-cookie", "b=2", "X-E", "", "Vary", "Accept", "X-U", "é")
	if r.StatusCode != 206 || r.Header.Get("Content-Type") != "text/csv" || !slices.Equal(r.Header.Values("Set-Cookie"), []string{"a=1", "b=2"}) ||
		r.Header.Get("Vary") != "Accept" || r.Header.Get("Content-Length") != "4" || r.Header.Get("Server") != "postern/"+Version || r.Header.Get("X-U") != "é" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
	r = respond(t, "GET", 200, []byte("<html>"))
	if _, given := r.Header["Content-Type"]; given || r.Header.Get("Vary") != "Accept, Prefer, Range" {
		t.Errorf("%v", r.Header)
	}
	r = respond(t, "GET", 200, []byte("body"), "Content-Length", "1", "Transfer-Encoding", "chunked", "connection", "close", "Upgrade", "x")
	if body, _ := io.ReadAll(r.Body); string(body) != "body" || r.ContentLength != 4 || r.Header.Get("Connection") != "" || r.Header.Get("Upgrade") != "" {
		t.Errorf("%q %v", body, r.Header)
	}
	r = respond(t, "GET", 503, nil)
	if r.Header.Get("Retry-After") != "1" {
		t.Errorf("%v", r.Header)
	}
}

func TestResponseWithoutBody(t *testing.T) {
	for _, test := range []struct {
		method string
		status int
		length string
	}{{"HEAD", 200, ""}, {"GET", 204, ""}, {"GET", 304, ""}, {"GET", 200, "4"}, {"OPTIONS", 200, "4"}} {
		r := respond(t, test.method, test.status, []byte("body"))
		if got := r.Header.Get("Content-Length"); got != test.length || r.StatusCode != test.status {
			t.Errorf("%s %d: %d, Content-Length %q", test.method, test.status, r.StatusCode, got)
		}
	}
}

func TestResponseInjection(t *testing.T) {
	for _, value := range []string{"a\r\nX-B: b", "a\nb", "a\rb", "a\x00b", "a\x7fb"} {
		r := respond(t, "GET", 200, nil, "X-A", value)
		body, _ := io.ReadAll(r.Body)
		if r.StatusCode != 500 || r.Header.Get("X-B") != "" || !strings.Contains(string(body), `"PGRST111"`) {
			t.Errorf("%q: %d %v %s", value, r.StatusCode, r.Header, body)
		}
	}
	for _, name := range []string{"", "a b", "a:b", "a\r\nb", "é", "a\x00"} {
		if r := respond(t, "GET", 200, nil, name, "v"); r.StatusCode != 500 {
			t.Errorf("%q: %d", name, r.StatusCode)
		}
	}
	for _, status := range []int{-1, 0, 99, 100, 101, 199, 1000} {
		r := respond(t, "GET", status, nil)
		if body, _ := io.ReadAll(r.Body); r.StatusCode != 500 || !strings.Contains(string(body), `"PGRST112"`) {
			t.Errorf("%d: %d %s", status, r.StatusCode, body)
		}
	}
}

func TestCORS(t *testing.T) {
	preflight := "Access-Control-Request-Method"
	for _, test := range []struct {
		name    string
		allowed []string
		method  string
		request []string
		want    string // whether it is a preflight request, and the header
	}{
		{"no origin", nil, "GET", nil, "false map[]"},
		{"any origin", nil, "GET", []string{"Origin", "http://a"}, "false map[Access-Control-Allow-Origin:[*] Access-Control-Expose-Headers:[" + corsExposed + "]]"},
		{"preflight", nil, "OPTIONS", []string{"Origin", "http://a", preflight, "POST", "Access-Control-Request-Headers", "Foo,Bar, accept"},
			"true map[Access-Control-Allow-Headers:[Authorization, Foo, Bar, accept, Accept-Language, Content-Language] Access-Control-Allow-Methods:[GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD] Access-Control-Allow-Origin:[*] Access-Control-Max-Age:[86400]]"},
		{"preflight of another method", nil, "OPTIONS", []string{"Origin", "http://a", preflight, "TRACE"},
			"false map[Access-Control-Allow-Origin:[*] Access-Control-Expose-Headers:[" + corsExposed + "]]"},
		{"no preflight by GET", nil, "GET", []string{"Origin", "http://a", preflight, "POST"},
			"false map[Access-Control-Allow-Origin:[*] Access-Control-Expose-Headers:[" + corsExposed + "]]"},
		{"listed", []string{"http://b", "http://a"}, "GET", []string{"Origin", "http://a"},
			"false map[Access-Control-Allow-Credentials:[true] Access-Control-Allow-Origin:[http://a] Access-Control-Expose-Headers:[" + corsExposed + "]]"},
		{"not listed", []string{"http://b"}, "GET", []string{"Origin", "http://a"}, "false map[]"},
		{"part of a listed one", []string{"http://abc"}, "GET", []string{"Origin", "http://a"}, "false map[]"},
		{"preflight not listed", []string{"http://b"}, "OPTIONS", []string{"Origin", "http://a", preflight, "POST"}, "false map[]"},
	} {
		r := httptest.NewRequest(test.method, "/", nil)
		for i := 0; i < len(test.request); i += 2 {
			r.Header.Set(test.request[i], test.request[i+1])
		}
		header := http.Header{}
		got := corsPolicy{test.allowed}.apply(header, r)
		if text := fmt.Sprint(got, " ", map[string][]string(header)); text != test.want {
			t.Errorf("%s: got %s\nwant %s", test.name, text, test.want)
		}
	}
}

func TestFaultBody(t *testing.T) {
	f := &apierror.Error{Code: "C", Message: "m\"", Details: "d"}
	if got := string(f.AppendBody(nil, true)); got != `{"code":"C","details":"d","hint":null,"message":"m\""}` {
		t.Error(got)
	}
	if got := string(f.AppendBody(nil, false)); got != `{"code":"C","message":"m\""}` {
		t.Error(got)
	}
}

func TestAccessLog(t *testing.T) {
	r := httptest.NewRequest("GET", "/a?b", nil)
	r.RemoteAddr = "10.0.0.1:99"
	r.Header.Set("User-Agent", "x\" \\\x1b")
	for level, statuses := range map[config.LogLevel][]int{
		config.LogCrit: nil, config.LogError: {500}, config.LogWarn: {400, 500}, config.LogInfo: {200, 400, 500}, config.LogDebug: {200, 400, 500},
	} {
		var text strings.Builder
		l := &logger{requests: &text}
		for _, status := range []int{200, 400, 500} {
			l.within(r, nil).access(level, "role", status, 7)
		}
		lines := strings.Count(text.String(), "\n")
		if lines != len(statuses) {
			t.Errorf("level %d: %s", level, text.String())
		}
		if lines > 0 && !strings.HasSuffix(text.String(), `] "GET /a?b HTTP/1.1" 500 7 "" "x\x22 \x5C\x1B"`+"\n") {
			t.Error(text.String())
		}
	}
}

// Whatever a client sends is one line of the log, of graphic characters alone, from which it can be read again.
func FuzzLog(f *testing.F) {
	for _, text := range []string{"", "é \u00a0", "a\r\nb", "\x1b[31m", "\u009b31m", "\u0085", "\xff\xfe", "\xc2", "\u202e", "\u2028", `"\`, "\x00\x7f", "\U000e0001"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var out strings.Builder
		l := &logger{requests: &out, events: &out}
		r := httptest.NewRequest("GET", "/", nil)
		r.Method, r.RequestURI = text, text
		r.Header.Set("User-Agent", text)
		r.Header.Set("Referer", text)
		l.within(r, nil).access(config.LogInfo, text, 200, 0)
		line := out.String()
		l.event("%s", text)
		for _, line := range []string{line, strings.TrimPrefix(out.String(), line)} {
			inside, ended := strings.CutSuffix(line, "\n")
			if !ended || !utf8.ValidString(inside) || strings.ContainsFunc(inside, func(c rune) bool { return !unicode.IsGraphic(c) }) {
				t.Errorf("%q is logged as %q", text, line)
			}
		}
		agent := regexp.MustCompile(`"([^"]*)"\n$`).FindStringSubmatch(line)
		if agent == nil {
			t.Fatalf("%q is logged as %q", text, line)
		}
		if again, err := strconv.Unquote(`"` + agent[1] + `"`); err != nil || again != text {
			t.Errorf("%q is logged as %q, which reads %q: %v", text, line, again, err)
		}
	})
}

func TestHostPreference(t *testing.T) {
	for host, want := range map[string]string{"*": "tcp ", "*4": "tcp ", "!4": "tcp4 0.0.0.0", "*6": "tcp ", "!6": "tcp6 ::", "::1": "tcp ::1", "[::1]": "tcp ::1", "localhost": "tcp localhost"} {
		network, address := hostPreference(host)
		if got := network + " " + address; got != want {
			t.Errorf("%s: %s", host, got)
		}
	}
}

// stuckWriter takes text when it is told to, like a log on a disk that does not answer.
type stuckWriter struct{ entered, leave chan struct{} }

func (w stuckWriter) Write(p []byte) (int, error) {
	select {
	case w.entered <- struct{}{}:
	default:
	}
	<-w.leave
	return len(p), nil
}

// A server that stops waits for what listens, so that nothing of it is left when Run returns.
func TestListenIsAwaited(t *testing.T) {
	c, err := config.Load(config.Sources{Environment: []string{"PGRST_DB_URI=postgres://u@127.0.0.1:1/d"}})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := db.Open(db.Options{URI: c.DBURI, Session: func() db.Session { return db.Session{} }})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	events := stuckWriter{make(chan struct{}, 1), make(chan struct{})}
	s := &Server{log: &logger{events: events}, pool: pool}
	s.state.Store(newState(c, nil, s.tokens, s.nextGeneration()))
	ctx, stop := context.WithCancel(t.Context())
	s.listen(ctx)
	<-events.entered // it says that it cannot connect
	stop()
	ended := make(chan struct{})
	go func() {
		s.background.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		t.Error("nobody waits for it")
	case <-time.After(100 * time.Millisecond):
	}
	close(events.leave)
	<-ended
}

// brokenWriter is a client that has gone: with HTTP/2 a part of the body may still be on its way.
type brokenWriter struct{ http.ResponseWriter }

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// The buffers of an answer that could not be written are not used for another one: they may still be read.
func TestBrokenAnswer(t *testing.T) {
	c, err := config.Load(config.Sources{Environment: []string{"PGRST_SERVER_COMPRESSION=gzip"}})
	if err != nil {
		t.Fatal(err)
	}
	st := newState(c, nil, tokenSource{}, "i1")
	body := bytes.Repeat([]byte("text "), 1000)
	for range 100 { // what other tests have left
		compressed.Get()
	}
	for _, accept := range []string{"", "gzip"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Encoding", accept)
		out := response{w: brokenWriter{httptest.NewRecorder()}, r: r, st: st, timeout: time.Minute}
		out.w.Header().Set("Content-Type", "text/plain")
		out.write(200, body)
		if !out.broken {
			t.Errorf("%q: its buffers are used again", accept)
		}
		for range 100 {
			if buffer := compressed.Get().(*bytes.Buffer); buffer.Len() > 0 {
				t.Errorf("%q: the compressed body is used again", accept)
			}
		}
	}
}
