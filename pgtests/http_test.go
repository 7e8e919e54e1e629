package pgtests

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/shell"
	"postern/shell/config"
)

const httpSecret = "reallyreallyreallyreallyverysafe"

// httpServer is the real shell, in this process, before a database of the tests.
type httpServer struct {
	address string
	admin   string // the socket of its admin server
	events  *lines
}

// lines is a log that can be read while it is written.
type lines struct {
	mutex sync.Mutex
	text  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// serveHTTP starts the shell with the settings of storeSettings and others, and waits until it is connected.
func serveHTTP(t testing.TB, database string, environment ...string) *httpServer {
	t.Helper()
	s := &httpServer{admin: filepath.Join(t.TempDir(), "admin.sock"), events: new(lines)}
	sources := config.Sources{Environment: append([]string{
		"PGRST_DB_URI=" + server.URI("store_login", database), "PGRST_DB_SCHEMAS=store,other", "PGRST_DB_EXTRA_SEARCH_PATH=public",
		"PGRST_DB_AGGREGATES_ENABLED=true", "PGRST_DB_PLAN_ENABLED=true", "PGRST_DB_ANON_ROLE=store_anon", "PGRST_JWT_SECRET=" + httpSecret,
		"PGRST_SERVER_HOST=127.0.0.1", "PGRST_SERVER_PORT=0", "PGRST_ADMIN_SERVER_UNIX_SOCKET=" + s.admin,
	}, environment...)}
	settings, err := config.Load(sources)
	if err != nil {
		t.Fatal(err)
	}
	connected := make(chan struct{})
	made, err := shell.New(shell.Options{
		Config: settings, Sources: sources, Requests: io.Discard, Events: s.events, Connected: func() { close(connected) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- made.Run(ctx) }()
	s.address = made.Address().String()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-connected:
	case <-time.After(30 * time.Second):
		t.Fatalf("not connected:\n%s", s.events)
	}
	return s
}

// clerkToken is the value of Authorization for the role store_clerk.
func clerkToken() string { return tokenOf(`{"role":"store_clerk"}`) }

// tokenOf is the value of Authorization for claims.
func tokenOf(claims string) string {
	content := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, []byte(httpSecret))
	mac.Write([]byte(content))
	return "Bearer " + content + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// httpAnswer is an answer with the headers in the order of net/http.
type httpAnswer struct {
	status  int
	headers http.Header
	body    []byte
}

// client sends requests of the store's clerk on one connection, as they are: no client of Go would let all of them pass.
type client struct {
	server *httpServer
	token  string
	conn   net.Conn
	reader *bufio.Reader
}

func (s *httpServer) client() *client { return &client{server: s, token: clerkToken()} }

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// do sends a request; the connection is made anew when there is none.
func (c *client) do(r request) (answer httpAnswer, err error) {
	if c.conn == nil {
		if c.conn, err = net.Dial("tcp", c.server.address); err != nil {
			return answer, err
		}
		c.reader = bufio.NewReader(c.conn)
	}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	_ = c.conn.SetDeadline(time.Now().Add(30 * time.Second))
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: h\r\nAuthorization: %s\r\n", r.method, r.target, c.token)
	for line := range strings.SplitSeq(r.headers, "\n") {
		if line != "" {
			text += line + "\r\n"
		}
	}
	if r.body != nil {
		text += "Content-Length: " + strconv.Itoa(len(r.body)) + "\r\n"
	}
	if _, err := c.conn.Write(append([]byte(text+"\r\n"), r.body...)); err != nil {
		return answer, err
	}
	response, err := http.ReadResponse(c.reader, &http.Request{Method: r.method})
	if err != nil {
		return answer, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if response.Close {
		defer c.close()
	}
	return httpAnswer{response.StatusCode, response.Header, body}, err
}

// sendable makes a request one that HTTP can carry: what may not stand in a target is percent-encoded. False where
// net/http would not let it pass.
func sendable(r request) (request, bool) {
	var target strings.Builder
	for i := range len(r.target) {
		if c := r.target[i]; c <= ' ' || c == '#' || c >= 0x7f {
			fmt.Fprintf(&target, "%%%02X", c)
		} else {
			target.WriteByte(c)
		}
	}
	r.target = target.String()
	if _, err := url.ParseRequestURI(r.target); err != nil || !strings.HasPrefix(r.target, "/") {
		return r, false
	}
	var headers []string
	for line := range strings.SplitSeq(r.headers, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			headers = append(headers, name+": "+strings.Trim(value, " \t"))
		}
	}
	r.headers = strings.Join(headers, "\n")
	for i := range len(r.headers) {
		if c := r.headers[i]; c != '\n' && (c < ' ' || c == 0x7f) {
			return r, false
		}
	}
	if r.method != http.MethodPost && r.method != http.MethodPatch && r.method != http.MethodPut && r.method != "QUERY" {
		r.body = nil
	} else if r.body == nil {
		r.body = []byte{}
	}
	return r, true
}

// metric is a figure of the shell's.
func (s *httpServer) metric(t testing.TB, name string) float64 {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", s.admin)
	}}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get("http://admin/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			figure, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return figure
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
